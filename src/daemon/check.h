/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Condition…= and Assert…= of a unit that is to be started: a child looks, for as long as it takes, or until nobody asks any
 * more; cgkilld goes on meanwhile. Its exit status is the place of what stands against the start, plus one; 0 = nothing.
 */
#include <stdbool.h>

#include "util/clock.h"

struct check; /* NULL = it was never asked for */
struct supervised;

/* ACTION_CHECK: EVENT_CHECKED comes. */
void check_start(struct supervised *sv);
/* The state has changed, so that nobody asks any more. A child at work is dismissed. */
void check_stop(struct supervised *sv);
void check_free(struct check *c); /* takes NULL */

/* The last answer. Where there is nothing to be checked all is well. */
usec_t check_time(const struct supervised *sv);		/* CLOCK_REALTIME; 0: there is none */
bool check_conditions_met(const struct supervised *sv); /* false before the first, as systemd has it */
bool check_asserts_met(const struct supervised *sv);
/* What stood against the start, "ConditionPathExists=/etc/foo was not met"; NULL: nothing. It is borrowed. */
const char *check_reason(const struct supervised *sv);
