/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/manager.h"
#include "ctl/member.h"
#include "util/strv.h"

static void print_property(const struct options *o, const char *key, const json_t *value)
{
	const char *text = json_string_value(value);

	if (!text || (o->properties && !strv_contains(o->properties, key)))
		return;
	if (!o->value) {
		print_printable(stdout, key);
		putchar('=');
	}
	print_printable(stdout, text);
	putchar('\n');
}

/* In cgkilld's order, as systemctl has it, whatever the order of -p. */
int verb_show(struct ctl *ctl, char **args)
{
	json_t *parameters = manager_units(args + 1), *units = NULL, *unit, *value;
	cleanup_json json_t *reply = NULL;
	const char *key;
	size_t i;
	int r;

	if (!parameters)
		return CGKILL_EXIT_USAGE;
	r = manager_call(ctl, "Show", parameters, &reply);
	if (r == 0)
		r = manager_array(reply, "units", "unit", &units);
	if (r > 0 || manager_print_json(ctl, reply))
		return r;
	json_array_foreach(units, i, unit) {
		if (i > 0)
			putchar('\n');
		json_object_foreach(json_object_get(unit, "properties"), key, value) {
			print_property(&ctl->options, key, value);
		}
	}
	return CGKILL_EXIT_OK;
}
