/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The cgroups of one service: ROOT/UNIT, which a stop is about, and in it the leaves that processes
 * are born in: "main.N" for each run of the main process, "control.N" for control processes. Side
 * by side, so that what the daemon makes of its own cgroup (threads, cgroups below it, limits) is
 * no concern of its helpers. A leaf that was killed is never launched into again: see sys/spawn.h.
 */
#include "sys/cgroup.h"

struct cgroups {
	struct cg unit;		 /* open while it exists */
	unsigned serial;	 /* of the newest leaf ever made, so that no number comes again */
	unsigned main_serial;	 /* of the newest main leaf; 0 = none */
	unsigned control_serial; /* likewise, for control processes */
};

#define CGROUPS_INIT            \
	{                       \
		.unit = CG_INIT \
	}

/* Opens the unit's cgroup, made below root if need be. 0, also when it is open, or -errno. */
int cgroups_open(struct cgroups *c, const struct cg *root, const char *unit) must_check;
/* Opens it if it is there and somebody lives in it: then true. */
bool cgroups_find(struct cgroups *c, const struct cg *root, const char *unit);

/*
 * Opens what an earlier cgkilld has left, populated or not, and learns which leaves there are. 0, -ENOENT when there is no such cgroup, -errno.
 */
int cgroups_adopt(struct cgroups *c, const struct cg *root, const char *unit) must_check;
/* Calls fn with each leaf: serial of "main.N" or "control.N", an open handle. A result other than 0 ends it and is passed on. */
typedef int (*leaf_fn)(const struct cg *leaf, bool is_main, unsigned serial, void *arg);
int cgroups_each_leaf(const struct cgroups *c, leaf_fn fn, void *arg) must_check;

/* A fresh leaf for a process, the caller's to close. 0 or -errno. */
int cgroups_main_leaf(struct cgroups *c, struct cg *out) must_check;
int cgroups_control_leaf(struct cgroups *c, struct cg *out) must_check;
/* The leaf of the last main or control process. -ENOENT when there is none. */
int cgroups_open_main(const struct cgroups *c, struct cg *out) must_check;
int cgroups_open_control(const struct cgroups *c, struct cg *out) must_check;

/* Removes the leaf of that number. False: somebody is in it. */
bool cgroups_remove_leaf(struct cgroups *c, bool is_main, unsigned serial) must_check;
/*
 * Removes the leaves as soon as nobody is in them, so that nobody can join them any more: that is
 * what makes `populated 0` last. False when somebody has joined in between.
 */
bool cgroups_seal(struct cgroups *c) must_check;
/* Forgets it, open or not, and removes it from root. -EBUSY: somebody is in it. */
int cgroups_remove(struct cgroups *c, const struct cg *root, const char *unit) must_check;
void cgroups_close(struct cgroups *c);
