/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/scheduler.h"

#include <errno.h>
#include <limits.h>

#include "core/consequence.h"
#include "core/defaults.h"
#include "core/wellknown.h"
#include "daemon/init.h"
#include "daemon/manager.h"
#include "util/log.h"
#include "util/ownmem.h"
#include "util/strv.h"

/*
 * So many, and the loop has its turn: what else there is to do does not wait for a thousand forks, and what of a child is open
 * until it executes its program is closed again. Each fork copies the table of our descriptors (dup_fd(), fs/file.c).
 */
#define STARTS_AT_A_TIME 32

/* Type=idle waits for quiet, but not for longer: systemd.service(5). */
#define IDLE_MAX (5 * USEC_PER_SEC)

/* Who is behind a job; shared by those of a transaction. */
struct origin {
	unsigned refs;
	bool by_peer;
	struct peer peer;
	char reason[]; /* "dependency of web.service"; "" = none */
};

/* What a change of state asks for, until the step that it comes from is over. */
struct consequence {
	struct list link;
	enum job_type type;
	const char *unit; /* behind because: by name, as a reload may come first */
	char because[];	  /* the unit that has changed */
};

struct scheduler {
	struct manager *manager;
	struct graph *graph;
	struct jobs *queue;
	struct world world;
	struct list consequences;
	struct deferred work;
	struct timer idle;
	bool running;
	char **foreign; /* parts of systemd that something wants: told once each */

	/* while a plan is built */
	const struct anchor *anchors;
	size_t n_anchors;
	char **missing; /* not found: to be forgotten when it is installed */
};

static void on_answer(struct waiter *w, enum answer a);

/* ---- what the engine wants to know ---- */

static enum activity activity_of(enum service_state s)
{
	if (service_state_is_ended(s))
		return s == STATE_FAILED ? ACTIVITY_FAILED : ACTIVITY_INACTIVE;
	if (service_state_is_starting(s) || service_state_is_over(s) || s == STATE_CHECK)
		return ACTIVITY_ACTIVATING;
	if (service_state_is_stopping(s))
		return ACTIVITY_DEACTIVATING;
	return s == STATE_RUNNING || s == STATE_EXITED ? ACTIVITY_ACTIVE : ACTIVITY_RELOADING;
}

static enum activity world_activity(void *arg unused, const struct graph_node *n)
{
	const struct supervised *sv = n->owner;

	if (!sv)
		return ACTIVITY_INACTIVE;
	/* left behind by an earlier cgkilld, its files gone: it can be stopped all the same */
	if (sv->machine.populated && sv->load_state != LOAD_LOADED &&
	    service_state_is_ended(sv->machine.state))
		return ACTIVITY_DEACTIVATING;
	return activity_of(sv->machine.state);
}

/* A target comes after what it pulls in: for that these units have to be known. load: read those that are not. */
static int order_target(struct scheduler *s, struct unit *target, bool load)
{
	static const enum dependency pulls[] = { DEP_REQUIRES, DEP_REQUISITE, DEP_BINDS_TO, DEP_WANTS };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(pulls); i++)
		for (char **name = target->deps[pulls[i]]; r == 0 && name && *name; name++) {
			struct supervised *other = NULL;

			if (unit_kind_of(*name) != UNIT_KIND_INVALID && !wellknown_is_systemds(*name))
				other = load ? manager_get(s->manager, *name)
					     : manager_find(s->manager, *name);
			if (other && other->load_state == LOAD_LOADED &&
			    defaults_order(target, other->unit) &&
			    !strv_contains(target->deps[DEP_AFTER], *name))
				r = strv_push(&target->deps[DEP_AFTER], *name);
		}
	return r;
}

static bool is_anchor(const struct scheduler *s, const struct graph_node *n)
{
	for (size_t i = 0; i < s->n_anchors; i++)
		if (s->anchors[i].node == n)
			return true;
	return false;
}

/* A part of systemd: nobody but a person starts it here. */
static bool is_foreign(struct scheduler *s, const struct graph_node *n)
{
	if (!wellknown_is_systemds(n->name) || is_anchor(s, n))
		return false;
	if (!strv_contains(s->foreign, n->name) && strv_push(&s->foreign, n->name) == 0)
		log_notice("%s is a part of systemd: not started as a dependency", n->name);
	return true;
}

static enum availability availability_of(const struct supervised *sv)
{
	static const enum availability of[] = {
		[LOAD_LOADED] = UNIT_IS_AVAILABLE,
		[LOAD_NOT_FOUND] = UNIT_IS_NOT_FOUND,
		[LOAD_ERROR] = UNIT_IS_BAD,
		[LOAD_MASKED] = UNIT_IS_MASKED,
	};

	/* what runs goes on with what it had */
	return service_state_is_ended(sv->machine.state) ? of[sv->load_state] : UNIT_IS_AVAILABLE;
}

static enum availability world_load(void *arg, struct graph_node *n)
{
	struct scheduler *s = arg;
	struct supervised *sv;
	enum availability a;

	if (unit_kind_of(n->name) == UNIT_KIND_INVALID || is_foreign(s, n))
		return UNIT_IS_REACHED;
	sv = manager_get(s->manager, n->name);
	if (!sv)
		return UNIT_IS_BAD;
	if (sv->node != n && graph_alias(s->graph, n, sv->node) < 0)
		return UNIT_IS_BAD;
	if (sv->node != n && is_foreign(s, sv->node))
		return UNIT_IS_REACHED;
	a = availability_of(sv);
	if (a == UNIT_IS_AVAILABLE && sv->unit->kind == UNIT_TARGET &&
	    (order_target(s, sv->unit, true) < 0 || graph_set(s->graph, sv->node, sv->unit) < 0))
		return UNIT_IS_BAD;
	if (a == UNIT_IS_NOT_FOUND)
		(void)!strv_push(&s->missing, supervised_name(sv));
	return a;
}

int scheduler_know(struct scheduler *s, struct supervised *sv)
{
	static const struct unit nothing;

	sv->node = graph_node(s->graph, supervised_name(sv));
	if (!sv->node)
		return -ENOMEM;
	sv->node->owner = sv;
	sv->job_waiter.fn = on_answer;
	return graph_set(s->graph, sv->node, sv->load_state == LOAD_LOADED ? sv->unit : &nothing);
}

void scheduler_forget(struct scheduler *s, struct supervised *sv)
{
	struct graph_node *n = TAKE_PTR(sv->node);

	if (!n)
		return;
	n->owner = NULL;
	graph_drop(s->graph, n);
}

void scheduler_reloaded(struct scheduler *s)
{
	struct supervised *sv;

	list_for_each(&s->manager->services, sv, struct supervised, link)
		if (sv->load_state == LOAD_LOADED && sv->unit->kind == UNIT_TARGET &&
		    (order_target(s, sv->unit, false) < 0 || graph_set(s->graph, sv->node, sv->unit) < 0))
			log_error("%s: out of memory", supervised_name(sv));
	graph_sweep(s->graph);
}

/* ---- who is behind it ---- */

static void origin_unref(struct origin *o)
{
	if (o && --o->refs == 0)
		own_free(o, sizeof(*o) + strlen(o->reason) + 1);
}

static struct origin *origin_new(const struct peer *by, const char *reason)
{
	size_t size = strlen(reason) + 1;
	struct origin *o = own_alloc(sizeof(*o) + size);

	if (!o)
		return NULL;
	o->refs = 1;
	o->by_peer = by;
	if (by)
		o->peer = *by;
	memcpy(o->reason, reason, size);
	return o;
}

static void give_origin(struct job *j, struct origin *o)
{
	if (!o || j->owner)
		return;
	j->owner = o;
	o->refs++;
}

static bool has_others(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		if (!plan->v[i].is_anchor)
			return true;
	return false;
}

/* The anchors were asked for by somebody; what else is in the plan, by them. Without memory nobody is named. */
static void note_origins(const struct plan *plan, const struct anchor *anchors, size_t n,
			 const struct peer *by, const char *because)
{
	struct origin *asked = by || because ? origin_new(by, because ? because : "") : NULL, *others;
	char reason[2 * UNIT_NAME_MAX] = "";

	for (size_t i = 0; i < n; i++)
		if (anchors[i].job)
			give_origin(anchors[i].job, asked);
	origin_unref(asked);
	if (!has_others(plan))
		return;
	if (n == 1)
		snprintf(reason, sizeof(reason), "dependency of %s", anchors[0].node->name);
	else
		snprintf(reason, sizeof(reason), "dependency of %s and %zu others",
			 anchors[0].node->name, n - 1);
	others = origin_new(NULL, reason);
	for (size_t i = 0; i < plan->n; i++)
		if (plan->v[i].node->job)
			give_origin(plan->v[i].node->job, others);
	origin_unref(others);
}

/* ---- a transaction ---- */

/* The one that a job of the type feeds to the machine. */
static enum event_kind event_of(enum job_type t)
{
	static const enum event_kind events[JOB_TYPE_MAX] = {
		[JOB_START] = EVENT_START,	   [JOB_STOP] = EVENT_STOP,
		[JOB_RELOAD] = EVENT_RELOAD,	   [JOB_RESTART] = EVENT_RESTART,
		[JOB_TRY_RESTART] = EVENT_RESTART,
	};

	return events[t];
}

static struct asker asker_of(const struct job *j)
{
	const struct origin *o = j->owner;

	return (struct asker){ .peer = o && o->by_peer ? &o->peer : NULL,
			       .reason = o && *o->reason ? o->reason : NULL };
}

/* Asked for again while it runs: its service hears of it, of a nearer deadline above all. */
static void join_running(struct scheduler *s, const struct anchor *a, usec_t deadline,
			 const struct peer *by)
{
	struct job *j = a->job;

	if (!j || j->state != JOB_RUNNING || j->type != a->type || !event_of(j->type) ||
	    j->type == JOB_RESTART)
		return;
	supervised_request(a->node->owner, event_of(j->type), deadline,
			   &(struct asker){ .peer = by }, NULL);
	loop_defer(s->manager->loop, &s->work);
}

static void on_idle_timer(struct timer *t, usec_t now unused)
{
	struct scheduler *s = container_of(t, struct scheduler, idle);

	jobs_end_idle(s->queue);
	scheduler_run(s);
}

static void note_idle(struct scheduler *s, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct supervised *sv = plan->v[i].node->owner;

		if (plan->v[i].type != JOB_START || sv->unit->type != SERVICE_IDLE ||
		    !plan->v[i].node->job || plan->v[i].node->job->state != JOB_WAITING)
			continue;
		jobs_set_idle(s->queue, plan->v[i].node->job);
		if (!s->idle.loop)
			(void)!timer_set(s->manager->loop, &s->idle,
					 usec_add(clock_now(), IDLE_MAX), on_idle_timer);
	}
}

static void forget_missing(struct scheduler *s)
{
	cleanup_strv char **names = TAKE_PTR(s->missing);

	for (size_t i = 0; names && names[i]; i++)
		if (manager_knows(s->manager, names[i]))
			manager_drop_unused(s->manager, manager_find(s->manager, names[i]));
}

/* Would one of its jobs take the place of another one? Then what somebody has asked for comes before a consequence. */
static bool is_in_the_way(const struct plan *plan, const struct world *world)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct planned *p = &plan->v[i];
		const struct job *j = p->node->job;

		if (j && job_type_merge(j->type, p->type, world->activity(world->arg, p->node)) ==
				 JOB_TYPE_INVALID)
			return true;
	}
	return false;
}

/* gives_way: it takes nothing away from anybody (systemd: job mode "fail"). */
static int ask(struct scheduler *s, struct anchor *anchors, size_t n, usec_t deadline,
	       const struct peer *by, const char *because, bool gives_way, struct diags *diags)
{
	struct plan plan = { 0 };
	int r;

	s->anchors = anchors;
	s->n_anchors = n;
	r = transaction_build(s->graph, &s->world, anchors, n, 0, &plan, diags);
	s->n_anchors = 0;
	for (size_t i = 0; i < diags->n; i++)
		log_at(diags->v[i].level == DIAG_ERROR ? LOG_ERROR_ : LOG_WARNING_, "%s",
		       diags->v[i].text);
	if (r == 0 && gives_way && is_in_the_way(&plan, &s->world))
		r = -EBUSY;
	if (r == 0)
		r = jobs_install(s->queue, &plan, &s->world, anchors, n, deadline);
	if (r == 0) {
		note_origins(&plan, anchors, n, by, because);
		note_idle(s, &plan);
		for (size_t i = 0; i < n; i++)
			join_running(s, &anchors[i], deadline, by);
	}
	plan_deinit(&plan);
	forget_missing(s);
	return r;
}

int scheduler_ask(struct scheduler *s, struct anchor *anchors, size_t n, usec_t deadline,
		  const struct peer *by, struct diags *diags)
{
	return ask(s, anchors, n, deadline, by, NULL, false, diags);
}

int scheduler_ask_for(struct scheduler *s, struct anchor *anchor, const char *because, struct diags *diags)
{
	return ask(s, anchor, 1, USEC_INFINITY, NULL, because, false, diags);
}

/* ---- jobs ---- */

static void finish(struct scheduler *s, struct job *j, enum job_result result)
{
	jobs_finish(s->queue, j, result);
	loop_defer(s->manager->loop, &s->work);
}

static enum job_result result_of(enum answer a)
{
	static const enum job_result results[ANSWER_MAX] = {
		[ANSWER_DONE] = JOB_DONE,	  [ANSWER_FAILED] = JOB_FAILED,
		[ANSWER_CANCELED] = JOB_CANCELED, [ANSWER_SKIPPED] = JOB_SKIPPED,
		[ANSWER_ASSERT] = JOB_ASSERT,	  [ANSWER_NOT_APPLICABLE] = JOB_NOT_APPLICABLE,
		[ANSWER_REFUSED] = JOB_REFUSED,	  [ANSWER_SURVIVORS] = JOB_SURVIVORS,
	};

	return results[a];
}

/* Is it the stop of a restart that is to be followed by the start in its turn? */
static bool is_first_half(const struct supervised *sv, const struct job *j)
{
	return j->type == JOB_RESTART && sv->job_waiter.request == REQUEST_STOP;
}

static void on_answer(struct waiter *w, enum answer a)
{
	struct supervised *sv = container_of(w, struct supervised, job_waiter);
	struct scheduler *s = sv->manager->scheduler;
	struct job *j = sv->node->job;

	if (!j || j->state != JOB_RUNNING)
		return;
	sv->answered_job = j->id;
	if (is_first_half(sv, j) &&
	    (a == ANSWER_DONE || (a == ANSWER_SURVIVORS && !service_start_refused(&sv->machine)))) {
		jobs_stopped(s->queue, j);
		loop_defer(s->manager->loop, &s->work);
		return;
	}
	finish(s, j, result_of(a));
}

/* Requisite=: it is active, or about to be; or else it is not. */
static void verify_active(struct scheduler *s, struct job *j, struct supervised *sv)
{
	switch (activity_of(sv->machine.state)) {
	case ACTIVITY_ACTIVE:
	case ACTIVITY_RELOADING:
		finish(s, j, JOB_DONE);
		break;
	case ACTIVITY_ACTIVATING:
		sv->job_waiter.request = REQUEST_START;
		list_append(&sv->waiters, &sv->job_waiter.link);
		break;
	case ACTIVITY_INACTIVE:
	case ACTIVITY_FAILED:
	case ACTIVITY_DEACTIVATING:
	case ACTIVITY_INVALID:
	case ACTIVITY_MAX:
		finish(s, j, JOB_FAILED);
		break;
	}
}

static void perform(struct scheduler *s, struct job *j)
{
	struct supervised *sv = j->node->owner;
	enum event_kind event = event_of(j->type);
	struct asker by = asker_of(j);

	list_remove(&sv->job_waiter.link);
	if (j->type == JOB_VERIFY_ACTIVE) {
		verify_active(s, j, sv);
		return;
	}
	if (s->manager->shutdown && j->type != JOB_STOP) {
		finish(s, j, JOB_CANCELED);
		return;
	}
	/* Others stop before it, or start after it: so it stops, and starts when they have had their turn. */
	if (j->type == JOB_RESTART && !service_state_is_ended(sv->machine.state) &&
	    !job_is_alone(s->queue, j))
		event = EVENT_STOP_TO_START;
	supervised_request(sv, event, j->deadline, &by, &sv->job_waiter);
}

/* What was wrong with what it needs: told where the machine has nothing to tell. */
static void tell_end(struct supervised *sv, const struct job *j)
{
	if (sv->answered_job == j->id || j->result == JOB_DONE)
		return;
	if (!sv->node->job || sv->node->job->state != JOB_RUNNING)
		list_remove(&sv->job_waiter.link); /* it was canceled while it ran */
	if (j->result == JOB_DEPENDENCY)
		log_warning("%s: a dependency of its start failed", supervised_name(sv));
	supervised_tell(sv, &(struct trail_event){ .kind = TRAIL_JOB,
						   .job = { .what = job_type_name(j->type),
							    .result = job_result_name(j->result) } });
}

static void reap(struct job *j)
{
	struct supervised *sv = j->node->owner;
	struct list *node;

	tell_end(sv, j);
	sv->last_job = j->result;
	while ((node = list_pop(&j->waiters))) {
		struct wish *w = container_of(node, struct wish, link);

		w->fn(w, j);
	}
	origin_unref(j->owner);
	job_free(j);
	init_note_state(sv->manager->init);
}

static void run(struct scheduler *s, unsigned max_starts)
{
	struct job *ended, *next;
	unsigned starts = 0;

	if (s->running)
		return;
	s->running = true;
	do {
		while ((ended = jobs_reap(s->queue)))
			reap(ended);
		next = starts < max_starts ? jobs_next(s->queue) : NULL;
		if (next) {
			starts += next->type == JOB_START;
			perform(s, next);
		}
	} while (next);
	s->running = false;
	if (starts == max_starts)
		loop_defer(s->manager->loop, &s->work);
}

void scheduler_run(struct scheduler *s)
{
	run(s, STARTS_AT_A_TIME);
}

void scheduler_drain(struct scheduler *s)
{
	run(s, UINT_MAX);
}

/* ---- consequences ---- */

/* Is what it has become what its job wants? */
static bool is_expected(const struct job *j, enum activity from, enum activity to)
{
	bool is_up = to == ACTIVITY_ACTIVE || to == ACTIVITY_ACTIVATING || to == ACTIVITY_RELOADING;

	if (!j || j->state != JOB_RUNNING)
		return false;
	switch (j->type) {
	case JOB_START:
	case JOB_VERIFY_ACTIVE:
		return is_up || from == ACTIVITY_DEACTIVATING;
	case JOB_RELOAD:
		return is_up;
	case JOB_STOP:
		return !is_up;
	case JOB_RESTART:
	case JOB_TRY_RESTART:
	case JOB_TYPE_INVALID:
	case JOB_TYPE_MAX:
		break;
	}
	return true;
}

static void remember(struct scheduler *s, const struct anchor *a, const char *because)
{
	size_t n = strlen(because) + 1, m = strlen(a->node->name) + 1;
	struct consequence *c = malloc(sizeof(*c) + n + m);

	if (!c) {
		log_error("%s: out of memory: its change has no consequence for %s", because,
			  a->node->name);
		return;
	}
	c->type = a->type;
	c->unit = memcpy((char *)memcpy(c->because, because, n) + n, a->node->name, m);
	list_init(&c->link);
	list_append(&s->consequences, &c->link);
	loop_defer(s->manager->loop, &s->work);
}

static void note_change(struct scheduler *s, struct supervised *sv, enum activity from, enum activity to)
{
	struct change change = { .from = from, .to = to };
	struct anchor *anchors = NULL;
	size_t n = 0;

	if (s->manager->shutdown || from == to)
		return;
	change.expected = is_expected(sv->node->job, change.from, change.to);
	if (consequences(s->graph, sv->node, &change, &s->world, &anchors, &n) < 0)
		log_error("%s: out of memory", supervised_name(sv));
	for (size_t i = 0; i < n; i++)
		remember(s, &anchors[i], supervised_name(sv));
	free(anchors);
}

/* A run that is to be followed by the next one is over all the same, unless RestartMode=direct hides that. */
void scheduler_note_state(struct scheduler *s, struct supervised *sv, const struct action *a)
{
	enum activity from = activity_of(a->from), to = activity_of(a->to), between;

	/* A start that is only being checked has not begun; one that its conditions end has never been. */
	if (a->to == STATE_CHECK || (a->from == STATE_CHECK && service_state_is_over(a->to)))
		return;
	if (a->from == STATE_CHECK)
		from = ACTIVITY_INACTIVE;
	if (a->seen_as_ended) {
		between = a->result == RESULT_SUCCESS ? ACTIVITY_INACTIVE : ACTIVITY_FAILED;
		note_change(s, sv, from, between);
		from = between;
	}
	note_change(s, sv, from, to);
}

static void ask_consequence(struct scheduler *s, const struct consequence *c)
{
	struct anchor anchor = { .node = graph_node(s->graph, c->unit), .type = c->type };
	cleanup_diags struct diags diags = DIAGS_INIT;
	char because[2 * UNIT_NAME_MAX];
	int r = -ENOMEM;

	snprintf(because, sizeof(because), "consequence of %s", c->because);
	if (anchor.node)
		r = ask(s, &anchor, 1, USEC_INFINITY, NULL, because, true, &diags);
	if (r < 0 || !anchor.job)
		log_warning("%s: cannot %s %s, as its dependencies say", c->because,
			    job_type_name(c->type), c->unit);
}

static void ask_consequences(struct scheduler *s)
{
	struct list *node;

	while ((node = list_pop(&s->consequences))) {
		struct consequence *c = container_of(node, struct consequence, link);

		if (!s->manager->shutdown)
			ask_consequence(s, c);
		free(c);
	}
}

static void on_work(struct deferred *d)
{
	struct scheduler *s = container_of(d, struct scheduler, work);

	ask_consequences(s);
	scheduler_run(s);
}

/* ---- from outside ---- */

void scheduler_cancel(struct scheduler *s, struct job *j, const struct peer *by)
{
	log_notice("job %u, %s of %s, canceled by uid %u pid %d (%s)", j->id,
		   job_type_name(j->type), j->node->name, by->uid, by->pid, by->comm);
	finish(s, j, JOB_CANCELED);
}

/* The end of one may be that of others: so it is looked for from the beginning each time. */
static struct job *find_waiting_start(const struct scheduler *s)
{
	const struct job *j = NULL;

	while ((j = jobs_each(s->queue, j)))
		if (j->state == JOB_WAITING && j->type != JOB_STOP)
			return j->node->job;
	return NULL;
}

void scheduler_cancel_starts(struct scheduler *s)
{
	struct job *j;

	while ((j = find_waiting_start(s)))
		finish(s, j, JOB_CANCELED);
}

struct jobs *scheduler_queue(const struct scheduler *s)
{
	return s->queue;
}

struct graph *scheduler_graph(const struct scheduler *s)
{
	return s->graph;
}

/* ---- life ---- */

struct scheduler *scheduler_new(struct manager *m)
{
	struct scheduler *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->manager = m;
	s->world = (struct world){ .load = world_load, .activity = world_activity, .arg = s };
	list_init(&s->consequences);
	list_init(&s->work.link);
	s->work.fn = on_work;
	s->graph = graph_new();
	s->queue = s->graph ? jobs_new(s->graph) : NULL;
	if (s->queue)
		return s;
	graph_free(s->graph);
	free(s);
	return NULL;
}

void scheduler_free(struct scheduler *s)
{
	const struct job *j = NULL;
	struct job *ended;
	struct list *node;

	if (!s)
		return;
	list_remove(&s->work.link);
	timer_clear(&s->idle);
	while ((node = list_pop(&s->consequences)))
		free(container_of(node, struct consequence, link));
	while ((ended = jobs_reap(s->queue))) {
		origin_unref(ended->owner);
		job_free(ended);
	}
	while ((j = jobs_each(s->queue, j)))
		origin_unref(j->owner);
	jobs_free(s->queue);
	graph_free(s->graph);
	strv_free(s->foreign);
	free(s);
}
