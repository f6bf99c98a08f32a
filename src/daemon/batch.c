/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/batch.h"

#include <errno.h>

#include "daemon/check.h"
#include "daemon/escape.h"
#include "daemon/manager.h"
#include "daemon/render.h"
#include "daemon/resolve.h"
#include "daemon/scheduler.h"
#include "util/compat.h"
#include "util/log.h"
#include "util/ownmem.h"
#include "util/strv.h"

/* Progress: the first word soon enough for a person, then now and then, and of a few units only. */
#define PROGRESS_FIRST (200 * USEC_PER_MSEC)
#define PROGRESS_EVERY USEC_PER_SEC
#define PROGRESS_UNITS 8

/* Up to so many units in one call every outcome has its trail; beyond, only those that needed a kill. */
#define TRAIL_UNITS 16

/* From so many units on, the memory that the call took is given back at its end. */
#define LARGE_UNITS 64

struct batch;

/* One unit of it. */
struct item {
	struct wish wish; /* linked while it waits */
	struct batch *batch;
	struct supervised *service;
	const char *result; /* static; NULL: it waits */
	json_t *outcome;    /* NULL: there is no more to say than the result: told at the end */
};

struct batch {
	struct call *call; /* NULL: answered, or the client is gone */
	struct manager *manager;
	struct timer progress;
	usec_t since;
	size_t waiting, n, cap;
	bool asking; /* not all have been asked yet */
	struct item items[];
};

static size_t batch_size(size_t cap)
{
	return sizeof(struct batch) + cap * sizeof(struct item);
}

static void batch_free(struct batch *b)
{
	timer_clear(&b->progress);
	for (size_t i = 0; i < b->n; i++) {
		struct item *t = &b->items[i];

		list_remove(&t->wish.link);
		json_decref(t->outcome);
		if (!t->service)
			continue;
		t->service->users--;
		manager_drop_unused(b->manager, t->service);
	}
	own_free(b, batch_size(b->cap));
}

/*
 * What went well is rendered only now, all at once: a thousand outcomes made one by one, between
 * the lasting allocations of a thousand services, would leave the heap full of holes.
 */
static json_t *gather(struct batch *b)
{
	json_t *list = json_array();

	for (size_t i = 0; i < b->n; i++) {
		struct item *t = &b->items[i];

		json_array_append_new(list, t->outcome ? TAKE_PTR(t->outcome)
						       : render_outcome(t->service, t->result, NULL,
									b->since, b->n <= TRAIL_UNITS));
	}
	return list;
}

static void finish_if_done(struct batch *b)
{
	bool large;

	if (b->waiting > 0 || b->asking)
		return;
	large = b->n >= LARGE_UNITS;
	if (b->call)
		call_reply(b->call, json_pack("{s:o}", "outcomes", gather(b)), false);
	batch_free(b);
	if (large)
		malloc_trim(0);
}

static void on_cancel(struct call *c, void *arg)
{
	struct batch *b = arg;

	(void)c;
	batch_free(b);
}

const char *answer_text(enum answer a, const struct supervised *sv, enum request request)
{
	switch (a) {
	case ANSWER_REFUSED:
		return "processes of an earlier run are still alive, so it is not started";
	case ANSWER_SURVIVORS:
		return escape_remains(sv) ? "processes have left its cgroup, and live"
		       : sv->escaped ? "its main process was moved out of its cgroup, and lives"
		       : sv->machine.state == STATE_STUCK
			       ? "processes outlive SIGKILL"
			       : "processes stay, as its KillMode= or SendSIGKILL= says";
	case ANSWER_SKIPPED:
		return sv->machine.result == RESULT_EXEC_CONDITION ? "its ExecCondition= said no"
								   : check_reason(sv);
	case ANSWER_ASSERT:
		return check_reason(sv);
	case ANSWER_NOT_APPLICABLE:
		return sv->machine.state == STATE_RUNNING || sv->machine.state == STATE_EXITED
			       ? unit_is_point(sv->unit) ? "it has nothing to reload"
							 : "it has no ExecReload="
			       : "it is not active";
	case ANSWER_CANCELED:
		return "another request came in between";
	case ANSWER_FAILED:
		return request == REQUEST_RELOAD ? service_result_name(sv->machine.reload_result)
						 : service_result_name(sv->machine.result);
	case ANSWER_DONE:
	case ANSWER_INVALID:
	case ANSWER_MAX:
		break;
	}
	return NULL;
}

/* The first unit among those that it cannot be without whose own job has failed; NULL: it cannot be told any more. */
static const char *failed_dependency(const struct batch *b, const struct supervised *sv)
{
	const uint32_t kinds = LINK_TO(DEP_REQUIRES) | LINK_TO(DEP_REQUISITE) | LINK_TO(DEP_BINDS_TO) |
			       LINK_TO(DEP_CONFLICTS) | LINK_FROM(DEP_CONFLICTS);
	struct graph_node *other;

	graph_for_each(scheduler_graph(b->manager->scheduler), sv->node, kinds, other) {
		const struct supervised *needed = other->owner;

		if (needed && needed->last_job > JOB_DONE && needed->last_job != JOB_SKIPPED)
			return supervised_name(needed);
	}
	return NULL;
}

/* The machine's own words where its answer has ended the job; NULL: the result is enough. */
static json_t *render_end(const struct batch *b, struct supervised *sv, const struct job *j)
{
	static const enum answer answers[JOB_RESULT_MAX] = {
		[JOB_FAILED] = ANSWER_FAILED,	    [JOB_CANCELED] = ANSWER_CANCELED,
		[JOB_SKIPPED] = ANSWER_SKIPPED,	    [JOB_NOT_APPLICABLE] = ANSWER_NOT_APPLICABLE,
		[JOB_ASSERT] = ANSWER_ASSERT,	    [JOB_REFUSED] = ANSWER_REFUSED,
		[JOB_SURVIVORS] = ANSWER_SURVIVORS,
	};
	enum request request = j->type == JOB_RELOAD ? REQUEST_RELOAD : REQUEST_START;
	const char *text = answer_text(answers[j->result], sv, request), *unit;
	cleanup_free char *message = NULL;

	if (j->result == JOB_DEPENDENCY && (unit = failed_dependency(b, sv)) &&
	    asprintf(&message, "a dependency job failed: %s", unit) < 0)
		message = NULL;
	return render_outcome(sv, job_result_name(j->result), message ? message : text, b->since, true);
}

static void on_end(struct wish *w, const struct job *j)
{
	struct item *t = container_of(w, struct item, wish);
	struct batch *b = t->batch;

	t->result = job_result_name(j->result);
	if (j->result != JOB_DONE || trail_has_kill(&t->service->trail, b->since))
		t->outcome = render_end(b, t->service, j);
	b->waiting--;
	finish_if_done(b);
}

static void on_progress(struct timer *t, usec_t now)
{
	struct batch *b = container_of(t, struct batch, progress);
	unsigned told = 0;

	if (timer_set(b->manager->loop, t, usec_add(now, PROGRESS_EVERY), on_progress) < 0 ||
	    call_is_backlogged(b->call))
		return;
	for (size_t i = 0; i < b->n && told < PROGRESS_UNITS; i++) {
		if (list_empty(&b->items[i].wish.link))
			continue;
		call_reply(b->call,
			   json_pack("{s:o}", "progress", render_progress(b->items[i].service)), true);
		told++;
	}
}

/* A stop is for what has a file, or lives, or was here before: also for what an earlier cgkilld has stopped already. */
static bool is_unheard_of(const struct supervised *sv)
{
	return sv->trail.n == 0 && !sv->machine.populated;
}

/* RefuseManualStart=, RefuseManualStop=: systemd.unit(5). */
static const char *refuses_by_hand(const struct unit *u, enum job_type type)
{
	bool starts = type == JOB_START || type == JOB_RESTART;
	bool stops = type == JOB_STOP || type == JOB_RESTART;

	return starts && u->refuse_manual_start ? "it is only started as a dependency of others "
						  "(RefuseManualStart=yes)"
	       : stops && u->refuse_manual_stop ? "it is only stopped as a dependency of others "
						  "(RefuseManualStop=yes)"
						: NULL;
}

/*
 * Asked for again after a crash: has it perhaps run meanwhile, to its end? A failure is on record; else only a oneshot ends
 * without anything that tells of it. All others have only waited for their turn.
 */
static bool may_have_run(const struct supervised *sv)
{
	return sv->machine.state == STATE_FAILED ||
	       (sv->unit->type == SERVICE_ONESHOT && !sv->unit->remain_after_exit);
}

/* What cannot be asked at all gets its outcome at once. */
static const char *refusal(struct batch *b, const struct resolved *target,
			   const struct batch_request *r, const char *caller_path, const char **message)
{
	const struct supervised *sv = target->service;
	const char *who;

	if (!sv) {
		*message = target->problem;
		return target->result;
	}
	if ((r->type != JOB_STOP || is_unheard_of(sv)) && sv->load_state != LOAD_LOADED &&
	    service_state_is_ended(sv->machine.state)) {
		*message = sv->load_error;
		return sv->load_state == LOAD_NOT_FOUND ? "not-found"
		       : sv->load_state == LOAD_MASKED	? "masked"
							: "load-error";
	}
	if (r->only_active && service_state_is_ended(sv->machine.state) &&
	    (r->type != JOB_START || may_have_run(sv))) {
		*message = r->type == JOB_START
				   ? "it does not run: it has ended since, or was never started"
				   : NULL;
		return r->type == JOB_START ? "failed" : "done";
	}
	*message = refuses_by_hand(sv->unit, r->type);
	if (*message)
		return "refused";
	if ((r->type == JOB_START || r->type == JOB_RESTART) && b->manager->shutdown) {
		*message = "cgkilld is shutting down";
		return "canceled";
	}
	if ((r->type == JOB_STOP || r->type == JOB_RESTART) && cg_is_open(&sv->cgroups.unit) &&
	    manager_guard(b->manager, sv->cgroups.unit.path, caller_path, &who) < 0) {
		*message = streq(who, "the caller") ? "you are inside this unit's cgroup and would "
						      "be killed with it: ask from outside"
						    : who;
		return "refused";
	}
	return NULL;
}

static void refuse(struct item *t, const char *result, const char *message)
{
	t->result = result;
	t->outcome = render_outcome(t->service, result, message, t->batch->since, false);
}

/* False: it has its outcome already. */
static bool add_item(struct batch *b, const struct resolved *target, const struct batch_request *r,
		     const char *caller_path)
{
	const char *message = NULL, *result = refusal(b, target, r, caller_path, &message);
	struct item *t = &b->items[b->n++];

	*t = (struct item){ .batch = b, .service = target->service, .wish.fn = on_end };
	list_init(&t->wish.link);
	if (target->service)
		target->service->users++;
	if (result && target->service) {
		refuse(t, result, message);
	} else if (result) {
		t->result = result;
		t->outcome = render_problem(target->name, result, message);
	}
	return !result;
}

/* Why nothing of the transaction is done: the first sentence that says so, without its period. */
static const char *first_error(const struct diags *diags)
{
	for (size_t i = 0; i < diags->n; i++) {
		char *text = diags->v[i].text;

		if (diags->v[i].level != DIAG_ERROR)
			continue;
		if (ends_with(text, "."))
			text[strlen(text) - 1] = '\0';
		return text;
	}
	return "out of memory";
}

static void await(struct batch *b, struct item *t, const struct anchor *a)
{
	cleanup_free char *message = NULL;

	if (a->job) {
		list_append(&a->job->waiters, &t->wish.link);
		b->waiting++;
	} else if (a->missing) {
		if (asprintf(&message, "%s, which it requires, cannot be loaded", a->missing->name) < 0)
			message = NULL;
		refuse(t, "dependency", message);
	} else if (a->type != JOB_STOP && a->availability != UNIT_IS_AVAILABLE) {
		refuse(t, "failed", "out of memory");
	} else {
		t->result = "done"; /* a stop of what neither runs nor has a file */
	}
}

/* One transaction over all that may be asked. */
static void ask_all(struct batch *b, const struct batch_request *r)
{
	struct anchor *anchors = calloc(b->n + 1, sizeof(*anchors));
	cleanup_diags struct diags diags = DIAGS_INIT;
	size_t n = 0;
	int error;

	for (size_t i = 0; anchors && i < b->n; i++)
		if (!b->items[i].result)
			anchors[n++] =
				(struct anchor){ .node = b->items[i].service->node, .type = r->type };
	error = anchors ? scheduler_ask(b->manager->scheduler, anchors, n, r->deadline,
					call_peer(b->call), &diags)
			: -ENOMEM;
	n = 0;
	for (size_t i = 0; i < b->n; i++) {
		if (b->items[i].result)
			continue;
		if (error < 0)
			refuse(&b->items[i], error == -ENOMEM ? "failed" : "dependency",
			       first_error(&diags));
		else
			await(b, &b->items[i], &anchors[n++]);
	}
	free(anchors);
	scheduler_run(b->manager->scheduler);
}

void batch_run(struct manager *m, struct call *c, const struct batch_request *r, json_t *names)
{
	struct resolved_list targets = { 0 };
	cleanup_free char *caller_path = NULL;
	struct batch *b = NULL;
	size_t n = 0;
	int error;

	error = resolve_units(m, names, !r->only_active || r->type == JOB_START, &targets);
	if (error == 0 && r->type == JOB_STOP)
		error = resolve_slices(m, &targets);
	if (error == 0)
		b = own_alloc(batch_size(targets.n));
	if (!b) {
		resolved_list_deinit(&targets);
		call_error(c, "io.cgkill.manager.OutOfMemory", NULL);
		return;
	}
	b->call = c;
	b->manager = m;
	b->cap = targets.n;
	b->since = clock_now();
	b->asking = true;
	call_on_cancel(c, on_cancel, b);
	if (cgroup_path_of(call_peer(c)->pid, &caller_path) < 0)
		caller_path = NULL; /* gone by now, or in another PID namespace: it cannot be hit */
	for (size_t i = 0; i < targets.n; i++)
		n += add_item(b, &targets.v[i], r, caller_path);
	resolved_list_deinit(&targets);
	if (n > 0)
		ask_all(b, r);
	b->asking = false;
	if (!r->block && b->waiting > 0) {
		/* They were asked; nobody waits for the answers. */
		call_reply(c, json_pack("{s:[]}", "outcomes"), false);
		b->call = NULL;
		batch_free(b);
		return;
	}
	if (b->waiting > 0 && call_wants_more(c))
		(void)!timer_set(m->loop, &b->progress, usec_add(b->since, PROGRESS_FIRST), on_progress);
	finish_if_done(b);
}
