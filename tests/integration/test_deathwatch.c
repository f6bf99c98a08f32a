/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/deathwatch.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/cgtest.h"
#include "sys/pidfd.h"
#include "sys/procevents.h"

static struct loop *loop;

static void setup(void)
{
	struct procevents *p = NULL;
	int r = procevents_open(&p, PROCEVENT_EXIT, 0);

	if (r < 0)
		cr_skip_test("SKIP: the proc connector tells nothing here: %s", strerror(-r));
	procevents_close(p);
	loop = loop_new();
	cr_assert_not_null(loop);
}

static void teardown(void)
{
	loop_free(loop);
}

TestSuite(deathwatch, .init = setup, .fini = teardown, .timeout = 30);

/* A child whose end we are told of only by events: it is reaped before we look. */
static pid_t start(int *exit_fd, int *pidfd)
{
	int fds[2];
	uint8_t status = 99;
	pid_t pid;

	cr_assert_eq(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[1]);
		_exit(read(fds[0], &status, 1) == 1 ? status : 98);
	}
	close(fds[0]);
	*exit_fd = fds[1];
	*pidfd = pidfd_open_pid(pid);
	cr_assert_geq(*pidfd, 0);
	return pid;
}

static void end(pid_t pid, int exit_fd, uint8_t status)
{
	cr_assert_eq(write(exit_fd, &status, 1), 1);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

Test(deathwatch, tells_how_it_was)
{
	struct deathwatch *w = NULL;
	struct exit_info e = { 0 };
	int exit_fds[3], pidfds[3];
	pid_t pids[3];

	for (int i = 0; i < 3; i++) {
		pids[i] = start(&exit_fds[i], &pidfds[i]);
		deathwatch_expect(&w, loop, pidfds[i], pids[i]);
	}
	cr_assert_not_null(w);
	end(pids[0], exit_fds[0], 7);
	end(pids[1], exit_fds[1], 0);
	cr_assert_gt(loop_once(loop, 5000), 0);
	cr_assert(deathwatch_told(&w, pids[0], &e));
	cr_assert_eq(e.code, CLD_EXITED);
	cr_assert_eq(e.status, 7);
	cr_assert_not(deathwatch_told(&w, pids[0], &e), "once");
	cr_assert_eq(kill(pids[2], SIGKILL), 0);
	cr_assert_eq(waitpid(pids[2], NULL, 0), pids[2]);
	cr_assert(deathwatch_told(&w, pids[2], &e), "without a turn of the loop");
	cr_assert_eq(e.code, CLD_KILLED);
	cr_assert_eq(e.status, SIGKILL);
	cr_assert(deathwatch_told(&w, pids[1], &e));
	cr_assert_eq(e.code, CLD_EXITED);
	cr_assert_eq(e.status, 0);
	cr_assert_null(w, "nobody is left to listen for");
}

Test(deathwatch, who_lives_has_no_end)
{
	struct deathwatch *w = NULL;
	struct exit_info e = { .code = EXIT_UNKNOWN };
	int exit_fd, pidfd;
	pid_t pid = start(&exit_fd, &pidfd);

	deathwatch_expect(&w, loop, pidfd, pid);
	cr_assert_not(deathwatch_told(&w, pid, &e));
	cr_assert_eq(e.code, EXIT_UNKNOWN);
	cr_assert_null(w);
	end(pid, exit_fd, 0);
}

static void *outlive(void *arg)
{
	cgtest_sleep_ms(50);
	syscall(SYS_exit_group, 5);
	return arg;
}

/* The main thread goes first, with a status of its own; then another one ends the process. */
Test(deathwatch, the_last_thread_has_the_last_word)
{
	struct deathwatch *w = NULL;
	struct exit_info e = { 0 };
	int fds[2], pidfd;
	char c;
	pid_t pid;

	cr_assert_eq(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		pthread_t thread;

		close(fds[1]);
		if (read(fds[0], &c, 1) != 0 || pthread_create(&thread, NULL, outlive, NULL) != 0)
			_exit(99);
		syscall(SYS_exit, 3);
	}
	pidfd = pidfd_open_pid(pid);
	deathwatch_expect(&w, loop, pidfd, pid);
	close(fds[1]);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	cr_assert(deathwatch_told(&w, pid, &e));
	cr_assert_eq(e.code, CLD_EXITED);
	cr_assert_eq(e.status, 5, "%d", e.status);
	close(fds[0]);
	close(pidfd);
}
