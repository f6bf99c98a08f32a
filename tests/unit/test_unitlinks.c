/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>

#include "sys/unitlinks.h"
#include "util/strv.h"

static char dir[] = "/tmp/cgkill-links.XXXXXX";

static int remove_entry(const char *path, const struct stat *st unused, int type unused,
			struct FTW *ftw unused)
{
	return remove(path);
}

static void set_up(void)
{
	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(chdir(dir), 0);
}

static void tear_down(void)
{
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(unitlinks, .init = set_up, .fini = tear_down, .timeout = 20);

static void leads(const char *link, const char *target)
{
	cleanup_free char *found = unitlinks_target(dir, link);

	cr_expect(streq_null(found, target), "%s → %s, not %s", link, found ? found : "nowhere",
		  target ? target : "nowhere");
}

static void create(const char *name)
{
	FILE *f = fopen(name, "w");

	cr_assert_not_null(f);
	fclose(f);
}

static size_t count_entries(void)
{
	cleanup_strv char **links = NULL;

	cr_assert_eq(unitlinks_list(dir, &links), 0);
	return strv_len(links);
}

Test(unitlinks, make)
{
	create("a.service");
	create("b.service");
	cr_expect_eq(unitlinks_make(dir, "x.target.wants/a.service", "/nowhere", false), 1);
	leads("x.target.wants/a.service", "/nowhere");
	cr_expect_eq(unitlinks_make(dir, "x.target.wants/a.service", "/nowhere", false), 0);
	cr_expect_eq(unitlinks_make(dir, "x.target.wants/a.service", "/elsewhere", false), -EEXIST);
	leads("x.target.wants/a.service", "/nowhere");
	cr_expect_eq(unitlinks_make(dir, "x.target.wants/a.service", "/elsewhere", true), 1);
	leads("x.target.wants/a.service", "/elsewhere");
	cr_expect_eq(unitlinks_make(dir, "a.service", "/elsewhere", true), -EEXIST,
		     "a file is never replaced");
	cr_expect_eq(unitlinks_make(dir, "b.service/a.service", "/elsewhere", true), -ENOTDIR);
	cr_expect_eq(count_entries(), 1, "and nothing else is left");
}

Test(unitlinks, same_file_by_another_path)
{
	cleanup_free char *by_link = NULL, *straight = NULL;

	cr_assert_eq(mkdir("usr", 0755), 0);
	cr_assert_eq(symlink("usr", "lib"), 0);
	create("usr/a.service");
	cr_assert_geq(asprintf(&by_link, "%s/lib/a.service", dir), 0);
	cr_assert_geq(asprintf(&straight, "%s/usr/a.service", dir), 0);
	cr_expect_eq(unitlinks_make(dir, "alias.service", by_link, false), 1);
	cr_expect_eq(unitlinks_make(dir, "alias.service", straight, false), 0);
	leads("alias.service", by_link);
}

Test(unitlinks, loops)
{
	cr_assert_eq(symlink("b.service", "a.service"), 0);
	cr_assert_eq(symlink("a.service", "b.service"), 0);
	cr_expect_eq(count_entries(), 2);
	cr_expect_eq(unitlinks_make(dir, "a.service", "/nowhere", false), -EEXIST);
	cr_expect_eq(unitlinks_make(dir, "a.service", "/nowhere", true), 1);
	leads("a.service", "/nowhere");
	cr_expect_eq(unitlinks_remove(dir, "b.service"), 0);
	cr_expect_eq(count_entries(), 1);
}

Test(unitlinks, list)
{
	static const char *const made[] = { "x.target.wants/b.service", "x.target.requires/a.service",
					    "y.target.upholds/a.service", "alias.service" };
	cleanup_strv char **links = NULL, **none = NULL;

	create("file.service");
	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		cr_assert_eq(unitlinks_make(dir, made[i], "/t", false), 1);
	cr_assert_eq(unitlinks_make(dir, "x.service.d/link.conf", "/t", false), 1);
	cr_assert_eq(unitlinks_list(dir, &links), 0);
	cr_assert_eq(strv_len(links), ARRAY_SIZE(made), "drop-ins are no links of units");
	cr_expect_str_eq(links[0], "alias.service");
	cr_expect_str_eq(links[1], "x.target.requires/a.service");
	cr_expect_eq(unitlinks_list("/nonexistent", &none), 0);
	cr_expect_null(none);
}

Test(unitlinks, remove)
{
	cr_assert_eq(unitlinks_make(dir, "x.target.wants/a.service", "/t", false), 1);
	cr_assert_eq(unitlinks_make(dir, "x.target.wants/b.service", "/t", false), 1);
	cr_expect_eq(unitlinks_remove(dir, "x.target.wants/a.service"), 0);
	cr_expect_eq(access("x.target.wants", F_OK), 0);
	cr_expect_eq(unitlinks_remove(dir, "x.target.wants/b.service"), 0);
	cr_expect_eq(access("x.target.wants", F_OK), -1, "the last one takes its directory along");
	cr_expect_eq(unitlinks_remove(dir, "x.target.wants/b.service"), -ENOENT);
	leads("x.target.wants/b.service", NULL);
}

Test(unitlinks, where)
{
	struct unitlinks_dirs d;

	cr_assert_eq(unitlinks_dirs(false, false, &d), 0);
	cr_expect_str_eq(d.own, "/etc/cgkill/units");
	cr_expect_str_eq(d.systemd, "/etc/systemd/system");
	unitlinks_dirs_deinit(&d);
	cr_assert_eq(setenv("XDG_CONFIG_HOME", "relative", 1), 0);
	cr_assert_eq(setenv("HOME", "/home/u", 1), 0);
	cr_assert_eq(unitlinks_dirs(true, false, &d), 0);
	cr_expect_str_eq(d.own, "/home/u/.config/cgkill/units");
	unitlinks_dirs_deinit(&d);
	cr_assert_eq(unsetenv("XDG_RUNTIME_DIR"), 0);
	cr_assert_eq(unitlinks_dirs(true, true, &d), 0);
	cr_expect_null(d.own);
	unitlinks_dirs_deinit(&d);
}
