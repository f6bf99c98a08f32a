/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "daemon/loop.h"
#include "util/macro.h"

TestSuite(loop, .timeout = 30);

/* A descriptor that is ready from the start, and what its callback saw and is to do. */
struct probe {
	struct io_source io;
	struct timer timer;
	struct deferred deferred;
	int fd;
	int runs;
	uint32_t events;
	usec_t at, seen, seen_real;
	void (*then)(struct probe *p);
	struct probe *other;
};

static struct loop *loop;
static struct probe probes[1000];
static int order[ARRAY_SIZE(probes)];
static size_t n_order;

static void note(struct probe *p)
{
	p->runs++;
	if (n_order < ARRAY_SIZE(order))
		order[n_order++] = (int)(p - probes);
	if (p->then)
		p->then(p);
}

static void on_io(struct io_source *s, uint32_t events)
{
	struct probe *p = container_of(s, struct probe, io);

	p->events = events;
	note(p);
}

static void on_timer(struct timer *t, usec_t now)
{
	struct probe *p = container_of(t, struct probe, timer);

	p->seen = now;
	p->seen_real = clock_now();
	note(p);
}

static void on_deferred(struct deferred *d)
{
	note(container_of(d, struct probe, deferred));
}

static void setup(void)
{
	loop = loop_new();
	cr_assert_not_null(loop);
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		probes[i].fd = -1;
		probes[i].deferred.fn = on_deferred;
		list_init(&probes[i].deferred.link);
	}
}

static void teardown(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		io_unwatch(&probes[i].io);
		timer_clear(&probes[i].timer);
		close_fd(probes[i].fd);
	}
	loop_free(loop);
}

static void watch_ready(struct probe *p, void (*then)(struct probe *))
{
	p->fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
	p->then = then;
	cr_assert_geq(p->fd, 0);
	cr_assert_eq(io_watch(loop, &p->io, p->fd, EPOLLIN, on_io), 0);
}

static void set_timer(struct probe *p, usec_t at)
{
	p->at = at;
	cr_assert_eq(timer_set(loop, &p->timer, at, on_timer), 0);
}

Test(loop, watches_and_forgets, .init = setup, .fini = teardown)
{
	watch_ready(&probes[0], NULL);
	cr_assert_eq(loop_once(loop, 0), 1);
	cr_assert_eq(probes[0].events, (uint32_t)EPOLLIN);
	cr_assert_eq(loop_once(loop, 0), 1, "level-triggered: still ready");
	cr_assert_eq(io_change(&probes[0].io, EPOLLOUT), 0);
	cr_assert_eq(loop_once(loop, 0), 1);
	cr_assert_eq(probes[0].events, (uint32_t)EPOLLOUT);
	cr_assert_eq(io_change(&probes[0].io, 0), 0);
	cr_assert_eq(loop_once(loop, 0), 0);
	io_unwatch(&probes[0].io);
	io_unwatch(&probes[0].io);
	cr_assert_null(probes[0].io.loop);
	cr_assert_eq(io_watch(loop, &probes[0].io, -1, EPOLLIN, on_io), -EBADF);
	cr_assert_null(probes[0].io.loop);
	cr_assert_eq(loop_once(loop, 0), 0);
}

static void remove_other(struct probe *p)
{
	io_unwatch(&p->other->io);
	memset(&p->other->io, 0xaa, sizeof(p->other->io)); /* as if its owner were freed */
	p->other->io.loop = NULL;
}

/* Both are ready in one batch, and whichever is first removes the other. */
Test(loop, removal_of_another_ready_source, .init = setup, .fini = teardown)
{
	watch_ready(&probes[0], remove_other);
	watch_ready(&probes[1], remove_other);
	probes[0].other = &probes[1];
	probes[1].other = &probes[0];
	cr_assert_eq(loop_once(loop, 0), 1);
	cr_assert_eq(probes[0].runs + probes[1].runs, 1);
}

static void remove_self(struct probe *p)
{
	io_unwatch(&p->io);
	memset(&p->io, 0xaa, sizeof(p->io));
	p->io.loop = NULL;
}

Test(loop, removal_of_itself, .init = setup, .fini = teardown)
{
	watch_ready(&probes[0], remove_self);
	watch_ready(&probes[1], NULL);
	cr_assert_eq(loop_once(loop, 0), 2);
	cr_assert_eq(loop_once(loop, 0), 1);
	cr_assert_eq(probes[0].runs, 1);
	cr_assert_eq(probes[1].runs, 2);
}

static void mute_other(struct probe *p)
{
	cr_assert_eq(io_change(&p->other->io, 0), 0);
}

Test(loop, change_drops_what_was_ready, .init = setup, .fini = teardown)
{
	watch_ready(&probes[0], mute_other);
	watch_ready(&probes[1], mute_other);
	probes[0].other = &probes[1];
	probes[1].other = &probes[0];
	cr_assert_eq(loop_once(loop, 0), 1);
}

static void replace_other(struct probe *p)
{
	io_unwatch(&p->other->io);
	close(p->other->fd);
	p->other->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); /* the same number, not ready */
	cr_assert_eq(io_watch(loop, &p->other->io, p->other->fd, EPOLLIN, on_io), 0);
}

Test(loop, event_of_a_closed_descriptor_does_not_reach_its_successor, .init = setup, .fini = teardown)
{
	watch_ready(&probes[0], replace_other);
	watch_ready(&probes[1], replace_other);
	probes[0].other = &probes[1];
	probes[1].other = &probes[0];
	cr_assert_eq(loop_once(loop, 0), 1);
}

Test(loop, all_of_many_are_served, .init = setup, .fini = teardown)
{
	for (size_t i = 0; i < 300; i++)
		watch_ready(&probes[i], remove_self);
	for (int i = 0; i < 10; i++)
		cr_assert_geq(loop_once(loop, 0), 0);
	for (size_t i = 0; i < 300; i++)
		cr_assert_eq(probes[i].runs, 1);
}

Test(loop, priority_events, .init = setup, .fini = teardown)
{
	struct probe *p = &probes[0];
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	p->fd = pair[0];
	cr_assert_eq(io_watch(loop, &p->io, p->fd, EPOLLPRI, on_io), 0);
	cr_assert_eq(send(pair[1], "x", 1, 0), 1);
	cr_assert_eq(loop_once(loop, 0), 0, "ordinary data is no priority event");
	if (send(pair[1], "!", 1, MSG_OOB) < 0) {
		close(pair[1]);
		cr_skip_test("SKIP: the kernel has no MSG_OOB for Unix sockets");
	}
	cr_assert_eq(loop_once(loop, 1000), 1);
	cr_assert(p->events & EPOLLPRI);
	close(pair[1]);
}

/* By the timers alone: a wait that has to run to its end is too late. */
static void run_until(const int *counter, int want)
{
	const usec_t end = clock_now() + 5 * USEC_PER_SEC;

	while (*counter < want && clock_now() < end)
		cr_assert_geq(loop_once(loop, 10000), 0);
	cr_assert_lt(clock_now(), end);
	cr_assert_eq(*counter, want);
}

Test(loop, timers_fire_in_order_and_never_early, .init = setup, .fini = teardown)
{
	const usec_t start = clock_now();
	unsigned seed = 7;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		set_timer(&probes[i], start + (usec_t)(rand_r(&seed) % 100000));
	while (n_order < ARRAY_SIZE(probes) && clock_now() < start + 5 * USEC_PER_SEC)
		cr_assert_geq(loop_once(loop, 1000), 0);
	cr_assert_eq(n_order, ARRAY_SIZE(probes));
	for (i = 0; i < n_order; i++) {
		struct probe *p = &probes[order[i]];

		cr_assert_eq(p->runs, 1);
		cr_assert_geq(p->seen, p->at);
		cr_assert_geq(p->seen_real, p->at);
		cr_assert_null(p->timer.loop);
		cr_assert(i == 0 || probes[order[i - 1]].at <= p->at);
	}
	cr_assert_eq(loop_once(loop, 0), 0);
}

static int wakeups(int ms)
{
	const usec_t end = clock_now() + (usec_t)ms * USEC_PER_MSEC;
	int n = 0;

	for (; clock_now() < end; n++)
		cr_assert_geq(loop_once(loop, ms), 0);
	return n;
}

Test(loop, no_wakeups_when_idle, .init = setup, .fini = teardown)
{
	cr_assert_eq(wakeups(100), 1);
	set_timer(&probes[0], clock_now() + 20 * USEC_PER_MSEC);
	set_timer(&probes[1], clock_now() + USEC_PER_SEC * 3600);
	timer_clear(&probes[0].timer);
	cr_assert_eq(wakeups(100), 1, "a cleared timer wakes nobody");
	set_timer(&probes[0], clock_now());
	cr_assert_eq(loop_once(loop, 1000), 1);
	cr_assert_eq(wakeups(100), 1, "nor does one that has fired");
	timer_clear(&probes[1].timer);
	cr_assert_eq(wakeups(100), 1);
}

/* An event keeps the loop busy past the deadline: the timer is run by that batch, its descriptor is left over. */
static void be_slow(struct probe *p)
{
	usleep(3000);
	remove_self(p);
}

Test(loop, the_same_time_twice, .init = setup, .fini = teardown)
{
	const usec_t at = clock_now() + 1000;

	watch_ready(&probes[0], be_slow);
	set_timer(&probes[1], at);
	run_until(&probes[1].runs, 1);
	set_timer(&probes[1], at);
	run_until(&probes[1].runs, 2);
	set_timer(&probes[1], 0);
	run_until(&probes[1].runs, 3);
	cr_assert_eq(wakeups(50), 1);
}

Test(loop, timers_move_and_stop, .init = setup, .fini = teardown)
{
	struct probe *p = &probes[0];
	usec_t start = clock_now();

	set_timer(p, start + 3600 * USEC_PER_SEC);
	set_timer(p, start + 20 * USEC_PER_MSEC);
	run_until(&p->runs, 1);
	cr_assert_geq(p->seen, start + 20 * USEC_PER_MSEC);
	set_timer(p, clock_now() + 5 * USEC_PER_MSEC);
	set_timer(p, clock_now() + 50 * USEC_PER_MSEC);
	start = clock_now();
	run_until(&p->runs, 2);
	cr_assert_geq(clock_now() - start, 49 * USEC_PER_MSEC);
	set_timer(p, clock_now() + 1000);
	set_timer(p, USEC_INFINITY);
	cr_assert_null(p->timer.loop);
	timer_clear(&p->timer);
	cr_assert_eq(loop_once(loop, 20), 0);
	set_timer(p, USEC_INFINITY - 1);
	cr_assert_eq(loop_once(loop, 20), 0, "far away, and no overflow on the way");
	cr_assert_eq(p->runs, 2);
}

static void rearm_now(struct probe *p)
{
	set_timer(p, 1);
}

/* A timer that sets itself to the past must not keep the batch from ending. */
Test(loop, rearming_to_the_past_waits_for_the_next_batch, .init = setup, .fini = teardown)
{
	probes[0].then = rearm_now;
	set_timer(&probes[0], 1);
	watch_ready(&probes[1], NULL);
	for (int i = 1; i <= 3; i++) {
		cr_assert_eq(loop_once(loop, 1000), 2);
		cr_assert_eq(probes[0].runs, i);
		cr_assert_eq(probes[1].runs, i);
	}
}

static void clear_other(struct probe *p)
{
	timer_clear(&p->other->timer);
	memset(&p->other->timer, 0xaa, sizeof(p->other->timer));
	p->other->timer.loop = NULL;
}

static void postpone_other(struct probe *p)
{
	p->then = NULL;
	set_timer(p->other, clock_now() + 30 * USEC_PER_MSEC);
}

Test(loop, timer_callback_changes_a_timer_that_is_due, .init = setup, .fini = teardown)
{
	probes[0].then = clear_other;
	probes[0].other = &probes[1];
	set_timer(&probes[0], 1);
	set_timer(&probes[1], 2);
	cr_assert_eq(loop_once(loop, 1000), 1);
	cr_assert_eq(probes[1].runs, 0);
	memset(&probes[1].timer, 0, sizeof(probes[1].timer));

	probes[0].then = postpone_other;
	set_timer(&probes[0], 1);
	set_timer(&probes[1], 2);
	cr_assert_eq(loop_once(loop, 1000), 1);
	run_until(&probes[1].runs, 1);
	cr_assert_geq(probes[1].seen, probes[1].at);
}

static void clear_timer_of_other(struct probe *p)
{
	timer_clear(&p->other->timer);
}

/* What has happened is told before a deadline is held to have passed. */
Test(loop, descriptors_before_timers_before_deferred, .init = setup, .fini = teardown)
{
	loop_defer(loop, &probes[2].deferred);
	set_timer(&probes[1], 1);
	watch_ready(&probes[0], NULL);
	cr_assert_eq(loop_once(loop, 1000), 3);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(order[i], i);
	set_timer(&probes[1], 1);
	probes[0].then = clear_timer_of_other;
	probes[0].other = &probes[1];
	cr_assert_eq(loop_once(loop, 1000), 1);
	cr_assert_eq(probes[1].runs, 1);
}

static void defer_twice(struct probe *p)
{
	loop_defer(loop, &p->other->deferred);
	loop_defer(loop, &p->other->deferred);
}

static void defer_self(struct probe *p)
{
	if (p->runs < 3)
		loop_defer(loop, &p->deferred);
}

Test(loop, deferred_runs_once_and_before_the_sleep, .init = setup, .fini = teardown)
{
	usec_t start;

	watch_ready(&probes[0], defer_twice);
	watch_ready(&probes[1], defer_twice);
	probes[0].other = probes[1].other = &probes[2];
	cr_assert_eq(loop_once(loop, 1000), 3);
	cr_assert_eq(probes[2].runs, 1);
	io_unwatch(&probes[0].io);
	io_unwatch(&probes[1].io);
	cr_assert_eq(loop_once(loop, 0), 0);

	loop_defer(loop, &probes[2].deferred);
	list_remove(&probes[2].deferred.link);
	cr_assert_eq(loop_once(loop, 0), 0, "taken back");

	for (int i = 0; i < 4; i++)
		loop_defer(loop, &probes[4 + i % 2].deferred);
	cr_assert_eq(loop_once(loop, 0), 2);
	cr_assert_eq(probes[4].runs, 1);
	cr_assert_eq(probes[5].runs, 1);

	start = clock_now();
	probes[3].then = defer_self;
	loop_defer(loop, &probes[3].deferred);
	for (int i = 1; i <= 3; i++) {
		cr_assert_eq(loop_once(loop, 2000), 1);
		cr_assert_eq(probes[3].runs, i);
	}
	cr_assert_lt(clock_now() - start, USEC_PER_SEC, "the loop slept on it");
	cr_assert_eq(loop_once(loop, 0), 0);
}

static int signals[65];

static void on_signal(const struct signalfd_siginfo *si, void *arg)
{
	cr_assert_eq(arg, (void *)signals);
	signals[si->ssi_signo]++;
	if (si->ssi_signo == SIGTERM)
		loop_quit(loop);
}

Test(loop, signals, .init = setup, .fini = teardown)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	for (int s = SIGRTMIN; s < SIGRTMIN + 12; s++)
		sigaddset(&set, s);
	cr_assert_eq(loop_signals(loop, &set, on_signal, signals), 0);
	cr_assert_eq(loop_once(loop, 0), 0);
	raise(SIGUSR1);
	for (int s = SIGRTMIN; s < SIGRTMIN + 12; s++)
		raise(s);
	while (loop_once(loop, 0) > 0)
		;
	cr_assert_eq(signals[SIGUSR1], 1);
	for (int s = SIGRTMIN; s < SIGRTMIN + 12; s++)
		cr_assert_eq(signals[s], 1);
	raise(SIGTERM);
	cr_assert_eq(loop_run(loop), 0);
	cr_assert_eq(signals[SIGTERM], 1);
}

Test(loop, time_is_read_once_a_batch, .init = setup, .fini = teardown)
{
	usec_t before;

	set_timer(&probes[0], clock_now() + 2000);
	run_until(&probes[0].runs, 1);
	before = loop_now(loop);
	cr_assert_eq(before, probes[0].seen);
	usleep(1000);
	cr_assert_eq(loop_now(loop), before);
	cr_assert_eq(loop_once(loop, 0), 0);
	cr_assert_geq(loop_now(loop), before + 1000);
}

Test(loop, descriptors_are_closed)
{
	int before = dup(0), after;

	close(before);
	for (int i = 0; i < 10; i++) {
		loop = loop_new();
		cr_assert_not_null(loop);
		loop_free(loop);
	}
	loop_free(NULL);
	after = dup(0);
	cr_assert_eq(before, after);
	close(after);
}
