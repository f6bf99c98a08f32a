/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "libcgkill/signal.h"
#include "sys/kill.h"

#define VERIFY_DEFAULT (5 * USEC_PER_SEC)

struct cgkill_stop {
	struct kill_op op;
	const struct cg *cg;
	int leader; /* -1: none, or it has ended */
	bool killing;
	int status; /* as the last step gave it */
	cgkill_event_fn on_event;
	void *arg;
	struct cgkill_stop_result result;

	/* Behind cgkill_stop_fd(); -1 until it was asked for. */
	int epoll_fd, timer_fd;
	int watched; /* the member that it watches */
};

static void tell(struct cgkill_stop *stop, enum cgkill_event event)
{
	if (stop->on_event)
		stop->on_event(stop, event, stop->arg);
}

static void note_error(struct cgkill_stop *stop, int error)
{
	if (stop->result.error == 0)
		stop->result.error = error;
}

/* ---- the descriptor ---- */

static int watch(int epoll_fd, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int arm_timer(int timer_fd, usec_t at)
{
	/* A time of 0 would disarm it. */
	const struct itimerspec spec = {
		.it_value = { .tv_sec = (time_t)(at / USEC_PER_SEC),
			      .tv_nsec = (long)(at % USEC_PER_SEC) * 1000 + 1 },
	};

	return timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) < 0 ? -errno : 0;
}

/*
 * An epoll that somebody polls is readable while anything in it is, edges or not: what has ended must go. Nor is closing it
 * enough, where another descriptor is of the same open file (epoll(7)), as the leader's and the engine's may be.
 */
static void unwatch(const struct cgkill_stop *stop, int fd)
{
	if (stop->epoll_fd >= 0 && fd >= 0)
		(void)epoll_ctl(stop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

/* What there is to wait for, after each step: the member may be another by now. */
static int watch_again(struct cgkill_stop *stop)
{
	int r = 0;

	if (stop->epoll_fd < 0)
		return 0;
	if (stop->watched < 0 && stop->op.wait_pidfd >= 0)
		r = watch(stop->epoll_fd, stop->op.wait_pidfd, EPOLLIN);
	stop->watched = stop->op.wait_pidfd;
	return r < 0 ? r : arm_timer(stop->timer_fd, stop->status == 0 ? 1 : stop->op.wake_at);
}

static int open_fd(struct cgkill_stop *stop)
{
	cleanup_close int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	cleanup_close int timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	int r;

	if (epoll_fd < 0 || timer_fd < 0)
		return -errno;
	r = watch(epoll_fd, timer_fd, EPOLLIN);
	if (r == 0 && stop->op.cg)
		r = watch(epoll_fd, stop->op.events_fd, EPOLLPRI);
	if (r == 0 && stop->leader >= 0)
		r = watch(epoll_fd, stop->leader, EPOLLIN);
	if (r < 0)
		return r;
	stop->epoll_fd = TAKE_FD(epoll_fd);
	stop->timer_fd = TAKE_FD(timer_fd);
	return watch_again(stop);
}

PUBLIC int cgkill_stop_fd(struct cgkill_stop *stop)
{
	int r = stop->epoll_fd < 0 ? open_fd(stop) : 0;

	return r < 0 ? r : stop->epoll_fd;
}

/* ---- the course ---- */

/* 1, or an error with nobody signalled. */
static int ask_to_end(struct cgkill_stop *stop, const struct cgkill_stop_options *o)
{
	unsigned flags = o->signal_flags;
	int r;

	if (stop->leader < 0)
		r = signal_cgroup(stop->cg, o->signal, flags, &stop->result.signalled);
	else
		r = signal_member(stop->cg, stop->leader, o->signal, flags);
	if (stop->leader >= 0 && r < 0)
		return r;
	stop->result.signalled += stop->leader >= 0;
	note_error(stop, r);
	return 1;
}

/* Does the next step kill somebody for the first time? */
static bool is_about_to_kill(struct cgkill_stop *stop, usec_t now)
{
	struct cg_events events;

	return !stop->killing && now >= stop->op.next_round_at &&
	       cg_events_read(stop->op.events_fd, &events) == 0 && events.populated;
}

static void note_kill(struct cgkill_stop *stop, usec_t now)
{
	stop->killing = true;
	stop->result.killed_usec = now;
	tell(stop, CGKILL_EVENT_KILL);
}

static void note_status(struct cgkill_stop *stop, enum kill_status status)
{
	int before = stop->status;

	stop->status = status == KILL_EMPTY ? 0 : status == KILL_STUCK ? -ETIMEDOUT : 1;
	if (stop->status == before)
		return;
	if (stop->status == 0)
		stop->result.ended_usec = clock_now();
	if (stop->status <= 0)
		tell(stop, stop->status == 0 ? CGKILL_EVENT_EMPTY : CGKILL_EVENT_STUCK);
}

PUBLIC int cgkill_stop_step(struct cgkill_stop *stop)
{
	usec_t now = clock_now();
	int r;

	if (stop->status == 0)
		return 0;
	if (stop->leader >= 0 && pidfd_has_ended(stop->leader)) {
		kill_hasten(&stop->op, now);
		unwatch(stop, stop->leader);
		stop->leader = -1;
	}
	unwatch(stop, stop->watched); /* the engine may close it */
	stop->watched = -1;
	if (is_about_to_kill(stop, now))
		note_kill(stop, now);
	note_status(stop, kill_step(&stop->op, now));
	r = watch_again(stop);
	return r < 0 ? r : stop->status;
}

PUBLIC void cgkill_stop_hasten(struct cgkill_stop *stop)
{
	kill_hasten(&stop->op, clock_now());
	(void)!watch_again(stop);
}

static int begin(struct cgkill_stop *stop, const struct cgkill_stop_options *o)
{
	usec_t patience = o->signal ? o->timeout_usec : 0;
	int r = cg_populated(stop->cg);

	stop->result.begun_usec = clock_now();
	if (r > 0 && o->signal)
		r = ask_to_end(stop, o);
	if (r < 0)
		return r;
	if (stop->result.signalled > 0)
		tell(stop, CGKILL_EVENT_SIGNALLED);
	if (r > 0 && patience == 0)
		note_kill(stop, clock_now());
	r = kill_begin_later(&stop->op, stop->cg, stop->leader, clock_now(), patience,
			     o->verify_usec ? o->verify_usec : VERIFY_DEFAULT, 0);
	if (!cg_is_gone(r))
		return r;
	note_status(stop, KILL_EMPTY); /* it was removed */
	return 0;
}

static int check(const struct cgkill_stop_options *o)
{
	if (o->flags & ~(unsigned)CGKILL_STOP_LEADER)
		return -EINVAL;
	if (o->flags & CGKILL_STOP_LEADER && o->leader_pidfd < 0)
		return -EBADF;
	return signal_check(o->signal, o->signal_flags);
}

PUBLIC int cgkill_stop_begin(const struct cgkill_cgroup *cg,
			     const struct cgkill_stop_options *options, struct cgkill_stop **out)
{
	struct cgkill_stop_options o;
	struct cgkill_stop *stop;
	int r = struct_take(&o, sizeof(o), options, options->size,
			    offsetof(struct cgkill_stop_options, verify_usec));

	if (r == 0)
		r = check(&o);
	if (r == 0)
		r = cgkill_guard(cg, 0);
	if (r < 0)
		return r;
	stop = malloc(sizeof(*stop));
	if (!stop)
		return -ENOMEM;
	*stop = (struct cgkill_stop){
		.cg = &cg->cg,
		.leader = o.flags & CGKILL_STOP_LEADER ? o.leader_pidfd : -1,
		.status = 1,
		.on_event = o.on_event,
		.arg = o.arg,
		.epoll_fd = -1,
		.timer_fd = -1,
		.watched = -1,
	};
	r = begin(stop, &o);
	if (r < 0)
		cgkill_stop_end(stop);
	else
		*out = stop;
	return r;
}

PUBLIC void cgkill_stop_result(const struct cgkill_stop *stop, struct cgkill_stop_result *result)
{
	struct cgkill_stop_result r = stop->result;
	size_t size = result->size;

	r.rounds = stop->op.round;
	r.swept = stop->op.swept;
	if (r.error == 0)
		r.error = stop->op.error;
	memset(result, 0, size);
	memcpy(result, &r, MIN_OF(size, sizeof(r)));
	result->size = size;
}

PUBLIC void cgkill_stop_end(struct cgkill_stop *stop)
{
	if (!stop)
		return;
	kill_end(&stop->op);
	close_fd(stop->epoll_fd);
	close_fd(stop->timer_fd);
	free(stop);
}

PUBLIC int cgkill_stop(const struct cgkill_cgroup *cg, const struct cgkill_stop_options *options,
		       struct cgkill_stop_result *result)
{
	struct cgkill_stop *stop;
	int r = cgkill_stop_begin(cg, options, &stop);

	if (r < 0)
		return r;
	while ((r = cgkill_stop_step(stop)) == 1)
		kill_sleep(&stop->op, stop->leader);
	if (result)
		cgkill_stop_result(stop, result);
	cgkill_stop_end(stop);
	return r;
}
