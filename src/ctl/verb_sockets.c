/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * list-sockets: what is listened on, by which unit, and what that starts.
 */
#include "ctl/manager.h"
#include "ctl/member.h"

static const char *const titles[] = { "LISTEN", "UNIT", "ACTIVATES" };

/* A row for each address. The number of those. */
static size_t add_socket(struct table *t, const json_t *row)
{
	const json_t *listens = json_object_get(row, "listen"), *listen;
	size_t i;

	json_array_foreach(listens, i, listen) {
		table_add(t, json_is_string(listen) ? json_string_value(listen) : "-");
		table_add(t, member_text_or(row, "unit", "-"));
		table_add(t, member_text_or(row, "activates", "-"));
	}
	return json_array_size(listens);
}

static int print_sockets(const struct options *o, const json_t *units)
{
	struct table t = { .columns = ARRAY_SIZE(titles) };
	bool legend = !o->no_legend && !o->quiet, failed;
	const json_t *row;
	size_t i, n = 0;

	for (i = 0; legend && i < ARRAY_SIZE(titles); i++)
		table_add(&t, titles[i]);
	json_array_foreach(units, i, row)
		n += add_socket(&t, row);
	failed = t.failed;
	if (failed)
		complain("Out of memory.");
	for (i = 0; !failed && i < t.n / t.columns; i++) {
		table_print_row(&t, i);
		putchar('\n');
	}
	if (legend && !failed)
		printf("\n%zu socket%s listed.%s\n", n, n == 1 ? "" : "s",
		       o->all ? "" : " Pass --all to see loaded but inactive ones, too.");
	table_deinit(&t);
	return failed ? CGKILL_EXIT_FAILED : CGKILL_EXIT_OK;
}

int verb_list_sockets(struct ctl *ctl, char **args)
{
	cleanup_json json_t *reply = NULL;
	json_t *units = NULL;
	int r = manager_list(ctl, args + 1, "socket", &reply, &units);

	if (r > 0 || manager_print_json(ctl, reply))
		return r;
	return print_sockets(&ctl->options, units);
}
