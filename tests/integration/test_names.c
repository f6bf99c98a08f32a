/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tables of names that core has, so that it needs no library for them, against those who know: libcap, and
 * "systemd-analyze syscall-filter" of systemd 252.
 */
#include <criterion/criterion.h>
#include <sys/capability.h>

#include "core/filter.h"
#include "core/privileges.h"
#include "lib/oracle.h"
#include "util/strv.h"

TestSuite(names, .timeout = 60);

Test(names, capabilities_are_those_of_libcap)
{
	int n = 0;

	for (; capability_name(n); n++) {
		char *theirs = cap_to_name(n);
		cap_value_t value = -1;

		cr_expect_str_eq(capability_name(n), theirs);
		cr_expect_eq(cap_from_name(capability_name(n), &value), 0, "%s", capability_name(n));
		cr_expect_eq(value, n, "%s", capability_name(n));
		cap_free(theirs);
	}
	/* A kernel that has more needs names here. */
	cr_expect_leq(cap_max_bits(), n, "capability %d has no name", n);
}

static void check_member(const char *group, const struct syscall_list *list, const char *name,
			 char ***seen)
{
	cr_expect_geq(syscall_find(name), 0, "%s has %s", group, name);
	if (syscall_find(name) < 0)
		return;
	cr_expect_eq(list->action[syscall_find(name)], SYSCALL_LISTED, "%s has %s", group, name);
	cr_assert_eq(strv_push(seen, name), 0);
}

static void check_rest(const char *group, const struct syscall_list *list, char *const *seen)
{
	for (size_t i = 0; i < SYSCALL_COUNT; i++)
		if (list->action[i] == SYSCALL_LISTED)
			cr_expect(strv_contains(seen, syscall_name(i)), "%s does not have %s",
				  group, syscall_name(i));
}

/* One group as systemd lists it, groups in it expanded by asking for them. */
static void read_group(const char *group, const char *top, const struct syscall_list *list, char ***seen)
{
	char line[256], command[128];
	FILE *pipe;

	snprintf(command, sizeof(command), "systemd-analyze --no-pager syscall-filter '%s'", group);
	pipe = popen(command, "r");
	cr_assert_not_null(pipe);
	while (fgets(line, sizeof(line), pipe)) {
		char *name = line + strspn(line, " ");

		name[strcspn(name, "\n")] = '\0';
		if (line[0] != ' ' || *name == '#' || *name == '\0')
			continue;
		if (*name == '@')
			read_group(name, top, list, seen);
		else
			check_member(top, list, name, seen);
	}
	cr_expect_eq(pclose(pipe), 0, "%s", command);
}

static const char *const groups[] = {
	"@aio",	       "@basic-io", "@chown",	       "@clock",      "@cpu-emulation",
	"@debug",      "@default",  "@file-system",    "@io-event",   "@ipc",
	"@keyring",    "@known",    "@memlock",	       "@module",     "@mount",
	"@network-io", "@obsolete", "@pkey",	       "@privileged", "@process",
	"@raw-io",     "@reboot",   "@resources",      "@setuid",     "@signal",
	"@swap",       "@sync",	    "@system-service", "@timer",
};

Test(names, groups_of_system_calls_are_those_of_systemd)
{
	if (!oracle_is_there() || system("systemd-analyze syscall-filter >/dev/null 2>&1") != 0)
		cr_skip_test("SKIP: there is no systemd-analyze 252");
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		cleanup_free struct syscall_list *list = syscall_list_new(true);
		cleanup_strv char **seen = NULL;

		cr_assert_not_null(list);
		cr_assert_eq(syscall_list_apply(list, groups[i], false, SYSCALL_LISTED), 0, "%s",
			     groups[i]);
		read_group(groups[i], groups[i], list, &seen);
		/* Linux has got more since. */
		if (!streq(groups[i], "@known"))
			check_rest(groups[i], list, seen);
	}
}

/* Each that systemd has, we have: its list of them all begins lines with '@'. */
Test(names, no_group_is_missing)
{
	char line[256];
	size_t n = 0;
	FILE *pipe;

	if (!oracle_is_there())
		cr_skip_test("SKIP: there is no systemd-analyze 252");
	pipe = popen("systemd-analyze --no-pager syscall-filter", "r");
	cr_assert_not_null(pipe);
	while (fgets(line, sizeof(line), pipe)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '@')
			continue;
		n++;
		cr_expect_not_null(syscall_group(line), "%s", line);
	}
	pclose(pipe);
	if (n == 0)
		cr_skip_test("SKIP: there is no systemd-analyze 252");
	cr_expect_eq(n, ARRAY_SIZE(groups));
}
