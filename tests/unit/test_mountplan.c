/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/mountplan.h"

#include <criterion/criterion.h>

#include "core/sandbox.h"

static const struct host_facts host = { .boot_id = "b", .runtime_dir = "/run" };

static struct mount_plan plan_of(const char *lines)
{
	struct diags diags = DIAGS_INIT;
	cleanup_unit struct unit *u = NULL;
	struct mount_plan p = MOUNT_PLAN_INIT;
	char text[1024];
	struct unit_text one = { "test", text, 0 };

	snprintf(text, sizeof(text), "[Service]\nExecStart=/bin/true\n%s", lines);
	one.len = strlen(text);
	cr_assert_eq(unit_load(&u, "a.service", &one, 1, &host, &diags), 0);
	cr_assert_eq(diags.n, 0, "%s", diags.n > 0 ? diags.v[0].text : "");
	cr_assert_eq(mount_plan_make(&p, u, &host, &(struct private_tmp){ NULL, NULL }, "/shown/notify"),
		     0);
	diags_deinit(&diags);
	return p;
}

static struct mount_step find(const struct mount_plan *p, const char *path)
{
	for (size_t i = 0; i < p->n; i++)
		if (streq(p->v[i].path, path))
			return p->v[i];
	return (struct mount_step){ .directive = NULL };
}

Test(mountplan, what_contains_others_comes_first, .timeout = 10)
{
	struct mount_plan p = plan_of(
		"ReadOnlyPaths=/a/b /a /a-b\nReadWritePaths=/a/b/c /a/b\nReadWritePaths=/x\n");

	mount_plan_settle(&p);
	/* /a/b is read-only as /a is, for the stricter rule wins there; /x is read-write anyway */
	cr_assert_eq(p.n, 3);
	cr_assert_str_eq(p.v[0].path, "/a");
	cr_assert_str_eq(p.v[1].path, "/a/b/c");
	cr_assert_str_eq(p.v[2].path, "/a-b");
	mount_plan_deinit(&p);
}

Test(mountplan, what_is_hidden_is_not_done, .timeout = 10)
{
	struct mount_plan p =
		plan_of("InaccessiblePaths=/a\nReadWritePaths=/a /a/b\nBindPaths=/y:/a/c\n");

	mount_plan_settle(&p);
	cr_assert_eq(p.n, 1);
	cr_assert_eq(p.v[0].kind, MOUNT_INACCESSIBLE);
	mount_plan_deinit(&p);
}

Test(mountplan, strict_leaves_devices_alone, .timeout = 10)
{
	struct mount_plan p = plan_of(
		"ProtectSystem=strict\nPrivateDevices=yes\nTemporaryFileSystem=/t:ro,size=1m\n");

	mount_plan_settle(&p);
	cr_assert_eq(mount_plan_access(&p, "/usr/x", NULL), ACCESS_READ_ONLY);
	cr_assert_eq(mount_plan_access(&p, "/proc", NULL), ACCESS_READ_WRITE);
	cr_assert_eq(mount_plan_access(&p, "/dev", NULL), ACCESS_READ_ONLY);
	cr_assert_eq(mount_plan_access(&p, "/dev/shm", NULL), ACCESS_READ_WRITE);
	cr_assert_eq(find(&p, "/dev").kind, MOUNT_DEV);
	cr_assert_eq(find(&p, "/t").access, ACCESS_READ_ONLY);
	cr_assert(strstr(find(&p, "/t").options, "size=1m"));
	mount_plan_deinit(&p);
}

Test(mountplan, paths_of_the_host_and_of_the_root, .timeout = 10)
{
	struct mount_plan p = plan_of("RootDirectory=/r\nReadOnlyPaths=/r/a /b +/c\n");

	mount_plan_settle(&p);
	cr_assert_eq(p.n, 3);
	cr_assert_not_null(find(&p, "/a").directive);
	cr_assert_not_null(find(&p, "/c").directive);
	cr_assert_not_null(find(&p, "/shown/notify").directive);
	mount_plan_deinit(&p);
}

/* ---- against a model: of all rules the longest path, and of those at it the strictest ---- */

#define PATHS 12

static const char *const tree[PATHS] = { "/",	 "/a",	   "/a/b", "/a/b/c", "/a/b/c/d", "/a/d",
					 "/a-b", "/a-b/c", "/b",   "/b/a",   "/b/a/c",	 "/c" };

static enum mount_access naive(const unsigned *rules, const char *path)
{
	enum mount_access access = ACCESS_AS_IT_IS;
	size_t longest = 0;

	for (size_t i = 0; i < PATHS; i++)
		if (rules[i] && path_below(path, tree[i]) && strlen(tree[i]) >= longest) {
			longest = strlen(tree[i]);
			access = rules[i] & 2 ? ACCESS_READ_ONLY : ACCESS_READ_WRITE;
		}
	return access;
}

Test(mountplan, the_most_specific_rule_wins, .timeout = 30)
{
	unsigned seed = 5;

	for (int round = 0; round < 3000; round++) {
		unsigned rules[PATHS];
		char lines[1024] = "PrivateMounts=yes\n";
		struct mount_plan p;

		for (size_t n = 0; n < PATHS; n++) {
			size_t i = (n * 5 + (unsigned)round) % PATHS; /* in any order */
			size_t at = strlen(lines);

			seed = seed * 1103515245U + 12345U;
			rules[i] = seed >> 16 & 3;
			snprintf(lines + at, sizeof(lines) - at, "%s%s%s%s%s%s",
				 rules[i] & 1 ? "ReadWritePaths=" : "", rules[i] & 1 ? tree[i] : "",
				 rules[i] & 1 ? "\n" : "", rules[i] & 2 ? "ReadOnlyPaths=" : "",
				 rules[i] & 2 ? tree[i] : "", rules[i] & 2 ? "\n" : "");
		}
		p = plan_of(lines);
		mount_plan_settle(&p);
		for (size_t i = 0; i < PATHS; i++)
			cr_assert_eq(mount_plan_access(&p, tree[i], NULL) == ACCESS_READ_ONLY,
				     naive(rules, tree[i]) == ACCESS_READ_ONLY, "%s in\n%s",
				     tree[i], lines);
		for (size_t i = 1; i < p.n; i++)
			for (size_t before = 0; before < i; before++)
				cr_assert_null(path_below(p.v[before].path, p.v[i].path));
		mount_plan_deinit(&p);
	}
}

/* The directory of $NOTIFY_SOCKET, see plan_of(), is not hidden by the way. */
Test(mountplan, the_notify_socket_stays_visible, .timeout = 10)
{
	static const struct {
		const char *lines;
		bool shown;
	} cases[] = {
		{ "TemporaryFileSystem=/shown\n", true },   { "BindPaths=/usr:/shown\n", true },
		{ "TemporaryFileSystem=/showns\n", false }, { "ProtectSystem=strict\n", false },
		{ "InaccessiblePaths=/shown\n", false },    { "RootDirectory=/root\n", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mount_plan p = plan_of(cases[i].lines);
		bool shown = false;

		for (size_t n = 0; n < p.n; n++)
			shown = shown || streq(p.v[n].path, "/shown/notify");
		cr_assert_eq(shown, cases[i].shown, "%s", cases[i].lines);
		mount_plan_deinit(&p);
	}
}

Test(mountplan, what_is_mounted_above_decides, .timeout = 10)
{
	struct mount_plan p =
		plan_of("TemporaryFileSystem=/a\nBindPaths=/usr:/a/b\nReadOnlyPaths=/a/b/c /ab\n"
			"InaccessiblePaths=/a/d\n");
	static const char *const covers[][2] = {
		{ "/a", NULL }, { "/a/b", "/a" }, { "/a/b/c", "/a" }, { "/ab", NULL }, { "/a/d", NULL }
	};

	for (size_t i = 0; i < p.n; i++) {
		const struct mount_step *cover = mount_plan_cover(&p, i);
		const char *wanted = "?";

		for (size_t n = 0; n < ARRAY_SIZE(covers); n++)
			if (streq(covers[n][0], p.v[i].path))
				wanted = covers[n][1];
		cr_assert_eq(!cover, !wanted, "%s", p.v[i].path);
		cr_assert(!cover || streq(cover->path, wanted), "%s", p.v[i].path);
	}
	mount_plan_deinit(&p);
}
