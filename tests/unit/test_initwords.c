/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/initwords.h"

#include <criterion/criterion.h>

#include "core/load.h"
#include "util/strv.h"

Test(initwords, units, .timeout = 10)
{
	static const struct {
		const char *words[3];
		bool are_units;
	} cases[] = {
		{ { NULL }, false },
		{ { "web.service" }, true },
		{ { "web.service", "multi-user.target" }, true },
		{ { "web@1.service", "a.socket" }, true },
		{ { "web.service", "--verbose" }, false },
		{ { "web" }, false },
		{ { "/usr/bin/web.service" }, false },
		{ { "./web.service" }, false },
		{ { "web@.service" }, false },
		{ { "" }, false },
		{ { "sh", "web.service" }, false },
	};

	cr_assert_not(init_words_are_units(NULL));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_strv char **words = NULL;

		for (size_t k = 0; k < 3 && cases[i].words[k]; k++)
			cr_assert_eq(strv_push(&words, cases[i].words[k]), 0);
		cr_assert_eq(init_words_are_units(words), cases[i].are_units, "case %zu", i);
	}
}

Test(initwords, command, .timeout = 10)
{
	char sh[] = "./$HOME %n", arg[] = "a \"b\"\n\\", empty[] = "";
	char *words[] = { sh, arg, empty, NULL };
	const struct unit_text text = { "built in", init_command_unit.text,
					strlen(init_command_unit.text) };
	const struct host_facts host = { .runtime_dir = "/run" };
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_unit struct unit *u = NULL;
	const struct exec_command *c;

	cr_assert_eq(unit_load(&u, INIT_COMMAND_UNIT, &text, 1, &host, &diags), 0);
	cr_assert_eq(diags.n, 0, "%s", diags.n > 0 ? diags.v[0].text : "");
	cr_assert_eq(init_command_set(u, words, 027, 8 * USEC_PER_SEC), 0);
	cr_assert_eq(u->exec[EXEC_START].n, 1);
	c = &u->exec[EXEC_START].v[0];
	cr_assert_str_eq(c->path, sh);
	cr_assert(c->no_env_expand);
	cr_assert_eq(strv_len(c->argv), 3);
	for (size_t i = 0; i < 3; i++)
		cr_assert_str_eq(c->argv[i], words[i]);
	cr_assert(u->foreground);
	cr_assert_eq(u->umask, 027);
	cr_assert_eq(u->timeout_stop, 8 * USEC_PER_SEC);
}
