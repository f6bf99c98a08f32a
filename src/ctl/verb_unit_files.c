/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * is-enabled, list-unit-files: what the links say about units.
 */
#include <fnmatch.h>

#include "ctl/install.h"
#include "ctl/manager.h"
#include "sys/unitdir.h"
#include "util/strv.h"

static void tell_states(struct install *in, json_t *units)
{
	cleanup_json json_t *reply = json_pack("{s:O}", "units", units);

	if (!reply)
		install_fail(in, "Out of memory.");
	else
		manager_print_json(in->ctl, reply);
}

int verb_is_enabled(struct ctl *ctl, char **args)
{
	cleanup_json json_t *units = json_array();
	bool quiet = ctl->options.quiet || ctl->options.json != JSON_OFF;
	size_t enabled = 0, missing = 0, n = 0;
	struct install_facts facts;
	struct install in;
	int r = install_begin(&in, ctl);

	if (r > 0)
		return r;
	install_facts_read(&in, &facts);
	for (args++; *args; args++, n++) {
		cleanup_free char *name = install_name(&in, *args);
		enum install_state state = name ? install_state(&in, name, &facts) : INSTALL_BAD;

		enabled += install_state_is_enabled(state);
		missing += state == INSTALL_NOT_FOUND;
		if (name && !quiet)
			puts(install_state_name(state));
		if (name)
			install_push_state(&in, units, name, state);
	}
	tell_states(&in, units);
	install_facts_deinit(&facts);
	r = install_end(&in);
	if (enabled > 0 || r > 0)
		return r;
	return missing == n ? CGKILL_EXIT_DENIED : CGKILL_EXIT_FAILED;
}

static bool matches(const char *name, char *const *patterns)
{
	for (char *const *pattern = patterns; *pattern; pattern++) {
		cleanup_free char *stem = ends_with(name, ".service") && manager_wants_suffix(*pattern)
						  ? strndup(name, strlen(name) - strlen(".service"))
						  : NULL;

		if (fnmatch(*pattern, stem ? stem : name, FNM_NOESCAPE) == 0)
			return true;
	}
	return !*patterns;
}

static void print_table(const struct ctl *ctl, struct table *t)
{
	bool legend = !ctl->options.no_legend && !ctl->options.quiet;

	for (size_t i = legend ? 0 : 1; i < t->n / t->columns; i++) {
		table_print_row(t, i);
		putchar('\n');
	}
	if (legend)
		printf("\n%zu unit files listed.\n", t->n / t->columns - 1);
}

int verb_list_unit_files(struct ctl *ctl, char **args)
{
	struct table t = { .columns = 2 };
	cleanup_json json_t *units = json_array();
	cleanup_strv char **names = NULL;
	struct install_facts facts;
	struct install in;
	int r = install_begin(&in, ctl);

	if (r > 0)
		return r;
	if (unitdir_list(in.search_path, &names) < 0)
		install_fail(&in, "Out of memory.");
	install_facts_read(&in, &facts);
	table_add(&t, "UNIT FILE");
	table_add(&t, "STATE");
	for (size_t i = 0; names && names[i]; i++) {
		enum install_state state;

		if (!matches(names[i], args + 1))
			continue;
		state = install_state(&in, names[i], &facts);
		table_add(&t, names[i]);
		table_add(&t, install_state_name(state));
		install_push_state(&in, units, names[i], state);
	}
	if (t.failed)
		install_fail(&in, "Out of memory.");
	else if (ctl->options.json == JSON_OFF)
		print_table(ctl, &t);
	tell_states(&in, units);
	table_deinit(&t);
	install_facts_deinit(&facts);
	return install_end(&in);
}
