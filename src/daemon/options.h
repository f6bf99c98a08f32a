/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The command line of cgkilld.
 */
#include <sys/types.h>

#include "util/clock.h"
#include "util/log.h"

struct options {
	bool user;
	bool guard;
	bool strict;	    /* what protects must work */
	bool adopt;	    /* take over what lives in the subtree, instead of refusing to start */
	const char *root;   /* NULL = default */
	const char *target; /* to be started; NULL = none */
	const char *unit_path; /* NULL = default */
	char *runtime_dir;     /* never NULL; owned */
	char *socket_path;     /* in runtime_dir; never NULL; owned */
	char *log_dir;	       /* never NULL; owned */
	uint64_t log_max_size; /* of a file; UINT64_MAX = none */
	unsigned log_max_files;
	bool to_journal;   /* --log-target */
	char *syslog_path; /* --syslog; NULL = not */
	enum log_level log_level;
	usec_t shutdown_budget; /* USEC_INFINITY = none */
	gid_t control_group;	/* (gid_t)-1 = none */
	int ready_fd;		/* -1 = none */
	int can_read; /* only say whether this program reads records of that version; 0 = not asked */
};

/* 0 with *out; 1: --help or --version was answered, exit 0; -EINVAL: told on standard error, exit 2; -ENOMEM. */
int options_parse(struct options *out, int argc, char **argv) must_check;
void options_deinit(struct options *o);
