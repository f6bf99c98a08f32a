/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The unit files that this machine has below systemd's directories, as its packages brought them:
 * each loads, and says to us what it says to systemd. "make oracle" adds those of packages that are
 * not installed here, from the directory $CGKILL_ORACLE_UNITS.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <sys/stat.h>

#include "lib/oracle.h"
#include "sys/host.h"
#include "sys/unitdir.h"
#include "util/strv.h"

TestSuite(debian_units, .timeout = 120);

/* Where systemd looks: the target that wants all units, then those that are not installed. */
static char **search_path(const char *dir)
{
	cleanup_strv char **all = unitdir_search_path(NULL, false);
	const char *more = getenv("CGKILL_ORACLE_UNITS");
	char **path = NULL;

	cr_assert_eq(strv_push(&path, dir), 0);
	if (more)
		cr_assert_eq(strv_push(&path, more), 0);
	for (size_t i = 0; all && all[i]; i++)
		if (!strstr(all[i], "/cgkill/"))
			cr_assert_eq(strv_push(&path, all[i]), 0);
	return path;
}

/* Templates by an instance. */
static char *name_of(const char *file)
{
	char *name = unit_name_is_template(file) ? unit_name_instantiate(file, "test") : strdup(file);

	cr_assert_not_null(name);
	return name;
}

static char *ask(const char *dir, char *const *files)
{
	const char *more = getenv("CGKILL_ORACLE_UNITS");
	cleanup_free char *target = NULL, *path = NULL;
	char *dump;
	FILE *f;

	cr_assert_geq(asprintf(&target, "%s/oracle.target", dir), 0);
	cr_assert_geq(asprintf(&path, "%s%s%s", dir, more ? ":" : "", more ? more : ""), 0);
	f = fopen(target, "w");
	cr_assert_not_null(f);
	fputs("[Unit]\n", f);
	for (; files && *files; files++) {
		cleanup_free char *name = name_of(*files);

		fprintf(f, "Wants=%s\n", name);
	}
	fclose(f);
	dump = oracle_ask(path, "oracle.target");
	cr_assert_not_null(dump);
	unlink(target);
	return dump;
}

/* Units that consist of what only an init can do are refused: they would do nothing here. And sockets that accept. */
static bool is_not_for_us(const struct diags *diags)
{
	for (size_t i = 0; i < diags->n; i++)
		if (strstr(diags->v[i].text, "is for an init") ||
		    strstr(diags->v[i].text, "Accept=yes"))
			return diags->errors == 1;
	return false;
}

/* 1 when the unit was compared. */
static size_t compare(const char *dump, char *const *path, const char *name,
		      const struct host_facts *host)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_buf struct buf wrong = BUF_INIT;
	cleanup_unit struct unit *u = NULL;
	cleanup_free char *block = NULL;
	int r = oracle_load(path, name, host, &u, &diags);

	if (getenv("CGKILL_ORACLE_WARNINGS"))
		for (size_t i = 0; i < diags.n; i++)
			fprintf(stderr, "%s: %s\n", name, diags.v[i].text);
	if (r == -ENOENT || is_not_for_us(&diags))
		return 0;
	block = oracle_block(dump, u ? u->name : name);
	if (r < 0 && block && !oracle_loaded(block))
		return 0; /* nor can systemd */
	cr_expect_eq(r, 0, "%s: %d %s", name, r, diags.n > 0 ? diags.v[diags.n - 1].text : "");
	cr_expect_not_null(block, "%s is not in the dump", name);
	if (r < 0 || !block)
		return 0;
	oracle_compare(u, block, path, &wrong);
	cr_expect_eq(wrong.len, 0, "%s", wrong.data);
	return 1;
}

Test(debian_units, mean_to_us_what_they_mean_to_systemd)
{
	char dir[] = "/tmp/cgkill-oracle.XXXXXX";
	cleanup_strv char **path = search_path(dir), **files = NULL;
	cleanup_free char *dump = NULL;
	struct host_facts host;
	size_t compared = 0;

	if (!oracle_is_there())
		cr_skip_test("SKIP: there is no systemd 252");
	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(chmod(dir, 0755), 0);
	free(path[0]);
	path[0] = strdup(dir);
	cr_assert_eq(unitdir_list(path, &files), 0);
	cr_assert_eq(host_facts_read(&host, false, "/run"), 0);
	dump = ask(dir, files);
	for (size_t i = 0; files && files[i]; i++) {
		cleanup_free char *name = name_of(files[i]);

		compared += compare(dump, path, name, &host);
	}
	rmdir(dir);
	cr_assert_gt(compared, 50, "only %zu units could be compared", compared);
	fprintf(stderr, "%zu units compared\n", compared);
}
