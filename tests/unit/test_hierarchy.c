/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>

#include "sys/controllers.h"
#include "sys/hierarchy.h"

TestSuite(hierarchy, .timeout = 10);

/* OWN stands for our cgroup's path, whatever that is where the test runs. */
#define OWN	    "@"
/* The same, every byte of it as an octal escape. */
#define OWN_ESCAPED "%"

#define PURE_V2 "24 23 0:22 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1	"32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
#define HYBRID \
	"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:1 master:2 - cgroup2 cgroup2 rw\n"
#define READ_ONLY "50 31 0:38 / /ro ro,relatime - cgroup2 cgroup2 rw\n"
#define SUPER_RO  "51 31 0:38 / /superro rw,relatime - cgroup2 cgroup2 ro,nsdelegate\n"
#define SPACES	  "60 31 0:38 / /a\\040b\\011c\\134d\\043 rw - cgroup2 cgroup2 rw\n"
#define SUBTREE	  "70 31 0:38 " OWN " /sub rw - cgroup2 none rw\n"
#define FOREIGN	  "71 31 0:38 /not-ours/at-all /foreign rw - cgroup2 none rw\n"
#define OUTSIDE	  "72 31 0:38 /.. /outside rw - cgroup2 none rw\n"
/* A type of v1 whose options look like ours, and lines that are no lines. */
#define JUNK                                                                                    \
	"\n1\n1 2 3\n1 2 3 / /x rw\n1 2 3 / /x rw -\n1 2 3 / /x rw - cgroup2\n1 2 0:1 / /x rw " \
	"shared:1 cgroup2 cgroup2 rw\n"

struct find_case {
	char text[1024];
	int result;
	char point[64];
	char root[64];
	bool read_only, nsdelegate;
};

ParameterizedTestParameters(hierarchy, find)
{
	static struct find_case cases[] = {
		{ PURE_V2, 0, "/sys/fs/cgroup", "/", false, true },
		{ V1 HYBRID, 0, "/sys/fs/cgroup/unified", "/", false, false },
		{ V1, -ENOENT, "", "", false, false },
		{ "", -ENOENT, "", "", false, false },
		{ JUNK, -ENOENT, "", "", false, false },
		{ JUNK HYBRID, 0, "/sys/fs/cgroup/unified", "/", false, false },
		{ READ_ONLY, 0, "/ro", "/", true, false },
		{ SUPER_RO, 0, "/superro", "/", true, true },
		{ READ_ONLY HYBRID, 0, "/sys/fs/cgroup/unified", "/", false, false },
		{ HYBRID READ_ONLY, 0, "/sys/fs/cgroup/unified", "/", false, false },
		{ PURE_V2 HYBRID, 0, "/sys/fs/cgroup", "/", false, true },
		{ SPACES, 0, "/a b\tc\\d#", "/", false, false },
		{ SUBTREE, 0, "/sub", OWN, false, false },
		{ FOREIGN, -ENOENT, "", "", false, false },
		{ OUTSIDE, -ENOENT, "", "", false, false },
		{ "1 2 0:1 " OWN_ESCAPED " /x rw - cgroup2 c rw\n", 0, "/x", OWN, false, false },
		{ FOREIGN SUBTREE, 0, "/sub", OWN, false, false },
		/* the upper of two on one directory counts, though the lower was writable */
		{ "1 2 0:1 / /x rw - cgroup2 c rw\n2 1 0:1 / /x ro - cgroup2 c rw\n", 0, "/x", "/",
		  true, false },
		/* "ro" as a part of another option is none */
		{ "1 2 0:1 / /x rw,errors=ro,roz - cgroup2 c rw,zero\n", 0, "/x", "/", false, false },
		/* without its last newline */
		{ "1 2 0:1 / /x rw - cgroup2 c rw,nsdelegate", 0, "/x", "/", false, true },
	};

	return cr_make_param_array(struct find_case, cases, ARRAY_SIZE(cases));
}

/* Puts our cgroup's path in the place of OWN and OWN_ESCAPED. */
static void fill_in(char *dst, size_t size, const char *text, const char *own)
{
	size_t at = 0;

	for (; *text && at + 4 * strlen(own) + 1 < size; text++) {
		if (*text == *OWN)
			at += (size_t)sprintf(dst + at, "%s", own);
		else if (*text == *OWN_ESCAPED)
			for (const char *p = own; *p; p++)
				at += (size_t)sprintf(dst + at, "\\%03o", (unsigned char)*p);
		else
			dst[at++] = *text;
	}
	dst[at] = '\0';
}

static int find_in(struct hierarchy *h, const char *text)
{
	char path[] = "/tmp/test_hierarchy.XXXXXX";
	int fd = mkstemp(path), r;

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	r = hierarchy_find(h, path);
	close(fd);
	unlink(path);
	return r;
}

ParameterizedTest(struct find_case *c, hierarchy, find)
{
	cleanup_free char *own = NULL;
	char text[8192], root[4096];
	struct hierarchy h = { 0 };

	if (cgroup_path_of(0, &own) < 0)
		cr_skip_test("no cgroup v2 line in /proc/self/cgroup");
	fill_in(text, sizeof(text), c->text, own);
	fill_in(root, sizeof(root), c->root, own);
	cr_assert_eq(find_in(&h, text), c->result, "%s", text);
	if (c->result == 0) {
		cr_assert_str_eq(h.mount_point, c->point);
		cr_assert_str_eq(h.mount_root, root);
		cr_assert_eq(h.read_only, c->read_only, "%s", text);
		cr_assert_eq(h.nsdelegate, c->nsdelegate, "%s", text);
	} else {
		cr_assert_null(h.mount_point, "*out is for success");
	}
	hierarchy_deinit(&h);
}

Test(hierarchy, find_without_file)
{
	struct hierarchy h = { 0 };

	cr_assert_eq(hierarchy_find(&h, "/nonexistent/mountinfo"), -ENOENT);
	cr_assert_eq(hierarchy_find(&h, "/"), -EISDIR);
}

struct below_case {
	char path[32], ancestor[32];
	bool below;
};

ParameterizedTestParameters(hierarchy, below)
{
	static struct below_case cases[] = {
		{ "/", "/", true },
		{ "/a", "/", true },
		{ "/a/b", "/a", true },
		{ "/a", "/a", true },
		{ "/a/", "/a", true },
		{ "/a/bc", "/a/b", false },
		{ "/", "/a", false },
		{ "/a", "/a/b", false },
		{ "/ab", "/a", false },
		{ "/..", "/", false },
		{ "/../x", "/", false },
		{ "/a/../b", "/a", false },
		{ "/a/..b", "/a", true },
		{ "/a/b..", "/a", true },
		{ "/a/...", "/a", true },
		{ "/../x/y", "/../x", true },
		{ "/../x/..", "/../x", false },
		{ "a", "/", false },
		{ "", "/", false },
		{ "/a", "", false },
		{ "", "", false },
	};

	return cr_make_param_array(struct below_case, cases, ARRAY_SIZE(cases));
}

ParameterizedTest(struct below_case *c, hierarchy, below)
{
	cr_assert_eq(cgroup_path_is_below(c->path, c->ancestor), c->below, "%s below %s", c->path,
		     c->ancestor);
}

struct path_case {
	char point[32], root[32];
	char cgroup[32], file[48]; /* the two spellings; "" in one of them: cannot be said */
};

ParameterizedTestParameters(hierarchy, paths)
{
	static struct path_case cases[] = {
		{ "/sys/fs/cgroup", "/", "/", "/sys/fs/cgroup" },
		{ "/sys/fs/cgroup", "/", "/a/b", "/sys/fs/cgroup/a/b" },
		{ "/sys/fs/cgroup", "/docker/x", "/docker/x", "/sys/fs/cgroup" },
		{ "/sys/fs/cgroup", "/docker/x", "/docker/x/y", "/sys/fs/cgroup/y" },
		{ "/sys/fs/cgroup", "/docker/x", "/docker/xy", "" },
		{ "/sys/fs/cgroup", "/docker/x", "/", "" },
		{ "/sys/fs/cgroup", "/", "/../x", "" },
		{ "/sys/fs/cgroup", "/", "", "/sys/fs/cgroupy" },
		{ "/sys/fs/cgroup", "/", "", "/sys/fs" },
		{ "/sys/fs/cgroup", "/", "", "/sys/fs/cgroup/../x" },
		{ "/", "/", "/a", "/a" },
		{ "/", "/", "/", "/" },
		{ "", "/", "", "/sys/fs/cgroup/a" },
	};

	return cr_make_param_array(struct path_case, cases, ARRAY_SIZE(cases));
}

ParameterizedTest(struct path_case *c, hierarchy, paths)
{
	struct hierarchy h = { .mount_point = c->point, .mount_root = c->root };
	cleanup_free char *file = NULL, *cgroup = NULL;

	if (*c->cgroup)
		cr_assert_eq(hierarchy_file_path(&h, c->cgroup, &file), *c->file ? 0 : -EXDEV);
	if (*c->file)
		cr_assert_eq(hierarchy_cgroup_path(&h, c->file, &cgroup), *c->cgroup ? 0 : -EXDEV);
	if (*c->cgroup && *c->file) {
		cr_assert_str_eq(file, c->file);
		cr_assert_str_eq(cgroup, c->cgroup);
	}
}

Test(hierarchy, trailing_slashes)
{
	struct hierarchy h = { .mount_point = (char[]){ "/cg" }, .mount_root = (char[]){ "/" } };
	cleanup_free char *a = NULL, *root = NULL;

	cr_assert_eq(hierarchy_cgroup_path(&h, "/cg/a///", &a), 0);
	cr_assert_str_eq(a, "/a");
	cr_assert_eq(hierarchy_cgroup_path(&h, "/cg/", &root), 0);
	cr_assert_str_eq(root, "/");
}

Test(hierarchy, path_of)
{
	cleanup_free char *self = NULL, *same = NULL, *none = NULL;

	if (cgroup_path_of(0, &self) == -ENODATA)
		cr_skip_test("no cgroup v2 line in /proc/self/cgroup");
	cr_assert_eq(cgroup_path_of(getpid(), &same), 0);
	cr_assert_str_eq(self, same);
	cr_assert_eq(self[0], '/');
	cr_assert_null(strchr(self, '\n'));
	cr_assert_eq(cgroup_path_of(0x7fffffff, &none), -ESRCH);
	cr_assert_null(none);
}

Test(hierarchy, controller_version)
{
	/* What libcgroup says depends on the host; that it says something, and nothing of the unknown, does not. */
	int memory = controllers_version("memory");

	cr_assert(memory <= 2);
	cr_assert(controllers_version("no-such-controller") <= 0);
	cr_assert_eq(controllers_version("memory"), memory, "the same when asked again");
}
