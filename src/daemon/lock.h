/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * One cgkilld a subtree, and a runtime directory: the lock dies with its holder.
 */
#include "util/macro.h"

/*
 * Locks what fd has open, for as long as the descriptor and its copies are. A cgkilld that was killed while it spawned has
 * left a copy to its child, which closes it first of all, but only once it runs: a lock that is taken is tried again for a
 * moment. 0, -EBUSY, -errno.
 */
int lock_take(int fd) must_check;
