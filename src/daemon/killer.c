/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/killer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>

#include "daemon/child.h"
#include "sys/pidfd.h"

/* Up to so many the kill takes less of the loop's time than a fork. */
#define MANY_MEMBERS 32

#define HALT_WAIT_MSEC 1000

static void step(struct killer *k, usec_t now);

static void on_events(struct io_source *s, uint32_t events)
{
	struct killer *k = container_of(s, struct killer, events_io);

	(void)events;
	step(k, clock_now());
}

static void on_pidfd(struct io_source *s, uint32_t events)
{
	struct killer *k = container_of(s, struct killer, pidfd_io);

	(void)events;
	step(k, clock_now());
}

static void on_timer(struct timer *t, usec_t now)
{
	step(container_of(t, struct killer, timer), now);
}

/* The engine may exchange the member that it waits for at every step. */
static int watch_pidfd(struct killer *k)
{
	if (k->pidfd_io.loop && k->pidfd_io.fd == k->op.wait_pidfd)
		return 0;
	io_unwatch(&k->pidfd_io);
	if (k->op.wait_pidfd < 0)
		return 0;
	return io_watch(k->loop, &k->pidfd_io, k->op.wait_pidfd, EPOLLIN, on_pidfd);
}

static void unwatch(struct killer *k)
{
	io_unwatch(&k->events_io);
	io_unwatch(&k->pidfd_io);
	timer_clear(&k->timer);
}

static void step(struct killer *k, usec_t now)
{
	enum kill_status status;

	io_unwatch(&k->pidfd_io); /* the step may close it */
	status = kill_step(&k->op, now);
	if (status == KILL_WAITING) {
		/* Without memory for the watch the timer still comes: later, but it comes. */
		(void)!watch_pidfd(k);
		if (timer_set(k->loop, &k->timer, k->op.wake_at, on_timer) == 0)
			return;
		status = KILL_STUCK;
	}
	unwatch(k);
	k->on_end(k, status);
}

static int begin_on_loop(struct killer *k)
{
	int r = kill_begin(&k->op, k->cg, k->member, clock_now(),
			   usec_sub(k->give_up_at, clock_now()), k->avoid);

	if (r == 0)
		r = io_watch(k->loop, &k->events_io, k->op.events_fd, EPOLLPRI | EPOLLERR, on_events);
	if (r == 0)
		r = watch_pidfd(k);
	if (r == 0)
		r = timer_set(k->loop, &k->timer, k->op.wake_at, on_timer);
	return r;
}

/* ---- in a child ---- */

/*
 * What the child says is only a hint: the truth is read here. One that was killed itself may have
 * left the cgroup frozen; the engine then goes on from there.
 */
static void on_child(struct io_source *s, uint32_t events)
{
	struct killer *k = container_of(s, struct killer, child_io);
	siginfo_t si = { 0 };
	int r;

	(void)events;
	if (child_reap(k->child_pidfd, &si) == 0)
		return;
	io_unwatch(&k->child_io);
	k->child_pidfd = close_fd(k->child_pidfd);
	if (si.si_code != CLD_EXITED)
		(void)!cg_freeze(k->cg, false);
	r = begin_on_loop(k);
	if (r == 0) {
		step(k, clock_now());
		return;
	}
	unwatch(k);
	k->on_end(k, r == -ENOENT || r == -ENODEV ? KILL_EMPTY : KILL_STUCK);
}

static int begin_in_child(struct killer *k)
{
	const struct cg cg = *k->cg; /* what that is a part of is in memory that no child gets */
	struct kill_op op;
	pid_t pid = child_fork(cg.fd, &k->child_pidfd);
	int r;

	if (pid < 0)
		return pid;
	if (pid == 0)
		_exit(kill_wait(&cg, -1, usec_sub(k->give_up_at, clock_now()), k->avoid, &op) != 0);
	r = io_watch(k->loop, &k->child_io, k->child_pidfd, EPOLLIN | EPOLLET, on_child);
	if (r < 0)
		child_dismiss(k->loop, TAKE_FD(k->child_pidfd));
	return r;
}

struct killer *killer_new(struct loop *l, const struct cg *cg, size_t members, int member,
			  usec_t give_up_after, unsigned avoid, void *owner,
			  void (*on_end)(struct killer *, enum kill_status))
{
	struct killer *k = calloc(1, sizeof(*k));
	int r = -EAGAIN;

	if (!k)
		return NULL;
	*k = (struct killer){ .cg = cg,
			      .member = member,
			      .avoid = avoid,
			      .give_up_at = usec_add(clock_now(), give_up_after),
			      .loop = l,
			      .child_pidfd = -1,
			      .owner = owner,
			      .on_end = on_end };
	if (members > MANY_MEMBERS)
		r = begin_in_child(k);
	if (r < 0)
		r = begin_on_loop(k);
	k->member = -1; /* the caller's again */
	if (r < 0) {
		killer_free(k);
		errno = -r;
		return NULL;
	}
	return k;
}

void killer_halt(struct killer *k)
{
	struct pollfd p = { .fd = k ? k->child_pidfd : -1, .events = POLLIN };

	if (p.fd < 0)
		return;
	(void)!pidfd_signal(p.fd, SIGKILL);
	(void)poll(&p, 1, HALT_WAIT_MSEC); /* it may be in a long write to cgroup.kill */
}

void killer_free(struct killer *k)
{
	if (!k)
		return;
	unwatch(k);
	io_unwatch(&k->child_io);
	child_dismiss(k->loop, k->child_pidfd);
	kill_end(&k->op);
	free(k);
}
