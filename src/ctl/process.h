/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <jansson.h>

#include "cgkill/cgkill.h"

/* A name of the host's as JSON has it: what is not UTF-8 cannot be a string there, and comes with \xNN for each such byte. */
json_t *json_name(const char *name);

/*
 * A process as libcgkill explains it, as a Survivor of io.cgkill.manager, with "cgroup" and "command" besides. What is not
 * known is absent. NULL without memory.
 */
json_t *process_object(const struct cgkill_process *p);
