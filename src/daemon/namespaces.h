/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The network of PrivateNetwork= and the System V IPC of PrivateIPC= are one for all processes of a run, from ExecStartPre= to
 * ExecStopPost=, so that what the first has set up is there for the others. Their descriptors lie as a message between a pair
 * of sockets, which the processes put there and look at by themselves; we only keep the pair while the run lasts.
 */
#include "exec/exec.h"

struct supervised;

/* For a process about to be started: the pair, if the unit has such a namespace, appended to fds. 0 or -errno. */
int namespaces_list(struct supervised *sv, struct exec_fds *fds) must_check;
/* The run is over. */
void namespaces_close(struct supervised *sv);
void namespaces_free(int *pair); /* takes NULL */
/* What an earlier cgkilld has handed over, by the guard or by namespaces_pass(). */
void namespaces_adopt(struct supervised *sv);
int namespaces_pass(const struct supervised *sv) must_check;
