/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/cgtest.h"
#include "sys/hierarchy.h"
#include "sys/pidfd.h"
#include "sys/spawn.h"

#define WAIT_MSEC 5000
#define STEP_TEST (SPAWN_STEP_FIRST + 7)

TestSuite(spawn, .timeout = 60);

static enum spawn_method methods[] = { SPAWN_CLONE3, SPAWN_ATTACH };

static void begin(struct cgtest *t)
{
	int r = cgtest_begin(t);

	if (r < 0)
		cr_skip_test("no cgroup for the test: %s", strerror(-r));
}

/* How a start went: what the child reported, and how it ended. */
struct outcome {
	bool alive;
	struct spawn_report failure; /* step 0: none */
	siginfo_t status;
};

/* Reads one report. 1, 0 at the end of file; fails the test when nothing comes. */
static int next_report(int fd, struct spawn_report *out)
{
	ssize_t n;

	cr_assert_eq(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, WAIT_MSEC), 1,
		     "the child says nothing");
	n = read(fd, out, sizeof(*out));
	cr_assert(n == 0 || n == (ssize_t)sizeof(*out), "a report of %zd bytes", n);
	return n > 0;
}

static void close_spawned(struct spawned *s)
{
	close_fd(s->pidfd);
	close_fd(s->report_fd);
}

/* Follows a child that ends by itself to its end, and reaps it. */
static struct outcome finish(struct spawned *s)
{
	struct outcome o = { 0 };
	struct spawn_report r;

	while (next_report(s->report_fd, &r) == 1) {
		if (r.step == SPAWN_STEP_ALIVE)
			o.alive = true;
		else
			o.failure = r;
	}
	cr_assert_eq(poll(&(struct pollfd){ .fd = s->pidfd, .events = POLLIN }, 1, WAIT_MSEC), 1,
		     "the child does not end");
	cr_assert_eq(pidfd_reap(s->pidfd, &o.status), 1);
	cr_assert_eq(o.status.si_pid, s->pid, "the pidfd is another's");
	close_spawned(s);
	return o;
}

static struct outcome run(const struct cg *cg, enum spawn_method method, spawn_fn fn, void *arg)
{
	enum spawn_method used = method;
	struct spawned s;

	cr_assert_eq(spawn_into(&s, cg, &used, fn, arg), 0);
	cr_assert_eq(used, method, "it fell back");
	return finish(&s);
}

/* From Linux 6.19 on a cgroup may be populated for a moment after its last process was reaped. */
static void remove_leaf(struct cgtest *t, struct cg *leaf)
{
	struct cg_events events = { .populated = true };
	cleanup_close int fd = cg_events_open(leaf);

	while (cg_events_read(fd, &events) == 0 && events.populated)
		cr_assert_eq(poll(&(struct pollfd){ .fd = fd, .events = POLLPRI }, 1, WAIT_MSEC), 1);
	cg_close(leaf);
	cr_assert_eq(cg_remove(&t->root, "leaf"), 0);
}

static void exec_true(unused void *arg, int report_fd)
{
	execl("/bin/true", "true", (char *)NULL);
	spawn_fail(report_fd, STEP_TEST, errno, 203);
}

static void sleep_long(unused void *arg, unused int report_fd)
{
	for (;;)
		pause();
}

/* The child's checks report themselves as failures with a number that says which. */
#define CHILD_CHECK(condition)                                         \
	do {                                                           \
		if (!(condition))                                      \
			spawn_fail(report_fd, STEP_TEST, __LINE__, 1); \
	} while (0)

static void check_membership(void *arg, int report_fd)
{
	const struct cg *cg = arg;
	char *path = NULL;

	CHILD_CHECK(cgroup_path_of(0, &path) == 0);
	CHILD_CHECK(streq(path, cg->path));
	_exit(0);
}

ParameterizedTestParameters(spawn, born_in_cgroup)
{
	return cr_make_param_array(enum spawn_method, methods, ARRAY_SIZE(methods));
}

ParameterizedTest(enum spawn_method *method, spawn, born_in_cgroup)
{
	struct cgtest t;
	struct cg leaf;

	begin(&t);
	cr_assert_eq(cg_create(&leaf, &t.root, "leaf"), 0);
	for (int i = 0; i < 20; i++) {
		struct outcome o = run(&leaf, *method, check_membership, &leaf);

		cr_assert(o.alive);
		cr_assert_eq(o.failure.step, 0, "line %u", o.failure.error);
		cr_assert_eq(o.status.si_status, 0);
	}
	cg_close(&leaf);
	cgtest_end(&t);
}

/* When spawn_into() is back, a kill of the cgroup finds the child. */
ParameterizedTestParameters(spawn, member_on_return)
{
	return cr_make_param_array(enum spawn_method, methods, ARRAY_SIZE(methods));
}

ParameterizedTest(enum spawn_method *method, spawn, member_on_return)
{
	struct cgtest t;

	begin(&t);
	for (int i = 0; i < 20; i++) {
		struct spawned s;
		struct cg leaf;

		cr_assert_eq(cg_create(&leaf, &t.root, "leaf"), 0);
		cr_assert_eq(spawn_into(&s, &leaf, method, sleep_long, NULL), 0);
		cr_assert_eq(pidfd_in_cgroup(s.pidfd, s.pid, &leaf, VERIFY_PROCFS), 1);
		cr_assert_eq(cg_kill_write(&leaf), 0);
		cr_assert_eq(finish(&s).status.si_status, SIGKILL);
		remove_leaf(&t, &leaf);
	}
	cgtest_end(&t);
}

static void exec_missing(unused void *arg, int report_fd)
{
	execl("/nonexistent/program", "program", (char *)NULL);
	spawn_fail(report_fd, STEP_TEST, errno, 203);
}

ParameterizedTestParameters(spawn, exec_reported)
{
	return cr_make_param_array(enum spawn_method, methods, ARRAY_SIZE(methods));
}

ParameterizedTest(enum spawn_method *method, spawn, exec_reported)
{
	struct cgtest t;
	struct outcome o;

	begin(&t);
	o = run(&t.root, *method, exec_missing, NULL);
	cr_assert(o.alive);
	cr_assert_eq(o.failure.step, STEP_TEST);
	cr_assert_eq(o.failure.error, ENOENT);
	cr_assert_eq(o.status.si_code, CLD_EXITED);
	cr_assert_eq(o.status.si_status, 203);

	o = run(&t.root, *method, exec_true, NULL);
	cr_assert(o.alive);
	cr_assert_eq(o.failure.step, 0);
	cr_assert_eq(o.status.si_status, 0);
	cgtest_end(&t);
}

static void no_op(unused int sig)
{
}

static void check_signals(unused void *arg, int report_fd)
{
	sigset_t blocked;

	CHILD_CHECK(sigprocmask(SIG_BLOCK, NULL, &blocked) == 0);
	for (int sig = 1; sig < _NSIG; sig++) {
		struct sigaction sa;

		CHILD_CHECK(sigismember(&blocked, sig) <= 0);
		if (sigaction(sig, NULL, &sa) == 0)
			CHILD_CHECK(sa.sa_handler == (sig == SIGPIPE ? SIG_IGN : SIG_DFL));
	}
	_exit(0);
}

ParameterizedTestParameters(spawn, signals_clean)
{
	return cr_make_param_array(enum spawn_method, methods, ARRAY_SIZE(methods));
}

ParameterizedTest(enum spawn_method *method, spawn, signals_clean)
{
	struct cgtest t;
	struct outcome o;
	sigset_t set, after;

	begin(&t);
	signal(SIGUSR1, no_op);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGRTMAX, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_SETMASK, &set, NULL);

	o = run(&t.root, *method, check_signals, NULL);
	cr_assert_eq(o.failure.step, 0, "line %u", o.failure.error);
	cr_assert(o.alive);

	sigprocmask(SIG_SETMASK, NULL, &after);
	for (int sig = 1; sig < 32; sig++)
		cr_assert_eq(sigismember(&after, sig), sigismember(&set, sig),
			     "the parent's mask has changed at signal %d", sig);
	cgtest_end(&t);
}

/* Shared with the children: who, other than the parent, has run the parent's handler. */
static volatile pid_t *strayed;
static pid_t parent_pid;

static void note_stray(unused int sig)
{
	if (getpid() != parent_pid)
		*strayed = getpid();
}

/* Sends SIGUSR1 to the whole process group without a pause, until it is killed. */
static pid_t start_bomber(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGUSR1, SIG_IGN);
		for (;;)
			kill(0, SIGUSR1);
	}
	return pid;
}

/* A signal to the process group finds the child in the middle of its birth: its handler is not run, ALIVE is said first. */
ParameterizedTestParameters(spawn, signalled_at_birth)
{
	return cr_make_param_array(enum spawn_method, methods, ARRAY_SIZE(methods));
}

ParameterizedTest(enum spawn_method *method, spawn, signalled_at_birth)
{
	struct cgtest t;
	pid_t bomber;

	begin(&t);
	setpgid(0, 0);
	parent_pid = getpid();
	strayed = mmap(NULL, sizeof(*strayed), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	cr_assert(strayed != MAP_FAILED);
	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = note_stray, .sa_flags = SA_RESTART },
		  NULL);
	bomber = start_bomber();
	for (int i = 0; i < 100; i++) {
		enum spawn_method used = *method;
		struct spawn_report first;
		struct spawned s;
		ssize_t n;

		cr_assert_eq(spawn_into(&s, &t.root, &used, sleep_long, NULL), 0);
		while ((n = read(s.report_fd, &first, sizeof(first))) < 0)
			;
		cr_assert_eq(n, (ssize_t)sizeof(first), "it died before it said ALIVE");
		cr_assert_eq(first.step, SPAWN_STEP_ALIVE);
		kill(s.pid, SIGKILL);
		cr_assert_eq(waitpid(s.pid, NULL, 0), s.pid);
		close_spawned(&s);
	}
	kill(bomber, SIGKILL);
	waitpid(bomber, NULL, 0);
	cr_assert_eq(*strayed, 0, "a child ran the parent's handler");
	cgtest_end(&t);
}

/* The descriptors of this process. */
static unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* The child after its exec: a shell that tells how many descriptors it has, by its exit status. */
static void exec_count_fds(unused void *arg, int report_fd)
{
	execl("/bin/sh", "sh", "-c", "n=0; for f in /proc/$$/fd/*; do n=$((n+1)); done; exit $n",
	      (char *)NULL);
	spawn_fail(report_fd, STEP_TEST, errno, 203);
}

ParameterizedTestParameters(spawn, no_leaked_fds)
{
	return cr_make_param_array(enum spawn_method, methods, ARRAY_SIZE(methods));
}

ParameterizedTest(enum spawn_method *method, spawn, no_leaked_fds)
{
	struct cgtest t;
	struct outcome plain, spawned;
	unsigned before;
	int status;
	pid_t pid;

	begin(&t);
	before = count_fds();
	pid = fork();
	if (pid == 0) {
		exec_count_fds(NULL, -1);
		_exit(1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	plain.status.si_status = WEXITSTATUS(status);

	spawned = run(&t.root, *method, exec_count_fds, NULL);
	cr_assert_eq(spawned.status.si_status, plain.status.si_status,
		     "the child has descriptors of ours");
	for (int i = 0; i < 50; i++)
		run(&t.root, *method, exec_missing, NULL);
	cr_assert_eq(count_fds(), before, "the parent leaks");
	cgtest_end(&t);
}

/* No descriptor left: an error, no child, nothing leaked. */
ParameterizedTestParameters(spawn, out_of_fds)
{
	return cr_make_param_array(enum spawn_method, methods, ARRAY_SIZE(methods));
}

ParameterizedTest(enum spawn_method *method, spawn, out_of_fds)
{
	struct rlimit old, tight;
	struct cgtest t;
	struct spawned s;
	int refused = 0, r = -EMFILE;

	begin(&t);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	/* one more at a time, until it works: each descriptor that it needs has been the one that lacked */
	for (rlim_t free_fds = 0; r < 0; free_fds++) {
		enum spawn_method used = *method;
		int top = dup(0);

		close(top);
		tight = (struct rlimit){ .rlim_cur = (rlim_t)top + free_fds, .rlim_max = old.rlim_max };
		cr_assert_eq(setrlimit(RLIMIT_NOFILE, &tight), 0);
		r = spawn_into(&s, &t.root, &used, sleep_long, NULL);
		cr_assert_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
		if (r == 0) {
			cr_assert_eq(pidfd_signal(s.pidfd, SIGKILL), 0);
			finish(&s);
			break;
		}
		refused++;
		cr_assert_eq(r, -EMFILE);
		cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "a child is left");
		cr_assert_eq(errno, ECHILD);
		cr_assert_eq(dup(0), top, "a descriptor is left");
		close(top);
	}
	cr_assert_geq(refused, *method == SPAWN_CLONE3 ? 3 : 4, "pipe, pidfd, cgroup.procs");
	cgtest_end(&t);
}

/* In a process of its own: RLIMIT_NPROC does not bind root. */
ParameterizedTestParameters(spawn, out_of_processes)
{
	return cr_make_param_array(enum spawn_method, methods, ARRAY_SIZE(methods));
}

ParameterizedTest(enum spawn_method *method, spawn, out_of_processes)
{
	const struct rlimit none = { 0, 0 };
	struct cgtest t;
	int status;
	pid_t pid;

	begin(&t);
	cr_assert_eq(fchmod(t.root.fd, 0777), 0);
	cr_assert_eq(fchownat(t.root.fd, "cgroup.procs", 61234, (gid_t)-1, 0), 0);
	pid = fork();
	if (pid == 0) {
		struct spawned s;
		int r;

		/* the move needs write access to the common ancestor too: be inside first */
		if (cg_attach(&t.root, 0) < 0 || setresuid(61234, 61234, 61234) < 0 ||
		    setrlimit(RLIMIT_NPROC, &none) < 0)
			_exit(99);
		r = spawn_into(&s, &t.root, method, exec_true, NULL);
		_exit(r == 0 ? 98 : -r);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(WEXITSTATUS(status), EAGAIN, "status %d", WEXITSTATUS(status));
	cgtest_end(&t);
}

static int refusals[] = { ENOSYS, EPERM, EINVAL };

ParameterizedTestParameters(spawn, falls_back)
{
	return cr_make_param_array(int, refusals, ARRAY_SIZE(refusals));
}

ParameterizedTest(int *error, spawn, falls_back)
{
	enum spawn_method method = SPAWN_CLONE3, probed = SPAWN_METHOD_INVALID;
	struct cgtest t;
	struct outcome o;
	struct spawned s;

	begin(&t);
	if (cgtest_lack(SYS_clone3, *error) < 0)
		cr_skip_test("no seccomp filters here");
	cr_assert_eq(spawn_into(&s, &t.root, &method, check_membership, &t.root), 0);
	cr_assert_eq(method, SPAWN_ATTACH);
	o = finish(&s);
	cr_assert(o.alive);
	cr_assert_eq(o.failure.step, 0, "line %u", o.failure.error);
	cr_assert_eq(spawn_probe(&t.root, &probed), 0);
	cr_assert_eq(probed, SPAWN_ATTACH);
	cgtest_end(&t);
}

ParameterizedTestParameters(spawn, removed_cgroup)
{
	return cr_make_param_array(enum spawn_method, methods, ARRAY_SIZE(methods));
}

ParameterizedTest(enum spawn_method *method, spawn, removed_cgroup)
{
	struct cgtest t;
	struct spawned s;
	struct cg leaf;

	begin(&t);
	cr_assert_eq(cg_create(&leaf, &t.root, "leaf"), 0);
	cr_assert_eq(cg_remove(&t.root, "leaf"), 0);
	cr_assert_eq(spawn_into(&s, &leaf, method, exec_true, NULL), -ENOENT);
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "a child is left");
	cg_close(&leaf);
	cgtest_end(&t);
}

/* Does this kernel kill at birth what is cloned into a cgroup that was killed once? */
static bool is_poisoned(const struct cg *cg)
{
	struct outcome o = run(cg, SPAWN_CLONE3, exec_true, NULL);

	if (!o.alive)
		cr_assert_eq(o.status.si_status, SIGKILL);
	return !o.alive;
}

Test(spawn, killed_target)
{
	struct cgtest t;
	struct cg leaf;

	begin(&t);
	cr_assert_eq(cg_create(&leaf, &t.root, "leaf"), 0);
	cr_assert_not(is_poisoned(&leaf), "before any kill");
	cr_assert_eq(cg_kill_write(&leaf), 0);
	(void)is_poisoned(&leaf); /* either is right; that it is told apart is checked in there */
	cr_assert(run(&leaf, SPAWN_ATTACH, exec_true, NULL).alive);
	cg_close(&leaf);
	cgtest_end(&t);
}

static unsigned count_children(const struct cg *cg)
{
	DIR *dir = fdopendir(openat(cg->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	unsigned n = 0;

	for (const struct dirent *e; (e = readdir(dir));)
		n += e->d_type == DT_DIR && e->d_name[0] != '.';
	closedir(dir);
	return n;
}

Test(spawn, probe)
{
	enum spawn_method method = SPAWN_METHOD_INVALID;
	struct cgtest t;
	struct cg left_over;
	char own[32];
	unsigned fds;

	begin(&t);
	fds = count_fds();
	cr_assert_eq(spawn_probe(&t.root, &method), 0);
	cr_assert_eq(method, SPAWN_CLONE3);
	cr_assert_eq(count_children(&t.root), 0, "the probe left something");
	cr_assert_eq(count_fds(), fds);

	/* what a crash has left behind: of another process, and of one that had our number, killed too */
	snprintf(own, sizeof(own), "probe.%d", (int)getpid());
	cr_assert_eq(cg_create(&left_over, &t.root, "probe.2147483647"), 0);
	cg_close(&left_over);
	cr_assert_eq(cg_create(&left_over, &t.root, own), 0);
	cr_assert_eq(cg_kill_write(&left_over), 0);
	cg_close(&left_over);
	/* not ours to remove */
	cr_assert_eq(cg_create(&left_over, &t.root, "probe.2147483647x"), 0);
	cg_close(&left_over);
	cr_assert_eq(cg_create(&left_over, &t.root, "probe.1"), 0);
	cg_close(&left_over);
	method = SPAWN_METHOD_INVALID;
	cr_assert_eq(spawn_probe(&t.root, &method), 0);
	cr_assert_eq(method, SPAWN_CLONE3);
	cr_assert_eq(count_children(&t.root), 2);
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "a child is left");
	cgtest_end(&t);
}

/* The spawner itself lives in a cgroup that was killed once: its children die in every fresh cgroup. */
Test(spawn, probe_in_killed_cgroup)
{
	struct cgtest t;
	struct cg home, leaf;
	bool poisoned;
	int status;
	pid_t pid;

	begin(&t);
	cr_assert_eq(cg_create(&home, &t.root, "home"), 0);
	cr_assert_eq(cg_create(&leaf, &t.root, "leaf"), 0);
	cr_assert_eq(cg_kill_write(&leaf), 0);
	poisoned = is_poisoned(&leaf);
	cr_assert_eq(cg_kill_write(&home), 0);
	pid = fork();
	if (pid == 0) {
		enum spawn_method method = SPAWN_METHOD_INVALID;

		if (cg_attach(&home, 0) < 0 || spawn_probe(&t.root, &method) < 0)
			_exit(99);
		_exit((int)method);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), poisoned ? SPAWN_ATTACH : SPAWN_CLONE3);
	cr_assert_eq(count_children(&t.root), 2, "the probe left something");
	cg_close(&leaf);
	cg_close(&home);
	cgtest_end(&t);
}

Test(spawn, probe_refused)
{
	enum spawn_method method = SPAWN_METHOD_INVALID;
	struct cgtest t;
	struct cg leaf;

	begin(&t);
	cr_assert_eq(cg_create(&leaf, &t.root, "leaf"), 0);
	cr_assert_eq(cg_remove(&t.root, "leaf"), 0);
	cr_assert_lt(spawn_probe(&leaf, &method), 0);
	cr_assert_eq(method, SPAWN_METHOD_INVALID, "*method is for success");
	cg_close(&leaf);
	cgtest_end(&t);
}

/* Frozen from above nothing starts: the probe says so in time, and still leaves nothing. */
Test(spawn, probe_frozen)
{
	enum spawn_method method = SPAWN_METHOD_INVALID;
	usec_t start = clock_now();
	struct cgtest t;

	begin(&t);
	cr_assert_eq(cg_freeze(&t.root, true), 0);
	cr_assert_eq(spawn_probe(&t.root, &method), -ETIMEDOUT);
	cr_assert_lt(clock_now() - start, 4 * USEC_PER_SEC);
	cr_assert_eq(count_children(&t.root), 0, "the probe left something");
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "a child is left");
	cgtest_end(&t);
}

/* As a service that is started and killed again and again, in a fresh leaf each time. */
Test(spawn, start_after_kill_200_times)
{
	struct cgtest t;

	begin(&t);
	for (int i = 0; i < 200; i++) {
		enum spawn_method method = SPAWN_CLONE3;
		struct spawn_report first;
		struct spawned s;
		struct cg leaf;

		cr_assert_eq(cg_create(&leaf, &t.root, "leaf"), 0);
		cr_assert_eq(spawn_into(&s, &leaf, &method, sleep_long, NULL), 0);
		cr_assert_eq(next_report(s.report_fd, &first), 1, "killed at birth, start %d", i);
		cr_assert_eq(first.step, SPAWN_STEP_ALIVE);
		cr_assert_eq(cg_kill_write(&leaf), 0);
		cr_assert_eq(finish(&s).status.si_status, SIGKILL);
		remove_leaf(&t, &leaf);
	}
	cgtest_end(&t);
}

/* SIGKILL to a child of a frozen cgroup ends it, and the parent does not hang on its way in. */
ParameterizedTestParameters(spawn, frozen_cgroup)
{
	return cr_make_param_array(enum spawn_method, methods, ARRAY_SIZE(methods));
}

ParameterizedTest(enum spawn_method *method, spawn, frozen_cgroup)
{
	struct cgtest t;
	struct spawned s;
	struct cg leaf;

	begin(&t);
	cr_assert_eq(cg_create(&leaf, &t.root, "leaf"), 0);
	cr_assert_eq(cg_freeze(&leaf, true), 0);
	cr_assert_eq(spawn_into(&s, &leaf, method, exec_true, NULL), 0);
	cr_assert_eq(pidfd_in_cgroup(s.pidfd, s.pid, &leaf, VERIFY_PROCFS), 1);
	cr_assert_eq(pidfd_signal(s.pidfd, SIGKILL), 0);
	cr_assert_eq(finish(&s).status.si_status, SIGKILL);
	cg_close(&leaf);
	cgtest_end(&t);
}
