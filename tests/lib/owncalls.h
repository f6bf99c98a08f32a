/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A syscall(2) before libc's, for programs in a run time that does not stand some calls: who includes this says by call() what
 * becomes of each, and by open_pid() where a pidfd comes from.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

static long (*libc)(long, ...);

/* As the kernel has them: the result, or -errno. */
static long call(long number, const long *a);
static long open_pid(pid_t pid);

/* Early: dlsym(3) takes a lock. */
__attribute__((constructor)) static void find_libc(void)
{
	libc = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
}

static long pass_on(long number, const long *a)
{
	long r = libc(number, a[0], a[1], a[2], a[3], a[4], a[5]);

	return r < 0 ? -errno : r;
}

/* As src/sys/kernel.h calls clone: with CLONE_PIDFD. */
static long fork_with_pidfd(int *pidfd)
{
	pid_t pid = fork();

	if (pid > 0)
		*pidfd = (int)open_pid(pid);
	return pid < 0 ? -errno : pid;
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): glibc's name is its own */
long syscall(long number, ...)
{
	long a[6], r;
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	r = number == SYS_clone ? fork_with_pidfd((int *)a[2]) : call(number, a);
	if (r >= 0)
		return r;
	errno = (int)-r;
	return -1;
}
