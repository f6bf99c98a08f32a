/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checks of how units refer to each other.
 */
#include <stdarg.h>

#include "core/defaults.h"
#include "core/lint.h"
#include "util/buf.h"
#include "util/strv.h"

struct crowd {
	const struct lint_name *v;
	size_t n;
	struct findings *out;
};

static const struct lint_name *find_name(const struct crowd *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (streq(c->v[i].name, name))
			return &c->v[i];
	return NULL;
}

/* About what unit says of other in the directive dep. */
static void tell(const struct crowd *c, const struct lint_rule *rule, const struct lint_name *who,
		 enum dependency dep, const char *other, const char *fmt, ...) printf_like(6, 7);
static void tell(const struct crowd *c, const struct lint_rule *rule, const struct lint_name *who,
		 enum dependency dep, const char *other, const char *fmt, ...)
{
	const struct assignment *at = assignment_naming(who->where, dependency_name(dep), other);
	cleanup_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		findings_add(c->out, rule, at ? at->file : who->name, at ? at->line : 0, "%s", text);
	else
		c->out->failed = true;
}

/* --- units that are not there ------------------------------------------------------------------ */

static const struct lint_rule missing_requirement = {
	"missing-requirement", SEVERITY_ERROR, "Correct the name, or write Wants= if it may be missing."
};
static const struct lint_rule missing_reaction = { "missing-reaction", SEVERITY_WARNING,
						   "Correct the name." };

static bool is_missing(const struct crowd *c, const char *name)
{
	const struct lint_name *found = find_name(c, name);

	return found && !found->unit;
}

static void check_missing(const struct crowd *c, const struct lint_name *who)
{
	static const struct {
		enum dependency dep;
		const struct lint_rule *rule;
		const char *consequence;
	} needs[] = {
		{ DEP_REQUIRES, &missing_requirement, "cannot be started" },
		{ DEP_REQUISITE, &missing_requirement, "cannot be started" },
		{ DEP_BINDS_TO, &missing_requirement, "cannot be started" },
		{ DEP_ON_FAILURE, &missing_reaction, "has nothing to start when it fails" },
		{ DEP_ON_SUCCESS, &missing_reaction, "has nothing to start when it ends" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
		char **others = who->unit->deps[needs[i].dep];

		for (size_t j = 0; others && others[j]; j++)
			if (is_missing(c, others[j]))
				tell(c, needs[i].rule, who, needs[i].dep, others[j],
				     "Unit %s not found: %s %s", others[j], who->name,
				     needs[i].consequence);
	}
}

/* --- contradictions ---------------------------------------------------------------------------- */

static const struct lint_rule contradiction = {
	"contradiction", SEVERITY_ERROR,
	"Keep one of both; an order that is there by default goes with DefaultDependencies=no."
};
static const struct lint_rule unordered = {
	"unordered-requirement", SEVERITY_HINT,
	"Write After= as well: the stop then comes first here, then there."
};

static bool says(const struct lint_name *who, enum dependency dep, const char *other)
{
	return strv_contains(who->unit->deps[dep], other);
}

static void check_contradictions(const struct crowd *c, const struct lint_name *who)
{
	static const struct {
		enum dependency dep, against;
		const char *why;
	} pairs[] = {
		{ DEP_AFTER, DEP_BEFORE, "it cannot be started on either side of it" },
		{ DEP_REQUIRES, DEP_CONFLICTS, "it needs what it cannot run beside" },
		{ DEP_BINDS_TO, DEP_CONFLICTS, "it needs what it cannot run beside" },
		{ DEP_REQUISITE, DEP_BEFORE,
		  "it has to be active already, and is started only afterwards" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		char **others = who->unit->deps[pairs[i].dep];

		for (size_t j = 0; others && others[j]; j++)
			if (says(who, pairs[i].against, others[j]))
				tell(c, &contradiction, who, pairs[i].against, others[j],
				     "%s= contradicts %s=%s: %s", dependency_name(pairs[i].against),
				     dependency_name(pairs[i].dep), others[j], pairs[i].why);
	}
}

static bool is_ordered(const struct lint_name *a, const struct lint_name *b)
{
	return says(a, DEP_AFTER, b->name) || says(a, DEP_BEFORE, b->name) ||
	       says(b, DEP_AFTER, a->name) || says(b, DEP_BEFORE, a->name);
}

static void check_unordered(const struct crowd *c, const struct lint_name *who)
{
	static const enum dependency deps[] = { DEP_REQUIRES, DEP_BINDS_TO };

	for (size_t i = 0; i < ARRAY_SIZE(deps); i++) {
		char **others = who->unit->deps[deps[i]];

		for (size_t j = 0; others && others[j]; j++) {
			const struct lint_name *other = find_name(c, others[j]);

			if (other && other->unit && other->unit->kind == UNIT_SERVICE &&
			    who->unit->kind == UNIT_SERVICE && !is_ordered(who, other))
				tell(c, &unordered, who, deps[i], others[j],
				     "%s=%s without an order: both start and stop at the same time",
				     dependency_name(deps[i]), others[j]);
		}
	}
}

/* --- cycles ------------------------------------------------------------------------------------ */

static const struct lint_rule cycle = {
	"ordering-cycle", SEVERITY_ERROR,
	"Leave one of the orders out: systemd drops a unit of the cycle from the start."
};

static bool is_started(const struct lint_name *n)
{
	return n->unit && n->role != LINT_MENTIONED;
}

/* A search in depth; the way to the unit at hand is what is not done. */
struct search {
	const struct crowd *crowd;
	enum { UNSEEN, ON_THE_WAY, DONE } * state;
	size_t *way, length; /* indices, each after the one behind it */
};

/* Is a started after b, and by which directive? DEP_BEFORE is one of b. */
static bool starts_after(const struct lint_name *a, const struct lint_name *b, enum dependency *dep)
{
	static const enum dependency pulls[] = { DEP_WANTS, DEP_REQUIRES };

	*dep = DEP_AFTER;
	if (says(a, DEP_AFTER, b->name))
		return true;
	*dep = DEP_BEFORE;
	if (says(b, DEP_BEFORE, a->name))
		return true;
	if (a->unit->kind != UNIT_TARGET || !defaults_order(a->unit, b->unit))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(pulls); i++) {
		*dep = pulls[i];
		if (says(a, *dep, b->name))
			return true;
	}
	return false;
}

static void tell_cycle(const struct search *s, size_t to)
{
	const struct crowd *c = s->crowd;
	const struct lint_name *from = &c->v[s->way[s->length - 1]], *first = &c->v[to];
	enum dependency dep;
	cleanup_buf struct buf names = BUF_INIT;
	size_t i = s->length;

	while (i > 0 && s->way[i - 1] != to)
		i--;
	for (; i > 0 && i <= s->length; i++)
		buf_printf(&names, "%s after ", c->v[s->way[i - 1]].name);
	buf_puts(&names, first->name);
	starts_after(from, first, &dep);
	tell(c, &cycle, dep == DEP_BEFORE ? first : from, dep,
	     dep == DEP_BEFORE ? from->name : first->name, "Ordering cycle: %s",
	     names.data ? names.data : "");
}

static void visit(struct search *s, size_t at)
{
	const struct crowd *c = s->crowd;
	enum dependency dep;

	s->state[at] = ON_THE_WAY;
	s->way[s->length++] = at;
	for (size_t i = 0; i < c->n; i++) {
		if (!is_started(&c->v[i]) || c->v[i].unit == c->v[at].unit ||
		    !starts_after(&c->v[at], &c->v[i], &dep))
			continue;
		if (s->state[i] == UNSEEN)
			visit(s, i);
		else if (s->state[i] == ON_THE_WAY)
			tell_cycle(s, i);
	}
	s->length--;
	s->state[at] = DONE;
}

static void check_cycles(const struct crowd *c)
{
	struct search s = { .crowd = c,
			    .state = calloc(c->n + 1, sizeof(*s.state)),
			    .way = calloc(c->n + 1, sizeof(*s.way)) };

	if (!s.state || !s.way)
		c->out->failed = true;
	for (size_t i = 0; s.state && s.way && i < c->n; i++)
		if (is_started(&c->v[i]) && s.state[i] == UNSEEN)
			visit(&s, i);
	free(s.state);
	free(s.way);
}

void lint_units(const struct lint_name *names, size_t n, struct findings *out)
{
	const struct crowd c = { names, n, out };

	for (size_t i = 0; i < n; i++) {
		if (!names[i].unit || names[i].role != LINT_GIVEN)
			continue;
		check_missing(&c, &names[i]);
		check_contradictions(&c, &names[i]);
		check_unordered(&c, &names[i]);
	}
	check_cycles(&c);
}
