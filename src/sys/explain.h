/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Who lives in a cgroup, and why one that was killed does not die: facts from /proc, each as far as the host shows it. All
 * text is printable ASCII; other bytes are shown as \xNN ('?' in struct process_name).
 */
#include "sys/cgroup.h"
#include "util/clock.h"

struct process_facts {
	pid_t pid;
	char comm[64];
	char state;	      /* 'R', 'S', 'D', 'Z', 't' …; '?' unknown */
	pid_t tracer;	      /* 0 = none */
	bool sigkill_pending; /* of the process or its main thread */
	bool leader_dead;     /* main thread exited, other threads live */
	pid_t thread; /* the thread that state, wchan … are of: a living one that blocks, else the main thread */
	char wchan[64];	  /* "" when hidden */
	char syscall[32]; /* name or number, "" when hidden */
	char file[256];	  /* that the system call is about, as the process sees it; "" unknown */
	char mount[256];  /* that the file is on: "nfs4 server:/export on /mnt" */
	char stack[1024]; /* kernel stack, functions separated by " < ", "" when hidden */
	usec_t started;	  /* CLOCK_BOOTTIME, 0 unknown */
	char cgroup[128]; /* explain_members(): its cgroup's path below the one asked about, "" = that one */
	char cmdline[256]; /* arguments separated by spaces; [comm] when empty, or when reading it might hang the reader */
};

/* 0 or -ESRCH. What cannot be read is left empty. */
int explain_process(pid_t pid, struct process_facts *out) must_check;

/* "waits in the kernel for a frozen file system (percpu_rwsem_wait)", …: one clause for a person, into buf. Never empty. */
const char *explain_reason(const struct process_facts *f, char *buf, size_t size);

/* Facts of up to max processes of the subtree; *total says how many there are. Returns the number filled in, or -errno. */
ssize_t explain_members(const struct cg *cg, struct process_facts *out, size_t max,
			size_t *total) must_check;
/* The cheap form, comm only: for the event stream before a kill. */
struct process_name {
	pid_t pid;
	char comm[17];
};
ssize_t name_members(const struct cg *cg, struct process_name *out, size_t max, size_t *total) must_check;
/* The same of one process; "?" when it cannot be read. False: it is gone. */
bool name_process(pid_t pid, struct process_name *out);
