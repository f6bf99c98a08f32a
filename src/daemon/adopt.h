/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Takes up what an earlier cgkilld has left: cgroups, the processes in them, and the records of both.
 */
#include "daemon/manager.h"

struct process;

/*
 * Every service that has a cgroup in our subtree or a record is known afterwards and goes on from where it stood. A cgroup
 * without a believable record is a stranger's: watched, shown as unknown, killed only when asked. Empty ones are removed.
 *
 * 0, or -errno, logged: something of it could not be read now (no descriptors, no memory), and what is not known may live. Who
 * cannot take over everything is not to start: the services run on, and nothing is lost for the next one.
 */
int adopt_all(struct manager *m) must_check;

/*
 * A process of a service that is not our child, perhaps; an identity of 0 is filled in. *out: one that lives, or whose end is
 * still to be had; NULL: it is gone. 0 or -errno: it may live, unwatched.
 */
int adopt_process(struct manager *m, bool is_main, const struct service *machine,
		  struct process_id *id, struct process **out) must_check;

/* For --adopt=no: 0 when nobody lives in our subtree; -EBUSY: somebody does, and was named; -errno. */
int adopt_refuse(struct manager *m) must_check;
