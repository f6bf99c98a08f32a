/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Takes up what an earlier cgkilld has left: cgroups, the processes in them, and the records of both.
 */
#include "daemon/manager.h"

/*
 * Every service that has a cgroup in our subtree or a record is known afterwards and goes on from where it stood. A cgroup
 * without a believable record is a stranger's: watched, shown as unknown, killed only when asked. Empty ones are removed.
 */
void adopt_all(struct manager *m);

/* For --adopt=no: 0 when nobody lives in our subtree; -EBUSY: somebody does, and was named. */
int adopt_refuse(struct manager *m) must_check;
