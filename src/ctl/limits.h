/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What -p of run asks for: of the directives of a service those that limit its cgroup, and some of its process, read by the
 * code that reads them in unit files. To ask for one is to rely on it: what cannot be had is a failure, and is explained here.
 */
#include "cgkill/cgkill.h"
#include "core/unit.h"

struct limits {
	struct unit *unit; /* NULL: nothing was asked for */
	struct cgkill_cgroup *leaf; /* of the cgroup above, where we live meanwhile; NULL: where we always did */
	unsigned passed_on; /* 1 << enum controller, to the children of the one above */
};

/* "MemoryMax=64M", "LimitNOFILE=100" …; NULL = none. 0; -EINVAL and -ENOMEM after they were explained. */
int limits_read(char *const *properties, struct limits *out) must_check;
/*
 * Writes those of the cgroup, which is empty. A controller that it does not have is enabled in parent, the cgroup above it,
 * and in none above that. 0, or -errno after it was explained.
 */
int limits_set(struct limits *l, const struct cgkill_cgroup *parent,
	       const struct cgkill_cgroup *cg) must_check;
/* Those of the process, in the child: `prepare` of cgkill_spawn(). -ECANCELED after it was explained. */
int limits_take_on(void *limits) must_check;
/* When that cgroup is gone. */
void limits_deinit(struct limits *l);
