/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The end of it all: every service is stopped, then the loop quits.
 *
 * A service is asked to stop once all that started after it (core/order.h) have ended. Without a deadline that takes the
 * time that the units allow. With one, the order is kept for half of the time; then all that remain are asked at once. The
 * deadline is when everything has been killed and verified: SIGKILL is sent a little earlier, by a tenth of the time, by
 * half a second at most. Within each stop the stages are compressed as core/service.h says. What lives then is stuck, which
 * takes KillVerifySec= more to tell.
 */
#include "daemon/manager.h"

struct call;
struct shutdown;

/*
 * Begins one, or joins the one under way: an earlier deadline (absolute; USEC_INFINITY = none) wins, nothing extends it.
 * c is answered at the end, with what became of each service.
 */
void shutdown_call(struct manager *m, struct call *c, usec_t deadline);
/* The same for SIGTERM, within the budget of --shutdown-deadline=. A second one kills at once. */
void shutdown_by_signal(struct manager *m);
/* The same for SuccessAction=, FailureAction= or StartLimitAction= of that unit; force: everything is killed at once. */
void shutdown_by_unit(struct manager *m, const char *name, bool force);
/* Takes NULL. Between the server, which cancels the calls, and the services. */
void shutdown_free(struct shutdown *s);
