/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Dependencies, transactions and the queue of jobs under any series of requests and ends: nothing is lost, and once all that
 * runs has ended, every job has. tests/unit/test_jobs.c checks what is done; this looks for what nobody thought of.
 * libFuzzer's entry.
 */
#include <assert.h>
#include <errno.h>

#include "core/consequence.h"
#include "core/jobs.h"
#include "util/strv.h"

#define UNITS	  8
#define MOST_JOBS 10000 /* that any input may lead to; a hang otherwise */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct place {
	struct unit *unit;
	struct graph_node *node;
	enum availability availability;
	enum activity activity;
};

struct host {
	struct graph *graph;
	struct jobs *queue;
	struct place place[UNITS];
	unsigned jobs;
	const uint8_t *at, *end;
};

static unsigned take(struct host *h, unsigned below)
{
	return h->at < h->end ? *h->at++ % below : 0;
}

static struct place *take_place(struct host *h)
{
	return &h->place[take(h, UNITS)];
}

static enum availability on_load(void *arg unused, struct graph_node *n)
{
	const struct place *p = n->owner;

	return p ? p->availability : UNIT_IS_NOT_FOUND;
}

static enum activity on_activity(void *arg unused, const struct graph_node *n)
{
	const struct place *p = n->owner;

	return p ? p->activity : ACTIVITY_INACTIVE;
}

static const struct world world = { .load = on_load, .activity = on_activity };

/* ---- what jobs do ---- */

static enum activity begun(enum job_type t, enum activity now)
{
	static const enum activity table[JOB_TYPE_MAX] = {
		[JOB_START] = ACTIVITY_ACTIVATING,
		[JOB_STOP] = ACTIVITY_DEACTIVATING,
		[JOB_RELOAD] = ACTIVITY_RELOADING,
		[JOB_RESTART] = ACTIVITY_DEACTIVATING,
	};

	return table[t] ? table[t] : now;
}

static enum activity ended(enum job_type t, enum job_result r, enum activity now)
{
	if (t == JOB_VERIFY_ACTIVE)
		return now;
	if (t == JOB_STOP)
		return ACTIVITY_INACTIVE;
	return r == JOB_DONE ? ACTIVITY_ACTIVE : ACTIVITY_FAILED;
}

static void run_queue(struct host *h)
{
	struct job *j;
	bool more;

	do {
		more = false;
		while ((j = jobs_next(h->queue))) {
			struct place *p = j->node->owner;

			assert(j->state == JOB_RUNNING && j->node->job == j && p);
			assert(++h->jobs < MOST_JOBS);
			p->activity = begun(j->type, p->activity);
			more = true;
		}
		while ((j = jobs_reap(h->queue))) {
			assert(j->state == JOB_ENDED && j->node->job != j && job_result_name(j->result));
			job_free(j);
			more = true;
		}
	} while (more);
}

static void request(struct host *h, struct anchor *anchors, size_t n, unsigned flags)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct plan plan;
	int r = transaction_build(h->graph, &world, anchors, n, flags, &plan, &diags);

	assert(r == 0 || ((r == -EDEADLK || r == -EEXIST) && diags.errors > 0));
	if (r < 0)
		return;
	assert(plan.n <= UNITS);
	assert(jobs_install(h->queue, &plan, &world, anchors, n, USEC_INFINITY) == 0);
	plan_deinit(&plan);
	run_queue(h);
}

static void end_job(struct host *h, struct place *p, enum job_result result)
{
	struct job *j = p->node->job;

	if (!j || j->state != JOB_RUNNING)
		return;
	if (j->type == JOB_RESTART && !job_is_alone(h->queue, j) && result == JOB_DONE) {
		p->activity = ACTIVITY_INACTIVE;
		jobs_stopped(h->queue, j);
	} else {
		p->activity = ended(j->type, result, p->activity);
		jobs_finish(h->queue, j, result);
	}
	run_queue(h);
}

/* ---- what may come ---- */

static void do_link(struct host *h)
{
	struct place *from = take_place(h), *to = take_place(h);
	unsigned d = take(h, DEP_MAX);

	assert(strv_push(&from->unit->deps[d], to->unit->name) == 0);
	assert(graph_set(h->graph, from->node, from->unit) == 0);
}

static void do_request(struct host *h)
{
	struct anchor anchors[2] = { 0 };
	size_t n = 1 + take(h, 2);

	for (size_t i = 0; i < n; i++) {
		anchors[i].node = take_place(h)->node;
		anchors[i].type = (enum job_type)(1 + take(h, JOB_TYPE_MAX - 1));
	}
	request(h, anchors, n, take(h, 4) == 0 ? TRANSACTION_ALONE : 0);
}

static void do_end(struct host *h)
{
	struct place *p = take_place(h);

	end_job(h, p, (enum job_result)(1 + take(h, JOB_RESULT_MAX - 1)));
}

static void do_cancel(struct host *h)
{
	struct job *j = jobs_find(h->queue, take(h, 64));

	if (!j)
		return;
	jobs_finish(h->queue, j, JOB_CANCELED);
	run_queue(h);
}

/* By itself, with what that means for others. */
static void do_change(struct host *h)
{
	struct place *p = take_place(h);
	struct change c = { p->activity, (enum activity)(1 + take(h, ACTIVITY_MAX - 1)), take(h, 2) };
	struct anchor *anchors = NULL;
	size_t n = 0;

	p->activity = c.to;
	assert(consequences(h->graph, p->node, &c, &world, &anchors, &n) == 0);
	for (size_t i = 0; i < n; i++)
		request(h, &anchors[i], 1, 0);
	free(anchors);
}

static void do_availability(struct host *h)
{
	struct place *p = take_place(h);

	p->availability = (enum availability)(1 + take(h, UNIT_IS_BAD));
}

static void do_idle(struct host *h)
{
	struct job *j = take_place(h)->node->job;

	if (j && j->state == JOB_WAITING)
		jobs_set_idle(h->queue, j);
}

static void (*const doings[])(struct host *h) = {
	do_link,   do_link,   do_request,      do_request, do_end,
	do_cancel, do_change, do_availability, do_idle,
};

static void open_host(struct host *h)
{
	char name[] = "a.service";

	assert((h->graph = graph_new()) && (h->queue = jobs_new(h->graph)));
	for (size_t i = 0; i < UNITS; i++) {
		struct place *p = &h->place[i];

		name[0] = (char)('a' + i);
		*p = (struct place){ unit_new(name), graph_node(h->graph, name), UNIT_IS_AVAILABLE,
				     ACTIVITY_INACTIVE };
		assert(p->unit && p->node);
		p->node->owner = p;
		assert(graph_set(h->graph, p->node, p->unit) == 0);
	}
}

static void close_host(struct host *h)
{
	jobs_free(h->queue);
	graph_free(h->graph);
	for (size_t i = 0; i < UNITS; i++)
		unit_free(h->place[i].unit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct host h = { .at = data, .end = data + size };

	open_host(&h);
	while (h.at < h.end)
		doings[take(&h, ARRAY_SIZE(doings))](&h);
	/* Whatever waits waits for something that runs: once that has ended, so has all. */
	for (unsigned i = 0; jobs_count(h.queue) > 0; i++) {
		assert(i < MOST_JOBS);
		end_job(&h, &h.place[i % UNITS], JOB_DONE);
	}
	close_host(&h);
	return 0;
}
