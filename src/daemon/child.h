/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Short-lived helpers of cgkilld itself: forked for what may take long or hang, and never waited for without a bound.
 */
#include <signal.h>
#include <sys/types.h>

#include "daemon/loop.h"

/*
 * Forks. In the child (0) all descriptors but the standard ones and keep_fd are closed: no lock of ours and no client may
 * depend on its end. It dies with us. In the parent the PID with *pidfd (the caller's), or -errno.
 */
pid_t child_fork(int keep_fd, int *pidfd) must_check;

/*
 * A child that has a copy of each descriptor of ours, until it is given to child_dismiss(). Between the two it is safe to
 * close what a stranger has made: the last reference is the child's, and close(2) may linger for as long as its maker likes
 * (socket(7), SO_LINGER), but never in a process that ends (inet_release(), net/ipv4/af_inet.c). Its pidfd; -1: there is no
 * process to be had, and it has to be us.
 */
int child_hold(void) must_check;

/*
 * As pidfd_reap(). That a child of ours has crashed is told, since nothing else may show it; a mistake that would do that is to
 * look at what no child gets (util/ownmem.h).
 */
int child_reap(int pidfd, siginfo_t *out) must_check;
/* Reaps the child behind pidfd, which is taken over, whenever it ends. */
void child_await(struct loop *l, int pidfd);
/* Kills the child behind pidfd, which is taken over (-1 is taken too), and reaps it whenever it ends. */
void child_dismiss(struct loop *l, int pidfd);
/* The same, where nothing else is waited for, of one by child_hold(), which ends as soon as it can run. */
void child_dismiss_now(int pidfd);
