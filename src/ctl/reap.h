/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The end of one cgroup, by libcgkill and without cgkilld: what it comes to, and the way there, as an Outcome of
 * io.cgkill.manager, so that it is told as a stop is.
 */
#include <jansson.h>

#include "cgkill/cgkill.h"
#include "ctl/ctl.h"

struct reap {
	const struct options *options;
	struct cgkill_cgroup *cg;
	struct cgkill_stop *stop; /* NULL: not begun, or over */
	int leader;		  /* pidfd; -1 = none */
	json_t *outcome;	  /* complete when there is no stop */
	json_t *trail;		  /* in it */
};

/*
 * Begins to end what name is the path of, as the options say: --signal, --timeout, --leader, --kill-only, --keep. Never one
 * that holds us, or a process that we were started by. With --dry-run it says what it would do.
 */
void reap_begin(struct reap *reap, const char *name, const struct options *options);
/* Steps it, if it goes on. False: it is over. *fd: to wait for, and to step it again then; negative: there is none to be had. */
bool reap_step(struct reap *reap, int *fd);
/* In any state; what the kill has frozen is thawed. The outcome is the caller's. */
void reap_end(struct reap *reap);

/* What an error of libcgkill about a cgroup means, in words that say what to do. */
const char *reap_error(int error);
