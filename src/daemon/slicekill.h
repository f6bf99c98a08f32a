/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Several services of a slice whose time is over are killed by one write to the cgroup.kill of what they have in common, if
 * nobody else lives there. Only the first blow is struck together: whether each is empty then, and what else it takes, is
 * the affair of its own killer, as is its result.
 */
#include "daemon/supervisor.h"

struct slicekill;

/*
 * A service is to be killed, now. True: it will be, by supervised_kill_now(), when those of its slice whose time is over
 * within the next milliseconds are known. False: there is nobody to wait for.
 */
bool slicekill_put_off(struct supervised *sv, size_t members) must_check;
/* At the end. Takes NULL. */
void slicekill_free(struct slicekill *k);
