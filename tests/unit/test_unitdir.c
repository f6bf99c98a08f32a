/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#include "sys/unitdir.h"
#include "util/buf.h"
#include "util/strv.h"

/* Two directories of units in a temporary one, high before low. */
static char root[] = "/tmp/cgkill-unitdir.XXXXXX";
static char *search_path[3];

static int remove_entry(const char *path, const struct stat *st unused, int type unused,
			struct FTW *ftw unused)
{
	return remove(path);
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(root));
	cr_assert_geq(asprintf(&search_path[0], "%s/high", root), 0);
	cr_assert_geq(asprintf(&search_path[1], "%s/low", root), 0);
	cr_assert_eq(mkdir(search_path[0], 0755), 0);
	cr_assert_eq(mkdir(search_path[1], 0755), 0);
}

static void teardown(void)
{
	nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(search_path[0]);
	free(search_path[1]);
}

TestSuite(unitdir, .init = setup, .fini = teardown, .timeout = 10);

static const char *at(const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *f;
	const char *path = at(name), *slash = strrchr(path, '/');
	cleanup_free char *dir = strndup(path, (size_t)(slash - path));

	mkdir(dir, 0755);
	f = fopen(path, "w");
	cr_assert_not_null(f, "%s", path);
	cr_assert_geq(fputs(text, f), 0);
	cr_assert_eq(fclose(f), 0);
}

static void put_link(const char *name, const char *target)
{
	cr_assert_eq(symlink(target, at(name)), 0, "%s", name);
}

/* "id: file=text file=text …", with paths below root; "masked", or the error's name. */
static char *read_unit(const char *name, struct diags *diags)
{
	struct unit_files files;
	struct buf b = BUF_INIT;
	int r = unitdir_read(search_path, name, &files, diags);

	if (r < 0) {
		buf_puts(&b, strerrorname_np(-r));
		return buf_take(&b);
	}
	buf_printf(&b, "%s:%s%s", files.id, files.has_fragment ? "" : " no fragment",
		   files.masked ? " masked" : "");
	for (size_t i = 0; i < files.n; i++) {
		cr_assert_eq(files.v[i].len, strlen(files.v[i].data));
		buf_printf(&b, " %s=%s", files.v[i].path + strlen(root) + 1, files.v[i].data);
	}
	unit_files_deinit(&files);
	return buf_take(&b);
}

#define assert_unit(name, expected, n_diags)                                   \
	do {                                                                   \
		cleanup_diags struct diags diags_ = DIAGS_INIT;                \
		cleanup_free char *got_ = read_unit(name, &diags_);            \
		cr_assert_str_eq(got_, expected);                              \
		cr_assert_eq(diags_.n, n_diags, "%s: %zu: %s", name, diags_.n, \
			     diags_.n ? diags_.v[0].text : "");                \
	} while (0)

Test(unitdir, first_directory_wins)
{
	put("low/a.service", "low");
	assert_unit("a.service", "a.service: low/a.service=low", 0);
	put("high/a.service", "high");
	assert_unit("a.service", "a.service: high/a.service=high", 0);
	assert_unit("b.service", "ENOENT", 0);
}

Test(unitdir, template_serves_instances)
{
	put("high/a@.service", "t");
	assert_unit("a@x.service", "a@x.service: high/a@.service=t", 0);
	put("low/a@x.service", "i");
	assert_unit("a@x.service", "a@x.service: low/a@x.service=i", 0);
	assert_unit("a.service", "ENOENT", 0);
}

Test(unitdir, aliases)
{
	put("low/real.service", "r");
	put_link("high/alias.service", "../low/real.service");
	put_link("low/second.service", "alias.service");
	put("low/real.service.d/1.conf", "1");
	put("low/alias.service.d/2.conf", "2");
	put("low/second.service.d/3.conf", "3");
	assert_unit("alias.service", "real.service: low/real.service=r low/real.service.d/1.conf=1 low/alias.service.d/2.conf=2",
		    0);
	assert_unit("second.service",
		    "real.service: low/real.service=r low/real.service.d/1.conf=1 "
		    "low/alias.service.d/2.conf=2 "
		    "low/second.service.d/3.conf=3",
		    0);
	/* What overrides the real unit counts for its aliases. */
	put("high/real.service", "override");
	assert_unit("alias.service", "real.service: high/real.service=override low/real.service.d/1.conf=1 low/alias.service.d/2.conf=2",
		    0);
}

Test(unitdir, alias_of_a_template)
{
	put("low/real@.service", "t");
	put_link("low/alias@.service", "real@.service");
	assert_unit("alias@x.service", "real@x.service: low/real@.service=t", 0);
	put_link("low/real@y.service", "real@.service");
	assert_unit("real@y.service", "real@y.service: low/real@y.service=t", 0);
}

Test(unitdir, linked_from_elsewhere)
{
	put("elsewhere/other.service", "o");
	put_link("high/linked.service", "../elsewhere/other.service");
	assert_unit("linked.service", "linked.service: high/linked.service=o", 0);
}

Test(unitdir, dangling_and_circular_links)
{
	put_link("high/a.service", "missing.service");
	assert_unit("a.service", "EBADMSG", 1);
	put_link("high/b.service", "/nonexistent/b.service");
	assert_unit("b.service", "EBADMSG", 1);
	put_link("high/self.service", "self.service");
	assert_unit("self.service", "EBADMSG", 1);
	put_link("high/x.service", "y.service");
	put_link("high/y.service", "x.service");
	assert_unit("x.service", "EBADMSG", 1);
}

Test(unitdir, masks)
{
	put("low/a.service", "a");
	put("low/a.service.d/1.conf", "1");
	put_link("high/a.service", "/dev/null");
	assert_unit("a.service", "a.service: no fragment masked", 0);
	put("low/b.service", "b");
	put("high/b.service", "");
	assert_unit("b.service", "b.service: no fragment masked", 0);
}

Test(unitdir, what_is_no_unit_file_is_refused_and_never_blocks)
{
	int fd;

	cr_assert_eq(mkfifo(at("high/fifo.service"), 0644), 0);
	assert_unit("fifo.service", "EBADMSG", 1);
	cr_assert_eq(mkdir(at("high/dir.service"), 0755), 0);
	assert_unit("dir.service", "EBADMSG", 1);
	put_link("high/zero.service", "/dev/zero");
	assert_unit("zero.service", "EBADMSG", 1);
	fd = open(at("high/huge.service"), O_CREAT | O_WRONLY, 0644);
	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, 1 << 30), 0);
	close(fd);
	assert_unit("huge.service", "EBADMSG", 1);
}

Test(unitdir, largest_file)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct unit_files files;

	put("high/a.service", "x");
	cr_assert_eq(truncate(at("high/a.service"), UNIT_FILE_MAX), 0);
	cr_assert_eq(unitdir_read(search_path, "a.service", &files, &diags), 0);
	cr_assert_eq(files.v[0].len, UNIT_FILE_MAX);
	unit_files_deinit(&files);
	cr_assert_eq(truncate(at("high/a.service"), UNIT_FILE_MAX + 1), 0);
	cr_assert_eq(unitdir_read(search_path, "a.service", &files, &diags), -EBADMSG);
}

Test(unitdir, unreadable)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct unit_files files;

	put("high/a.service", "a");
	cr_assert_eq(chmod(at("high/a.service"), 0), 0);
	cr_assert_eq(chmod(root, 0755), 0);
	if (geteuid() == 0) /* whom no mode stops */
		cr_assert_eq(seteuid(65534), 0);
	cr_assert_eq(unitdir_read(search_path, "a.service", &files, &diags), -EBADMSG);
	if (getuid() == 0)
		cr_assert_eq(seteuid(0), 0);
	cr_assert_eq(diags.errors, 1);
}

Test(unitdir, dropins_are_ordered_by_name_and_overridden_by_directory)
{
	put("low/a-b.service", "f");
	put("low/a-b.service.d/10.conf", "low10");
	put("low/a-b.service.d/20.conf", "low20");
	put("high/a-b.service.d/20.conf", "high20");
	put("high/service.d/10.conf", "type10");
	put("high/service.d/05.conf", "type05");
	put("high/a-.service.d/30.conf", "prefix30");
	put("high/a-b.service.d/40.txt", "no");
	put("high/a-b.service.d/.50.conf", "no");
	assert_unit("a-b.service",
		    "a-b.service: low/a-b.service=f high/service.d/05.conf=type05 "
		    "low/a-b.service.d/10.conf=low10 "
		    "high/a-b.service.d/20.conf=high20 high/a-.service.d/30.conf=prefix30",
		    0);
}

Test(unitdir, dropins_of_instances)
{
	put("low/a@.service", "f");
	put("low/a@.service.d/1.conf", "t1");
	put("low/a@.service.d/2.conf", "t2");
	put("low/a@x.service.d/2.conf", "i2");
	put("low/a.service.d/3.conf", "no");
	assert_unit("a@x.service", "a@x.service: low/a@.service=f low/a@.service.d/1.conf=t1 low/a@x.service.d/2.conf=i2",
		    0);
	assert_unit("a@y.service", "a@y.service: low/a@.service=f low/a@.service.d/1.conf=t1 low/a@.service.d/2.conf=t2",
		    0);
}

Test(unitdir, masked_and_broken_dropins)
{
	put("low/a.service", "f");
	put("low/a.service.d/1.conf", "no");
	put("high/a.service.d/0.conf", "0");
	put_link("high/a.service.d/1.conf", "/dev/null");
	cr_assert_eq(mkfifo(at("high/a.service.d/2.conf"), 0644), 0);
	put_link("high/a.service.d/3.conf", "3.conf");
	put("high/a.service.d/4.conf", "4");
	assert_unit(
		"a.service",
		"a.service: low/a.service=f high/a.service.d/0.conf=0 high/a.service.d/4.conf=4", 2);
}

Test(unitdir, dropins_without_a_fragment)
{
	put("low/a.service.d/1.conf", "1");
	assert_unit("a.service", "a.service: no fragment low/a.service.d/1.conf=1", 0);
}

Test(unitdir, list)
{
	cleanup_strv char **names = NULL;

	put("low/b.service", "b");
	put("low/a.service", "a");
	put("high/b.service", "b");
	put("high/t@.service", "t");
	put("high/x.socket", "x");
	put("high/x.mount", "x");
	put("low/t.target", "x");
	put("high/.hidden.service", "x");
	put("high/dir.service/x", "x");
	put_link("high/l.service", "b.service");
	cr_assert_eq(unitdir_list(search_path, &names), 0);
	cr_assert_eq(strv_len(names), 6);
	cr_assert_str_eq(names[0], "a.service");
	cr_assert_str_eq(names[1], "b.service");
	cr_assert_str_eq(names[2], "l.service");
	cr_assert_str_eq(names[3], "t.target");
	cr_assert_str_eq(names[4], "t@.service");
	cr_assert_str_eq(names[5], "x.socket");
}

Test(unitdir, targets)
{
	put("low/real.target", "r");
	put("low/real.target.d/1.conf", "1");
	put("low/target.d/2.conf", "2");
	put("low/service.d/3.conf", "3");
	put_link("high/alias.target", "../low/real.target");
	assert_unit(
		"alias.target",
		"real.target: low/real.target=r low/real.target.d/1.conf=1 low/target.d/2.conf=2", 0);
	/* Only among units of one kind may one have the name of another. */
	put_link("high/odd.target", "../low/a.service");
	put("low/a.service", "a");
	assert_unit("odd.target", "odd.target: high/odd.target=a low/target.d/2.conf=2", 0);
}

/* "a.service b@1.service" */
static char *read_links(const char *name, const char *suffix)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_strv char **names = NULL;
	struct buf b = BUF_INIT;

	cr_assert_eq(unitdir_links(search_path, name, suffix, &names, &diags), 0);
	cr_assert_eq(diags.n, 0);
	for (size_t i = 0; names && names[i]; i++)
		buf_printf(&b, "%s%s", i > 0 ? " " : "", names[i]);
	buf_puts(&b, "");
	return buf_take(&b);
}

#define assert_links(name, suffix, expected)                        \
	do {                                                        \
		cleanup_free char *got_ = read_links(name, suffix); \
		cr_assert_str_eq(got_ ? got_ : "", expected);       \
	} while (0)

Test(unitdir, links)
{
	put("low/t.target.wants/c.service", "c");
	put("high/t.target.wants/b.service", "b");
	put_link("low/t.target.wants/b.service", "/nowhere/b.service");
	put_link("low/t.target.wants/getty@tty1.service", "../getty@.service");
	put("low/t.target.requires/r.service", "r");
	put("low/t.target.wants/.hidden", "x");
	assert_links("t.target", ".wants", "b.service c.service getty@tty1.service");
	assert_links("t.target", ".requires", "r.service");
	assert_links("u.target", ".wants", "");
	/* Masked where the first directory that has it says so. */
	put_link("high/t.target.wants/c.service", "/dev/null");
	assert_links("t.target", ".wants", "b.service getty@tty1.service");
}

Test(unitdir, links_of_templates)
{
	put("low/a@.service.wants/every.service", "x");
	put("low/a@1.service.wants/one.service", "x");
	assert_links("a@1.service", ".wants", "every.service one.service");
	assert_links("a@2.service", ".wants", "every.service");
}

Test(unitdir, parts)
{
	char *path[] = { (char[]){ "/etc/cgkill/units" },
			 (char[]){ "/etc/systemd/system" },
			 (char[]){ "/usr/lib/systemd/system" },
			 (char[]){ "/lib/systemd/system" },
			 (char[]){ "/srv/units" },
			 NULL };
	cleanup_strv char **own = NULL, **admin = NULL;

	cr_assert_eq(unitdir_part(path, UNITDIR_OWN, &own), 0);
	cr_assert_eq(strv_len(own), 2);
	cr_assert_str_eq(own[1], "/srv/units");
	cr_assert_eq(unitdir_part(path, UNITDIR_ADMIN, &admin), 0);
	cr_assert_eq(strv_len(admin), 3);
	cr_assert_str_eq(admin[1], "/etc/systemd/system");
}

Test(unitdir, search_path)
{
	cleanup_strv char **alone = unitdir_search_path("/a:/b", false);
	cleanup_strv char **before = unitdir_search_path("/a:", false);
	cleanup_strv char **system = unitdir_search_path(NULL, false);

	cr_assert_eq(strv_len(alone), 2);
	cr_assert_str_eq(alone[1], "/b");
	cr_assert_eq(strv_len(before), strv_len(system) + 1);
	cr_assert_str_eq(before[0], "/a");
	cr_assert_str_eq(before[1], system[0]);
	cr_assert_str_eq(system[0], "/etc/cgkill/units");
}

Test(unitdir, user_search_path)
{
	cleanup_strv char **path = NULL;

	setenv("HOME", "/home/u", 1);
	setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_DATA_HOME");
	path = unitdir_search_path(NULL, true);
	cr_assert(strv_contains(path, "/home/u/.config/systemd/user"));
	cr_assert(strv_contains(path, "/run/user/1/cgkill/units"));
	cr_assert(!strv_contains(path, "/etc/systemd/system"));
}
