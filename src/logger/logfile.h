/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The log of one unit: UNIT.log, which is renamed to UNIT.log.N when it has grown large; the N go up, so that a file keeps
 * its name for good, and the oldest is removed.
 */
#include <sys/types.h>

#include "util/macro.h"

struct log_limits {
	uint64_t max_size; /* of a file, in bytes; UINT64_MAX = none */
	unsigned max_files;
};

struct logfile {
	char *name; /* "UNIT.log" */
	char *head; /* what its first record says; a file with another one is rotated. NULL = it has none */
	int fd; /* -1: not open yet */
};

#define LOGFILE_INIT           \
	{                      \
		NULL, NULL, -1 \
	}

/* 0 or -ENOMEM; nothing is opened yet. */
int logfile_init(struct logfile *f, const char *unit) must_check;
void logfile_deinit(struct logfile *f);

/* Where the next bytes go: a file by its inode, and the offset. */
struct logfile_place {
	uint64_t inode, offset;
};

/* Makes it ready for so many bytes: opened, again where somebody has removed it, and rotated. 0 or -errno. */
int logfile_prepare(struct logfile *f, int dir_fd, const struct log_limits *l, size_t bytes,
		    struct logfile_place *out) must_check;
/* Appends all of it to a file that is ready, or nothing. 0 or -errno. */
int logfile_append(struct logfile *f, const void *data, size_t len, uint64_t offset) must_check;
/* Takes back what was appended at that place and later. */
void logfile_rewind(struct logfile *f, int dir_fd, const struct logfile_place *p);
