/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/cgtest.h"
#include "sys/hierarchy.h"

TestSuite(hierarchy_live, .timeout = 30);

static void begin(struct cgtest *t)
{
	int r = cgtest_begin(t);

	if (r < 0)
		cr_skip_test("no cgroup for the test: %s", strerror(-r));
}

/* From a process to its cgroup's directory, and back. */
Test(hierarchy_live, there_and_back)
{
	cleanup_free char *cgroup = NULL, *file = NULL, *again = NULL;
	struct cgtest t;
	struct stat st;
	pid_t pid;

	begin(&t);
	pid = cgtest_start(&t.root, MEMBER_SLEEPER);
	cr_assert_eq(cgroup_path_of(pid, &cgroup), 0);
	cr_assert_eq(hierarchy_file_path(&t.hierarchy, cgroup, &file), 0);
	cr_assert_eq(stat(file, &st), 0, "%s", file);
	cr_assert_eq(st.st_ino, t.root.id);
	cr_assert_eq(hierarchy_cgroup_path(&t.hierarchy, file, &again), 0);
	cr_assert_str_eq(again, cgroup);
	cgtest_end(&t);
}

/* As long as the kernel tells one: below PATH_MAX. */
Test(hierarchy_live, long_paths)
{
	struct cg above[40];
	char name[100];
	struct cgtest t;
	size_t n = 0;

	begin(&t);
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	for (; n < ARRAY_SIZE(above) && strlen(n ? above[n - 1].path : "") + sizeof(name) < PATH_MAX;
	     n++) {
		cleanup_free char *seen = NULL;
		pid_t pid;

		if (cg_create(&above[n], n ? &above[n - 1] : &t.root, name) < 0)
			break; /* cgroup.max.depth */
		pid = cgtest_start(&above[n], MEMBER_SLEEPER);
		cr_assert_eq(cgroup_path_of(pid, &seen), 0, "depth %zu", n);
		cr_assert_str_eq(seen, above[n].path);
	}
	cr_expect_gt(n, 3);
	while (n > 0)
		cg_close(&above[--n]);
	cgtest_end(&t);
}

static void end_at_once(int ready_fd, void *arg unused)
{
	_exit(write(ready_fd, "r", 1) != 1);
}

/* A zombie stays in its cgroup when that is removed, and the kernel says "(deleted)". */
Test(hierarchy_live, removed_cgroup)
{
	cleanup_free char *path = NULL;
	struct cgtest t;
	struct cg leaf;
	pid_t pid;

	begin(&t);
	cr_assert_eq(cg_create(&leaf, &t.root, "leaf"), 0);
	pid = cgtest_start_fn(&leaf, end_at_once, NULL);
	cr_assert(cgtest_in_state(pid, "Z", 5000));
	while (cg_populated(&leaf) == 1) /* Linux 6.19: a moment longer; the test's timeout bounds it */
		cgtest_sleep_ms(1);
	cr_assert_eq(cg_remove(&t.root, "leaf"), 0);
	cr_assert_eq(cgroup_path_of(pid, &path), 0);
	cr_assert_str_eq(path, leaf.path);
	waitpid(pid, NULL, 0);
	cg_close(&leaf);
	cgtest_end(&t);
}

/* By root, as for the other tests; not by somebody to whom nothing was given. */
Test(hierarchy_live, usable)
{
	struct cgtest t;
	int status;
	pid_t pid;

	begin(&t);
	cr_assert_eq(hierarchy_usable(), 0);
	pid = fork();
	if (pid == 0)
		_exit(setresuid(65534, 65534, 65534) < 0 ? 77 : -hierarchy_usable());
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	cr_assert(WEXITSTATUS(status) == EACCES || WEXITSTATUS(status) == 77);
	cgtest_end(&t);
}
