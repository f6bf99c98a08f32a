/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "util/macro.h"

/* The fields of a line of proc_pid_mountinfo(5) that matter here, still escaped. */
struct mount_line {
	char *id, *root, *point, *options, *type, *source, *super_options;
};

/* Cuts line into its fields, which point into it. False: it is no such line. */
bool mountinfo_split(char *line, struct mount_line *out) must_check;
