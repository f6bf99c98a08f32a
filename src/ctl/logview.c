/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/logview.h"

#include <errno.h>
#include <jansson.h>
#include <time.h>

#include "core/varlink.h"

/* ---- one line ---- */

/* "Nov 22 12:45:45.123456", local time */
static void print_time(usec_t real)
{
	time_t seconds = (time_t)(real / USEC_PER_SEC);
	char text[TIME_MAX] = "-";
	struct tm tm;

	if (real > 0 && localtime_r(&seconds, &tm) &&
	    strftime(text, sizeof(text), "%b %d %H:%M:%S", &tm) > 0)
		printf("%s.%06u ", text, (unsigned)(real % USEC_PER_SEC));
	else
		fputs("- ", stdout);
}

/* A NUL does not end it; a tab is harmless. */
static void print_text(const char *text, size_t len)
{
	cleanup_buf struct buf b = BUF_INIT;

	for (size_t at = 0; at < len; at++) {
		const char *stop = memchr(text + at, '\0', len - at);
		size_t n = stop ? (size_t)(stop - text) - at : len - at;
		cleanup_free char *part = strndup(text + at, n);

		for (char *p = part, *tab; p; p = tab ? tab + 1 : NULL) {
			tab = strchr(p, '\t');
			if (tab)
				*tab = '\0';
			put_printable(&b, p);
			if (tab)
				buf_putc(&b, '\t');
		}
		at += n;
		if (stop)
			buf_puts(&b, "\\x00");
	}
	fwrite(b.data ? b.data : "", 1, b.len, stdout);
}

static void show_short(const struct logview *v, const struct logreader *r)
{
	print_time(r->real);
	if (r->event)
		printf("%scgkilld: ", style_colour(&v->style, COLOUR_BOLD));
	printf("%s: ", r->unit);
	print_text(r->text, r->len);
	printf("%s\n", r->event ? style_colour(&v->style, COLOUR_PLAIN) : "");
}

static void show_cat(const struct logreader *r)
{
	if (r->event)
		return;
	fwrite(r->text, 1, r->len, stdout);
	if (r->ended)
		putchar('\n');
}

/* As journalctl has it: what is no text is an array of bytes. */
static json_t *message(const struct logreader *r)
{
	json_t *o = memchr(r->text, '\0', r->len) ? NULL : json_stringn(r->text, r->len);

	if (o)
		return o;
	o = json_array();
	for (size_t i = 0; o && i < r->len; i++)
		json_array_append_new(o, json_integer((unsigned char)r->text[i]));
	return o;
}

static void show_json(const struct logreader *r)
{
	char real[32];
	cleanup_json json_t *o = NULL;

	snprintf(real, sizeof(real), "%llu", (unsigned long long)r->real);
	o = json_pack("{s:s, s:s, s:s, s:o}", "__REALTIME_TIMESTAMP", real,
		      r->event ? "UNIT" : "_SYSTEMD_UNIT", r->unit, "SYSLOG_IDENTIFIER",
		      r->event ? "cgkilld" : r->unit, "MESSAGE", message(r));
	if (o)
		json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
}

static void show(const struct logview *v, const struct logreader *r)
{
	switch (v->form) {
	case LOG_FORM_SHORT:
		show_short(v, r);
		break;
	case LOG_FORM_CAT:
		show_cat(r);
		break;
	case LOG_FORM_JSON:
		show_json(r);
		break;
	case LOG_FORM_MAX:
		break;
	}
}

/* ---- all of them ---- */

static bool is_wanted(const struct logview *v, const struct logreader *r)
{
	return r->real >= v->since && !(r->event && (v->output_only || v->form == LOG_FORM_CAT));
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
		if (v->passed++ >= v->skip && !v->silent)
			show(v, r);
		if (ferror(stdout))
			return -EIO;
	}
	return e;
}

void logview_deinit(struct logview *v)
{
	for (size_t i = 0; i < v->n; i++)
		logreader_deinit(&v->readers[i]);
	free(TAKE_PTR(v->readers));
	v->n = 0;
}
