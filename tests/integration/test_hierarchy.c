/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/cgtest.h"
#include "sys/hierarchy.h"
#include "sys/kernel.h"

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

/* ---- the path of a directory ---- */

/* Asks in a child in which statmount(2) may be missing, as before Linux 6.8, and more may have happened. */
static int in_child(void (*ask)(const struct cgtest *t), const struct cgtest *t, bool statmount)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (!statmount && cgtest_lack(SYS_statmount, ENOSYS) < 0)
			_exit(77);
		ask(t);
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void ask_with_and_without(void (*ask)(const struct cgtest *t))
{
	struct cgtest t;

	begin(&t);
	for (int statmount = 0; statmount < 2; statmount++) {
		int line = in_child(ask, &t, statmount);

		if (line == 77)
			cr_skip_test("no mount namespace or seccomp filter can be had here");
		cr_expect_eq(line, 0, "check %d, %s statmount(2)", line, statmount ? "with" : "without");
	}
	cgtest_end(&t);
}

/* Not by Criterion, which is not to be asked in a child; no check is number 77. */
#define CHECK(number, holds)           \
	do {                           \
		if (!(holds))          \
			_exit(number); \
	} while (0)

/* What comes of opening file_path, and then asking by `by`, or by nothing. */
static bool leads_to(const char *file_path, const char *by, const char *cgroup_path, int error)
{
	cleanup_close int fd = open(file_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_free char *path = NULL;
	int r = fd < 0 ? -errno : cgroup_path_of_directory(fd, by, &path);

	return r == error && (r < 0 || streq(path, cgroup_path));
}

static void enter_mount_namespace(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		_exit(77);
}

static void ask_in_many_spellings(const struct cgtest *t)
{
	const char *plain = t->root_file_path, *path = t->root.path;
	const char *const around[][3] = { { "", "", "" },     { "", "/", "" },
					  { "/", "", "" },    { "", "/.", "" },
					  { "", "/./.", "" }, { "", "/..", strrchr(plain, '/') } };
	char odd[2 * PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(around); i++) {
		snprintf(odd, sizeof(odd), "%s%s%s%s", around[i][0], plain, around[i][1], around[i][2]);
		CHECK(10 + (int)i, leads_to(odd, odd, path, 0));
		CHECK(20 + (int)i, leads_to(odd, NULL, path, 0));
	}
	CHECK(30, chdir(plain) == 0);
	CHECK(31, leads_to(".", ".", path, 0));
	CHECK(32, leads_to(t->hierarchy.mount_point, NULL, t->mount.path, 0));
	CHECK(33, leads_to(t->hierarchy.mount_point, t->hierarchy.mount_point, t->mount.path, 0));
}

Test(hierarchy_live, a_directory_in_any_spelling)
{
	ask_with_and_without(ask_in_many_spellings);
}

/* A part of the tree that does not hold us, mounted elsewhere, below a name that mountinfo escapes. */
static void ask_about_a_bind_mount(const struct cgtest *t)
{
	cleanup_free char *path = NULL;
	char place[] = "/tmp/cgkill test.XXXXXX", below[64];
	struct cg leaf;

	enter_mount_namespace();
	CHECK(1, mkdtemp(place) && cg_create(&leaf, &t->root, "leaf") == 0);
	snprintf(below, sizeof(below), "%s/leaf", place);
	CHECK(2, mount(t->root_file_path, place, NULL, MS_BIND, NULL) == 0);
	CHECK(3, leads_to(place, place, t->root.path, 0));
	CHECK(4, leads_to(below, below, leaf.path, 0));
	CHECK(5, leads_to(below, NULL, leaf.path, 0));
	/* and from a place that the directory was open in before it went: nobody knows */
	leaf.fd = open(below, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(6, umount2(place, MNT_DETACH) == 0);
	CHECK(7, cgroup_path_of_directory(leaf.fd, below, &path) == -EXDEV);
	CHECK(8, rmdir(place) == 0 && cg_remove(&t->root, "leaf") == 0);
}

Test(hierarchy_live, a_directory_on_a_mount_of_its_own)
{
	ask_with_and_without(ask_about_a_bind_mount);
}

/* Its mount began above what is the root for us now. */
static void ask_through_a_foreign_mount(const struct cgtest *t)
{
	struct cg ours;

	/* Where nsdelegate is in force nobody comes out again, so that it may be there from last time. */
	CHECK(1, cg_remove(&t->root, "ours") == 0 && cg_create(&ours, &t->root, "ours") == 0);
	CHECK(2, cg_attach(&ours, 0) == 0);
	if (unshare(CLONE_NEWCGROUP) < 0)
		_exit(77);
	CHECK(3, leads_to(t->root_file_path, t->root_file_path, "", -EXDEV));
	CHECK(4, leads_to(t->root_file_path, NULL, "", -EXDEV));
}

Test(hierarchy_live, a_directory_of_another_cgroup_namespace)
{
	ask_with_and_without(ask_through_a_foreign_mount);
}

/* Our root directory is another one now, and the directory open from before. */
static void ask_from_a_chroot(const struct cgtest *t)
{
	int fd;
	cleanup_free char *path = NULL;
	const char *jail = "/mnt";

	enter_mount_namespace(); /* before: the mounts in it are others */
	fd = open(t->root_file_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(1, fd >= 0 && mount("none", jail, "tmpfs", 0, NULL) == 0);
	CHECK(2, chdir(jail) == 0 && mkdir("proc", 0755) == 0 &&
			 mount("proc", "proc", "proc", 0, NULL) == 0);
	CHECK(3, mkdir("cgroup", 0755) == 0 &&
			 mount(t->root_file_path, "cgroup", NULL, MS_BIND, NULL) == 0);
	CHECK(4, chroot(".") == 0);
	CHECK(5, cgroup_path_of_directory(fd, NULL, &path) == -EXDEV);
	CHECK(6, leads_to("/cgroup", "/cgroup", t->root.path, 0));
	CHECK(7, leads_to("/cgroup", NULL, t->root.path, 0));
}

Test(hierarchy_live, a_directory_in_and_out_of_a_chroot)
{
	ask_with_and_without(ask_from_a_chroot);
}

/* In a thread with a table of its own, in which the number is another directory. */
static void *ask_with_own_table(void *arg)
{
	const struct cgtest *t = arg;
	cleanup_free char *path = NULL;
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), own;

	CHECK(1, unshare(CLONE_FILES) == 0);
	own = open(t->root_file_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(2, dup2(own, fd) == fd);
	CHECK(3, cgroup_path_of_directory(fd, NULL, &path) == 0 && streq(path, t->root.path));
	return NULL;
}

static void ask_in_a_thread(const struct cgtest *t)
{
	pthread_t thread;

	CHECK(4, pthread_create(&thread, NULL, ask_with_own_table, (void *)(uintptr_t)t) == 0);
	pthread_join(thread, NULL);
}

Test(hierarchy_live, a_directory_of_a_thread)
{
	ask_with_and_without(ask_in_a_thread);
}

static void ask_without_proc(const struct cgtest *t)
{
	cleanup_close int fd = open(t->root_file_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct kernel_mount mount_of_it;
	bool told = kernel_statmount(fd, &mount_of_it) == 0;

	enter_mount_namespace();
	CHECK(1, mount("none", "/proc", "tmpfs", 0, NULL) == 0);
	CHECK(2, leads_to(t->root_file_path, NULL, "", -ENOSYS));
	CHECK(3, leads_to(t->root_file_path, t->root_file_path, t->root.path, told ? 0 : -ENOSYS));
}

Test(hierarchy_live, a_directory_without_proc)
{
	ask_with_and_without(ask_without_proc);
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
