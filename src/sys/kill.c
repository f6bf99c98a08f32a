/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/kill.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>

#include "sys/sweep.h"

/* From this round on ordinary members had every chance: only what outruns or resists the kill is left. */
#define FREEZE_ROUND 3

/* Above this many members a sweep costs enough to be put off while the kernel is making progress. */
#define MANY_MEMBERS 16

/* Less than the kernel takes to tear down a member (30 to 60 µs): half of those left, if all goes well. */
#define MEMBER_TIME ((usec_t)16)

/* A look costs 1 µs, a wake-up some 20; the notification that it may precede is at most 16 ms late. */
#define FIRST_LOOK ((usec_t)100)

/* No pidfd is worth an endless search for a member in a tree of empty cgroups. */
#define SEARCH_MAX 16

/* The pause after each round in ms; the last one repeats. */
static const unsigned short pause_ms[] = { 3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000 };

static usec_t pause_after(unsigned round)
{
	return pause_ms[MIN_OF(round, ARRAY_SIZE(pause_ms)) - 1] * USEC_PER_MSEC;
}

static bool has_cgroup_kill(const struct kill_op *op)
{
	return !(op->avoid & KILL_AVOID_CGROUP_KILL);
}

static void note_error(struct kill_op *op, int error)
{
	if (op->error == 0)
		op->error = error;
}

/* Look again in a moment, then after twice that, and so on until the next round. */
static void look_soon(struct kill_op *op, usec_t now)
{
	op->look_delay = FIRST_LOOK;
	op->next_look_at = usec_add(now, op->look_delay);
}

struct search {
	const struct cg *root;
	pid_t pid;
	unsigned left;
};

static int search_visit(const struct cg *cg, void *arg)
{
	struct search *search = arg;
	int r = cg_last_pid(cg, &search->pid);

	if (r < 0)
		return cg_is_gone(r) || (r == -EOPNOTSUPP && cg != search->root) ? 0 : r;
	return search->pid > 0 || --search->left == 0 ? -ECANCELED : 0;
}

/*
 * A member to wait for: the kernel kills in the order of the list, so the last one listed is likely
 * the last to go. It is not verified; the worst that a wrong one can do is to end too late, and the
 * rounds look without it. -EOPNOTSUPP: threaded.
 */
static int watch_member(struct kill_op *op)
{
	struct search search = { .root = op->cg, .left = SEARCH_MAX };
	int r = cg_walk(op->cg, search_visit, &search), fd = -1;

	if (r == -ECANCELED && search.pid > 0)
		fd = pidfd_open_pid(search.pid);
	op->wait_pidfd = MAX_OF(fd, -1);
	return r == -EOPNOTSUPP ? r : 0;
}

/*
 * After the write: few members die within it, where they are woken on our processor. Else the kernel is at work on them
 * while one is looked for.
 */
static int watch_if_left(struct kill_op *op, int member)
{
	struct cg_events events;

	if (cg_events_read(op->events_fd, &events) == 0 && !events.populated)
		return 0;
	if (member < 0)
		return watch_member(op);
	op->wait_pidfd = fcntl(member, F_DUPFD_CLOEXEC, 3);
	return 0;
}

/* The member's end is told once; from then on only looking helps. */
static void drop_ended_member(struct kill_op *op, usec_t now)
{
	struct pollfd p = { .fd = op->wait_pidfd, .events = POLLIN };

	if (op->wait_pidfd < 0 || poll(&p, 1, 0) <= 0)
		return;
	op->wait_pidfd = close_fd(op->wait_pidfd);
	look_soon(op, now);
}

static void write_kill(struct kill_op *op)
{
	int r = cg_kill_write(op->cg);

	if (r == -EMFILE && op->wait_pidfd >= 0) { /* the kill comes first, and one is what it takes */
		op->wait_pidfd = close_fd(op->wait_pidfd);
		r = cg_kill_write(op->cg);
	}
	if (r == -ENOENT) /* Linux < 5.14; if the cgroup is gone, the next look says so */
		op->avoid |= KILL_AVOID_CGROUP_KILL;
	else if (r != -ENODEV)
		note_error(op, r);
}

static void sweep_members(struct kill_op *op)
{
	struct sweep sweep = {
		.signal = SIGKILL,
		.verify = op->avoid & KILL_AVOID_GET_INFO ? VERIFY_PROCFS : VERIFY_AUTO,
	};
	int r = sweep_run(&sweep, op->cg);

	op->swept += sweep.signalled;
	note_error(op, sweep.error);
	if (!cg_is_gone(r))
		note_error(op, r);
}

static void thaw(struct kill_op *op)
{
	int r = op->frozen_by_us ? cg_freeze(op->cg, false) : 0;

	if (!cg_is_gone(r))
		note_error(op, r);
	op->frozen_by_us = false;
	op->frozen_deadline = 0;
}

/* True: wait for `frozen 1`, or the deadline. False: this cgroup cannot be frozen, go on without. */
static bool freeze(struct kill_op *op, usec_t now)
{
	int r = cg_freeze_asked(op->cg);

	if (r == 0) {
		r = cg_freeze(op->cg, true);
		op->frozen_by_us = r >= 0;
	}
	if (r < 0) {
		if (!cg_is_gone(r)) /* ENOENT: before Linux 5.2 */
			note_error(op, r);
		return false;
	}
	op->frozen_deadline = usec_add(now, KILL_FREEZE_WAIT);
	look_soon(op, now);
	return true;
}

static void end_round(struct kill_op *op, usec_t now)
{
	op->round++;
	op->next_round_at = usec_add(now, pause_after(op->round));
}

/* One round. The first write goes alone: it is all that nearly every kill needs. */
static void strike(struct kill_op *op, usec_t now)
{
	if (has_cgroup_kill(op))
		write_kill(op);
	/* Without cgroup.kill only a frozen cgroup holds still for the sweep; frozen_deadline: it was tried. */
	if (!has_cgroup_kill(op) && !op->frozen_deadline && freeze(op, now))
		return;
	if (op->round > 0 || !has_cgroup_kill(op))
		sweep_members(op);
	thaw(op);
	end_round(op, now);
}

/*
 * How long the next round may wait because the kernel is busy with many members, 0 = not. Progress
 * counts only beyond the best so far, so this ends.
 */
static usec_t time_of_progress(struct kill_op *op)
{
	ssize_t left = cg_count(op->cg);

	if (left < 0 || (size_t)left >= op->fewest)
		return 0;
	op->fewest = (size_t)left;
	return left > MANY_MEMBERS ? (usec_t)left * MEMBER_TIME : 0;
}

static void begin_round(struct kill_op *op, usec_t now)
{
	usec_t progress = op->round > 0 ? time_of_progress(op) : 0;

	if (op->round == 0)
		look_soon(op, now);
	if (progress > 0)
		op->next_round_at = usec_add(now, MAX_OF(progress, pause_after(op->round)));
	else if (op->round < FREEZE_ROUND || !freeze(op, now))
		strike(op, now);
}

static void plan_wake(struct kill_op *op, usec_t now)
{
	if (now >= op->next_look_at) {
		op->look_delay *= 2;
		op->next_look_at = usec_add(now, op->look_delay);
	}
	op->wake_at = op->frozen_deadline ? op->frozen_deadline : op->next_round_at;
	/* While a known member lives there is nothing to look for but `frozen`. */
	if (op->wait_pidfd < 0 || op->frozen_deadline)
		op->wake_at = MIN_OF(op->wake_at, op->next_look_at);
	if (now < op->give_up_at)
		op->wake_at = MIN_OF(op->wake_at, op->give_up_at);
}

int kill_begin_later(struct kill_op *op, const struct cg *cg, int member, usec_t now,
		     usec_t strike_after, usec_t give_up_after, unsigned avoid)
{
	struct cg_events events = { 0 };
	int r;

	*op = (struct kill_op){
		.events_fd = -1,
		.wait_pidfd = -1,
		.cg = cg,
		.give_up_at = usec_add(usec_add(now, strike_after), give_up_after),
		.next_round_at = usec_add(now, strike_after),
		.fewest = SIZE_MAX,
		.avoid = avoid,
	};
	op->events_fd = cg_events_open(cg);
	r = op->events_fd < 0 ? op->events_fd : cg_events_read(op->events_fd, &events);
	look_soon(op, now);
	if (r >= 0 && events.populated) {
		if (avoid & KILL_STRUCK)
			end_round(op, now);
		else if (strike_after == 0)
			begin_round(op, now);
		r = watch_if_left(op, member);
	}
	if (r < 0)
		kill_end(op);
	else
		plan_wake(op, now);
	return r;
}

int kill_begin(struct kill_op *op, const struct cg *cg, int member, usec_t now,
	       usec_t give_up_after, unsigned avoid)
{
	return kill_begin_later(op, cg, member, now, 0, give_up_after, avoid);
}

void kill_hasten(struct kill_op *op, usec_t now)
{
	if (op->round > 0 || op->frozen_deadline || op->next_round_at <= now)
		return;
	op->give_up_at = usec_sub(op->give_up_at, op->next_round_at - now);
	op->next_round_at = now;
	op->wake_at = now;
}

enum kill_status kill_step(struct kill_op *op, usec_t now)
{
	bool unwatched = op->wait_pidfd < 0;
	struct cg_events events = { .populated = true };
	int r = cg_events_read(op->events_fd, &events);

	if (cg_is_gone(r) || (r >= 0 && !events.populated)) {
		thaw(op);
		return KILL_EMPTY;
	}
	note_error(op, r);
	drop_ended_member(op, now);
	if (op->frozen_deadline) {
		if (events.frozen || now >= op->frozen_deadline)
			strike(op, now);
	} else if (now >= op->next_round_at) {
		begin_round(op, now);
		if (unwatched)
			note_error(op, watch_member(op));
	}
	plan_wake(op, now);
	return now >= op->give_up_at ? KILL_STUCK : KILL_WAITING;
}

void kill_end(struct kill_op *op)
{
	if (!op->cg)
		return;
	thaw(op);
	op->events_fd = close_fd(op->events_fd);
	op->wait_pidfd = close_fd(op->wait_pidfd);
	op->cg = NULL;
}

void kill_sleep(const struct kill_op *op, int pidfd)
{
	struct pollfd fds[] = {
		{ .fd = op->events_fd, .events = POLLPRI },
		{ .fd = op->wait_pidfd, .events = POLLIN }, /* poll(2) ignores -1 */
		{ .fd = pidfd, .events = POLLIN },
	};
	usec_t left = usec_sub(op->wake_at, clock_now());
	struct timespec timeout = {
		.tv_sec = (time_t)(left / USEC_PER_SEC),
		.tv_nsec = (long)(left % USEC_PER_SEC) * 1000,
	};

	/* A failure, EINTR for one, is a wake-up like any other: the step that follows looks for itself. */
	ppoll(fds, ARRAY_SIZE(fds), &timeout, NULL);
}

int kill_wait(const struct cg *cg, int member, usec_t give_up_after, unsigned avoid,
	      struct kill_op *result)
{
	enum kill_status status;
	int r = kill_begin(result, cg, member, clock_now(), give_up_after, avoid);

	if (r < 0)
		return cg_is_gone(r) ? 0 : r;
	while ((status = kill_step(result, clock_now())) == KILL_WAITING)
		kill_sleep(result, -1);
	kill_end(result);
	return status == KILL_EMPTY ? 0 : -ETIMEDOUT;
}
