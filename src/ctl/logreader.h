/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The log of one unit as a sequence of lines, over all its files (core/logline.h, logger/logfile.h), while the logger goes
 * on to write and to rename them.
 */
#include "core/logging.h"
#include "core/logline.h"
#include "util/buf.h"

struct logreader {
	char *unit;
	int dir_fd;	 /* borrowed */
	int fd;		 /* of the file that is read; -1: none yet */
	unsigned number; /* UNIT.log.N; 0: it is, or was, UNIT.log */
	bool raw; /* UNIT.raw, which a service has written without a logger: lines, whatever they look like */
	struct logging how; /* its lines are to be read: of the file */
	bool pieces; /* a line in pieces is not put together: each is one, and `ended` tells */
	struct buf window; /* what is read of the file, from `at` on not looked at yet */
	size_t at;
	struct buf joined;
	bool told; /* what is joined */

	/* the line, valid until the next call */
	usec_t real; /* never before that of an earlier line; 0 = not known */
	bool event;
	int level;  /* syslog(3): of its "<N>", or by default */
	bool ended; /* with a newline */
	const char *text;
	size_t len;
	size_t prefix; /* bytes of the "<N>", which is in the text */
	bool have;     /* for its user: the line was not dealt with yet */
};

/* 0 or -ENOMEM. */
int logreader_init(struct logreader *r, int dir_fd, const char *unit, bool raw) must_check;
void logreader_deinit(struct logreader *r);
/* Is there anything of the unit? 1, 0 or -errno. */
int logreader_exists(const struct logreader *r) must_check;
/* To where the last n lines begin; before anything was read. How many there are, up to n, or -errno. */
ssize_t logreader_seek_last(struct logreader *r, size_t n) must_check;
/*
 * 1: the next line. 0: there is none yet; flush: then what of a line is there is one. -errno.
 */
int logreader_next(struct logreader *r, bool flush) must_check;
