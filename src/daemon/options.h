/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The command line of cgkilld.
 */
#include <sys/types.h>

#include "core/logging.h"
#include "util/clock.h"
#include "util/log.h"

struct options {
	bool user;
	bool guard;
	bool strict;	   /* what protects must work */
	bool adopt;	   /* take over what lives in the subtree, instead of refusing to start */
	bool init;	   /* process 1 of a container, or the like of it */
	char **init_words; /* what follows the options; NULL = nothing does; borrowed of argv */
	bool init_command; /* … and it is a command */
	mode_t umask;	   /* as we were started with it: for main() to fill in */
	const char *root;  /* NULL = default */
	char **units;	   /* to be started; NULL = none; owned */
	const char *unit_path; /* NULL = default */
	char *runtime_dir;     /* never NULL; owned */
	char *socket_path;     /* in runtime_dir; never NULL; owned */
	char *log_dir;	       /* never NULL; owned */
	uint64_t log_max_size; /* of a file; UINT64_MAX = none */
	unsigned log_max_files;
	enum log_target log_target;
	char *syslog_path; /* --syslog; NULL = not */
	enum log_level log_level;
	bool has_budget;	/* the next one is said */
	usec_t shutdown_budget; /* USEC_INFINITY = none */
	gid_t control_group;	/* (gid_t)-1 = none */
	int ready_fd;		/* -1 = none */
	int can_read; /* only say whether this program reads records of that version; 0 = not asked */
};

/* 0 with *out; 1: --help or --version was answered, exit 0; -EINVAL: told on standard error, exit 2; -ENOMEM. */
int options_parse(struct options *out, int argc, char **argv) must_check;
void options_deinit(struct options *o);
