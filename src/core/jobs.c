/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/jobs.h"

#include <assert.h>
#include <errno.h>

#include "util/ownmem.h"

struct jobs {
	struct graph *graph;
	struct list all;   /* by link: waiting and running */
	struct list ready; /* by turn, as the following: their turn may have come */
	struct list idle;  /* it has, as soon as there is quiet */
	struct list ended;
	size_t n, n_running, n_busy; /* running and not idle */
	uint32_t last_id;
};

static const char *const job_result_names[JOB_RESULT_MAX] = {
	[JOB_DONE] = "done",
	[JOB_FAILED] = "failed",
	[JOB_CANCELED] = "canceled",
	[JOB_TIMEOUT] = "timeout",
	[JOB_DEPENDENCY] = "dependency",
	[JOB_SKIPPED] = "skipped",
	[JOB_ASSERT] = "assert",
	[JOB_NOT_APPLICABLE] = "not-applicable",
	[JOB_REFUSED] = "refused",
	[JOB_SURVIVORS] = "survivors",
};

const char *job_result_name(enum job_result r)
{
	return r < JOB_RESULT_MAX ? job_result_names[r] : NULL;
}

const char *job_state_name(enum job_state s)
{
	static const char *const names[] = { NULL, "waiting", "running", "ended" };

	return s < ARRAY_SIZE(names) ? names[s] : NULL;
}

/* ---- whose turn it is ---- */

/* To be looked at by jobs_next(), wherever it waited. */
static void look_again(struct jobs *q, struct job *j)
{
	j->waits_on = NULL;
	list_remove(&j->turn);
	list_append(&q->ready, &j->turn);
}

static void release_followers(struct jobs *q, struct job *j)
{
	while (!list_empty(&j->followers))
		look_again(q, container_of(j->followers.next, struct job, turn));
}

/* It runs no longer. */
static void halt(struct jobs *q, struct job *j)
{
	if (j->state == JOB_RUNNING) {
		q->n_running--;
		q->n_busy -= !j->idle;
	}
	j->state = JOB_WAITING;
}

/* One that j has to wait for, among its links from that place on; a little behind the end does not matter. */
static struct job *find_blocker_in(const struct jobs *q, struct job *j, uint32_t from, uint32_t to)
{
	const struct graph_node *other;
	uint32_t kind;

	while (from < to &&
	       (other = graph_next(q->graph, j->node, LINKS_BEFORE | LINKS_AFTER, &from, &kind))) {
		if (other->job && job_waits(j->type, kind, other->job->type)) {
			j->cursor = from - 1;
			return other->job;
		}
	}
	return NULL;
}

/* Once around, from where it found the last one: what it has passed may have got a job meanwhile, but hardly ever has. */
static struct job *find_blocker(const struct jobs *q, struct job *j)
{
	uint32_t start = j->cursor;
	struct job *blocker = find_blocker_in(q, j, start, UINT32_MAX);

	return blocker ? blocker : find_blocker_in(q, j, 0, start);
}

static struct job *run(struct jobs *q, struct job *j)
{
	list_remove(&j->turn);
	j->waits_on = NULL;
	j->state = JOB_RUNNING;
	q->n_running++;
	q->n_busy += !j->idle;
	return j;
}

/* Nothing runs and nobody's turn has come: they all wait for each other. */
static struct job *cut_knot(struct jobs *q)
{
	return list_empty(&q->all) ? NULL : run(q, container_of(q->all.next, struct job, link));
}

struct job *jobs_next(struct jobs *q)
{
	for (;;) {
		struct list *node = list_pop(&q->ready);
		struct job *j, *blocker;

		if (!node && q->n_busy == 0)
			node = list_pop(&q->idle);
		if (!node)
			return q->n_running == 0 ? cut_knot(q) : NULL;
		j = container_of(node, struct job, turn);
		blocker = find_blocker(q, j);
		if (blocker) {
			j->waits_on = blocker;
			list_append(&blocker->followers, &j->turn);
		} else if (j->idle && (q->n_busy > 0 || !list_empty(&q->ready))) {
			list_append(&q->idle, &j->turn);
		} else {
			return run(q, j);
		}
	}
}

void jobs_set_idle(struct jobs *q, struct job *j)
{
	q->n_busy -= j->state == JOB_RUNNING && !j->idle;
	j->idle = true;
}

void jobs_end_idle(struct jobs *q)
{
	struct job *j;

	list_for_each(&q->all, j, struct job, link) {
		q->n_busy += j->state == JOB_RUNNING && j->idle;
		j->idle = false;
	}
	list_splice(&q->ready, &q->idle);
}

bool job_is_alone(const struct jobs *q, const struct job *j)
{
	const struct graph_node *other;

	graph_for_each(q->graph, j->node, LINKS_BEFORE | LINKS_AFTER, other)
		if (other->job)
			return false;
	return true;
}

/* ---- ends ---- */

static void end(struct jobs *q, struct job *j, enum job_result result, struct list *to)
{
	assert(j->state != JOB_ENDED);
	halt(q, j);
	release_followers(q, j);
	list_remove(&j->link);
	list_remove(&j->turn);
	list_append(to, &j->turn);
	j->node->job = NULL;
	j->waits_on = NULL;
	j->state = JOB_ENDED;
	j->result = result;
	q->n--;
}

#define STARTS (1U << JOB_START | 1U << JOB_VERIFY_ACTIVE | 1U << JOB_RESTART)

/* Whose starts cannot go on, as links of these kinds lead to their units. */
static const struct propagation {
	unsigned types;
	bool skipped; /* also where a condition said no: the unit is not active then */
	uint32_t kinds;
} propagations[] = {
	{ STARTS, false, LINK_FROM(DEP_REQUIRES) | LINK_FROM(DEP_BINDS_TO) },
	{ STARTS, true, LINK_FROM(DEP_REQUISITE) },
	{ 1U << JOB_STOP, false, LINK_FROM(DEP_CONFLICTS) },
};

static uint32_t kinds_that_fail(const struct job *j)
{
	uint32_t kinds = 0;

	for (size_t i = 0; i < ARRAY_SIZE(propagations) && j->result != JOB_DONE; i++)
		if ((propagations[i].types & 1U << j->type) &&
		    (j->result != JOB_SKIPPED || propagations[i].skipped))
			kinds |= propagations[i].kinds;
	return kinds;
}

void jobs_finish(struct jobs *q, struct job *j, enum job_result result)
{
	struct list todo, *node;
	const struct graph_node *other;

	list_init(&todo);
	end(q, j, result, &todo);
	while ((node = list_pop(&todo))) {
		j = container_of(node, struct job, turn);
		list_append(&q->ended, &j->turn);
		graph_for_each(q->graph, j->node, kinds_that_fail(j), other)
			if (other->job &&
			    (other->job->type == JOB_START || other->job->type == JOB_VERIFY_ACTIVE))
				end(q, other->job, JOB_DEPENDENCY, &todo);
	}
}

void jobs_stopped(struct jobs *q, struct job *j)
{
	assert(j->type == JOB_RESTART && j->state == JOB_RUNNING);
	halt(q, j);
	j->type = JOB_START;
	look_again(q, j);
	release_followers(q, j);
}

struct job *jobs_reap(struct jobs *q)
{
	struct list *node = list_pop(&q->ended);

	return node ? container_of(node, struct job, turn) : NULL;
}

void job_free(struct job *j)
{
	if (!j)
		return;
	assert(list_empty(&j->waiters));
	j->node->n_jobs -= j->id > 0; /* not of one that was merged */
	own_free(j, sizeof(*j));
}

/* ---- beginnings ---- */

static struct job *job_new(const struct planned *p, usec_t deadline)
{
	struct job *j = own_alloc(sizeof(*j));

	if (!j)
		return NULL;
	j->type = p->type;
	j->state = JOB_WAITING;
	j->node = p->node;
	j->deadline = deadline;
	list_init(&j->link);
	list_init(&j->turn);
	list_init(&j->waiters);
	list_init(&j->followers);
	return j;
}

static void enter(struct jobs *q, struct job *j)
{
	j->id = ++q->last_id;
	j->node->job = j;
	j->node->n_jobs++;
	list_append(&q->all, &j->link);
	list_append(&q->ready, &j->turn);
	q->n++;
}

/*
 * One that runs is left at that where it does what is wanted, except that a reload or a restart that has begun may have been
 * too early for whoever asks now (systemd: job_type_allows_merge()). Who waits for it has to wait for what it becomes, too.
 */
static void merge_into(struct jobs *q, struct job *j, enum job_type wanted, enum job_type both,
		       usec_t deadline)
{
	j->deadline = MIN_OF(j->deadline, deadline);
	if (j->state == JOB_RUNNING && both == j->type && wanted != JOB_RESTART && wanted != JOB_RELOAD)
		return;
	halt(q, j);
	j->type = both;
	look_again(q, j);
}

static void install(struct jobs *q, struct job *new, const struct world *world)
{
	struct job *old = new->node->job;
	enum job_type both;

	if (!old) {
		enter(q, new);
		return;
	}
	both = job_type_merge(old->type, new->type, world->activity(world->arg, new->node));
	if (both == JOB_TYPE_INVALID) {
		end(q, old, JOB_CANCELED, &q->ended);
		enter(q, new);
	} else {
		merge_into(q, old, new->type, both, new->deadline);
		job_free(new);
	}
}

int jobs_install(struct jobs *q, const struct plan *plan, const struct world *world,
		 struct anchor *anchors, size_t n_anchors, usec_t deadline)
{
	cleanup_free struct job **new = calloc(plan->n + 1, sizeof(struct job *));
	size_t n = 0;

	while (new &&n < plan->n && (new[n] = job_new(&plan->v[n], deadline)))
		n++;
	if (!new || n < plan->n) {
		while (n > 0)
			job_free(new[--n]);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		install(q, new[i], world);
	for (size_t i = 0; i < n_anchors; i++)
		if (anchors[i].planned)
			anchors[i].job = anchors[i].node->job;
	return 0;
}

/* ---- life ---- */

struct jobs *jobs_new(struct graph *g)
{
	struct jobs *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->graph = g;
	list_init(&q->all);
	list_init(&q->ready);
	list_init(&q->idle);
	list_init(&q->ended);
	return q;
}

void jobs_free(struct jobs *q)
{
	struct job *j;

	if (!q)
		return;
	list_for_each(&q->all, j, struct job, link)
		end(q, j, JOB_CANCELED, &q->ended);
	while ((j = jobs_reap(q)))
		job_free(j);
	free(q);
}

struct job *jobs_find(const struct jobs *q, uint32_t id)
{
	struct job *j;

	list_for_each(&q->all, j, struct job, link)
		if (j->id == id)
			return j;
	return NULL;
}

size_t jobs_count(const struct jobs *q)
{
	return q->n;
}

struct job *jobs_each(const struct jobs *q, const struct job *j)
{
	struct list *next = !j || j->state == JOB_ENDED ? q->all.next : j->link.next;

	while (j && next != &q->all && container_of(next, struct job, link)->id <= j->id)
		next = next->next;
	return next == &q->all ? NULL : container_of(next, struct job, link);
}

const struct job *job_waits_on(const struct jobs *q, const struct job *j)
{
	const struct job *other = NULL;

	if (j->state != JOB_WAITING || j->waits_on || !j->idle)
		return j->waits_on;
	while ((other = jobs_each(q, other)) && (other->state != JOB_RUNNING || other->idle)) {}
	return other;
}
