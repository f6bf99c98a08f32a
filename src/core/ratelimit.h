/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * At most `burst` events within `interval`, counted from the first one: StartLimitIntervalSec= and StartLimitBurst=.
 */
#include "util/clock.h"
#include "util/macro.h"

struct ratelimit {
	usec_t begin; /* of the window; meaningful while count > 0 */
	unsigned count;
};

/* Counts one event and says whether it is within the limit. interval or burst 0: always is. */
static inline bool ratelimit_allows(struct ratelimit *r, usec_t interval, unsigned burst, usec_t now)
{
	if (interval == 0 || burst == 0)
		return true;
	if (r->count == 0 || now >= usec_add(r->begin, interval))
		*r = (struct ratelimit){ .begin = now };
	if (r->count >= burst)
		return false;
	r->count++;
	return true;
}
