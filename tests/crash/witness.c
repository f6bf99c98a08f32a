/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A daemon that bears witness: it appends to DIR/journal what happens to it, a line each: "WORD PID TIME" (CLOCK_BOOTTIME,
 * µs). The journal outlives whoever is killed, and tells whether two instances ever ran at once.
 *
 * witness DIR serve [stubborn]
 *	start; hup; term, and then end. It holds DIR/lock, as does every process of it: who finds it taken writes "double!".
 *	USR1: end, with exit status 1. stubborn: survives TERM, as does a child with a session of its own (child).
 * witness DIR note WORD MS
 *	WORD, a pause of MS milliseconds, WORD-end
 * witness DIR reload PID
 *	reload, SIGHUP to PID, reload-end
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>

#include "util/clock.h"
#include "util/macro.h"
#include "util/parse.h"

static int journal_fd;

/* One write(2) with O_APPEND is one line, whoever else writes. */
static void note(const char *word)
{
	if (dprintf(journal_fd, "%s %d %llu\n", word, (int)getpid(), (unsigned long long)clock_now()) < 0)
		_exit(98);
}

static _Noreturn void survive(const sigset_t *set, int ready_fd)
{
	setsid();
	note("child");
	close_fd(ready_fd);
	for (;;)
		if (sigwaitinfo(set, NULL) == SIGTERM)
			note("child-term");
}

static void have_child(const sigset_t *set)
{
	int ready[2];
	char c;

	if (pipe2(ready, O_CLOEXEC) < 0)
		_exit(98);
	if (fork() == 0)
		survive(set, ready[1]);
	close_fd(ready[1]);
	(void)!read(ready[0], &c, 1); /* end of file */
	close_fd(ready[0]);
}

static int serve(char **args)
{
	bool stubborn = args[0] && streq(args[0], "stubborn");
	int lock = open("lock", O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	sigset_t set;

	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0) {
		note("double!");
		return 97;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (stubborn)
		have_child(&set);
	note("start");
	for (;;) {
		int sig = sigwaitinfo(&set, NULL);

		if (sig == SIGHUP)
			note("hup");
		if (sig == SIGTERM)
			note("term");
		if (sig == SIGUSR1 || (sig == SIGTERM && !stubborn)) {
			note("end");
			return sig == SIGUSR1;
		}
	}
}

static int note_twice(char **args)
{
	char end[64];
	unsigned ms;

	if (!args[0] || !args[1] || parse_uint(args[1], &ms) < 0)
		return 2;
	note(args[0]);
	usleep(ms * 1000);
	snprintf(end, sizeof(end), "%s-end", args[0]);
	note(end);
	return 0;
}

static int reload(char **args)
{
	int pid;

	if (!args[0] || parse_pid(args[0], &pid) < 0)
		return 2;
	note("reload");
	if (kill(pid, SIGHUP) < 0)
		return 1;
	note("reload-end");
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*fn)(char **args);
	} kinds[] = { { "serve", serve }, { "note", note_twice }, { "reload", reload } };

	if (argc < 3 || chdir(argv[1]) < 0) {
		fputs("usage: witness DIR serve|note|reload [ARGUMENT...]\n", stderr);
		return 2;
	}
	journal_fd = open("journal", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	for (size_t i = 0; journal_fd >= 0 && i < ARRAY_SIZE(kinds); i++)
		if (streq(argv[2], kinds[i].name))
			_exit(kinds[i].fn(argv + 3)); /* a leak sanitizer would have it stop for itself */
	return 2;
}
