/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/defaults.h"

#include "util/strv.h"

int defaults_add(struct unit *u)
{
	static const char *const targets[] = { "sysinit.target", "basic.target" };
	char ***after = &u->deps[DEP_AFTER];
	int r = 0;

	if (u->kind != UNIT_SERVICE || !u->default_dependencies)
		return 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(targets); i++)
		if (!strv_contains(*after, targets[i]))
			r = strv_push(after, targets[i]);
	return r;
}

bool defaults_order(const struct unit *target, const struct unit *wanted)
{
	return target->default_dependencies && wanted->default_dependencies &&
	       !strv_contains(target->deps[DEP_BEFORE], wanted->name) &&
	       !strv_contains(wanted->deps[DEP_AFTER], target->name);
}
