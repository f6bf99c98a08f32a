/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/format.h"

#include <errno.h>
#include <stdarg.h>
#include <time.h>

/* The mildest first: what is left to do by hand after a command that named several units. */
static const int by_severity[] = {
	CGKILL_EXIT_OK,	    CGKILL_EXIT_NOT_APPLICABLE, CGKILL_EXIT_NO_UNIT,   CGKILL_EXIT_LOAD,
	CGKILL_EXIT_DENIED, CGKILL_EXIT_FAILED,		CGKILL_EXIT_SURVIVORS, CGKILL_EXIT_USAGE,
};

static const struct {
	const char *state;
	enum colour colour;
	const char *dot, *ascii;
} states[] = {
	{ "active", COLOUR_GREEN, "●", "*" },	   { "reloading", COLOUR_GREEN, "↻", "*" },
	{ "activating", COLOUR_YELLOW, "●", "*" }, { "deactivating", COLOUR_YELLOW, "●", "*" },
	{ "failed", COLOUR_RED, "×", "x" },	   { "not-found", COLOUR_RED, "●", "*" },
	{ "inactive", COLOUR_PLAIN, "○", "o" },	   { "unknown", COLOUR_YELLOW, "?", "?" },
};

/* A unit of time down to which a span is told, and the next smaller one that is told with it. */
struct time_scale {
	usec_t at_least;
	usec_t unit;
	const char *name, *plural;
	usec_t fine_unit; /* 0 = none */
	const char *fine_name, *fine_plural;
};

#define MINUTE (60 * USEC_PER_SEC)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define WEEK   (7 * DAY)
#define YEAR   ((usec_t)31557600 * USEC_PER_SEC) /* 365.25 days: systemd.time(7) */
#define MONTH  (YEAR / 12)

static const struct time_scale scales[] = {
	{ YEAR, YEAR, " year", " years", MONTH, " month", " months" },
	{ MONTH, MONTH, " month", " months", DAY, " day", " days" },
	{ WEEK, WEEK, " week", " weeks", DAY, " day", " days" },
	{ 2 * DAY, DAY, " day", " days", 0, NULL, NULL },
	{ 25 * HOUR, DAY, " day", " days", HOUR, "h", "h" },
	{ 6 * HOUR, HOUR, "h", "h", 0, NULL, NULL },
	{ HOUR, HOUR, "h", "h", MINUTE, "min", "min" },
	{ 5 * MINUTE, MINUTE, "min", "min", 0, NULL, NULL },
	{ MINUTE, MINUTE, "min", "min", USEC_PER_SEC, "s", "s" },
	{ USEC_PER_SEC, USEC_PER_SEC, "s", "s", 0, NULL, NULL },
	{ USEC_PER_MSEC, USEC_PER_MSEC, "ms", "ms", 0, NULL, NULL },
	{ 1, 1, "us", "us", 0, NULL, NULL },
};

/*
 * The character set is taken from the environment without setlocale(), which would read the
 * locale's files. Where nothing is set, it is a system made without locales, and its terminal
 * shows UTF-8 all the same.
 */
static bool locale_is_utf8(void)
{
	static const char *const variables[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		const char *value = getenv(variables[i]);

		if (value && *value)
			return strcasestr(value, "UTF-8") || strcasestr(value, "utf8");
	}
	return true;
}

struct style style_detect(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return (struct style){
		.colour = isatty(STDOUT_FILENO) && !(no_color && *no_color) && term &&
			  !streq(term, "dumb"),
		.utf8 = locale_is_utf8(),
	};
}

const char *style_colour(const struct style *s, enum colour c)
{
	static const char *const sequences[COLOUR_MAX] = {
		[COLOUR_PLAIN] = "\033[0m",	[COLOUR_BOLD] = "\033[1m",
		[COLOUR_RED] = "\033[1;31m",	[COLOUR_GREEN] = "\033[1;32m",
		[COLOUR_YELLOW] = "\033[1;33m", [COLOUR_BLUE] = "\033[34m",
	};

	return s->colour ? sequences[c] : "";
}

enum colour state_colour(const char *active_state)
{
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (streq(states[i].state, active_state))
			return states[i].colour;
	return COLOUR_PLAIN;
}

const char *state_dot(const struct style *s, const char *active_state)
{
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (streq(states[i].state, active_state))
			return s->utf8 ? states[i].dot : states[i].ascii;
	return s->utf8 ? "●" : "*";
}

const char *tree_branch(const struct style *s, bool last)
{
	if (s->utf8)
		return last ? "└─" : "├─";
	return last ? "`-" : "|-";
}

const char *tree_trunk(const struct style *s, bool last)
{
	if (last)
		return "  ";
	return s->utf8 ? "│ " : "| ";
}

void put_printable(struct buf *b, const char *s)
{
	for (; *s; s++) {
		const unsigned char c = (unsigned char)s[0], next = (unsigned char)s[1];

		if (c < 0x20 || c == 0x7f) {
			buf_printf(b, "\\x%02x", c);
		} else if (c == 0xc2 && next >= 0x80 && next <= 0x9f) { /* C1 in UTF-8 */
			buf_printf(b, "\\x%02x", next);
			s++;
		} else {
			buf_putc(b, *s);
		}
	}
}

void print_printable(FILE *f, const char *s)
{
	cleanup_buf struct buf b = BUF_INIT;

	put_printable(&b, s);
	fwrite(b.data ? b.data : "", 1, b.len, f);
}

void complain(const char *fmt, ...)
{
	cleanup_buf struct buf line = BUF_INIT;
	cleanup_free char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	put_printable(&line, text ? text : "Out of memory.");
	buf_putc(&line, '\n');
	fflush(stdout);
	fwrite(line.data ? line.data : "", 1, line.len, stderr); /* at once, so that it is one write(2) */
}

/* "3s" or "1min 30s" */
static int put_span(char *buf, size_t size, const struct time_scale *s, usec_t span)
{
	usec_t n = span / s->unit, fine = s->fine_unit ? span % s->unit / s->fine_unit : 0;

	if (fine == 0)
		return snprintf(buf, size, "%llu%s", (unsigned long long)n,
				n == 1 ? s->name : s->plural);
	return snprintf(buf, size, "%llu%s %llu%s", (unsigned long long)n, n == 1 ? s->name : s->plural,
			(unsigned long long)fine, fine == 1 ? s->fine_name : s->fine_plural);
}

const char *format_relative(usec_t then, usec_t now, char buf[static TIME_MAX])
{
	const struct time_scale *s = scales;
	usec_t span = then > now ? then - now : now - then;
	int n;

	if (span == 0)
		return "now";
	while (span < s->at_least) /* the last is 1 */
		s++;
	n = snprintf(buf, TIME_MAX, "%s", then > now ? "in " : "");
	n += put_span(buf + n, TIME_MAX - (size_t)n, s, span);
	snprintf(buf + n, TIME_MAX - (size_t)n, "%s", then > now ? "" : " ago");
	return buf;
}

static bool local_time(usec_t real, struct tm *out)
{
	time_t seconds = (time_t)(real / USEC_PER_SEC);

	return localtime_r(&seconds, out);
}

const char *format_timestamp(usec_t real, char buf[static TIME_MAX])
{
	struct tm tm;

	if (!local_time(real, &tm) || strftime(buf, TIME_MAX, "%a %Y-%m-%d %H:%M:%S %Z", &tm) == 0)
		return "n/a";
	return buf;
}

const char *format_clock(usec_t real, char buf[static TIME_MAX])
{
	struct tm tm;
	size_t n;

	if (!local_time(real, &tm))
		return "n/a";
	n = strftime(buf, TIME_MAX, "%H:%M:%S", &tm);
	snprintf(buf + n, TIME_MAX - n, ".%06u", (unsigned)(real % USEC_PER_SEC));
	return buf;
}

const char *format_bytes(uint64_t bytes, char buf[static BYTES_MAX])
{
	static const char units[] = "BKMGTPE";
	double value = (double)bytes;
	size_t unit = 0;

	for (; value >= 1024 && units[unit + 1]; unit++)
		value /= 1024;
	snprintf(buf, BYTES_MAX, unit > 0 ? "%.1f%c" : "%.0f%c", value, units[unit]);
	return buf;
}

/* Characters, not bytes; those of double width are not told apart. */
static size_t text_width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static bool table_reserve(struct table *t)
{
	size_t cap = t->cap ? 2 * t->cap : 32;
	char **grown;

	if (t->failed || t->n < t->cap)
		return !t->failed;
	grown = reallocarray(t->cells, cap, sizeof(*grown));
	if (!grown)
		return false;
	t->cells = grown;
	t->cap = cap;
	return true;
}

void table_add(struct table *t, const char *cell)
{
	size_t *width = &t->width[t->n % t->columns];
	cleanup_buf struct buf b = BUF_INIT;
	char *text;

	put_printable(&b, cell);
	text = table_reserve(t) ? buf_take(&b) : NULL;
	if (!text) {
		t->failed = true;
		return;
	}
	t->cells[t->n++] = text;
	*width = MAX_OF(*width, text_width(text));
}

void table_print_row(const struct table *t, size_t row)
{
	for (size_t column = 0; column < t->columns; column++) {
		const char *cell = t->cells[row * t->columns + column];
		bool last = column + 1 == t->columns;

		printf("%s%*s", cell, last ? 0 : (int)(t->width[column] + 1 - text_width(cell)), "");
	}
}

void table_deinit(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
	*t = (struct table){ 0 };
}

static size_t severity(int code)
{
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(by_severity) && by_severity[i] != code)
		i++;
	return i;
}

int exit_worse(int a, int b)
{
	return severity(b) > severity(a) ? b : a;
}
