/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/manager.h"
#include "ctl/outcome.h"

int verb_kill(struct ctl *ctl, char **args)
{
	json_t *parameters = manager_units(args + 1);
	cleanup_json json_t *reply = NULL;
	int r;

	if (!parameters)
		return CGKILL_EXIT_USAGE;
	r = json_object_set_new(parameters, "signal", json_integer(ctl->options.signal));
	if (r == 0 && ctl->options.kill_whom)
		r = json_object_set_new(parameters, "whom", json_string(ctl->options.kill_whom));
	if (r < 0) {
		json_decref(parameters);
		parameters = NULL;
	}
	r = manager_call(ctl, "Kill", parameters, &reply);
	return r > 0 ? r : tell_outcomes(ctl, args[0], reply);
}
