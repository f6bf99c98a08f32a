/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Facts about this host for the specifiers of unit files, read once.
 */
#include "util/hostfacts.h"
#include "util/macro.h"

/* user: paths are below $HOME and $XDG_*. The strings live as long as the process. 0 or -ENAMETOOLONG. */
int host_facts_read(struct host_facts *out, bool user, const char *runtime_dir) must_check;
