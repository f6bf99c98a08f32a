/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a system call that hangs is about: the file, and the mount that it is on, which is what a person has to release.
 */
#include <stdint.h>

/* Which argument names the file. */
enum call_subject {
	CALL_ABOUT_NOTHING,
	CALL_ABOUT_FD,	 /* the first is a descriptor */
	CALL_ABOUT_PATH, /* the first is a path */
	CALL_ABOUT_AT,	 /* the second is a path, the first the descriptor that it may begin at */
};

/* As the process sees them, raw bytes, cut to what fits; "" = not known. */
struct blocker {
	char file[256];	 /* a path, or "socket:[4711]" as proc_pid_fd(5) has it */
	char mount[256]; /* "nfs4 server:/export on /mnt" */
};

/* proc_fd is /proc/PID. It reads the memory of the process, and may hang as that does: see sys/facts.h. */
void blocker_find(struct blocker *out, int proc_fd, enum call_subject subject,
		  const uint64_t args[static 2]);
