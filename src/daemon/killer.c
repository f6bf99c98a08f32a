/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/killer.h"

#include <errno.h>
#include <sys/epoll.h>

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


struct killer *killer_new(struct loop *l, const struct cg *cg, usec_t give_up_after, unsigned avoid, void *owner,
			  void (*on_end)(struct killer *, enum kill_status))
{
	struct killer *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return NULL;
	k->loop = l;
	k->owner = owner;
	k->on_end = on_end;
	r = kill_begin(&k->op, cg, clock_now(), give_up_after, avoid);
	if (r == 0)
		r = io_watch(l, &k->events_io, k->op.events_fd, EPOLLPRI | EPOLLERR, on_events);
	if (r == 0)
		r = watch_pidfd(k);
	if (r == 0)
		r = timer_set(l, &k->timer, k->op.wake_at, on_timer);
	if (r < 0) {
		killer_free(k);
		errno = -r;
		return NULL;
	}
	return k;
}

void killer_free(struct killer *k)
{
	if (!k)
		return;
	unwatch(k);
	kill_end(&k->op);
	free(k);
}
