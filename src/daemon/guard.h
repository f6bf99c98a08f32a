/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * cgkilld --guard: a minimal parent that starts a crashed worker again, is the reaper of what a crashed worker leaves
 * behind and passes its exit status on, and holds descriptors that must survive. It takes no decision about any service.
 */
#include "core/outcome.h"
#include "core/record.h"
#include "daemon/inherit.h"
#include "daemon/loop.h"
#include "daemon/options.h"

/* ---- the guard's own side (guard.c) ---- */

/*
 * Runs the guard, with workers that get the same command line; who is a worker finds "guard" in daemon/inherit.h. Returns
 * with the exit status of the last worker.
 */
int guard_run(const struct options *o, char **argv) must_check;

/* ---- the worker's side (guardlink.c) ---- */

#define GUARD_KEEP_MAX \
	(INHERIT_MAX - 4) /* "guard", "guard-exits", "guard-recorder" and "ready" are its own */

struct guard_link;

/*
 * The link to our guard, by what inherit_read() has found. From now on the guard's recorder gets what we do and log. 0 with
 * *out NULL when there is no guard; -errno.
 */
int guard_connect(struct guard_link **out) must_check;
/* Warns when the guard has gone; nothing else changes then. g may be NULL: 0. */
int guard_watch(struct guard_link *g, struct loop *l) must_check;
void guard_disconnect(struct guard_link *g); /* takes NULL */
/* The guard's process; 0 when there is none (any more). */
pid_t guard_pid(const struct guard_link *g);

/*
 * Keeps a copy of fd for the next worker, which finds it by inherit_take(name), until another one is kept by that name. The
 * first one that is kept says that we are up: from now on the guard does not take a status other than 0 and
 * CGKILL_EXIT_SURVIVORS for an end. g may be NULL: 0.
 */
int guard_keep(struct guard_link *g, const char *name, int fd) must_check;
/* Not any more; a name that it does not know does no harm. g may be NULL. */
void guard_drop(struct guard_link *g, const char *name);
/* The same of all that nobody has taken by inherit_take(), and whose name begins with prefix. */
void guard_drop_rest(struct guard_link *g, const char *prefix);

/*
 * How a process ended that the guard has reaped, as far as it remembers (the last EXITS_MAX). It remembers before it reaps:
 * who asks pidfd_exit_status() first, then this, misses nothing. g may be NULL: false.
 */
bool guard_exit_of(struct guard_link *g, const struct process_id *id, struct exit_info *out);

/* Names the link for the program that we are about to become (inherit_pass()). g may be NULL: 0. */
int guard_pass(const struct guard_link *g) must_check;
