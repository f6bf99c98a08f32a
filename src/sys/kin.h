/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The processes around us where no cgroup says who they are: all of our PID namespace, or those that descend from us. Found
 * in /proc, held by pidfds.
 */
#include <sys/types.h>

#include "util/macro.h"

/* The parent's number; 0: it has none that is seen from here. -ESRCH: it has ended, or is hidden. */
pid_t process_parent(pid_t pid);
/* Has the process ended, only nobody has reaped it, or may (a tracer withholds it)? False when it cannot be told. */
bool process_is_zombie(pid_t pid);

struct relative {
	pid_t pid, parent; /* as /proc showed them */
	int pidfd;
};

struct kin {
	struct relative *v; /* parents before their children, where it is only about descendants */
	size_t n;
};
#define KIN_INIT        \
	{               \
		NULL, 0 \
	}

enum kin_scope {
	KIN_DESCENDANTS, /* proved: a signal by these pidfds reaches nobody else */
	KIN_NAMESPACE,	 /* everybody but us */
};

/*
 * Those that live now, or are zombies. Who is born meanwhile may be missing; and where descriptors run out, all but the first
 * ones are. 0 or -errno: -ENOENT: there is no /proc, or it shows another PID namespace than ours.
 */
int kin_find(struct kin *out, enum kin_scope scope) must_check;
void kin_free(struct kin *k);
