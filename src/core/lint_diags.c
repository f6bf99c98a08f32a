/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the loader says, as findings.
 */
#include "core/lint.h"

/* By the id that a remark has, or else by its level. */
static const struct {
	struct lint_rule rule;
	enum diag_level level; /* 0: not by level */
} kinds[] = {
	{ { "inline-comment", SEVERITY_WARNING,
	    "Put the comment on a line of its own: systemd knows none behind a value." },
	  0 },
	{ { "unknown-key", SEVERITY_WARNING,
	    "Correct its name or its section; what begins with X- is passed over." },
	  0 },
	{ { "unknown-section", SEVERITY_WARNING, "Correct its name; what begins with X- is passed over." },
	  0 },
	{ { "removed-key", SEVERITY_HINT, "Leave it out." }, DIAG_NOTICE },
	{ { "unsupported-key", SEVERITY_HINT,
	    "Nothing is wrong with it: systemd acts on it, cgkill does not." },
	  0 },
	{ { "unprotected", SEVERITY_HINT, "Nothing is wrong with it: systemd acts on it, cgkill does not." },
	  0 },
	{ { "never-met", SEVERITY_WARNING, "Correct it: as it stands the unit is never started." }, 0 },
	{ { "bad-value", SEVERITY_WARNING, "Correct it: as it stands it has no effect." }, DIAG_WARNING },
	{ { "unusable", SEVERITY_ERROR, "Correct it: the unit cannot be started." }, DIAG_ERROR },
};

static const struct lint_rule *find_rule(const struct diag *d)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (d->id ? streq(d->id, kinds[i].rule.id) : d->level == kinds[i].level)
			return &kinds[i].rule;
	return NULL; /* lint_unit() tells it, with its line */
}

/* A remark about the unit as a whole is about the directive that it names first: "RuntimeMaxSec= has …". */
static const struct assignment *find_place(const struct diag *d, const struct assignments *where)
{
	const char *equals = strchr(d->text, '='), *start = equals;
	cleanup_free char *key = NULL;

	while (start && start > d->text && start[-1] != ' ')
		start--;
	key = start ? strndup(start, (size_t)(equals - start)) : NULL;
	return key ? assignment_last(where, key) : NULL;
}

void lint_diags(const struct diags *diags, const char *name, const struct assignments *where,
		struct findings *out)
{
	for (size_t i = 0; i < diags->n; i++) {
		const struct diag *d = &diags->v[i];
		const struct lint_rule *rule = find_rule(d);
		const struct assignment *at = d->line == 0 ? find_place(d, where) : NULL;

		if (rule)
			findings_add(out, rule,
				     at	       ? at->file
				     : d->file ? d->file
					       : name,
				     at ? at->line : d->line, "%s", d->text);
	}
}
