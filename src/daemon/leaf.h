/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The leaf that we live in ourselves, where a cgroup was given to us. What has processes cannot pass controllers on to its
 * children, but for the root of all cgroups (cgroup-v2.rst, "No Internal Process Constraint"): so what we were started in,
 * GIVEN, is left for GIVEN/init.scope, by us and our guard and nobody else. That is where systemd puts itself, in containers
 * and as a user's instance; no unit that we know is named so; and the next of us, be it by daemon-reexec, after a crash or by
 * DelegateSubgroup=init.scope, knows by the name that it is in GIVEN's leaf.
 */
#include "daemon/manager.h"

#define LEAF_CGROUP "init.scope"

/* The cgroup path that we were given, from the one that we live in: that, or its parent if it is such a leaf. In place. */
void leaf_find_given(char *own_path);
/*
 * Moves us and our guard to the leaf of given, unless we live there; with pass_on given then has its controllers passed on to
 * its children. given lives as long as m. Where others live in it nobody is moved, and the kernel's own root is left as it
 * is. What does not work is told, and no reason not to go on.
 */
void leaf_enter(struct manager *m, const struct cg *given, bool pass_on);
/* At the end, nothing runs any more: given becomes as leaf_enter() has found it, with us in it, unless others use it too. */
void leaf_leave(struct manager *m);
