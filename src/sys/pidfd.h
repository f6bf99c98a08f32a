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

/* Has the process ended, only nobody has reaped it, or may (a tracer withholds it)? False when it cannot be told. */
bool process_is_zombie(pid_t pid);

/* waitid(P_PIDFD, WEXITED|WNOHANG) on a child: 1 and *out, 0 still running, -ECHILD not ours. */
int pidfd_reap(int pidfd, siginfo_t *out) must_check;
