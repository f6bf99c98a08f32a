/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A growable byte buffer. While data is not NULL it is NUL-terminated (the NUL is not counted). Allocation failure is
 * sticky: later appends do nothing and buf_error() says -ENOMEM, so that a builder checks once, at its end.
 */
#include <stdbool.h>
#include <stddef.h>

#include "util/macro.h"

struct buf {
	char *data;
	size_t len, cap;
	bool failed;
	bool fixed; /* data is the caller's: what finds no room fails, and buf_deinit() and buf_take() are not for it */
};

#define BUF_INIT             \
	{                    \
		.data = NULL \
	}

void buf_deinit(struct buf *b);
void buf_append(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) printf_like(2, 3);
/* Drops all but the first len bytes (len <= b->len). */
void buf_truncate(struct buf *b, size_t len);
/* Drops the first len bytes (len <= b->len). */
void buf_consume(struct buf *b, size_t len);
static inline int buf_error(const struct buf *b)
{
	return b->failed ? -12 /* -ENOMEM */ : 0;
}
/* The text so far as a string that the caller frees ("" when empty); NULL if memory ran out. Leaves b empty. */
char *buf_take(struct buf *b) must_check;

#define cleanup_buf __attribute__((cleanup(buf_deinit)))
