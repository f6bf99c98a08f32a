/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * How things look to a person: colours, times, tables, and text that others wrote. And how they
 * look to a script: which of several exit codes it gets.
 */
#include "cgkill/protocol.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/macro.h"

/* What standard output can show. */
struct style {
	bool colour;
	bool utf8;
};

enum colour {
	COLOUR_PLAIN,
	COLOUR_BOLD,
	COLOUR_RED,
	COLOUR_GREEN,
	COLOUR_YELLOW,
	COLOUR_BLUE,
	COLOUR_MAX
};

struct style style_detect(void);
/* The sequence that turns a colour on, COLOUR_PLAIN all of them off; "" without colours. */
const char *style_colour(const struct style *s, enum colour c);
enum colour state_colour(const char *active_state);
/* The dot before a unit's name. */
const char *state_dot(const struct style *s, const char *active_state);
/* The branch of a tree before an entry, and what stands below it. */
const char *tree_branch(const struct style *s, bool last);
const char *tree_trunk(const struct style *s, bool last);

/*
 * s as it may go to a terminal: control characters (C0, DEL and C1) as \xNN, the rest of UTF-8 as
 * it is. The text may come from any process: a name in a survivor's comm must not be able to move
 * the cursor.
 */
void put_printable(struct buf *b, const char *s);
void print_printable(FILE *f, const char *s);
/* One sentence to standard error, made printable, behind all that standard output got so far. */
void complain(const char *fmt, ...) printf_like(1, 2);

#define TIME_MAX 64
/* "3s ago", "1min 30s ago", "in 5min", "now": as systemctl rounds, with what is 0 left out. */
const char *format_relative(usec_t then, usec_t now, char buf[static TIME_MAX]);
/* "Sun 2026-11-22 12:45:45 UTC", local time */
const char *format_timestamp(usec_t real, char buf[static TIME_MAX]);
/* "12:45:45.123456" */
const char *format_clock(usec_t real, char buf[static TIME_MAX]);

#define BYTES_MAX 24
/* "512B", "1.5M", in powers of 1024 */
const char *format_bytes(uint64_t bytes, char buf[static BYTES_MAX]);

/*
 * Rows of cells that stand in columns, as wide as they must be. Cells are copied, and made
 * printable.
 */
#define TABLE_COLUMNS_MAX 8
struct table {
	size_t columns;
	size_t width[TABLE_COLUMNS_MAX];
	char **cells;
	size_t n, cap;
	bool failed; /* memory ran out: cells are missing */
};
void table_add(struct table *t, const char *cell);
/* Prints row (0 is the first) without its newline; the last cell is not padded. */
void table_print_row(const struct table *t, size_t row);
void table_deinit(struct table *t);

/* The graver of two exit codes. */
int exit_worse(int a, int b);
