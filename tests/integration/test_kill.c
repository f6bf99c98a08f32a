/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/kill.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

#include "lib/cgtest.h"
#include "lib/unkillable.h"

/* Long enough for any machine, and a bound for a test that would hang. */
#define GIVE_UP (10 * USEC_PER_SEC)

static struct cgtest t;
static struct cg a = CG_INIT, below = CG_INIT;
static struct unkillable blocker;

static void create(void)
{
	cr_assert_eq(cg_create(&a, &t.root, "a"), 0);
	cr_assert_eq(cg_create(&below, &a, "below"), 0);
}

static void setup(void)
{
	int r = cgtest_begin(&t);

	if (r < 0)
		cr_skip_test("SKIP: no cgroup of our own can be made: %s", strerror(-r));
	create();
}

static void forget(void)
{
	cg_close(&below);
	cg_close(&a);
}

static void teardown(void)
{
	unkillable_release(&blocker);
	forget();
	cgtest_end(&t);
}

TestSuite(kill, .init = setup, .fini = teardown, .timeout = 120);

/* With and without what newer kernels have. */
static const unsigned avoids[] = {
	0,
	KILL_AVOID_GET_INFO,
	KILL_AVOID_CGROUP_KILL,
	KILL_AVOID_CGROUP_KILL | KILL_AVOID_GET_INFO,
};

/* Children that are ours; orphans are PID 1's to reap. */
static void reap_all(void)
{
	while (waitpid(-1, NULL, 0) > 0)
		;
}

/* What holds after every kill, and a fresh pair of cgroups for the next one: a killed one is poisoned for clone3. */
static void expect_empty_and_renew(int frozen_before)
{
	cr_assert_eq(cg_populated(&a), 0);
	cr_assert_eq(cg_count(&a), 0);
	cr_assert_eq(cg_freeze_asked(&a), frozen_before);
	cr_assert_eq(cg_freeze_asked(&below), 0);
	cr_assert_eq(cg_remove(&t.root, "a"), 0);
	forget();
	create();
}

static void kill_a(unsigned avoid, struct kill_op *op)
{
	cr_assert_eq(kill_wait(&a, -1, GIVE_UP, avoid, op), 0, "avoid %u: %zu are left", avoid,
		     (size_t)cg_count(&a));
	cr_assert_eq(op->error, 0, "%s", strerror(-op->error));
}

Test(kill, ends_every_kind_of_member_in_nested_cgroups)
{
	for (size_t i = 0; i < ARRAY_SIZE(avoids); i++) {
		for (enum member kind = 0; kind < MEMBER_KINDS; kind++) {
			struct kill_op op;

			if (kind == MEMBER_FORK_CHAIN)
				continue;
			cgtest_start(&a, kind);
			cgtest_start(&below, kind);
			kill_a(avoids[i], &op);
			reap_all();
			expect_empty_and_renew(0);
		}
	}
}

/* Where the machine is busy one that dies of the first round may still be there at the second: not every time. */
Test(kill, needs_the_sweep_for_a_dead_leader_and_for_nobody_else)
{
	unsigned tries = 0;
	struct kill_op op;

	do {
		cr_assert_lt(tries++, 50, "%u rounds, %zu swept, each time", op.round, op.swept);
		cgtest_start(&a, MEMBER_TERM_IGNORER);
		kill_a(0, &op);
		reap_all();
		expect_empty_and_renew(0);
	} while (op.round != 1 || op.swept != 0);
	cgtest_start(&below, MEMBER_DEAD_LEADER);
	kill_a(0, &op);
	cr_assert(op.round >= 2 && op.swept >= 1, "%u rounds, %zu swept", op.round, op.swept);
}

Test(kill, leaves_a_frozen_cgroup_frozen_and_empty)
{
	for (size_t i = 0; i < ARRAY_SIZE(avoids); i++) {
		struct kill_op op;

		cgtest_start(&a, MEMBER_SLEEPER);
		cgtest_start(&below, MEMBER_TERM_IGNORER);
		cgtest_start(&below, MEMBER_DEAD_LEADER);
		cr_assert_eq(cg_freeze(&a, true), 0);
		kill_a(avoids[i], &op);
		reap_all();
		expect_empty_and_renew(1);
	}
}

static void have_children(int ready_fd, void *arg)
{
	for (int i = 0; i < *(int *)arg; i++)
		if (fork() == 0)
			for (;;)
				pause();
	cgtest_ready_and_sleep(ready_fd);
}

Test(kill, ends_a_thousand_children)
{
	int children = 1000;

	cgtest_autoreap();
	for (size_t i = 0; i < ARRAY_SIZE(avoids); i++) {
		struct kill_op op;

		cgtest_start_fn(&a, have_children, &children);
		cr_assert_eq(cg_count(&a), children + 1);
		kill_a(avoids[i], &op);
		expect_empty_and_renew(0);
	}
}

/* One write loses against chains now and then, and always against the dead leader. */
Test(kill, ends_two_fork_chains_and_a_dead_leader_every_time)
{
	cgtest_autoreap();
	for (int i = 0; i < 200; i++) {
		struct kill_op op;

		cgtest_start(&below, MEMBER_FORK_CHAIN);
		cgtest_start(&a, MEMBER_FORK_CHAIN);
		cgtest_start(&below, MEMBER_DEAD_LEADER);
		kill_a(avoids[i % 4], &op);
		expect_empty_and_renew(0);
	}
}

static enum kill_status step_until_not_waiting(struct kill_op *op)
{
	enum kill_status status;

	while ((status = kill_step(op, clock_now())) == KILL_WAITING) {
		struct pollfd fds[] = {
			{ .fd = op->events_fd, .events = POLLPRI },
			{ .fd = op->wait_pidfd, .events = POLLIN },
		};

		poll(fds, ARRAY_SIZE(fds),
		     (int)(usec_sub(op->wake_at, clock_now()) / USEC_PER_MSEC) + 1);
	}
	return status;
}

/* A member that the first write misses holds the cgroup populated, while another process comes in. */
Test(kill, ends_who_is_moved_in_after_the_write)
{
	pid_t late = cgtest_start(&t.root, MEMBER_SLEEPER);
	cleanup_close int fd = pidfd_open_pid(late);
	struct kill_op op;

	cgtest_start(&a, MEMBER_DEAD_LEADER);
	cr_assert_eq(kill_begin(&op, &a, -1, clock_now(), GIVE_UP, 0), 0);
	cr_assert_eq(op.round, 1);
	cr_assert_eq(cg_attach(&below, late), 0);
	cr_assert_not(cgtest_ended(fd, 0));
	cr_assert_eq(step_until_not_waiting(&op), KILL_EMPTY);
	cr_assert(cgtest_ended(fd, 0));
	kill_end(&op);
	cr_assert_eq(op.error, 0);
}

Test(kill, of_a_threaded_cgroup_is_refused_and_of_its_domain_complete)
{
	cr_assert_eq(cgtest_write(&below, "cgroup.type", "threaded"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(avoids); i++) {
		struct cg domain = a, threads = below;
		pid_t pid = cgtest_start_threaded(&domain, &threads, i % 2);
		struct kill_op op;

		cr_assert_eq(kill_wait(&below, -1, GIVE_UP, avoids[i], &op), -EOPNOTSUPP);
		cr_assert_eq(kill(pid, 0), 0, "nothing was killed");
		cr_assert_eq(cg_freeze_asked(&below), 0);
		kill_a(avoids[i], &op);
		reap_all();
		expect_empty_and_renew(0);
		cr_assert_eq(cgtest_write(&below, "cgroup.type", "threaded"), 0);
	}
}

static void create_file(int ready_fd, void *arg)
{
	if (write(ready_fd, "r", 1) != 1)
		_exit(99);
	open(arg, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

/* A member that no SIGKILL ends before the blocker is released. */
static void start_unkillable(enum unkillable_kind kind)
{
	pid_t pid = kind == UNKILLABLE_PTRACE ? cgtest_start(&a, MEMBER_SLEEPER) : 0;
	int r = unkillable_start(&blocker, kind, pid);

	if (r < 0)
		cr_skip_test("SKIP: it cannot be set up here: %s", strerror(-r));
	if (kind != UNKILLABLE_PTRACE) {
		pid = cgtest_start_fn(&a, create_file, blocker.path);
		cr_assert(cgtest_in_state(pid, "SD", 5000));
		cgtest_sleep_ms(20); /* the FUSE request has to be read by its server */
	}
}

/*
 * Told in time, never left frozen, also when it is ended in the middle of the freeze; and resolved
 * when it is let go, the same operation being stepped on.
 */
static void expect_stuck_then_empty(enum unkillable_kind kind, unsigned avoid)
{
	usec_t begin, took;
	struct kill_op op;

	start_unkillable(kind);
	cgtest_start(&a, MEMBER_TERM_IGNORER);
	begin = clock_now();
	cr_assert_eq(kill_begin(&op, &a, -1, begin, 150 * USEC_PER_MSEC, avoid), 0);
	cr_assert_eq(step_until_not_waiting(&op), KILL_STUCK);
	took = clock_now() - begin;
	cr_assert(took >= 150 * USEC_PER_MSEC && took < 400 * USEC_PER_MSEC, "%u µs", (unsigned)took);
	cr_assert_eq(cg_count(&a), 1, "all but the stuck one are gone");
	for (int steps = 0; steps < 1000 && !op.frozen_by_us; steps++) {
		cgtest_sleep_ms(1);
		cr_assert_eq(kill_step(&op, clock_now()), KILL_STUCK);
	}
	kill_end(&op);
	cr_assert_eq(cg_freeze_asked(&a), 0, "ended in a freeze");

	cr_assert_eq(kill_begin(&op, &a, -1, clock_now(), 20 * USEC_PER_MSEC, avoid), 0);
	cr_assert_eq(step_until_not_waiting(&op), KILL_STUCK);
	unkillable_release(&blocker);
	op.give_up_at = clock_now() + GIVE_UP; /* only so that the helper waits on */
	cr_assert_eq(step_until_not_waiting(&op), KILL_EMPTY);
	kill_end(&op);
	reap_all();
	expect_empty_and_renew(0);
}

Test(kill, tells_of_a_process_behind_a_frozen_file_system)
{
	for (size_t i = 0; i < ARRAY_SIZE(avoids); i += 2)
		expect_stuck_then_empty(UNKILLABLE_FREEZE, avoids[i]);
}

Test(kill, tells_of_a_process_behind_a_silent_fuse_server)
{
	for (size_t i = 0; i < ARRAY_SIZE(avoids); i += 2)
		expect_stuck_then_empty(UNKILLABLE_FUSE, avoids[i]);
}

Test(kill, tells_of_a_process_held_by_its_tracer)
{
	for (size_t i = 0; i < ARRAY_SIZE(avoids); i++)
		expect_stuck_then_empty(UNKILLABLE_PTRACE, avoids[i]);
}

/* The first blow has fallen on what it is in: the next one is its own, and comes in its time; here nothing has struck. */
Test(kill, goes_on_from_a_blow_to_its_parent)
{
	struct kill_op op;

	cgtest_start(&a, MEMBER_TERM_IGNORER);
	cr_assert_eq(kill_begin(&op, &a, -1, clock_now(), GIVE_UP, KILL_STRUCK), 0);
	cr_assert_eq(op.round, 1);
	cgtest_sleep_ms(1);
	cr_assert_eq(cg_populated(&a), 1, "nothing was written yet");
	cr_assert_eq(step_until_not_waiting(&op), KILL_EMPTY);
	kill_end(&op);
	reap_all();
	expect_empty_and_renew(0);

	cgtest_start(&a, MEMBER_TERM_IGNORER);
	cr_assert_eq(cg_kill_write(&a), 0);
	cr_assert_eq(kill_begin(&op, &a, -1, clock_now(), GIVE_UP, KILL_STRUCK), 0);
	cr_assert_eq(step_until_not_waiting(&op), KILL_EMPTY);
	kill_end(&op);
	reap_all();
	expect_empty_and_renew(0);
}

Test(kill, of_an_empty_cgroup_does_not_poison_it)
{
	struct kill_op op;
	pid_t pid;

	cr_assert_eq(kill_wait(&a, -1, GIVE_UP, 0, &op), 0);
	cr_assert_eq(op.round, 0);
	pid = cgtest_start(&a, MEMBER_SLEEPER);
	cr_assert(cgtest_in_state(pid, "S", 100));
}

Test(kill, of_a_removed_cgroup_is_done)
{
	struct kill_op op;

	cr_assert_eq(cg_remove(&t.root, "a"), 0);
	cr_assert_eq(kill_wait(&a, -1, GIVE_UP, 0, &op), 0);
	cr_assert_eq(kill_begin(&op, &a, -1, clock_now(), GIVE_UP, 0), -ENOENT);
	kill_end(&op);
}

Test(kill, of_a_cgroup_that_is_removed_meanwhile_is_done)
{
	struct kill_op op;

	cgtest_start(&a, MEMBER_SLEEPER);
	cr_assert_eq(kill_begin(&op, &a, -1, clock_now(), GIVE_UP, 0), 0);
	reap_all();
	while (cg_remove(&t.root, "a") == -EBUSY)
		cgtest_sleep_ms(1);
	cr_assert_eq(kill_step(&op, clock_now()), KILL_EMPTY);
	kill_end(&op);
}

Test(kill, ending_twice_or_before_the_beginning_closes_nothing_else)
{
	struct kill_op op = { 0 };

	kill_end(&op);
	cr_assert_neq(fcntl(0, F_GETFD), -1, "a zeroed operation owns no descriptor 0");
	cgtest_start(&a, MEMBER_SLEEPER);
	cr_assert_eq(kill_begin(&op, &a, -1, clock_now(), GIVE_UP, 0), 0);
	kill_end(&op);
	kill_end(&op);
	cr_assert_eq(op.events_fd, -1);
	cr_assert_eq(op.wait_pidfd, -1);
}

static int by_value(const void *x, const void *y)
{
	usec_t p = *(const usec_t *)x, q = *(const usec_t *)y;

	return (p > q) - (p < q);
}

/* The start of a member has just used up the kernel's one notification in 10 ms: who waits for the next is told too late. */
Test(kill, sees_the_end_at_once_right_after_a_start)
{
	usec_t took[51];

	for (size_t i = 0; i < ARRAY_SIZE(took); i++) {
		struct kill_op op;

		cgtest_start(i % 2 ? &a : &below, MEMBER_SLEEPER);
		took[i] = clock_now();
		kill_a(0, &op);
		took[i] = clock_now() - took[i];
		reap_all();
		expect_empty_and_renew(0);
	}
	qsort(took, ARRAY_SIZE(took), sizeof(took[0]), by_value);
	cr_assert_lt(took[ARRAY_SIZE(took) / 2], cgtest_slowness() * 3 * USEC_PER_MSEC,
		     "median %u µs", (unsigned)took[ARRAY_SIZE(took) / 2]);
}
