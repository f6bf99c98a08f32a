/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Processes by descriptor. A number read from a file may be another process by now; a pidfd never is.
 */
#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "sys/cgroup.h"

/* How membership is proved; forced by tests. */
enum verify_method {
	VERIFY_AUTO, /* the first that the kernel knows: asking costs one refused ioctl a process */
	VERIFY_GET_INFO, /* PIDFD_GET_INFO's cgroup id: Linux 6.13 */
	VERIFY_PROCFS, /* /proc/PID/cgroup between pidfd_open and a pidfd_send_signal(0) that proves the number was not reused */
};

int pidfd_open_pid(pid_t pid) must_check; /* fd or -errno (-ESRCH: gone, or only a thread of something) */
/* siginfo-free send; -ESRCH when the process is gone. */
int pidfd_signal(int pidfd, int sig) must_check;
/* 64-bit identity of the process behind the pidfd, unique on this boot: pidfs inode (6.9), else its start time mixed with pid. */
int pidfd_identity(int pidfd, pid_t pid, uint64_t *out) must_check;

/*
 * Is the process behind pidfd (whose number was pid) a member of exactly this cgroup, now? 1, 0, or -errno (-ESRCH: gone).
 */
int pidfd_in_cgroup(int pidfd, pid_t pid, const struct cg *cg, enum verify_method method) must_check;
/* The same for the whole subtree of cg. */
int pidfd_in_subtree(int pidfd, pid_t pid, const struct cg *cg) must_check;
/* The same of one that may have ended: then it was, at its end. -ESRCH: it was reaped, and this kernel does not keep it (6.15). */
int pidfd_was_in_subtree(int pidfd, pid_t pid, const struct cg *cg) must_check;

/* The number of a process's parent (0: it has none that is seen from here), and the id of its cgroup. -EOPNOTSUPP: before Linux 6.13. */
int pidfd_origin(int pidfd, pid_t *parent, uint64_t *cgroup_id) must_check;

/* It has, with all its threads, reaped or not. */
bool pidfd_has_ended(int pidfd);

/* waitid(P_PIDFD, WEXITED|WNOHANG) on a child: 1 and *out, 0 still running, -ECHILD not ours. */
int pidfd_reap(int pidfd, siginfo_t *out) must_check;
/* The same, only that it stays to be reaped. */
int pidfd_peek(int pidfd, siginfo_t *out) must_check;

/*
 * How a process ended that may be no child of ours: by waitid(2) if it is one (which reaps it), by
 * PIDFD_GET_INFO (Linux 6.15, once it was reaped by whomever), by /proc/PID/stat while it is a
 * zombie (with the permission to trace it). 1 and *out (si_code, si_status); 0: it has not ended, or is a
 * child that a tracer withholds; -ENODATA: it has ended, and nobody can tell how. pidfd must have been
 * opened before the process was reaped.
 */
int pidfd_exit_status(int pidfd, pid_t pid, siginfo_t *out) must_check;
/* The same by a method of the caller's choice; VERIFY_PROCFS is what Linux before 6.15 knows. */
int pidfd_exit_status_by(int pidfd, pid_t pid, enum verify_method method, siginfo_t *out) must_check;
/* Does PIDFD_GET_INFO tell of the dead here? Tried out once, with a child. */
bool pidfd_status_is_kept(void);
/* A wait status as waitid(2) has it. */
siginfo_t siginfo_of_status(pid_t pid, int status);
