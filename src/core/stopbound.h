/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The longest that a stop of one unit can take by its timeouts, stage by stage, as core/service.c goes through them: from the
 * first moment of the stop until it has its answer. tests/unit/test_stopbound.c holds it against the machine itself.
 *
 * What nobody can know beforehand is not in it: time that the service asks for with EXTEND_TIMEOUT_USEC=, which only
 * StopDeadlineSec= bounds, and a tracer that withholds the end of a killed process, for one KillVerifySec= more.
 */
#include "core/service.h"

struct stopbound {
	usec_t stage[STATE_MAX]; /* each by its own timeouts, as if there were no deadline; USEC_INFINITY = without end */
	usec_t total; /* of all, or what StopDeadlineSec= and the kill after it leave of that */
	enum service_state costliest; /* the first of those that cost most; STATE_INVALID: none takes any time */
};

void stopbound_of(const struct unit *u, struct stopbound *out);

/* The directive that a stage's time comes from: "TimeoutStopSec"; of a kill the one that costs more. NULL: none does. */
const char *stopbound_directive(const struct unit *u, enum service_state stage);

/*
 * The largest TimeoutStopSec= with which a stop takes no longer than limit, and a TimeoutAbortSec= that equals it, as it does
 * where it was not set, changed with it. False where none would do.
 */
bool stopbound_fit(const struct unit *u, usec_t limit, usec_t *timeout_stop);

/* What to write into the unit for that: one setting, or two together; in numbers that a person would write. */
struct stopbound_setting {
	const char *directive;
	usec_t value;
};
#define STOPBOUND_SETTINGS_MAX 2
/* The number of them; 0: limit is too short for anything. */
size_t stopbound_shorten(const struct unit *u, usec_t limit,
			 struct stopbound_setting out[static STOPBOUND_SETTINGS_MAX]);
