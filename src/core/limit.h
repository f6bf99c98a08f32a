/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The values of Limit*= (systemd.exec(5), "PROCESS PROPERTIES"): "soft:hard" or one for both.
 */
#include "core/unit.h"

/*
 * s for the RLIMIT_* resource: a number, "infinity", a size for what counts bytes, a time span for
 * LimitCPU= and LimitRTTIME=, a nice level with its sign for LimitNICE=. 0, -EINVAL, -ERANGE,
 * -EILSEQ (soft above hard).
 */
int limit_parse(const char *s, int resource, struct limit *out) must_check;

/* "NOFILE" for RLIMIT_NOFILE; NULL for what is no resource. */
const char *limit_name(int resource);
