/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "lib/cgtest.h"
#include "sys/pidfd.h"

static struct cgtest t;

static void setup(void)
{
	int r = cgtest_begin(&t);

	if (r < 0)
		cr_skip_test("SKIP: no cgroup of our own can be made: %s", strerror(-r));
}

static void teardown(void)
{
	cgtest_end(&t);
}

TestSuite(cgroup, .init = setup, .fini = teardown, .timeout = 60);

static struct cg create(const struct cg *parent, const char *name)
{
	struct cg cg = CG_INIT;

	cr_assert_eq(cg_create(&cg, parent, name), 0);
	return cg;
}

static void end_member(pid_t pid)
{
	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

Test(cgroup, a_handle_knows_its_path_and_id)
{
	struct cg a = create(&t.root, "a"), again = CG_INIT;
	cleanup_free char *file_path = NULL, *seen = NULL;
	struct stat st;
	pid_t pid = cgtest_start(&a, MEMBER_SLEEPER);

	cr_assert_eq(cgroup_path_of(pid, &seen), 0);
	cr_assert_str_eq(a.path, seen);
	cr_assert_eq(fstat(a.fd, &st), 0);
	cr_assert_eq(a.id, st.st_ino);

	cr_assert_gt(asprintf(&file_path, "%s//./a/../a", t.root_file_path), 0);
	cr_assert_eq(cg_open_path(&again, file_path), 0);
	cr_assert_str_eq(again.path, a.path, "an odd spelling of the path must not fool the guard");
	cr_assert_eq(again.id, a.id);
	end_member(pid);
	cg_close(&again);
	cg_close(&a);
}

Test(cgroup, what_is_not_a_cgroup2_directory_is_refused)
{
	static const struct {
		const char *path;
		int error;
	} rows[] = {
		{ "/", -EMEDIUMTYPE },
		{ "/dev/null", -ENOTDIR },
		{ "/nonexistent", -ENOENT },
	};
	struct cg cg = CG_INIT;
	char link[64];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		cr_assert_eq(cg_open_path(&cg, rows[i].path), rows[i].error, "%s", rows[i].path);
	snprintf(link, sizeof(link), "/tmp/cgkill-test-link.%d", (int)getpid());
	cr_assert_eq(symlink(t.root_file_path, link), 0);
	cr_expect_eq(cg_open_path(&cg, link), -ELOOP);
	cr_assert_eq(unlink(link), 0);
}

Test(cgroup, a_name_is_one_component)
{
	static const char *const bad[] = { "", ".", "..", "a/b", "/", "../a", "/etc" };
	struct cg cg = CG_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cr_assert_eq(cg_open(&cg, &t.root, bad[i]), -EINVAL, "%s", bad[i]);
		cr_assert_eq(cg_create(&cg, &t.root, bad[i]), -EINVAL, "%s", bad[i]);
		cr_assert_eq(cg_remove(&t.root, bad[i]), -EINVAL, "%s", bad[i]);
	}
	cr_assert_eq(cg_open(&cg, &t.root, "none"), -ENOENT);
	cr_assert_eq(cg_open(&cg, &t.root, "cgroup.procs"), -ENOTDIR);
}

Test(cgroup, creating_twice_is_an_error)
{
	struct cg a = create(&t.root, "a"), b = CG_INIT;

	cr_assert_eq(cg_create(&b, &t.root, "a"), -EEXIST);
	cr_assert_not(cg_is_open(&b));
	cg_close(&a);
	cg_close(&a);
}

Test(cgroup, a_removed_cgroup_is_empty_and_never_its_successor)
{
	struct cg old = create(&t.root, "a"), new;
	struct cg_pids pids = { 0 };
	pid_t pid;
	int r;

	cr_assert(cg_is_alive(&old));
	cr_assert_eq(cg_remove(&t.root, "a"), 0);
	new = create(&t.root, "a");
	pid = cgtest_start(&new, MEMBER_SLEEPER);

	cr_assert_neq(old.id, new.id);
	cr_assert_not(cg_is_alive(&old));
	cr_assert_eq(cg_populated(&old), 0);
	cr_assert_eq(cg_populated(&new), 1);
	r = cg_kill_write(&old);
	cr_assert(r == -ENOENT || r == -ENODEV, "%d", r);
	r = cg_read_procs(&old, &pids);
	cr_assert(r == -ENOENT || r == -ENODEV, "%d", r);
	cr_assert_eq(cg_count(&new), 1, "nothing was killed");
	end_member(pid);
	cg_pids_deinit(&pids);
	cg_close(&old);
	cg_close(&new);
}

Test(cgroup, events_tell_of_members_and_of_their_end)
{
	struct cg a = create(&t.root, "a");
	cleanup_close int fd = cg_events_open(&a);
	struct pollfd p = { .fd = fd, .events = POLLPRI };
	struct cg_events events;
	pid_t pid;

	cr_assert_geq(fd, 0);
	cr_assert_eq(cg_events_read(fd, &events), 0);
	cr_assert_not(events.populated);
	cr_assert_eq(poll(&p, 1, 0), 0, "reading has armed it");
	pid = cgtest_start(&a, MEMBER_SLEEPER);
	cr_assert_eq(poll(&p, 1, 5000), 1);
	cr_assert_eq(cg_events_read(fd, &events), 0);
	cr_assert(events.populated);
	end_member(pid);
	cr_assert_eq(poll(&p, 1, 5000), 1);
	cr_assert_eq(cg_events_read(fd, &events), 0);
	cr_assert_not(events.populated);
	cg_close(&a);
}

Test(cgroup, the_root_has_no_events_and_does_not_pass_for_empty)
{
	if (!streq(t.mount.path, "/") || faccessat(t.mount.fd, "cgroup.events", F_OK, 0) == 0)
		cr_skip_test("SKIP: the root of the hierarchy is not visible here");
	cr_assert_eq(cg_events_open(&t.mount), -EOPNOTSUPP);
	cr_assert_eq(cg_populated(&t.mount), -EOPNOTSUPP);
}

Test(cgroup, freeze_is_asked_told_and_undone)
{
	struct cg a = create(&t.root, "a");
	cleanup_close int fd = cg_events_open(&a);
	struct cg_events events = { 0 };
	pid_t pid = cgtest_start(&a, MEMBER_SLEEPER);

	cr_assert_eq(cg_freeze_asked(&a), 0);
	cr_assert_eq(cg_freeze(&a, true), 0);
	cr_assert_eq(cg_freeze_asked(&a), 1);
	for (int i = 0; i < 5000 && !events.frozen; i++) {
		cgtest_sleep_ms(1);
		cr_assert_eq(cg_events_read(fd, &events), 0);
	}
	cr_assert(events.frozen && events.populated);
	cr_assert_eq(cg_freeze(&a, false), 0);
	cr_assert_eq(cg_freeze_asked(&a), 0);
	end_member(pid);
	cg_close(&a);
}

Test(cgroup, attach_moves_a_process)
{
	struct cg a = create(&t.root, "a"), b = create(&t.root, "b");
	pid_t pid = cgtest_start(&a, MEMBER_SLEEPER);

	cr_assert_eq(cg_attach(&b, pid), 0);
	cr_assert_eq(cg_count(&a), 0);
	cr_assert_eq(cg_count(&b), 1);
	end_member(pid);
	cg_close(&a);
	cg_close(&b);
}

struct seen {
	char paths[1024];
	size_t n;
};

static int note_path(const struct cg *cg, void *arg)
{
	struct seen *seen = arg;
	size_t len = strlen(seen->paths);

	snprintf(seen->paths + len, sizeof(seen->paths) - len, " %s", cg->path + strlen(t.root.path));
	seen->n++;
	return 0;
}

static int remove_children(const struct cg *cg, void *arg)
{
	int r = cg_remove(cg, "b");

	return r < 0 ? r : note_path(cg, arg);
}

/* Visited first, a or b removes the other, which the walk has seen already. */
static int remove_sibling(const struct cg *cg, void *arg)
{
	int r = 0;

	if (cg->id != t.root.id)
		r = cg_remove(&t.root, ends_with(cg->path, "/a") ? "b" : "a");
	return r < 0 ? r : note_path(cg, arg);
}

Test(cgroup, a_walk_skips_a_child_that_vanishes)
{
	struct cg a = create(&t.root, "a"), b = create(&t.root, "b");
	struct seen seen = { "", 0 };

	cr_assert_eq(cg_walk(&t.root, remove_sibling, &seen), 0);
	cr_assert_eq(seen.n, 2, "the root and one child");
	cg_close(&b);
	cg_close(&a);
}

static int stop_at_once(const struct cg *cg unused, void *arg)
{
	(*(int *)arg)++;
	return -ECANCELED;
}

Test(cgroup, a_walk_sees_parents_first_and_survives_removal)
{
	struct cg a = create(&t.root, "a"), b = create(&a, "b"), c = create(&b, "c");
	struct seen seen = { "", 0 };
	int calls = 0;

	cr_assert_eq(cg_walk(&t.root, note_path, &seen), 0);
	cr_assert_str_eq(seen.paths, "  /a /a/b /a/b/c");
	cr_assert_eq(cg_walk(&t.root, stop_at_once, &calls), -ECANCELED);
	cr_assert_eq(calls, 1);
	seen = (struct seen){ "", 0 };
	cr_assert_eq(cg_walk(&t.root, remove_children, &seen), 0, "b vanishes under the walk");
	cr_assert_str_eq(seen.paths, "  /a");
	cg_close(&c);
	cg_close(&b);
	cg_close(&a);
}

Test(cgroup, procs_of_many_members_are_read_whole)
{
	enum { MEMBERS = 700 }; /* more than a page of numbers */
	static pid_t pids[MEMBERS];
	struct cg a = create(&t.root, "a");
	struct cg_pids seen = { 0 };
	pid_t last = 0;

	for (int i = 0; i < MEMBERS; i++)
		pids[i] = cgtest_start(&a, MEMBER_SLEEPER);
	cr_assert_eq(cg_read_procs(&a, &seen), 0);
	cr_assert_eq(seen.n, MEMBERS);
	for (int i = 0; i < MEMBERS; i++) {
		bool found = false;

		for (size_t k = 0; k < seen.n; k++)
			found |= seen.v[k] == pids[i];
		cr_assert(found, "%d is missing", (int)pids[i]);
	}
	cr_assert_eq(cg_count(&t.root), MEMBERS);
	cr_assert_eq(cg_last_pid(&a, &last), 0);
	for (int i = 0; i < MEMBERS; i++)
		if (pids[i] == last)
			last = 0;
	cr_assert_eq(last, 0, "%d is no member: a number that was cut in two?", (int)last);
	cg_pids_deinit(&seen);
	cg_close(&a);
}

Test(cgroup, a_threaded_cgroup_says_so)
{
	struct cg domain = create(&t.root, "a"), threads = create(&domain, "threads");
	struct cg_pids pids = { 0 };
	pid_t pid;

	cr_assert_eq(cgtest_write(&threads, "cgroup.type", "threaded"), 0);
	pid = cgtest_start_threaded(&domain, &threads, true);
	cr_assert_eq(cg_read_procs(&threads, &pids), -EOPNOTSUPP);
	cr_assert_eq(cg_kill_write(&threads), -EOPNOTSUPP);
	cr_assert_eq(cg_count(&threads), -EOPNOTSUPP);
	cr_assert_eq(cg_read_procs(&domain, &pids), 0);
	cr_assert(pids.n == 1 && pids.v[0] == pid);
	cr_assert_eq(cg_count(&domain), 1);
	end_member(pid);
	cg_pids_deinit(&pids);
	cg_close(&threads);
	cg_close(&domain);
}

Test(cgroup, remove_goes_bottom_up_and_never_kills)
{
	struct cg a = create(&t.root, "a"), b = create(&a, "b"), c = create(&b, "c");
	pid_t pid = cgtest_start(&b, MEMBER_SLEEPER);

	cr_assert_eq(cg_remove(&t.root, "a"), -EBUSY);
	cr_assert_not(cg_is_alive(&c), "what was empty below may go");
	cr_assert_eq(cg_count(&t.root), 1, "the member lives");
	end_member(pid);
	cr_assert_eq(cg_remove(&t.root, "a"), 0);
	cr_assert_not(cg_is_alive(&a));
	cr_assert_eq(cg_remove(&t.root, "a"), 0, "not there is fine");
	cg_close(&c);
	cg_close(&b);
	cg_close(&a);
}

/* ---- the guard ---- */

Test(cgroup, the_guard_lets_a_strange_cgroup_be_killed)
{
	struct cg a = create(&t.root, "a");
	pid_t pid = cgtest_start(&t.root, MEMBER_SLEEPER), member = cgtest_start(&a, MEMBER_SLEEPER);
	const char *who = NULL;

	cr_assert_eq(cg_guard(&a, 0, &who), 0);
	cr_assert_eq(cg_guard(&a, pid, &who), 0, "the caller lives above");
	cr_assert_eq(cg_guard(&a, member, &who), -EPERM);
	cr_assert_eq(kill(member, 0), 0);
	end_member(pid);
	end_member(member);
	cr_assert_eq(cg_guard(&a, member, &who), 0, "a caller that has ended cannot be hit");
	cg_close(&a);
}

Test(cgroup, the_guard_refuses_the_callers_cgroup_and_its_ancestors)
{
	struct cg a = create(&t.root, "a"), b = create(&a, "b"), sibling = create(&t.root, "a2");
	pid_t pid = cgtest_start(&b, MEMBER_SLEEPER);
	const char *who = NULL;

	cr_assert_eq(cg_guard(&b, pid, &who), -EPERM);
	cr_assert(strstr(who, "the caller"), "%s", who);
	cr_assert_eq(cg_guard(&a, pid, &who), -EPERM);
	cr_assert_eq(cg_guard(&t.root, pid, &who), -EPERM);
	cr_assert_eq(cg_guard(&sibling, pid, &who), 0);
	cr_assert_eq(cg_attach(&sibling, pid), 0);
	cr_assert_eq(cg_guard(&a, pid, &who), 0, "a longer name is not below a shorter one");
	end_member(pid);
	cg_close(&sibling);
	cg_close(&b);
	cg_close(&a);
}

Test(cgroup, the_guard_refuses_ourselves_and_all_above)
{
	struct cg a = create(&t.root, "a"), b = create(&a, "b");
	const char *who = NULL;

	cr_assert_eq(cg_attach(&b, 0), 0);
	cr_assert_eq(cg_guard(&b, 0, &who), -EPERM);
	cr_assert_str_eq(who, "cgkilld itself");
	cr_assert_eq(cg_guard(&a, 0, &who), -EPERM);
	cr_assert_eq(cg_guard(&t.mount, 0, &who), -EPERM);

	cr_assert_eq(cg_attach(&t.mount, 0), 0, "out again, so that the root can be removed");
	cg_close(&b);
	cg_close(&a);
}

/* The path of who lives in "a (deleted)" reads like that of who is left of a removed "a". */
Test(cgroup, the_guard_is_not_taken_in_by_a_name)
{
	struct cg a = create(&t.root, "a"), b = create(&t.root, "a (deleted)");
	const char *who = NULL;
	pid_t pid = cgtest_start(&b, MEMBER_SLEEPER);

	cr_assert_eq(cg_guard(&b, pid, &who), -EPERM);
	cr_assert(strstr(who, "the caller"), "%s", who);
	cr_assert_eq(cg_attach(&b, 0), 0);
	cr_assert_eq(cg_guard(&b, 0, &who), -EPERM);
	cr_assert_str_eq(who, "cgkilld itself");
	cr_assert_eq(cg_attach(&a, 0), 0);
	if (cg_guard(&b, 0, &who) == -EPERM) /* Linux before 6.13 has no other word for it than the path */
		cr_assert_str_eq(who, "cgkilld itself");
	cr_assert_eq(cg_attach(&t.mount, 0), 0, "out again, so that the root can be removed");
	end_member(pid);
	cg_close(&b);
	cg_close(&a);
}

/* Linux 6.13 and later. */
static bool kernel_tells(void)
{
	cleanup_close int pidfd = pidfd_open_pid(getpid());
	uint64_t id;
	pid_t parent;

	return pidfd_origin(pidfd, &parent, &id) == 0;
}

/* In a PID namespace of its own, whose PID 1 lives in a and whose other process, which asks the guard, lives outside. */
static int guard_beside_pid_1(const struct cg *a, bool proc)
{
	const char *who = NULL;
	int pipe_fd[2], r;
	char c;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0 || pipe(pipe_fd) < 0)
		return -errno;
	if (fork() == 0) { /* PID 1 */
		close_fd(pipe_fd[1]);
		_exit(cg_attach(a, 0) < 0 || read(pipe_fd[0], &c, 1) < 0);
	}
	if (fork() == 0) {
		if (proc && (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
			     mount("proc", "/proc", "proc", 0, NULL) < 0))
			_exit(77);
		while (cg_populated(a) == 0)
			cgtest_sleep_ms(1);
		r = cg_guard(a, 0, &who);
		_exit((r == -EPERM || (!proc && !kernel_tells() && r < 0)) && streq(who, "PID 1") ? 0
												  : 1);
	}
	close_fd(pipe_fd[0]);
	/* The one that asks ends first: PID 1 waits for the pipe to close. */
	if (wait(&r) < 0)
		return -errno;
	close_fd(pipe_fd[1]);
	return WIFEXITED(r) ? WEXITSTATUS(r) : -ECHILD;
}

Test(cgroup, the_guard_refuses_the_cgroup_of_pid_1)
{
	struct cg a = create(&t.root, "a");
	int r = guard_beside_pid_1(&a, true);

	if (r < 0 || r == 77)
		cr_skip_test("SKIP: no PID namespace can be made here");
	cr_assert_eq(r, 0);
	cg_close(&a);
}

/* Where /proc shows another PID namespace, /proc/1 is a stranger: in a leaf, and in a tree. */
Test(cgroup, the_guard_does_not_take_a_stranger_for_pid_1)
{
	struct cg leaf = create(&t.root, "leaf"), tree = create(&t.root, "tree"),
		  below = create(&tree, "below");
	const struct cg *const cgs[] = { &leaf, &tree };

	for (size_t i = 0; i < ARRAY_SIZE(cgs); i++) {
		int status;
		pid_t pid = fork(); /* who has left its PID namespace once cannot do so again */

		if (pid == 0) {
			int r = guard_beside_pid_1(cgs[i], false);

			_exit(r < 0 ? 77 : r);
		}
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			cr_skip_test("SKIP: no PID namespace can be made here");
		cr_expect_eq(status, 0, "%s", cgs[i]->path);
	}
	cg_close(&below);
	cg_close(&tree);
	cg_close(&leaf);
}

static const struct cg *moved_to, *born_in;

/* The main thread has ended by then, and a move leaves it where it was. */
static void *move_and_ask(void *arg unused)
{
	const char *who = NULL;

	if (!cgtest_in_state(getpid(), "Z", 5000) || cg_attach(moved_to, getpid()) < 0)
		_exit(2);
	/* Where a kill would reach us, and where we are listed, so that a signal to all would. */
	_exit(cg_guard(moved_to, 0, &who) == -EPERM && cg_guard(born_in, 0, &who) == -EPERM ? 0 : 1);
}

static int guard_without_a_main_thread(const struct cg *born, const struct cg *to)
{
	pthread_t thread;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		moved_to = to;
		born_in = born;
		if (cg_attach(born, 0) < 0 || pthread_create(&thread, NULL, move_and_ask, NULL) != 0)
			_exit(2);
		pthread_exit(NULL);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

Test(cgroup, the_guard_knows_a_process_without_its_main_thread)
{
	struct cg born = create(&t.root, "born"), leaf = create(&t.root, "leaf"),
		  tree = create(&t.root, "tree"), below = create(&tree, "below");

	cr_assert_eq(guard_without_a_main_thread(&born, &leaf), 0);
	cr_assert_eq(guard_without_a_main_thread(&born, &tree), 0);
	cg_close(&below);
	cg_close(&tree);
	cg_close(&leaf);
	cg_close(&born);
}

static void note_alarm(int sig unused)
{
}

static int count_visit(const struct cg *cg unused, void *arg)
{
	++*(unsigned *)arg;
	return 0;
}

/* The kernel ends a listing early when a signal is pending. */
Test(cgroup, a_walk_misses_nothing_for_a_signal)
{
	const struct itimerval often = { { 0, 60 }, { 0, 60 } }, never = { 0 };
	struct sigaction action = { .sa_handler = note_alarm, .sa_flags = SA_RESTART };
	enum { CHILDREN = 30 };

	for (unsigned i = 0; i < CHILDREN; i++) {
		struct cg child;
		char name[16];

		snprintf(name, sizeof(name), "c%u", i);
		child = create(&t.root, name);
		cg_close(&child);
	}
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (unsigned i = 0; i < 1000; i++) {
		unsigned n = 0;
		int r = cg_walk(&t.root, count_visit, &n);

		if (r != 0 || n != CHILDREN + 1) {
			setitimer(ITIMER_REAL, &never, NULL);
			cr_assert_fail("walk %u: %d, %u cgroups", i, r, n);
		}
	}
	setitimer(ITIMER_REAL, &never, NULL);
}

/* What the guard may be told by. */
enum telling { BY_ALL, BY_PATH, BY_NUMBER, BY_NOTHING, TELLINGS };
static const char *const tellings[] = { "all", "/proc", "the kernel", "nothing" };

/* In a child, for good. */
static void leave_only(enum telling only)
{
	if (only == BY_PATH || only == BY_NOTHING)
		if (cgtest_lack(SYS_ioctl, ENOTTY) < 0)
			_exit(77);
	if (only == BY_NUMBER || only == BY_NOTHING)
		if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mount("none", "/proc", "tmpfs", 0, NULL) < 0)
			_exit(77);
}

struct question {
	const struct cg *cg;
	pid_t pid;
	int answer;
};

/* 0, or which of the questions was answered wrongly. */
static int ask_guard(enum telling told_by, const struct question *questions, size_t n)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		leave_only(told_by);
		for (size_t i = 0; i < n; i++) {
			const char *who = NULL;
			int r = cg_guard(questions[i].cg, questions[i].pid, &who);

			if (told_by == BY_NOTHING || (told_by == BY_NUMBER && !kernel_tells())
				    ? r >= 0
				    : r != questions[i].answer)
				_exit((int)i + 1);
		}
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

Test(cgroup, the_guard_says_the_same_by_whatever_it_is_told)
{
	struct cg leaf = create(&t.root, "leaf"), tree = create(&t.root, "tree"),
		  below = create(&tree, "below"), empty = create(&t.root, "empty");
	pid_t in_leaf = cgtest_start(&leaf, MEMBER_SLEEPER),
	      in_tree = cgtest_start(&below, MEMBER_SLEEPER);
	const struct question questions[] = {
		{ &leaf, 0, 0 },
		{ &leaf, in_leaf, -EPERM },
		{ &leaf, in_tree, 0 },
		{ &tree, 0, 0 },
		{ &tree, in_tree, -EPERM },
		{ &tree, in_leaf, 0 },
		{ &below, in_tree, -EPERM },
		{ &empty, in_leaf, 0 },
		{ &t.root, in_leaf, -EPERM },
		{ &t.root, in_tree, -EPERM },
	};
	const struct question of_ourselves[] = {
		{ &empty, 0, -EPERM },
		{ &t.root, 0, -EPERM },
		{ &leaf, 0, 0 },
		{ &tree, 0, 0 },
	};

	for (enum telling told_by = 0; told_by < TELLINGS; told_by++) {
		int wrong = ask_guard(told_by, questions, ARRAY_SIZE(questions));

		if (wrong == 77)
			cr_skip_test("SKIP: no mount namespace or seccomp filter can be had here");
		cr_expect_eq(wrong, 0, "question %d, by %s", wrong, tellings[told_by]);
		cr_assert_eq(cg_attach(&empty, 0), 0);
		wrong = ask_guard(told_by, of_ourselves, ARRAY_SIZE(of_ourselves));
		cr_expect_eq(wrong, 0, "question %d of ourselves, by %s", wrong, tellings[told_by]);
		cr_assert_eq(cg_attach(&t.mount, 0), 0);
	}
	end_member(in_leaf);
	end_member(in_tree);
	cg_close(&empty);
	cg_close(&below);
	cg_close(&tree);
	cg_close(&leaf);
}

/* Its cgroup is removed behind it, again and again: there is always one in which it is not, and it is always below a. */
static _Noreturn void move_on(int ready_fd, void *arg)
{
	const struct cg *a = arg;
	char name[2][16] = { "0" };

	(void)!cg_remove(a, name[0]);
	(void)!write(ready_fd, "r", 1);
	for (unsigned i = 1;; i++) {
		struct cg next;

		snprintf(name[i % 2], sizeof(name[0]), "%u", i);
		if (cg_create(&next, a, name[i % 2]) < 0 || cg_attach(&next, 0) < 0)
			_exit(1);
		cg_close(&next);
		(void)!cg_remove(a, name[(i + 1) % 2]);
	}
}

Test(cgroup, the_guard_misses_nobody_who_moves)
{
	struct cg a = create(&t.root, "a"), first = create(&a, "first");
	pid_t mover = cgtest_start_fn(&first, move_on, &a), asker;
	int status;

	asker = fork();
	if (asker == 0) {
		const char *who;

		leave_only(BY_NUMBER);
		for (int i = 0; i < 3000; i++)
			if (cg_guard(&a, mover, &who) >= 0)
				_exit(1);
		_exit(0);
	}
	cr_assert_eq(waitpid(asker, &status, 0), asker);
	cr_assert_eq(waitpid(mover, NULL, WNOHANG), 0, "it moves on to the end");
	end_member(mover);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		cr_skip_test("SKIP: no mount namespace can be had here");
	cr_assert_eq(status, 0, "it was let go");
	cg_close(&first);
	cg_close(&a);
}

Test(cgroup, attributes)
{
	struct cg a = create(&t.root, "a"), again;
	char data[8] = "";

	cr_assert_eq(cg_attr_get(&a, "cgkill.test", data, sizeof(data)), -ENODATA);
	cr_assert_eq(cg_attr_remove(&a, "cgkill.test"), -ENODATA);
	cr_assert_eq(cg_attr_set(&a, "cgkill.test", "12345678", 8), 0);
	cr_assert_eq(cg_attr_get(&a, "cgkill.test", data, 7), -ERANGE);
	cr_assert_eq(cg_attr_get(&a, "cgkill.test", data, sizeof(data)), 8);
	cr_assert_eq(cg_attr_set(&a, "cgkill.test", "ab", 2), 0);
	/* it is the cgroup's, not the descriptor's, and no other's */
	cr_assert_eq(cg_open(&again, &t.root, "a"), 0);
	cr_assert_eq(cg_attr_get(&again, "cgkill.test", data, sizeof(data)), 2);
	cr_assert_eq(memcmp(data, "ab", 2), 0);
	cr_assert_eq(cg_attr_get(&again, "cgkill.test2", data, sizeof(data)), -ENODATA);
	cr_assert_eq(cg_attr_remove(&again, "cgkill.test"), 0);
	cr_assert_eq(cg_attr_get(&a, "cgkill.test", data, sizeof(data)), -ENODATA);
	cg_close(&again);

	/* it dies with the cgroup */
	cr_assert_eq(cg_attr_set(&a, "cgkill.test", "ab", 2), 0);
	cg_close(&a);
	cr_assert_eq(cg_remove(&t.root, "a"), 0);
	a = create(&t.root, "a");
	cr_assert_eq(cg_attr_get(&a, "cgkill.test", data, sizeof(data)), -ENODATA);
	cg_close(&a);
}

/* sysfs takes what cgroup2 took before Linux 5.7: trusted.* only. (Asked for user.* it says ENODATA, unlike those.) */
Test(cgroup, attributes_without_user)
{
	cleanup_close int fd = open("/sys/kernel", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct cg old = { .fd = fd };
	char data[8] = "";
	int r = fd < 0 ? -errno : cg_attr_set(&old, "cgkill.test", "ab", 2);

	if (r < 0)
		cr_skip_test("SKIP: sysfs takes no attributes from us: %s", strerror(-r));
	cr_assert_eq(fgetxattr(fd, "trusted.cgkill.test", data, sizeof(data)), 2);
	cr_assert_eq(fremovexattr(fd, "trusted.cgkill.test"), 0);
}
