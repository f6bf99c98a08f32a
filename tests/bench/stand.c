/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/stand.h"

#include <cgkill/protocol.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define END_WAIT_MSEC 60000

void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* ---- the directory ---- */

static int remove_one(const char *path, const struct stat *st unused, int type unused,
		      struct FTW *ftw unused)
{
	return remove(path);
}

static _Noreturn void guard_directory(const char *dir, pid_t worker, const sigset_t *set)
{
	int sig, status;

	do
		sig = sigwaitinfo(set, NULL);
	while (sig < 0);
	if (sig != SIGCHLD)
		kill(worker, SIGKILL);
	if (waitpid(worker, &status, 0) < 0)
		status = -1;
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
}

const char *stand_shelter(void)
{
	static char dir[] = "/dev/shm/cgkill-bench.XXXXXX"; /* a tmpfs, as /run is one */
	sigset_t set, old;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (!mkdtemp(dir) || sigprocmask(SIG_BLOCK, &set, &old) < 0)
		die(dir);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid > 0)
		guard_directory(dir, pid, &set);
	sigprocmask(SIG_SETMASK, &old, NULL);
	setpgid(0, 0); /* ^C is for the guard alone */
	return dir;
}

static const char *program_named(const char *variable, const char *otherwise)
{
	const char *name = getenv(variable);
	const char *path = realpath(name && *name ? name : otherwise, NULL);

	if (!path)
		die(name ? name : otherwise);
	return path;
}

void stand_begin(struct stand *s, const char *dir)
{
	cleanup_free char *units = text_of("%s/units", dir), *run = text_of("%s/run", dir);
	int r;

	*s = (struct stand){ .home = CG_INIT, .dir = dir };
	s->cgkilld = program_named("CGKILLD", "src/cgkilld");
	s->cgkillctl = program_named("CGKILLCTL", "src/cgkillctl");
	r = cgtest_begin(&s->t);
	if (r < 0) {
		fprintf(stderr, "bench: SKIP: no cgroup of its own: %s\n", strerror(-r));
		exit(77);
	}
	r = cg_create(&s->home, &s->t.root, "home");
	errno = -r;
	if (r < 0 || mkdir(units, 0755) < 0 || setenv(CGKILL_RUNTIME_DIR_ENV, run, 1) < 0)
		die(dir);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("JOURNAL_STREAM");
}

void stand_end(struct stand *s)
{
	cg_close(&s->home);
	cgtest_end(&s->t);
}

/* ---- small change ---- */

double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

void sleep_us(double us)
{
	struct timespec ts = { .tv_sec = (time_t)(us / 1e6) };

	ts.tv_nsec = (long)((us - (double)ts.tv_sec * 1e6) * 1e3);
	nanosleep(&ts, NULL);
}

char *text_of(const char *format, ...)
{
	va_list args;
	char *text;
	int r;

	va_start(args, format);
	r = vasprintf(&text, format, args);
	va_end(args);
	if (r < 0)
		die("memory");
	return text;
}

void write_file(const char *directory, const char *name, const char *text)
{
	cleanup_free char *path = text_of("%s/%s", directory, name);
	FILE *f = fopen(path, "we");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		die(path);
}

/* ---- programs ---- */

/* The exec family does not change the strings that it takes as char *. */
static char *const *exec_argv(const char *const argv[])
{
	union {
		const char *const *given;
		char *const *taken;
	} argv_as = { .given = argv };

	return argv_as.taken;
}

static void exec_program(void *arg, int report_fd)
{
	char *const *const *argv = arg;

	setsid(); /* as whoever starts daemons does: sched(7), "The autogroup feature" */
	execvp((*argv)[0], *argv);
	spawn_fail(report_fd, SPAWN_STEP_FIRST, errno, EXIT_FAILURE);
}

/* Reads up to end of file, which is the execve. */
static void await_exec(int report_fd, const char *name)
{
	struct spawn_report report;
	struct pollfd p = { .fd = report_fd, .events = POLLIN };

	while (poll(&p, 1, -1) == 1) {
		ssize_t n = read(report_fd, &report, sizeof(report));

		if (n == 0)
			return;
		errno = (int)report.error;
		if (n != (ssize_t)sizeof(report) || report.step != SPAWN_STEP_ALIVE)
			die(name);
	}
	die(name);
}

struct program program_start(const struct cg *cg, const char *const argv[])
{
	enum spawn_method method = SPAWN_CLONE3;
	struct spawned child;
	char *const *taken = exec_argv(argv);
	int r = spawn_into(&child, cg, &method, exec_program, &taken);

	errno = -r;
	if (r < 0)
		die(argv[0]);
	await_exec(child.report_fd, argv[0]);
	close(child.report_fd);
	return (struct program){ child.pid, child.pidfd };
}

void program_reap(struct program *p)
{
	struct pollfd end = { .fd = p->pidfd, .events = POLLIN };

	if (poll(&end, 1, END_WAIT_MSEC) != 1) {
		errno = ETIME;
		die("a program does not end");
	}
	waitpid(p->pid, NULL, 0);
	p->pidfd = close_fd(p->pidfd);
}

void program_stop(struct program *p)
{
	kill(p->pid, SIGTERM);
	program_reap(p);
}

void program_kill(struct program *p)
{
	kill(p->pid, SIGKILL);
	program_reap(p);
}

double program_cpu_us(const struct program *p)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(p->pid, &clock) != 0 || clock_gettime(clock, &ts) < 0)
		die("the CPU clock of a program");
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* The sum of the numbers behind these labels in /proc/PID/file. */
static double proc_sum(pid_t pid, const char *file, const char *label, const char *label2)
{
	cleanup_free char *path = text_of("/proc/%d/%s", (int)pid, file);
	cleanup_fclose FILE *f = fopen(path, "re");
	char line[256];
	double sum = 0;

	if (!f)
		die(path);
	while (fgets(line, sizeof(line), f)) {
		const char *number = after_prefix(line, label);

		if (!number)
			number = after_prefix(line, label2);
		sum += number ? strtod(number, NULL) : 0;
	}
	return sum;
}

double program_pss(const struct program *p)
{
	return 1024 * proc_sum(p->pid, "smaps_rollup", "Pss:", "Pss:");
}

double program_switches(const struct program *p)
{
	return proc_sum(p->pid, "status", "voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:");
}

/* posix_spawn() is a vfork: the time does not depend on the benchmark's own memory. */
pid_t command_start(const char *const argv[])
{
	posix_spawn_file_actions_t actions;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	errno = posix_spawnp(&pid, argv[0], &actions, NULL, exec_argv(argv), environ);
	if (errno)
		die(argv[0]);
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

double command_run(const char *const argv[])
{
	double begin = now_us();
	pid_t pid = command_start(argv);
	int status;

	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	begin = now_us() - begin;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "bench: %s %s exits with %d\n", argv[0], argv[1] ? argv[1] : "",
			WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
		exit(EXIT_FAILURE);
	}
	return begin;
}

static void await_ready(int fd, const char *name)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char c;

	if (poll(&p, 1, END_WAIT_MSEC) != 1 || read(fd, &c, 1) != 1)
		die(name);
	close(fd);
}

struct program cgkilld_start(const struct stand *s)
{
	cleanup_free char *script = NULL;
	struct program p;
	int ready[2];

	if (pipe(ready) < 0 || fcntl(ready[0], F_SETFD, FD_CLOEXEC) < 0)
		die("pipe");
	/* The shell gives way to cgkilld: it only redirects, and makes the command line readable. */
	script = text_of(
		"exec '%s' --root='%s/services' --unit-path='%s/units' --ready-fd=%d 2>>'%s/log'",
		s->cgkilld, s->t.root_file_path, s->dir, ready[1], s->dir);
	p = program_start(&s->home, (const char *const[]){ "sh", "-c", script, NULL });
	close(ready[1]);
	await_ready(ready[0], "cgkilld does not become ready");
	return p;
}

double cgkillctl(const struct stand *s, const char *verb, const char *unit)
{
	return command_run((const char *const[]){ s->cgkillctl, verb, unit, NULL });
}

void write_many(const struct stand *s, const char *text)
{
	cleanup_free char *units = text_of("%s/units", s->dir);

	for (unsigned i = 0; i < MANY; i++) {
		cleanup_free char *name = text_of("many%u.service", i);

		write_file(units, name, text);
	}
}

double cgkillctl_many(const struct stand *s, const char *verb, unsigned n)
{
	static char names[MANY][16];
	const char *argv[MANY + 3] = { s->cgkillctl, verb };

	for (unsigned i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "many%u", i);
		argv[i + 2] = names[i];
	}
	return command_run(argv);
}
