/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ask.h"
#include "ctl/manager.h"
#include "ctl/member.h"
#include "ctl/outcome.h"

/* What the deadline took from a unit, by the names that io.cgkill.manager has for it. */
static const char *describe_cut(const char *cut)
{
	static const struct {
		const char *name, *text;
	} cuts[] = {
		{ "order", "stopped before those that start after it had ended" },
		{ "timeout", "given less time than its own timeouts" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++)
		if (streq(cuts[i].name, cut))
			return cuts[i].text;
	return cut;
}

static void tell_cuts(const json_t *outcome)
{
	const json_t *cuts = json_object_get(outcome, "cutShort"), *cut;
	size_t i;

	json_array_foreach(cuts, i, cut) {
		if (!json_is_string(cut))
			continue;
		fputs(i == 0 ? "" : ", ", stdout);
		if (i == 0) {
			print_printable(stdout, member_text_or(outcome, "unit", "?"));
			fputs(" was cut short: ", stdout);
		}
		print_printable(stdout, describe_cut(json_string_value(cut)));
	}
	if (json_array_size(cuts) > 0)
		putchar('\n');
}

/* A shutdown that is asked for twice is one, with the earlier deadline. */
int verb_shutdown(struct ctl *ctl, char **args unused)
{
	cleanup_json json_t *reply = NULL;
	const json_t *outcomes;
	int r = ask(ctl, "Shutdown", json_object(), AGAIN_ALWAYS, &reply);

	if (r > 0)
		return r;
	r = tell_outcomes(ctl, "stop", reply);
	if (ctl->options.json != JSON_OFF || ctl->options.quiet)
		return r;
	outcomes = json_object_get(reply, "outcomes");
	for (size_t i = 0; i < json_array_size(outcomes); i++)
		tell_cuts(json_array_get(outcomes, i));
	return r;
}
