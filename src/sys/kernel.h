/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * System calls and constants of the kernel that Debian 12's headers lack or that cannot be included here: glibc's
 * <sys/pidfd.h> is hidden by ours (-Isrc), and <linux/pidfd.h> pulls in <linux/fcntl.h>, which collides with <fcntl.h>.
 * Values from include/uapi/linux/{pidfd,magic,openat2}.h. All functions: result or -errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PIDFD_GET_INFO /* Linux 6.13 */
struct pidfd_info {
	uint64_t mask; /* in: what is asked for; out: what was filled in */
	uint64_t cgroupid;
	uint32_t pid, tgid, ppid;
	uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	int32_t exit_code; /* a wait status; Linux 6.15, spare before */
};
_Static_assert(sizeof(struct pidfd_info) == 64, "PIDFD_INFO_SIZE_VER0");
#define PIDFD_INFO_CGROUPID (UINT64_C(1) << 2)
#define PIDFD_INFO_EXIT	    (UINT64_C(1) << 3) /* Linux 6.15 */
#define PIDFD_GET_INFO	    _IOWR(0xFF, 11, struct pidfd_info)
#endif

#ifndef PID_FS_MAGIC /* Linux 6.9: pidfds have inodes of their own */
#define PID_FS_MAGIC 0x50494446
#endif

#ifndef SO_PASSPIDFD /* Linux 6.5 */
#define SO_PASSPIDFD \
	76 /* include/uapi/asm-generic/socket.h; parisc and sparc have numbers of their own */
#define SCM_PIDFD 0x04
#endif

/*
 * openat2(2). Before Linux 5.6 one component after the other, for RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH (which then takes no
 * ".." and no symlink at all) and RESOLVE_NO_XDEV (of a relative path, for which /proc must be there; else -EXDEV).
 */
int kernel_openat2(int dirfd, const char *path, uint64_t flags, uint64_t resolve);
/*
 * The mount that fd is on, as statmount(2) tells it: where it is, seen from our root directory, and what of its file system is
 * there, both unescaped. -errno: it cannot be told so, as before Linux 6.8; then the number that mountinfo knows it by helps.
 */
struct kernel_mount {
	uint64_t told[256]; /* as the kernel has it, if it fits; the two point into it */
	char *point, *root;
};
int kernel_statmount(int fd, struct kernel_mount *out);
/* proc_pid_fdinfo(5), which statx(2) follows from Linux 5.8 on only. */
int kernel_mount_id(int fd, long *out);
/* close_range(2), with CLOSE_RANGE_CLOEXEC or 0; it cannot fail. Async-signal-safe. */
void kernel_close_range(unsigned first, unsigned last, unsigned flags);

/*
 * How a signal is disposed of: ignored, or not. Not by sigaction(3): glibc's refuses two of its own; and libcs (for SIGABRT:
 * glibc from 2.41 on, musl) and sanitizers take a lock in it, which another thread may hold while clone3(2) makes a child: that
 * one has it held for ever. Async-signal-safe, also in such a child.
 */
bool kernel_is_ignored(int sig);
void kernel_ignore(int sig, bool ignored); /* false: SIG_DFL */

#if !defined(SYS_statmount) && !defined(__alpha__) && !defined(__mips__)
#define SYS_statmount 457 /* Linux 6.8 */
#endif

/* Always close-on-exec: pidfd_open(2). */
static inline int kernel_pidfd_open(pid_t pid)
{
	long fd = syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : (int)fd;
}

/* The same of this thread: PIDFD_THREAD, Linux 6.9. Not by gettid(3): musl's is of before a clone(2) that it knows nothing of. */
static inline int kernel_pidfd_open_self(void)
{
	long fd = syscall(SYS_pidfd_open, syscall(SYS_gettid), O_EXCL);

	return fd < 0 ? -errno : (int)fd;
}

/*
 * fork(2) of a child that has no exit signal: its parent gets no SIGCHLD, and only a wait with __WALL sees it. Past glibc, so
 * that a lock of malloc(3) that another thread holds is never let go in it. s390 has other arguments: clone(2).
 */
static inline pid_t kernel_fork_quietly(int *pidfd)
{
	long pid = syscall(SYS_clone, 0x1000UL /* CLONE_PIDFD */, NULL, pidfd, NULL, NULL);

	return pid < 0 ? -errno : (pid_t)pid;
}

/* The same open file, as dup(2) and SCM_RIGHTS share it? Not told (no CONFIG_KCMP) is no: kcmp(2). */
static inline bool kernel_same_file(int a, int b)
{
	const long self = getpid();

	return syscall(SYS_kcmp, self, self, 0L /* KCMP_FILE */, (long)a, (long)b) == 0;
}

static inline int kernel_pidfd_send_signal(int pidfd, int sig)
{
	return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}
