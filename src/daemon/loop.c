/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "daemon/recorder.h"
#include "util/log.h"
#include "util/macro.h"

enum { BATCH_MAX = 64, SIGNALS_MAX = 8 };

struct loop {
	int epoll_fd;
	struct io_source clock, signals;
	void (*on_signal)(const struct signalfd_siginfo *si, void *arg);
	void *on_signal_arg;
	struct heap timers;
	struct list ready, due, deferred;
	usec_t now;
	usec_t armed; /* what the timerfd is set to; nobody reads it, so it stays ready till set again */
	bool quit;
};

/* It woke epoll_wait(), which is all: run_timers() asks the heap, arm_clock() resets the timerfd. */
static void on_clock(struct io_source *s unused, uint32_t events unused)
{
}

struct loop *loop_new(void)
{
	struct loop *l = calloc(1, sizeof(*l));
	int fd;

	if (!l)
		return NULL;
	l->signals.fd = l->clock.fd = -1;
	list_init(&l->ready);
	list_init(&l->due);
	list_init(&l->deferred);
	l->now = clock_now();
	l->armed = USEC_INFINITY;
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd < 0)
		goto fail;
	fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (fd < 0)
		goto fail;
	if (io_watch(l, &l->clock, fd, EPOLLIN, on_clock) < 0) {
		close_fd(fd);
		goto fail;
	}
	return l;
fail:
	loop_free(l);
	return NULL;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	io_unwatch(&l->signals);
	io_unwatch(&l->clock);
	close_fd(l->signals.fd);
	close_fd(l->clock.fd);
	close_fd(l->epoll_fd);
	heap_deinit(&l->timers);
	free(l);
}

int io_watch(struct loop *l, struct io_source *s, int fd, uint32_t events,
	     void (*fn)(struct io_source *, uint32_t))
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		return -errno;
	s->loop = l;
	s->fd = fd;
	s->fn = fn;
	s->ready = 0;
	list_init(&s->pending);
	return 0;
}

int io_change(struct io_source *s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	if (epoll_ctl(s->loop->epoll_fd, EPOLL_CTL_MOD, s->fd, &ev) < 0)
		return -errno;
	/* What was taken in this batch and is wanted no longer; epoll reports ERR and HUP unasked. */
	s->ready &= events | EPOLLERR | EPOLLHUP;
	if (s->ready == 0)
		list_remove(&s->pending);
	return 0;
}

void io_unwatch(struct io_source *s)
{
	if (!s->loop)
		return;
	epoll_ctl(s->loop->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	list_remove(&s->pending);
	s->loop = NULL;
}

int timer_set(struct loop *l, struct timer *t, usec_t at, void (*fn)(struct timer *, usec_t now))
{
	int r;

	if (at == USEC_INFINITY) {
		timer_clear(t);
		return 0;
	}
	r = heap_set(&l->timers, &t->node, at);
	if (r < 0)
		return r;
	if (t->loop)
		list_remove(&t->due);
	else
		list_init(&t->due);
	t->loop = l;
	t->fn = fn;
	return 0;
}

void timer_clear(struct timer *t)
{
	if (!t->loop)
		return;
	heap_remove(&t->loop->timers, &t->node);
	list_remove(&t->due);
	t->loop = NULL;
}

static void on_signals(struct io_source *s, uint32_t events unused)
{
	struct loop *l = s->loop;
	struct signalfd_siginfo si[SIGNALS_MAX];
	ssize_t n = read(s->fd, si, sizeof(si)); /* what does not fit keeps the descriptor ready */

	for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(si[0]); i++)
		l->on_signal(&si[i], l->on_signal_arg);
}

int loop_signals(struct loop *l, const sigset_t *set,
		 void (*fn)(const struct signalfd_siginfo *si, void *arg), void *arg)
{
	cleanup_close int fd = -1;
	int r;

	if (sigprocmask(SIG_BLOCK, set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = io_watch(l, &l->signals, fd, EPOLLIN, on_signals);
	if (r < 0)
		return r;
	l->on_signal = fn;
	l->on_signal_arg = arg;
	TAKE_FD(fd);
	return 0;
}

void loop_defer(struct loop *l, struct deferred *d)
{
	if (list_empty(&d->link))
		list_append(&l->deferred, &d->link);
}

/* Sets the timerfd to the earliest timer, once a batch and only if that changed. */
static int arm_clock(struct loop *l)
{
	const struct heap_node *first = heap_min(&l->timers);
	const usec_t at = first ? MAX_OF(first->key, (usec_t)1) : USEC_INFINITY; /* 0 would disarm */
	struct itimerspec spec = { 0 };

	if (at == l->armed)
		return 0;
	if (at != USEC_INFINITY) {
		spec.it_value.tv_sec = (time_t)(at / USEC_PER_SEC);
		spec.it_value.tv_nsec = (long)(at % USEC_PER_SEC) * 1000;
	}
	if (timerfd_settime(l->clock.fd, TFD_TIMER_ABSTIME, &spec, NULL) < 0)
		return -errno;
	l->armed = at;
	return 0;
}

/* Moves what is ready to the list. No callback runs meanwhile: all sources that epoll names exist. */
static int take_ready(struct loop *l, int timeout_ms)
{
	struct epoll_event ev[BATCH_MAX];
	int n = epoll_wait(l->epoll_fd, ev, BATCH_MAX, timeout_ms);

	if (n < 0 && errno != EINTR)
		return -errno;
	for (int i = 0; i < n; i++) {
		struct io_source *s = ev[i].data.ptr;

		s->ready = ev[i].events;
		list_append(&l->ready, &s->pending);
	}
	return 0;
}

static int run_ready(struct loop *l)
{
	struct list *node;
	int n = 0;

	while ((node = list_pop(&l->ready))) {
		struct io_source *s = container_of(node, struct io_source, pending);

		if (s != &l->clock)
			n++;
		s->fn(s, s->ready);
	}
	return n;
}

/* Takes all that are due before it runs the first: a timer that is set to the past has to wait. */
static int run_timers(struct loop *l)
{
	struct heap_node *first;
	struct list *node;
	int n = 0;

	while ((first = heap_min(&l->timers)) && first->key <= l->now) {
		heap_remove(&l->timers, first);
		list_append(&l->due, &container_of(first, struct timer, node)->due);
	}
	for (; (node = list_pop(&l->due)); n++) {
		struct timer *t = container_of(node, struct timer, due);

		t->loop = NULL;
		t->fn(t, l->now);
	}
	return n;
}

/* What is deferred meanwhile runs in the next batch, which then does not sleep. */
static int run_deferred(struct loop *l)
{
	struct list batch = LIST_INIT(batch), *node;
	int n = 0;

	list_splice(&batch, &l->deferred);
	for (; (node = list_pop(&batch)); n++) {
		struct deferred *d = container_of(node, struct deferred, link);

		d->fn(d);
	}
	return n;
}

int loop_once(struct loop *l, int timeout_ms)
{
	bool may_sleep = list_empty(&l->deferred);
	int r = arm_clock(l), n;

	if (r < 0)
		return r;
	recorder_idle();
	if (may_sleep)
		log_flush();
	r = take_ready(l, may_sleep ? timeout_ms : 0);
	if (r < 0)
		return r;
	l->now = clock_now();
	n = run_ready(l);
	n += run_timers(l);
	n += run_deferred(l);
	return n;
}

int loop_run(struct loop *l)
{
	int r = 0;

	log_hold(true);
	while (!l->quit && r >= 0)
		r = loop_once(l, -1);
	log_hold(false);
	l->quit = false;
	return MIN_OF(r, 0);
}

void loop_quit(struct loop *l)
{
	l->quit = true;
}

usec_t loop_now(const struct loop *l)
{
	return l->now;
}
