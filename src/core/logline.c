/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/logline.h"

size_t logline_write(char *out, size_t room, const char stamp[static LOGLINE_STAMP], const char *in,
		     size_t len, size_t *used)
{
	const char *const begin = in, *const end = in + len;
	char *to = out;

	while (in < end && room > LOGLINE_EXTRA) {
		size_t most = MIN_OF((size_t)(end - in), room - LOGLINE_EXTRA), n;
		const char *newline = memchr(in, '\n', most);

		n = newline ? (size_t)(newline - in) : most;
		memcpy(to, stamp, LOGLINE_STAMP);
		to[LOGLINE_STAMP] = newline ? LOGLINE_WHOLE : LOGLINE_PIECE;
		memcpy(to + LOGLINE_PREFIX, in, n);
		to[LOGLINE_PREFIX + n] = '\n';
		to += LOGLINE_EXTRA + n;
		room -= LOGLINE_EXTRA + n;
		in += n + (newline != NULL);
	}
	*used = (size_t)(in - begin);
	return (size_t)(to - out);
}

/* ---- reading ---- */

/* Days since 1970-01-01 of the proleptic Gregorian calendar; years begin in March, so that a leap day is the last. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400, of_era = y % 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* Digits up to the character that ends them; -1: it is not of this form. */
static int number(const char **p, int digits, char terminator)
{
	int n = 0;

	for (int i = 0; i < digits; i++) {
		char c = *(*p)++;

		if (c < '0' || c > '9')
			return -1;
		n = 10 * n + (c - '0');
	}
	return *(*p)++ == terminator ? n : -1;
}

/* A time of clock_stamp(); 0: it is none. */
static usec_t parse_stamp(const char *p)
{
	static const struct {
		int digits;
		char terminator;
	} parts[] = { { 4, '-' }, { 2, '-' }, { 2, 'T' }, { 2, ':' },
		      { 2, ':' }, { 2, '.' }, { 6, 'Z' } };
	int v[ARRAY_SIZE(parts)];
	int64_t seconds;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if ((v[i] = number(&p, parts[i].digits, parts[i].terminator)) < 0)
			return 0;
	if (v[0] < 1970 || v[1] < 1 || v[1] > 12 || v[2] < 1)
		return 0;
	seconds = ((days_of(v[0], v[1], v[2]) * 24 + v[3]) * 60 + v[4]) * 60 + v[5];
	return (usec_t)seconds * USEC_PER_SEC + (usec_t)v[6];
}

static bool is_mark(char c)
{
	return c == LOGLINE_WHOLE || c == LOGLINE_PIECE || c == LOGLINE_EVENT || c == LOGLINE_HEAD;
}

size_t logline_parse(const char *data, size_t len, struct logline *out)
{
	const char *newline = memchr(data, '\n', len);
	size_t n = newline ? (size_t)(newline - data) : 0;

	if (!newline)
		return 0;
	*out = (struct logline){ .mark = LOGLINE_WHOLE, .text = data, .len = n };
	if (n < LOGLINE_PREFIX || !is_mark(data[LOGLINE_STAMP]))
		return n + 1;
	out->real = parse_stamp(data);
	if (out->real > 0) {
		out->mark = (enum logline_mark)data[LOGLINE_STAMP];
		out->text += LOGLINE_PREFIX;
		out->len -= LOGLINE_PREFIX;
	}
	return n + 1;
}
