/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * cgkilld --init where no cgroup can be made: one command, as tini(1) and dumb-init(1) run it. In the cgroup's place comes
 * the PID namespace. As its process 1, which all orphans of it become children of, we answer for everybody in it. kill(2) of
 * -1 reaches them all but us, in one go under the lock that a fork needs (kernel/signal.c, kill_something_info(); who is
 * about to fork then finds the signal and does not: kernel/fork.c, copy_process()); without a signal it tells whether there is
 * anybody. And the kernel has nobody outlive us: pid_namespaces(7). Elsewhere we are a child subreaper (PR_SET_CHILD_SUBREAPER
 * in prctl(2)), and answer for our descendants.
 *
 * A unit needs its cgroup: none is run here.
 */
#include "daemon/options.h"

/* No cgroup can be made for what o asks for. */
bool lone_is_needed(const struct options *o);
/*
 * For main(), where SIGPIPE is ignored. Runs the command of o until nobody is left of it, and returns what to exit with: the
 * command's status as a shell has it (128 and the number of the signal that ended it; 126: it could not be run; 127: it is not
 * there). CGKILL_EXIT_SURVIVORS: somebody has outlived SIGKILL, and was named; where we are process 1 the kernel waits for
 * them before anybody learns of our end. CGKILL_EXIT_FAILED: nothing was run.
 */
int lone_run(const struct options *o) must_check;
