/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A process beside us that ends a cgroup when we die without having done so: by SIGKILL, which nobody can act on. It is in
 * our cgroup and in a session of its own, with no descriptor and no signal of ours; whoever kills it too, in the same moment,
 * is not held up by it.
 */
#include "cgkill/cgkill.h"

/*
 * Starts it, for cg, which it kills and removes at our end. Its pidfd, the caller's: readable when it has ended, and somebody
 * has to start another. -errno.
 */
int warden_start(const struct cgkill_cgroup *cg);
/* It is not needed any more. Takes the descriptor over; -1 is none. */
void warden_dismiss(int pidfd);
