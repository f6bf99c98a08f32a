/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/procevents.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cgtest.h"

TestSuite(procevents, .timeout = 30);

/* What was told about one process. */
struct seen {
	pid_t pid;
	unsigned forks, execs, exits;
	pid_t parent;
	int status;
	size_t strangers; /* events of everybody else */
};

static void note(const struct procevent *ev, void *arg)
{
	struct seen *s = arg;

	if (ev->pid != s->pid) {
		s->strangers++;
		return;
	}
	s->forks += ev->kind == PROCEVENT_FORK;
	s->execs += ev->kind == PROCEVENT_EXEC;
	s->exits += ev->kind == PROCEVENT_EXIT;
	if (ev->kind == PROCEVENT_FORK)
		s->parent = ev->parent;
	if (ev->kind == PROCEVENT_EXIT)
		s->status = ev->status;
}

static struct procevents *start(unsigned kinds, int buffer)
{
	struct procevents *p = NULL;
	int r = procevents_open(&p, kinds, buffer);

	if (r == -EOPNOTSUPP || r == -EPERM)
		cr_skip_test("SKIP: the proc connector tells nothing here: %s", strerror(-r));
	cr_assert_eq(r, 0, "%s", strerror(-r));
	return p;
}

/* All that is there. The result of the last read. */
static int read_all(struct procevents *p, struct seen *s)
{
	int r;

	do {
		r = procevents_read(p, note, s);
	} while (r == 1);
	return r;
}

/* A child that runs /bin/true, or only exits; it was waited for when this returns. */
static pid_t run_child(bool execs, int status)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (execs)
			execl("/bin/true", "true", (char *)NULL);
		_exit(status);
	}
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	return pid;
}

Test(procevents, birth_program_and_end_are_told_without_waiting)
{
	struct procevents *p = start(PROCEVENT_FORK | PROCEVENT_EXEC | PROCEVENT_EXIT, 0);
	struct seen s = { .pid = run_child(true, 1) };

	cr_assert_eq(read_all(p, &s), 0);
	cr_assert_eq(s.forks, 1);
	cr_assert_eq(s.parent, getpid());
	cr_assert_eq(s.execs, 1);
	cr_assert_eq(s.exits, 1);
	cr_assert_eq(s.status, 0);
	s = (struct seen){ .pid = run_child(false, 7) };
	cr_assert_eq(read_all(p, &s), 0);
	cr_assert_eq(s.execs, 0);
	cr_assert_eq(s.exits, 1);
	cr_assert(WIFEXITED(s.status));
	cr_assert_eq(WEXITSTATUS(s.status), 7);
	procevents_close(p);
}

Test(procevents, only_what_was_asked_for_is_told)
{
	struct procevents *p = start(PROCEVENT_EXIT, 0);
	struct seen s = { .pid = run_child(true, 0) };

	cr_assert_eq(read_all(p, &s), 0);
	cr_assert_eq(s.forks, 0);
	cr_assert_eq(s.execs, 0);
	cr_assert_eq(s.exits, 1);
	procevents_close(p);
}

static void *do_nothing(void *arg)
{
	return arg;
}

Test(procevents, a_thread_is_no_process)
{
	struct procevents *p = start(PROCEVENT_FORK, 0);
	struct seen s = { .pid = getpid() };
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, do_nothing, NULL), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_assert_eq(read_all(p, &s), 0);
	cr_assert_eq(s.forks, 0);
	procevents_close(p);
}

/* Eight kilobytes hold some ten events. What others on this machine do may overrun it again, so there is more than one try. */
Test(procevents, an_overrun_is_told_once_and_later_events_arrive)
{
	struct procevents *p = start(PROCEVENT_FORK | PROCEVENT_EXIT, 4096);
	struct seen s = { .pid = -1 };
	struct pollfd fd = { .fd = procevents_fd(p), .events = POLLIN };
	int r = -ENOBUFS;

	for (int i = 0; i < 100; i++)
		run_child(false, 0);
	cr_assert_eq(poll(&fd, 1, 0), 1);
	cr_assert_eq(read_all(p, &s), -ENOBUFS);
	cr_assert_lt(s.strangers, 200, "some were lost");
	for (int i = 0; i < 100 && r == -ENOBUFS; i++) {
		s = (struct seen){ .pid = run_child(false, 3) };
		r = read_all(p, &s);
	}
	cr_assert_eq(r, 0, "that was told already");
	cr_assert_eq(s.forks, 1);
	cr_assert_eq(s.exits, 1);
	procevents_close(p);
}

/* 256 is what a buffer of the usual size holds. */
Test(procevents, the_default_buffer_holds_many)
{
	struct procevents *p = start(PROCEVENT_FORK | PROCEVENT_EXIT, 0);
	struct seen s = { .pid = -1 };

	for (int i = 0; i < 500; i++)
		run_child(false, 0);
	cr_assert_eq(read_all(p, &s), 0);
	cr_assert_geq(s.strangers, 1000);
	procevents_close(p);
}

/* In other namespaces the kernel refuses, or is silent: both must be noticed, and soon. */
Test(procevents, a_place_without_it_is_recognised)
{
	static const int namespaces[] = { CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWUSER };

	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
		usec_t began = clock_now();
		pid_t pid = fork();
		int status = 0;

		if (pid == 0) {
			struct procevents *p = NULL;

			if (unshare(namespaces[i]) < 0)
				_exit(77);
			/* of a new PID namespace the child is the first member */
			if (fork() != 0) {
				wait(&status);
				_exit(WEXITSTATUS(status));
			}
			_exit(-procevents_open(&p, PROCEVENT_FORK, 0));
		}
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_assert(WIFEXITED(status));
		cr_assert(WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == EOPNOTSUPP ||
				  WEXITSTATUS(status) == EPERM,
			  "%zu: %s", i, strerror(WEXITSTATUS(status)));
		cr_assert_lt(clock_now() - began, 5 * USEC_PER_SEC);
	}
}
