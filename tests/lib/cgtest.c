/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/cgtest.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define CHAIN_TIME	(30 * USEC_PER_SEC)
#define DEMOLITION_TIME (20 * USEC_PER_SEC)

unsigned cgtest_slowness(void)
{
	const char *said = getenv("CGKILL_TEST_SLOWNESS");
	unsigned long times = said ? strtoul(said, NULL, 10) : 1;

	return times > 0 && times < 1000 ? (unsigned)times : 1;
}

void cgtest_sleep_ms(unsigned ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "cgtest: %s: %s\n", what, strerror(errno));
	_exit(99);
}

/* ---- the root, and its end: on purpose without the code under test ---- */

static void kill_listed(const char *directory)
{
	char path[PATH_MAX];
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "%s/cgroup.procs", directory);
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1)
		if (pid > 0)
			kill(pid, SIGKILL);
	if (f)
		fclose(f);
}

static int demolish_one(const char *path, const struct stat *st unused, int type, struct FTW *ftw unused)
{
	if (type != FTW_DP)
		return 0;
	kill_listed(path);
	rmdir(path);
	return 0;
}

static void write_path(const char *directory, const char *name, const char *text)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		errno = 0; /* tried again soon */
	close_fd(fd);
}

static void demolish(const char *root)
{
	usec_t end = clock_now() + DEMOLITION_TIME;

	do {
		if (rmdir(root) == 0 || errno == ENOENT)
			return;
		write_path(root, "cgroup.kill", "1");
		write_path(root, "cgroup.freeze", "0");
		nftw(root, demolish_one, 16, FTW_DEPTH | FTW_PHYS);
		cgtest_sleep_ms(2);
	} while (clock_now() < end);
	fprintf(stderr, "cgtest: %s could not be removed\n", root);
}

/* Neither a child of the test nor a holder of its descriptors, but for fd: a test runner waits for both. */
int cgtest_when_we_end(void (*fn)(const char *arg, int fd), const char *arg, int fd)
{
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	pid_t pid;

	if (pidfd < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		struct pollfd p = { .fd = 0, .events = POLLIN };

		if (fork() != 0)
			_exit(0);
		setsid();
		dup2(pidfd, 0);
		dup2(open("/dev/null", O_WRONLY), 1);
		dup2(1, 2);
		dup2(fd, 3);
		close_range(fd < 0 ? 3 : 4, ~0U, 0);
		while (poll(&p, 1, -1) < 0)
			;
		fn(arg, 3);
		_exit(0);
	}
	close_fd(pidfd);
	if (pid < 0 || waitpid(pid, NULL, 0) < 0)
		return -errno;
	return 0;
}

static void demolish_at_end(const char *root, int fd unused)
{
	demolish(root);
}

int cgtest_begin(struct cgtest *t)
{
	char name[64];
	int r;

	*t = (struct cgtest){ .mount = CG_INIT, .root = CG_INIT };
	r = hierarchy_find(&t->hierarchy, NULL);
	if (r < 0)
		return r;
	r = cg_open_path(&t->mount, t->hierarchy.mount_point);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "cgkill-test.%d", (int)getpid());
	if (asprintf(&t->root_file_path, "%s/%s", t->hierarchy.mount_point, name) < 0)
		return -ENOMEM;
	r = cgtest_when_we_end(demolish_at_end, t->root_file_path, -1);
	return r < 0 ? r : cg_create(&t->root, &t->mount, name);
}

void cgtest_end(struct cgtest *t)
{
	if (t->root_file_path)
		demolish(t->root_file_path);
	cg_close(&t->root);
	cg_close(&t->mount);
	free(t->root_file_path);
	hierarchy_deinit(&t->hierarchy);
	*t = (struct cgtest){ .mount = CG_INIT, .root = CG_INIT };
}

/* ---- members ---- */

static void say_ready(int ready_fd)
{
	if (write(ready_fd, "r", 1) != 1)
		_exit(99);
	close_fd(ready_fd);
}

void cgtest_ready_and_sleep(int ready_fd)
{
	say_ready(ready_fd);
	for (;;)
		pause();
}

static void sleeper(int ready_fd, void *arg unused)
{
	cgtest_ready_and_sleep(ready_fd);
}

static void term_ignorer(int ready_fd, void *arg unused)
{
	signal(SIGTERM, SIG_IGN);
	cgtest_ready_and_sleep(ready_fd);
}

static void all_blocked(int ready_fd, void *arg unused)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	cgtest_ready_and_sleep(ready_fd);
}

static void *sleeping_thread(void *arg unused)
{
	for (;;)
		pause();
	return NULL;
}

static void dead_leader(int ready_fd, void *arg unused)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, sleeping_thread, NULL) != 0)
		_exit(99);
	say_ready(ready_fd);
	syscall(SYS_exit, 0); /* of this thread only */
}

static void fork_chain(int ready_fd, void *arg unused)
{
	usec_t end = clock_now() + CHAIN_TIME;

	say_ready(ready_fd);
	while (clock_now() < end)
		if (fork() > 0)
			_exit(0);
}

static void vfork_parent(int ready_fd, void *arg unused)
{
	if (vfork() == 0)
		cgtest_ready_and_sleep(ready_fd);
}

static const struct {
	const char *name;
	member_fn body;
	const char *states; /* the first process is in one of these in the end; NULL = any */
} kinds[MEMBER_KINDS] = {
	[MEMBER_SLEEPER] = { "sleeper", sleeper, "S" },
	[MEMBER_TERM_IGNORER] = { "term-ignorer", term_ignorer, "S" },
	[MEMBER_ALL_BLOCKED] = { "all-blocked", all_blocked, "S" },
	[MEMBER_STOPPED] = { "stopped", sleeper, "T" },
	[MEMBER_DEAD_LEADER] = { "dead-leader", dead_leader, "Z" },
	[MEMBER_FORK_CHAIN] = { "fork-chain", fork_chain, NULL },
	[MEMBER_VFORK_PARENT] = { "vfork-parent", vfork_parent, "D" },
};

const char *cgtest_member_name(enum member kind)
{
	return kinds[kind].name;
}

/* A fork whose child is born in cg; without clone3 it moves itself. */
static pid_t fork_into(const struct cg *cg)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (unsigned)cg->fd,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (pid >= 0 || (errno != ENOSYS && errno != EINVAL && errno != EPERM))
		return pid;
	pid = fork();
	if (pid == 0 && cgtest_write(cg, "cgroup.procs", "0") < 0)
		_exit(99);
	return pid;
}

pid_t cgtest_start_fn(const struct cg *cg, member_fn body, void *arg)
{
	struct pollfd p = { .events = POLLIN };
	int ready[2];
	char c;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		die("pipe");
	pid = fork_into(cg);
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		close_fd(ready[0]);
		body(ready[1], arg);
		_exit(0);
	}
	close_fd(ready[1]);
	p.fd = ready[0];
	if (poll(&p, 1, 10000) != 1 || read(ready[0], &c, 1) != 1)
		die("a member did not become ready");
	close_fd(ready[0]);
	return pid;
}

pid_t cgtest_start(const struct cg *cg, enum member kind)
{
	pid_t pid = cgtest_start_fn(cg, kinds[kind].body, NULL);

	if (kind == MEMBER_STOPPED)
		kill(pid, SIGSTOP);
	if (kinds[kind].states && !cgtest_in_state(pid, kinds[kind].states, 10000))
		die(kinds[kind].name);
	return pid;
}

struct threaded {
	const struct cg *threads;
	bool leader_too;
	int ready_fd;
};

static void *threaded_thread(void *arg)
{
	const struct threaded *threaded = arg;

	if (cgtest_write(threaded->threads, "cgroup.threads", "0") < 0)
		_exit(99);
	cgtest_ready_and_sleep(threaded->ready_fd);
}

static void threaded_process(int ready_fd, void *arg)
{
	struct threaded *threaded = arg;
	pthread_t thread;

	threaded->ready_fd = ready_fd;
	if (threaded->leader_too && cgtest_write(threaded->threads, "cgroup.threads", "0") < 0)
		_exit(99);
	if (pthread_create(&thread, NULL, threaded_thread, threaded) != 0)
		_exit(99);
	sleeping_thread(NULL);
}

pid_t cgtest_start_threaded(const struct cg *domain, const struct cg *threads, bool leader_too)
{
	struct threaded threaded = { .threads = threads, .leader_too = leader_too };

	return cgtest_start_fn(domain, threaded_process, &threaded);
}

/* ---- looking ---- */

int cgtest_lack(long call, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { .len = ARRAY_SIZE(code), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
		return -errno;
	return 0;
}

void cgtest_autoreap(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGCHLD, SIG_IGN);
}

bool cgtest_ended(int pidfd, int ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, ms) == 1 && (p.revents & POLLIN);
}

char cgtest_state(pid_t pid)
{
	char path[32], text[256] = "";
	const char *p;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close_fd(fd);
	p = strrchr(text, ')');
	return p && p[1] ? p[2] : '\0';
}

bool cgtest_in_state(pid_t pid, const char *states, unsigned ms)
{
	char state = cgtest_state(pid);

	for (; ms > 0 && !(state && strchr(states, state)); ms--) {
		cgtest_sleep_ms(1);
		state = cgtest_state(pid);
	}
	return state && strchr(states, state);
}

int cgtest_write(const struct cg *cg, const char *name, const char *text)
{
	cleanup_close int fd = openat(cg->fd, name, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int cgtest_read(const struct cg *cg, const char *name, char *text, size_t size)
{
	cleanup_close int fd = openat(cg->fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	return 0;
}
