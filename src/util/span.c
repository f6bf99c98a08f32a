/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/parse.h"

#include <errno.h>
#include <inttypes.h>

#define DIGITS	   "0123456789"
#define WHITESPACE " \t\n\r"

/* A year is 365.25 days and a month the twelfth part of one: systemd.time(7). */
#define MINUTE (60 * USEC_PER_SEC)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define WEEK   (7 * DAY)
#define YEAR   (31557600 * USEC_PER_SEC)
#define MONTH  (YEAR / 12)

static const struct unit_word {
	const char *word;
	usec_t usec;
} unit_words[] = {
	/* what begins with another one's letters stands before it */
	{ "seconds", USEC_PER_SEC },
	{ "second", USEC_PER_SEC },
	{ "sec", USEC_PER_SEC },
	{ "s", USEC_PER_SEC },
	{ "minutes", MINUTE },
	{ "minute", MINUTE },
	{ "min", MINUTE },
	{ "months", MONTH },
	{ "month", MONTH },
	{ "M", MONTH },
	{ "msec", USEC_PER_MSEC },
	{ "ms", USEC_PER_MSEC },
	{ "m", MINUTE },
	{ "hours", HOUR },
	{ "hour", HOUR },
	{ "hr", HOUR },
	{ "h", HOUR },
	{ "days", DAY },
	{ "day", DAY },
	{ "d", DAY },
	{ "weeks", WEEK },
	{ "week", WEEK },
	{ "w", WEEK },
	{ "years", YEAR },
	{ "year", YEAR },
	{ "y", YEAR },
	{ "usec", 1 },
	{ "us", 1 },
	{ "\u00b5s", 1 }, /* MICRO SIGN */
	{ "\u03bcs", 1 }, /* GREEK SMALL LETTER MU */
};

static const char *skip_white(const char *s)
{
	return s + strspn(s, WHITESPACE);
}

/* Takes the unit word at *s, if there is one. */
static bool take_unit(const char **s, usec_t *unit)
{
	for (size_t i = 0; i < ARRAY_SIZE(unit_words); i++) {
		const char *rest = after_prefix(*s, unit_words[i].word);

		if (!rest)
			continue;
		*s = rest;
		*unit = unit_words[i].usec;
		return true;
	}
	return false;
}

static int take_whole(const char **s, uint64_t *out)
{
	uint64_t value = 0;

	for (; **s >= '0' && **s <= '9'; (*s)++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(**s - '0'), &value) || value > INT64_MAX)
			return -ERANGE;
	*out = value;
	return 0;
}

/* *sum += term, where the sum must stay below infinity. */
static int add_term(usec_t *sum, usec_t count, usec_t unit)
{
	usec_t term;

	if (__builtin_mul_overflow(count, unit, &term) || term >= USEC_INFINITY - *sum)
		return -ERANGE;
	*sum += term;
	return 0;
}

/* Takes "NUMBER[.FRACTION][ UNIT]" off *s and adds it to *sum. */
static int take_term(const char **s, usec_t unit, usec_t *sum)
{
	const char *p = *s, *start, *fraction, *behind;
	uint64_t whole;
	int r;

	if (*p == '-')
		return -ERANGE;
	if (*p == '+' && p[1] >= '0' && p[1] <= '9')
		p++;
	start = p;
	r = take_whole(&p, &whole);
	if (r < 0)
		return r;
	fraction = p;
	if (*p == '.') {
		fraction = ++p;
		p += strspn(p, DIGITS);
		if (p == fraction)
			return -EINVAL;
	} else if (p == start) {
		return -EINVAL;
	}
	behind = p;
	p = skip_white(p);
	/* A number that nothing ends is no number: "12.34.56", "3x". */
	if (!take_unit(&p, &unit) && p == behind && *p)
		return -EINVAL;
	*s = p;

	r = add_term(sum, whole, unit);
	for (; r == 0 && fraction < behind; fraction++) {
		unit /= 10; /* cut off below a microsecond digit by digit, as in systemd */
		r = add_term(sum, (usec_t)(*fraction - '0'), unit);
	}
	return r;
}

int parse_span_unit(const char *s, usec_t unit, usec_t *out)
{
	const char *p = skip_white(s), *rest = after_prefix(p, "infinity");
	usec_t sum = 0;
	int r;

	if (rest) {
		if (*skip_white(rest))
			return -EINVAL;
		*out = USEC_INFINITY;
		return 0;
	}
	if (!*p)
		return -EINVAL;
	for (; *p; p = skip_white(p)) {
		r = take_term(&p, unit, &sum);
		if (r < 0)
			return r;
	}
	*out = sum;
	return 0;
}

int parse_span(const char *s, usec_t *out)
{
	return parse_span_unit(s, USEC_PER_SEC, out);
}

const char *format_span(usec_t span, char buf[static SPAN_MAX])
{
	static const struct {
		const char *suffix;
		usec_t usec;
		int decimals; /* digits down to a microsecond, where the rest follows a dot */
	} units[] = {
		{ "y", YEAR, 0 },	  { "month", MONTH, 0 },      { "w", WEEK, 0 },
		{ "d", DAY, 0 },	  { "h", HOUR, 0 },	      { "min", MINUTE, 0 },
		{ "s", USEC_PER_SEC, 6 }, { "ms", USEC_PER_MSEC, 3 }, { "us", 1, 0 },
	};
	size_t len = 0;

	if (span == USEC_INFINITY)
		return strcpy(buf, "infinity");
	if (span == 0)
		return strcpy(buf, "0");
	for (size_t i = 0; i < ARRAY_SIZE(units) && span > 0; i++) {
		usec_t count = span / units[i].usec, rest = span % units[i].usec;

		if (count == 0)
			continue;
		len += (size_t)snprintf(buf + len, SPAN_MAX - len, "%s%" PRIu64, len > 0 ? " " : "",
					count);
		if (rest > 0 && units[i].decimals > 0) {
			len += (size_t)snprintf(buf + len, SPAN_MAX - len, ".%0*" PRIu64,
						units[i].decimals, rest);
			rest = 0;
		}
		len += (size_t)snprintf(buf + len, SPAN_MAX - len, "%s", units[i].suffix);
		span = rest;
	}
	return buf;
}

const char *format_span_short(usec_t span, char buf[static SPAN_MAX])
{
	static const struct {
		const char *suffix;
		usec_t usec;
	} units[] = { { "s", USEC_PER_SEC }, { "ms", USEC_PER_MSEC }, { "us", 1 } };
	size_t i = 0;

	if (span == USEC_INFINITY || span >= MINUTE)
		return format_span(span == USEC_INFINITY ? span : span - span % USEC_PER_SEC, buf);
	while (i + 1 < ARRAY_SIZE(units) && span < units[i].usec)
		i++;
	snprintf(buf, SPAN_MAX, "%.3g%s", (double)span / (double)units[i].usec,
		 span == 0 ? "" : units[i].suffix);
	return buf;
}
