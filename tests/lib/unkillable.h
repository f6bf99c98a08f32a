/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Processes that SIGKILL does not end, until they are let go: recipes, for tests. A helper
 * process holds what blocks the victim; mounts are in a mount namespace of the helper's own,
 * reached through /proc/HELPER/root. When the helper ends, for whatever reason but a SIGKILL,
 * nothing is left of it.
 */
#include <sys/types.h>

#include "util/macro.h"

enum unkillable_kind {
	UNKILLABLE_INVALID,
	/* who opens path waits for a FUSE server that never replies: killable no more once it got a signal */
	UNKILLABLE_FUSE,
	UNKILLABLE_FREEZE, /* who creates path waits for a frozen file system */
	/* who opens path, close-on-exec, hangs in execve, and who reads its /proc/PID/wchan does so too */
	UNKILLABLE_EXEC,
	UNKILLABLE_PTRACE, /* the victim, traced from outside, stops in its exit */
	UNKILLABLE_WITHHELD, /* the victim, traced from outside, dies, and its parent cannot reap it */
};

struct unkillable {
	pid_t helper;	/* our child; 0 = none */
	char path[128]; /* what a victim opens, with O_CREAT for FREEZE; "" for who is traced */
};

/*
 * 0, or -errno when this machine refuses (no /dev/fuse, no loop device, no mkfs.ext4, not root).
 * victim: whom to trace.
 */
int unkillable_start(struct unkillable *u, enum unkillable_kind kind, pid_t victim) must_check;
/* Lets the victims go and waits for the helper. Idempotent; takes a zeroed struct. */
void unkillable_release(struct unkillable *u);

/*
 * The helper itself: blocks, writes "ready PATH\n" to ready_fd, and lets go at SIGUSR1, SIGTERM,
 * SIGINT or SIGHUP, or at the end of file on watch_fd (-1 = none). Undoes all it did. 0 or -errno.
 */
int unkillable_serve(enum unkillable_kind kind, pid_t victim, int ready_fd, int watch_fd) must_check;
/* "fuse", "freeze", "exec", "ptrace", "withheld"; UNKILLABLE_INVALID for anything else. */
enum unkillable_kind unkillable_kind_of(const char *name);
bool unkillable_traces(enum unkillable_kind kind); /* it needs a victim, and has no path */
