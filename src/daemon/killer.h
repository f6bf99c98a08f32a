/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Drives one operation of the kill engine (sys/kill.h): with the loop, or, where many processes are
 * to be killed, in a child. Each pass over n members takes the kernel a time of O(n), and the write
 * to cgroup.kill, during which those that die compete with the writer, took 140 ms for 1,000 of
 * them: the loop has others to serve meanwhile.
 */
#include "daemon/loop.h"
#include "sys/kill.h"

struct killer {
	struct kill_op op;
	const struct cg *cg;
	int member;	/* as kill_begin() wants it; borrowed */
	unsigned avoid; /* enum kill_avoid */
	usec_t give_up_at;
	struct loop *loop;
	struct io_source events_io, pidfd_io, child_io;
	struct timer timer;
	int child_pidfd; /* -1: driven by the loop */
	void *owner;
	void (*on_end)(struct killer *k,
		       enum kill_status status); /* EMPTY or STUCK; the killer may be freed in it */
};

/*
 * cg stays borrowed until killer_free(); members is how many live in it, roughly; member, for the call, is the pidfd of one
 * (-1 = none). NULL with errno when nothing was killed.
 */
struct killer *killer_new(struct loop *l, const struct cg *cg, size_t members, int member,
			  usec_t give_up_after, unsigned avoid, void *owner,
			  void (*on_end)(struct killer *, enum kill_status)) must_check;
/*
 * Stops what it may have in a child, and waits for that, bounded: before another program takes over, which kills by itself.
 * It goes on from the loop if none does. Takes NULL.
 */
void killer_halt(struct killer *k);
void killer_free(struct killer *k); /* takes NULL; ends the operation in any state */
