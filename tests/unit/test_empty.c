/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/empty.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "sys/beneath.h"

TestSuite(empty, .timeout = 60);

static char dir[] = "/tmp/cgkill-empty.XXXXXX";
static int fd = -1;

static void set_up(void)
{
	cr_assert_not_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_eq(mkdirat(fd, "in", 0700), 0);
}

static int open_in(void)
{
	return openat(fd, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void expect_empty(void)
{
	cr_expect_eq(unlinkat(fd, "in", AT_REMOVEDIR), 0, "%s/in: %s", dir, strerror(errno));
	cr_expect_eq(rmdir(dir), 0);
}

static void touch(int at, const char *name)
{
	cleanup_close int made = openat(at, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	cr_assert_geq(made, 0);
}

/* Deeper than a path can be, and than there are descriptors. */
Test(empty, deep, .init = set_up)
{
	const struct rlimit few = { 64, 64 };
	cleanup_close int in = open_in();
	int at = open_in();

	for (int i = 0; i < 3000; i++) {
		int next;

		touch(at, "file");
		cr_assert_eq(mkdirat(at, "d", 0700), 0);
		next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		cr_assert_geq(next, 0);
		close(at);
		at = next;
	}
	close(at);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	empty_directory(in);
	expect_empty();
}

Test(empty, wide, .init = set_up)
{
	cleanup_close int in = open_in();
	char name[32];

	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		if (i % 3 == 0)
			touch(in, name);
		else
			cr_assert_eq(mkdirat(in, name, i % 2 ? 0700 : 0), 0);
	}
	empty_directory(in);
	expect_empty();
}

Test(empty, links_are_not_followed, .init = set_up)
{
	cleanup_close int in = open_in();
	char link[64];

	cr_assert_eq(mkdirat(fd, "kept", 0700), 0);
	cr_assert_eq(mkdirat(fd, "kept/x", 0700), 0);
	snprintf(link, sizeof(link), "%s/kept", dir);
	cr_assert_eq(symlinkat(link, in, "link"), 0);
	cr_assert_eq(mkdirat(in, "d", 0700), 0);
	cr_assert_eq(symlinkat(link, fd, "in/d/link"), 0);
	empty_directory(in);
	cr_expect_eq(faccessat(fd, "kept/x", F_OK, 0), 0);
	unlinkat(fd, "kept/x", AT_REMOVEDIR);
	unlinkat(fd, "kept", AT_REMOVEDIR);
	expect_empty();
}

Test(empty, what_is_mounted_stays, .init = set_up)
{
	cleanup_close int in = open_in();
	char kept[64], place[64];
	bool mounted;

	snprintf(kept, sizeof(kept), "%s/kept", dir);
	snprintf(place, sizeof(place), "%s/in/place", dir);
	cr_assert_eq(mkdir(kept, 0700), 0);
	cr_assert_eq(mkdir(place, 0700), 0);
	touch(fd, "kept/file");
	touch(in, "file");
	mounted = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		  mount(kept, place, NULL, MS_BIND, NULL) == 0;
	empty_directory(in);
	cr_expect_eq(faccessat(fd, "kept/file", F_OK, 0), 0);
	cr_expect_eq(faccessat(in, "place", F_OK, 0) == 0, mounted);
	cr_expect_neq(faccessat(in, "file", F_OK, 0), 0);
	umount2(place, MNT_DETACH);
	unlinkat(fd, "kept/file", 0);
	unlinkat(fd, "kept", AT_REMOVEDIR);
	empty_directory(in);
	expect_empty();
	if (!mounted)
		cr_skip_test("nothing can be mounted here");
}

/* ---- the way to it ---- */

Test(empty, beneath, .init = set_up)
{
	const char *name = NULL;
	cleanup_close int parent = beneath_parent(fd, "in/a/b/c", true, &name), way = -1, out = -1;

	cr_assert_geq(parent, 0);
	cr_expect_str_eq(name, "c");
	cr_expect_eq(faccessat(fd, "in/a/b", F_OK, 0), 0);
	cr_expect_eq(beneath_parent(fd, "in/x/y", false, &name), -ENOENT);
	/* where others may write, a link may be theirs */
	cr_assert_eq(symlinkat("a", fd, "in/link"), 0);
	way = beneath_parent(fd, "in/link/b/c", false, &name);
	cr_expect_geq(way, 0);
	close(way);
	way = beneath_open(fd, "in/link");
	cr_expect_geq(way, 0);
	cr_assert_eq(fchmodat(fd, "in", 0777, 0), 0);
	cr_expect_eq(beneath_open(fd, "in/link"), -ELOOP);
	cr_expect_eq(beneath_open(fd, "in/link/b"), -ENOTDIR);
	cr_expect_eq(beneath_parent(fd, "in/link/b/c", false, &name), -ENOTDIR);
	out = beneath_enter(fd, "in");
	cr_expect_geq(out, 0);
	cr_expect_not(beneath_is_mount(out));
	unlinkat(fd, "in/link", 0);
	unlinkat(fd, "in/a/b", AT_REMOVEDIR);
	unlinkat(fd, "in/a", AT_REMOVEDIR);
	expect_empty();
}
