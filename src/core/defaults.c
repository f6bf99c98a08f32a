/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/defaults.h"

#include "core/resources.h"
#include "util/strv.h"

static int add_once(char ***list, const char *name)
{
	return strv_contains(*list, name) ? 0 : strv_push(list, name);
}

/* Whoever is in a slice needs it, and is stopped before it: systemd.slice(5), "Implicit Dependencies". */
static int add_slice(struct unit *u)
{
	cleanup_free char *above = u->kind == UNIT_SLICE ? slice_parent(u->name) : NULL;
	const char *slice = above ? above : u->resources ? u->resources->slice : NULL;
	int r;

	if (!slice)
		return 0;
	r = add_once(&u->deps[DEP_REQUIRES], slice);
	return r == 0 ? add_once(&u->deps[DEP_AFTER], slice) : r;
}

static int add_targets(struct unit *u)
{
	static const char *const targets[] = { "sysinit.target", "basic.target" };
	char ***after = &u->deps[DEP_AFTER];
	int r = 0;

	if (u->kind != UNIT_SERVICE || !u->default_dependencies)
		return 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(targets); i++)
		r = add_once(after, targets[i]);
	return r;
}

int defaults_add(struct unit *u)
{
	int r = add_slice(u);

	return r == 0 ? add_targets(u) : r;
}

bool defaults_order(const struct unit *target, const struct unit *wanted)
{
	return target->default_dependencies && wanted->default_dependencies &&
	       !strv_contains(target->deps[DEP_BEFORE], wanted->name) &&
	       !strv_contains(wanted->deps[DEP_AFTER], target->name);
}
