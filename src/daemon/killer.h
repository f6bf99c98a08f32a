/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Drives one operation of the kill engine (sys/kill.h) with the loop.
 */
#include "daemon/loop.h"
#include "sys/kill.h"

struct killer {
	struct kill_op op;
	struct loop *loop;
	struct io_source events_io, pidfd_io;
	struct timer timer;
	void *owner;
	void (*on_end)(struct killer *k, enum kill_status status); /* EMPTY or STUCK; the killer may be freed in it */
};

/* cg stays borrowed until killer_free(). NULL with errno when nothing was killed. */
struct killer *killer_new(struct loop *l, const struct cg *cg, usec_t give_up_after, unsigned avoid, void *owner,
			  void (*on_end)(struct killer *, enum kill_status)) must_check;
void killer_free(struct killer *k); /* takes NULL; ends the operation in any state */
