/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * sys/explain.h without its danger: some files below /proc/PID take locks of the process that they tell of, and one that
 * hangs in the kernel may hold them (exec_update_lock in execve, mmap_lock in a page fault). So a child reads them.
 */
#include "daemon/loop.h"
#include "sys/explain.h"

/*
 * As explain_members(), within FACTS_WAIT. Of processes that did not let themselves be read in that
 * time only pid and comm are known, and their state is '?'. *hangs says that there were such; a
 * caller that remembers it may pass it in as true to be given only pid and comm, at once.
 */
#define FACTS_WAIT_MSEC 100
ssize_t facts_read(struct loop *l, const struct cg *cg, struct process_facts *out, size_t max,
		   size_t *total, bool *hangs) must_check;
