/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/logview.h"

#include <errno.h>
#include <jansson.h>
#include <time.h>

#include "core/text.h"
#include "core/varlink.h"

/* ---- one line ---- */

/* "Nov 22 12:45:45.123456", local time */
static void print_time(FILE *out, usec_t real)
{
	time_t seconds = (time_t)(real / USEC_PER_SEC);
	char text[TIME_MAX] = "-";
	struct tm tm;

	if (real > 0 && localtime_r(&seconds, &tm) &&
	    strftime(text, sizeof(text), "%b %d %H:%M:%S", &tm) > 0)
		fprintf(out, "%s.%06u ", text, (unsigned)(real % USEC_PER_SEC));
	else
		fputs("- ", out);
}

/* What is not UTF-8 may be C1 to a terminal. */
static void put_part(struct buf *b, const char *p)
{
	if (text_is_utf8(p)) {
		put_printable(b, p);
		return;
	}
	for (; *p; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
			buf_printf(b, "\\x%02x", (unsigned char)*p);
		else
			buf_putc(b, *p);
}

static bool is_plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] >= 0x7f)
			return false;
	return true;
}

/* A NUL does not end it; a tab is harmless. Most lines are neither long nor strange. */
static void print_text(FILE *out, const char *text, size_t len)
{
	cleanup_buf struct buf b = BUF_INIT;

	if (is_plain(text, len)) {
		fwrite(text, 1, len, out);
		return;
	}
	for (size_t at = 0; at < len; at++) {
		const char *stop = memchr(text + at, '\0', len - at);
		size_t n = stop ? (size_t)(stop - text) - at : len - at;
		cleanup_free char *part = strndup(text + at, n);

		for (char *p = part, *tab; p; p = tab ? tab + 1 : NULL) {
			tab = strchr(p, '\t');
			if (tab)
				*tab = '\0';
			put_part(&b, p);
			if (tab)
				buf_putc(&b, '\t');
		}
		at += n;
		if (stop)
			buf_puts(&b, "\\x00");
	}
	fwrite(b.data ? b.data : "", 1, b.len, out);
}

/* As journalctl has it: by how bad it is. */
static const char *colour_of(const struct logview *v, const struct logreader *r)
{
	if (r->level <= 3)
		return style_colour(&v->style, COLOUR_RED);
	if (r->level == 4)
		return style_colour(&v->style, COLOUR_YELLOW);
	return r->event || r->level == 5 ? style_colour(&v->style, COLOUR_BOLD) : NULL;
}

static void show_short(const struct logview *v, const struct logreader *r)
{
	const char *colour = colour_of(v, r);

	print_time(v->out, r->real);
	if (colour)
		fputs(colour, v->out);
	fprintf(v->out, "%s%s: ", r->event ? "cgkilld: " : "", r->unit);
	print_text(v->out, r->text + r->prefix, r->len - r->prefix);
	fprintf(v->out, "%s\n", colour ? style_colour(&v->style, COLOUR_PLAIN) : "");
}

static void show_cat(const struct logview *v, const struct logreader *r)
{
	if (v->terminal)
		print_text(v->out, r->text, r->len);
	else
		fwrite(r->text, 1, r->len, v->out);
	if (r->ended)
		putc('\n', v->out);
}

/* As journalctl has it: what is no text is an array of bytes. */
static json_t *message(const struct logreader *r)
{
	json_t *o = memchr(r->text, '\0', r->len)
			    ? NULL
			    : json_stringn(r->text + r->prefix, r->len - r->prefix);

	if (o)
		return o;
	o = json_array();
	for (size_t i = 0; o && i < r->len; i++)
		json_array_append_new(o, json_integer((unsigned char)r->text[i]));
	return o;
}

static void show_json(const struct logview *v, const struct logreader *r)
{
	const char *id = r->event ? "cgkilld" : r->how.identifier ? r->how.identifier : r->unit;
	int facility = r->event ? logging_default.facility : r->how.facility;
	char real[32], level[12], number[12];
	cleanup_json json_t *o = NULL;

	snprintf(real, sizeof(real), "%llu", (unsigned long long)r->real);
	snprintf(level, sizeof(level), "%d", r->level);
	snprintf(number, sizeof(number), "%d", facility);
	o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "__REALTIME_TIMESTAMP", real, "PRIORITY",
		      level, "SYSLOG_FACILITY", number, r->event ? "UNIT" : "_SYSTEMD_UNIT",
		      r->unit, "SYSLOG_IDENTIFIER", id, "MESSAGE", message(r));
	if (o)
		json_dumpf(o, v->out, JSON_COMPACT);
	putc('\n', v->out);
}

static int note_begin(struct logview *v)
{
	off_t *begins = reallocarray(v->begins, v->n_begins + 2, sizeof(*begins));

	if (!begins)
		return -ENOMEM;
	v->begins = begins;
	v->begins[v->n_begins++] = ftello(v->out);
	return 0;
}

static void show(const struct logview *v, const struct logreader *r)
{
	switch (v->form) {
	case LOG_FORM_SHORT:
		show_short(v, r);
		break;
	case LOG_FORM_CAT:
		show_cat(v, r);
		break;
	case LOG_FORM_JSON:
		show_json(v, r);
		break;
	case LOG_FORM_MAX:
		break;
	}
}

/* ---- all of them ---- */

static bool is_wanted(const struct logview *v, const struct logreader *r)
{
	return r->real >= v->since && r->level >= v->level_min && r->level <= v->level_max &&
	       !(r->event && (v->output_only || v->form == LOG_FORM_CAT));
}

/* The reader whose line is the earliest; NULL: nobody has one. */
static int earliest(struct logview *v, bool flush, struct logreader **out, const char **whose)
{
	*out = NULL;
	for (size_t i = 0; i < v->n; i++) {
		struct logreader *r = &v->readers[i];
		int e = r->have ? 1 : logreader_next(r, flush);

		if (e < 0) {
			*whose = r->unit;
			return e;
		}
		if (e > 0 && (!*out || r->real < (*out)->real))
			*out = r;
	}
	return 0;
}

int logview_show(struct logview *v, bool flush, const char **whose)
{
	struct logreader *r;
	int e;

	*whose = NULL;
	while ((e = earliest(v, flush, &r, whose)) == 0 && r) {
		if (r->real > v->until)
			return 1;
		r->have = false;
		if (!is_wanted(v, r))
			continue;
		if (v->passed++ < v->skip || v->silent)
			continue;
		if (v->reverse && note_begin(v) < 0)
			return -ENOMEM;
		show(v, r);
		if (ferror(v->out))
			return -EIO;
	}
	return e;
}

int logview_tell_backwards(struct logview *v)
{
	off_t end = ftello(v->out);

	for (size_t i = v->n_begins; i > 0; end = v->begins[--i]) {
		size_t len = (size_t)(end - v->begins[i - 1]);
		cleanup_free char *line = malloc(len);

		if (!line || fseeko(v->out, v->begins[i - 1], SEEK_SET) < 0 ||
		    fread(line, 1, len, v->out) != len)
			return line ? -EIO : -ENOMEM;
		fwrite(line, 1, len, stdout);
	}
	return ferror(stdout) ? -EIO : 0;
}

void logview_deinit(struct logview *v)
{
	for (size_t i = 0; i < v->n; i++)
		logreader_deinit(&v->readers[i]);
	free(TAKE_PTR(v->readers));
	free(TAKE_PTR(v->begins));
	v->n = 0;
}
