/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <jansson.h>

#include "cgkill/cgkill.h"

/*
 * A process as libcgkill explains it, as a Survivor of io.cgkill.manager, with "cgroup" and "command" besides. What is not
 * known is absent. NULL without memory.
 */
json_t *process_object(const struct cgkill_process *p);
