/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The lexer of unit files (systemd.syntax(7)): text → sections and assignments. What a line means
 * is not its business.
 *
 * Comments are lines whose first visible character is '#' or ';'. A backslash at the end of a line
 * becomes a space and the next line that is no comment continues it. Lines end in LF, CR or both; a
 * UTF-8 byte order mark is skipped.
 */
#include "util/buf.h"
#include "util/diag.h"

/* The longest line, continuations included; systemd's LONG_LINE_MAX. */
#define UNITFILE_LINE_MAX ((size_t)1024 * 1024)

struct unitfile {
	const char *file; /* for diagnostics */
	const char *pos, *end;
	unsigned line; /* the last one read */
	struct buf text;
};

enum unitfile_kind { UNITFILE_SECTION = 1, UNITFILE_ASSIGNMENT };

/* Strings are the reader's own, writable, and valid until the next call. */
struct unitfile_item {
	enum unitfile_kind kind;
	unsigned line; /* where it begins */
	char *name;    /* of the section, or the key */
	char *value;   /* of the assignment, white space around it cut off */
};

void unitfile_init(struct unitfile *f, const char *file, const char *data, size_t len);
void unitfile_deinit(struct unitfile *f);
/*
 * 1 with the next item; 0 at the end; -EBADMSG when the file cannot be read on (an error is in
 * diags), as systemd refuses it: a NUL byte, an invalid section header, text that is not UTF-8, a
 * line that is too long; -ENOMEM. Lines that are neither are warned about and skipped.
 */
int unitfile_next(struct unitfile *f, struct unitfile_item *item, struct diags *diags) must_check;

#define cleanup_unitfile __attribute__((cleanup(unitfile_deinit)))
