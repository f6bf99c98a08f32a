/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* list-dependencies: whom a unit wants or requires, or who it; of those targets again, and of all with --all. */
#include "ctl/manager.h"
#include "ctl/member.h"
#include "util/strv.h"

#define DEPTH_MAX 64

struct walk {
	struct ctl *ctl;
	const char *way[DEPTH_MAX]; /* from the root to where we are */
	unsigned depth;
	bool last[DEPTH_MAX]; /* … is it the last of its siblings? */
};

/* Properties of Show, whose values are names. */
static const char *const forward[] = { "Requires", "Requisite", "Wants", "BindsTo", "Upholds" };
static const char *const reverse[] = { "RequiredBy", "RequisiteOf", "WantedBy", "BoundBy", "UpheldBy" };

static int compare(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	int target = (int)ends_with(x, ".target") - (int)ends_with(y, ".target");

	return target ? target : strcmp(x, y);
}

/* In systemctl's order, each once: targets last. -1 without memory. */
static int collect(const struct ctl *ctl, const json_t *properties, char ***out)
{
	const char *const *keys = ctl->options.reverse ? reverse : forward;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(forward); i++) {
		cleanup_free char *copy = strdup(member_text_or(properties, keys[i], ""));
		char *rest = copy, *name;

		while (r == 0 && (name = strsep(&rest, " ")))
			if (*name && !strv_contains(*out, name))
				r = strv_push(out, name);
		if (!copy || r < 0)
			return -1;
	}
	if (*out)
		qsort(*out, strv_len(*out), sizeof(**out), compare);
	return 0;
}

static void print_line(const struct walk *w, const char *name, const char *state)
{
	const struct style *s = &w->ctl->style;

	printf("%s%s%s ", style_colour(s, state_colour(state)), state_dot(s, state),
	       style_colour(s, COLOUR_PLAIN));
	for (unsigned i = 1; i < w->depth; i++)
		fputs(tree_trunk(s, w->last[i]), stdout);
	if (w->depth > 0)
		fputs(tree_branch(s, w->last[w->depth]), stdout);
	print_printable(stdout, name);
	putchar('\n');
}

static bool is_on_way(const struct walk *w, const char *name)
{
	for (unsigned i = 0; i < w->depth; i++)
		if (streq(w->way[i], name))
			return true;
	return false;
}

/* An exit code. */
static int visit(struct walk *w, const char *name)
{
	cleanup_json json_t *reply = NULL;
	cleanup_strv char **list = NULL;
	json_t *units = NULL;
	const json_t *properties;
	int r = manager_call(w->ctl, "Show", json_pack("{s:[s]}", "units", name), &reply);

	if (r == 0)
		r = manager_array(reply, "units", "unit", &units);
	if (r > 0)
		return r;
	properties = json_object_get(json_array_get(units, 0), "properties");
	print_line(w, name, member_text_or(properties, "ActiveState", "inactive"));
	if (is_on_way(w, name) || w->depth + 1 >= DEPTH_MAX ||
	    (w->depth > 0 && !w->ctl->options.all && !ends_with(name, ".target")))
		return CGKILL_EXIT_OK;
	if (collect(w->ctl, properties, &list) < 0)
		return CGKILL_EXIT_FAILED;
	w->way[w->depth++] = name;
	for (char **n = list; r == 0 && n && *n; n++) {
		w->last[w->depth] = !n[1];
		r = visit(w, *n);
	}
	w->depth--;
	return r;
}

int verb_list_dependencies(struct ctl *ctl, char **args)
{
	cleanup_json json_t *units =
		args[1] ? manager_units(args + 1) : json_pack("{s:[s]}", "units", "default.target");
	json_t *item;
	size_t i;
	int r = units ? CGKILL_EXIT_OK : CGKILL_EXIT_USAGE;

	json_array_foreach(json_object_get(units, "units"), i, item) {
		struct walk w = { .ctl = ctl };

		if (i > 0)
			putchar('\n');
		if (r == CGKILL_EXIT_OK)
			r = visit(&w, json_string_value(item));
	}
	return r;
}
