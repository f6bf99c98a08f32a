/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Facts about this host: for the specifiers of unit files, read once; and whether we see all of it.
 */
#include "util/hostfacts.h"
#include "util/macro.h"

/* user: paths are below $HOME and $XDG_*. The strings live as long as the process. 0 or -ENAMETOOLONG. */
int host_facts_read(struct host_facts *out, bool user, const char *runtime_dir) must_check;

/* Are we in the user namespace, or the PID namespace, that the host was started with? What cannot be told is another. */
bool host_in_initial_user_namespace(void);
bool host_in_initial_pid_namespace(void);
