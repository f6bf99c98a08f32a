/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What is to be mounted for a service, in which order, and who may write there in the end. Pure: made from the unit's
 * directives, then the child replaces each path by what symlinks make of it, then it is settled.
 */
#include "core/load.h"

/* In the order in which they come at one path. */
enum mount_kind {
	MOUNT_INACCESSIBLE, /* nothing, for nobody */
	MOUNT_TMPFS,
	MOUNT_BIND,
	MOUNT_PROC,
	MOUNT_DEV, /* the few devices of PrivateDevices= */
	MOUNT_MQUEUE,
	MOUNT_ITSELF, /* what is there, so that it has attributes of its own */
};

/* The strictest last: it wins where one path has several. */
enum mount_access { ACCESS_AS_IT_IS, ACCESS_READ_WRITE, ACCESS_READ_ONLY };
/* Here ExecPaths= wins, as in systemd. */
enum mount_exec { EXEC_AS_IT_IS, EXEC_NO, EXEC_YES };

struct mount_step {
	enum mount_kind kind;
	enum mount_access access; /* read-write never takes a read-only away that the host has put there */
	enum mount_exec exec;
	char *path;
	char *source;	       /* BIND */
	char *options;	       /* TMPFS, PROC; may be NULL */
	unsigned long flags;   /* TMPFS: MS_* */
	const char *directive; /* on whose behalf */
	bool optional;	       /* no error where the path, or the source, is not there */
	bool recursive;	       /* BIND */
	bool makes_path;       /* the place is made where it is not there */
	bool top_only;	       /* what is mounted below is read-write again */
	bool insist; /* the service cannot do without: a host that refuses fails the start, whatever is asked for */
	int tree; /* the child's: a mount to be moved there; -1 = none */
};

struct mount_plan {
	struct mount_step *v;
	size_t n;
};

#define MOUNT_PLAN_INIT \
	{               \
		NULL, 0 \
	}

/* Where this run has its /tmp and /var/tmp; NULL = it has none. */
struct private_tmp {
	char *tmp, *var_tmp;
};

/*
 * The unit has a sandbox. notify_dir: where its $NOTIFY_SOCKET is, shown through what would hide it, in a root of its own, too,
 * unless that is InaccessiblePaths=; NULL = it has none. 0 or -ENOMEM; what is there then is the caller's to deinit, too.
 */
int mount_plan_make(struct mount_plan *p, const struct unit *u, const struct host_facts *host,
		    const struct private_tmp *tmp, const char *notify_dir) must_check;
void mount_plan_deinit(struct mount_plan *p);
/* Removes the step at i. */
void mount_plan_drop(struct mount_plan *p, size_t i);

/*
 * Into the order in which it is done, what contains others first, without what has no effect: what is below an inaccessible
 * path, and what the rule above it says already.
 */
void mount_plan_settle(struct mount_plan *p);

/*
 * What is mounted at the topmost place above that of step i, so that what is there by now says nothing of it; NULL: nothing. An
 * inaccessible path has none: what it is decides by what it is hidden.
 */
const struct mount_step *mount_plan_cover(const struct mount_plan *p, size_t i);

/* Of a settled plan: what the most specific rules say of something mounted at path; directive, where it is not NULL: whose. */
enum mount_access mount_plan_access(const struct mount_plan *p, const char *path,
				    const char **directive);
enum mount_exec mount_plan_exec(const struct mount_plan *p, const char *path);

/* Is path at or below top? Both normalized. NULL: no; else the rest, "/…" or "". */
const char *path_below(const char *path, const char *top);
