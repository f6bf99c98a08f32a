/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/descent.h"

#include <criterion/criterion.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/cgtest.h"
#include "sys/pidfd.h"
#include "sys/procevents.h"

/* More births than the kernel keeps for us to be told. */
#define STORM 40000

static struct loop *loop;
static struct descent *descent;

/* A lineage, and what was said about it. */
struct family {
	struct lineage lineage;
	size_t looks;
	pid_t looked_at; /* last */
	const char *gap;
	size_t losses;
	pid_t member; /* whom to add after a loss */
};

static void on_look(struct lineage *l, struct descendant *d)
{
	struct family *f = container_of(l, struct family, lineage);

	f->looks++;
	f->looked_at = d->pid;
}

static void on_incomplete(struct lineage *l, const char *why)
{
	container_of(l, struct family, lineage)->gap = why;
}

static void on_lost(struct lineage *l)
{
	struct family *f = container_of(l, struct family, lineage);
	cleanup_close int fd = f->member ? pidfd_open_pid(f->member) : -1;

	f->losses++;
	if (fd >= 0)
		descent_add(descent, l, fd, f->member);
}

static struct family join(void)
{
	return (struct family){
		.lineage = { .look = on_look, .incomplete = on_incomplete, .lost = on_lost }
	};
}

static void setup(void)
{
	struct procevents *p = NULL;
	int r = procevents_open(&p, PROCEVENT_FORK, 0);

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

TestSuite(descent, .init = setup, .fini = teardown, .timeout = 60);

/* A process that forks one child whenever it gets a byte, and tells its number. */
struct parent {
	pid_t pid;
	int ask, answer;
};

static struct parent start_parent(void)
{
	struct parent p;
	int ask[2], answer[2];
	char c;

	cr_assert_eq(pipe(ask) + pipe(answer), 0);
	p.pid = fork();
	if (p.pid == 0) {
		close(ask[1]);
		signal(SIGCHLD, SIG_IGN);
		while (read(ask[0], &c, 1) == 1) {
			pid_t child = fork();

			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (child == 0)
				for (;;)
					pause();
			if (write(answer[1], &child, sizeof(child)) != (ssize_t)sizeof(child))
				_exit(99);
		}
		_exit(0);
	}
	close(ask[0]);
	close(answer[1]);
	p.ask = ask[1];
	p.answer = answer[0];
	return p;
}

static pid_t bear(const struct parent *p)
{
	pid_t child = 0;

	cr_assert_eq(write(p->ask, "", 1), 1);
	cr_assert_eq(read(p->answer, &child, sizeof(child)), sizeof(child));
	return child;
}

static void end_parent(const struct parent *p)
{
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	close(p->ask);
	close(p->answer);
}

static void count(struct lineage *l, struct descendant *d, void *arg)
{
	pid_t *wanted = arg;

	cr_assert_eq(d->of, l);
	if (d->pid == *wanted)
		*wanted = 0;
}

static bool knows(struct family *f, pid_t pid)
{
	descent_catch_up(descent);
	descent_each(descent, &f->lineage, count, &pid);
	return pid == 0;
}

static void add(struct family *f, pid_t pid)
{
	cleanup_close int fd = pidfd_open_pid(pid);

	descent_add(descent, &f->lineage, fd, pid);
}

Test(descent, children_of_the_known_are_known)
{
	struct family f = join(), other = join();
	struct parent p = start_parent(), stranger = start_parent();
	pid_t early, child, foreign;

	cr_assert_eq(descent_join(&descent, loop, &f.lineage), 0);
	cr_assert_eq(descent_join(&descent, loop, &other.lineage), 0);
	early = bear(&p); /* is waiting to be told while its parent becomes known */
	add(&f, p.pid);
	child = bear(&p);
	foreign = bear(&stranger);
	cr_assert(knows(&f, p.pid));
	cr_assert(knows(&f, early));
	cr_assert(knows(&f, child));
	cr_assert_not(knows(&f, foreign));
	cr_assert_not(knows(&other, child));
	cr_assert_eq(f.lineage.n, 3);
	cr_assert_eq(f.looks, 3);
	kill(child, SIGKILL);
	while (kill(child, 0) == 0)
		cgtest_sleep_ms(1);
	cr_assert_eq(descent_prune(descent, &f.lineage), 2);
	cr_assert_not(knows(&f, child));
	cr_assert_null(f.gap);
	kill(early, SIGKILL);
	kill(foreign, SIGKILL);
	end_parent(&p);
	end_parent(&stranger);
	descent_leave(&descent, &f.lineage);
	cr_assert_not_null(descent);
	descent_leave(&descent, &other.lineage);
	cr_assert_null(descent);
}

/* A child with the number of our choice: CAP_CHECKPOINT_RESTORE, clone(2). */
static pid_t start_with_number(pid_t number)
{
	struct clone_args args = { .exit_signal = SIGCHLD,
				   .set_tid = (uintptr_t)&number,
				   .set_tid_size = 1 };
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

/* The birth of a stranger on the number of one that is known is the end of that knowledge. */
Test(descent, a_number_is_forgotten_when_it_is_born_again)
{
	struct family f = join();
	struct parent p = start_parent();
	pid_t child, again;

	cr_assert_eq(descent_join(&descent, loop, &f.lineage), 0);
	add(&f, p.pid);
	child = bear(&p);
	kill(child, SIGKILL);
	while (kill(child, 0) == 0)
		cgtest_sleep_ms(1);
	/* Both births are told in one go, when the number is the stranger's already. */
	again = start_with_number(child);
	cr_assert_not(knows(&f, child));
	cr_assert(knows(&f, p.pid));
	end_parent(&p);
	descent_leave(&descent, &f.lineage);
	if (again != child)
		cr_skip_test("SKIP: clone3(set_tid) is not permitted here");
	kill(again, SIGKILL);
	waitpid(again, NULL, 0);
}

Test(descent, what_has_ended_makes_room)
{
	struct family f = join();
	pid_t us = getpid();

	cr_assert_eq(descent_join(&descent, loop, &f.lineage), 0);
	add(&f, us);
	for (int i = 0; i < LINEAGE_MAX * 3; i++) {
		pid_t pid = vfork();

		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
		if (i % 100 == 0)
			descent_catch_up(descent);
	}
	cr_assert(knows(&f, us));
	cr_assert_null(f.gap, "%s", f.gap);
	cr_assert_lt(f.lineage.n, LINEAGE_MAX);
	descent_leave(&descent, &f.lineage);
}

Test(descent, too_many_are_a_gap)
{
	struct family f = join();

	cr_assert_eq(descent_join(&descent, loop, &f.lineage), 0);
	add(&f, getpid());
	for (int i = 0; i < LINEAGE_MAX + 10; i++) {
		pid_t pid = vfork();

		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	descent_catch_up(descent);
	cr_assert_not_null(f.gap);
	cr_assert_leq(f.lineage.n, LINEAGE_MAX);
	descent_leave(&descent, &f.lineage);
}

Test(descent, a_loss_is_told_and_repaired)
{
	struct family f = join();
	struct parent p = start_parent();
	pid_t before, after;

	cr_assert_eq(descent_join(&descent, loop, &f.lineage), 0);
	add(&f, p.pid);
	before = bear(&p);
	cr_assert(knows(&f, before));
	for (int i = 0; i < STORM; i++) {
		pid_t pid = vfork();

		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	f.member = bear(&p); /* nobody is told */
	descent_catch_up(descent);
	cr_assert_eq(f.losses, 1);
	cr_assert_not_null(f.gap);
	cr_assert(knows(&f, before), "what was sure stays known");
	cr_assert(knows(&f, f.member), "and what is known by other means");
	after = bear(&p);
	cr_assert(knows(&f, after), "and it goes on");
	kill(before, SIGKILL);
	kill(f.member, SIGKILL);
	kill(after, SIGKILL);
	end_parent(&p);
	descent_leave(&descent, &f.lineage);
}
