/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Clients that follow what happens (the interface's Monitor). One that reads too slowly is told so by the end of its call.
 */
#include "daemon/server.h"
#include "daemon/trail.h"
#include "util/list.h"

struct manager;

/* patterns: globs of unit names, NULL = all; taken over. Sends the present state of each unit first. */
void monitor_new(struct manager *m, struct call *c, char **patterns);
/* cgkilld shuts down: who follows is told so, and need not look for another connection. */
void monitor_end_all(struct list *monitors);
void monitor_tell(struct list *monitors, const char *unit, const struct trail_event *e);
