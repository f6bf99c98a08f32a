/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The units that people are shown first load with the values that their author meant. */
#include <criterion/criterion.h>

#include "core/load.h"
#include "lib/hostfacts.h"
#include "sys/unitdir.h"

TestSuite(examples, .timeout = 10);

static char *source_directory(const char *below)
{
	const char *top = getenv("CGKILL_SRCDIR");
	char *dir;

	cr_assert_geq(asprintf(&dir, "%s/%s", top ? top : ".", below), 0);
	if (access(dir, R_OK) < 0) {
		free(dir);
		cr_skip_test("SKIP: no %s here", below);
	}
	return dir;
}

static struct unit *load_from(char *dir, const char *name, size_t warnings)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	char *const search_path[] = { dir, NULL };
	struct unit_files files;
	struct unit *u = NULL;
	struct unit_text text;

	cr_assert_eq(unitdir_read(search_path, name, &files, &diags), 0, "%s", name);
	text = (struct unit_text){ files.v[0].path, files.v[0].data, files.v[0].len };
	cr_assert_eq(unit_load(&u, name, &text, 1, &test_host, &diags), 0, "%s", name);
	cr_assert_eq(diags.n, warnings, "%s: %zu", name, diags.n);
	unit_files_deinit(&files);
	cr_assert_eq(u->timeout_stop, 2 * USEC_PER_SEC, "%s", name);
	return u;
}

Test(examples, own)
{
	cleanup_free char *dir = source_directory("contrib/examples");
	cleanup_unit struct unit *stubborn = load_from(dir, "stubborn.service", 5);
	cleanup_unit struct unit *process = load_from(dir, "stubborn-process.service", 0);
	cleanup_unit struct unit *forced = load_from(dir, "stubborn-forced.service", 3);
	cleanup_unit struct unit *family = load_from(dir, "family.service", 0);

	cr_assert_eq(stubborn->kill_mode, KILL_MIXED);
	cr_assert(stubborn->send_sigkill && !stubborn->send_sighup);
	cr_assert_eq(process->kill_mode, KILL_PROCESS);
	cr_assert(exit_set_has_status(process->success, 143));
	cr_assert_eq(process->exec[EXEC_STOP_POST].n, 1);
	cr_assert_eq(forced->final_kill_signal, 9);
	cr_assert_eq(forced->restart_delay, 5 * USEC_PER_SEC);
	cr_assert_eq(family->kill_mode, KILL_CONTROL_GROUP);
	cr_assert_eq(family->stop_deadline, 5 * USEC_PER_SEC);
}

Test(examples, of_the_user)
{
	cleanup_free char *dir = source_directory("../shared/units");
	cleanup_unit struct unit *forced = load_from(dir, "seed-forced-2s.service", 3);
	cleanup_unit struct unit *mainpid = load_from(dir, "seed-mainpid.service", 0);
	cleanup_unit struct unit *mixed = load_from(dir, "seed-mixed.service", 4);
	cleanup_unit struct unit *pkill = load_from(dir, "seed-pkill.service", 0);

	cr_assert_eq(forced->kill_signal, 15);
	cr_assert_eq(mainpid->kill_mode, KILL_PROCESS);
	cr_assert_str_eq(mainpid->exec[EXEC_STOP].v[0].argv[2], "$MAINPID");
	cr_assert_eq(mixed->kill_mode, KILL_MIXED);
	cr_assert_str_eq(pkill->exec[EXEC_STOP_POST].v[0].path, "/usr/bin/pkill");
}
