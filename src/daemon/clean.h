/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The method Clean: directories of units that do not run are deleted. */
#include "daemon/server.h"

struct manager;

/* Answers c. units: strings; what: words like "state", or no array: runtime and cache. Both are borrowed. */
void clean_units(struct call *c, struct manager *m, json_t *units, json_t *what);
