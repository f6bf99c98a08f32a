/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What happened to a service: one stream of small records that status, answers, monitors and the
 * log all read. The last TRAIL_MAX are kept.
 */
#include <jansson.h>

#include "core/service.h"
#include "util/buf.h"
#include "util/clock.h"

#define TRAIL_MAX 32 /* what a restart with commands in all its stages is told in, and a few more */

enum trail_kind {
	TRAIL_INVALID,
	TRAIL_JOB, /* a request came, or got its answer */
	TRAIL_STATE,
	TRAIL_SPAWN,
	TRAIL_EXIT,
	TRAIL_SIGNAL,
	TRAIL_KILL,
	TRAIL_EMPTY,
	TRAIL_ADOPT,  /* taken over from an earlier cgkilld, in this state */
	TRAIL_ESCAPE, /* a process of it lives outside of its cgroup */
	TRAIL_KIND_MAX,
};

struct trail_event {
	usec_t boot; /* CLOCK_BOOTTIME, filled in by trail_add() */
	enum trail_kind kind;
	bool by_peer; /* JOB: a client has asked, who is in job and names */
	union {
		struct {
			const char *what;   /* "start", … */
			const char *result; /* "requested", or answer_name() */
			uid_t uid;
			pid_t pid;
		} job;
		enum service_state state;
		struct {
			pid_t pid;
			enum exec_phase phase;
		} spawn;
		struct {
			pid_t pid;
			struct exit_info info;
			bool is_main;
		} exit;
		struct {
			int signal;
			enum whom whom;
			unsigned count;
		} signal; /* SIGNAL and KILL */
		struct {
			pid_t pid;
		} escape;
	};
	const char *names; /* SIGNAL, KILL: "daemon, sh" of whom it hit; JOB: the peer's comm, or the unit that needs it; ESCAPE: "sleep lives in /x"; may be NULL */
};

struct trail {
	struct trail_event *v; /* grows up to TRAIL_MAX, then it is a ring */
	unsigned cap;
	unsigned n; /* events ever added: v[(n - 1) % TRAIL_MAX] is the newest */
};

/* Keeps a copy, e->names included. Best effort: without memory the event is dropped, or its names. */
const struct trail_event *trail_add(struct trail *t, const struct trail_event *e);
void trail_deinit(struct trail *t);
/* Event of the interface as JSON, a new reference. NULL without memory. */
json_t *trail_event_json(const struct trail_event *e, const char *unit);
/* Appends what it means, for a log: nothing for those that need no words, or have others (states). */
void trail_describe(struct buf *b, const struct trail_event *e);
/* All kept events since a CLOCK_BOOTTIME, oldest first. */
json_t *trail_json(const struct trail *t, const char *unit, usec_t since);
/* Was anything killed since? */
bool trail_has_kill(const struct trail *t, usec_t since);
