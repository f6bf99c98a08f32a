/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The format of a log on disk: text, one record a line.
 *
 *	2026-01-31T12:00:00.123456Z text     a line that a service has written
 *	2026-01-31T12:00:00.123456Z+te       a piece of one: the next ' ' or '+' record goes on with it
 *	2026-01-31T12:00:00.123456Z#text     what cgkilld or the logger says of the service
 *	2026-01-31T12:00:00.123456Z@text     how the file is to be read, if otherwise than by default: its first record
 *
 * The text of ' ' records with a newline behind each, and of '+' records without one, is byte for byte what was written, NUL
 * and all. The time is UTC, when the logger read it; of a line in pieces its first one's counts.
 */
#include "util/clock.h"
#include "util/macro.h"

#define LOGLINE_STAMP  27 /* characters of clock_stamp() */
#define LOGLINE_PREFIX (LOGLINE_STAMP + 1)
#define LOGLINE_EXTRA  (LOGLINE_PREFIX + 1) /* what a record takes besides its text */

enum logline_mark {
	LOGLINE_WHOLE = ' ',
	LOGLINE_PIECE = '+',
	LOGLINE_EVENT = '#',
	LOGLINE_HEAD = '@'
};

/*
 * Makes records of what a service has written: as many bytes of in as find room (> LOGLINE_EXTRA) in out. Returns the bytes
 * of out; *used: those of in, at least one where there is one.
 */
size_t logline_write(char *out, size_t room, const char stamp[static LOGLINE_STAMP], const char *in,
		     size_t len, size_t *used);

struct logline {
	usec_t real; /* 0: not a record of ours; the text is the whole line, as if WHOLE */
	enum logline_mark mark;
	const char *text; /* in the data that was parsed */
	size_t len;
};

/* The first record of data. The bytes that it takes, its newline included; 0: its end is not there yet. */
size_t logline_parse(const char *data, size_t len, struct logline *out);
