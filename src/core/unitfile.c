/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/unitfile.h"

#include <errno.h>

#include "core/text.h"

#define BOM "\xef\xbb\xbf"

void unitfile_init(struct unitfile *f, const char *file, const char *data, size_t len)
{
	*f = (struct unitfile){ .file = file, .pos = data, .end = data + len, .text = BUF_INIT };
	if (len >= strlen(BOM) && memcmp(data, BOM, strlen(BOM)) == 0)
		f->pos += strlen(BOM);
}

void unitfile_deinit(struct unitfile *f)
{
	buf_deinit(&f->text);
}

struct span_of_text {
	const char *start, *end;
};

/* Takes the next physical line. LF, CR, CR LF and LF CR end one, as in systemd's read_line(). */
static struct span_of_text take_line(struct unitfile *f)
{
	struct span_of_text l = { f->pos, f->pos };

	while (l.end < f->end && *l.end != '\n' && *l.end != '\r')
		l.end++;
	f->pos = l.end;
	if (f->pos < f->end)
		f->pos++;
	if (f->pos < f->end && f->pos > l.end && (*f->pos == '\n' || *f->pos == '\r') &&
	    *f->pos != f->pos[-1])
		f->pos++;
	f->line++;
	return l;
}

static bool is_comment(struct span_of_text l)
{
	while (l.start < l.end && strchr(WHITESPACE, *l.start))
		l.start++;
	return l.start < l.end && (*l.start == '#' || *l.start == ';');
}

/* An odd number of backslashes at the end: the last one is not itself escaped. */
static bool is_continued(struct span_of_text l)
{
	const char *p = l.end;

	while (p > l.start && p[-1] == '\\')
		p--;
	return (l.end - p) % 2 == 1;
}

static int refuse(const struct unitfile *f, unsigned line, struct diags *diags, const char *why)
{
	diag_add(diags, DIAG_ERROR, f->file, line, "%s", why);
	return -EBADMSG;
}

/* Collects the next logical line in f->text. 1, 0 at the end, -EBADMSG, -ENOMEM. */
static int take_logical_line(struct unitfile *f, unsigned *start, struct diags *diags)
{
	bool continued = false;

	f->text.len = 0;
	while (f->pos < f->end) {
		struct span_of_text l = take_line(f);
		size_t len = (size_t)(l.end - l.start);

		if (len > 0 && memchr(l.start, '\0', len))
			return refuse(f, f->line, diags, "NUL byte in the file. Refusing.");
		if (is_comment(l))
			continue;
		if (!continued)
			*start = f->line;
		if (f->text.len + len > UNITFILE_LINE_MAX)
			return refuse(f, *start, diags, "Line is longer than 1 MiB. Refusing.");
		continued = is_continued(l);
		buf_append(&f->text, l.start, len - continued);
		if (!continued)
			break;
		buf_putc(&f->text, ' ');
	}
	return buf_error(&f->text) ? -ENOMEM : f->text.len > 0 || f->pos < f->end;
}

/* 1 with *item set, 0 for a line to be skipped, -EBADMSG. */
static int read_section(const struct unitfile *f, char *s, struct unitfile_item *item, struct diags *diags)
{
	size_t len = strlen(s);

	if (s[len - 1] != ']') {
		diag_add(diags, DIAG_ERROR, f->file, item->line, "Invalid section header '%s'", s);
		return -EBADMSG;
	}
	s[len - 1] = '\0';
	item->kind = UNITFILE_SECTION;
	item->name = s + 1;
	item->value = NULL;
	return 1;
}

static int read_assignment(const struct unitfile *f, char *s, struct unitfile_item *item,
			   struct diags *diags)
{
	char *equals = strchr(s, '=');

	if (!equals || equals == s) {
		diag_add(diags, DIAG_WARNING, f->file, item->line, "Missing %s, ignoring line.",
			 equals ? "key name before '='" : "'='");
		return 0;
	}
	*equals = '\0';
	item->kind = UNITFILE_ASSIGNMENT;
	item->name = text_strip(s);
	item->value = text_strip(equals + 1);
	return 1;
}

int unitfile_next(struct unitfile *f, struct unitfile_item *item, struct diags *diags)
{
	struct unitfile_item found = { .line = 0 };
	int r;

	do {
		char *s;

		r = take_logical_line(f, &found.line, diags);
		if (r <= 0)
			return r;
		if (f->text.len == 0) {
			r = 0;
			continue;
		}
		s = text_strip(f->text.data);
		if (!text_is_utf8(s))
			return refuse(f, found.line, diags, "Text is not UTF-8. Refusing.");
		if (*s == '\0')
			r = 0;
		else if (*s == '[')
			r = read_section(f, s, &found, diags);
		else
			r = read_assignment(f, s, &found, diags);
	} while (r == 0);
	if (r > 0)
		*item = found;
	return r;
}
