/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/cgtest.h"
#include "lib/unkillable.h"
#include "sys/explain.h"
#include "sys/pidfd.h"

#define WAIT_MSEC 5000

TestSuite(explain, .timeout = 60);

static void begin(struct cgtest *t)
{
	int r = cgtest_begin(t);

	if (r < 0)
		cr_skip_test("no cgroup for the test: %s", strerror(-r));
}

static bool is_printable(const char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			return false;
	return true;
}

static void check_printable(const struct process_facts *f)
{
	cr_assert(is_printable(f->comm));
	cr_assert(is_printable(f->wchan));
	cr_assert(is_printable(f->syscall));
	cr_assert(is_printable(f->stack));
	cr_assert(is_printable(f->cmdline));
}

/* The facts of a process, of which we are the parent, and its reason in words. */
static struct process_facts facts_of(pid_t pid, char reason[static 256])
{
	struct process_facts f;

	cr_assert_eq(explain_process(pid, &f), 0);
	cr_assert_eq(f.pid, pid);
	check_printable(&f);
	cr_assert_str_neq(explain_reason(&f, reason, 256), "");
	return f;
}

/* One of the recipes: what is seen of its victim after the kill. */
struct recipe {
	enum unkillable_kind kind;
	char states[4];
	char wchan[32];
	char syscall[16];
	char reason[32];
};

ParameterizedTestParameters(explain, unkillable)
{
	static struct recipe recipes[] = {
		{ UNKILLABLE_FUSE, "D", "request_wait_answer", "openat", "FUSE server" },
		{ UNKILLABLE_FREEZE, "D", "percpu_rwsem_wait", "openat", "frozen file system" },
		{ UNKILLABLE_PTRACE, "t", "ptrace_stop", "", "tracer, PID " },
	};

	return cr_make_param_array(struct recipe, recipes, ARRAY_SIZE(recipes));
}

static void open_path(int ready_fd, void *arg)
{
	if (write(ready_fd, "r", 1) == 1)
		(void)!open(arg, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	_exit(0);
}

/* Starts the recipe with a victim in cg that is about to get stuck. Skips the test where the machine refuses. */
static pid_t start_victim(struct unkillable *u, const struct recipe *rc, const struct cg *cg)
{
	pid_t victim = 0;
	int r;

	if (rc->kind == UNKILLABLE_PTRACE)
		victim = cgtest_start(cg, MEMBER_SLEEPER);
	r = unkillable_start(u, rc->kind, victim);
	if (r < 0)
		cr_skip_test("this machine refuses: %s", strerror(-r));
	if (rc->kind == UNKILLABLE_PTRACE)
		return victim;
	victim = cgtest_start_fn(cg, open_path, u->path);
	cgtest_sleep_ms(50); /* from ready to inside of open() */
	return victim;
}

ParameterizedTest(struct recipe *rc, explain, unkillable)
{
	struct process_facts f, listed[4];
	struct unkillable u = { 0 };
	struct cgtest t;
	char reason[256];
	size_t total;
	int pidfd;
	pid_t victim;

	begin(&t);
	victim = start_victim(&u, rc, &t.root);
	pidfd = pidfd_open_pid(victim);
	cr_assert_geq(pidfd, 0);
	cr_assert_eq(cg_kill_write(&t.root), 0);
	cr_assert(cgtest_in_state(victim, rc->states, WAIT_MSEC));
	cr_assert_not(cgtest_ended(pidfd, 50), "it could be killed");

	f = facts_of(victim, reason);
	cr_assert_eq(f.state, rc->states[0]);
	cr_assert_eq(f.thread, victim);
	cr_assert_not(f.leader_dead);
	cr_assert_not_null(strstr(reason, rc->reason), "%s", reason);
	cr_assert_eq(f.tracer, rc->kind == UNKILLABLE_PTRACE ? u.helper : 0);
	if (rc->kind != UNKILLABLE_PTRACE) /* the exit has taken the signal already */
		cr_assert(f.sigkill_pending);
	if (*f.wchan) /* hidden by some kernels and from other users */
		cr_assert_str_eq(f.wchan, rc->wchan);
	if (*f.syscall && *rc->syscall)
		cr_assert_str_eq(f.syscall, rc->syscall);
	if (*f.file)
		cr_assert_str_eq(f.file, u.path);
	if (*f.stack)
		cr_assert_not_null(strstr(f.stack, rc->wchan), "%s", f.stack);
	cr_assert_leq(f.started, clock_now());
	cr_assert_geq(f.started, clock_now() - WAIT_MSEC * USEC_PER_MSEC);

	cr_assert_eq(explain_members(&t.root, listed, ARRAY_SIZE(listed), &total), 1);
	cr_assert_eq(total, 1);
	cr_assert_eq(listed[0].pid, victim);

	unkillable_release(&u);
	cr_assert(cgtest_ended(pidfd, WAIT_MSEC), "let go, it does not end");
	close_fd(pidfd);
	cgtest_end(&t);
}

/* One that waits for a file, until its directory is removed: the other end of a FIFO is nobody's. */
static void open_fifo(int ready_fd, void *arg)
{
	if (write(ready_fd, "r", 1) == 1)
		(void)!open(arg, O_RDONLY | O_CLOEXEC);
	_exit(0);
}

static void read_fifo(int ready_fd, void *arg)
{
	int fd = open(arg, O_RDWR | O_CLOEXEC);
	char c;

	if (write(ready_fd, "r", 1) == 1)
		(void)!read(fd, &c, 1);
	_exit(0);
}

static void expect_file(const struct cg *cg, member_fn body, const char *call, char *path)
{
	pid_t pid = cgtest_start_fn(cg, body, path);
	struct process_facts f;
	usec_t until = clock_now() + WAIT_MSEC * USEC_PER_MSEC;

	do
		cr_assert_eq(explain_process(pid, &f), 0);
	while (!streq(f.syscall, call) && clock_now() < until);
	if (!*f.syscall)
		cr_skip_test("this host does not show system calls");
	cr_assert_str_eq(f.syscall, call);
	cr_assert_str_eq(f.file, path);
	cr_assert_not_null(strstr(f.mount, " on /"), "%s", f.mount);
	cr_assert_not_null(strchr(f.mount, ' '));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

Test(explain, the_file_of_a_system_call)
{
	char dir[] = "/tmp/cgkill-test.XXXXXX", path[64];
	struct cgtest t;

	begin(&t);
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	cr_assert_eq(mkfifo(path, 0600), 0);
	expect_file(&t.root, open_fifo, "openat", path);
	expect_file(&t.root, read_fifo, "read", path);
	unlink(path);
	rmdir(dir);
	cgtest_end(&t);
}

struct hostile {
	char comm[16];
	char shown[64], masked[17];
};

ParameterizedTestParameters(explain, hostile_names)
{
	static struct hostile cases[] = {
		{ "a b) S 1 (", "a b) S 1 (", "a b) S 1 (" },
		{ "x\nState:\tZ", "x\\x0aState:\\x09Z", "x?State:?Z" },
		{ "\nTracerPid:\t7", "\\x0aTracerPid:\\x097", "?TracerPid:?7" },
		{ "\xff\xfe\x1b[31m\x7f", "\\xff\\xfe\\x1b[31m\\x7f", "???[31m?" },
		{ "b\\x41", "b\\x5cx41", "b\\x41" },
		{ "newline at end\n", "newline at end\\x0a", "newline at end?" },
		{ "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n",
		  "\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a",
		  "???????????????" },
		{ "", "", "" },
	};

	return cr_make_param_array(struct hostile, cases, ARRAY_SIZE(cases));
}

static void take_name(int ready_fd, void *arg)
{
	prctl(PR_SET_NAME, arg);
	cgtest_ready_and_sleep(ready_fd);
}

ParameterizedTest(struct hostile *h, explain, hostile_names)
{
	struct process_name names[2];
	struct process_facts f;
	struct cgtest t;
	char reason[256];
	size_t total;
	pid_t pid;

	begin(&t);
	pid = cgtest_start_fn(&t.root, take_name, h->comm);
	cr_assert(cgtest_in_state(pid, "S", WAIT_MSEC));
	f = facts_of(pid, reason);
	cr_assert_str_eq(f.comm, h->shown);
	cr_assert_eq(f.state, 'S');
	cr_assert_eq(f.tracer, 0);
	cr_assert_gt(f.started, 0);
	cr_assert_not(f.sigkill_pending);
	cr_assert_eq(name_members(&t.root, names, ARRAY_SIZE(names), &total), 1);
	cr_assert_eq(names[0].pid, pid);
	cr_assert_str_eq(names[0].comm, h->masked);
	cgtest_end(&t);
}

static void exec_sleep(int ready_fd, void *arg unused)
{
	if (write(ready_fd, "r", 1) == 1)
		execl("/bin/sh", "sh", "-c", "read x <&9; :", "two\nlines", "\xe2\x82\xac",
		      (char *)NULL);
	_exit(1);
}

Test(explain, cmdline)
{
	struct process_facts f = { .state = '?' };
	struct cgtest t;
	char reason[256];
	int fds[2];
	pid_t pid;

	begin(&t);
	cr_assert_eq(pipe(fds), 0);
	cr_assert_eq(dup2(fds[0], 9), 9);
	pid = cgtest_start_fn(&t.root, exec_sleep, NULL);
	for (int i = 0; i < 500 && !streq(f.comm, "sh"); i++) { /* from ready to exec */
		cgtest_sleep_ms(10);
		f = facts_of(pid, reason);
	}
	cr_assert_str_eq(f.cmdline, "sh -c read x <&9; : two\\x0alines \\xe2\\x82\\xac");
	cgtest_end(&t);
}

/* A process whose main thread has exited: the facts are another thread's. */
Test(explain, dead_leader)
{
	struct process_facts f = { .state = '?' };
	struct cgtest t;
	char reason[256];
	pid_t pid;

	begin(&t);
	pid = cgtest_start(&t.root, MEMBER_DEAD_LEADER);
	cr_assert(cgtest_in_state(pid, "Z", WAIT_MSEC));
	for (int i = 0; i < 500 && f.state != 'S'; i++) { /* until the thread sleeps as well */
		cgtest_sleep_ms(10);
		f = facts_of(pid, reason);
	}
	cr_assert(f.leader_dead);
	cr_assert_neq(f.thread, pid);
	cr_assert_eq(f.state, 'S');
	cgtest_end(&t);
}

static void *open_in_thread(void *path)
{
	(void)!open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return NULL;
}

static void block_a_thread(int ready_fd, void *arg)
{
	pthread_t thread;

	pthread_create(&thread, NULL, open_in_thread, arg);
	cgtest_ready_and_sleep(ready_fd);
}

Test(explain, thread_in_d)
{
	struct process_facts f = { .state = '?' };
	struct unkillable u = { 0 };
	struct cgtest t;
	char reason[256];
	pid_t pid;
	int r;

	begin(&t);
	r = unkillable_start(&u, UNKILLABLE_FREEZE, 0);
	if (r < 0)
		cr_skip_test("this machine refuses: %s", strerror(-r));
	pid = cgtest_start_fn(&t.root, block_a_thread, u.path);
	for (int i = 0; i < 500 && f.state != 'D'; i++) {
		cgtest_sleep_ms(10);
		f = facts_of(pid, reason);
	}
	cr_assert_eq(f.state, 'D');
	cr_assert_neq(f.thread, pid);
	cr_assert_not(f.leader_dead);
	cr_assert_not_null(strstr(reason, "frozen file system"), "%s", reason);
	/* its cmdline is left alone: the thread might hold what the reader needs */
	cr_assert_eq(f.cmdline[0], '[');
	unkillable_release(&u);
	cgtest_end(&t);
}

Test(explain, gone_and_zombie)
{
	struct process_facts f;
	char reason[256];
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	cr_assert(cgtest_in_state(pid, "Z", WAIT_MSEC));
	f = facts_of(pid, reason);
	cr_assert_eq(f.state, 'Z');
	cr_assert_not(f.leader_dead);
	cr_assert_not_null(strstr(reason, "reap"), "%s", reason);
	waitpid(pid, NULL, 0);
	cr_assert_eq(explain_process(pid, &f), -ESRCH);
}

/* Frozen and stopped ones are told apart; nested cgroups are seen; max bounds, total does not. */
Test(explain, members)
{
	struct process_facts few[2], all[8];
	struct process_name names[8];
	struct cgtest t;
	struct cg nested;
	size_t total = 0;
	ssize_t n;
	char reason[256];

	begin(&t);
	cr_assert_eq(cg_create(&nested, &t.root, "nested"), 0);
	cgtest_start(&t.root, MEMBER_SLEEPER);
	cgtest_start(&nested, MEMBER_SLEEPER);
	cgtest_start(&nested, MEMBER_STOPPED);
	cr_assert_eq(explain_members(&t.root, few, ARRAY_SIZE(few), &total), 2);
	cr_assert_eq(total, 3);
	n = explain_members(&t.root, all, ARRAY_SIZE(all), &total);
	cr_assert_eq(n, 3);
	cr_assert_eq(total, 3);
	cr_assert_not_null(strstr(explain_reason(&all[2], reason, sizeof(reason)), "SIGCONT"));
	cr_assert_eq(name_members(&t.root, names, ARRAY_SIZE(names), &total), 3);
	cr_assert_eq(name_members(&t.root, NULL, 0, &total), 0);
	cr_assert_eq(total, 3);

	cr_assert_eq(cg_freeze(&t.root, true), 0);
	cgtest_sleep_ms(50);
	cr_assert_eq(explain_members(&t.root, few, 1, &total), 1);
	explain_reason(&few[0], reason, sizeof(reason));
	if (*few[0].wchan)
		cr_assert_not_null(strstr(reason, "cgroup.freeze"), "%s", reason);
	cg_close(&nested);
	cgtest_end(&t);
}

/* The words are for a person also when nothing could be read, and never overrun. */
Test(explain, reason_of_nothing)
{
	static const char states[] = "RSDTtZXIP?";
	struct process_facts f = { .pid = 1 };
	char reason[256], tiny[8];

	for (const char *s = states; *s; s++) {
		f.state = *s;
		cr_assert_gt(strlen(explain_reason(&f, reason, sizeof(reason))), 3);
		cr_assert_lt(strlen(explain_reason(&f, tiny, sizeof(tiny))), sizeof(tiny));
	}
}
