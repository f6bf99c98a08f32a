/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/batch.h"

#include <errno.h>
#include <malloc.h>

#include "daemon/escape.h"
#include "daemon/manager.h"
#include "daemon/render.h"
#include "daemon/resolve.h"
#include "daemon/supervisor.h"
#include "util/log.h"
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

struct job {
	struct waiter waiter; /* linked while it waits */
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
	size_t waiting, n;
	bool asking; /* not all have been asked yet */
	struct job jobs[];
};

static void batch_free(struct batch *b)
{
	timer_clear(&b->progress);
	for (size_t i = 0; i < b->n; i++) {
		list_remove(&b->jobs[i].waiter.link);
		json_decref(b->jobs[i].outcome);
	}
	free(b);
}

/*
 * What went well is rendered only now, all at once: a thousand outcomes made one by one, between
 * the lasting allocations of a thousand services, would leave the heap full of holes.
 */
static json_t *gather(struct batch *b)
{
	json_t *list = json_array();

	for (size_t i = 0; i < b->n; i++) {
		struct job *j = &b->jobs[i];

		json_array_append_new(list, j->outcome ? TAKE_PTR(j->outcome)
						       : render_outcome(j->service, j->result, NULL,
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
		return "its ExecCondition= said no";
	case ANSWER_NOT_APPLICABLE:
		return sv->machine.state == STATE_RUNNING || sv->machine.state == STATE_EXITED
			       ? "it has no ExecReload="
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

static void on_answer(struct waiter *w, enum answer a)
{
	struct job *j = container_of(w, struct job, waiter);
	struct batch *b = j->batch;

	j->result = answer_name(a);
	if (a != ANSWER_DONE || trail_has_kill(&j->service->trail, b->since))
		j->outcome = render_outcome(j->service, answer_name(a),
					    answer_text(a, j->service, w->request), b->since, true);
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
		if (list_empty(&b->jobs[i].waiter.link))
			continue;
		call_reply(b->call,
			   json_pack("{s:o}", "progress", render_progress(b->jobs[i].service)), true);
		told++;
	}
}

/* A stop is for what has a file, or lives, or was here before: also for what an earlier cgkilld has stopped already. */
static bool is_unheard_of(const struct supervised *sv)
{
	return sv->trail.n == 0 && !sv->machine.populated;
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
	if ((r->kind != EVENT_STOP || is_unheard_of(sv)) && sv->load_state != LOAD_LOADED &&
	    service_state_is_ended(sv->machine.state)) {
		*message = sv->load_error;
		return sv->load_state == LOAD_NOT_FOUND ? "not-found"
		       : sv->load_state == LOAD_MASKED	? "masked"
							: "load-error";
	}
	if (r->only_active && service_state_is_ended(sv->machine.state)) {
		*message = r->kind == EVENT_START
				   ? "it does not run: it has ended since, or was never started"
				   : NULL;
		return r->kind == EVENT_START ? "failed" : "done";
	}
	if ((r->kind == EVENT_START || r->kind == EVENT_RESTART) && b->manager->shutdown) {
		*message = "cgkilld is shutting down";
		return "canceled";
	}
	if ((r->kind == EVENT_STOP || r->kind == EVENT_RESTART) && cg_is_open(&sv->cgroups.unit) &&
	    manager_guard(b->manager, sv->cgroups.unit.path, caller_path, &who) < 0) {
		*message = streq(who, "the caller") ? "you are inside this unit's cgroup and would "
						      "be killed with it: ask from outside"
						    : who;
		return "refused";
	}
	return NULL;
}

static void ask(struct batch *b, const struct resolved *target, const struct batch_request *r,
		const char *caller_path)
{
	const char *message = NULL, *result = refusal(b, target, r, caller_path, &message);
	struct job *j = &b->jobs[b->n];

	*j = (struct job){ .batch = b, .service = target->service, .result = result, .waiter.fn = on_answer };
	list_init(&j->waiter.link);
	b->n++;
	if (result && target->service) {
		j->outcome = render_outcome(target->service, result, message, b->since, false);
		manager_drop_unused(b->manager, target->service);
	} else if (result) {
		j->outcome = render_problem(target->name, result, message);
	} else {
		b->waiting++;
		supervised_request(target->service, r->kind, r->deadline, call_peer(b->call),
				   &j->waiter);
	}
}

void batch_run(struct manager *m, struct call *c, const struct batch_request *r, json_t *names)
{
	struct resolved_list targets = { 0 };
	cleanup_free char *caller_path = NULL;
	struct batch *b = NULL;
	int error;

	error = resolve_units(m, names, !r->only_active, &targets);
	if (error == 0)
		b = calloc(1, sizeof(*b) + targets.n * sizeof(struct job));
	if (!b) {
		resolved_list_deinit(&targets);
		call_error(c, "io.cgkill.manager.OutOfMemory", NULL);
		return;
	}
	b->call = c;
	b->manager = m;
	b->since = clock_now();
	b->asking = true;
	call_on_cancel(c, on_cancel, b);
	if (cgroup_path_of(call_peer(c)->pid, &caller_path) < 0)
		caller_path = NULL; /* gone by now, or in another PID namespace: it cannot be hit */
	for (size_t i = 0; i < targets.n; i++)
		ask(b, &targets.v[i], r, caller_path);
	resolved_list_deinit(&targets);
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
