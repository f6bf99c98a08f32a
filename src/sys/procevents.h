/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Births, programs and ends of all processes of the host, as the kernel's proc connector tells them
 * (drivers/connector/cn_proc.c). It takes CAP_NET_ADMIN and the initial network, PID and user
 * namespaces, so that most containers have none of it; and it may lose events. So it is a hint, and
 * whoever uses it can do without.
 *
 * Each event is queued within the system call that it tells of: a fork's before the child runs, an
 * exit's before anybody can wait for the process. What happened before procevents_read() is told by it.
 */
#include <stddef.h>
#include <sys/types.h>

#include "util/macro.h"

enum procevent_kind { PROCEVENT_FORK = 1, PROCEVENT_EXEC = 2, PROCEVENT_EXIT = 4 };

struct procevent {
	enum procevent_kind kind;
	pid_t pid;
	pid_t parent; /* FORK: not always who called it: CLONE_PARENT of clone(2) */
	int status; /* EXIT: the wait status of one of its threads; the one that ends last has the process's */
};

typedef void (*procevent_fn)(const struct procevent *ev, void *arg);

struct procevents;

/*
 * kinds: a sum of PROCEVENT_*, FORK or EXIT among them; a kernel before 6.6 sends the others all the
 * same. buffer: bytes of kernel memory for what is not read yet (an event takes about 800), 0 = a
 * generous default. That it works is tried out, with a child that exits at once. 0; -EOPNOTSUPP: the
 * kernel tells us nothing here; -errno.
 */
int procevents_open(struct procevents **out, unsigned kinds, int buffer) must_check;
void procevents_close(struct procevents *p); /* takes NULL */
/* Readable (EPOLLIN, level-triggered) when there is something to read; of an overrun too. */
int procevents_fd(const struct procevents *p);

/*
 * Tells what there is, without waiting. 0: all of it; 1: there is more, after many; -ENOBUFS: all of
 * it, but some was lost since the last 0: what was concluded from events has to be looked up anew;
 * another -errno: it is of no more use.
 */
int procevents_read(struct procevents *p, procevent_fn fn, void *arg) must_check;
