/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * One line on a terminal that tells what a long command waits for, redrawn in place and erased at
 * the end.
 */
#include <jansson.h>

#include "ctl/format.h"

struct progress_unit {
	char *name;
	char sub_state[32]; /* as much of it as fits: the longest known has 14 bytes */
	usec_t ends;	    /* when the present stage ends by itself; infinity = never */
	json_int_t processes;
};

struct progress {
	bool enabled; /* standard error is a terminal */
	bool drawn;
	usec_t next; /* when to draw it next */
	struct progress_unit *v;
	size_t n;
};

void progress_init(struct progress *p, bool wanted);
void progress_deinit(struct progress *p); /* erases it */
void progress_erase(struct progress *p);  /* for what is to be said in between */

/* Takes in a Progress of io.cgkill.manager; false: it is malformed. */
bool progress_update(struct progress *p, const json_t *progress);
/*
 * Draws it if it is time to, and says when it is time again: infinity when there is nothing to be
 * drawn.
 */
usec_t progress_draw(struct progress *p, usec_t now);
/* The line, without what moves the cursor. */
void progress_describe(const struct progress *p, usec_t now, struct buf *out);
