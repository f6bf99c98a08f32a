/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * One thread, one epoll: descriptors, deadlines (one timerfd, exact), signals (one signalfd). Ready
 * sources are taken first and dispatched after, so that a callback may add, change or remove any
 * source, its own included. Idle costs nothing.
 */
#include <signal.h>
#include <stdint.h>
#include <sys/signalfd.h>

#include "util/clock.h"
#include "util/heap.h"
#include "util/list.h"

struct loop;

/* Embedded in its owner; zero-initialised is "not watched". The loop never closes the descriptor. */
struct io_source {
	struct loop *loop; /* NULL = not watched */
	int fd;
	uint32_t ready;	     /* during dispatch: EPOLL* */
	struct list pending; /* in the ready list while linked */
	void (*fn)(struct io_source *s, uint32_t events);
};

/* Embedded in its owner; zero-initialised is "not armed". */
struct timer {
	struct loop *loop; /* NULL = not armed */
	struct heap_node node;
	struct list due; /* in the list of those that are due while linked */
	void (*fn)(struct timer *t, usec_t now);
};

struct loop *loop_new(void) must_check; /* NULL: errno */
void loop_free(struct loop *l);		/* all sources must be gone */

int io_watch(struct loop *l, struct io_source *s, int fd, uint32_t events,
	     void (*fn)(struct io_source *, uint32_t)) must_check;
int io_change(struct io_source *s, uint32_t events) must_check;
void io_unwatch(struct io_source *s); /* idempotent; call before closing the descriptor */

/*
 * (Re)arms to an absolute CLOCK_BOOTTIME time; USEC_INFINITY disarms. Fires once, never early, in
 * the order of time; in a batch after the descriptors, so that what has happened is known before a
 * deadline is held to have passed. 0 or -ENOMEM, which leaves the timer as it was.
 */
int timer_set(struct loop *l, struct timer *t, usec_t at,
	      void (*fn)(struct timer *, usec_t now)) must_check;
void timer_clear(struct timer *t); /* idempotent */

/* Blocks the signals in the process and gives them to fn. Once per loop. */
int loop_signals(struct loop *l, const sigset_t *set,
		 void (*fn)(const struct signalfd_siginfo *si, void *arg), void *arg) must_check;

/* Runs fn once, after the present batch of events was dispatched, before the loop sleeps: for work that many events cause. */
struct deferred {
	struct list link; /* list_init() it first; list_remove() takes it back */
	void (*fn)(struct deferred *d);
};
void loop_defer(struct loop *l, struct deferred *d); /* idempotent until it runs */

/* Until loop_quit(). 0, or -errno of epoll itself. */
int loop_run(struct loop *l) must_check;
/* One batch: waits at most timeout_ms (-1 for ever); for tests. Number of callbacks, or -errno. */
int loop_once(struct loop *l, int timeout_ms) must_check;
void loop_quit(struct loop *l);
usec_t loop_now(const struct loop *l); /* CLOCK_BOOTTIME, read once a batch: cheap, and one event has one time */
