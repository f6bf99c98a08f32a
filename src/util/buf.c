/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/buf.h"

#include <stdarg.h>

/* Makes room for len more bytes and the NUL. */
static bool reserve(struct buf *b, size_t len)
{
	size_t want, cap;
	char *p;

	if (b->failed)
		return false;
	if (__builtin_add_overflow(b->len, len, &want) || __builtin_add_overflow(want, 1, &want))
		goto fail;
	if (want <= b->cap)
		return true;
	if (b->fixed)
		goto fail;
	cap = b->cap ? b->cap : 64;
	while (cap < want)
		if (__builtin_mul_overflow(cap, 2, &cap))
			goto fail;
	p = realloc(b->data, cap);
	if (!p)
		goto fail;
	b->data = p;
	b->cap = cap;
	return true;
fail:
	b->failed = true;
	return false;
}

void buf_deinit(struct buf *b)
{
	free(b->data);
	*b = (struct buf)BUF_INIT;
}

void buf_append(struct buf *b, const void *data, size_t len)
{
	if (!reserve(b, len))
		return;
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_puts(struct buf *b, const char *s)
{
	buf_append(b, s, strlen(s));
}

void buf_putc(struct buf *b, char c)
{
	buf_append(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !reserve(b, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void buf_truncate(struct buf *b, size_t len)
{
	b->len = len;
	if (b->data)
		b->data[len] = '\0';
}

void buf_consume(struct buf *b, size_t len)
{
	if (len == 0)
		return;
	memmove(b->data, b->data + len, b->len - len + 1);
	b->len -= len;
}

char *buf_take(struct buf *b)
{
	char *p = NULL;

	if (reserve(b, 0)) {
		b->data[b->len] = '\0';
		p = realloc(b->data, b->len + 1); /* most are small, and kept for long */
		p = p ? p : b->data;
		b->data = NULL;
	}
	buf_deinit(b);
	return p;
}
