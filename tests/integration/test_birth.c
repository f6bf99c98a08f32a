/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The birth mark, and what becomes of a child whose parent is killed while it is being born.
 */
#include "sys/birth.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "exec/exec.h"
#include "lib/cgtest.h"
#include "lib/hostfacts.h"
#include "sys/pidfd.h"
#include "util/buf.h"

#define WAIT_MSEC 5000
#define SPAWN	  42

TestSuite(birth, .timeout = 60);

/* ---- what the tests share ---- */

static enum spawn_method methods[] = { SPAWN_CLONE3, SPAWN_ATTACH };

struct stand {
	struct cgtest t;
	struct cg leaf;
	struct unit *unit;
	struct rlimit no_file;
	struct exec_context x;
	char out[64]; /* a file for the program to write to */
};

/* A unit with these lines in [Service]; $OUT in them is the file. */
static void begin(struct stand *s, const char *service)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_free char *text = NULL;
	int r = cgtest_begin(&s->t);

	if (r < 0)
		cr_skip_test("no cgroup for the test: %s", strerror(-r));
	cr_assert_eq(cg_create(&s->leaf, &s->t.root, "main.1"), 0);
	snprintf(s->out, sizeof(s->out), "/tmp/cgkill-birth.%d", (int)getpid());
	cr_assert_geq(asprintf(&text, "[Service]\nEnvironment=OUT=%s\n%s\n", s->out, service), 0);
	cr_assert_eq(unit_load(&s->unit, "a.service",
			       &(struct unit_text){ "a.service", text, strlen(text) }, 1,
			       &test_host, &diags),
		     0);
	cr_assert_eq(diags.n, 0, "%s", diags.n > 0 ? diags.v[0].text : "");
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &s->no_file), 0);
	s->x = (struct exec_context){ .unit = s->unit,
				      .command = &s->unit->exec[EXEC_START].v[0],
				      .log_dir = "/tmp",
				      .no_file = &s->no_file,
				      .unit_fd = s->t.root.fd,
				      .is_main = true,
				      .spawn = SPAWN,
				      .runtime_dir = "/tmp" };
}

static void end(struct stand *s)
{
	unlink(s->out);
	unit_free(s->unit);
	cg_close(&s->leaf);
	cgtest_end(&s->t);
}

static siginfo_t await_end(int pidfd)
{
	siginfo_t status = { 0 };

	cr_assert(cgtest_ended(pidfd, WAIT_MSEC), "it does not end");
	cr_assert_eq(pidfd_reap(pidfd, &status), 1);
	return status;
}

/* The mark of the main process, or of the control process. */
static int read_mark(const struct stand *s, struct birth_mark *out)
{
	return birth_read(&s->t.root, s->x.is_main, out);
}

/* Before Linux 6.9 it cannot be asked for once the process was reaped. */
static uint64_t identity_of(int pidfd, pid_t pid)
{
	uint64_t identity = 0;

	cr_assert_eq(pidfd_identity(pidfd, pid, &identity), 0);
	return identity;
}

static void check_mark(const struct stand *s, pid_t pid, uint64_t identity)
{
	struct birth_mark m;

	cr_assert_eq(read_mark(s, &m), 0);
	cr_assert_eq(m.spawn, SPAWN);
	cr_assert_eq(m.pid, pid);
	cr_assert_eq(m.identity, identity);
}

static uint64_t last_spawn(const struct stand *s, bool is_main)
{
	struct birth_mark m = { 0 };
	int r = birth_read(&s->t.root, is_main, &m);

	cr_assert(r == 0 || r == -ENODATA, "%s", strerror(-r));
	return m.spawn;
}

/* Reports up to the end of file; how many of them were this step. */
static unsigned count_reports(int fd, const char *step)
{
	struct spawn_report r;
	unsigned n = 0;

	for (;;) {
		cr_assert_eq(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, WAIT_MSEC), 1);
		if (read(fd, &r, sizeof(r)) != (ssize_t)sizeof(r))
			return n;
		n += streq(exec_step_name(r.step), step);
	}
}

/* Starts the unit and follows it to its end. */
static siginfo_t run(struct stand *s, enum spawn_method method, const char *step, unsigned *reports)
{
	struct spawned child;
	siginfo_t status;

	cr_assert_eq(spawn_into(&child, &s->leaf, &method, exec_child, &s->x), 0);
	*reports = count_reports(child.report_fd, step);
	status = await_end(child.pidfd);
	close_fd(child.report_fd);
	close_fd(child.pidfd);
	return status;
}

/* ---- the mark ---- */

ParameterizedTestParameters(birth, signed_and_read)
{
	return cr_make_param_array(enum spawn_method, methods, ARRAY_SIZE(methods));
}

ParameterizedTest(enum spawn_method *method, birth, signed_and_read)
{
	struct birth_mark m = { .spawn = 4711 };
	struct spawned child;
	uint64_t identity;
	struct stand s;

	begin(&s, "ExecStart=/bin/sleep 1000");
	cr_assert_eq(read_mark(&s, &m), -ENODATA);
	cr_assert_eq(m.spawn, 4711, "*out is for success");
	cr_assert_eq(spawn_into(&child, &s.leaf, method, exec_child, &s.x), 0);
	cr_assert_eq(count_reports(child.report_fd, "BIRTH_MARK"), 0);
	identity = identity_of(child.pidfd, child.pid);
	check_mark(&s, child.pid, identity); /* after its execve too it is the one who signed */
	cr_assert_eq(pidfd_signal(child.pidfd, SIGKILL), 0);
	await_end(child.pidfd);
	check_mark(&s, child.pid, identity);
	end(&s);
}

/* Every step behind it may fail or hang: the mark is there by then. */
Test(birth, before_all_else)
{
	static const struct {
		const char *service, *step;
	} cases[] = {
		{ "ExecStart=/bin/true\nStandardInput=file:/nonexistent/file", "STDIN" },
		{ "ExecStart=/bin/true\nUser=nobody-of-this-name", "USER" },
		{ "ExecStart=/nonexistent/program", "EXEC" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct birth_mark m = { 0 };
		struct stand s;
		unsigned n;

		begin(&s, cases[i].service);
		run(&s, SPAWN_CLONE3, cases[i].step, &n);
		cr_assert_eq(n, 1, "%s", cases[i].step);
		cr_assert_eq(read_mark(&s, &m), 0, "%s", cases[i].step);
		cr_assert_eq(m.spawn, SPAWN);
		end(&s);
	}
}

/* A host that does not let itself be written on: the service runs all the same, and it is told. */
Test(birth, unsigned)
{
	cleanup_close int other = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct birth_mark m;
	struct stand s;
	unsigned n;

	begin(&s, "ExecStart=/bin/true");
	s.x.unit_fd = other; /* procfs has no user.* */
	cr_assert_eq(run(&s, SPAWN_CLONE3, "BIRTH_MARK", &n).si_status, 0);
	cr_assert_eq(n, 1);
	cr_assert_eq(read_mark(&s, &m), -ENODATA);
	end(&s);
}

/* A later spawn replaces the mark. */
Test(birth, replaced)
{
	struct birth_mark first, second;
	struct stand s;
	unsigned n;

	begin(&s, "ExecStart=/bin/true");
	run(&s, SPAWN_CLONE3, "", &n);
	cr_assert_eq(read_mark(&s, &first), 0);
	s.x.spawn++;
	run(&s, SPAWN_CLONE3, "", &n);
	cr_assert_eq(read_mark(&s, &second), 0);
	cr_assert_eq(second.spawn, SPAWN + 1);
	cr_assert_neq(second.identity, first.identity);
	end(&s);
}

/* There is one for the last main and one for the last control process, also when their leaves are gone. */
Test(birth, last_of_each)
{
	struct stand s;
	unsigned n;

	begin(&s, "ExecStart=/bin/true");
	cr_assert_eq(last_spawn(&s, true), 0);
	s.x.is_main = true;
	run(&s, SPAWN_CLONE3, "", &n);
	cr_assert_eq(last_spawn(&s, true), SPAWN);
	cr_assert_eq(last_spawn(&s, false), 0);
	s.x.is_main = false;
	s.x.spawn = SPAWN + 1;
	run(&s, SPAWN_ATTACH, "", &n);
	cr_assert_eq(cg_remove(&s.t.root, "main.1"), 0);
	cr_assert_eq(last_spawn(&s, true), SPAWN);
	cr_assert_eq(last_spawn(&s, false), SPAWN + 1);
	end(&s);
}

Test(birth, damaged)
{
	struct birth_mark m = { .spawn = 4711 };
	char good[128], bad[129];
	struct stand s;
	unsigned n;
	ssize_t len;

	begin(&s, "ExecStart=/bin/true");
	run(&s, SPAWN_CLONE3, "", &n);
	len = cg_attr_get(&s.t.root, "cgkill.birth.main", good, sizeof(good));
	cr_assert_gt(len, 0);
	for (ssize_t i = 0; i < len * 8; i++) {
		memcpy(bad, good, (size_t)len);
		bad[i / 8] = (char)(bad[i / 8] ^ 1 << i % 8);
		cr_assert_eq(cg_attr_set(&s.t.root, "cgkill.birth.main", bad, (size_t)len), 0);
		cr_assert_eq(read_mark(&s, &m), -EBADMSG, "bit %zd", i);
	}
	memset(bad, 0, sizeof(bad));
	memcpy(bad, good, (size_t)len);
	for (size_t cut = 0; cut < sizeof(bad); cut++) {
		cr_assert_eq(cg_attr_set(&s.t.root, "cgkill.birth.main", bad, cut), 0);
		cr_assert_eq(read_mark(&s, &m), cut == (size_t)len ? 0 : -EBADMSG, "%zu", cut);
	}
	end(&s);
}

/* ---- a parent that is killed ---- */

/* The parent: a process of its own, of which nothing is left but its child. */
static pid_t start_parent(struct stand *s, enum spawn_method method, pid_t *child_pid)
{
	int fds[2];
	pid_t pid;

	cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		struct spawned child;

		if (spawn_into(&child, &s->leaf, &method, exec_child, &s->x) < 0 ||
		    write(fds[1], &child.pid, sizeof(child.pid)) < 0)
			_exit(99);
		for (;;)
			pause();
	}
	close_fd(fds[1]);
	cr_assert_eq(poll(&(struct pollfd){ .fd = fds[0], .events = POLLIN }, 1, WAIT_MSEC), 1);
	cr_assert_eq(read(fds[0], child_pid, sizeof(*child_pid)), (ssize_t)sizeof(*child_pid));
	close_fd(fds[0]);
	return pid;
}

static void kill_parent(pid_t pid)
{
	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

/* Born frozen, orphaned, thawed: from its first report on nobody listens. Returns when it has ended by itself. */
static siginfo_t run_orphaned(struct stand *s, enum spawn_method method)
{
	pid_t parent, child;
	siginfo_t status;
	int pidfd;

	cr_assert_eq(cg_freeze(&s->leaf, true), 0);
	parent = start_parent(s, method, &child);
	pidfd = pidfd_open_pid(child);
	cr_assert_geq(pidfd, 0);
	kill_parent(parent);
	cr_assert_eq(cg_freeze(&s->leaf, false), 0);
	status = await_end(pidfd);
	close_fd(pidfd);
	return status;
}

static void read_out(const struct stand *s, char *text, size_t size)
{
	cleanup_close int fd = open(s->out, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);

	text[n] = '\0';
}

/* Reports that nobody reads, a warning among them, stop neither the child nor spoil the program's signals. */
Test(birth, parent_dead_before_alive)
{
	struct birth_mark m = { 0 };
	char text[64];
	struct stand s;

	begin(&s, "LimitNOFILE=64\nIgnoreSIGPIPE=no\nEnvironmentFile=/proc/self/comm\n"
		  "ExecStart=/bin/sh -c 'grep SigIgn /proc/$$$$/status >$$OUT'");
	cr_assert_eq(run_orphaned(&s, SPAWN_CLONE3).si_status, 0);
	cr_assert_eq(read_mark(&s, &m), 0);
	cr_assert_eq(m.spawn, SPAWN);
	read_out(&s, text, sizeof(text));
	cr_assert_str_eq(text, "SigIgn:\t0000000000000000\n");
	end(&s);
}

/* … and the warning is one: else the test above would test less than it says. */
Test(birth, warning_reported)
{
	struct stand s;
	unsigned n;

	begin(&s, "EnvironmentFile=/proc/self/comm\nExecStart=/bin/true");
	cr_assert_eq(run(&s, SPAWN_CLONE3, "ENVIRONMENT", &n).si_status, 0);
	cr_assert_eq(n, 1);
	end(&s);
}

/* How it ended is for whoever reaps it: 203, and not SIGPIPE, which would be a clean end. */
Test(birth, exec_fails_unheard)
{
	struct stand s;
	siginfo_t status;

	begin(&s, "IgnoreSIGPIPE=no\nExecStart=/nonexistent/program");
	status = run_orphaned(&s, SPAWN_CLONE3);
	cr_assert_eq(status.si_code, CLD_EXITED);
	cr_assert_eq(status.si_status, 203);
	end(&s);
}

Test(birth, sigpipe_ignored_by_default)
{
	char text[64];
	struct stand s;
	unsigned n;

	begin(&s, "ExecStart=/bin/sh -c 'grep SigIgn /proc/$$$$/status >$$OUT'");
	run(&s, SPAWN_CLONE3, "", &n);
	read_out(&s, text, sizeof(text));
	cr_assert_str_eq(text, "SigIgn:\t0000000000001000\n");
	end(&s);
}

/*
 * A child that joins by itself is stopped at system calls of its way there: seccomp_unotify(2). The parent hands the
 * listener's number over and is then as deaf as it can be.
 */
struct watched {
	struct stand s;
	int listener;
	pid_t parent;
	int child; /* pidfd */
};

static int listen_to_join(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
}

static void start_watched(struct watched *w)
{
	cleanup_close int parent_fd = -1;
	int fds[2], number;

	begin(&w->s, "ExecStart=/bin/sleep 1000");
	cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
	w->child = -1;
	w->parent = fork();
	if (w->parent == 0) {
		enum spawn_method method = SPAWN_ATTACH;
		struct spawned child;

		number = listen_to_join();
		if (write(fds[1], &number, sizeof(number)) < 0)
			_exit(99);
		(void)!spawn_into(&child, &w->s.leaf, &method, exec_child, &w->s.x);
		for (;;)
			pause();
	}
	close_fd(fds[1]);
	cr_assert_eq(read(fds[0], &number, sizeof(number)), (ssize_t)sizeof(number));
	close_fd(fds[0]);
	if (number < 0)
		cr_skip_test("no seccomp listeners here");
	parent_fd = pidfd_open_pid(w->parent);
	w->listener = (int)syscall(SYS_pidfd_getfd, parent_fd, number, 0);
	cr_assert_geq(w->listener, 0);
}

/* Waits until the child is in one of the system calls; it goes on with let_go(). */
static struct seccomp_notif await_call(struct watched *w, int nr)
{
	struct seccomp_notif call = { 0 };

	cr_assert_eq(poll(&(struct pollfd){ .fd = w->listener, .events = POLLIN }, 1, WAIT_MSEC), 1);
	cr_assert_eq(ioctl(w->listener, SECCOMP_IOCTL_NOTIF_RECV, &call), 0);
	cr_assert_eq(call.data.nr, nr);
	if (w->child < 0)
		w->child = pidfd_open_pid((pid_t)call.pid);
	return call;
}

static void let_go(const struct watched *w, const struct seccomp_notif *call)
{
	struct seccomp_notif_resp go = { .id = call->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

	if (ioctl(w->listener, SECCOMP_IOCTL_NOTIF_SEND, &go) < 0)
		cr_assert_eq(errno, ENOENT); /* it was killed in the call */
}

/* The system calls of the join, in their order; the parent dies while the child is in the one of this number. */
static const int join_calls[] = { SYS_prctl, SYS_getppid, SYS_prctl };
static size_t deaths[] = { 0, 1, 2 };

ParameterizedTestParameters(birth, orphan_dies)
{
	return cr_make_param_array(size_t, deaths, ARRAY_SIZE(deaths));
}

ParameterizedTest(size_t *death, birth, orphan_dies)
{
	struct birth_mark m;
	struct watched w;

	start_watched(&w);
	for (size_t i = 0; i < ARRAY_SIZE(join_calls) && i <= *death; i++) {
		struct seccomp_notif call = await_call(&w, join_calls[i]);

		if (i == *death)
			kill_parent(w.parent);
		let_go(&w, &call);
	}
	if (*death == 0) {
		struct seccomp_notif call = await_call(&w, SYS_getppid);

		let_go(&w, &call);
	}
	await_end(w.child);
	cr_assert_eq(read_mark(&w.s, &m), -ENODATA, "it got further than it should");
	cr_assert_eq(cg_populated(&w.s.leaf), 0);
	close_fd(w.child);
	close_fd(w.listener);
	end(&w.s);
}

/* Once it has joined it is the cgroup's, and lives on without its parent. */
Test(birth, joined_survives)
{
	struct birth_mark m = { 0 };
	struct watched w;
	pid_t child = 0;

	start_watched(&w);
	for (size_t i = 0; i < ARRAY_SIZE(join_calls); i++) {
		struct seccomp_notif call = await_call(&w, join_calls[i]);

		child = (pid_t)call.pid;
		let_go(&w, &call);
	}
	for (int ms = 0; ms < WAIT_MSEC && read_mark(&w.s, &m) < 0; ms++)
		cgtest_sleep_ms(1);
	kill_parent(w.parent);
	cr_assert_not(cgtest_ended(w.child, 100), "it has died with its parent");
	check_mark(&w.s, child, identity_of(w.child, child));
	cr_assert_eq(pidfd_in_cgroup(w.child, child, &w.s.leaf, VERIFY_AUTO), 1);
	cr_assert_eq(pidfd_signal(w.child, SIGKILL), 0);
	await_end(w.child);
	close_fd(w.child);
	close_fd(w.listener);
	end(&w.s);
}
