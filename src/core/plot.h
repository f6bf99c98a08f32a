/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The time line of a stop or a boot as a picture: a bar a unit, in its stages, on one axis. SVG in one piece, light and dark
 * by the reader's preference, without scripts or anything from elsewhere; its text can be selected, and every name in it is
 * escaped. Pure: events in, text out.
 */
#include "core/service.h"
#include "util/buf.h"

/* In a bar: a stage begins, or a signal was sent. */
struct plot_event {
	usec_t at;		  /* on any clock, the same for all bars */
	enum service_state state; /* of the last one: what it led to; STATE_INVALID: a signal */
	int signal;
	bool kill; /* with SIGKILL to the whole cgroup */
	unsigned count;
};

struct plot_bar {
	const char *unit;
	const struct plot_event *events; /* by time */
	size_t n;
	bool over;    /* false: it goes on */
	bool partial; /* something of it is not known */
};

struct plot {
	const char *title, *subtitle;
	const struct plot_bar *bars; /* in the order of the picture */
	size_t n;
};

/* Appends to out, whose error it is when memory runs out. */
void plot_render(const struct plot *p, struct buf *out);
