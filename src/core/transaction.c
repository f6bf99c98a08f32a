/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/transaction.h"

#include <assert.h>
#include <errno.h>

#include "core/jobs.h"
#include "util/buf.h"

#define NONE UINT32_MAX

/* A job that somebody wants, before those on one unit are merged. Of each type there is one a unit. */
struct candidate {
	uint32_t unit;
	uint32_t next;		 /* on the same unit */
	uint32_t wants, n_wants; /* what it pulls in: transaction.want from there on */
	uint32_t wanted;	 /* a want of it; they are chained */
	uint32_t missing;	 /* the unit for whose sake it is dead; NONE: for another reason */
	uint32_t chain;		 /* of whatever list is being worked off */
	uint8_t type;
	bool is_anchor;
	bool matters;	/* an anchor cannot be without it */
	bool conflicts; /* a stop for the sake of a start of a unit that Conflicts= */
	bool dead;
	bool reached; /* by the last follow() */
};

/* "by" wants "job", because of a link of that kind. If it matters, "by" cannot be without "job". */
struct want {
	uint32_t by, job;
	uint32_t kind;
	uint32_t next; /* of the same job */
	bool matters;
};

enum visit { VISIT_NEW, VISIT_OPEN, VISIT_DONE };

struct member {
	struct graph_node *node;
	uint32_t jobs;	      /* the first of its candidates, NONE: known, but without one */
	uint8_t availability; /* INVALID: not asked yet; activity likewise */
	uint8_t activity;
	uint8_t type; /* of all its candidates and the job that it has; INVALID: there is none */
	uint8_t visit;
	/* the walk: where in its links, from whom it came and by what kind of link, and who comes next on a cycle */
	uint32_t at, from, kind, to;
};

struct neighbour {
	struct graph_node *node;
	uint32_t kind;
};

struct transaction {
	struct graph *graph;
	const struct world *world;
	struct diags *diags;
	unsigned flags;
	struct member *unit; /* node->scratch is the index + 1 */
	struct candidate *job;
	struct want *want;
	struct neighbour *near; /* of the candidate at hand: what is loaded for it may change links */
	uint32_t n_units, n_jobs, n_wants, n_near;
	uint32_t cap_units, cap_jobs, cap_wants, cap_near;
	bool restarts_start; /* the walk: every restart has come to its start */
};

/* ---- tables ---- */

static const char *const job_type_names[JOB_TYPE_MAX] = {
	[JOB_START] = "start",	   [JOB_VERIFY_ACTIVE] = "verify-active",
	[JOB_STOP] = "stop",	   [JOB_RELOAD] = "reload",
	[JOB_RESTART] = "restart", [JOB_TRY_RESTART] = "try-restart",
};

const char *job_type_name(enum job_type t)
{
	return t < JOB_TYPE_MAX ? job_type_names[t] : NULL;
}

#define RUNS_WITH                                                                       \
	(LINK_FROM(DEP_REQUIRES) | LINK_FROM(DEP_REQUISITE) | LINK_FROM(DEP_BINDS_TO) | \
	 LINK_FROM(DEP_PART_OF))
#define PULLS_IN \
	(LINK_TO(DEP_REQUIRES) | LINK_TO(DEP_BINDS_TO) | LINK_TO(DEP_WANTS) | LINK_TO(DEP_UPHOLDS))
#define STOPS  (LINK_TO(DEP_PROPAGATES_STOP_TO) | LINK_FROM(DEP_STOP_PROPAGATED_FROM))
#define STARTS (1U << JOB_START | 1U << JOB_RESTART)

/* What a job asks of those to which links of these kinds lead. */
static const struct rule {
	unsigned types;
	uint32_t kinds;
	enum job_type then;
	bool matters;
	bool conflicts;
} rules[] = {
	{ STARTS, LINK_TO(DEP_REQUIRES) | LINK_TO(DEP_BINDS_TO), JOB_START, true, false },
	{ STARTS, LINK_TO(DEP_WANTS) | LINK_TO(DEP_UPHOLDS), JOB_START, false, false },
	{ STARTS, LINK_TO(DEP_REQUISITE), JOB_VERIFY_ACTIVE, true, false },
	{ STARTS, LINK_TO(DEP_CONFLICTS), JOB_STOP, true, true },
	{ STARTS, LINK_FROM(DEP_CONFLICTS), JOB_STOP, false, false },
	{ 1U << JOB_STOP, RUNS_WITH | STOPS, JOB_STOP, true, false },
	{ 1U << JOB_RESTART, RUNS_WITH, JOB_TRY_RESTART, true, false },
	{ 1U << JOB_RESTART, STOPS, JOB_STOP, true, false }, /* but see job_to_pull() */
	{ 1U << JOB_RELOAD, LINK_TO(DEP_PROPAGATES_RELOAD_TO) | LINK_FROM(DEP_RELOAD_PROPAGATED_FROM),
	  JOB_RELOAD, false, false },
};

static bool is_up(enum activity a)
{
	return a == ACTIVITY_ACTIVE || a == ACTIVITY_RELOADING;
}

static bool is_down(enum activity a)
{
	return a == ACTIVITY_INACTIVE || a == ACTIVITY_FAILED;
}

/*
 * By systemd's table: a restart does what a start or a reload does, a start what a verification does, a stop contradicts all;
 * a start and a reload are what the unit can have.
 */
enum job_type job_type_merge(enum job_type a, enum job_type b, enum activity now)
{
	enum job_type low = MIN_OF(a, b), high = MAX_OF(a, b);

	if (low == high)
		return low;
	if (low == JOB_STOP || high == JOB_STOP)
		return JOB_TYPE_INVALID;
	if (low == JOB_START && high == JOB_VERIFY_ACTIVE)
		return JOB_START;
	if (low == JOB_START && high == JOB_RELOAD)
		return is_up(now) ? JOB_RELOAD : JOB_START;
	return high;
}

/* It would change nothing, as things are. A stop of what is being stopped is kept: others have to wait for that. */
static bool is_redundant(enum job_type t, enum activity now)
{
	switch (t) {
	case JOB_START:
	case JOB_VERIFY_ACTIVE:
		return is_up(now);
	case JOB_STOP:
		return is_down(now);
	case JOB_RELOAD:
		return now == ACTIVITY_RELOADING;
	case JOB_RESTART: /* who is starting may have read what is to be read again */
	case JOB_TYPE_INVALID:
	case JOB_TRY_RESTART:
	case JOB_TYPE_MAX:
		break;
	}
	return false;
}

/* ---- arrays ---- */

/* Room for one more. */
static bool grow(void *array, uint32_t n, uint32_t *cap, size_t size)
{
	void **v = array, *grown;

	if (n < *cap)
		return true;
	grown = reallocarray(*v, *cap ? 2 * (size_t)*cap : 32, size);
	if (!grown)
		return false;
	*v = grown;
	*cap = *cap ? 2 * *cap : 32;
	return true;
}

/* The member that a node is, resolved already. */
static struct member *member_of(struct transaction *t, struct graph_node *n)
{
	if (!n->scratch) {
		if (!grow(&t->unit, t->n_units, &t->cap_units, sizeof(*t->unit)))
			return NULL;
		t->unit[t->n_units++] = (struct member){
			.node = n,
			.jobs = NONE,
		};
		n->scratch = t->n_units;
	}
	return &t->unit[n->scratch - 1];
}

static struct graph_node *node_of(const struct transaction *t, const struct candidate *c)
{
	return t->unit[c->unit].node;
}

static enum activity activity_of(const struct transaction *t, struct member *m)
{
	if (m->activity == ACTIVITY_INVALID)
		m->activity = (uint8_t)t->world->activity(t->world->arg, m->node);
	return (enum activity)m->activity;
}

/* Its candidate of that type, dead or alive. */
static struct candidate *find_job(const struct transaction *t, const struct member *m, enum job_type type)
{
	for (uint32_t i = m->jobs; i != NONE; i = t->job[i].next)
		if (t->job[i].type == type)
			return &t->job[i];
	return NULL;
}

/* ---- what is said ---- */

static void say_link(struct buf *b, const struct graph_node *from, uint32_t kind,
		     const struct graph_node *to)
{
	const char *word = dependency_name(link_dependency(kind));

	if (kind < LINK_FROM(0))
		buf_printf(b, "%s has %s=%s", from->name, word, to->name);
	else
		buf_printf(b, "%s has %s=%s", to->name, word, from->name);
}

/* Who wants it: one who matters, where there is one. */
static void say_why(const struct transaction *t, struct buf *b, const struct candidate *c)
{
	const struct want *best = NULL;

	for (uint32_t i = c->wanted; i != NONE; i = t->want[i].next) {
		const struct want *w = &t->want[i];

		if (!t->job[w->by].dead && (!best || (w->matters && t->job[w->by].matters)))
			best = w;
	}
	if (c->is_anchor || !best)
		buf_puts(b, "as asked for");
	else
		say_link(b, node_of(t, &t->job[best->by]), best->kind, node_of(t, c));
}

static void tell(struct transaction *t, enum diag_level level, struct buf *b)
{
	diag_add(t->diags, level, NULL, 0, "%s", buf_error(b) < 0 ? "No memory to say more." : b->data);
	buf_deinit(b);
}

static const char *const missing_words[] = {
	[UNIT_IS_NOT_FOUND] = "was not found",
	[UNIT_IS_MASKED] = "is masked",
	[UNIT_IS_BAD] = "has errors",
};

static void tell_missing(struct transaction *t, const struct candidate *by, uint32_t kind,
			 const struct member *m)
{
	struct buf b = BUF_INIT;

	say_link(&b, node_of(t, by), kind, m->node);
	buf_printf(&b, ", which %s.", missing_words[m->availability]);
	tell(t, DIAG_WARNING, &b);
}

/* ---- what is wanted ---- */

/* It and all that cannot be without it. */
static void kill_job(struct transaction *t, struct candidate *c, uint32_t missing)
{
	uint32_t todo = (uint32_t)(c - t->job);

	c->dead = true;
	c->missing = missing;
	c->chain = NONE;
	while (todo != NONE) {
		c = &t->job[todo];
		todo = c->chain;
		for (uint32_t i = c->wanted; i != NONE; i = t->want[i].next) {
			struct candidate *by = &t->job[t->want[i].by];

			if (!t->want[i].matters || by->dead)
				continue;
			by->dead = true;
			by->missing = missing;
			by->chain = todo;
			todo = t->want[i].by;
		}
	}
}

/* The unit that a name means, loaded; its number. */
static int load(struct transaction *t, struct graph_node *n, uint32_t *unit)
{
	struct member *m = member_of(t, n);

	if (!m)
		return -ENOMEM;
	if (m->availability == AVAILABILITY_INVALID)
		m->availability = (uint8_t)t->world->load(t->world->arg, n);
	if (n->alias_of)
		return load(t, n->alias_of, unit);
	*unit = (uint32_t)(m - t->unit);
	return 0;
}

static int add_job(struct transaction *t, uint32_t unit, enum job_type type, uint32_t *job)
{
	struct member *m = &t->unit[unit];
	const struct candidate *c = find_job(t, m, type);

	if (c) {
		*job = (uint32_t)(c - t->job);
		return 0;
	}
	if (!grow(&t->job, t->n_jobs, &t->cap_jobs, sizeof(*t->job)))
		return -ENOMEM;
	t->job[t->n_jobs] = (struct candidate){
		.unit = unit, .next = m->jobs, .wanted = NONE, .missing = NONE, .type = (uint8_t)type
	};
	m->jobs = t->n_jobs;
	*job = t->n_jobs++;
	return 0;
}

static int add_want(struct transaction *t, uint32_t by, uint32_t kind, uint32_t job,
		    const struct rule *r)
{
	struct candidate *c = &t->job[job];

	if (!grow(&t->want, t->n_wants, &t->cap_wants, sizeof(*t->want)))
		return -ENOMEM;
	t->want[t->n_wants] = (struct want){
		.by = by, .job = job, .kind = kind, .next = c->wanted, .matters = r->matters
	};
	c->wanted = t->n_wants++;
	c->conflicts |= r->conflicts;
	t->job[by].n_wants++;
	return 0;
}

/* What a restart both stops and starts is restarted. */
static enum job_type job_to_pull(const struct transaction *t, const struct neighbour *n,
				 const struct rule *r)
{
	if (r->then == JOB_TRY_RESTART)
		return JOB_RESTART;
	for (uint32_t i = 0; i < t->n_near && (r->types & 1U << JOB_RESTART) && (r->kinds & STOPS); i++)
		if (t->near[i].node == n->node && (t->near[i].kind & PULLS_IN))
			return JOB_RESTART;
	return r->then;
}

/* Is there somebody to get such a job? What starts is restarted, too. */
static bool is_there(enum job_type type, enum activity a)
{
	return is_up(a) || (type == JOB_RESTART && a == ACTIVITY_ACTIVATING);
}

/* A job for others is for what runs only, unless it is a start: then it is as good as its unit is. */
static int pull(struct transaction *t, uint32_t by, const struct neighbour *n, const struct rule *r)
{
	enum job_type type = job_to_pull(t, n, r);
	bool needs_file = type == JOB_START || type == JOB_VERIFY_ACTIVE;
	uint32_t unit, job;
	struct member *m = needs_file ? NULL : member_of(t, n->node);
	int error = 0;

	if (m)
		unit = (uint32_t)(m - t->unit);
	else
		error = needs_file ? load(t, n->node, &unit) : -ENOMEM;
	if (error < 0)
		return error;
	m = &t->unit[unit];
	if (needs_file && m->availability == UNIT_IS_REACHED)
		return 0;
	if (needs_file && m->availability != UNIT_IS_AVAILABLE) {
		if (r->matters || m->availability == UNIT_IS_BAD)
			tell_missing(t, &t->job[by], n->kind, m);
		if (r->matters)
			kill_job(t, &t->job[by], unit);
		return 0;
	}
	if ((type == JOB_RESTART || type == JOB_RELOAD) && !is_there(type, activity_of(t, m)))
		return 0;
	error = add_job(t, unit, type, &job);
	if (error == 0)
		error = add_want(t, by, n->kind, job, r);
	if (error == 0 && r->matters && t->job[job].dead)
		kill_job(t, &t->job[by], t->job[job].missing);
	return error;
}

/* There is one: the kind is of kinds_of(). */
static const struct rule *find_rule(enum job_type type, uint32_t kind)
{
	const struct rule *r = rules;

	while (!(r->types & 1U << type) || !(r->kinds & kind))
		r++;
	return r;
}

static uint32_t kinds_of(enum job_type type)
{
	uint32_t kinds = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].types & 1U << type)
			kinds |= rules[i].kinds;
	return kinds;
}

static int expand(struct transaction *t, uint32_t job)
{
	enum job_type type = (enum job_type)t->job[job].type;
	struct graph_node *n = node_of(t, &t->job[job]), *other;
	uint32_t kinds = kinds_of(type), at = 0, kind;
	int error = 0;

	t->n_near = 0;
	while ((other = graph_next(t->graph, n, kinds, &at, &kind))) {
		if (!grow(&t->near, t->n_near, &t->cap_near, sizeof(*t->near)))
			return -ENOMEM;
		t->near[t->n_near++] = (struct neighbour){ other, kind };
	}
	t->job[job].wants = t->n_wants;
	for (uint32_t i = 0; i < t->n_near && error == 0 && !t->job[job].dead; i++)
		error = pull(t, job, &t->near[i], find_rule(type, t->near[i].kind));
	return error;
}

/* A stop goes without a file where something runs. */
static int add_anchor(struct transaction *t, struct anchor *a)
{
	enum job_type type = a->type == JOB_TRY_RESTART ? JOB_RESTART : a->type;
	uint32_t unit, job;
	int error = load(t, a->node, &unit);
	struct member *m;

	if (error < 0)
		return error;
	m = &t->unit[unit];
	a->node = m->node;
	a->availability = (enum availability)m->availability;
	a->missing = NULL;
	a->planned = false;
	a->job = NULL;
	if (type == JOB_STOP && !is_down(activity_of(t, m)))
		a->availability = UNIT_IS_AVAILABLE;
	if (a->availability != UNIT_IS_AVAILABLE)
		return 0;
	if (a->type == JOB_TRY_RESTART && !is_there(JOB_RESTART, activity_of(t, m)))
		return 0;
	error = add_job(t, unit, type, &job);
	if (error == 0)
		t->job[job].is_anchor = true;
	return error;
}

static int collect(struct transaction *t, struct anchor *anchors, size_t n)
{
	int error = 0;

	for (size_t i = 0; i < n && error == 0; i++)
		error = add_anchor(t, &anchors[i]);
	if (t->flags & TRANSACTION_ALONE)
		return error;
	for (uint32_t i = 0; i < t->n_jobs && error == 0; i++)
		if (!t->job[i].dead)
			error = expand(t, i);
	return error;
}

/* An anchor that was killed, before anything else was, lacks something that it requires. */
static void settle_anchor(const struct transaction *t, struct anchor *a)
{
	enum job_type type = a->type == JOB_TRY_RESTART ? JOB_RESTART : a->type;
	const struct member *m = &t->unit[a->node->scratch - 1];
	const struct candidate *c = find_job(t, m, type);

	if (a->availability != UNIT_IS_AVAILABLE || !c)
		return;
	a->planned = !c->dead;
	if (!a->planned) {
		a->availability = (enum availability)t->unit[c->missing].availability;
		a->missing = t->unit[c->missing].node;
	}
}

/* ---- what is left of it ---- */

/* Reaches all that the anchors want, directly or not; only what matters: what they cannot be without. */
static void follow(struct transaction *t, bool only_what_matters)
{
	uint32_t todo = NONE;

	for (uint32_t i = 0; i < t->n_jobs; i++) {
		struct candidate *c = &t->job[i];

		c->reached = c->is_anchor && !c->dead;
		if (c->reached) {
			c->chain = todo;
			todo = i;
		}
	}
	while (todo != NONE) {
		const struct candidate *by = &t->job[todo];

		todo = by->chain;
		for (uint32_t i = by->wants; i < by->wants + by->n_wants; i++) {
			struct candidate *c = &t->job[t->want[i].job];

			if (c->dead || c->reached || (only_what_matters && !t->want[i].matters))
				continue;
			c->reached = true;
			c->chain = todo;
			todo = t->want[i].job;
		}
	}
}

/* What nobody wants any more goes. */
static void drop_unwanted(struct transaction *t)
{
	follow(t, false);
	for (uint32_t i = 0; i < t->n_jobs; i++)
		t->job[i].dead |= !t->job[i].reached;
}

static void find_what_matters(struct transaction *t)
{
	follow(t, true);
	for (uint32_t i = 0; i < t->n_jobs; i++)
		t->job[i].matters = t->job[i].reached;
}

/* Of a unit all jobs are needed or none: that which changes nothing may contradict another one. */
static bool is_needed(const struct transaction *t, struct member *m)
{
	enum activity now = activity_of(t, m);

	for (uint32_t i = m->jobs; i != NONE; i = t->job[i].next) {
		const struct candidate *c = &t->job[i];
		enum job_type type = (enum job_type)c->type;

		if (!c->dead && (c->is_anchor || !is_redundant(type, now) ||
				 (m->node->job && job_type_merge(type, m->node->job->type, now) ==
							  JOB_TYPE_INVALID)))
			return true;
	}
	return false;
}

/* Those that want such a job have what they want. */
static void drop_redundant(struct transaction *t)
{
	for (uint32_t i = 0; i < t->n_units; i++) {
		if (t->unit[i].jobs == NONE || is_needed(t, &t->unit[i]))
			continue;
		for (uint32_t j = t->unit[i].jobs; j != NONE; j = t->job[j].next)
			t->job[j].dead = true;
	}
}

/* ---- contradictions ---- */

static struct candidate *find_alive(const struct transaction *t, const struct member *m, bool stop)
{
	struct candidate *found = NULL;

	for (uint32_t i = m->jobs; i != NONE; i = t->job[i].next) {
		struct candidate *c = &t->job[i];

		if (!c->dead && (c->type == JOB_STOP) == stop && (!found || c->matters))
			found = c;
	}
	return found;
}

/* A stop against whatever else: who does not matter gives way; among equals the start, if the stop is for a conflict's sake. */
static int reconcile(struct transaction *t, struct candidate *stop, struct candidate *other)
{
	bool refuse = stop->matters && other->matters;
	bool stop_goes = !stop->matters && (other->matters || !stop->conflicts);
	struct buf b = BUF_INIT;

	buf_printf(&b, "%s cannot have both a %s job (", node_of(t, stop)->name,
		   job_type_name(other->type));
	say_why(t, &b, other);
	buf_puts(&b, ") and a stop job (");
	say_why(t, &b, stop);
	buf_printf(&b, ")%s.", refuse ? "" : stop_goes ? ": it is not stopped" : ": it is stopped");
	tell(t, refuse ? DIAG_ERROR : DIAG_WARNING, &b);
	if (refuse)
		return -EEXIST;
	kill_job(t, stop_goes ? stop : other, NONE);
	drop_unwanted(t);
	return 0;
}

/* From those that were pulled in last: a stop is propagated back, and the contradiction is best told where it comes from. */
static int resolve_contradictions(struct transaction *t, bool all)
{
	for (uint32_t i = t->n_units; i-- > 0;) {
		struct candidate *stop = find_alive(t, &t->unit[i], true), *other;

		while (stop && !stop->dead && (other = find_alive(t, &t->unit[i], false)) &&
		       (all || stop->matters || other->matters)) {
			int error = reconcile(t, stop, other);

			if (error < 0)
				return error;
		}
	}
	return 0;
}

/* ---- the order ---- */

static bool matters(const struct transaction *t, const struct member *m)
{
	for (uint32_t i = m->jobs; i != NONE; i = t->job[i].next)
		if (!t->job[i].dead && t->job[i].matters)
			return true;
	return false;
}

static bool is_planned(const struct transaction *t, const struct member *m)
{
	return find_alive(t, m, true) || find_alive(t, m, false);
}

/* The job that its unit will have when the plan is installed: jobs.c does the same. */
static void merge_jobs(struct transaction *t, struct member *m)
{
	enum job_type type = JOB_TYPE_INVALID;
	enum activity now = activity_of(t, m);

	for (uint32_t i = m->jobs; i != NONE; i = t->job[i].next)
		if (!t->job[i].dead)
			type = type ? job_type_merge(type, t->job[i].type, now) : t->job[i].type;
	if (type && m->node->job) {
		enum job_type both = job_type_merge(type, m->node->job->type, now);

		type = both ? both : type;
	} else if (m->node->job) {
		type = m->node->job->type;
	}
	m->type = (uint8_t)type;
	m->visit = VISIT_NEW;
}

/* What there is of a unit in the order: a restart is a stop at first, and a start later. */
static enum job_type type_in_order(const struct transaction *t, const struct member *m)
{
	return t->restarts_start && m->type == JOB_RESTART ? JOB_START : m->type;
}

static void open_member(struct transaction *t, uint32_t unit, uint32_t from, uint32_t kind)
{
	t->unit[unit].visit = VISIT_OPEN;
	t->unit[unit].at = 0;
	t->unit[unit].from = from;
	t->unit[unit].kind = kind;
}

/* The next one that has to wait for this unit, NONE behind the last; also of those that have a job already. */
static int next_follower(struct transaction *t, uint32_t unit, uint32_t *follower, uint32_t *kind)
{
	struct graph_node *n = t->unit[unit].node, *other;
	struct member *m;

	*follower = NONE;
	while ((other = graph_next(t->graph, n, LINKS_BEFORE | LINKS_AFTER, &t->unit[unit].at, kind))) {
		bool is_new = !other->scratch;

		if (is_new && !other->job)
			continue;
		m = member_of(t, other);
		if (!m)
			return -ENOMEM;
		if (is_new)
			merge_jobs(t, m);
		if (!m->type || job_waits(type_in_order(t, &t->unit[unit]), *kind, type_in_order(t, m)))
			continue;
		*follower = (uint32_t)(m - t->unit);
		return 0;
	}
	return 0;
}

/* In the order in which they would run, and the links that say so. */
static void say_cycle(const struct transaction *t, struct buf *b, uint32_t first)
{
	uint32_t i = first;

	buf_puts(b, "The order has a cycle: ");
	do {
		buf_printf(b, "%s → ", t->unit[i].node->name);
		i = t->unit[i].to;
	} while (i != first);
	buf_printf(b, "%s (", t->unit[first].node->name);
	do {
		const struct member *next = &t->unit[t->unit[i].to];

		say_link(b, t->unit[i].node, next->kind, next->node);
		i = t->unit[i].to;
		buf_puts(b, i != first ? ", " : ")");
	} while (i != first);
}

/*
 * From `last` the walk has come back to `first`. What does not matter is left out, the last one of its kind. Where all belong
 * to jobs that exist already there is nothing to decide, and no stop is refused for the sake of an order: jobs_next() copes. -EAGAIN: walk again.
 */
static int break_cycle(struct transaction *t, uint32_t first, uint32_t last, uint32_t kind)
{
	uint32_t victim = NONE;
	bool ours = false, only_stops = true;
	struct buf b = BUF_INIT;

	t->unit[first].kind = kind;
	for (uint32_t i = last, to = first;; to = i, i = t->unit[i].from) {
		bool planned = is_planned(t, &t->unit[i]);

		t->unit[i].to = to;
		ours |= planned;
		only_stops &= !planned || t->unit[i].type == JOB_STOP;
		if (planned && victim == NONE && !matters(t, &t->unit[i]))
			victim = i;
		if (i == first)
			break;
	}
	if (!ours || (only_stops && t->restarts_start)) /* told in the first walk */
		return 0;
	say_cycle(t, &b, first);
	if (only_stops) {
		buf_puts(&b, ": they are stopped all the same.");
		tell(t, DIAG_WARNING, &b);
		return 0;
	}
	if (victim == NONE) {
		buf_puts(&b, ".");
		tell(t, DIAG_ERROR, &b);
		return -EDEADLK;
	}
	buf_printf(&b, ": %s is left alone.", t->unit[victim].node->name);
	tell(t, DIAG_WARNING, &b);
	for (uint32_t i = t->unit[victim].jobs; i != NONE; i = t->job[i].next)
		kill_job(t, &t->job[i], NONE);
	return -EAGAIN;
}

/* In depth: who waits for whom waits for whom … */
static int walk_from(struct transaction *t, uint32_t start)
{
	uint32_t unit = start, follower, kind;
	int error = 0;

	open_member(t, start, NONE, 0);
	while (unit != NONE && error == 0) {
		error = next_follower(t, unit, &follower, &kind);
		if (error < 0)
			return error;
		if (follower == NONE) {
			t->unit[unit].visit = VISIT_DONE;
			unit = t->unit[unit].from;
		} else if (t->unit[follower].visit == VISIT_OPEN) {
			error = break_cycle(t, follower, unit, kind);
		} else if (t->unit[follower].visit == VISIT_NEW) {
			open_member(t, follower, unit, kind);
			unit = follower;
		}
	}
	return error;
}

static int walk(struct transaction *t, bool restarts_start)
{
	int error = 0;

	t->restarts_start = restarts_start;
	for (uint32_t i = 0; i < t->n_units; i++)
		merge_jobs(t, &t->unit[i]);
	for (uint32_t i = 0; i < t->n_units && error == 0; i++)
		if (t->unit[i].visit == VISIT_NEW && is_planned(t, &t->unit[i]))
			error = walk_from(t, i);
	return error;
}

static int resolve_cycles(struct transaction *t)
{
	int error;

	do {
		error = walk(t, false);
		if (error == 0)
			error = walk(t, true);
		if (error == -EAGAIN)
			drop_unwanted(t);
	} while (error == -EAGAIN);
	return error;
}

/* ---- the plan ---- */

static int make_plan(const struct transaction *t, struct plan *plan)
{
	struct plan p = { .v = calloc(t->n_units + 1, sizeof(*p.v)) };

	if (!p.v)
		return -ENOMEM;
	for (uint32_t u = 0; u < t->n_units; u++) {
		struct planned *new = &p.v[p.n];

		for (uint32_t i = t->unit[u].jobs; i != NONE; i = t->job[i].next) {
			const struct candidate *c = &t->job[i];

			if (c->dead)
				continue;
			new->node = t->unit[u].node;
			new->type = new->type ? job_type_merge(new->type, c->type, t->unit[u].activity)
					      : c->type;
			new->is_anchor |= c->is_anchor;
			new->matters |= c->matters;
		}
		p.n += new->node != NULL;
	}
	*plan = p;
	return 0;
}

void plan_deinit(struct plan *p)
{
	free(p->v);
	*p = (struct plan){ 0 };
}

static int build(struct transaction *t, struct anchor *anchors, size_t n, struct plan *plan)
{
	int error = collect(t, anchors, n);

	if (error < 0)
		return error;
	for (size_t i = 0; i < n; i++)
		settle_anchor(t, &anchors[i]);
	drop_unwanted(t);
	find_what_matters(t);
	drop_redundant(t);
	drop_unwanted(t);
	error = resolve_contradictions(t, false); /* they decide what becomes of the rest */
	if (error == 0)
		error = resolve_contradictions(t, true);
	if (error < 0)
		return error;
	drop_redundant(t); /* what was kept for the sake of a contradiction */
	drop_unwanted(t);
	error = resolve_cycles(t);
	return error < 0 ? error : make_plan(t, plan);
}

int transaction_build(struct graph *g, const struct world *world, struct anchor *anchors, size_t n,
		      unsigned flags, struct plan *plan, struct diags *diags)
{
	struct transaction t = { .graph = g, .world = world, .diags = diags, .flags = flags };
	int error = build(&t, anchors, n, plan);

	for (uint32_t i = 0; i < t.n_units; i++)
		t.unit[i].node->scratch = 0;
	free(t.unit);
	free(t.job);
	free(t.want);
	free(t.near);
	return error;
}
