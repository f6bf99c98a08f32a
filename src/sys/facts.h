/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * sys/explain.h without its danger: some files below /proc/PID take locks of the process that they tell of, and one that
 * hangs in the kernel may hold them (exec_update_lock in execve, mmap_lock in a page fault). So a child reads them.
 */
#include "sys/explain.h"

/*
 * As explain_members(), within wait. Of processes that did not let themselves be read in that time only pid and comm
 * are known, and their state is '?'. *hanging is then the pidfd of the reader, which was killed and is the caller's to reap
 * by pidfd_reap() whenever it ends; else -1. It has no exit signal: no handler and no wait for SIGCHLD's children sees it.
 */
ssize_t facts_read(const struct cg *cg, struct process_facts *out, size_t max, size_t *total,
		   usec_t wait, int *hanging) must_check;
/* The safe part of it alone: pid and comm. For a caller that has seen one hang. */
ssize_t facts_names(const struct cg *cg, struct process_facts *out, size_t max, size_t *total) must_check;
/* The same of one process, wherever it lives: 0 or -ESRCH. */
int facts_of_process(pid_t pid, struct process_facts *out, usec_t wait, int *hanging) must_check;
