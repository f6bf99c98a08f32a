/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trycall CALL [ARGUMENT…] [, CALL [ARGUMENT…]]…: makes these system calls, one after the other, and writes a line for each
 * to standard output: its name and "ok", or the name of its error.
 *
 * An argument that is a number in C's writing is one; "@N" is what the Nth call (from 1) has returned; all others are
 * strings. A CALL is a name below, a number, or a number behind "int80:", which is one of i386, or "x32:".
 */
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "util/macro.h"

#define ARGUMENTS_MAX 6
#define CALLS_MAX     32

#define CALL(name)                \
	{                         \
#name, SYS_##name \
	}

static const struct {
	const char *name;
	long number;
} calls[] = {
	CALL(acct),	   CALL(adjtimex), CALL(chmod),	      CALL(clone),
	CALL(clone3),	   CALL(fchmodat), CALL(getpid),      CALL(init_module),
	CALL(ioperm),	   CALL(mkdirat),  CALL(mmap),	      CALL(mprotect),
	CALL(openat),	   CALL(openat2),  CALL(personality), CALL(sched_setscheduler),
	CALL(sethostname), CALL(setns),	   CALL(setuid),      CALL(shmat),
	CALL(shmget),	   CALL(socket),   CALL(sync),	      CALL(syslog),
	CALL(uname),	   CALL(unshare),
};

static long i386_call(long number)
{
#ifdef __x86_64__
	long result;

	/* The kernel's side of it saves and restores all registers but this: arch/x86/entry/entry_64_compat.S. */
	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(0), "c"(0), "d"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	errno = result < 0 ? (int)-result : 0;
	return result < 0 ? -1 : result;
#else
	errno = number ? ENOSYS : 0;
	return -1;
#endif
}

static long call_by_name(const char *name, const long *a)
{
	const char *number = after_prefix(name, "int80:");

	if (number)
		return i386_call(strtol(number, NULL, 0));
	number = after_prefix(name, "x32:");
	if (number)
		return syscall(0x40000000 | strtol(number, NULL, 0), a[0], a[1], a[2], a[3], a[4],
			       a[5]);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (streq(calls[i].name, name))
			return syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4], a[5]);
	return syscall(strtol(name, NULL, 0), a[0], a[1], a[2], a[3], a[4], a[5]);
}

static long argument(const char *text, const long *results)
{
	char *end;
	long number;

	if (*text == '@')
		return results[strtol(text + 1, NULL, 10) % CALLS_MAX];
	number = (long)strtoull(text, &end, 0);
	return *text && *end == '\0' ? number : (long)text;
}

int main(int argc, char **argv)
{
	long results[CALLS_MAX] = { 0 };

	for (int i = 1, n = 1; i < argc && n < CALLS_MAX; i++, n++) {
		const char *name = argv[i];
		long a[ARGUMENTS_MAX] = { 0 };

		for (int k = 0; i + 1 < argc && !streq(argv[i + 1], ",") && k < ARGUMENTS_MAX; k++)
			a[k] = argument(argv[++i], results);
		i += i + 1 < argc;
		errno = 0;
		results[n] = call_by_name(name, a);
		printf("%s %s\n", name, results[n] >= 0 ? "ok" : strerrorname_np(errno));
		fflush(stdout);
	}
	return 0;
}
