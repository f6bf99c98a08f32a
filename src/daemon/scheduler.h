/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What is asked of units goes through here. A request becomes a transaction with what the dependencies of the units make of
 * it (core/transaction.h); its jobs wait for their turn (core/jobs.h); one whose turn has come asks its service, whose answer
 * ends it. What a change of state means for others (core/consequence.h) is asked for in the same way, once the step of the
 * service that it comes from is over.
 */
#include "core/jobs.h"
#include "daemon/supervisor.h"

struct scheduler;

struct scheduler *scheduler_new(struct manager *m) must_check;
/* After the services are gone, and whoever waits. Takes NULL. */
void scheduler_free(struct scheduler *s);

/* The service's unit was read, for the first time or again. 0 or -ENOMEM. */
int scheduler_know(struct scheduler *s, struct supervised *sv) must_check;
/* The service is about to go; it has no job. */
void scheduler_forget(struct scheduler *s, struct supervised *sv);
/* All units have been read again. */
void scheduler_reloaded(struct scheduler *s);

/* Somebody who waits for the end of a job: linked in its waiters, until fn is called. He may unlink himself. */
struct wish {
	struct list link;
	void (*fn)(struct wish *w, const struct job *j);
};

/*
 * A transaction: core/transaction.h says what becomes of the anchors, and what diags gets. To be followed by
 * scheduler_run() once the wishes are in place. by may be NULL.
 */
int scheduler_ask(struct scheduler *s, struct anchor *anchors, size_t n, usec_t deadline,
		  const struct peer *by, struct diags *diags) must_check;
/* The same for one anchor, because of something that has happened: "the service of dbus.socket". */
int scheduler_ask_for(struct scheduler *s, struct anchor *anchor, const char *because,
		      struct diags *diags) must_check;
/* Lets the jobs whose turn has come ask their services, and tells who waits of those that have ended. */
void scheduler_run(struct scheduler *s);
/* The same, but all of them now, where scheduler_run() lets the loop have its turn after some starts. */
void scheduler_drain(struct scheduler *s);

/* An ACTION_STATE: a service is in another state; its step goes on, so nothing is asked for yet. */
void scheduler_note_state(struct scheduler *s, struct supervised *sv, const struct action *a);

/* No job will start anything any more: cgkilld is shutting down. */
void scheduler_cancel_starts(struct scheduler *s);

/* For list-jobs and cancel. */
struct jobs *scheduler_queue(const struct scheduler *s);
struct graph *scheduler_graph(const struct scheduler *s);
void scheduler_cancel(struct scheduler *s, struct job *j, const struct peer *by);
