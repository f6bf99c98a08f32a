/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Signals to the processes of a service: to the leader by the pidfd of its spawn, to the others by a sweep.
 */
#include "daemon/supervisor.h"

/* Performs ACTION_SIGNAL; what it reached is told. */
void signals_send(struct supervised *sv, const struct action *a);
/* The same for all but the main process, as soon as that one has ended, or a moment later. */
void signals_put_off(struct supervised *sv, const struct action *a);
/* The main process has had its signal: now the others, if there are any. */
void signals_send_rest(struct supervised *sv);
void signals_drop_rest(struct supervised *sv);

/* What is frozen can act neither on ExecStop= nor on a signal; a kill needs no thaw. */
void signals_thaw(struct supervised *sv);
/* Who dies of our own SIGKILL before it has run was not killed at birth by the kernel: no second try then. */
void signals_note_kill(struct supervised *sv);
/* May its cgroup be signalled or killed? 0 or -errno, logged. */
int signals_guard(struct supervised *sv) must_check;
/* "daemon, sh": who is in its cgroup, for people; NULL when nobody is, or without memory. The caller's. */
char *signals_names(const struct supervised *sv, size_t *total) must_check;
