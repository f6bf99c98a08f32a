/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * One child of cgkilld: from its birth in a cgroup to its reaping. It frees itself when it was
 * reaped, so that a process that its service no longer waits for is still taken care of.
 */
#include "core/outcome.h"
#include "daemon/loop.h"
#include "exec/exec.h"
#include "sys/spawn.h"

struct process {
	pid_t pid;
	int pidfd;
	uint64_t cgroup_id; /* where it was born; 0 = not known */
	bool is_main;
	enum exec_phase phase; /* the command that it is to execute */
	size_t index;
	bool born;   /* it has run: the kernel did not kill it at birth */
	bool killed; /* by us: then that it was not born is no accident */
	bool failed; /* it could not execute its program */
	bool execed;
	bool guarded; /* after a crash of ours a guard is to learn how it ended: reaped only once that was noted */
	bool adopted;	   /* by pidfd, from an earlier cgkilld: perhaps no child of ours */
	uint64_t identity; /* … and what tells it from others; else 0 */

	void *owner; /* NULL: nobody asks any more; process_abandon() */
	void (*on_report)(struct process *p, const struct spawn_report *r); /* warnings and failures */
	void (*on_exec)(struct process *p);
	void (*on_exit)(struct process *p, struct exit_info e); /* p is freed after it */

	/* private */
	int report_fd;
	struct io_source exit_io, report_io;
};

/* Fills in pid, pidfd and the watches of a process whose callbacks are set. 0 or -errno; p is left as it was then. */
int process_start(struct process *p, struct loop *l, const struct cg *cg, enum spawn_method *method,
		  struct exec_context *x) must_check;
/* The same for one that lives already: pid, pidfd, identity and callbacks are set. How it ends may stay EXIT_UNKNOWN. */
int process_adopt(struct process *p, struct loop *l) must_check;
/* Its end is there to be told: on_exit comes with one of the next batches of the loop. */
bool process_has_ended(const struct process *p);
void process_abandon(struct process *p); /* takes NULL */
/* At the end of cgkilld: forgets it without reaping. */
void process_free(struct process *p);
