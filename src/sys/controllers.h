/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The controllers of cgroups as libcgroup sees them: it finds them, and writes values where it can. Never its create and
 * delete: it would write to subtree_control from the mount's root down, and move survivors to the parent.
 */
#include "sys/cgroup.h"
#include "sys/hierarchy.h"

/*
 * Which hierarchy a controller is on, by libcgroup's tables: 2 (usable on v2), 1 (bound to a v1
 * mount), 0 (nowhere), or -errno. Advisory, for messages: libcgroup 2.0 does not see a v2 mount without controllers.
 */
int controllers_version(const char *controller);

/* The words of cgroup.controllers: what cg has, and can pass on. A strv, the caller's, NULL = none. 0 or -errno. */
int controllers_list(const struct cg *cg, char ***out) must_check;
/* The same of cgroup.subtree_control: what it does pass on. */
int controllers_passed_on(const struct cg *cg, char ***out) must_check;
/* Writes a file of that controller in cg. 0 or -errno; -ENOENT: there is no such file (of an older kernel). */
int controllers_write(const struct hierarchy *h, const struct cg *cg, const char *controller,
		      const char *file, const char *value) must_check;
