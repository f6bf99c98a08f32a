/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/manager.h"
#include "ctl/outcome.h"

int verb_clean(struct ctl *ctl, char **args)
{
	json_t *parameters = manager_units(args + 1), *what = NULL;
	cleanup_json json_t *reply = NULL;
	int r = 0;

	if (!parameters)
		return CGKILL_EXIT_USAGE;
	if (ctl->options.what)
		r = json_object_set_new(parameters, "what", what = json_array());
	for (char **word = ctl->options.what; r == 0 && word && *word; word++)
		r = json_array_append_new(what, json_string(*word));
	if (r < 0) {
		json_decref(parameters);
		parameters = NULL;
	}
	r = manager_call(ctl, "Clean", parameters, &reply);
	return r > 0 ? r : tell_outcomes(ctl, args[0], reply);
}
