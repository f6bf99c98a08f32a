/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What others have to do because a unit has changed its state, beside what a transaction has asked for already:
 *
 *  failed                            its OnFailure= start
 *  inactive, and it ran              its OnSuccess= start
 *  inactive or failed                it starts again where an active unit Upholds= it (its start limit is what ends that)
 *  ended or ending, unexpectedly     those bound to it (BindsTo=) stop, and those that it stops (PropagatesStopTo=,
 *                                    StopPropagatedFrom=)
 *  started, unexpectedly             its Requires=, BindsTo=, Wants= and Upholds= start, its Conflicts= stop, in either direction
 *
 * Requires= and PartOf= do not take notice of an unexpected end: systemd.unit(5). Jobs that would change nothing are left out.
 */
#include "core/transaction.h"

/* As others see it: what a unit passes through invisibly (RestartMode=direct) is no change. */
struct change {
	enum activity from, to;
	bool expected; /* a job of the unit itself wants it to be what it is now */
};

/*
 * *out are *n anchors, each of which is best a transaction of its own, so that one that is refused costs only itself; the
 * caller frees it. 0 or -ENOMEM.
 */
int consequences(const struct graph *g, struct graph_node *n, const struct change *change,
		 const struct world *world, struct anchor **out, size_t *n_out) must_check;
