/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Where cgkilld is killed: its root cgroup, its directories, one service ("t.service") whose processes bear witness in a
 * journal, a client, and a bystander whom nothing of it may ever reach. All waits are bounded.
 *
 * What is wrong is noted by complain(); the first complaint about a point is the one that counts.
 */
#include <jansson.h>

#include "lib/cgtest.h"
#include "util/buf.h"

#define UNIT "t.service"

struct stage {
	struct cgtest t;
	struct cg home; /* where cgkilld itself lives: it ends with the stage, however that ends */
	char dir[64];	/* units, run, log, journal, lock */
	char root[128]; /* the cgroup that cgkilld keeps services in, by its file path */
	char *cgkilld_path, *witness_path;
	unsigned serial; /* of roots: what a failure leaves behind disturbs no later point */

	bool guarded; /* by cgkilld --guard, which starts a killed one again by itself; see stage_open() */
	pid_t guard; /* 0 = there is none */
	pid_t cgkilld;
	int ready_fd;  /* what it says that it is ready by; -1 = it has said so */
	int client_fd; /* where the scenario's request was sent */
	struct buf heard;

	usec_t asked, killed, ready; /* when the request was sent, cgkilld killed, its successor ready */
	char state_before[32];	     /* by the record, before the request */
	bool taken; /* the request was known to the record when cgkilld was killed */

	pid_t bystander;
	unsigned *bystander_heard; /* signals */

	char complaint[512];
};

int stage_open(struct stage *s, bool guarded) must_check;
void stage_close(struct stage *s);

/* false, so that a check can return it. */
bool complain(struct stage *s, const char *format, ...) printf_like(2, 3);

/* A unit, beside which there is twin.service, that ends with it; "@" in it standing for the witness and its directory, "~" for that alone; an empty journal; nothing runs. */
void stage_set(struct stage *s, const char *service_section);
/* By force: whatever is left of a point. */
void stage_clear(struct stage *s);

/*
 * Starts cgkilld, unless its guard does; traced: it stops at its execve and waits to be traced (not where there is a guard).
 */
bool stage_launch(struct stage *s, bool traced);
bool stage_is_ready(struct stage *s); /* asks, does not wait */
bool stage_await_ready(struct stage *s);
/* Kills it where it rests. */
void stage_kill_cgkilld(struct stage *s);
/* It has been killed: notes when, and what the record says. */
void stage_note_death(struct stage *s);
/*
 * A root that it had made and not yet marked as its own looks like one that somebody else has made for it, which it leaves
 * at the end: takes that one, empty, out of the way.
 */
void stage_forgive_root(struct stage *s);
/* SIGTERM, and waits: it exits with 0 and nothing is left of it. */
bool stage_end_cgkilld(struct stage *s);

/* What happens next is taken up once the record says something else than now. */
void stage_remember_state(struct stage *s);
/* A request whose reply comes when it comes; heard: it is there. */
bool stage_ask(struct stage *s, const char *method);
bool stage_heard(struct stage *s);
/* Request and reply. */
bool stage_do(struct stage *s, const char *method);

struct status {
	char active[32], sub[32], result[32];
	pid_t main;
};
bool stage_status(struct stage *s, struct status *out);
/* Until the service neither starts nor stops, waits for no restart and reloads nothing; 4 s at most. */
bool stage_settled(struct stage *s, struct status *out);

/* ---- the journal ---- */

#define LINES_MAX 64
struct journal {
	struct line {
		char word[24];
		pid_t pid;
		usec_t at;
	} v[LINES_MAX];
	size_t n;
};
void stage_journal(const struct stage *s, struct journal *out);
unsigned journal_count(const struct journal *j, const char *word);
/* The last of its kind; NULL = none. */
const struct line *journal_last(const struct journal *j, const char *word);
/* Waits until there are n lines of this word, 3 s at most. */
bool stage_await_line(struct stage *s, const char *word, unsigned n);

/* ---- processes ---- */

bool process_lives(pid_t pid);
/* How many live below the service's cgroup; 0 too when it is not there. */
unsigned stage_population(const struct stage *s);
/* Nobody was signalled who is none of cgkilld's. */
bool stage_bystander_unharmed(struct stage *s);
