/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The queue of jobs: at most one a unit, run in the order of After= and Before= among all jobs that there are, of whatever
 * transaction. Pure: it hands out jobs whose turn has come, and is told how they ended.
 *
 * The whole life of it:
 *	transaction_build(…, &plan, …); jobs_install(q, &plan, …);
 *	while ((j = jobs_next(q)))	perform j; jobs_finish(q, j, result) at once or later
 *	while ((j = jobs_reap(q)))	tell j->waiters of j->result; job_free(j)
 * After whatever changes the queue (install, finish, stopped, cancel) run both loops, until both have nothing. Nothing is
 * called back, and both loops may change the queue.
 *
 * A waiting job is in the list of one other job that it has to wait for; when that ends it looks for the next such one. So
 * an end costs only as much as there is to release, and links may change (daemon-reload) while jobs wait.
 */
#include "core/transaction.h"
#include "util/list.h"

enum job_state {
	JOB_STATE_INVALID,
	JOB_WAITING,
	JOB_RUNNING, /* jobs_next() has given it out */
	JOB_ENDED,   /* not in the queue any more; to be reaped */
};

enum job_result {
	JOB_RESULT_INVALID,
	JOB_DONE,
	JOB_FAILED,
	JOB_CANCELED,
	JOB_TIMEOUT,
	JOB_DEPENDENCY, /* a unit that it requires could not be started */
	JOB_SKIPPED, /* ExecCondition= or a Condition…= said no: for the others that is as good as done (systemd.unit(5), Requires=) */
	JOB_ASSERT,  /* an Assert…= was not met */
	JOB_NOT_APPLICABLE,
	JOB_REFUSED,   /* start over survivors */
	JOB_SURVIVORS, /* the stop ended, and something lives */
	JOB_RESULT_MAX,
};

const char *job_result_name(enum job_result r); /* "not-applicable" */
const char *job_state_name(enum job_state s);	/* "waiting" */

struct job {
	uint32_t id; /* from 1 on, increasing */
	enum job_type type;
	enum job_state state;
	enum job_result result;	 /* once ENDED */
	struct graph_node *node; /* node->job is this one, until it has ended */
	struct list link;	 /* in the queue's order of ids; for jobs_each() */

	/* the daemon's */
	struct list waiters; /* of whatever has a struct list; empty before job_free() */
	void *owner;	     /* NULL at the beginning; of a merged job: of the older one */
	usec_t deadline; /* of a stop; as given to jobs_install(), the earliest one of what was merged */

	/* the queue's own */
	bool idle;
	uint32_t cursor; /* where in the links of its node the last one that it waited for was found */
	struct job *waits_on; /* whose follower it is; NULL: nobody's */
	struct list turn; /* among those that wait for the same, or whose turn may have come, or to be reaped */
	struct list followers; /* those that wait for this one */
};

struct jobs; /* the queue */

struct jobs *jobs_new(struct graph *g) must_check;
void jobs_free(struct jobs *q); /* and all jobs, which must have no waiters any more */

/*
 * All of the plan becomes jobs. One of a unit that has a job: of a type that goes with it, it is merged into the older one,
 * which keeps its id and its waiters (one that runs, and does not do all that is wanted now, goes back to WAITING: what its
 * unit answers to its first handing out is not its end); of a contradicting type, the older one is canceled (JOB_CANCELED, to
 * be reaped), whatever runs of it: the service's own machine copes with that. anchors[i].job is set as far as there is one.
 * deadline: of stops and restarts, USEC_INFINITY = none.
 * 0, or -ENOMEM: nothing has happened.
 */
int jobs_install(struct jobs *q, const struct plan *plan, const struct world *world,
		 struct anchor *anchors, size_t n_anchors, usec_t deadline) must_check;

/*
 * A job whose turn has come, RUNNING now; NULL: none, for now. Should all that there are wait for each other, as after a reload
 * of units whose order is a cycle now, the oldest one has its turn.
 */
struct job *jobs_next(struct jobs *q);

/*
 * Its end, waiting or running. Those that wait for it have their turn; where a start has failed, starts of those that
 * require it fail with JOB_DEPENDENCY, waiting or running, and so on; and where a stop has failed, starts of those that
 * Conflicts= with it. All of them are to be reaped.
 */
void jobs_finish(struct jobs *q, struct job *j, enum job_result result);

/*
 * A RESTART that runs has stopped its unit: it is a START from now on, and waits for its turn again. Not needed where
 * job_is_alone(): there the unit may be restarted in one go, and jobs_finish() told when it has started.
 */
void jobs_stopped(struct jobs *q, struct job *j);
/* No other job, as of now, comes before or after it. */
bool job_is_alone(const struct jobs *q, const struct job *j);

/* Type=idle: it gets its turn only when no other job has or runs. To be said before jobs_next() gives it out, to be of use. */
void jobs_set_idle(struct jobs *q, struct job *j);
/* Those have waited long enough: they are as any other from now on. */
void jobs_end_idle(struct jobs *q);

/* The next one of those that have ended, in the order of their ends; the caller frees it with job_free(). */
struct job *jobs_reap(struct jobs *q);
void job_free(struct job *j);

struct job *jobs_find(const struct jobs *q, uint32_t id);
size_t jobs_count(const struct jobs *q); /* waiting and running */
/* The job after j in the order of ids, NULL at the end; j NULL: the first. j may be finished in between. */
struct job *jobs_each(const struct jobs *q, const struct job *j);

/* For people: the job that j waits for, one of them; NULL: it runs. */
const struct job *job_waits_on(const struct jobs *q, const struct job *j);
