/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The symlinks in a directory of unit files and in its *.wants, *.requires and *.upholds
 * directories. A link is named by its path below the directory: "multi-user.target.wants/foo.service".
 */
#include "util/macro.h"

/*
 * Where links go: those for units in cgkill's own directories, and those for units in systemd's.
 * runtime: those that a boot forgets. NULL, where the environment does not say where the user's are.
 */
struct unitlinks_dirs {
	char *own, *systemd;
};
int unitlinks_dirs(bool user, bool runtime, struct unitlinks_dirs *out) must_check;
void unitlinks_dirs_deinit(struct unitlinks_dirs *d);

/* All links, sorted; of a directory that is not there, none. 0 or -errno. */
int unitlinks_list(const char *dir, char ***links) must_check;
/* What the link points to, as it is written. NULL: there is no such link, or no memory. */
char *unitlinks_target(const char *dir, const char *link) must_check;

/*
 * Makes the link, at once and as a whole. 1 when it was made, 0 when one that leads to the same
 * file is there. -EEXIST: something else is there, which is replaced with force only, and only if
 * it is a link. -errno.
 */
int unitlinks_make(const char *dir, const char *link, const char *target, bool force) must_check;
/* Removes the link, and the directory that it was the last one in. 0 or -errno. */
int unitlinks_remove(const char *dir, const char *link) must_check;
