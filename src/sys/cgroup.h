/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A cgroup v2 directory as a handle. Names get reused, handles do not: every file is opened
 * relative to the directory descriptor with RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS|RESOLVE_NO_XDEV.
 * When the directory was removed, operations give -ENOENT or -ENODEV. All functions: 0 or -errno,
 * no logging, thread-safe for distinct handles.
 *
 * The prefix is cg_, because libcgroup owns cgroup_.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/macro.h"

struct cg {
	int fd; /* O_PATH is not enough: it is fsync-able O_RDONLY|O_DIRECTORY|O_CLOEXEC, for readdir as well */
	uint64_t id; /* the kernel's cgroup id = st_ino of the directory; differs after rmdir + mkdir */
	char *path; /* the cgroup path as /proc/PID/cgroup shows it, for the guard and for people */
};

#define CG_INIT             \
	{                   \
		-1, 0, NULL \
	}

/*
 * Opens a cgroup by file path. -ENOTDIR, -EMEDIUMTYPE (not on cgroup2), -ENOENT, -ELOOP for a symlink in the last part, -EXDEV
 * and -ENOSYS as cgroup_path_of_directory().
 */
int cg_open_path(struct cg *out, const char *file_path) must_check;
/*
 * The same of a directory that was opened for reading; fd is taken over, also on failure. file_path: what it was opened by
 * without a symlink, or NULL.
 */
int cg_open_fd(struct cg *out, int fd, const char *file_path) must_check;
/* Opens or makes a child; name is one component. cg_create: -EEXIST when it is there already. */
int cg_open(struct cg *out, const struct cg *parent, const char *name) must_check;
int cg_create(struct cg *out, const struct cg *parent, const char *name) must_check;
void cg_close(struct cg *cg);
static inline bool cg_is_open(const struct cg *cg)
{
	return cg->fd >= 0;
}
/* Does this error of any of the functions mean that the cgroup was removed? */
static inline bool cg_is_gone(int error)
{
	return error == -ENOENT || error == -ENODEV;
}
/* Not removed: while that is so, cg->path names this cgroup and no other. */
bool cg_is_alive(const struct cg *cg);

/* cgroup.events. The event descriptor is re-read with pread at 0; wait for it with EPOLLPRI|EPOLLERR, never EPOLLIN. */
struct cg_events {
	bool populated, frozen;
};
int cg_events_open(const struct cg *cg) must_check; /* fd, the caller closes it; -EOPNOTSUPP: the root has none */
int cg_events_read(int events_fd, struct cg_events *out) must_check;
/* 1 populated, 0 empty (also when the cgroup is gone: what is removed was empty), -errno. */
int cg_populated(const struct cg *cg) must_check;

/* Writes "1" to cgroup.kill. -ENOENT before Linux 5.14; -EOPNOTSUPP for a threaded cgroup. */
int cg_kill_write(const struct cg *cg) must_check;
/* How deep cgroups may be made below it: cgroup.max.depth. */
int cg_limit_depth(const struct cg *cg, unsigned depth) must_check;
int cg_freeze(const struct cg *cg, bool freeze) must_check; /* returns at once; wait for events.frozen */
int cg_freeze_asked(const struct cg *cg) must_check; /* cgroup.freeze of this one: 1, 0, -errno (-ENOENT before Linux 5.2) */

/*
 * An extended attribute of the directory, which dies with the cgroup: user.NAME, or where cgroups have none such (before
 * Linux 5.7) trusted.NAME. Replaced as a whole: a reader gets the old data or the new. cg may be a bare descriptor. A cgroup
 * that was removed takes attributes like any other, for nobody to read.
 *
 * -EOPNOTSUPP and -EPERM (of trusted.*: CAP_SYS_ADMIN): there are none here; -ENODATA: this one is not set; -ERANGE: it is
 * longer than cap. cg_attr_get: its length.
 */
int cg_attr_set(const struct cg *cg, const char *name, const void *data, size_t len) must_check;
ssize_t cg_attr_get(const struct cg *cg, const char *name, void *buf, size_t cap) must_check;
int cg_attr_remove(const struct cg *cg, const char *name) must_check;

/* Moves the whole process pid (0 = the caller) in. Takes a global kernel lock: up to 10 ms. */
int cg_attach(const struct cg *cg, pid_t pid) must_check;

/*
 * Walks the subtree, parents before children, depth-limited; the callback gets an open handle that is closed when it
 * returns. A child that vanishes meanwhile is skipped. A negative return ends the walk and is passed on. -ENAMETOOLONG: it is
 * nested deeper than 256, and what is not so deep was walked.
 */
typedef int (*cg_visit_fn)(const struct cg *cg, void *arg);
int cg_walk(const struct cg *root, cg_visit_fn visit, void *arg) must_check;

/*
 * Reads the processes of this one cgroup (not of its children). In a threaded cgroup, whose
 * cgroup.procs is EOPNOTSUPP, -EOPNOTSUPP: its processes are listed at the threaded domain's root.
 * pid 0 = a process outside our PID namespace.
 */
struct cg_pids {
	pid_t *v;
	size_t n, cap;
};
int cg_read_procs(const struct cg *cg,
		  struct cg_pids *out) must_check; /* out is emptied first, its memory reused */
void cg_pids_deinit(struct cg_pids *p);
/*
 * One member of this one cgroup at a fixed cost: the last of some hundred bytes of cgroup.procs, in
 * a small cgroup the last that joined. *out = 0: none, or outside our PID namespace.
 */
int cg_last_pid(const struct cg *cg, pid_t *out) must_check;
/* The number of processes of the whole subtree; -errno (-EOPNOTSUPP when cg itself is threaded). */
ssize_t cg_count(const struct cg *cg) must_check;

/*
 * Removes the child `name` of parent with all cgroups below it, bottom-up. Never moves or signals a process. -EBUSY while
 * a process lives in it (what is empty below it is gone by then); -ENAMETOOLONG as above; 0 when it was not there.
 */
int cg_remove(const struct cg *parent, const char *name) must_check;

/*
 * The guard: 0 when killing or signalling cg may go on, -EPERM when its subtree holds this process,
 * PID 1 as we see it, or the process `caller` (0 = none; one that has ended is none). Another
 * -errno: it cannot be told, which is a refusal too. On any refusal *who says about whom ("cgkilld
 * itself", "PID 1", "the caller (PID 123)"), static or per-thread storage.
 */
int cg_guard(const struct cg *cg, pid_t caller, const char **who) must_check;
/* The same about one process alone. One that has ended is no reason to refuse; one that /proc merely hides (hidepid=) is. */
int cg_guard_process(const struct cg *cg, pid_t pid) must_check;
