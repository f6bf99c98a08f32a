/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * How long a stop of some services can take, and took, as the interface has it (GetStopChain): core/chain.h over
 * core/stopbound.h and daemon/history.h.
 */
#include <jansson.h>

#include "util/clock.h"
#include "util/macro.h"

struct supervised;

/* The reply, a new reference; NULL without memory. budget: USEC_INFINITY = none. */
json_t *stopchain_render(struct supervised *const *services, size_t n, usec_t budget) must_check;
