/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sweep is compiled into the test, so that a test may act between the moment when a number is read from cgroup.procs
 * and the moment when it is opened: the moment in which the number may get another owner.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/cgtest.h"
#include "sys/pidfd.h"

static void (*before_open)(pid_t pid);

static int open_late(pid_t pid)
{
	if (before_open)
		before_open(pid);
	return pidfd_open_pid(pid);
}

#define pidfd_open_pid open_late
#include "../../src/sys/sweep.c"
#undef pidfd_open_pid

static struct cgtest t;
static struct cg a = CG_INIT, below = CG_INIT;

static void setup(void)
{
	int r = cgtest_begin(&t);

	if (r < 0)
		cr_skip_test("SKIP: no cgroup of our own can be made: %s", strerror(-r));
	cr_assert_eq(cg_create(&a, &t.root, "a"), 0);
	cr_assert_eq(cg_create(&below, &a, "below"), 0);
}

static void teardown(void)
{
	cg_close(&below);
	cg_close(&a);
	cgtest_end(&t);
}

TestSuite(sweep, .init = setup, .fini = teardown, .timeout = 60);

static const enum verify_method methods[] = { VERIFY_AUTO, VERIFY_PROCFS };

static int signal_that_ended(pid_t pid)
{
	int status = 0;

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void end_member(pid_t pid)
{
	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(signal_that_ended(pid), SIGKILL);
}

/* vfork_parent is two processes: the child, which is blocked in nothing, and the parent that waits for it. */
Test(sweep, reaches_every_kind_of_member_in_the_subtree)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		struct sweep s = { .signal = SIGKILL, .verify = methods[i] };
		pid_t outside = cgtest_start(&t.root, MEMBER_SLEEPER), pids[2 * MEMBER_KINDS];
		size_t n = 0;

		for (enum member kind = 0; kind < MEMBER_KINDS; kind++) {
			if (kind == MEMBER_FORK_CHAIN)
				continue;
			pids[n++] = cgtest_start(&a, kind);
			pids[n++] = cgtest_start(&below, kind);
		}
		cr_assert_eq(cg_freeze(&below, true), 0);
		cr_assert_eq(sweep_run(&s, &a), 0);
		cr_assert_eq(s.signalled, n + 2);
		cr_assert(s.settled && s.error == 0 && s.unreachable == 0);
		for (size_t k = 0; k < n; k++)
			cr_assert_eq(signal_that_ended(pids[k]), SIGKILL);
		cr_assert_eq(cg_freeze_asked(&below), 1, "a sweep leaves the freezer alone");
		cr_assert_eq(cg_freeze(&below, false), 0);
		cr_assert_eq(kill(outside, 0), 0);
		end_member(outside);
	}
}

static const char *state_file;

/* Counts SIGUSR1 by growing a file, so that each one is told, and blocks none. */
static void count_usr1(int sig unused)
{
	cleanup_close int fd = open(state_file, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (write(fd, "x", 1) != 1)
		_exit(1);
}

static void usr1_counter(int ready_fd, void *arg)
{
	struct sigaction action = { .sa_handler = count_usr1 };

	state_file = arg;
	sigaction(SIGUSR1, &action, NULL);
	cgtest_ready_and_sleep(ready_fd);
}

Test(sweep, signals_each_process_once)
{
	char file[] = "/tmp/cgkill-test-count.XXXXXX";
	cleanup_close int fd = mkstemp(file);
	struct sweep s = { .signal = SIGUSR1 };
	pid_t pid = cgtest_start_fn(&a, usr1_counter, file);

	cr_assert_eq(sweep_run(&s, &a), 0);
	cr_assert_eq(s.signalled, 1);
	cr_assert(s.settled);
	for (int i = 0; i < 5000 && lseek(fd, 0, SEEK_END) == 0; i++)
		cgtest_sleep_ms(1);
	cgtest_sleep_ms(20);
	cr_assert_eq(lseek(fd, 0, SEEK_END), 1);
	unlink(file);
	end_member(pid);
}

Test(sweep, spares_the_exception)
{
	pid_t main_pid = cgtest_start(&a, MEMBER_SLEEPER), other = cgtest_start(&a, MEMBER_SLEEPER);
	cleanup_close int fd = pidfd_open_pid(main_pid);
	struct sweep s = { .signal = SIGTERM, .except = main_pid };

	cr_assert_eq(sweep_run(&s, &a), 0);
	cr_assert_eq(s.signalled, 1);
	cr_assert_eq(signal_that_ended(other), SIGTERM);
	cr_assert_not(cgtest_ended(fd, 20));
	end_member(main_pid);
}

Test(sweep, continues_a_stopped_process_so_that_it_can_obey)
{
	pid_t pid = cgtest_start(&a, MEMBER_STOPPED);
	struct sweep s = { .signal = SIGTERM };

	cr_assert_eq(sweep_run(&s, &a), 0);
	cr_assert(cgtest_in_state(pid, "T", 20), "SIGTERM alone does not wake it");
	s.then_sigcont = true;
	cr_assert_eq(sweep_run(&s, &a), 0);
	cr_assert_eq(signal_that_ended(pid), SIGTERM);
}

Test(sweep, hangs_up_after_the_signal)
{
	pid_t pid = cgtest_start(&a, MEMBER_TERM_IGNORER);
	struct sweep s = { .signal = SIGTERM, .then_sighup = true };

	cr_assert_eq(sweep_run(&s, &a), 0);
	cr_assert_eq(signal_that_ended(pid), SIGHUP);
}

Test(sweep, is_bounded_against_a_fork_chain_that_ignores_it)
{
	struct sweep s = { .signal = SIGCONT, .max_passes = 3 };
	usec_t begin = clock_now();

	cgtest_autoreap();
	cgtest_start(&a, MEMBER_FORK_CHAIN);
	cr_assert_eq(sweep_run(&s, &a), 0);
	cr_assert_lt(clock_now() - begin, 5 * USEC_PER_SEC);
}

Test(sweep, of_a_threaded_cgroup_is_refused_and_of_its_domain_complete)
{
	cr_assert_eq(cgtest_write(&below, "cgroup.type", "threaded"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		for (int leader_too = 0; leader_too < 2; leader_too++) {
			struct sweep s = { .signal = SIGKILL, .verify = methods[i] };
			pid_t pid = cgtest_start_threaded(&a, &below, leader_too);

			cr_assert_eq(sweep_run(&s, &below), -EOPNOTSUPP);
			cr_assert_eq(s.signalled, 0);
			cr_assert_eq(sweep_run(&s, &a), 0);
			cr_assert_eq(s.signalled, 1);
			cr_assert_eq(signal_that_ended(pid), SIGKILL);
		}
	}
}

Test(sweep, of_an_empty_or_removed_cgroup_finds_nobody)
{
	struct sweep s = { .signal = SIGKILL };

	cr_assert_eq(sweep_run(&s, &a), 0);
	cr_assert(s.signalled == 0 && s.settled);
	cr_assert_eq(cg_remove(&t.root, "a"), 0);
	cr_assert_eq(sweep_run(&s, &a), 0);
	cr_assert(s.signalled == 0 && s.settled);
}

/* ---- what happens between the reading of a number and its opening ---- */

static void move_away(pid_t pid)
{
	if (cg_attach(&t.root, pid) < 0)
		abort();
}

static void move_below(pid_t pid)
{
	if (cg_attach(&below, pid) < 0)
		abort();
}

Test(sweep, a_member_that_leaves_is_spared)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		struct sweep s = { .signal = SIGKILL, .verify = methods[i] };
		pid_t pid = cgtest_start(&a, MEMBER_SLEEPER);
		cleanup_close int fd = pidfd_open_pid(pid);

		before_open = move_away;
		cr_assert_eq(sweep_run(&s, &a), 0);
		cr_assert(s.signalled == 0 && s.settled);
		cr_assert_not(cgtest_ended(fd, 20));
		end_member(pid);
	}
}

Test(sweep, a_member_that_moves_within_the_subtree_is_not_lost)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		struct sweep s = { .signal = SIGKILL, .verify = methods[i] };
		pid_t pid = cgtest_start(&a, MEMBER_SLEEPER);

		before_open = move_below;
		cr_assert_eq(sweep_run(&s, &a), 0);
		cr_assert_eq(s.signalled, 1);
		cr_assert_eq(signal_that_ended(pid), SIGKILL);
	}
}

static pid_t successor;

static void have_successor(pid_t pid unused)
{
	before_open = NULL;
	successor = cgtest_start(&a, MEMBER_SLEEPER);
}

Test(sweep, a_process_that_was_born_after_the_reading_is_not_lost)
{
	struct sweep s = { .signal = SIGTERM };
	pid_t pid = cgtest_start(&a, MEMBER_SLEEPER);

	before_open = have_successor;
	cr_assert_eq(sweep_run(&s, &a), 0);
	cr_assert(s.signalled == 2 && s.settled);
	cr_assert_eq(signal_that_ended(pid), SIGTERM);
	cr_assert_eq(signal_that_ended(successor), SIGTERM);
}

static pid_t stranger;

/* The member ends, and its number goes to a process in the root, outside of a: clone3(2), set_tid. */
static void recycle(pid_t pid)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.cgroup = (unsigned)t.root.fd,
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};

	before_open = NULL;
	if (kill(pid, SIGKILL) < 0 || waitpid(pid, NULL, 0) != pid)
		abort();
	stranger = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (stranger == 0)
		for (;;)
			pause();
}

Test(sweep, a_stranger_that_got_a_members_number_lives)
{
	for (int i = 0; i < 50; i++) {
		struct sweep s = { .signal = SIGKILL, .verify = methods[i % 2] };
		pid_t pid = cgtest_start(&a, MEMBER_SLEEPER);

		before_open = recycle;
		cr_assert_eq(sweep_run(&s, &a), 0);
		if (stranger < 0)
			cr_skip_test("SKIP: clone3(set_tid) is not permitted here");
		cr_assert_eq(stranger, pid);
		cr_assert(s.signalled == 0 && s.settled);
		cr_assert_eq(kill(stranger, SIGTERM), 0);
		cr_assert_eq(signal_that_ended(stranger), SIGTERM, "it was hit by the sweep's SIGKILL");
	}
}

/* The same sweep without the verification, as most programs do it: proves that the test above can fail. */
Test(sweep, without_verification_the_stranger_dies)
{
	for (int i = 0; i < 50; i++) {
		struct cg_pids pids = { 0 };

		cgtest_start(&a, MEMBER_SLEEPER);
		cr_assert_eq(cg_read_procs(&a, &pids), 0);
		cr_assert_eq(pids.n, 1);
		recycle(pids.v[0]);
		if (stranger < 0)
			cr_skip_test("SKIP: clone3(set_tid) is not permitted here");
		cr_assert_eq(kill(pids.v[0], SIGKILL), 0);
		cr_assert_eq(signal_that_ended(stranger), SIGKILL);
		cg_pids_deinit(&pids);
	}
}
