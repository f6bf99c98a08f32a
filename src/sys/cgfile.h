/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The interface files of a cgroup, by the descriptor of its directory; cgroup-v2.rst, "Interface Files". All: -ENOENT where
 * there is no such file: its controller is not passed on to the cgroup, or the kernel is older.
 */
#include <stdint.h>
#include <sys/types.h>

#include "util/macro.h"

/* The text, ended by a 0; of what is longer the beginning counts. Its length, or -errno. */
ssize_t cgfile_text(int cgroup, const char *file, char *text, size_t cap) must_check;
/* One number; "max" is UINT64_MAX. 0; -EBADMSG: it is none; -errno. */
int cgfile_number(int cgroup, const char *file, uint64_t *out) must_check;
/* The number behind "key " in a file of such lines. -ENODATA: there is none. */
int cgfile_key(int cgroup, const char *file, const char *key, uint64_t *out) must_check;
int cgfile_write(int cgroup, const char *file, const char *value) must_check;

/* Passes the controller on to the children: 0; -ENODEV: the cgroup does not have it; -EBUSY: processes live in it; -errno. */
int cgfile_pass_on(int cgroup, const char *controller) must_check;
