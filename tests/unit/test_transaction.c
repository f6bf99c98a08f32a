/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a request pulls in, by a table of small worlds: each row is what systemd does (systemd.unit(5)). And large ones, by the
 * clock. tests/unit/test_jobs.c has the random ones.
 */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/consequence.h"
#include "lib/unitworld.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/strv.h"

TestSuite(transaction, .timeout = 60);

#define ANCHORS_MAX 8

static int compare_planned(const void *a, const void *b)
{
	const struct planned *x = a, *y = b;

	return strcmp(x->node->name, y->node->name);
}

static const char *availability_word(enum availability a)
{
	static const char *const words[] = { "?",	  "available", "reached",
					     "not-found", "masked",    "bad" };

	return words[a];
}

/* "a:start b:stop", sorted, "!c:not-found" for an anchor, "!c:b:not-found" where b is missing; or "-EEXIST". */
static char *plan_of(struct unitworld *w, const char *requests, unsigned flags, struct diags *diags)
{
	cleanup_free char *copy = strdup(requests);
	struct anchor anchor[ANCHORS_MAX];
	struct plan plan = { 0 };
	struct buf b = BUF_INIT;
	char *rest = copy, *word;
	size_t n = 0;
	int r;

	while ((word = strsep(&rest, ",")))
		anchor[n++] = unitworld_anchor(w, word);
	r = transaction_build(w->graph, &w->world, anchor, n, flags, &plan, diags);
	if (r < 0)
		return strdup(r == -EEXIST ? "-EEXIST" : r == -EDEADLK ? "-EDEADLK" : "-E?");
	if (plan.n > 0)
		qsort(plan.v, plan.n, sizeof(*plan.v), compare_planned);
	for (size_t i = 0; i < plan.n; i++)
		buf_printf(&b, "%s%.*s:%s", b.len ? " " : "", (int)strcspn(plan.v[i].node->name, "."),
			   plan.v[i].node->name, job_type_name(plan.v[i].type));
	for (size_t i = 0; i < n; i++) {
		const struct anchor *a = &anchor[i];

		cr_assert(!a->planned || a->availability == UNIT_IS_AVAILABLE);
		if (a->availability != UNIT_IS_AVAILABLE)
			buf_printf(&b, "%s!%s%s%s:%s", b.len ? " " : "", a->node->name,
				   a->missing ? ":" : "", a->missing ? a->missing->name : "",
				   availability_word(a->availability));
	}
	for (size_t i = 0; i < w->n; i++)
		cr_assert_eq(w->place[i].node->scratch, 0);
	plan_deinit(&plan);
	return b.len ? buf_take(&b) : strdup("");
}

struct row {
	int line;
	const char *world, *request, *plan;
	const char *said; /* the first thing; NULL: nothing */
};

static void check(const struct row *row)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_free char *got = NULL;
	struct unitworld w;

	unitworld_init(&w, row->world);
	got = plan_of(&w, row->request, 0, &diags);
	cr_assert_str_eq(got, row->plan, "line %d: \"%s\"", row->line, got);
	cr_assert(streq_null(diags.n ? diags.v[0].text : NULL, row->said), "line %d: \"%s\"",
		  row->line, diags.n ? diags.v[0].text : "nothing said");
	unitworld_deinit(&w);
}

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check(&rows[i]);
}

Test(transaction, propagation)
{
	static const struct row rows[] = {
		/* start */
		{ __LINE__, "a Requires=b; b", "start a", "a:start b:start", NULL },
		{ __LINE__, "a BindsTo=b; b Wants=c; c Upholds=d; d", "start a",
		  "a:start b:start c:start d:start", NULL },
		{ __LINE__, "a Requisite=b; b", "start a", "a:start b:verify-active", NULL },
		{ __LINE__, "a Requisite=b; +b", "start a", "a:start", NULL },
		{ __LINE__, "a Conflicts=b; +b", "start a", "a:start b:stop", NULL },
		{ __LINE__, "a; +b Conflicts=a", "start a", "a:start b:stop", NULL },
		{ __LINE__, "a Conflicts=b; b", "start a", "a:start", NULL },
		{ __LINE__, "a PartOf=b After=c Before=d OnFailure=e; b; c; d; e", "start a",
		  "a:start", NULL },
		{ __LINE__, "a PropagatesStopTo=b PropagatesReloadTo=b; b", "start a", "a:start", NULL },
		{ __LINE__, "a Requires=b; +b Requires=c; c", "start a", "a:start", NULL },
		{ __LINE__, "+a Requires=b; b", "start a", "a:start b:start", NULL },
		{ __LINE__, "a Requires=a Wants=a Conflicts=a; b", "start a", "a:start", NULL },
		{ __LINE__, "a Requires=x; b Alias=x", "start a", "a:start b:start", NULL },
		{ __LINE__, "b Alias=x; a", "start x,start b", "b:start", NULL },
		{ __LINE__, "t.target Wants=a,b; a; b", "start t.target", "a:start b:start t:start",
		  NULL },
		/* stop */
		{ __LINE__, "+a Requires=b; +b", "stop b", "a:stop b:stop", NULL },
		{ __LINE__, "+a BindsTo=b; +b; +c Requisite=b; +d PartOf=b", "stop b",
		  "a:stop b:stop c:stop d:stop", NULL },
		{ __LINE__, "+a Wants=b Upholds=b; +b", "stop b", "b:stop", NULL },
		{ __LINE__, "+a; +b PropagatesStopTo=a; +c StopPropagatedFrom=b", "stop b",
		  "a:stop b:stop c:stop", NULL },
		{ __LINE__, "+a Requires=b; +b", "stop a", "a:stop", NULL },
		{ __LINE__, "+a Requires=b; +b Requires=c; +c", "stop c", "a:stop b:stop c:stop", NULL },
		{ __LINE__, "+a Requires=b; b Requires=c; +c", "stop c", "c:stop", NULL },
		{ __LINE__, "a", "stop a", "a:stop", NULL },
		{ __LINE__, "+a Requires=b; +b Conflicts=c; +c", "stop b", "a:stop b:stop", NULL },
		/* restart */
		{ __LINE__, "+a Requires=b; +b; c Requires=b; +d PartOf=b", "restart b",
		  "a:restart b:restart d:restart", NULL },
		{ __LINE__, "+a; +b PropagatesStopTo=a; +c StopPropagatedFrom=b", "restart b",
		  "a:stop b:restart c:stop", NULL },
		{ __LINE__, "+a; +b Wants=a PropagatesStopTo=a", "restart b", "a:restart b:restart",
		  NULL },
		{ __LINE__, "a Requires=b; b", "restart a", "a:restart b:start", NULL },
		{ __LINE__, "a; +b", "try-restart a,try-restart b", "b:restart", NULL },
		{ __LINE__, "+a Wants=b; +b", "restart b", "b:restart", NULL },
		/* reload */
		{ __LINE__, "+a PropagatesReloadTo=b,c; +b; c; +d ReloadPropagatedFrom=a",
		  "reload a", "a:reload b:reload d:reload", NULL },
		{ __LINE__, "+a Requires=b; b", "reload a", "a:reload", NULL },
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

Test(transaction, what_cannot_be_loaded)
{
	static const struct row rows[] = {
		{ __LINE__, "a Requires=b.swap Requisite=c.mount; b", "start a", "a:start", NULL },
		{ __LINE__, "a Requires=x; b", "start a", "!a.service:x.service:not-found",
		  "a.service has Requires=x.service, which was not found." },
		{ __LINE__, "a Wants=x; b", "start a", "a:start", NULL },
		{ __LINE__, "a Wants=b; b BindsTo=x", "start a", "a:start",
		  "b.service has BindsTo=x.service, which was not found." },
		{ __LINE__, "a Wants=b; b BindsTo=c,d; c Requires=e; d; e Requisite=x", "start a",
		  "a:start", "e.service has Requisite=x.service, which was not found." },
		/* what lacks something already when it is wanted once more */
		{ __LINE__, "a Wants=b,c; b Requires=x; c Requires=d; d Requires=b", "start a",
		  "a:start", "b.service has Requires=x.service, which was not found." },
		{ __LINE__, "a Requires=b; b Requires=x; c Wants=d; d",
		  "start a,start c,start y,start z.mount", "c:start d:start !a.service:x.service:not-found !y.service:not-found !z.mount:reached",
		  "b.service has Requires=x.service, which was not found." },
		{ __LINE__, "+a Requires=x; +b PartOf=x", "stop x", "!x.service:not-found", NULL },
		{ __LINE__, "+a Requires=x; b", "stop a", "a:stop", NULL },
		{ __LINE__, "a Conflicts=x; b", "start a", "a:start", NULL },
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

static void expect_plan(struct unitworld *w, const char *requests, unsigned flags,
			const char *wanted, const char *said)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_free char *got = plan_of(w, requests, flags, &diags);

	cr_assert_str_eq(got, wanted, "%s: \"%s\"", requests, got);
	cr_assert(streq_null(diags.n ? diags.v[0].text : NULL, said), "%s: \"%s\"", requests,
		  diags.n ? diags.v[0].text : "nothing said");
}

Test(transaction, masked_and_bad)
{
	struct unitworld w;

	unitworld_init(&w, "a Requires=b; b; c Wants=b; +d");
	unitworld_place(&w, "b")->availability = UNIT_IS_MASKED;
	expect_plan(&w, "start a,start c,start b", 0,
		    "c:start !a.service:b.service:masked !b.service:masked",
		    "a.service has Requires=b.service, which is masked.");
	unitworld_place(&w, "b")->availability = UNIT_IS_BAD;
	expect_plan(&w, "start c", 0, "c:start", "c.service has Wants=b.service, which has errors.");
	/* what runs is stopped though its file is gone */
	unitworld_place(&w, "d")->availability = UNIT_IS_NOT_FOUND;
	expect_plan(&w, "stop d", 0, "d:stop", NULL);
	unitworld_deinit(&w);
}

Test(transaction, alone)
{
	struct unitworld w;

	unitworld_init(&w, "+a Requires=b; +b Requires=c Conflicts=a; c");
	expect_plan(&w, "restart b", TRANSACTION_ALONE, "b:restart", NULL);
	unitworld_deinit(&w);
}

Test(transaction, contradictions)
{
	static const struct row rows[] = {
		{ __LINE__, "a Requires=b,c; b Conflicts=c; c", "start a", "-EEXIST",
		  "c.service cannot have both a start job (a.service has Requires=c.service) and a "
		  "stop job "
		  "(b.service has Conflicts=c.service)." },
		{ __LINE__, "a; b", "start a,stop a",
		  "-EEXIST", "a.service cannot have both a start job (as asked for) and a stop job (as asked for)." },
		{ __LINE__, "a Conflicts=b; b", "start a,start b", "-EEXIST",
		  "b.service cannot have both a start job (as asked for) and a stop job (a.service "
		  "has "
		  "Conflicts=b.service)." },
		/* who does not matter gives way */
		{ __LINE__, "a Requires=b Wants=c; b; c Conflicts=b", "start a", "a:start b:start",
		  "b.service cannot have both a start job (a.service has Requires=b.service) and a "
		  "stop job "
		  "(c.service has Conflicts=b.service): it is not stopped." },
		{ __LINE__, "a Wants=b Conflicts=b; +b", "start a", "a:start b:stop",
		  "b.service cannot have both a start job (a.service has Wants=b.service) and a "
		  "stop job "
		  "(a.service has Conflicts=b.service): it is stopped." },
		{ __LINE__, "a Wants=b,c; b; c Conflicts=b; +d", "start a", "a:start c:start",
		  "c.service cannot have both a start job (a.service has Wants=c.service) and a "
		  "stop job "
		  "(c.service has Conflicts=b.service): it is not stopped." },
		/* and what only it wanted with it */
		{ __LINE__, "a Wants=b Conflicts=b; +b Wants=c; c Requires=d; d", "start a",
		  "a:start b:stop",
		  "b.service cannot have both a start job (a.service has Wants=b.service) and a "
		  "stop job "
		  "(a.service has Conflicts=b.service): it is stopped." },
		/* of two that do not matter the one that the other does not want is started no more */
		{ __LINE__, "a Wants=b,c; b Conflicts=c; c", "start a", "a:start b:start",
		  "c.service cannot have both a start job (a.service has Wants=c.service) and a "
		  "stop job "
		  "(b.service has Conflicts=c.service): it is stopped." },
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

Test(transaction, jobs_merge)
{
	static const char *const word[] = { NULL,   "start",  "verify-active",
					    "stop", "reload", "restart" };
	/* by systemd's table, for a unit that is inactive, and one that is active; upper half */
	static const char *const inactive[6][6] = {
		[JOB_START] = { [JOB_START] = "start", [JOB_VERIFY_ACTIVE] = "start", [JOB_RELOAD] = "start", [JOB_RESTART] = "restart" },
		[JOB_VERIFY_ACTIVE] = { [JOB_VERIFY_ACTIVE] = "verify-active", [JOB_RELOAD] = "reload", [JOB_RESTART] = "restart" },
		[JOB_STOP] = { [JOB_STOP] = "stop" },
		[JOB_RELOAD] = { [JOB_RELOAD] = "reload", [JOB_RESTART] = "restart" },
		[JOB_RESTART] = { [JOB_RESTART] = "restart" },
	};

	for (unsigned a = JOB_START; a <= JOB_RESTART; a++)
		for (unsigned b = JOB_START; b <= JOB_RESTART; b++) {
			const char *wanted = inactive[MIN_OF(a, b)][MAX_OF(a, b)];
			enum job_type got = job_type_merge(a, b, ACTIVITY_INACTIVE),
				      active = job_type_merge(a, b, ACTIVITY_ACTIVE);

			cr_assert(streq_null(job_type_name(got), wanted), "%s and %s", word[a],
				  word[b]);
			if (MIN_OF(a, b) == JOB_START && MAX_OF(a, b) == JOB_RELOAD)
				cr_assert_eq(active, JOB_RELOAD);
			else
				cr_assert_eq(active, got);
		}
}

Test(transaction, cycles)
{
	static const struct row rows[] = {
		{ __LINE__, "a Requires=b After=b; b After=a", "start a", "-EDEADLK",
		  "The order has a cycle: a.service → b.service → a.service (b.service has "
		  "After=a.service, "
		  "a.service has After=b.service)." },
		{ __LINE__, "a Requires=b,c Before=b; b Before=c; c Before=a", "start a", "-EDEADLK",
		  "The order has a cycle: a.service → b.service → c.service → a.service (a.service "
		  "has "
		  "Before=b.service, b.service has Before=c.service, c.service has "
		  "Before=a.service)." },
		{ __LINE__, "a Wants=b After=b; b After=a", "start a", "a:start",
		  "The order has a cycle: a.service → b.service → a.service (b.service has "
		  "After=a.service, "
		  "a.service has After=b.service): b.service is left alone." },
		/* of several the one that would run last */
		{ __LINE__, "a Wants=b,c; b After=a; c After=b Before=a", "start a", "a:start b:start",
		  "The order has a cycle: a.service → b.service → c.service → a.service (b.service "
		  "has "
		  "After=a.service, c.service has After=b.service, c.service has "
		  "Before=a.service): c.service "
		  "is left alone." },
		/* with what is left out goes what only it wanted */
		{ __LINE__, "a Wants=b After=b; b After=a Requires=c; c", "start a", "a:start",
		  "The order has a cycle: a.service → b.service → a.service (b.service has "
		  "After=a.service, "
		  "a.service has After=b.service): b.service is left alone." },
		/* only jobs order: through b, which has none, there is no way */
		{ __LINE__, "a Wants=c After=b; b After=c; c After=a", "start a", "a:start c:start",
		  NULL },
		/* one stops, one starts: the stop is first whatever they say */
		{ __LINE__, "a Conflicts=b After=b; +b After=a", "start a", "a:start b:stop", NULL },
		/* a cycle among those that only the later half of a restart has */
		{ __LINE__, "a Requires=b After=b; +b After=a", "start a,restart b", "-EDEADLK",
		  "The order has a cycle: a.service → b.service → a.service (b.service has "
		  "After=a.service, "
		  "a.service has After=b.service)." },
		/* no stop is refused for the sake of an order */
		{ __LINE__, "+a After=b Requires=b; +b After=a Requires=a", "stop a", "a:stop b:stop",
		  "The order has a cycle: a.service → b.service → a.service (a.service has "
		  "After=b.service, "
		  "b.service has After=a.service): they are stopped all the same." },
		{ __LINE__, "+a After=b; +b After=a", "stop a,restart b", "-EDEADLK",
		  "The order has a cycle: a.service → b.service → a.service (a.service has "
		  "After=b.service, "
		  "b.service has After=a.service)." },
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

/* Jobs that exist already count, as what they will be. */
Test(transaction, jobs_that_exist)
{
	struct unitworld w;
	struct job job = { .type = JOB_START, .state = JOB_WAITING };

	unitworld_init(&w, "a After=b; b After=a; +c");
	unitworld_place(&w, "b")->node->job = &job;
	expect_plan(&w, "start a", 0, "-EDEADLK",
		    "The order has a cycle: a.service → b.service → a.service (b.service has "
		    "After=a.service, "
		    "a.service has After=b.service).");
	job.type = JOB_STOP;
	expect_plan(&w, "start a", 0, "a:start", NULL);
	expect_plan(&w, "start a,start b", 0, "-EDEADLK",
		    "The order has a cycle: a.service → b.service → a.service (b.service has "
		    "After=a.service, a.service has After=b.service)."); /* what was to stop starts */
	unitworld_place(&w, "b")->node->job = NULL;

	/* c is active, but about to be stopped: its start is not redundant */
	unitworld_place(&w, "c")->node->job = &job;
	cr_assert_eq(strv_push(&unitworld_place(&w, "b")->unit->deps[DEP_WANTS], "c.service"), 0);
	unitworld_link(&w);
	expect_plan(&w, "start b", 0, "b:start c:start", NULL);
	job.type = JOB_RESTART;
	expect_plan(&w, "start b", 0, "b:start", NULL);
	unitworld_deinit(&w);
}

/* That is their own affair. */
Test(transaction, a_cycle_of_jobs_that_exist)
{
	struct unitworld w;
	struct job a = { .type = JOB_START }, b = { .type = JOB_START };

	unitworld_init(&w, "a After=b; b After=a; c Before=a");
	unitworld_place(&w, "a")->node->job = &a;
	unitworld_place(&w, "b")->node->job = &b;
	expect_plan(&w, "start c", 0, "c:start", NULL);
	unitworld_deinit(&w);
}

/* ---- consequences ---- */

static void expect_consequences(struct unitworld *w, const char *name, struct change change,
				const char *wanted)
{
	struct buf b = BUF_INIT;
	struct anchor *anchor;
	size_t n;

	unitworld_place(w, name)->activity = change.to;
	cr_assert_eq(consequences(w->graph, unitworld_place(w, name)->node, &change, &w->world,
				  &anchor, &n),
		     0);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%.*s:%s", i ? " " : "", (int)strcspn(anchor[i].node->name, "."),
			   anchor[i].node->name, job_type_name(anchor[i].type));
	cr_assert_str_eq(b.len ? b.data : "", wanted, "%s: \"%s\"", name, b.len ? b.data : "");
	buf_deinit(&b);
	free(anchor);
}

Test(transaction, consequences)
{
	static const struct change fails = { ACTIVITY_ACTIVE, ACTIVITY_FAILED, false },
				   stops = { ACTIVITY_DEACTIVATING, ACTIVITY_INACTIVE, true },
				   begins_to_stop = { ACTIVITY_ACTIVE, ACTIVITY_DEACTIVATING, true },
				   ends = { ACTIVITY_ACTIVE, ACTIVITY_DEACTIVATING, false },
				   ended_badly = { ACTIVITY_DEACTIVATING, ACTIVITY_FAILED, false },
				   starts = { ACTIVITY_INACTIVE, ACTIVITY_ACTIVATING, false },
				   is_started = { ACTIVITY_INACTIVE, ACTIVITY_ACTIVATING, true },
				   forgets = { ACTIVITY_FAILED, ACTIVITY_INACTIVE, true },
				   same = { ACTIVITY_FAILED, ACTIVITY_FAILED, false };
	struct unitworld w;

	unitworld_init(&w, "+a OnFailure=f OnSuccess=s PropagatesStopTo=p; f; s; +p; +b BindsTo=a; "
			   "c BindsTo=a; "
			   "+r Requires=a; +q PartOf=a; +t StopPropagatedFrom=a");
	expect_consequences(&w, "a", fails, "f:start p:stop b:stop t:stop");
	expect_consequences(&w, "a", stops, "s:start");
	expect_consequences(&w, "a", begins_to_stop, "");
	expect_consequences(&w, "a", ends, "p:stop b:stop t:stop");
	expect_consequences(&w, "a", ended_badly, "f:start");
	expect_consequences(&w, "a", forgets, "");
	expect_consequences(&w, "a", same, "");
	unitworld_deinit(&w);

	unitworld_init(&w, "a; +b Upholds=a; c Upholds=d; d Requires=e,b Wants=g BindsTo=h "
			   "Conflicts=b; e; g; h; "
			   "+x Conflicts=d");
	expect_consequences(&w, "a", fails, "a:start");
	expect_consequences(&w, "a", stops, "a:start");
	expect_consequences(&w, "a", same, "");
	expect_consequences(&w, "d", stops, "");
	expect_consequences(&w, "d", starts, "e:start g:start h:start b:stop x:stop");
	expect_consequences(&w, "d", is_started, "");
	unitworld_deinit(&w);
}

/* ---- how long it takes ---- */

static usec_t build_all(struct unitworld *w, enum job_type type, size_t wanted)
{
	struct anchor *anchor = calloc(w->n, sizeof(*anchor));
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct plan plan = { 0 };
	usec_t start = clock_now(), took;

	for (size_t i = 0; i < w->n; i++)
		anchor[i] = (struct anchor){ .node = w->place[i].node, .type = type };
	cr_assert_eq(transaction_build(w->graph, &w->world, anchor, w->n, 0, &plan, &diags), 0);
	took = clock_now() - start;
	cr_assert_eq(plan.n, wanted);
	plan_deinit(&plan);
	free(anchor);
	return took;
}

Test(transaction, large)
{
	enum { N = 10000 };
	struct unitworld w;

	unitworld_init_blank(&w, N);
	for (size_t i = 1; i < N; i++) {
		struct unit *u = w.place[i].unit;

		cr_assert_eq(strv_push(&u->deps[DEP_AFTER], w.place[i - 1].unit->name), 0);
		cr_assert_eq(strv_push(&u->deps[DEP_REQUIRES], w.place[i - 1].unit->name), 0);
		for (size_t j = 0; j < 4; j++) {
			cr_assert_eq(strv_push(&u->deps[DEP_WANTS], w.place[i * (j + 3) % i].unit->name),
				     0);
			cr_assert_eq(strv_push(&u->deps[DEP_AFTER], w.place[i * (j + 3) % i].unit->name),
				     0);
		}
	}
	unitworld_link(&w);
	cr_assert_lt(build_all(&w, JOB_START, N), USEC_PER_SEC);
	for (size_t i = 0; i < N; i++)
		w.place[i].activity = ACTIVITY_ACTIVE;
	cr_assert_lt(build_all(&w, JOB_STOP, N), USEC_PER_SEC);
	cr_assert_lt(build_all(&w, JOB_RESTART, N), USEC_PER_SEC);
	unitworld_deinit(&w);
}
