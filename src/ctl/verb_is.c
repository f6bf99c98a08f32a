/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * is-active, is-failed: the state of each unit, and an exit code for scripts.
 */
#include "ctl/manager.h"
#include "ctl/member.h"

static int show_states(struct ctl *ctl, char **args, json_t **reply, json_t **units)
{
	json_t *parameters = manager_units(args + 1);
	int r;

	if (!parameters)
		return CGKILL_EXIT_USAGE;
	r = manager_call(ctl, "Show", parameters, reply);
	return r > 0 ? r : manager_array(*reply, "units", "unit", units);
}

static const char *property(const json_t *unit, const char *name)
{
	return member_text_or(json_object_get(unit, "properties"), name, "unknown");
}

static bool is_active(const char *state)
{
	return streq(state, "active") || streq(state, "reloading");
}

static bool is_failed(const char *state)
{
	return streq(state, "failed");
}

/* Prints the states; counts those that fit and those that cannot be found. */
static void tell_states(const struct ctl *ctl, json_t *reply, const json_t *units,
			bool (*fits)(const char *state), size_t *fitting, size_t *missing)
{
	bool quiet = ctl->options.quiet || manager_print_json(ctl, reply);
	const json_t *unit;
	size_t i;

	*fitting = *missing = 0;
	json_array_foreach(units, i, unit) {
		const char *state = property(unit, "ActiveState");

		*fitting += fits(state);
		*missing += streq(property(unit, "LoadState"), "not-found");
		if (quiet)
			continue;
		print_printable(stdout, state);
		putchar('\n');
	}
}

int verb_is_active(struct ctl *ctl, char **args)
{
	cleanup_json json_t *reply = NULL;
	size_t fitting, missing;
	json_t *units = NULL;
	int r = show_states(ctl, args, &reply, &units);

	if (r > 0)
		return r;
	tell_states(ctl, reply, units, is_active, &fitting, &missing);
	if (fitting > 0)
		return CGKILL_EXIT_OK;
	return missing == json_array_size(units) ? CGKILL_EXIT_DENIED : CGKILL_EXIT_NOT_APPLICABLE;
}

int verb_is_failed(struct ctl *ctl, char **args)
{
	cleanup_json json_t *reply = NULL;
	size_t fitting, missing;
	json_t *units = NULL;
	int r = show_states(ctl, args, &reply, &units);

	if (r > 0)
		return r;
	tell_states(ctl, reply, units, is_failed, &fitting, &missing);
	return fitting > 0 ? CGKILL_EXIT_OK : CGKILL_EXIT_FAILED;
}
