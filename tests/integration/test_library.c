/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libcgkill as its users see it: by its public header alone. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

#include "cgkill/cgkill.h"
#include "lib/cgtest.h"
#include "lib/unkillable.h"
#include "sys/pidfd.h"

#define SECOND UINT64_C(1000000)

static struct cgtest t;
static struct cg inner = CG_INIT; /* where the tests' own tools start members */
static struct cgkill_cgroup *cg;
static struct unkillable blocker;

static char *path_of(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", t.root_file_path, name);
	return path;
}

static void setup(void)
{
	int r = cgtest_begin(&t);

	if (r < 0)
		cr_skip_test("SKIP: no cgroup of our own can be made: %s", strerror(-r));
	cr_assert_eq(cg_create(&inner, &t.root, "a"), 0);
	cr_assert_eq(cgkill_open(path_of("a"), &cg), 0);
}

static void teardown(void)
{
	unkillable_release(&blocker);
	cgkill_close(cg);
	cg_close(&inner);
	cgtest_end(&t);
}

TestSuite(library, .init = setup, .fini = teardown, .timeout = 60);

static void reap(pid_t pid, int signal)
{
	int status = 0;

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == signal, "status %x", status);
}

/* ---- a cgroup ---- */

Test(library, opens_by_file_path_by_cgroup_path_and_by_descriptor)
{
	struct cgkill_cgroup *by_path = NULL, *by_fd = NULL;
	int fd = open(path_of("a"), O_PATH | O_CLOEXEC);

	cr_assert_str_eq(cgkill_path(cg), inner.path);
	cr_assert_eq(cgkill_id(cg), inner.id);
	cr_assert_eq(cgkill_open(inner.path, &by_path), 0);
	cr_assert_eq(cgkill_id(by_path), inner.id);
	cr_assert_eq(cgkill_open_fd(fd, &by_fd), 0);
	cr_assert_eq(cgkill_id(by_fd), inner.id);
	cr_assert(fcntl(cgkill_fd(by_fd), F_GETFD) & FD_CLOEXEC);
	cr_assert_neq(cgkill_fd(by_fd), fd);
	cgkill_close(by_fd);
	cgkill_close(by_path);
	cgkill_close(NULL);
	close(fd);
}

Test(library, opens_nothing_but_a_cgroup)
{
	struct cgkill_cgroup *none = NULL;
	char link[] = "/tmp/cgkill-test.XXXXXX", through[64];

	cr_assert_eq(cgkill_open(path_of("nobody"), &none), -ENOENT);
	cr_assert_eq(cgkill_open("/tmp", &none), -EMEDIUMTYPE);
	cr_assert_eq(cgkill_open(path_of("a/cgroup.procs"), &none), -ENOTDIR);
	cr_assert_not_null(mkdtemp(link));
	snprintf(through, sizeof(through), "%s/link", link);
	cr_assert_eq(symlink(t.root_file_path, through), 0);
	cr_assert_eq(cgkill_open(through, &none), -ELOOP);
	strcat(through, "/a");
	cr_assert_eq(cgkill_open(through, &none), -ELOOP, "a symlink on the way");
	snprintf(through, sizeof(through), "%s/link", link);
	unlink(through);
	rmdir(link);
	cr_assert_null(none);
}

Test(library, makes_waits_for_and_removes_cgroups)
{
	struct cgkill_cgroup *below = NULL, *again = NULL;
	pid_t pid;

	cr_assert_eq(cgkill_create(cg, "below", &below), 0);
	cr_assert_eq(cgkill_create(cg, "below", &again), -EEXIST);
	cr_assert_eq(cgkill_open_child(cg, "..", &again), -EINVAL);
	cr_assert_eq(cgkill_open_child(cg, "below", &again), 0);
	cr_assert_eq(cgkill_id(again), cgkill_id(below));
	cr_assert_eq(cgkill_is_populated(cg), 0);
	cr_assert_eq(cgkill_wait_empty(cg, 0), 0);
	pid = cgtest_start(&inner, MEMBER_SLEEPER);
	cr_assert_eq(cgkill_is_populated(cg), 1);
	cr_assert_eq(cgkill_wait_empty(cg, SECOND / 20), -ETIMEDOUT);
	cr_assert_eq(cgkill_remove(cg), -EBUSY);
	kill(pid, SIGKILL);
	cr_assert_eq(cgkill_wait_empty(cg, 10 * SECOND), 0);
	reap(pid, SIGKILL);
	cr_assert_eq(cgkill_remove(cg), 0);
	cr_assert_eq(access(path_of("a"), F_OK), -1);
	cr_assert_eq(cgkill_remove(cg), 0, "twice is once");
	cr_assert_eq(cgkill_is_populated(cg), 0);
	cr_assert_eq(cgkill_wait_empty(cg, SECOND), 0);
	cgkill_close(again);
	cgkill_close(below);
}

Test(library, a_handle_is_not_a_name)
{
	struct cg other = CG_INIT;

	cr_assert_eq(cgkill_remove(cg), 0);
	cr_assert_eq(cg_create(&other, &t.root, "a"), 0);
	cr_assert_eq(cgkill_remove(cg), 0);
	cr_assert_eq(access(path_of("a"), F_OK), 0,
		     "another cgroup has the name now, and is left alone");
	cg_close(&other);
}

/* ---- who ---- */

struct seen {
	unsigned n;
	pid_t pid;
	char state, cgroup[64], comm[32], reason[256];
};

static int see(const struct cgkill_process *p, void *arg)
{
	struct seen *seen = arg;

	cr_assert_eq(p->size, sizeof(*p));
	seen->n++;
	seen->pid = p->pid;
	seen->state = p->state;
	snprintf(seen->cgroup, sizeof(seen->cgroup), "%s", p->cgroup);
	snprintf(seen->comm, sizeof(seen->comm), "%s", p->comm);
	snprintf(seen->reason, sizeof(seen->reason), "%s", p->reason);
	return 0;
}

static int stop_at_once(const struct cgkill_process *p, void *arg)
{
	return see(p, arg) + 17;
}

Test(library, lists_and_explains)
{
	struct seen seen = { 0 };
	struct cg below = CG_INIT;
	size_t total = 0;
	pid_t pid;

	cr_assert_eq(cg_create(&below, &inner, "below"), 0);
	pid = cgtest_start(&below, MEMBER_STOPPED);
	cr_assert_eq(cgkill_list(cg, see, &seen), 0);
	cr_assert(seen.n == 1 && seen.pid == pid, "%u, %d", seen.n, seen.pid);
	cr_assert_str_eq(seen.cgroup, "below");
	cr_assert_str_not_empty(seen.comm);
	cr_assert_str_empty(seen.reason);
	cr_assert_eq(cgkill_explain(cg, 8, &total, see, &seen), 0);
	cr_assert(total == 1 && seen.n == 2 && seen.state == 'T', "%zu, %u, %c", total, seen.n,
		  seen.state);
	cr_assert_not_null(strstr(seen.reason, "SIGCONT"), "%s", seen.reason);
	cr_assert_eq(cgkill_explain_process(pid, see, &seen), 0);
	cr_assert_eq(seen.state, 'T');
	cgtest_start(&inner, MEMBER_SLEEPER);
	seen.n = 0;
	cr_assert_eq(cgkill_list(cg, stop_at_once, &seen), 17);
	cr_assert_eq(seen.n, 1);
	cr_assert_eq(cgkill_count(cg, &total), 0);
	cr_assert_eq(total, 2);
	total = 0;
	cr_assert_eq(cgkill_explain(cg, 1, &total, see, &seen), 0);
	cr_assert(total == 2 && seen.n == 2);
	cg_close(&below);
}

/* Waiting for any child must not find the one that reads. */
Test(library, explaining_is_nobodys_business)
{
	struct seen seen = { 0 };

	cgtest_start(&inner, MEMBER_SLEEPER);
	cr_assert_eq(cgkill_explain(cg, 8, NULL, see, &seen), 0);
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), 0);
	cr_assert_eq(waitpid(-1, NULL, WNOHANG | (int)__WCLONE), -1);
}

/* ---- a signal ---- */

Test(library, signals_all_members_or_one)
{
	size_t reached = 0;
	pid_t first = cgtest_start(&inner, MEMBER_SLEEPER),
	      second = cgtest_start(&inner, MEMBER_SLEEPER);
	int pidfd = pidfd_open_pid(first), own = pidfd_open_pid(getpid());

	cr_assert_eq(cgkill_signal_process(cg, pidfd, SIGUSR1, 0), 0);
	reap(first, SIGUSR1);
	cr_assert_eq(cgkill_signal_process(cg, pidfd, SIGUSR1, 0), -ESRCH);
	cr_assert_eq(cgkill_signal_process(cg, own, SIGUSR1, 0), -ESRCH,
		     "no member, and this one lives");
	cr_assert_eq(cgkill_signal_process(cg, STDIN_FILENO, SIGUSR1, 0), -EBADF);
	cr_assert_eq(cgkill_signal(cg, SIGUSR2, 0, &reached), 0);
	cr_assert_eq(reached, 1);
	reap(second, SIGUSR2);
	close(pidfd);
	close(own);
}

Test(library, never_itself)
{
	struct cgkill_cgroup *above = NULL;
	struct cgkill_stop_options options = { .size = sizeof(options) };
	struct cgkill_stop *stop = NULL;
	pid_t pid = cgtest_start(&inner, MEMBER_SLEEPER);
	char *own = NULL;

	cr_assert_eq(cgroup_path_of(0, &own), 0);
	cr_assert_eq(cgkill_open(own, &above), 0);
	cr_assert_eq(cgkill_signal(above, SIGWINCH, 0, NULL), -EPERM);
	cr_assert_eq(cgkill_stop(above, &options, NULL), -EPERM);
	cr_assert_eq(cgkill_stop_begin(above, &options, &stop), -EPERM);
	cr_assert_null(stop);
	cr_assert_eq(cgkill_guard(cg, 0), 0);
	cr_assert_eq(cgkill_guard(cg, pid), -EPERM);
	cgkill_close(above);
	free(own);
}

/* ---- a stop ---- */

struct course {
	char text[64];
};

static void note(struct cgkill_stop *stop, enum cgkill_event event, void *arg)
{
	static const char letters[] = {
		[CGKILL_EVENT_SIGNALLED] = 's', [CGKILL_EVENT_KILL] = 'k', [CGKILL_EVENT_EMPTY] = 'e', [CGKILL_EVENT_STUCK] = '!'
	};
	struct course *course = arg;
	size_t n = strlen(course->text);

	cr_assert_not_null(stop);
	cr_assert_lt(n, sizeof(course->text) - 1);
	course->text[n] = letters[event];
}

static struct cgkill_stop_options polite(struct course *course, uint64_t timeout)
{
	return (struct cgkill_stop_options){ .size = sizeof(struct cgkill_stop_options),
					     .signal = SIGTERM,
					     .signal_flags = CGKILL_SIGNAL_CONT | CGKILL_SIGNAL_THAW,
					     .timeout_usec = timeout,
					     .on_event = note,
					     .arg = course };
}

/* What a stop of these members comes to. */
static const struct stop_case {
	enum member kind;
	uint64_t timeout;
	const char *course;
} stop_cases[] = {
	{ MEMBER_SLEEPER, 30 * SECOND, "se" },	     { MEMBER_STOPPED, 30 * SECOND, "se" },
	{ MEMBER_TERM_IGNORER, SECOND / 10, "ske" }, { MEMBER_ALL_BLOCKED, SECOND / 10, "ske" },
	{ MEMBER_DEAD_LEADER, 30 * SECOND, "se" },   { MEMBER_TERM_IGNORER, 0, "ske" },
};

static void drive_by_poll(struct cgkill_stop *stop)
{
	struct pollfd p = { .fd = cgkill_stop_fd(stop), .events = POLLIN };
	unsigned steps = 0;
	int r;

	cr_assert_geq(p.fd, 0);
	cr_assert_eq(cgkill_stop_fd(stop), p.fd, "one and the same");
	while ((r = cgkill_stop_step(stop)) == 1 || r == -ETIMEDOUT) {
		cr_assert_eq(poll(&p, 1, 40000), 1, "it is readable when there is something to do");
		cr_assert_lt(++steps, 1000, "and not when there is nothing");
	}
	cr_assert_eq(r, 0);
	cr_assert_eq(poll(&p, 1, 0), 1, "and when all is done");
}

static void expect_course(const struct stop_case *c, bool by_poll)
{
	struct course course = { "" };
	struct cgkill_stop_options options = polite(&course, c->timeout);
	struct cgkill_stop_result result = { .size = sizeof(result) };
	struct cgkill_stop *stop = NULL;

	if (by_poll) {
		cr_assert_eq(cgkill_stop_begin(cg, &options, &stop), 0);
		drive_by_poll(stop);
		cgkill_stop_result(stop, &result);
		cgkill_stop_end(stop);
	} else {
		cr_assert_eq(cgkill_stop(cg, &options, &result), 0);
	}
	cr_assert_str_eq(course.text, c->course);
	cr_assert_eq(cgkill_is_populated(cg), 0);
	cr_assert_eq(result.signalled, 1);
	cr_assert_eq(result.error, 0);
	cr_assert_eq(result.killed_usec > 0, strchr(c->course, 'k') != NULL);
	cr_assert_geq(result.ended_usec, result.begun_usec + (result.killed_usec ? c->timeout : 0));
}

/* With and without what newer kernels have; a killed cgroup is poisoned for clone3, so there is a new one each time. */
static void renew(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	cr_assert_eq(cgkill_remove(cg), 0);
	cgkill_close(cg);
	cg_close(&inner);
	cr_assert_eq(cg_create(&inner, &t.root, "a"), 0);
	cr_assert_eq(cgkill_open(path_of("a"), &cg), 0);
}

Test(library, a_stop_asks_waits_and_kills)
{
	for (size_t i = 0; i < ARRAY_SIZE(stop_cases); i++)
		for (int by_fd = 0; by_fd < 2; by_fd++) {
			cgtest_start(&inner, stop_cases[i].kind);
			expect_course(&stop_cases[i], by_fd);
			renew();
		}
}

Test(library, a_stop_without_a_signal_kills_at_once)
{
	struct course course = { "" };
	struct cgkill_stop_options options = { .size = sizeof(options), .on_event = note, .arg = &course };
	struct cgkill_stop_result result = { .size = sizeof(result) };

	for (int i = 0; i < 20; i++)
		cgtest_start(&inner, MEMBER_TERM_IGNORER);
	cr_assert_eq(cgkill_stop(cg, &options, &result), 0);
	cr_assert_str_eq(course.text, "ke");
	cr_assert_eq(result.signalled, 0);
	cr_assert_geq(result.rounds, 1);
}

Test(library, a_stop_of_nobody_is_done)
{
	struct course course = { "" };
	struct cgkill_stop_options options = polite(&course, 30 * SECOND);

	cr_assert_eq(cgkill_stop(cg, &options, NULL), 0);
	cr_assert_str_eq(course.text, "e");
	cr_assert_eq(cgkill_remove(cg), 0);
	cr_assert_eq(cgkill_stop(cg, &options, NULL), 0);
	cr_assert_str_eq(course.text, "ee", "and of what was removed");
}

/* "mixed": the leader is asked, the others die when it has ended. */
Test(library, the_leader_alone_is_asked)
{
	for (int by_poll = 0; by_poll < 2; by_poll++) {
		struct course course = { "" };
		struct cgkill_stop_options options = polite(&course, 30 * SECOND);
		struct cgkill_stop *stop = NULL;
		pid_t other = cgtest_start(&inner, MEMBER_SLEEPER),
		      leader = cgtest_start(&inner, MEMBER_SLEEPER);
		int pidfd = pidfd_open_pid(leader);

		options.flags = CGKILL_STOP_LEADER;
		options.leader_pidfd = pidfd;
		if (by_poll) {
			cr_assert_eq(cgkill_stop_begin(cg, &options, &stop), 0);
			drive_by_poll(stop);
			cgkill_stop_end(stop);
		} else {
			cr_assert_eq(cgkill_stop(cg, &options, NULL), 0);
		}
		cr_assert_str_eq(course.text, "ske");
		reap(leader, SIGTERM);
		reap(other, SIGKILL);
		close(pidfd);
		renew();
	}
}

Test(library, a_leader_that_is_no_member_is_refused)
{
	struct course course = { "" };
	struct cgkill_stop_options options = polite(&course, 30 * SECOND);
	pid_t member = cgtest_start(&inner, MEMBER_SLEEPER),
	      stranger = cgtest_start(&t.root, MEMBER_SLEEPER);
	int pidfd = pidfd_open_pid(stranger);

	options.flags = CGKILL_STOP_LEADER;
	options.leader_pidfd = pidfd;
	cr_assert_eq(cgkill_stop(cg, &options, NULL), -ESRCH);
	cr_assert_str_empty(course.text);
	cr_assert_eq(kill(member, 0), 0);
	cr_assert_eq(kill(stranger, 0), 0);
	cr_assert_neq(cgtest_state(stranger), 'Z');
	close(pidfd);
}

/* One that is readable all the time would have the caller's loop spin. */
Test(library, a_leader_that_has_ended_is_heard_of_once)
{
	struct course course = { "" };
	struct cgkill_stop_options options = polite(&course, 30 * SECOND);
	struct cgkill_stop *stop = NULL;
	pid_t victim = cgtest_start(&inner, MEMBER_SLEEPER),
	      leader = cgtest_start(&inner, MEMBER_SLEEPER);
	struct pollfd p = { .events = POLLIN };
	unsigned steps = 0;
	int r = unkillable_start(&blocker, UNKILLABLE_PTRACE, victim);

	if (r < 0)
		cr_skip_test("SKIP: no process can be made unkillable: %s", strerror(-r));
	options.flags = CGKILL_STOP_LEADER;
	options.leader_pidfd = pidfd_open_pid(leader);
	options.verify_usec = SECOND / 2;
	cr_assert_eq(cgkill_stop_begin(cg, &options, &stop), 0);
	p.fd = cgkill_stop_fd(stop);
	while ((r = cgkill_stop_step(stop)) == 1) {
		cr_assert_eq(poll(&p, 1, 40000), 1);
		cr_assert_lt(++steps, 200);
	}
	cr_assert_eq(r, -ETIMEDOUT);
	cr_assert_str_eq(course.text, "sk!");
	unkillable_release(&blocker);
	drive_by_poll(stop);
	cgkill_stop_end(stop);
	close(options.leader_pidfd);
}

Test(library, hasten_kills_before_the_time_is_over)
{
	struct course course = { "" };
	struct cgkill_stop_options options = polite(&course, 3600 * SECOND);
	struct cgkill_stop *stop = NULL;

	cgtest_start(&inner, MEMBER_TERM_IGNORER);
	cr_assert_eq(cgkill_stop_begin(cg, &options, &stop), 0);
	cr_assert_eq(cgkill_stop_step(stop), 1);
	cr_assert_geq(cgkill_stop_fd(stop), 0);
	cgkill_stop_hasten(stop);
	drive_by_poll(stop);
	cr_assert_str_eq(course.text, "ske");
	cgkill_stop_end(stop);
}

Test(library, what_cannot_die_is_stuck_until_it_can)
{
	struct course course = { "" };
	struct cgkill_stop_options options = {
		.size = sizeof(options), .verify_usec = SECOND / 5, .on_event = note, .arg = &course
	};
	struct cgkill_stop *stop = NULL;
	struct seen seen = { 0 };
	int r = unkillable_start(&blocker, UNKILLABLE_PTRACE, cgtest_start(&inner, MEMBER_SLEEPER));

	if (r < 0)
		cr_skip_test("SKIP: no process can be made unkillable: %s", strerror(-r));
	cr_assert_eq(cgkill_stop_begin(cg, &options, &stop), 0);
	while ((r = cgkill_stop_step(stop)) == 1)
		cgtest_sleep_ms(5);
	cr_assert_eq(r, -ETIMEDOUT);
	cr_assert_str_eq(course.text, "k!");
	cr_assert_eq(cgkill_explain(cg, 4, NULL, see, &seen), 0);
	cr_assert_geq(seen.n, 1);
	unkillable_release(&blocker);
	drive_by_poll(stop);
	cr_assert_str_eq(course.text, "k!e");
	cgkill_stop_end(stop);
}

/* ---- sizes of structures ---- */

Test(library, older_and_newer_callers_are_understood)
{
	struct course course = { "" };
	struct {
		struct cgkill_stop_options known;
		uint64_t unknown;
	} newer = { .known = { .size = sizeof(newer), .signal = SIGTERM, .timeout_usec = SECOND } };
	struct {
		struct cgkill_stop_result known;
		uint64_t unknown;
	} result = { .known = { .size = sizeof(result) }, .unknown = 1 };
	struct cgkill_stop_options older = polite(&course, 30 * SECOND);

	older.size = offsetof(struct cgkill_stop_options, on_event);
	cr_assert_eq(cgkill_stop(cg, &older, NULL), 0);
	cr_assert_str_empty(course.text, "what lies behind its size is not looked at");
	cr_assert_eq(cgkill_stop(cg, &newer.known, &result.known), 0);
	cr_assert(result.unknown == 0 && result.known.size == sizeof(result));
	newer.unknown = 1;
	cr_assert_eq(cgkill_stop(cg, &newer.known, NULL), -E2BIG);
	newer.unknown = 0;
	newer.known.flags = 1U << 30;
	cr_assert_eq(cgkill_stop(cg, &newer.known, NULL), -EINVAL);
	newer.known.flags = CGKILL_STOP_LEADER;
	newer.known.leader_pidfd = -1;
	cr_assert_eq(cgkill_stop(cg, &newer.known, NULL), -EBADF, "no leader is not: all");
	newer.known.flags = 0;
	newer.known.signal = 1000;
	cr_assert_eq(cgkill_stop(cg, &newer.known, NULL), -EINVAL);
	cr_assert_eq(cgkill_signal(cg, -1, 0, NULL), -EINVAL);
	cr_assert_eq(cgkill_signal(cg, SIGTERM, 1U << 30, NULL), -EINVAL);
	newer.known.size = 4;
	cr_assert_eq(cgkill_stop(cg, &newer.known, NULL), -EINVAL);
}

/* ---- a process ---- */

static int exit_status(pid_t pid)
{
	int status = 0;

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static struct cgkill_spawn_options shell(char *const argv[])
{
	return (struct cgkill_spawn_options){ .size = sizeof(struct cgkill_spawn_options),
					      .argv = argv,
					      .flags = CGKILL_SPAWN_SEARCH };
}

static char sh[] = "sh", dash_c[] = "-c";

Test(library, spawns_a_member)
{
	char script[] = "read line </dev/zero";
	char *const argv[] = { sh, dash_c, script, NULL };
	const struct cgkill_spawn_options options = shell(argv);
	int pidfd = -1;
	pid_t pid;

	cr_assert_eq(cgkill_spawn(cg, &options, &pid, &pidfd), 0);
	cr_assert_eq(pidfd_in_cgroup(pidfd, pid, &inner, VERIFY_AUTO), 1);
	cr_assert_eq(cgkill_signal_process(cg, pidfd, SIGKILL, 0), 0);
	cr_assert_eq(exit_status(pid), -SIGKILL);
	close(pidfd);
}

static int fail_with(void *arg)
{
	return *(int *)arg;
}

Test(library, a_spawn_says_why_it_failed)
{
	char script[] = "exit 5", name[] = "/nobody/has/this";
	char *const argv[] = { sh, dash_c, script, NULL }, *const missing[] = { name, NULL };
	struct cgkill_spawn_options options = shell(argv);
	int error = EDQUOT;
	pid_t pid;

	cr_assert_eq(cgkill_spawn(cg, &options, &pid, NULL), 0);
	cr_assert_eq(exit_status(pid), 5);
	options.prepare = fail_with;
	options.arg = &error;
	cr_assert_eq(cgkill_spawn(cg, &options, &pid, NULL), -EDQUOT);
	options = shell(missing);
	cr_assert_eq(cgkill_spawn(cg, &options, &pid, NULL), -ENOENT);
	options.argv = NULL;
	cr_assert_eq(cgkill_spawn(cg, &options, &pid, NULL), -EINVAL);
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "no child is left");
	cr_assert_eq(cgkill_is_populated(cg), 0);
}

/* Linux kills at birth what clone3 puts into a cgroup that was once killed. */
Test(library, spawns_into_a_cgroup_that_was_killed)
{
	char script[] = "exit 6";
	char *const argv[] = { sh, dash_c, script, NULL };
	struct cgkill_spawn_options options = shell(argv);
	pid_t pid = cgtest_start(&inner, MEMBER_SLEEPER);

	cr_assert_eq(cg_kill_write(&inner), 0);
	reap(pid, SIGKILL);
	cr_assert_eq(cgkill_spawn(cg, &options, &pid, NULL), 0);
	cr_assert_eq(exit_status(pid), 6);
}
