/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/sched.h>
#include <sys/socket.h>

#include "core/filter.h"
#include "lib/hostfacts.h"
#include "util/buf.h"

TestSuite(filter, .timeout = 20);

/* A service with these lines; warnings: how many are to be told. */
static struct unit *load(const char *lines, size_t warnings)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_free char *text = NULL;
	struct unit_text file = { "/u/foo.service", NULL, 0 };
	struct unit *u = NULL;

	cr_assert_geq(asprintf(&text, "[Service]\nExecStart=/bin/true\n%s\n", lines), 0);
	file.data = text;
	file.len = strlen(text);
	cr_assert_eq(unit_load(&u, "foo.service", &file, 1, &test_host, &diags), 0, "%s", lines);
	cr_expect_eq(diags.n, warnings, "%s: %zu warnings, the first: %s", lines, diags.n,
		     diags.n > 0 ? diags.v[0].text : "none");
	return u;
}

static int action(const struct unit *u, const char *name)
{
	return u->filter->calls->action[syscall_find(name)];
}

Test(filter, costs_nothing_where_none_is_set)
{
	cleanup_unit struct unit *u = load("", 0);

	cr_expect_null(u->filter);
}

Test(filter, names_are_in_order)
{
	for (size_t i = 0; i < SYSCALL_COUNT; i++) {
		cr_expect_eq(syscall_find(syscall_name(i)), (int)i, "%s", syscall_name(i));
		if (i > 0)
			cr_expect_lt(strcmp(syscall_name(i - 1), syscall_name(i)), 0, "%s",
				     syscall_name(i));
	}
	cr_expect_eq(syscall_find("nonsense"), -1);
	cr_expect_eq(syscall_find(""), -1);
	cr_expect_null(syscall_group("@nonsense"));
	cr_expect_null(syscall_group("clock"), "without its @");
}

Test(filter, a_list_of_the_allowed_has_the_default)
{
	cleanup_unit struct unit *u = load("SystemCallFilter=@clock sync", 0);

	cr_expect(u->filter->calls->allow);
	cr_expect_eq(action(u, "execve"), SYSCALL_LISTED);
	cr_expect_eq(action(u, "sync"), SYSCALL_LISTED);
	cr_expect_eq(action(u, "settimeofday"), SYSCALL_LISTED);
	cr_expect_eq(action(u, "socket"), SYSCALL_UNLISTED);
	cr_expect_eq(u->filter->error, SYSCALL_KILL);
}

Test(filter, a_list_of_the_forbidden_has_only_what_it_says)
{
	cleanup_unit struct unit *u =
		load("SystemCallFilter=~@swap uname:ENOENT sync:kill time:0 acct:22", 0);

	cr_expect_not(u->filter->calls->allow);
	cr_expect_eq(action(u, "execve"), SYSCALL_UNLISTED);
	cr_expect_eq(action(u, "swapon"), SYSCALL_LISTED);
	cr_expect_eq(action(u, "uname"), ENOENT);
	cr_expect_eq(action(u, "sync"), SYSCALL_KILL);
	cr_expect_eq(action(u, "time"), 0);
	cr_expect_eq(action(u, "acct"), 22);
}

/* The first line decides, the others add and strike off: systemd.exec(5), with its example of read and write. */
Test(filter, lines_merge)
{
	cleanup_unit struct unit *allowed =
		load("SystemCallFilter=read write\nSystemCallFilter=~write", 0);
	cleanup_unit struct unit *service =
		load("SystemCallFilter=@system-service\nSystemCallFilter=~@privileged @resources", 0);
	cleanup_unit struct unit *own =
		load("SystemCallFilter=@system-service\nSystemCallFilter=~@resources:EACCES", 0);
	cleanup_unit struct unit *forbidden =
		load("SystemCallFilter=~@swap\nSystemCallFilter=swapon", 0);
	cleanup_unit struct unit *reset =
		load("SystemCallFilter=read\nSystemCallFilter=\nSystemCallFilter=~write", 0);
	cleanup_unit struct unit *none = load("SystemCallFilter=read\nSystemCallFilter=", 0);

	cr_expect_eq(action(allowed, "read"), SYSCALL_LISTED);
	cr_expect_eq(action(allowed, "write"), SYSCALL_UNLISTED);
	cr_expect_eq(action(service, "setuid"), SYSCALL_UNLISTED,
		     "of @setuid in the one, of @privileged in the other");
	cr_expect_eq(action(service, "setgid"), SYSCALL_LISTED);
	cr_expect_eq(action(service, "setpriority"), SYSCALL_UNLISTED);
	cr_expect_eq(action(own, "setpriority"), EACCES);
	cr_expect(own->filter->calls->allow);
	cr_expect_not(forbidden->filter->calls->allow);
	cr_expect_eq(action(forbidden, "swapon"), SYSCALL_UNLISTED);
	cr_expect_eq(action(forbidden, "swapoff"), SYSCALL_LISTED);
	cr_expect_not(reset->filter->calls->allow);
	cr_expect_eq(action(reset, "read"), SYSCALL_UNLISTED);
	cr_expect_null(none->filter->calls);
	cr_expect_not(syscall_list_matters(none->filter->calls));
}

Test(filter, an_empty_list_of_the_allowed_matters)
{
	cleanup_unit struct unit *nothing = load("SystemCallFilter=~", 0);
	cleanup_unit struct unit *known = load("SystemCallFilter=@known", 0);

	cr_expect_not(syscall_list_matters(nothing->filter->calls));
	cr_expect(syscall_list_matters(known->filter->calls));
	for (size_t i = 0; i < SYSCALL_COUNT; i++)
		cr_expect_eq(known->filter->calls->action[i], SYSCALL_LISTED, "%s", syscall_name(i));
}

Test(filter, what_is_wrong_is_told_and_the_rest_counts)
{
	cleanup_unit struct unit *u = load("SystemCallFilter=nonsense @nonsense read:EPERM sync", 3);
	cleanup_unit struct unit *error = load("SystemCallFilter=~read:ENOSUCH sync", 1);
	cleanup_unit struct unit *log = load("SystemCallLog=@clock read:EPERM", 1);

	cr_expect_eq(action(u, "sync"), SYSCALL_LISTED);
	cr_expect_eq(action(u, "read"), SYSCALL_UNLISTED);
	cr_expect_eq(action(error, "read"), SYSCALL_UNLISTED);
	cr_expect_eq(action(error, "sync"), SYSCALL_LISTED);
	cr_expect_eq(log->filter->log->action[syscall_find("settimeofday")], SYSCALL_LISTED);
	cr_expect_eq(log->filter->log->action[syscall_find("execve")], SYSCALL_UNLISTED,
		     "nothing is logged unasked");
}

Test(filter, error_numbers)
{
	static const struct {
		const char *value;
		int error;
		size_t warnings;
	} rows[] = {
		{ "EPERM", EPERM, 0 },	      { "kill", SYSCALL_KILL, 0 },
		{ "", SYSCALL_KILL, 0 },      { "1", EPERM, 0 },
		{ "4095", 4095, 0 },	      { "4096", ENOENT, 1 },
		{ "EWOULDBLOCK", EAGAIN, 0 }, { "0", ENOENT, 1 },
		{ "EWHATEVER", ENOENT, 1 },   { "EOPNOTSUPP", EOPNOTSUPP, 0 },
		{ "eperm", ENOENT, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_free char *lines = NULL;
		cleanup_unit struct unit *u = NULL;

		cr_assert_geq(asprintf(&lines, "SystemCallErrorNumber=ENOENT\nSystemCallErrorNumber=%s",
				       rows[i].value),
			      0);
		u = load(lines, rows[i].warnings);
		cr_expect_eq(u->filter->error, rows[i].error, "%s: %d", rows[i].value, u->filter->error);
	}
}

#define FAMILY(name) (UINT64_C(1) << AF_##name)

Test(filter, address_families)
{
	static const struct {
		const char *lines;
		struct family_list list;
	} rows[] = {
		{ "RestrictAddressFamilies=AF_UNIX AF_INET",
		  { true, true, FAMILY(UNIX) | FAMILY(INET) } },
		{ "RestrictAddressFamilies=AF_UNIX AF_INET\nRestrictAddressFamilies=AF_INET6 "
		  "AF_LOCAL",
		  { true, true, FAMILY(UNIX) | FAMILY(INET) | FAMILY(INET6) } },
		{ "RestrictAddressFamilies=AF_UNIX AF_INET\nRestrictAddressFamilies=~AF_INET",
		  { true, true, FAMILY(UNIX) } },
		{ "RestrictAddressFamilies=~AF_PACKET", { true, false, FAMILY(PACKET) } },
		{ "RestrictAddressFamilies=~AF_PACKET AF_ALG\nRestrictAddressFamilies=AF_ALG",
		  { true, false, FAMILY(PACKET) } },
		{ "RestrictAddressFamilies=none", { false, true, 0 } },
		{ "RestrictAddressFamilies=none\nRestrictAddressFamilies=AF_UNIX",
		  { true, true, FAMILY(UNIX) } },
		{ "RestrictAddressFamilies=AF_UNIX\nRestrictAddressFamilies=", { false, false, 0 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_unit struct unit *u = load(rows[i].lines, 0);
		const struct family_list *list = &u->filter->families;

		cr_expect_eq(list->set, rows[i].list.set, "%s", rows[i].lines);
		cr_expect_eq(list->allow, rows[i].list.allow, "%s", rows[i].lines);
		cr_expect_eq(list->families, rows[i].list.families, "%s", rows[i].lines);
	}
	unit_free(load("RestrictAddressFamilies=AF_UNIX INET", 1));
	cr_expect_null(family_name(0), "AF_UNSPEC is none");
	cr_expect_str_eq(family_name(AF_INET), "AF_INET");
}

Test(filter, namespaces)
{
	static const struct {
		const char *lines;
		int set;
		size_t warnings;
	} rows[] = {
		{ "RestrictNamespaces=yes", 0, 0 },
		{ "RestrictNamespaces=no", 0x7e020000, 0 },
		{ "RestrictNamespaces=net ipc", CLONE_NEWNET | CLONE_NEWIPC, 0 },
		{ "RestrictNamespaces=~net", 0x7e020000 & ~CLONE_NEWNET, 0 },
		{ "RestrictNamespaces=net\nRestrictNamespaces=uts", CLONE_NEWNET | CLONE_NEWUTS, 0 },
		{ "RestrictNamespaces=net ipc\nRestrictNamespaces=~net", CLONE_NEWIPC, 0 },
		{ "RestrictNamespaces=yes\nRestrictNamespaces=", NAMESPACES_UNSET, 0 },
		{ "RestrictNamespaces=net\nRestrictNamespaces=ipc nonsense", CLONE_NEWNET, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_unit struct unit *u = load(rows[i].lines, rows[i].warnings);

		cr_expect_eq(u->filter->namespaces, rows[i].set, "%s: %#x", rows[i].lines,
			     (unsigned)u->filter->namespaces);
	}
}

Test(filter, architectures)
{
	cleanup_unit struct unit *u =
		load("SystemCallArchitectures=native\nSystemCallArchitectures=x86 arm64", 0);
	cleanup_unit struct unit *wrong = load("SystemCallArchitectures=native vax", 1);
	cleanup_unit struct unit *reset =
		load("SystemCallArchitectures=native\nSystemCallArchitectures=", 0);

	cr_expect_eq(u->filter->architectures, 1U << architecture_find("native") |
						       1U << architecture_find("x86") |
						       1U << architecture_find("arm64"));
	cr_expect_eq(wrong->filter->architectures, 1U << architecture_find("native"));
	cr_expect_eq(reset->filter->architectures, 0);
	cr_expect_null(architecture_name(32));
}

static void collect(const char *key, const char *value, void *arg)
{
	buf_printf(arg, "%s=%s\n", key, value);
}

static void expect_shown(const char *lines, const char *wanted)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_unit struct unit *u = load(lines, 0);

	filter_show(u->filter, &(struct showing){ collect, &b, BUF_INIT });
	cr_expect_str_eq(b.data, wanted, "%s:\n%s", lines, b.data);
}

Test(filter, is_shown)
{
	expect_shown("", "SystemCallFilter=\nSystemCallLog=\nSystemCallErrorNumber="
			 "\nSystemCallArchitectures=\n"
			 "RestrictAddressFamilies=\nRestrictNamespaces=no\nRestrictRealtime="
			 "no\nRestrictSUIDSGID=no\n"
			 "MemoryDenyWriteExecute=no\nLockPersonality=no\n");
	expect_shown(
		"SystemCallFilter=~@swap acct:EPERM "
		"sync:kill\nSystemCallErrorNumber=EPERM\nSystemCallLog=uname\n"
		"SystemCallArchitectures=native x86-64\nRestrictAddressFamilies=AF_INET AF_UNIX\n"
		"RestrictNamespaces=net cgroup\nRestrictRealtime=yes\nRestrictSUIDSGID=yes\n"
		"MemoryDenyWriteExecute=yes\nLockPersonality=yes",
		"SystemCallFilter=~acct:EPERM swapoff swapon sync:kill\nSystemCallLog=uname\n"
		"SystemCallErrorNumber=1\nSystemCallArchitectures=native x86-64\n"
		"RestrictAddressFamilies=AF_UNIX AF_INET\nRestrictNamespaces=cgroup "
		"net\nRestrictRealtime=yes\n"
		"RestrictSUIDSGID=yes\nMemoryDenyWriteExecute=yes\nLockPersonality=yes\n");
	expect_shown("RestrictAddressFamilies=none\nRestrictNamespaces=yes",
		     "SystemCallFilter=\nSystemCallLog=\nSystemCallErrorNumber="
		     "\nSystemCallArchitectures=\n"
		     "RestrictAddressFamilies=none\nRestrictNamespaces=yes\nRestrictRealtime="
		     "no\nRestrictSUIDSGID=no\n"
		     "MemoryDenyWriteExecute=no\nLockPersonality=no\n");
}
