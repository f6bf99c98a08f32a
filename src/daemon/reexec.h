/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * daemon-reexec: the running program is replaced by the one that is installed now, by execve in the same process. Children
 * stay children; locks and the listening socket are handed over (daemon/inherit.h); everything else is adopted, as after a
 * crash. The new program has to prove first, in a process of its own, that it starts and can read our records.
 */
#include "daemon/manager.h"

/*
 * Begins it. c (NULL: asked for by a signal) is answered when the new program has passed its trial, which ends the loop
 * with m->reexec_due set; or with an error, and nothing has changed.
 */
void reexec_begin(struct manager *m, struct call *c);
/* Gives up a trial that is under way. */
void reexec_cancel(struct manager *m);

/* After the loop: becomes the new program. Returns only when that has failed, which is logged: go on then. */
void reexec_now(struct manager *m);
