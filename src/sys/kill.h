/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The kill that converges: rounds until `populated 0`, as doc/ARCHITECTURE.md explains. The engine knows no loop: it says
 * what it waits for, and is stepped. It never blocks for longer than the kernel takes for one write.
 *
 *	round 0	  write "1" to cgroup.kill
 *	round 1+  write again, then SIGKILL to each verified member by pidfd (a dead leader's threads are reached this way)
 *	round 3+  freeze, wait for `frozen 1` (at most KILL_FREEZE_WAIT), kill and sweep, thaw
 *
 * Before Linux 5.14 (no cgroup.kill) it starts with the freeze. No exit leaves the cgroup frozen.
 */
#include "sys/cgroup.h"
#include "sys/pidfd.h"
#include "util/clock.h"

#define KILL_FREEZE_WAIT (50 * USEC_PER_MSEC)

enum kill_status {
	KILL_STATUS_INVALID,
	KILL_WAITING, /* step it when events_fd has EPOLLPRI, when wait_pidfd (if >= 0) is readable, and at wake_at */
	KILL_EMPTY, /* proved: populated 0 was read */
	KILL_STUCK, /* give_up_at has passed and something lives; survivors can be explained; may go on being stepped */
};

/* Which parts of the kernel are not to be used: for tests, and for kernels that lack them. */
enum kill_avoid {
	KILL_AVOID_CGROUP_KILL = 1 << 0,
	KILL_AVOID_GET_INFO = 1 << 1,
	KILL_STRUCK = 1 << 2, /* round 0 was done, on a cgroup that this one is in */
};

struct kill_op {
	/*
	 * What the caller waits for; borrowed from the operation. wait_pidfd is a member that was
	 * seen: its end is a reason to look before the kernel's 10 ms notification limit. A step
	 * may close it (it is -1 then) or open one, never both: a caller that compares it with the
	 * one before sees every change.
	 */
	int events_fd;
	int wait_pidfd;
	usec_t wake_at;

	/* how it went */
	unsigned round; /* rounds done */
	size_t swept;	/* processes killed by pidfd in rounds 1+ */
	int error; /* the first unexpected -errno (EPERM, EROFS, …): told with its cause, never swallowed */

	/* private */
	const struct cg *cg;
	usec_t give_up_at;
	usec_t next_round_at;
	usec_t frozen_deadline; /* 0 = not freezing */
	usec_t next_look_at;
	usec_t look_delay;
	size_t fewest; /* members left, at best, when a round was due */
	unsigned avoid;
	bool frozen_by_us;
};

/*
 * Starts to kill all of cg's subtree: opens the events file and does round 0. The caller has asked
 * cg_guard() before. cg is borrowed until kill_end(). -errno: nothing was killed (the cgroup is
 * gone or could not be read, or -EOPNOTSUPP: it is threaded, and its processes have to be killed at
 * the threaded domain's root); kill_end() is not needed then. An error of the write itself is in
 * op->error and the rounds go on by pidfd. A cgroup that is empty already is not written to: the
 * write would poison it for clone3.
 *
 * member: the pidfd of one that is likely the last to go, where the caller has one: it saves the search for one. Borrowed
 * for the call; -1 = none.
 */
int kill_begin(struct kill_op *op, const struct cg *cg, int member, usec_t now,
	       usec_t give_up_after, unsigned avoid) must_check;
/*
 * The same, only that round 0 comes strike_after later, or at kill_hasten(): until then it watches for the end of them, who
 * were asked to end. give_up_after counts from round 0.
 */
int kill_begin_later(struct kill_op *op, const struct cg *cg, int member, usec_t now,
		     usec_t strike_after, usec_t give_up_after, unsigned avoid) must_check;
void kill_hasten(struct kill_op *op, usec_t now);
enum kill_status kill_step(struct kill_op *op, usec_t now) must_check;
/* Waits for what the next step is due for, or the end of one more process (-1: none). By ppoll(2): an epoll costs twice that. */
void kill_sleep(const struct kill_op *op, int pidfd);
/* Ends it in any state: thaws what it froze, closes what it opened. Idempotent; takes a zeroed struct. */
void kill_end(struct kill_op *op);

/* The blocking convenience: begin, poll and step until empty or stuck. 0 empty (or gone); -ETIMEDOUT stuck; -errno. */
int kill_wait(const struct cg *cg, int member, usec_t give_up_after, unsigned avoid,
	      struct kill_op *result) must_check;
