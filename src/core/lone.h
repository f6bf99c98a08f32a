/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The life of a command that is run without cgroups, and of all that it has started: what is to be done when. Who they are
 * and how they are reached is for daemon/lone.h.
 */
#include "util/clock.h"

enum lone_state {
	LONE_STATE_INVALID,
	LONE_RUNNING,  /* the command */
	LONE_STOPPING, /* it was asked to end, and has time */
	LONE_ENDING,   /* it has ended; the rest was asked to, and has a shorter time */
	LONE_KILLING,  /* all of them were killed */
	LONE_OVER,     /* nobody is left */
	LONE_STUCK,    /* somebody is, whom SIGKILL does not end */
	LONE_STATE_MAX,
};

enum lone_event {
	LONE_EVENT_INVALID,
	LONE_STOP,  /* we were asked to end all of it */
	LONE_ENDED, /* the command has */
	LONE_OTHER, /* somebody else has, and may have left children to us that we did not know of */
	LONE_EMPTY, /* nobody is left */
	LONE_TIME,  /* life.timer was reached */
	LONE_EVENT_MAX,
};

enum lone_action {
	LONE_NOTHING,
	LONE_TELL,     /* the stop signal to the command */
	LONE_TELL_ALL, /* SIGTERM to all that are left */
	LONE_KILL_ALL, /* SIGKILL to them */
};

struct lone_times {
	usec_t stop; /* for the command and the rest together, from LONE_STOP until they are killed */
	usec_t rest;   /* for the rest alone, where no stop is under way or has more time left */
	usec_t verify; /* how long SIGKILL may take */
};

struct lone {
	enum lone_state state;
	struct lone_times times;
	usec_t deadline; /* of the stop, once there is one; nothing extends it. Else infinity */
	usec_t timer;	 /* when LONE_TIME is due, absolute; infinity: never */
};

/* Its command runs. */
struct lone lone_begin(struct lone_times times);
/* What is to be done now. An event that means nothing in this state changes nothing. */
enum lone_action lone_step(struct lone *l, enum lone_event event, usec_t now);
