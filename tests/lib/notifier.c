/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * notifier STEP…: a service that speaks sd_notify(3), one step after the other; then it sleeps until
 * it is killed. Steps with their arguments:
 *
 * say TEXT, tell TEXT (and waits until it was read; @PID is its number), nul TEXT (with a NUL behind its first byte), long N (bytes)
 * flood N TEXT		N times
 * fds N TEXT		with N descriptors
 * linger TEXT		with one that takes five seconds to close, and closes it; the other end lives for eight
 * child TEXT		a child says it, and sleeps
 * dead TEXT		a child says it, and has been reaped before anybody can have looked
 * as UID TEXT		a child that is somebody else says it, and sleeps
 * to PATH		from now on to that socket, instead of $NOTIFY_SOCKET
 * barrier FILE		BARRIER=1; FILE is made once it is answered
 * clock PREFIX		PREFIX and CLOCK_MONOTONIC in microseconds
 * ping N MSEC		WATCHDOG=1, N times with pauses
 * store NAME TEXT	a descriptor of a file that holds TEXT, twice; unless it was passed
 * pipe NAME FILE	a descriptor of a pipe whose other end is closed once FILE is there
 * stored FILE		what was passed, by sd_listen_fds(3): "NAME=TEXT" a line
 * env FILE		the variables that concern it
 * daemon PIDFILE	goes on in a child, which writes PIDFILE; "-": no file
 * fork FILE		a child sleeps; its number is in FILE
 * mainpid FILE		MAINPID= with the number in FILE
 * become UID		from now on it is somebody else
 * write FILE TEXT, touch FILE, wait FILE (until it is there), pause MSEC, exit STATUS, die SIGNAL
 * on SIGNAL		what follows, up to the next one, is played whenever that signal comes
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "util/buf.h"
#include "util/parse.h"

#define FDS_MAX 253 /* SCM_MAX_FD */

static const char *socket_path;

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static _Noreturn void give_up(const char *what)
{
	perror(what);
	_exit(1);
}

static _Noreturn void sleep_for_ever(void)
{
	for (;;)
		pause();
}

static void send_fds(const char *text, size_t len, const int *v, size_t n)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct iovec iov = { memcpy(alloca(len + 1), text, len), len };
	struct msghdr msg = {
		.msg_name = &sa, .msg_namelen = sizeof(sa), .msg_iov = &iov, .msg_iovlen = 1
	};
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control = { .head = { .cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS,
				.cmsg_len = CMSG_LEN(n * sizeof(int)) } };
	cleanup_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", socket_path ? socket_path : "");
	if (n > 0) {
		memcpy(CMSG_DATA(&control.head), v, n * sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
	}
	if (sendmsg(fd, &msg, MSG_NOSIGNAL) < 0)
		give_up("sendmsg");
}

static void send_text(const char *text)
{
	send_fds(text, strlen(text), NULL, 0);
}

static void put_file(const char *path, const char *text)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		give_up(path);
}

static void say(char **a)
{
	send_text(a[0]);
}

static void nul(char **a)
{
	char *text = strdupa(a[0]);

	text[1] = '\0';
	send_fds(text, strlen(a[0]), NULL, 0);
}

static void say_long(char **a)
{
	size_t n = strtoul(a[0], NULL, 10);
	char *text = malloc(n);

	if (!text)
		give_up("malloc");
	memset(text, 'x', n);
	memcpy(text, "STATUS=", MIN_OF(n, (size_t)7));
	send_fds(text, n, NULL, 0);
	free(text);
}

static void flood(char **a)
{
	for (long n = strtol(a[0], NULL, 10); n > 0; n--)
		send_text(a[1]);
}

static void fds(char **a)
{
	size_t n = strtoul(a[0], NULL, 10);
	int *v = calloc(n, sizeof(int));

	for (size_t i = 0; v && i < n; i++)
		v[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	send_fds(a[1], strlen(a[1]), v, n);
	for (size_t i = 0; v && i < n; i++)
		close(v[i]);
	free(v);
}

static void child(char **a)
{
	if (fork() == 0) {
		send_text(a[0]);
		sleep_for_ever();
	}
}

static void dead(char **a)
{
	pid_t pid = fork();

	if (pid == 0) {
		send_text(a[0]);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void as(char **a)
{
	if (fork() == 0) {
		if (setresuid((uid_t)atoi(a[0]), (uid_t)atoi(a[0]), (uid_t)atoi(a[0])) < 0)
			give_up("setresuid");
		send_text(a[1]);
		sleep_for_ever();
	}
}

static void to(char **a)
{
	socket_path = a[0];
}

/* Has it been read? */
static bool pass_barrier(void)
{
	int ends[2];
	struct pollfd answer;
	bool passed;

	if (pipe2(ends, O_CLOEXEC) < 0)
		give_up("pipe2");
	send_fds("BARRIER=1", strlen("BARRIER=1"), &ends[1], 1);
	close(ends[1]);
	answer = (struct pollfd){ .fd = ends[0] };
	passed = poll(&answer, 1, 10000) == 1 && (answer.revents & POLLHUP);
	close(ends[0]);
	return passed;
}

static void barrier(char **a)
{
	if (pass_barrier())
		put_file(a[0], "");
}

static void tell(char **a)
{
	cleanup_buf struct buf b = BUF_INIT;
	const char *at = strstr(a[0], "@PID");

	if (at)
		buf_printf(&b, "%.*s%d%s", (int)(at - a[0]), a[0], (int)getpid(), at + strlen("@PID"));
	else
		buf_puts(&b, a[0]);
	send_text(b.data);
	if (!pass_barrier())
		give_up("BARRIER=1");
}

static void say_clock(char **a)
{
	struct timespec ts;
	char text[256];

	clock_gettime(CLOCK_MONOTONIC, &ts);
	snprintf(text, sizeof(text), "%s%lld", a[0], (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
	send_text(text);
}

static void ping(char **a)
{
	for (long n = strtol(a[0], NULL, 10); n > 0; n--) {
		send_text("WATCHDOG=1");
		pause_ms(strtol(a[1], NULL, 10));
	}
}

/* Whoever closes it last waits for five seconds: socket(7), SO_LINGER. */
static void linger(char **a)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const struct linger long_time = { .l_onoff = 1, .l_linger = 5 };
	int listening = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(sa);
	char data[4096] = "";

	if (bind(listening, (struct sockaddr *)&sa, len) < 0 || listen(listening, 1) < 0 ||
	    getsockname(listening, (struct sockaddr *)&sa, &len) < 0 ||
	    connect(fd, (struct sockaddr *)&sa, len) < 0 || accept(listening, NULL, NULL) < 0)
		give_up("linger");
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &long_time, sizeof(long_time));
	while (send(fd, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	if (fork() == 0) { /* the other end, which does not read */
		close(fd);
		pause_ms(8000);
		_exit(0);
	}
	pause_ms(100);
	send_fds(a[0], strlen(a[0]), &fd, 1);
	close(listening);
	close(fd);
}

static void store_fd(const char *name, int fd)
{
	char text[512];

	snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s", name);
	send_fds(text, strlen(text), &fd, 1);
}

static void store(char **a)
{
	const char *passed = getenv("LISTEN_FDNAMES");
	cleanup_close int fd = memfd_create(a[0], MFD_CLOEXEC);

	if (passed && strstr(passed, a[0]))
		return;
	if (fd < 0 || write(fd, a[1], strlen(a[1])) < 0)
		give_up("memfd_create");
	store_fd(a[0], fd);
	store_fd(a[0], fd);
}

static void wait_for(const char *path)
{
	for (int i = 0; access(path, F_OK) < 0 && i < 3000; i++)
		pause_ms(10);
}

static void store_pipe(char **a)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		give_up("pipe2");
	store_fd(a[0], ends[0]);
	close(ends[0]);
	wait_for(a[1]);
	close(ends[1]);
}

static void stored(char **a)
{
	const char *n = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	char *names = getenv("LISTEN_FDNAMES"), text[4096] = "";
	size_t len = 0;

	for (int fd = 3; n && pid && atoi(pid) == getpid() && fd < 3 + atoi(n); fd++) {
		char content[64];
		ssize_t got = pread(fd, content, sizeof(content), 0);

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s=%.*s\n",
					strsep(&names, ":"), (int)MAX_OF(got, 0), content);
		/* it is not to come into what we execute */
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	put_file(a[0], text);
}

static void env(char **a)
{
	static const char *const names[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
					     "LISTEN_FDS", "FDSTORE" };
	char text[1024] = "";
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (getenv(names[i]))
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s=%s\n", names[i],
						getenv(names[i]));
	put_file(a[0], text);
}

static void put_number(const char *path, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d\n", (int)pid);
	put_file(path, text);
}

static void become_daemon(char **a)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		give_up("fork");
	if (pid > 0) {
		char ready;

		(void)!read(ends[0], &ready, 1);
		_exit(0);
	}
	if (!streq(a[0], "-"))
		put_number(a[0], getpid());
	(void)!write(ends[1], "", 1);
	close(ends[0]);
	close(ends[1]);
}

static void fork_one(char **a)
{
	pid_t pid = fork();
	sigset_t none;

	if (pid == 0) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL); /* what is played on a signal is its parent's */
		sleep_for_ever();
	}
	put_number(a[0], pid);
}

static void mainpid(char **a)
{
	char text[64];
	cleanup_fclose FILE *f = fopen(a[0], "re");
	int pid = 0;

	if (!f || fscanf(f, "%d", &pid) != 1)
		give_up(a[0]);
	snprintf(text, sizeof(text), "MAINPID=%d", pid);
	send_text(text);
}

static void write_file(char **a)
{
	put_file(a[0], a[1]);
}

static void touch(char **a)
{
	put_file(a[0], "");
}

static void wait_file(char **a)
{
	wait_for(a[0]);
}

static void pass_time(char **a)
{
	pause_ms(strtol(a[0], NULL, 10));
}

static void become(char **a)
{
	if (setresuid((uid_t)atoi(a[0]), (uid_t)atoi(a[0]), (uid_t)atoi(a[0])) < 0)
		give_up("setresuid");
}

static void quit(char **a)
{
	_exit(atoi(a[0]));
}

static int signal_number(const char *name)
{
	int sig;

	if (parse_signal(name, &sig) < 0)
		give_up(name);
	return sig;
}

static void die(char **a)
{
	raise(signal_number(a[0]));
}

struct step {
	const char *name;
	int arguments;
	void (*fn)(char **a); /* NULL: "on" */
};

static const struct step steps[] = {
	{ "tell", 1, tell },
	{ "say", 1, say },
	{ "nul", 1, nul },
	{ "long", 1, say_long },
	{ "flood", 2, flood },
	{ "fds", 2, fds },
	{ "child", 1, child },
	{ "dead", 1, dead },
	{ "as", 2, as },
	{ "to", 1, to },
	{ "barrier", 1, barrier },
	{ "clock", 1, say_clock },
	{ "linger", 1, linger },
	{ "ping", 2, ping },
	{ "store", 2, store },
	{ "pipe", 2, store_pipe },
	{ "stored", 1, stored },
	{ "env", 1, env },
	{ "daemon", 1, become_daemon },
	{ "fork", 1, fork_one },
	{ "mainpid", 1, mainpid },
	{ "become", 1, become },
	{ "write", 2, write_file },
	{ "touch", 1, touch },
	{ "wait", 1, wait_file },
	{ "pause", 1, pass_time },
	{ "exit", 1, quit },
	{ "die", 1, die },
	{ "on", 1, NULL },
};

/* The step that begins at *a; args end before end. */
static const struct step *find_step(char **a, char **end)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (streq(steps[i].name, *a) && end - a > steps[i].arguments)
			return &steps[i];
	fprintf(stderr, "notifier: %s: no such step, or too few arguments\n", *a);
	_exit(2);
}

/* Up to the next "on". */
static void play(char **a, char **end)
{
	while (a < end) {
		const struct step *step = find_step(a, end);

		if (!step->fn)
			return;
		step->fn(a + 1);
		a += 1 + step->arguments;
	}
}

/* Plays what stands behind an "on" that is about sig; 0: adds the signals of
 * all to set. */
static void play_on(int sig, sigset_t *set, char **a, char **end)
{
	while (a < end) {
		const struct step *step = find_step(a, end);
		char **next = a + 1 + step->arguments;

		if (!step->fn && sig == 0)
			sigaddset(set, signal_number(a[1]));
		else if (!step->fn && sig == signal_number(a[1]))
			play(next, end);
		a = next;
	}
}

int main(int argc, char **argv)
{
	sigset_t set;
	int sig;

	socket_path = getenv("NOTIFY_SOCKET");
	sigemptyset(&set);
	play_on(0, &set, argv + 1, argv + argc);
	sigprocmask(SIG_BLOCK, &set, NULL); /* one that comes early waits for its turn */
	play(argv + 1, argv + argc);
	while (!sigisemptyset(&set) && sigwait(&set, &sig) == 0)
		play_on(sig, &set, argv + 1, argv + argc);
	sleep_for_ever();
}
