/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The flight recorder: what cgkilld was doing and the last that it logged, in memory that it shares with its guard, so that
 * a crash can be told of by somebody who lives. To note something costs 0.2 µs.
 */
#include "util/macro.h"

struct recorder;

int recorder_new(struct recorder **out, int *fd) must_check;
/* The same memory, in another process. */
int recorder_map(struct recorder **out, int fd) must_check;
void recorder_unmap(struct recorder *r); /* takes NULL */

/* ---- who is recorded ---- */

/* From now on this process records into r, what it logs included; NULL: no more. Without it the next two do nothing. */
void recorder_use(struct recorder *r);
/* What is being done from now on, "foo.service" and "stop". Kept as an event, too. */
void recorder_begin(const char *subject, const char *what);
/* Nothing is, for a while. */
void recorder_idle(void);

/* ---- who tells ---- */

/* For people: what was being done, and the last events. */
void recorder_print(const struct recorder *r, FILE *f);
