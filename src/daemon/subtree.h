/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The part of the cgroup tree that is ours: found, made, locked, and removed at the end.
 */
#include "daemon/manager.h"

/*
 * Fills in hierarchy, root, root_name, root_parent and spawn_method of m. root: a cgroup path
 * ("/cgkill") or a file path under the mount; NULL = "cgkill" below the cgroup that we live in.
 * What is wrong is logged with what to do. 0 or -errno.
 */
int subtree_open(struct manager *m, const char *root) must_check;
/* The names of the cgroups in it but for our logger's, populated or not: a strv, the caller's. NULL: none. 0 or -errno. */
int subtree_list(const struct manager *m, char ***out) must_check;
/* The same of our root or any cgroup below it. */
int subtree_children(const struct manager *m, const struct cg *cg, char ***out) must_check;
/*
 * Removes the root when we made it: with what is empty in it, once all services have ended; else only if there is nothing
 * in it, for in an empty cgroup there may be the record of a service.
 */
void subtree_close(struct manager *m, bool all_ended);
