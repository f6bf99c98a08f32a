/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * cgkilld --init: what is process 1 of a container, or the like of it, ends when what it was started for has ended for good,
 * and as that did. That is the units of its command line; a target among them never ends, nor does what remains after its exit.
 * Several end with the first of them that has failed, else as the first one did.
 */
#include "daemon/manager.h"
#include "daemon/options.h"

/*
 * A signal that is passed on to the worker, and by it to a command: not those with which the kernel tells of an error of our
 * own, of a child of ours and of our place on a terminal.
 */
bool init_hears(int sig);
/* Asks for an orderly end, as SIGTERM and SIGINT do. */
bool init_is_end(int sig);
/* Our process group is in the foreground of the terminal that standard input is. For who has blocked SIGTTIN. */
bool init_has_foreground(void);

/* To be called before the descriptors that nobody took are closed. *out: NULL without --init. -ENOMEM */
int init_new(struct init **out, struct manager *m, const struct options *o) must_check;
void init_free(struct init *i); /* takes NULL */
/* The signals that the worker listens to besides those that it always does. i: may be NULL. */
void init_add_signals(const struct init *i, sigset_t *set);
/* What a signal means to the rest of cgkilld; 0: nothing, a command has got it. i: may be NULL. */
int init_take_signal(struct init *i, int sig);
/* A unit is in another state, a job has ended, a new worker begins: if it is over all else is shut down, in the loop's turn. */
void init_note_state(struct init *i); /* takes NULL */
/* The loop has ended: the last chance to learn of it. */
void init_conclude(struct init *i); /* takes NULL */

/* What the guard keeps for it: the status to exit with. */
#define INIT_STATUS "init-status"
/* The status in there; fd -1, or nothing in it: otherwise. */
int init_read_status(int fd, int otherwise);
