/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The limits of units, written to their cgroups, and the controllers that this takes: those that our root has are passed down
 * to where they are needed. Nothing above our root is ever written to: what its parent does not pass on is not there for us.
 */
#include "daemon/supervisor.h"

struct resources;
struct slice;

/*
 * Before the first process of a run is born in it: the unit's cgroup, which is open. What the host refuses is told by the
 * directive's name; -EOPNOTSUPP: and the unit must not be started without.
 */
int resources_limit_unit(struct supervised *sv) must_check;
/* The same of a slice, whose cgroup has just been made; -EOPNOTSUPP: nothing must be started in it. */
int resources_limit_slice(struct manager *m, struct slice *s) must_check;
/* Other files: what has changed against those of before (NULL = nothing was set) is written now to what runs. */
void resources_reloaded(struct supervised *sv, const struct resources *before);

/* Delegate=: the leaf of a main process gets the controllers that it asks for, and a depth that we can remove. */
void resources_delegate(struct supervised *sv, const struct cg *leaf);
