/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The queue of jobs: small worlds step by step, and random ones against an oracle that looks at everything each time.
 */
#include <criterion/criterion.h>
#include <errno.h>

#include "lib/unitworld.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/strv.h"

TestSuite(jobs, .timeout = 120);

#define ANCHORS_MAX 8

struct bench {
	struct unitworld w;
	struct jobs *queue;
	struct buf log; /* what has happened since the last look */
};

static void bench_init(struct bench *b, const char *world)
{
	*b = (struct bench){ 0 };
	unitworld_init(&b->w, world);
	b->queue = jobs_new(b->w.graph);
	cr_assert_not_null(b->queue);
}

static void bench_deinit(struct bench *b)
{
	jobs_free(b->queue);
	for (size_t i = 0; i < b->w.n; i++)
		cr_assert_null(b->w.place[i].node->job);
	unitworld_deinit(&b->w);
	buf_deinit(&b->log);
}

static void note(struct bench *b, const char *prefix, const struct job *j, const char *word)
{
	buf_printf(&b->log, "%s%s%.*s:%s", b->log.len ? " " : "", prefix,
		   (int)strcspn(j->node->name, "."), j->node->name, word);
}

/* All that has its turn, and all that has ended: "a:start -b:dependency". */
static void pump(struct bench *b)
{
	struct job *j;

	do {
		while ((j = jobs_reap(b->queue))) {
			note(b, "-", j, job_result_name(j->result));
			job_free(j);
		}
		j = jobs_next(b->queue);
		if (j)
			note(b, "", j, job_type_name(j->type));
	} while (j);
}

static void expect(struct bench *b, const char *wanted)
{
	pump(b);
	cr_assert_str_eq(b->log.len ? b->log.data : "", wanted, "\"%s\"", b->log.len ? b->log.data : "");
	buf_consume(&b->log, b->log.len);
}

/* "start a,stop b" in one transaction. */
static void ask(struct bench *b, const char *requests)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_free char *copy = strdup(requests);
	struct anchor anchor[ANCHORS_MAX];
	struct plan plan = { 0 };
	char *rest = copy, *word;
	size_t n = 0;

	while ((word = strsep(&rest, ",")))
		anchor[n++] = unitworld_anchor(&b->w, word);
	cr_assert_eq(transaction_build(b->w.graph, &b->w.world, anchor, n, 0, &plan, &diags), 0);
	cr_assert_eq(jobs_install(b->queue, &plan, &b->w.world, anchor, n, 1000 - strlen(requests)), 0);
	for (size_t i = 0; i < n; i++)
		cr_assert_eq(anchor[i].job, anchor[i].planned ? anchor[i].node->job : NULL);
	plan_deinit(&plan);
}

static struct job *job_of(struct bench *b, const char *name)
{
	struct job *j = unitworld_place(&b->w, name)->node->job;

	cr_assert_not_null(j, "%s has no job", name);
	return j;
}

static void finish(struct bench *b, const char *name, enum job_result result)
{
	struct job *j = job_of(b, name);

	if (result == JOB_DONE)
		unitworld_place(&b->w, name)->activity =
			j->type == JOB_STOP ? ACTIVITY_INACTIVE : ACTIVITY_ACTIVE;
	jobs_finish(b->queue, j, result);
}

/* Whoever reaps it asks whose it was. */
Test(jobs, one_that_has_ended_keeps_its_node)
{
	struct graph_node *n;
	struct bench b;
	struct job *j;

	bench_init(&b, "a");
	ask(&b, "start a");
	n = unitworld_place(&b.w, "a")->node;
	finish(&b, "a", JOB_CANCELED);
	n->owner = NULL;
	graph_drop(b.w.graph, n);
	cr_assert_eq(graph_find(b.w.graph, "a.service"), n);
	j = jobs_reap(b.queue);
	cr_assert_eq(j->node, n);
	job_free(j);
	cr_assert_eq(n->n_jobs, 0);
	bench_deinit(&b);
}

Test(jobs, starts_in_order_and_stops_in_reverse)
{
	struct bench b;

	bench_init(&b, "a Requires=b,c After=b,c; b After=c; c; d");
	ask(&b, "start a,start d");
	expect(&b, "d:start c:start");
	cr_assert_eq(job_waits_on(b.queue, job_of(&b, "a")), job_of(&b, "b"));
	cr_assert_eq(job_waits_on(b.queue, job_of(&b, "b")), job_of(&b, "c"));
	cr_assert_null(job_waits_on(b.queue, job_of(&b, "c")));
	cr_assert_eq(jobs_count(b.queue), 4);
	finish(&b, "c", JOB_DONE);
	expect(&b, "-c:done b:start");
	finish(&b, "b", JOB_DONE);
	finish(&b, "d", JOB_DONE);
	expect(&b, "-b:done -d:done a:start");
	finish(&b, "a", JOB_DONE);
	expect(&b, "-a:done");
	ask(&b, "stop c");
	expect(&b, "a:stop");
	finish(&b, "a", JOB_DONE);
	expect(&b, "-a:done c:stop");
	finish(&b, "c", JOB_FAILED);
	expect(&b, "-c:failed");
	cr_assert_eq(jobs_count(b.queue), 0);
	bench_deinit(&b);
}

Test(jobs, a_stop_is_before_a_start)
{
	struct bench b;

	bench_init(&b, "a Conflicts=b Before=b; +b; c Conflicts=d After=d; +d; e Conflicts=f; +f");
	ask(&b, "start a,start c,start e");
	expect(&b, "e:start b:stop d:stop f:stop");
	finish(&b, "d", JOB_DONE);
	finish(&b, "b", JOB_SURVIVORS);
	expect(&b, "-d:done -b:survivors -a:dependency c:start");
	bench_deinit(&b);
}

Test(jobs, a_start_that_fails)
{
	struct bench b;

	bench_init(&b, "a Requires=b After=b; b BindsTo=c After=c; c; d Wants=c After=c; e "
		       "Requisite=c After=c; "
		       "f Requires=c; g Requires=a");
	ask(&b, "start a,start d,start e,start f,start g");
	expect(&b, "f:start g:start c:start");
	finish(&b, "c", JOB_TIMEOUT);
	expect(&b, "-c:timeout -b:dependency -e:dependency -f:dependency -a:dependency "
		   "-g:dependency d:start");
	bench_deinit(&b);
}

Test(jobs, what_is_skipped_is_good_enough)
{
	struct bench b;

	bench_init(&b, "a Requires=b After=b; b; c Requisite=b After=b");
	ask(&b, "start a,start c");
	expect(&b, "b:start");
	finish(&b, "b", JOB_SKIPPED);
	expect(&b, "-b:skipped -c:dependency a:start");
	bench_deinit(&b);
}

Test(jobs, cancel)
{
	struct bench b;
	uint32_t id;

	bench_init(&b, "a Requires=b After=b; b; c After=b");
	ask(&b, "start a,start c");
	expect(&b, "b:start");
	id = job_of(&b, "b")->id;
	cr_assert_eq(jobs_find(b.queue, id), job_of(&b, "b"));
	jobs_finish(b.queue, jobs_find(b.queue, id), JOB_CANCELED);
	cr_assert_null(jobs_find(b.queue, id));
	expect(&b, "-b:canceled -a:dependency c:start");
	finish(&b, "c", JOB_CANCELED);
	expect(&b, "-c:canceled");
	bench_deinit(&b);
}

Test(jobs, merges_and_conflicts)
{
	struct bench b;
	uint32_t id;

	bench_init(&b, "+w; a After=w; b After=a; +c");
	ask(&b, "restart w");
	ask(&b, "start a");
	ask(&b, "start b");
	expect(&b, "w:restart");
	id = job_of(&b, "a")->id;
	ask(&b, "restart a"); /* waiting: it becomes that */
	cr_assert_eq(job_of(&b, "a")->id, id);
	cr_assert_eq(job_of(&b, "a")->type, JOB_RESTART);
	cr_assert_eq(job_of(&b, "a")->deadline, 1000 - strlen("restart a"));
	expect(&b, "a:restart"); /* a restart stops before w does */
	ask(&b, "start a");	 /* running: joins it */
	expect(&b, "");
	cr_assert_eq(job_of(&b, "a")->id, id);
	ask(&b, "restart a"); /* perhaps it was too early for this one */
	expect(&b, "a:restart");
	cr_assert_eq(job_of(&b, "a")->id, id);
	ask(&b, "stop a");
	cr_assert_gt(job_of(&b, "a")->id, id);
	expect(&b, "-a:canceled a:stop");
	ask(&b, "start a");
	expect(&b, "-a:canceled");
	cr_assert_eq(job_waits_on(b.queue, job_of(&b, "b")), job_of(&b, "a"));
	ask(&b, "reload c");
	expect(&b, "c:reload");
	ask(&b, "start c");
	expect(&b, "");
	cr_assert_eq(job_of(&b, "c")->type, JOB_RELOAD);
	ask(&b, "reload c");
	expect(&b, "c:reload");
	bench_deinit(&b);
}

Test(jobs, restart_in_two_halves)
{
	struct bench b;

	bench_init(&b, "+a Requires=b After=b; +b; +c After=b");
	ask(&b, "restart b");
	expect(&b, "a:restart");
	cr_assert_not(job_is_alone(b.queue, job_of(&b, "a")));
	jobs_stopped(b.queue, job_of(&b, "a"));
	expect(&b, "b:restart");
	cr_assert_eq(job_waits_on(b.queue, job_of(&b, "a")), job_of(&b, "b"));
	jobs_stopped(b.queue, job_of(&b, "b"));
	expect(&b, "b:start");
	finish(&b, "b", JOB_DONE);
	expect(&b, "-b:done a:start");
	cr_assert(job_is_alone(b.queue, job_of(&b, "a")));
	finish(&b, "a", JOB_DONE);
	expect(&b, "-a:done");
	bench_deinit(&b);
}

Test(jobs, idle)
{
	struct bench b;

	bench_init(&b, "i; j; a; c After=a; k After=i");
	ask(&b, "start i,start j,start a,start c");
	jobs_set_idle(b.queue, job_of(&b, "i"));
	jobs_set_idle(b.queue, job_of(&b, "j"));
	expect(&b, "a:start");
	cr_assert_eq(job_waits_on(b.queue, job_of(&b, "i")), job_of(&b, "a"));
	finish(&b, "a", JOB_DONE);
	expect(&b, "-a:done c:start");
	finish(&b, "c", JOB_FAILED);
	expect(&b, "-c:failed i:start j:start");
	ask(&b, "start a");
	expect(&b, "a:start");
	finish(&b, "i", JOB_DONE);
	ask(&b, "start i");
	jobs_set_idle(b.queue, job_of(&b, "i"));
	ask(&b, "start k");
	expect(&b, "-i:done");
	jobs_end_idle(b.queue);
	expect(&b, "i:start");
	finish(&b, "a", JOB_DONE);
	finish(&b, "i", JOB_DONE);
	expect(&b, "-a:done -i:done k:start");
	bench_deinit(&b);
}

/* A cycle that a reload has made: not everything waits for ever. */
Test(jobs, a_knot_is_cut)
{
	struct bench b;
	struct place *a, *x;

	bench_init(&b, "a After=x; b After=a; x");
	a = unitworld_place(&b.w, "a");
	x = unitworld_place(&b.w, "x");
	ask(&b, "start a,start b,start x");
	expect(&b, "x:start");
	cr_assert_eq(strv_push(&a->unit->deps[DEP_AFTER], "b.service"), 0);
	cr_assert_eq(graph_set(b.w.graph, a->node, a->unit), 0);
	cr_assert_eq(graph_set(b.w.graph, x->node, x->unit), 0);
	finish(&b, "x", JOB_DONE);
	expect(&b, "-x:done a:start");
	finish(&b, "a", JOB_DONE);
	expect(&b, "-a:done b:start");
	bench_deinit(&b);
}

Test(jobs, a_new_link_is_kept_to)
{
	struct bench b;
	struct place *a;

	bench_init(&b, "a After=x; b; x");
	a = unitworld_place(&b.w, "a");
	ask(&b, "start a,start b,start x");
	expect(&b, "b:start x:start");
	strv_free(a->unit->deps[DEP_AFTER]);
	a->unit->deps[DEP_AFTER] = NULL;
	cr_assert_eq(strv_push(&a->unit->deps[DEP_AFTER], "b.service"), 0);
	cr_assert_eq(graph_set(b.w.graph, a->node, a->unit), 0);
	finish(&b, "x", JOB_DONE);
	expect(&b, "-x:done");
	finish(&b, "b", JOB_DONE);
	expect(&b, "-b:done a:start");
	bench_deinit(&b);
}

Test(jobs, all_in_turn)
{
	struct bench b;
	struct job *j = NULL;
	uint32_t last = 0;
	size_t n = 0;

	bench_init(&b, "a; b; c; d");
	ask(&b, "start a,start b,start c,start d");
	while ((j = jobs_each(b.queue, j))) {
		cr_assert_gt(j->id, last);
		last = j->id;
		jobs_finish(b.queue, j, JOB_CANCELED); /* reaped later */
		n++;
	}
	cr_assert_eq(n, 4);
	expect(&b, "-a:canceled -b:canceled -c:canceled -d:canceled");
	bench_deinit(&b);
}

/* One that waits for many is not looked at from the beginning each time that one of them ends. */
Test(jobs, many_for_one)
{
	enum { N = 40000 };
	struct bench b = { 0 };
	struct anchor *anchor = calloc(N, sizeof(*anchor));
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct plan plan = { 0 };
	struct job *j;
	usec_t start;

	unitworld_init_blank(&b.w, N);
	for (size_t i = 1; i < N; i++)
		cr_assert_eq(strv_push(&b.w.place[i].unit->deps[DEP_BEFORE], b.w.place[0].unit->name),
			     0);
	unitworld_link(&b.w);
	b.queue = jobs_new(b.w.graph);
	for (size_t i = 0; i < N; i++)
		anchor[i] = (struct anchor){ .node = b.w.place[i].node, .type = JOB_START };
	start = clock_now();
	cr_assert_eq(transaction_build(b.w.graph, &b.w.world, anchor, N, 0, &plan, &diags), 0);
	cr_assert_eq(jobs_install(b.queue, &plan, &b.w.world, anchor, N, USEC_INFINITY), 0);
	while ((j = jobs_next(b.queue)))
		cr_assert_neq(j, anchor[0].job);
	for (size_t i = 1; i < N; i++) {
		cr_assert_null(jobs_next(b.queue));
		jobs_finish(b.queue, anchor[i].job, JOB_DONE);
		job_free(jobs_reap(b.queue));
	}
	cr_assert_eq(jobs_next(b.queue), anchor[0].job);
	cr_assert_lt(clock_now() - start, USEC_PER_SEC);
	plan_deinit(&plan);
	free(anchor);
	bench_deinit(&b);
}

/* ---- at random ---- */

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static bool one_in(uint64_t *state, unsigned n)
{
	return next_random(state) % n == 0;
}

/*
 * What the oracle knows: who says what of whom, and what each job is, by number; it never looks at links of the graph or at
 * lists of the queue, and goes over all units for everything.
 */
struct chaos {
	struct unitworld w;
	struct jobs *queue;
	uint64_t random;
	uint16_t *says;	 /* [n * i + j]: a bit for each dependency */
	uint32_t *id;	 /* the job that each unit has, 0 = none */
	uint32_t *ended; /* of the jobs: how often; by id */
	size_t cap;
	size_t planned, refused, cyclic, failed, dependency, ran;
	bool acyclic; /* units are ordered by their numbers only: nothing can be refused for its order */
};

static bool says(const struct chaos *c, size_t i, size_t j, enum dependency d)
{
	return c->says[c->w.n * i + j] >> d & 1;
}

static size_t number_of(const struct chaos *c, const struct graph_node *n)
{
	return (size_t)((const struct place *)n->owner - c->w.place);
}

static bool comes_before(const struct chaos *c, size_t i, size_t j)
{
	return says(c, i, j, DEP_BEFORE) || says(c, j, i, DEP_AFTER);
}

static bool stops_first(const struct job *j)
{
	return j->type == JOB_STOP || j->type == JOB_RESTART;
}

/* Must x wait for y? In the words of job_compare() of systemd. */
static bool must_wait(const struct chaos *c, const struct job *x, const struct job *y)
{
	size_t i = number_of(c, x->node), j = number_of(c, y->node);

	return (comes_before(c, i, j) && stops_first(y)) || (comes_before(c, j, i) && !stops_first(x));
}

static void link_random(struct chaos *c, unsigned links)
{
	static const enum dependency some[] = {
		DEP_REQUIRES,
		DEP_WANTS,
		DEP_AFTER,
		DEP_BEFORE,
		DEP_AFTER,
		DEP_BEFORE,
		DEP_WANTS,
		DEP_REQUIRES,
		DEP_REQUISITE,
		DEP_BINDS_TO,
		DEP_PART_OF,
		DEP_UPHOLDS,
		DEP_CONFLICTS,
		DEP_PROPAGATES_STOP_TO,
		DEP_STOP_PROPAGATED_FROM,
		DEP_PROPAGATES_RELOAD_TO,
		DEP_RELOAD_PROPAGATED_FROM,
	};
	size_t n = c->w.n;

	for (size_t i = 0; i < n; i++)
		for (unsigned k = (unsigned)(next_random(&c->random) % (2 * links)); k > 0; k--) {
			enum dependency d = some[next_random(&c->random) % ARRAY_SIZE(some)];
			size_t j = next_random(&c->random) % n;

			if (i == j || (d == DEP_CONFLICTS && !one_in(&c->random, 3)))
				continue;
			if (c->acyclic && ((d == DEP_AFTER && j > i) || (d == DEP_BEFORE && j < i)))
				d = d == DEP_AFTER ? DEP_BEFORE : DEP_AFTER;
			if (says(c, i, j, d))
				continue;
			c->says[n * i + j] |= (uint16_t)(1U << d);
			cr_assert_eq(strv_push(&c->w.place[i].unit->deps[d], c->w.place[j].unit->name),
				     0);
		}
}

/* What a start cannot be without has a job, or is active; what is stopped takes with it whoever requires it. */
static void check_plan(const struct chaos *c, const struct plan *plan)
{
	cleanup_free enum job_type *type = calloc(c->w.n, sizeof(*type));

	for (size_t i = 0; i < plan->n; i++) {
		size_t unit = number_of(c, plan->v[i].node);

		cr_assert_eq(type[unit], JOB_TYPE_INVALID, "two jobs on one unit");
		type[unit] = plan->v[i].type;
	}
	for (size_t i = 0; i < c->w.n; i++)
		for (size_t j = 0; j < c->w.n; j++) {
			bool up = c->w.place[j].activity == ACTIVITY_ACTIVE,
			     starts = type[i] == JOB_START || type[i] == JOB_RESTART;

			if (starts && (says(c, i, j, DEP_REQUIRES) || says(c, i, j, DEP_BINDS_TO))) {
				cr_assert_neq(type[j], JOB_STOP);
				cr_assert(up || type[j] == JOB_START || type[j] == JOB_RESTART);
			}
			if (starts && says(c, i, j, DEP_REQUISITE))
				cr_assert(up || (type[j] && type[j] != JOB_STOP));
			if (starts && says(c, i, j, DEP_CONFLICTS))
				cr_assert(type[j] == JOB_STOP || (!up && !type[j]));
			if (starts && (says(c, i, j, DEP_REQUIRES) || says(c, i, j, DEP_BINDS_TO) ||
				       says(c, i, j, DEP_REQUISITE)))
				cr_assert_eq(c->w.place[j].availability, UNIT_IS_AVAILABLE);
			if (type[i] == JOB_STOP && up &&
			    (says(c, j, i, DEP_REQUIRES) || says(c, j, i, DEP_BINDS_TO) ||
			     says(c, j, i, DEP_REQUISITE) || says(c, j, i, DEP_PART_OF) ||
			     says(c, i, j, DEP_PROPAGATES_STOP_TO) ||
			     says(c, j, i, DEP_STOP_PROPAGATED_FROM)))
				cr_assert_eq(type[j], JOB_STOP);
			if (type[i] == JOB_RESTART && up &&
			    (says(c, i, j, DEP_PROPAGATES_STOP_TO) ||
			     says(c, j, i, DEP_STOP_PROPAGATED_FROM)))
				cr_assert(type[j] == JOB_STOP || type[j] == JOB_RESTART);
			if (type[i] == JOB_RESTART && up &&
			    (says(c, j, i, DEP_REQUIRES) || says(c, j, i, DEP_BINDS_TO) ||
			     says(c, j, i, DEP_REQUISITE) || says(c, j, i, DEP_PART_OF)))
				cr_assert_eq(type[j], JOB_RESTART);
		}
}

/* All that is wanted if unit i gets a job of that type; of a unit that is not needed nothing further. */
static void want(const struct chaos *c, unsigned *set, const bool *needed, size_t i, enum job_type type)
{
	bool starts = type == JOB_START || type == JOB_RESTART;

	if (set[i] >> type & 1)
		return;
	if ((type == JOB_START || type == JOB_VERIFY_ACTIVE) &&
	    c->w.place[i].availability != UNIT_IS_AVAILABLE)
		return;
	set[i] |= 1U << type;
	for (size_t j = 0; j < c->w.n && (!needed || needed[i]); j++) {
		bool up = c->w.place[j].activity == ACTIVITY_ACTIVE;
		bool pulls_in = says(c, i, j, DEP_REQUIRES) || says(c, i, j, DEP_BINDS_TO) ||
				says(c, i, j, DEP_WANTS) || says(c, i, j, DEP_UPHOLDS);
		bool stops = says(c, i, j, DEP_PROPAGATES_STOP_TO) ||
			     says(c, j, i, DEP_STOP_PROPAGATED_FROM);
		bool with = says(c, j, i, DEP_REQUIRES) || says(c, j, i, DEP_REQUISITE) ||
			    says(c, j, i, DEP_BINDS_TO) || says(c, j, i, DEP_PART_OF);

		if (starts && pulls_in)
			want(c, set, needed, j, JOB_START);
		if (starts && says(c, i, j, DEP_REQUISITE))
			want(c, set, needed, j, JOB_VERIFY_ACTIVE);
		if (starts && (says(c, i, j, DEP_CONFLICTS) || says(c, j, i, DEP_CONFLICTS)))
			want(c, set, needed, j, JOB_STOP);
		if ((type == JOB_STOP && (with || stops)) || (type == JOB_RESTART && stops && !pulls_in))
			want(c, set, needed, j, JOB_STOP);
		if (type == JOB_RESTART && (with || (stops && pulls_in)) && up)
			want(c, set, needed, j, JOB_RESTART);
		if (type == JOB_RELOAD && up &&
		    (says(c, i, j, DEP_PROPAGATES_RELOAD_TO) ||
		     says(c, j, i, DEP_RELOAD_PROPAGATED_FROM)))
			want(c, set, needed, j, JOB_RELOAD);
	}
}

/* Would one of these change something, here where units are active or not? */
static bool changes(const struct place *p, unsigned set)
{
	bool up = p->activity == ACTIVITY_ACTIVE, stop = set >> JOB_STOP & 1;
	const struct job *job = p->node->job;

	if ((set >> JOB_RESTART & 1) || (set >> JOB_RELOAD & 1) || (stop && up))
		return true;
	if (!up && (set & (1U << JOB_START | 1U << JOB_VERIFY_ACTIVE)))
		return true;
	return job && (stop ? job->type != JOB_STOP : set && job->type == JOB_STOP);
}

static enum job_type merged(unsigned set, bool up)
{
	static const enum job_type strongest[] = { JOB_STOP, JOB_RESTART, JOB_RELOAD, JOB_START,
						   JOB_VERIFY_ACTIVE };

	if ((set >> JOB_START & 1) && (set >> JOB_RELOAD & 1) && !up)
		set &= ~(1U << JOB_RELOAD);
	for (size_t i = 0; i < ARRAY_SIZE(strongest); i++)
		if (set >> strongest[i] & 1)
			return strongest[i];
	return JOB_TYPE_INVALID;
}

/* Where nothing had to be left out, the plan is what the anchors want, and what those want, less what changes nothing. */
static void check_all_is_planned(const struct chaos *c, const struct anchor *anchor, size_t n,
				 const struct plan *plan)
{
	cleanup_free bool *needed = calloc(c->w.n, sizeof(*needed)),
			  *asked = calloc(c->w.n, sizeof(*asked));
	cleanup_free unsigned *set = calloc(c->w.n, sizeof(*set));
	size_t planned = 0;

	for (unsigned round = 0; round < 3; round++) {
		memset(set, 0, c->w.n * sizeof(*set));
		for (size_t i = 0; i < n; i++) {
			size_t unit = number_of(c, anchor[i].node);

			if (!anchor[i].planned)
				continue;
			asked[unit] = true;
			want(c, set, round ? needed : NULL, unit,
			     anchor[i].type == JOB_TRY_RESTART ? JOB_RESTART : anchor[i].type);
		}
		for (size_t i = 0; i < c->w.n; i++)
			needed[i] = asked[i] || changes(&c->w.place[i], set[i]);
	}
	for (size_t i = 0; i < plan->n; i++) {
		size_t unit = number_of(c, plan->v[i].node);

		cr_assert(needed[unit], "%s is not needed", plan->v[i].node->name);
		cr_assert_eq(plan->v[i].type,
			     merged(set[unit], c->w.place[unit].activity == ACTIVITY_ACTIVE));
	}
	for (size_t i = 0; i < c->w.n; i++)
		planned += set[i] && needed[i];
	cr_assert_eq(plan->n, planned);
}

/* What is said of a cycle is one: "a → b → a (…)", and each name comes before the next. */
static void check_cycle(const struct chaos *c, const char *text)
{
	const char *p = strchr(text, 'u');
	size_t first = SIZE_MAX, last = SIZE_MAX, n = 0;
	char *end;

	for (;; n++) {
		size_t unit = strtoul(p + 1, &end, 10);

		cr_assert_lt(unit, c->w.n);
		if (last != SIZE_MAX)
			cr_assert(comes_before(c, last, unit) || comes_before(c, unit, last), "%s",
				  text);
		first = n == 0 ? unit : first;
		last = unit;
		if (!(p = after_prefix(end, ".service → ")))
			break;
	}
	cr_assert_geq(n, 2);
	cr_assert_eq(first, last, "%s", text);
}

static void ask_random(struct chaos *c)
{
	static const enum job_type types[] = { JOB_START,   JOB_START,	JOB_START,	JOB_STOP,
					       JOB_RESTART, JOB_RELOAD, JOB_TRY_RESTART };
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct anchor anchor[ANCHORS_MAX] = { 0 };
	struct plan plan = { 0 };
	size_t n = 1 + next_random(&c->random) % 3;
	int r;

	for (size_t i = 0; i < n; i++)
		anchor[i] = (struct anchor){
			.node = c->w.place[next_random(&c->random) % c->w.n].node,
			.type = types[next_random(&c->random) % ARRAY_SIZE(types)],
		};
	r = transaction_build(c->w.graph, &c->w.world, anchor, n, 0, &plan, &diags);
	for (size_t i = 0; i < diags.n; i++)
		if (after_prefix(diags.v[i].text, "The order has a cycle: ")) {
			cr_assert_not(c->acyclic);
			check_cycle(c, diags.v[i].text);
			c->cyclic++;
		}
	if (r < 0) {
		cr_assert(r == -EDEADLK || r == -EEXIST);
		cr_assert_gt(diags.errors, 0);
		c->refused++;
		return;
	}
	check_plan(c, &plan);
	if (diags.n == 0)
		check_all_is_planned(c, anchor, n, &plan);
	cr_assert_eq(jobs_install(c->queue, &plan, &c->w.world, anchor, n, USEC_INFINITY), 0);
	for (size_t i = 0; i < n; i++)
		cr_assert_eq(anchor[i].job != NULL, anchor[i].planned);
	for (size_t i = 0; i < plan.n; i++) {
		struct job *j = plan.v[i].node->job;

		cr_assert_not_null(j);
		c->id[number_of(c, j->node)] = j->id;
		if (j->state == JOB_WAITING && one_in(&c->random, 20))
			jobs_set_idle(c->queue, j);
	}
	c->planned += plan.n;
	plan_deinit(&plan);
}

/* Each job that ends has ended once; and those whose starts fail take those with them that require them. */
static void reap_all(struct chaos *c)
{
	struct job *j;

	while ((j = jobs_reap(c->queue))) {
		size_t unit = number_of(c, j->node);

		cr_assert_eq(j->state, JOB_ENDED);
		cr_assert_neq(j->node->job, j);
		if (j->id >= c->cap) {
			size_t cap = 2 * j->id + 64;

			c->ended = reallocarray(c->ended, cap, sizeof(*c->ended));
			memset(c->ended + c->cap, 0, (cap - c->cap) * sizeof(*c->ended));
			c->cap = cap;
		}
		cr_assert_eq(c->ended[j->id]++, 0, "job %u ended twice", j->id);
		if (c->id[unit] == j->id)
			c->id[unit] = 0;
		c->dependency += j->result == JOB_DEPENDENCY;
		job_free(j);
	}
}

static bool is_start(const struct job *j)
{
	return j && (j->type == JOB_START || j->type == JOB_VERIFY_ACTIVE);
}

static void finish_random(struct chaos *c, struct job *j)
{
	size_t unit = number_of(c, j->node);
	struct place *p = &c->w.place[unit];
	enum job_type type = j->type;
	enum job_result result = one_in(&c->random, 6) ? JOB_FAILED : JOB_DONE;

	if (type == JOB_RESTART && result == JOB_DONE && !one_in(&c->random, 3)) {
		p->activity = ACTIVITY_INACTIVE;
		jobs_stopped(c->queue, j);
		return;
	}
	if (type == JOB_VERIFY_ACTIVE)
		result = p->activity == ACTIVITY_ACTIVE ? JOB_DONE : JOB_FAILED;
	else if (type == JOB_STOP)
		p->activity = result == JOB_DONE ? ACTIVITY_INACTIVE : ACTIVITY_FAILED;
	else
		p->activity = result == JOB_DONE ? ACTIVITY_ACTIVE : ACTIVITY_FAILED;
	jobs_finish(c->queue, j, result);
	c->failed += result != JOB_DONE;
	for (size_t i = 0; result != JOB_DONE && i < c->w.n; i++) {
		const struct job *other = c->w.place[i].node->job;

		if (type == JOB_START || type == JOB_VERIFY_ACTIVE)
			cr_assert_not(is_start(other) && (says(c, i, unit, DEP_REQUIRES) ||
							  says(c, i, unit, DEP_BINDS_TO) ||
							  says(c, i, unit, DEP_REQUISITE)));
		if (type == JOB_STOP)
			cr_assert_not(is_start(other) && says(c, i, unit, DEP_CONFLICTS));
	}
}

/* Nobody has its turn who has to wait, and whoever does not have to has it. */
static void run_all(struct chaos *c, struct job **running, size_t *n_running)
{
	struct job *j;
	size_t n = 0;

	while ((j = jobs_next(c->queue))) {
		bool others_run = false, waits = false;

		cr_assert_eq(j->state, JOB_RUNNING);
		for (size_t i = 0; i < c->w.n; i++) {
			const struct job *other = c->w.place[i].node->job;

			if (!other || other == j)
				continue;
			others_run |= other->state == JOB_RUNNING;
			waits |= must_wait(c, j, other);
		}
		cr_assert(!waits || (!c->acyclic && !others_run), "%s is too early", j->node->name);
		c->ran++;
	}
	for (size_t i = 0; i < c->w.n; i++) {
		bool waits = false;

		j = c->w.place[i].node->job;
		cr_assert_eq(j ? j->id : 0, c->id[i], "a job was lost");
		if (j && j->state == JOB_RUNNING)
			running[n++] = j;
		for (size_t k = 0; j && j->state == JOB_WAITING && !waits && k < c->w.n; k++) {
			const struct job *other = c->w.place[k].node->job;

			waits = other && other != j &&
				(must_wait(c, j, other) || (j->idle && other->state == JOB_RUNNING));
		}
		cr_assert(!j || j->state == JOB_RUNNING || waits, "%s waits for nobody",
			  j ? j->node->name : "");
	}
	*n_running = n;
}

static void play(struct chaos *c, unsigned steps)
{
	cleanup_free struct job **running = calloc(c->w.n, sizeof(struct job *));
	size_t n_running;

	for (unsigned step = 0;; step++) {
		if (step < steps)
			ask_random(c);
		reap_all(c);
		run_all(c, running, &n_running);
		if (n_running == 0 && step >= steps)
			break;
		for (unsigned k = 0; k < 4 && n_running > 0; k++) {
			size_t at = next_random(&c->random) % n_running;

			if (running[at]->state == JOB_ENDED || running[at]->state == JOB_WAITING)
				break; /* by one of the others */
			finish_random(c, running[at]);
			running[at] = running[--n_running];
		}
	}
	cr_assert_eq(jobs_count(c->queue), 0, "%zu jobs never had their turn", jobs_count(c->queue));
}

static void check_random(uint64_t seed, size_t n, unsigned links, unsigned steps, struct chaos *sum)
{
	struct chaos c = { .random = seed * 0x9e3779b97f4a7c15U, .acyclic = seed % 2 };

	unitworld_init_blank(&c.w, n);
	c.says = calloc(n * n, sizeof(*c.says));
	c.id = calloc(n, sizeof(*c.id));
	link_random(&c, links);
	unitworld_link(&c.w);
	for (size_t i = 0; i < n; i++) {
		c.w.place[i].activity = one_in(&c.random, 2) ? ACTIVITY_ACTIVE : ACTIVITY_INACTIVE;
		if (one_in(&c.random, 20) && seed % 3 == 0)
			c.w.place[i].availability = UNIT_IS_NOT_FOUND;
	}
	c.queue = jobs_new(c.w.graph);
	play(&c, steps);
	jobs_free(c.queue);
	unitworld_deinit(&c.w);
	free(c.says);
	free(c.id);
	free(c.ended);
	sum->planned += c.planned;
	sum->refused += c.refused;
	sum->cyclic += c.cyclic;
	sum->failed += c.failed;
	sum->dependency += c.dependency;
	sum->ran += c.ran;
}

Test(jobs, random_small)
{
	struct chaos sum = { 0 };

	for (uint64_t seed = 1; seed <= 8000; seed++)
		check_random(seed, 2 + seed % 10, 1 + (unsigned)(seed % 4), 20, &sum);
	cr_log_info(
		"%zu jobs, %zu of them ran, %zu failed, %zu by dependency; %zu refused, %zu cycles",
		sum.planned, sum.ran, sum.failed, sum.dependency, sum.refused, sum.cyclic);
	/* that it was about something */
	cr_assert(sum.refused > 1000 && sum.cyclic > 500 && sum.failed > 1000 && sum.dependency > 100);
}

Test(jobs, random_medium)
{
	struct chaos sum = { 0 };

	for (uint64_t seed = 1; seed <= 100; seed++)
		check_random(seed, 60, 1 + (unsigned)(seed % 4), 30, &sum);
	cr_assert(sum.ran > 1000 && sum.dependency > 10);
}

Test(jobs, random_large)
{
	struct chaos sum = { 0 };

	for (uint64_t seed = 1; seed <= 2; seed++)
		check_random(seed, 1000, 1, 10, &sum);
	cr_assert_gt(sum.ran, 10);
}
