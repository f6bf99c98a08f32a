/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A child that is born in its cgroup: clone3(CLONE_INTO_CGROUP | CLONE_PIDFD |
 * CLONE_CLEAR_SIGHAND), else fork and a write to cgroup.procs by the child itself before it does
 * anything else.
 *
 * The child has an address space of its own (no CLONE_VM): what it does before execve may block (an
 * NSS look-up, a dead network mount) and must then block nobody but itself.
 */
#include "sys/cgroup.h"
#include "util/clock.h"

enum spawn_method {
	SPAWN_METHOD_INVALID,
	SPAWN_CLONE3, /* CLONE_INTO_CGROUP */
	SPAWN_ATTACH, /* fork + cgroup.procs: no clone3 (ENOSYS, EPERM by seccomp), no CLONE_INTO_CGROUP (EINVAL), or poisoned */
};

/*
 * What the child tells through its report pipe. The first report says that it lives: end of file
 * without it means that the kernel killed it at birth (a cgroup on the way was once cgroup.killed:
 * see spawn_probe()). End of file after it means that execve worked, unless a failure came before.
 */
struct spawn_report {
	uint32_t step;	/* SPAWN_STEP_ALIVE, else the caller's own step number of what failed */
	uint32_t error; /* errno */
	char what[56];	/* what it is about, e.g. a directive; may be "" */
};
#define SPAWN_STEP_ALIVE  1U
#define SPAWN_STEP_ATTACH 2U  /* could not join its cgroup: exits with 219 */
#define SPAWN_STEP_FIRST  16U /* the caller's steps start here */

/*
 * Runs in the child with every signal at its default, nothing blocked; must not return (execve or _exit). Only SIGPIPE is
 * ignored, so that a report to a parent that has died does not end the child: fn sets it as the program shall have it, last
 * of all before execve. It may do what it likes when the parent has one thread; else, as after any fork, only what is
 * async-signal-safe.
 */
typedef void (*spawn_fn)(void *arg, int report_fd);

struct spawned {
	pid_t pid;
	int pidfd;     /* close-on-exec; the caller's */
	int report_fd; /* read end, non-blocking, close-on-exec; the caller's */
};

/*
 * The child is a member of cg when this returns, so that a kill of cg from now on finds it (SPAWN_ATTACH waits for that, at
 * most 100 ms; its child dies with the parent as long as it has not joined). Descriptors 0 to 2 must be open, or the child's redirections would hit its report pipe.
 *
 * 0, or -errno with no child left: -EAGAIN and -ENOMEM when the host has no more processes or memory, -ENOENT when cg was
 * removed. method says which way; on ENOSYS, EINVAL and EPERM of clone3 it falls back by itself and sets *method.
 */
int spawn_into(struct spawned *out, const struct cg *cg, enum spawn_method *method, spawn_fn fn,
	       void *arg) must_check;

/* In the child: sends a failure and exits. */
_Noreturn void spawn_fail(int report_fd, uint32_t step, int error, int exit_status);

/*
 * Finds the method that works here by spawning into a fresh child cgroup of parent, which it makes
 * and removes: a cgroup that was once killed poisons CLONE_INTO_CGROUP (Linux 6.14:
 * kernel/cgroup/cgroup.c, cgroup_post_fork() compares kill_seq of the spawner's and the target's
 * cgroup). Bounded by 2 s. 0 with *method, or -errno when neither way works.
 */
int spawn_probe(const struct cg *parent, enum spawn_method *method) must_check;
