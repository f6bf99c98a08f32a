/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A process under ptrace(2), stopped at each of its system calls before the call is made. Whoever is killed there has not
 * made it; and what a process does between two calls nobody else can see, so that these are all the points to die at.
 *
 * SIGCHLD has to be blocked in the caller.
 */
#include <sys/types.h>

#include "util/clock.h"
#include "util/macro.h"

struct trace {
	pid_t pid;
	pid_t child; /* its first child, followed until it executes its program; 0 = none */
	bool follow; /* … if wanted: then `calls` counts those of the child */
	bool child_is_held;
	unsigned calls; /* begun so far; the last of them is yet to be made */
	long last_call; /* its number */
};

enum trace_end {
	TRACE_AT_POINT, /* about to make that call */
	TRACE_OVER,	/* what was to be watched is over, and it rests */
	TRACE_GONE,	/* it has ended */
	TRACE_LATE,
	TRACE_BROKEN, /* ptrace(2) failed: errno */
};

/* Takes a process that rests in epoll_wait(2). It stands before that call then, which is call 1. 0 or -errno. */
int trace_seize(struct trace *t, pid_t pid, bool follow) must_check;
/* Takes a child that has asked for it (PTRACE_TRACEME) and executed; it stands before its first call of that number. */
int trace_adopt(struct trace *t, pid_t pid, long first_call) must_check;

/*
 * Until the call `point` (0 = none), or until over(arg) holds and it rests, or until `limit` (absolute). At TRACE_AT_POINT
 * it stands before the call, or the followed child does.
 */
enum trace_end trace_run(struct trace *t, unsigned point, bool (*over)(void *arg), void *arg,
			 usec_t limit) must_check;

/* Kills it where it is and waits for its end; a child that is held stays so. */
void trace_kill(struct trace *t);
/* Lets a held child go. */
void trace_release_child(struct trace *t);
/* To be called while waiting: a held child that was killed is reaped, as it would be at once without us. */
void trace_reap_child(struct trace *t);

/* "fsetxattr", or "call 190". */
const char *trace_call_name(long number);
