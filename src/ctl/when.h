/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A point in time as a person says it: systemd.time(7), "PARSING TIMESTAMPS", the usual forms.
 */
#include "util/clock.h"
#include "util/macro.h"

/*
 * "2026-11-22 12:45:45.5", "2026-11-22", "12:45", "now", "today", "yesterday", "tomorrow", "-5min", "+1h", "5min ago",
 * "@1764000000"; all in local time. now and *out: CLOCK_REALTIME. 0 or -EINVAL.
 */
int parse_when(const char *text, usec_t now, usec_t *out) must_check;
