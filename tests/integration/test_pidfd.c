/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/pidfd.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
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

/* ---- how it ended ---- */

/* A process that is no child of ours, and its parent, which reaps it when told to. */
struct ward {
	pid_t parent, pid;
	int pidfd;
	int exit_fd; /* the ward exits with the byte that it reads here */
	int reap_fd; /* a byte to the parent; it closes done_fd when it has reaped */
	int done_fd;
};

static uint8_t read_byte(int fd)
{
	uint8_t c = 0;

	if (read(fd, &c, 1) != 1)
		_exit(99);
	return c;
}

static void write_byte(int fd, uint8_t c)
{
	cr_assert_eq(write(fd, &c, 1), 1);
}

static _Noreturn void be_its_parent(int exit_fd, int reap_fd, int done_fd)
{
	pid_t pid = fork();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pid == 0)
		_exit(read_byte(exit_fd));
	if (write(done_fd, &pid, sizeof(pid)) != (ssize_t)sizeof(pid))
		_exit(99);
	read_byte(reap_fd);
	waitpid(pid, NULL, 0);
	close(done_fd);
	for (;;)
		pause();
}

static struct ward start_ward(void)
{
	struct ward w = { 0 };
	int exits[2], reaps[2], done[2];

	cr_assert_eq(pipe2(exits, O_CLOEXEC) + pipe2(reaps, O_CLOEXEC) + pipe2(done, O_CLOEXEC), 0);
	w.parent = fork();
	if (w.parent == 0) {
		close(exits[1]);
		close(reaps[1]);
		close(done[0]);
		be_its_parent(exits[0], reaps[0], done[1]);
	}
	close(exits[0]);
	close(reaps[0]);
	close(done[1]);
	w.exit_fd = exits[1];
	w.reap_fd = reaps[1];
	w.done_fd = done[0];
	cr_assert_eq(read(w.done_fd, &w.pid, sizeof(w.pid)), sizeof(w.pid));
	w.pidfd = pidfd_open_pid(w.pid);
	cr_assert_geq(w.pidfd, 0);
	return w;
}

static void reap_ward(struct ward *w)
{
	pid_t none;

	write_byte(w->reap_fd, 1);
	cr_assert_eq(read(w->done_fd, &none, sizeof(none)), 0);
}

static void exit_ward(struct ward *w, uint8_t status)
{
	write_byte(w->exit_fd, status);
	cr_assert(cgtest_ended(w->pidfd, 5000));
}

static void end_ward(struct ward *w)
{
	end_member(w->parent);
	close(w->pidfd);
	close(w->exit_fd);
	close(w->reap_fd);
	close(w->done_fd);
}

static void assert_exit(const siginfo_t *si, pid_t pid, int code, int status)
{
	cr_assert_eq(si->si_pid, pid);
	cr_assert_eq(si->si_code, code, "%d", si->si_code);
	cr_assert_eq(si->si_status, status, "%d", si->si_status);
}

static bool kernel_is_at_least(int major, int minor)
{
	struct utsname u;
	int is_major = 0, is_minor = 0;

	cr_assert_eq(uname(&u), 0);
	cr_assert_eq(sscanf(u.release, "%d.%d", &is_major, &is_minor), 2);
	return is_major > major || (is_major == major && is_minor >= minor);
}

Test(pidfd, the_exit_status_of_a_child)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		pid_t pid = cgtest_start(&a, MEMBER_SLEEPER);
		cleanup_close int fd = pidfd_open_pid(pid);
		siginfo_t si = { 0 };

		cr_assert_eq(pidfd_exit_status_by(fd, pid, methods[i], &si), 0, "it runs");
		cr_assert_eq(kill(pid, SIGKILL), 0);
		cr_assert(cgtest_ended(fd, 5000));
		cr_assert_eq(pidfd_exit_status_by(fd, pid, methods[i], &si), 1);
		assert_exit(&si, pid, CLD_KILLED, SIGKILL);
		cr_assert_eq(waitpid(pid, NULL, WNOHANG), -1, "it was reaped");
	}
}

Test(pidfd, the_exit_status_of_a_zombie_that_is_not_ours)
{
	static const enum verify_method able[] = { VERIFY_AUTO, VERIFY_PROCFS };

	for (size_t i = 0; i < ARRAY_SIZE(able); i++) {
		struct ward zero = start_ward(), seven = start_ward(), killed = start_ward();
		siginfo_t si = { 0 };

		cr_assert_eq(pidfd_exit_status_by(seven.pidfd, seven.pid, able[i], &si), 0);
		exit_ward(&zero, 0);
		exit_ward(&seven, 7);
		cr_assert_eq(pidfd_signal(killed.pidfd, SIGTERM), 0);
		cr_assert(cgtest_ended(killed.pidfd, 5000));
		cr_assert_eq(pidfd_exit_status_by(zero.pidfd, zero.pid, able[i], &si), 1);
		assert_exit(&si, zero.pid, CLD_EXITED, 0);
		cr_assert_eq(pidfd_exit_status_by(seven.pidfd, seven.pid, able[i], &si), 1);
		assert_exit(&si, seven.pid, CLD_EXITED, 7);
		cr_assert_eq(pidfd_exit_status_by(killed.pidfd, killed.pid, able[i], &si), 1);
		assert_exit(&si, killed.pid, CLD_KILLED, SIGTERM);
		end_ward(&zero);
		end_ward(&seven);
		end_ward(&killed);
	}
}

Test(pidfd, the_exit_status_of_what_another_has_reaped)
{
	bool kept = pidfd_status_is_kept();
	struct ward w = start_ward(), dumped = start_ward();
	siginfo_t si = { 0 };

	exit_ward(&w, 7);
	reap_ward(&w);
	cr_assert_eq(pidfd_exit_status(w.pidfd, w.pid, &si), kept ? 1 : -ENODATA);
	if (kept)
		assert_exit(&si, w.pid, CLD_EXITED, 7);
	cr_assert_eq(pidfd_exit_status_by(w.pidfd, w.pid, VERIFY_PROCFS, &si), -ENODATA);
	cr_assert_eq(pidfd_signal(dumped.pidfd, SIGABRT), 0);
	cr_assert(cgtest_ended(dumped.pidfd, 5000));
	reap_ward(&dumped);
	if (kept) {
		cr_assert_eq(pidfd_exit_status(dumped.pidfd, dumped.pid, &si), 1);
		cr_assert(si.si_code == CLD_DUMPED || si.si_code == CLD_KILLED);
		cr_assert_eq(si.si_status, SIGABRT);
	}
	cr_assert_eq(kept, kernel_is_at_least(6, 15));
	end_ward(&w);
	end_ward(&dumped);
}

/* A stranger that got the number must not lend its status: neither while it lives nor as a zombie. */
Test(pidfd, the_exit_status_is_not_that_of_the_numbers_next_owner)
{
	struct ward w = start_ward();
	siginfo_t si = { 0 };
	cleanup_close int stranger = -1;

	exit_ward(&w, 7);
	reap_ward(&w);
	if (start_stranger(w.pid) != w.pid) {
		end_ward(&w);
		cr_skip_test("SKIP: clone3(set_tid) is not permitted here: %s", strerror(errno));
	}
	stranger = pidfd_open_pid(w.pid);
	cr_assert_eq(pidfd_exit_status_by(w.pidfd, w.pid, VERIFY_PROCFS, &si), -ENODATA);
	cr_assert_eq(kill(w.pid, SIGKILL), 0);
	cr_assert(cgtest_ended(stranger, 5000));
	cr_assert_eq(pidfd_exit_status_by(w.pidfd, w.pid, VERIFY_PROCFS, &si), -ENODATA);
	cr_assert_eq(waitpid(w.pid, NULL, 0), w.pid);
	end_ward(&w);
}

/* /proc shows 0 to whoever may not trace: that is no exit status. */
Test(pidfd, without_permission_a_status_is_not_known_rather_than_0)
{
	struct ward w = start_ward();
	int status = 0;
	pid_t pid;

	if (getuid() != 0) {
		end_ward(&w);
		cr_skip_test("SKIP: only root can become somebody who may less");
	}
	exit_ward(&w, 7);
	pid = fork();
	if (pid == 0) {
		siginfo_t si;

		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(98);
		_exit(-pidfd_exit_status(w.pidfd, w.pid, &si));
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), ENODATA, "%d", WEXITSTATUS(status));
	end_ward(&w);
}
