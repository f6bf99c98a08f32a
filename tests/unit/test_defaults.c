/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>

#include "core/defaults.h"
#include "util/strv.h"

TestSuite(defaults, .timeout = 10);

static bool has(const struct unit *u, enum dependency dep, const char *name)
{
	return strv_contains(u->deps[dep], name);
}

Test(defaults, of_a_service)
{
	cleanup_unit struct unit *u = unit_new("a.service");

	cr_assert_eq(strv_push(&u->deps[DEP_AFTER], "basic.target"), 0);
	cr_assert_eq(defaults_add(u), 0);
	cr_expect(has(u, DEP_AFTER, "sysinit.target"));
	cr_expect_null(u->deps[DEP_CONFLICTS], "shutdown.target takes no part");
	cr_expect_eq(strv_len(u->deps[DEP_AFTER]), 2, "what it says itself is not said twice");
	cr_expect_null(u->deps[DEP_REQUIRES], "an order, and nothing that is pulled in");
	cr_assert_eq(defaults_add(u), 0);
	cr_expect_eq(strv_len(u->deps[DEP_AFTER]), 2, "twice is once");
}

Test(defaults, of_a_target)
{
	cleanup_unit struct unit *u = unit_new("a.target");

	cr_assert_eq(defaults_add(u), 0);
	for (size_t i = 0; i < DEP_MAX; i++)
		cr_expect_null(u->deps[i]);
}

Test(defaults, of_who_wants_none)
{
	cleanup_unit struct unit *u = unit_new("a.service");

	u->default_dependencies = false;
	cr_assert_eq(defaults_add(u), 0);
	for (size_t i = 0; i < DEP_MAX; i++)
		cr_expect_null(u->deps[i]);
}

Test(defaults, a_target_comes_after_what_it_wants)
{
	cleanup_unit struct unit *target = unit_new("a.target"), *wanted = unit_new("b.service");

	cr_assert(defaults_order(target, wanted));
	wanted->default_dependencies = false;
	cr_assert_not(defaults_order(target, wanted));
	wanted->default_dependencies = true;
	target->default_dependencies = false;
	cr_assert_not(defaults_order(target, wanted));
}

Test(defaults, unless_one_of_both_says_the_contrary)
{
	cleanup_unit struct unit *target = unit_new("a.target"), *before = unit_new("b.service"),
				 *after = unit_new("c.service");

	cr_assert_eq(strv_push(&target->deps[DEP_BEFORE], "b.service"), 0);
	cr_assert_eq(strv_push(&after->deps[DEP_AFTER], "a.target"), 0);
	cr_assert_not(defaults_order(target, before));
	cr_assert_not(defaults_order(target, after));
}
