/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/words.h"

#include <errno.h>

#include "util/buf.h"
#include "util/strv.h"

/* Exactly n digits at s as a number; false where there are fewer. */
static bool read_digits(const char *s, size_t n, unsigned base, uint32_t *out)
{
	uint32_t value = 0;

	for (size_t i = 0; i < n; i++) {
		const char *digits = "0123456789abcdef", *d;
		char c = s[i];

		if (c >= 'A' && c <= 'F')
			c = (char)(c - 'A' + 'a');
		d = c ? strchr(digits, c) : NULL;
		if (!d || d - digits >= base)
			return false;
		value = value * base + (uint32_t)(d - digits);
	}
	*out = value;
	return true;
}

static bool is_scalar_value(uint32_t c)
{
	return c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

static void put_utf8(struct buf *out, uint32_t c)
{
	/* how many continuation bytes, and the mark of a lead byte that announces them */
	unsigned n = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const unsigned mark[] = { 0x00, 0xc0, 0xe0, 0xf0 };

	buf_putc(out, (char)(mark[n] | c >> 6 * n));
	while (n-- > 0)
		buf_putc(out, (char)(0x80 | (c >> 6 * n & 0x3f)));
}

/*
 * The escape at s, behind its backslash: appends what it means and returns its length, 0 when it is
 * none.
 */
static size_t put_c_escape(struct buf *out, const char *s)
{
	static const char letters[] = "abfnrtvs\\\"'", meanings[] = "\a\b\f\n\r\t\v \\\"'";
	static const struct {
		size_t lead, digits;
		unsigned base;
		char letter;
	} numeric[] = { { 1, 2, 16, 'x' }, { 1, 4, 16, 'u' }, { 1, 8, 16, 'U' }, { 0, 3, 8, 0 } };
	const char *letter = *s ? strchr(letters, *s) : NULL;
	uint32_t c;

	if (letter) {
		buf_putc(out, meanings[letter - letters]);
		return 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(numeric); i++) {
		bool unicode = numeric[i].digits > 3;

		if (numeric[i].letter && *s != numeric[i].letter)
			continue;
		if (!read_digits(s + numeric[i].lead, numeric[i].digits, numeric[i].base, &c))
			continue;
		if (c == 0 || (unicode ? !is_scalar_value(c) : c > 0xff))
			return 0;
		if (unicode)
			put_utf8(out, c);
		else
			buf_putc(out, (char)c);
		return numeric[i].lead + numeric[i].digits;
	}
	return 0;
}

/* What stands at s, behind a backslash: the length that it takes, or -EINVAL. */
static ssize_t put_escaped(struct buf *out, const char *s, unsigned flags)
{
	size_t n = flags & WORD_PLAIN_ESCAPES ? 0 : put_c_escape(out, s);

	if (n > 0)
		return (ssize_t)n;
	if (flags & WORD_KEEP_UNKNOWN)
		buf_putc(out, '\\');
	else if (!(flags & WORD_PLAIN_ESCAPES))
		return -EINVAL;
	if (!*s)
		return 0;
	buf_putc(out, *s);
	return 1;
}

int words_unescape(struct buf *out, const char *s)
{
	while (*s) {
		ssize_t n = 0;

		if (*s != '\\') {
			buf_putc(out, *s++);
			continue;
		}
		n = put_escaped(out, ++s, 0);
		if (n < 0)
			return (int)n;
		s += n;
	}
	return 0;
}

int word_next(const char **text, unsigned flags, char **word)
{
	cleanup_buf struct buf out = BUF_INIT;
	const char *p = *text + strspn(*text, WHITESPACE);
	char quote = '\0';
	char *taken;

	if (!*p) {
		*text = p;
		return 0;
	}
	while (*p && (quote || !strchr(WHITESPACE, *p))) {
		char c = *p++;

		if (c == '\\') {
			ssize_t n = put_escaped(&out, p, flags);

			if (n < 0)
				return (int)n;
			p += n;
		} else if (c == quote) {
			quote = '\0';
		} else if (!quote && (c == '"' || c == '\'')) {
			quote = c;
		} else {
			buf_putc(&out, c);
		}
	}
	if (quote && !(flags & WORD_OPEN_QUOTE))
		return -EINVAL;
	taken = buf_take(&out);
	if (!taken)
		return -ENOMEM;
	*text = p + strspn(p, WHITESPACE);
	*word = taken;
	return 1;
}

int words_push_take(struct words *w, char *s)
{
	if (!s)
		return -ENOMEM;
	if (w->n + 2 > w->cap) {
		size_t cap = w->cap ? 2 * w->cap : 3; /* a program, an argument, the end */
		char **v = reallocarray(w->v, cap, sizeof(*v));

		if (!v) {
			free(s);
			return -ENOMEM;
		}
		w->v = v;
		w->cap = cap;
	}
	w->v[w->n++] = s;
	w->v[w->n] = NULL;
	return 0;
}

int words_push_split(struct words *w, const char *text, unsigned flags)
{
	char *word;
	int r;

	while ((r = word_next(&text, flags, &word)) > 0) {
		r = words_push_take(w, word);
		if (r < 0)
			return r;
	}
	return r;
}

void words_deinit(struct words *w)
{
	strv_free(w->v);
	*w = (struct words)WORDS_INIT;
}

int split_words(const char *s, char ***out)
{
	cleanup_words struct words words = WORDS_INIT;
	int r = words_push_split(&words, s, 0);

	if (r < 0)
		return r;
	*out = TAKE_PTR(words.v);
	return 0;
}
