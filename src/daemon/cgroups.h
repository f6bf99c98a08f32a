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
	unsigned serial;	 /* of the leaves made so far */
	unsigned main_serial;	 /* of the newest main leaf; 0 = none */
	unsigned control_serial; /* of the leaf for control processes; 0 = a fresh one is to be made */
};

#define CGROUPS_INIT            \
	{                       \
		.unit = CG_INIT \
	}

/* Opens the unit's cgroup, made below root if need be. 0, also when it is open, or -errno. */
int cgroups_open(struct cgroups *c, const struct cg *root, const char *unit) must_check;
/* Opens it if it is there and somebody lives in it: then true. */
bool cgroups_find(struct cgroups *c, const struct cg *root, const char *unit);

/* A leaf for a process, the caller's to close. 0 or -errno. */
int cgroups_main_leaf(struct cgroups *c, struct cg *out) must_check;
int cgroups_control_leaf(struct cgroups *c, struct cg *out) must_check; /* the present one, or a fresh one */
/* The present one. -ENOENT when there is none. */
int cgroups_open_control(const struct cgroups *c, struct cg *out) must_check;
/* It was killed, or is to be: the next control process gets a fresh one. */
void cgroups_retire_control(struct cgroups *c);

/*
 * Removes the leaves as soon as nobody is in them, so that nobody can join them any more: that is
 * what makes `populated 0` last. False when somebody has joined in between.
 */
bool cgroups_seal(struct cgroups *c) must_check;
/* Forgets it, open or not, and removes it from root. -EBUSY: somebody is in it. */
int cgroups_remove(struct cgroups *c, const struct cg *root, const char *unit) must_check;
void cgroups_close(struct cgroups *c);
