/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a process is to the kernel's schedulers, and a few more of its properties: systemd.exec(5), "SCHEDULING" and
 * "PROCESS PROPERTIES".
 */
#include "core/load.h"
#include "core/resources.h"

struct scheduling {
	struct cpu_list *cpus;	/* CPUAffinity=; NULL = not set */
	struct cpu_list *nodes; /* NUMAMask=; NULL = not set */
	bool all_nodes;		/* NUMAMask=all */
	bool numa_set, cpu_set, io_set, timer_slack_set, coredump_filter_set, personality_set;
	int numa_policy;	   /* MPOL_*: set_mempolicy(2) */
	int policy, priority;	   /* SCHED_*: sched(7) */
	bool reset_on_fork;	   /* CPUSchedulingResetOnFork= */
	int io_class, io_priority; /* ioprio_set(2) */
	uint64_t timer_slack;	   /* ns */
	unsigned coredump_filter;  /* core(5) */
	unsigned long personality; /* personality(2) */
};

/* Takes NULL. */
void scheduling_free(struct scheduling *s);

/* The rows of unit_show(), of what is set; s may be NULL. */
void scheduling_show(const struct scheduling *s, struct showing *out);

/* "x86" … of this architecture; NULL = none */
const char *personality_name(unsigned long personality);
