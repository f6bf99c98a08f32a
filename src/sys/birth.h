/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The birth mark: a child of cgkilld writes into an extended attribute of its unit's cgroup, before it executes its program,
 * which spawn it is and who it is. Whoever finds the cgroup later knows the process without cgkilld having lived long enough
 * to note it, and knows that a spawn without a mark never ran its program. Not in the leaf, which goes with its processes.
 */
#include "sys/cgroup.h"

struct birth_mark {
	uint64_t spawn;	   /* the number that the parent gave it */
	pid_t pid;	   /* as its own PID namespace has it */
	uint64_t identity; /* pidfd_identity() */
};

/*
 * In the child, about itself: replaces the mark of the last main, or control, process. unit_fd: the directory of the unit's
 * cgroup. 0 or -errno (-EOPNOTSUPP: no such attributes here).
 */
int birth_sign(int unit_fd, bool is_main, uint64_t spawn) must_check;
/* -ENODATA: none; -EBADMSG: damaged. */
int birth_read(const struct cg *unit, bool is_main, struct birth_mark *out) must_check;
