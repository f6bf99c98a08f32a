/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * How processes end that are no children of ours and that somebody else reaps: on kernels that do
 * not keep it (pidfd_status_is_kept()) it is only ever told at that moment (sys/procevents.h).
 */
#include "core/outcome.h"
#include "daemon/loop.h"

struct deathwatch; /* NULL = nobody's end is expected, and nothing is listened to */

/* pidfd is of process pid, which lives. Best effort: without events or memory nothing will be told. */
void deathwatch_expect(struct deathwatch **w, struct loop *l, int pidfd, pid_t pid);
/* The process has ended: do we know how? It is not expected any more. */
bool deathwatch_told(struct deathwatch **w, pid_t pid, struct exit_info *out);
void deathwatch_free(struct deathwatch *w); /* takes NULL */
