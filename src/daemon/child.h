/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Short-lived helpers of cgkilld itself: forked for what may take long or hang, and never waited for without a bound.
 */
#include <sys/types.h>

#include "daemon/loop.h"

/*
 * Forks. In the child (0) all descriptors but the standard ones and keep_fd are closed: no lock of ours and no client may
 * depend on its end. It dies with us. In the parent the PID with *pidfd (the caller's), or -errno.
 */
pid_t child_fork(int keep_fd, int *pidfd) must_check;

/* Reaps the child behind pidfd, which is taken over, whenever it ends. */
void child_await(struct loop *l, int pidfd);
/* Kills the child behind pidfd, which is taken over (-1 is taken too), and reaps it whenever it ends. */
void child_dismiss(struct loop *l, int pidfd);
