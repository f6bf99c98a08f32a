/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * patient KIND ARGUMENT…: processes for end-to-end tests that no shell can be. FILE is made once it
 * is what it shall be.
 *
 * recorder FILE [IGNORE]
 *	appends the name of each signal it gets; ends by TERM, unless IGNORE is given
 * family DIR [IGNORE [IGNORE]]
 *	a recorder in DIR/leader with a child in DIR/child; "-" ends by TERM
 * crowd FILE N
 *	N children, all ignoring TERM, as does their parent
 * dead-leader FILE
 *	its main thread has exited, another one lives
 * chains FILE N
 *	N chains of processes: each forks the next and exits; its parent sleeps
 * clients SOCKET N [TEXT [TIMES]]
 *	N connections; on each of them TIMES TEXT and a NUL (0: TEXT alone); reads nothing
 * closer FILE PATH
 *	executes sleep while it has PATH open, close-on-exec
 * joiner FILE CGROUP PID
 *	moves PID into CGROUP as soon as nobody is left there; exit status: 0 when it made it
 * deaf COMMAND [ARGUMENT…]
 *	executes it with every signal ignored and blocked
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "util/macro.h"
#include "util/parse.h"

static void touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		_exit(1);
	close(fd);
}

static _Noreturn void sleep_for_ever(void)
{
	for (;;)
		pause();
}

static _Noreturn void record(const char *path, bool ignores)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	sigset_t set;

	sigfillset(&set);
	sigdelset(&set, SIGCONT); /* comes with every other one */
	sigprocmask(SIG_BLOCK, &set, NULL);
	dprintf(fd, "ready\n");
	for (;;) {
		int sig = sigwaitinfo(&set, NULL);

		if (sig == SIGCHLD || sig < 0)
			continue;
		dprintf(fd, "%s\n", sigabbrev_np(sig));
		if (sig == SIGTERM && !ignores)
			_exit(0);
	}
}

static int recorder(char **args)
{
	record(args[0], args[1] != NULL);
}

static int family(char **args)
{
	bool main_ignores = args[1] && !streq(args[1], "-");
	bool child_ignores = args[1] && args[2] && !streq(args[2], "-");
	char *path;

	switch (fork()) {
	case -1:
		return 1;
	case 0:
		if (asprintf(&path, "%s/child", args[0]) < 0)
			return 1;
		record(path, child_ignores); /* does not return */
	default:
		if (asprintf(&path, "%s/leader", args[0]) < 0)
			return 1;
		record(path, main_ignores);
	}
}

static int crowd(char **args)
{
	unsigned n;

	if (!args[1] || parse_uint(args[1], &n) < 0)
		return 2;
	signal(SIGTERM, SIG_IGN);
	while (n-- > 0)
		switch (fork()) {
		case -1:
			perror("fork");
			return 1;
		case 0:
			sleep_for_ever();
		default:
			break;
		}
	touch(args[0]);
	sleep_for_ever();
}

static void *outlive(void *path)
{
	char state[256];
	FILE *f;

	/* Only once the leader is a zombie is it what it shall be: proc_pid_stat(5), the third field. */
	do {
		usleep(1000);
		f = fopen("/proc/self/stat", "re");
		if (!f || !fgets(state, sizeof(state), f))
			_exit(1);
		fclose(f);
	} while (!strstr(state, ") Z "));
	touch(path);
	sleep_for_ever();
}

static int dead_leader(char **args)
{
	pthread_t thread;

	signal(SIGTERM, SIG_IGN);
	if (pthread_create(&thread, NULL, outlive, args[0]) != 0)
		return 1;
	pthread_exit(NULL);
}

/* Not for ever: what a broken kill misses must not outlive the test for long. */
static _Noreturn void chain(void)
{
	time_t end = time(NULL) + 30;

	while (time(NULL) < end)
		if (fork() > 0)
			break;
	_exit(0);
}

/* O_CLOEXEC: the kernel closes it in the midst of the execve. */
static int closer(char **args)
{
	if (!args[1] || open(args[1], O_RDWR | O_CLOEXEC) < 0)
		return 1;
	touch(args[0]);
	execl("/bin/sleep", "sleep", "infinity", (char *)NULL);
	return 1;
}

/* As the rudest starter leaves them. sigaction(3) refuses the two of glibc's own. */
static int deaf(char **args)
{
	const struct {
		void (*handler)(int);
		unsigned long rest[8];
	} ignore = { .handler = SIG_IGN };
	sigset_t all;

	for (int sig = 1; sig < _NSIG; sig++)
		syscall(SYS_rt_sigaction, sig, &ignore, NULL, _NSIG / 8);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	execvp(args[0], args);
	perror(args[0]);
	return 1;
}

/* Writes the moment that the cgroup is empty: faster than whoever has to be woken to remove it. */
static int joiner(char **args)
{
	char text[256];
	ssize_t n;
	int dir, procs, events;

	if (!args[1] || !args[2])
		return 2;
	dir = open(args[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	procs = openat(dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	events = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	if (procs < 0 || events < 0)
		return 1;
	touch(args[0]);
	do {
		n = pread(events, text, sizeof(text) - 1, 0);
		text[n > 0 ? n : 0] = '\0';
	} while (strstr(text, "populated 1"));
	return write(procs, args[2], strlen(args[2])) < 0;
}

static int connect_to(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		perror(path);
		_exit(1);
	}
	return fd;
}

static int clients(char **args)
{
	const char *text = args[1] ? args[2] : NULL;
	unsigned n, times = 0;

	if (!args[1] || parse_uint(args[1], &n) < 0 ||
	    (text && args[3] && parse_uint(args[3], &times) < 0))
		return 2;
	signal(SIGPIPE, SIG_IGN); /* whoever is turned away stays */
	while (n-- > 0) {
		int fd = connect_to(args[0]);

		if (text && times == 0)
			(void)!write(fd, text, strlen(text)); /* without its end */
		for (unsigned i = 0; i < times; i++)
			(void)!write(fd, text, strlen(text) + 1);
	}
	puts("ready");
	fflush(stdout);
	sleep_for_ever();
}

static int chains(char **args)
{
	unsigned n;

	if (!args[1] || parse_uint(args[1], &n) < 0)
		return 2;
	signal(SIGTERM, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	while (n-- > 0)
		if (fork() == 0)
			chain();
	touch(args[0]);
	sleep_for_ever();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*fn)(char **args);
	} kinds[] = { { "recorder", recorder },	      { "family", family }, { "crowd", crowd },
		      { "dead-leader", dead_leader }, { "chains", chains }, { "clients", clients },
		      { "closer", closer },	      { "deaf", deaf },	    { "joiner", joiner } };

	for (size_t i = 0; argc > 2 && i < ARRAY_SIZE(kinds); i++)
		if (streq(argv[1], kinds[i].name))
			return kinds[i].fn(argv + 2);
	fputs("usage: patient KIND FILE [ARGUMENT...]\n", stderr);
	return 2;
}
