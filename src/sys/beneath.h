/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Directories below one that is trusted, where others may own what is on the way: nobody can lead us elsewhere by
 * exchanging a directory for a link or for something mounted. Descriptors are O_PATH, close-on-exec.
 */
#include "util/macro.h"

/* The directory of that absolute path; make: what is missing of it is made, 0755. A descriptor or -errno. */
int beneath_open_base(const char *path, bool make) must_check;

/*
 * The directory that holds, or would hold, the last component of path, which is normalized and relative to base; *name is
 * that component, in path. make: what is missing on the way is made, 0755. Else nothing that is mounted on the way is
 * entered, as it may never answer (-EXDEV). A descriptor or -errno.
 */
int beneath_parent(int base, const char *path, bool make, const char **name) must_check;

/*
 * The directory name in parent. A symlink is followed only if nobody but root and ourselves can have made it. A descriptor
 * or -errno (-ENOTDIR: such a link, or no directory).
 */
int beneath_enter(int parent, const char *name) must_check;

/*
 * What is at path, which is normalized and relative to base ("": base itself), through mounts, and through symlinks as above.
 * A descriptor or -errno (-ENOTDIR, -ELOOP: a symlink that somebody else can have made).
 */
int beneath_open(int base, const char *path) must_check;

/* Is it where something is mounted, be it a part of the same file system? What cannot be told counts as such. */
bool beneath_is_mount(int fd);
