/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A daemon that bears witness: it appends to DIR/journal what happens to it, a line each: "WORD PID TIME" (CLOCK_BOOTTIME,
 * µs). The journal outlives whoever is killed, and tells whether two instances ever ran at once.
 *
 * witness DIR serve [stubborn|notify]
 *	start; hup; term, and then end. It holds DIR/lock, as does every process of it: who finds it taken writes "double!".
 *	USR1: end, with exit status 1. stubborn: survives TERM, as does a child with a session of its own (child).
 *	notify: says that it is ready, after the start and after each USR2; HUP is a reload, which it tells of, too.
 * witness DIR fork
 *	forked: a child of it serves, and ends with it. The PID file DIR/pid is there only some time later.
 * witness DIR note WORD MS
 *	WORD, a pause of MS milliseconds, WORD-end
 * witness DIR reload PID
 *	reload, SIGHUP to PID, reload-end
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "util/clock.h"
#include "util/macro.h"
#include "util/parse.h"

#define PID_FILE_DELAY 3000 /* µs */

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

/* As sd_notify(3) does; in vain where nobody listens. */
static void say(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (!path || fd < 0)
		_exit(98);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (sendto(fd, text, strlen(text), 0, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		note("unheard");
	close_fd(fd);
}

static void say_reloading(void)
{
	struct timespec ts;
	char text[64];

	clock_gettime(CLOCK_MONOTONIC, &ts);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
		 (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
	say(text);
	say("READY=1");
}

static int serve(char **args)
{
	bool stubborn = args[0] && streq(args[0], "stubborn");
	bool notify = args[0] && streq(args[0], "notify");
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
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (stubborn)
		have_child(&set);
	note("start");
	if (notify)
		say("READY=1");
	for (;;) {
		int sig = sigwaitinfo(&set, NULL);

		if (sig == SIGHUP)
			note("hup");
		if (sig == SIGTERM)
			note("term");
		if (notify && sig == SIGHUP)
			say_reloading();
		if (notify && sig == SIGUSR2)
			say("READY=1");
		if (sig == SIGUSR1 || (sig == SIGTERM && !stubborn)) {
			note("end");
			return sig == SIGUSR1;
		}
	}
}

static int fork_daemon(char **args)
{
	FILE *f;

	note("forked");
	if (fork() > 0)
		return 0;
	setsid();
	usleep(PID_FILE_DELAY);
	f = fopen("pid", "we");
	if (!f || fprintf(f, "%d\n", (int)getpid()) < 0 || fclose(f) != 0)
		return 98;
	return serve(args);
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
	} kinds[] = { { "serve", serve },
		      { "note", note_twice },
		      { "reload", reload },
		      { "fork", fork_daemon } };

	if (argc < 3 || chdir(argv[1]) < 0) {
		fputs("usage: witness DIR serve|fork|note|reload [ARGUMENT...]\n", stderr);
		return 2;
	}
	journal_fd = open("journal", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	for (size_t i = 0; journal_fd >= 0 && i < ARRAY_SIZE(kinds); i++)
		if (streq(argv[2], kinds[i].name))
			_exit(kinds[i].fn(argv + 3)); /* a leak sanitizer would have it stop for itself */
	return 2;
}
