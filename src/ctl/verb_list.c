/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/manager.h"
#include "ctl/member.h"

static const char *const columns[] = { "unit", "loadState", "activeState", "subState", "description" };
static const char *const titles[] = { "UNIT", "LOAD", "ACTIVE", "SUB", "DESCRIPTION" };

/* What the dot and the colour of a row are about. */
static const char *row_state(const json_t *row)
{
	return member_is(row, "loadState", "not-found") ? "not-found"
							: member_text_or(row, "activeState", "");
}

static void print_row(const struct style *s, const struct table *t, size_t i, const json_t *row)
{
	enum colour c = row ? state_colour(row_state(row)) : COLOUR_BOLD;
	/* only what wants a look gets a dot: a column of dots says nothing */
	const char *dot = row && c == COLOUR_RED ? state_dot(s, row_state(row)) : " ";

	printf("%s%s ", c == COLOUR_RED || !row ? style_colour(s, c) : "", dot);
	table_print_row(t, i);
	printf("%s\n", c == COLOUR_RED || !row ? style_colour(s, COLOUR_PLAIN) : "");
}

static int print_rows(const struct ctl *ctl, json_t *units)
{
	struct table t = { .columns = ARRAY_SIZE(columns) };
	bool legend = !ctl->options.no_legend && !ctl->options.quiet;
	bool failed;
	json_t *row;
	size_t i;

	for (size_t c = 0; legend && c < ARRAY_SIZE(titles); c++)
		table_add(&t, titles[c]);
	json_array_foreach(units, i, row)
		for (size_t c = 0; c < ARRAY_SIZE(columns); c++)
			table_add(&t, member_text_or(row, columns[c], "-"));
	failed = t.failed;
	if (failed)
		complain("Out of memory.");
	for (i = 0; !failed && i < t.n / t.columns; i++)
		print_row(&ctl->style, &t, i,
			  legend && i == 0 ? NULL : json_array_get(units, i - legend));
	if (legend && !failed)
		printf("\n%zu unit%s listed.%s\n", json_array_size(units),
		       json_array_size(units) == 1 ? "" : "s",
		       ctl->options.all ? "" : " Pass --all to see targets and inactive ones, too.");
	table_deinit(&t);
	return failed ? CGKILL_EXIT_FAILED : CGKILL_EXIT_OK;
}

int verb_list_units(struct ctl *ctl, char **args)
{
	cleanup_json json_t *reply = NULL;
	json_t *units = NULL;
	int r = manager_list(ctl, args + 1, ctl->options.type, &reply, &units);

	if (r > 0 || manager_print_json(ctl, reply))
		return r;
	ctl->style = style_detect();
	return print_rows(ctl, units);
}
