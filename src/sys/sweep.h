/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A signal to every process of a cgroup's subtree, through verified pidfds, each process once: read cgroup.procs, open,
 * verify, signal, and again until a pass finds nobody new. "New" is a new process, not a new number.
 */
#include "sys/cgroup.h"
#include "sys/pidfd.h"

struct sweep {
	int signal;
	bool then_sigcont; /* SIGCONT after the signal, so that a stopped process can act on it */
	bool thaw;	   /* first thaw each cgroup: what is frozen cannot act on a signal */
	bool then_sighup;  /* SendSIGHUP= */
	/*
	 * A child of the caller that gets nothing, 0 = none. It must not have been reaped: that makes its number its own.
	 */
	pid_t except;
	enum verify_method verify;
	unsigned max_passes; /* 0 = a default; a fork bomb is not chased for ever by a signal that it may ignore */

	/* results */
	size_t signalled;   /* processes that got it */
	size_t unreachable; /* outside our PID namespace, or not permitted */
	int error;	    /* the first -errno that was not "gone" */
	bool settled;	    /* the last pass found nobody new */
};

/* 0, or -errno when the subtree could not be read at all. Details in the results. */
int sweep_run(struct sweep *s, const struct cg *cg) must_check;
