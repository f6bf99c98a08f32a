/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What cgkilld is killed in the midst of, and what has to be true once its successor has taken over.
 */
#include "crash/stage.h"

/* Whose system calls are the points. */
enum watched {
	WATCH_CGKILLD, /* from the trigger on */
	WATCH_CHILD, /* of its first child before execve; the child stands still until the successor has looked */
	WATCH_FIRST,	 /* from its own start on */
	WATCH_SUCCESSOR, /* of a second cgkilld that takes over from one that was killed: it dies too */
};

struct scenario {
	const char *name;
	const char *service; /* the unit's section [Service], and others; see stage_set() */
	enum watched watched;
	bool (*prepare)(struct stage *s); /* what comes before, in peace; may be NULL */
	bool (*trigger)(struct stage *s); /* NULL where its start is it */
	bool (*over)(void *stage);
	bool (*check)(struct stage *s); /* the (last) successor is ready */
	bool (*check_end)(struct stage *s, const struct journal *j); /* all has been stopped; may be NULL */
};

extern const struct scenario scenarios[];
extern const size_t n_scenarios;

/* A guard starts the successor by itself, and ends with a cgkilld that was told to end. */
bool scenario_suits_guard(const struct scenario *sc);
/* Stops what runs, ends cgkilld, and looks whether anything is left. */
bool scenario_end(const struct scenario *sc, struct stage *s);
