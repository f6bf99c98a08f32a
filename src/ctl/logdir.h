/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Where the logs of services are.
 */
#include "ctl/ctl.h"

/* A descriptor of the directory, or -errno; *path, where it is not NULL, is the caller's. -ENOKEY: no runtime directory is known. */
int logdir_open(const struct options *o, char **path) must_check;
