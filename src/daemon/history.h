/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * How the last start and the last stop of a service went: when each stage began, and what was sent meanwhile. Fed from the
 * one stream of events (daemon/trail.h), of which it keeps the little that a time line needs, however long ago that was.
 *
 * It lives in memory alone. What a cgkilld has found running it knows from then on, and says so.
 */
#include <jansson.h>

#include "core/service.h"
#include "daemon/trail.h"

struct manager;

/* The unit of history_mark.at, which ends after eleven hours: a stage that began later stands at the end. */
#define HISTORY_TICK ((usec_t)10)

/* All stages of a stop, and their signals. */
#define HISTORY_MARKS 14

struct history_mark {
	uint32_t at;	/* in ticks since its run began */
	uint16_t count; /* SIGNAL, KILL: processes */
	uint8_t kind;	/* enum trail_kind: STATE, SIGNAL, KILL */
	uint8_t what;	/* STATE: enum service_state; else the signal */
};

struct history_run {
	usec_t begin;		   /* 0 = there was none */
	struct history_mark *mark; /* room for a few at first, then for all */
	uint8_t n, cap;
	bool over;    /* its last mark is the state that it led to */
	bool partial; /* it has lost its beginning, or something on its way */
};

struct history {
	struct history_run start, stop;
	struct history_run *current; /* that of the two which goes on; NULL = none */
};

/* e as it is in the trail, with its time; NULL: something happened that was lost. Without memory the run is partial. */
void history_note(struct history *h, const struct trail_event *e);
void history_deinit(struct history *h);

/* What a run that is over took, of which nothing is missing; USEC_INFINITY: that is not known. */
usec_t history_took(const struct history_run *r);
/* … in each stage. */
void history_stages(const struct history_run *r, usec_t stage[STATE_MAX]);

/* Timeline of the interface, of each run that there was, appended to list. */
void history_render(const struct history *h, const char *unit, json_t *list);

/* At the end: the reply of GetTimelines as a file in the runtime directory, so that it outlives us. 0 or -errno. */
int history_save(struct manager *m) must_check;
