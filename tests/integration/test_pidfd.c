/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/pidfd.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/cgtest.h"

static struct cgtest t;
static struct cg a = CG_INIT, b = CG_INIT, below = CG_INIT;

static void setup(void)
{
	int r = cgtest_begin(&t);

	if (r < 0)
		cr_skip_test("SKIP: no cgroup of our own can be made: %s", strerror(-r));
	cr_assert_eq(cg_create(&a, &t.root, "a"), 0);
	cr_assert_eq(cg_create(&b, &t.root, "b"), 0);
	cr_assert_eq(cg_create(&below, &a, "below"), 0);
}

static void teardown(void)
{
	cg_close(&below);
	cg_close(&b);
	cg_close(&a);
	cgtest_end(&t);
}

TestSuite(pidfd, .init = setup, .fini = teardown, .timeout = 60);

static const enum verify_method methods[] = { VERIFY_AUTO, VERIFY_GET_INFO, VERIFY_PROCFS };

/* GET_INFO is Linux 6.13; what is asked for without it must say so and not guess. */
static bool lacks(enum verify_method method, int result)
{
	return method == VERIFY_GET_INFO && result == -EOPNOTSUPP;
}

static void end_member(pid_t pid)
{
	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

Test(pidfd, opens_processes_and_nothing_else)
{
	pid_t dead = cgtest_start(&a, MEMBER_SLEEPER), leader = cgtest_start(&a, MEMBER_DEAD_LEADER);
	cleanup_close int fd = pidfd_open_pid(leader);
	char text[256];
	long thread = 0;

	cr_assert_geq(fd, 0, "a dead leader is still its process");
	/* cgroup.threads does not list the dead leader, only the thread that lives. */
	cr_assert_eq(kill(dead, SIGKILL), 0);
	cr_assert_eq(waitpid(dead, NULL, 0), dead);
	cr_assert_eq(cgtest_read(&a, "cgroup.threads", text, sizeof(text)), 0);
	for (char *p = text; *p; p++) {
		long tid = strtol(p, &p, 10);

		if (tid != leader)
			thread = tid;
	}
	cr_assert_gt(thread, 0);
	cr_assert_eq(pidfd_open_pid((pid_t)thread), -ESRCH, "a thread is no process");
	cr_assert_eq(pidfd_open_pid(dead), -ESRCH);
	cr_assert_eq(pidfd_open_pid(0), -ESRCH);
	cr_assert_eq(pidfd_open_pid(-1), -ESRCH);
	end_member(leader);
}

Test(pidfd, membership_is_of_exactly_this_cgroup)
{
	pid_t pid = cgtest_start(&below, MEMBER_SLEEPER);
	cleanup_close int fd = pidfd_open_pid(pid);

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		int r = pidfd_in_cgroup(fd, pid, &below, methods[i]);

		if (lacks(methods[i], r))
			continue;
		cr_assert_eq(r, 1, "method %zu", i);
		cr_assert_eq(pidfd_in_cgroup(fd, pid, &a, methods[i]), 0, "the parent is another");
		cr_assert_eq(pidfd_in_cgroup(fd, pid, &b, methods[i]), 0);
	}
	cr_assert_eq(pidfd_in_subtree(fd, pid, &a), 1);
	cr_assert_eq(pidfd_in_subtree(fd, pid, &below), 1);
	cr_assert_eq(pidfd_in_subtree(fd, pid, &b), 0);
	cr_assert_eq(cg_attach(&b, pid), 0);
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		cr_assert_neq(pidfd_in_cgroup(fd, pid, &below, methods[i]), 1, "it has left");
	cr_assert_eq(pidfd_in_subtree(fd, pid, &a), 0);
	end_member(pid);
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		int r = pidfd_in_cgroup(fd, pid, &b, methods[i]);

		cr_assert(r == -ESRCH || lacks(methods[i], r), "gone is gone, not elsewhere: %d", r);
	}
}

Test(pidfd, a_dead_leader_is_a_member)
{
	pid_t pid = cgtest_start(&a, MEMBER_DEAD_LEADER);
	cleanup_close int fd = pidfd_open_pid(pid);

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		int r = pidfd_in_cgroup(fd, pid, &a, methods[i]);

		cr_assert(r == 1 || lacks(methods[i], r), "method %zu: %d", i, r);
	}
	cr_assert_not(cgtest_ended(fd, 0));
	cr_assert_eq(pidfd_signal(fd, SIGKILL), 0);
	cr_assert(cgtest_ended(fd, 5000), "the signal reaches the threads that live");
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

Test(pidfd, a_cgroup_of_the_same_name_is_not_the_same)
{
	struct cg old = CG_INIT, new = CG_INIT;
	cleanup_close int fd = -1;
	pid_t pid;

	cr_assert_eq(cg_create(&old, &t.root, "c"), 0);
	cr_assert_eq(cg_remove(&t.root, "c"), 0);
	cr_assert_eq(cg_create(&new, &t.root, "c"), 0);
	pid = cgtest_start(&new, MEMBER_SLEEPER);
	fd = pidfd_open_pid(pid);
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		cr_assert_neq(pidfd_in_cgroup(fd, pid, &old, methods[i]), 1, "method %zu", i);
	cr_assert_eq(pidfd_in_subtree(fd, pid, &old), 0);
	cr_assert_eq(pidfd_in_subtree(fd, pid, &new), 1);
	end_member(pid);
	cg_close(&old);
	cg_close(&new);
}

Test(pidfd, identities_differ_and_last)
{
	pid_t first = cgtest_start(&a, MEMBER_SLEEPER), second = cgtest_start(&a, MEMBER_SLEEPER);
	cleanup_close int fd = pidfd_open_pid(first), again = pidfd_open_pid(first),
			  other = pidfd_open_pid(second);
	uint64_t x = 0, y = 0, z = 0;

	cr_assert_eq(pidfd_identity(fd, first, &x), 0);
	cr_assert_eq(pidfd_identity(again, first, &y), 0);
	cr_assert_eq(pidfd_identity(other, second, &z), 0);
	cr_assert_neq(x, 0);
	cr_assert_eq(x, y);
	cr_assert_neq(x, z);
	end_member(first);
	end_member(second);
}

Test(pidfd, reaping_tells_how_it_ended)
{
	pid_t pid = cgtest_start(&a, MEMBER_SLEEPER);
	cleanup_close int fd = pidfd_open_pid(pid), stranger = pidfd_open_pid(1);
	siginfo_t info = { 0 };

	cr_assert_eq(pidfd_reap(fd, &info), 0, "still running");
	cr_assert_eq(pidfd_signal(fd, SIGTERM), 0);
	cr_assert(cgtest_ended(fd, 5000));
	cr_assert_eq(pidfd_reap(fd, &info), 1);
	cr_assert_eq(info.si_pid, pid);
	cr_assert_eq(info.si_code, CLD_KILLED);
	cr_assert_eq(info.si_status, SIGTERM);
	cr_assert_eq(pidfd_reap(fd, &info), -ECHILD, "once only");
	cr_assert_eq(pidfd_signal(fd, SIGTERM), -ESRCH);
	if (stranger >= 0)
		cr_assert_eq(pidfd_reap(stranger, &info), -ECHILD);
}

/* ---- PID reuse, without luck ---- */

/* A child with the number of our choice, in the root and so outside of a: CAP_CHECKPOINT_RESTORE, clone(2). */
static pid_t start_stranger(pid_t number)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.cgroup = (unsigned)t.root.fd,
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&number,
		.set_tid_size = 1,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

/* What a naive program holds in its hand: a number that it read from cgroup.procs and that is a stranger's by now. */
static pid_t recycled_number(void)
{
	struct cg_pids pids = { 0 };
	pid_t pid = cgtest_start(&a, MEMBER_SLEEPER);

	cr_assert_eq(cg_read_procs(&a, &pids), 0);
	cr_assert(pids.n == 1 && pids.v[0] == pid);
	cg_pids_deinit(&pids);
	end_member(pid);
	if (start_stranger(pid) != pid)
		cr_skip_test("SKIP: clone3(set_tid) is not permitted here: %s", strerror(errno));
	return pid;
}

Test(pidfd, a_stranger_with_a_members_number_is_refused)
{
	for (int i = 0; i < 50; i++) {
		pid_t pid = recycled_number();
		cleanup_close int fd = pidfd_open_pid(pid);

		cr_assert_geq(fd, 0);
		for (size_t k = 0; k < ARRAY_SIZE(methods); k++) {
			int r = pidfd_in_cgroup(fd, pid, &a, methods[k]);

			cr_assert(r == 0 || lacks(methods[k], r), "method %zu: %d", k, r);
		}
		cr_assert_eq(pidfd_in_subtree(fd, pid, &a), 0);
		end_member(pid);
	}
}

Test(pidfd, a_pidfd_of_the_old_owner_does_not_reach_the_new_one)
{
	pid_t pid = cgtest_start(&a, MEMBER_SLEEPER);
	cleanup_close int fd = pidfd_open_pid(pid);

	end_member(pid);
	if (start_stranger(pid) != pid)
		cr_skip_test("SKIP: clone3(set_tid) is not permitted here: %s", strerror(errno));
	cr_assert_eq(cg_attach(&a, pid), 0, "even a stranger that is a member now");
	for (size_t k = 0; k < ARRAY_SIZE(methods); k++) {
		int r = pidfd_in_cgroup(fd, pid, &a, methods[k]);

		cr_assert(r == -ESRCH || lacks(methods[k], r), "method %zu: %d", k, r);
	}
	cr_assert_eq(pidfd_signal(fd, SIGKILL), -ESRCH);
	cr_assert(cgtest_in_state(pid, "S", 1000));
	end_member(pid);
}

/* Proves the proof: a program that trusts the number kills the stranger. */
Test(pidfd, a_naive_kill_hits_the_stranger)
{
	for (int i = 0; i < 50; i++) {
		pid_t pid = recycled_number();
		int status = 0;

		cr_assert_eq(kill(pid, SIGKILL), 0);
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_assert(WIFSIGNALED(status));
	}
}
