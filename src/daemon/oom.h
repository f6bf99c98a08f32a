/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Has the kernel's out-of-memory killer hit in a cgroup? Its memory.events tells, where the memory controller is on the
 * cgroup v2 hierarchy and enabled for it; where not, nothing is watched, and nothing is told.
 */
#include "daemon/loop.h"
#include "sys/cgroup.h"

struct oom; /* NULL = nothing is watched: every function takes that */

/* Can it be told of what is below that cgroup? Only if the cgroup itself has the memory controller. */
bool oom_is_told(const struct cg *cg);
/* fn is called when somebody was killed from now on. NULL: nothing tells of it, or no memory. */
struct oom *oom_new(struct loop *l, const struct cg *cg, void (*fn)(void *arg), void *arg);
/* Looks right now: the kernel tells of it up to 10 ms late (kernel/cgroup/cgroup.c, CGROUP_FILE_NOTIFY_MIN_INTV). */
void oom_look(struct oom *o);
void oom_free(struct oom *o);
