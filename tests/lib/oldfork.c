/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A syscall(2) for programs with ThreadSanitizer, which survives fork(2) and nothing else: a child that was made past it has
 * the locks of its run time as the other threads held them, and its ideas of who those are. So there is no clone3(2) here,
 * and clone(2) is a fork(2).
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

static long (*libc)(long, ...);

/* Early: dlsym(3) takes a lock. */
__attribute__((constructor)) static void find_libc(void)
{
	libc = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
}

/* As src/sys/kernel.h calls clone: with CLONE_PIDFD. */
static long fork_with_pidfd(int *pidfd)
{
	pid_t pid = fork();

	if (pid > 0)
		*pidfd = (int)libc(SYS_pidfd_open, pid, 0);
	return pid;
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): glibc's name is its own */
long syscall(long number, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_clone)
		return fork_with_pidfd((int *)a[2]);
	if (number != SYS_clone3)
		return libc(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	errno = ENOSYS;
	return -1;
}
