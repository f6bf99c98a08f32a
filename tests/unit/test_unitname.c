/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>

#include "core/unit.h"

TestSuite(unitname, .timeout = 10);

Test(unitname, valid)
{
	static const char *const names[] = {
		"a.service",	   "foo-bar.service", "foo@bar.service",
		"foo@a@b.service", "a.b.service",     "x\\x2dy.mount",
		"foo.target",	   ":_.-.socket",     "foo@..service",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		cr_assert(unit_name_valid(names[i]), "%s", names[i]);
}

Test(unitname, invalid)
{
	static const char *const names[] = {
		"",
		"foo",
		".service",
		"foo.",
		"foo.conf",
		"foo@.service",
		"@a.service",
		"../foo.service",
		"a/b.service",
		"a b.service",
		"f\xc3\xb6.service",
		"foo.service/",
		"foo.service\n",
		"foo*.service",
		"foo.service.d",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		cr_assert(!unit_name_valid(names[i]), "%s", names[i]);
}

Test(unitname, length_is_bounded)
{
	char name[UNIT_NAME_MAX + 2];

	memset(name, 'a', sizeof(name));
	strcpy(name + UNIT_NAME_MAX - strlen(".service"), ".service");
	cr_assert_eq(strlen(name), UNIT_NAME_MAX);
	cr_assert(unit_name_valid(name));
	strcpy(name + UNIT_NAME_MAX + 1 - strlen(".service"), ".service");
	cr_assert(!unit_name_valid(name));
}

Test(unitname, template)
{
	cleanup_free char *plain = unit_name_template("foo@bar.service");
	cleanup_free char *odd = unit_name_template("foo@a@b.c.service");

	cr_assert_str_eq(plain, "foo@.service");
	cr_assert_str_eq(odd, "foo@.service");
	cr_assert_null(unit_name_template("foo.service"));
	cr_assert_null(unit_name_template("foo@.service"));
}

Test(unitname, templates)
{
	static const char *const templates[] = { "foo@.service", "a-b@.socket" };
	static const char *const others[] = { "foo.service",   "foo@bar.service", "@.service",
					      "../a@.service", "foo@.conf",	  "" };
	cleanup_free char *instance = unit_name_instantiate("foo@.service", "a@b");

	for (size_t i = 0; i < ARRAY_SIZE(templates); i++)
		cr_expect(unit_name_is_template(templates[i]), "%s", templates[i]);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		cr_expect(!unit_name_is_template(others[i]), "%s", others[i]);
	cr_expect_str_eq(instance, "foo@a@b.service");
}
