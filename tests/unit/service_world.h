/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The service's state machine in a small world of its own, in virtual time: processes that obey,
 * ignore what can be ignored, or cannot be killed; commands that end, fail, hang or cannot be
 * spawned. The world performs the actions, feeds what follows from them, keeps books of its own,
 * and compares after every step what must hold always.
 */
#include <criterion/criterion.h>
#include <limits.h>

#include "core/service.h"

#define MSEC	  USEC_PER_MSEC
#define SEC	  USEC_PER_SEC
#define NEVER	  USEC_INFINITY
#define PROCS_MAX 64

enum role { ROLE_MAIN, ROLE_CONTROL, ROLE_OTHER };

/* How a process behaves. */
struct nature {
	usec_t life;  /* ends by itself after this; NEVER = only when told to */
	int status;   /* … with this */
	bool ignores; /* every signal but SIGKILL */
	bool unkillable;
	bool withheld; /* a tracer keeps its end from us */
	bool cannot_spawn;
	bool leaves_child; /* it forks one that behaves as w->child says */
};

struct proc {
	enum role role;
	struct nature nature;
	bool alive, was_main;
	usec_t dies_at;
	struct exit_info end;
};

struct world {
	struct unit u;
	struct service s;
	usec_t now;
	struct nature main, child, control[EXEC_PHASE_MAX];
	usec_t find_delay; /* ACTION_FIND_MAIN is answered after this */
	bool finds_nobody;
	usec_t check_delay; /* ACTION_CHECK is answered after this */
	enum verdict verdict;

	struct proc procs[PROCS_MAX];
	unsigned n_procs;
	usec_t verify_at; /* the kill engine gives up */
	usec_t find_at, check_at;
	bool spawned, execed, spawn_failed, spawn_failed_main;

	unsigned pending[REQUEST_MAX];
	enum answer answers[REQUEST_MAX]; /* the last one */

	/* books */
	usec_t stage_began, step_stage_began, stop_began, stop_cap;
	usec_t main_gone, step_main_gone; /* its end was told; or the stage began without it */
	usec_t stop_extra;		  /* what EVENT_EXTEND may have added to the stop */
	usec_t share_end, step_share_end; /* of the stage: what the deadline leaves it */
	usec_t extended_end;		  /* … at most, if it is extended */
	size_t command;			  /* index of the one that was begun last */
	unsigned steps, max_actions, releases, crashes, unit_actions;
	unsigned crash_after; /* so many actions of the next step; NO_CRASH = none */
	bool resuming;
	char trace[8192];
};
#define NO_CRASH UINT_MAX

#define WORLD_ASSERT(w, cond)                                                         \
	cr_assert(cond, "%s: %s at step %u, %s, %llu", #cond, (w)->trace, (w)->steps, \
		  service_state_name((w)->s.state), (unsigned long long)((w)->now / MSEC - 1000000))

extern const char *const phase_names[EXEC_PHASE_MAX];
/* Commands that nobody reads, but for the '-' of those in `lenient`. */
extern struct exec_command commands[4], lenient[4];
extern const struct exec_commands one, two, tolerant;

/* A simple service with short timeouts. */
struct unit plain_unit(void);
/* Processes may outlive a stop. */
bool unit_lets_stay(const struct unit *u);
void world_init(struct world *w, const struct unit *u);
unsigned n_alive(const struct world *w);
struct proc *find_role(struct world *w, enum role role);
/* Who lives, and is nobody yet, may be the main process. */
struct proc *find_other(struct world *w);
/* The service has forked another one. */
void add_other(struct world *w);
/* MAINPID=, or what was found. */
void tell_main_pid(struct world *w, struct proc *p);
const char *signal_word(int sig);
void hit(struct world *w, struct proc *p, int sig);
bool state_is_over(enum service_state s);
/* How long a stop may take at most: every stage once. */
usec_t stop_bound(const struct world *w);
/* cgkilld dies, with so many actions of the last step performed as crash_after says, and another one goes on. */
static inline bool is_stop(enum event_kind kind)
{
	return kind == EVENT_STOP || kind == EVENT_STOP_TO_START;
}

void crash(struct world *w, const struct actions *out, enum event_kind why);
void feed_event(struct world *w, const struct event *ev);
/* What happens at this very time; false when nothing does. */
bool happen_now(struct world *w);
void ask_by(struct world *w, enum event_kind kind, usec_t deadline);
/* What the service says. */
void say(struct world *w, enum event_kind kind, usec_t usec);
void ask(struct world *w, enum event_kind kind);
/* When something happens next. */
usec_t next_time(const struct world *w);
void run_until(struct world *w, usec_t until);
void run_for(struct world *w, usec_t duration);
/* A service that runs, and time 0. */
void world_started(struct world *w);
void expect_trace(struct world *w, const char *expected);
/* A service in that state, with who lives there, and its time up where it has one. */
void enact(struct service *s, const struct unit *u, enum service_state state, usec_t now);
/* A service that runs and ignores what it can. */
void world_stubborn(struct world *w, const struct unit *u);
