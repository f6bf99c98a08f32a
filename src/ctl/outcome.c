/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/outcome.h"

#include "ctl/describe.h"
#include "ctl/manager.h"
#include "ctl/member.h"
#include "ctl/tmpfiles.h"

/* The results of an Outcome of io.cgkill.manager. */
static const struct result {
	const char *name;
	int code;
	const char *text; /* where the outcome has no message of its own */
	bool ask_status;  /* status has more to say */
} results[] = {
	{ "done", CGKILL_EXIT_OK, NULL, false },
	{ "failed", CGKILL_EXIT_FAILED, "the job failed", true },
	{ "skipped", CGKILL_EXIT_OK, NULL, false }, /* by a condition: systemctl is silent about it, too */
	{ "assert", CGKILL_EXIT_FAILED, "an assertion was not met", false },
	{ "canceled", CGKILL_EXIT_FAILED, "the job was canceled", false },
	{ "dependency", CGKILL_EXIT_FAILED, "a dependency job failed", false },
	{ "no-process", CGKILL_EXIT_FAILED, "no process to kill", false },
	{ "invalid-name", CGKILL_EXIT_FAILED, "not a valid unit name", false },
	{ "not-found", CGKILL_EXIT_NO_UNIT, "unit not found", false },
	{ "load-error", CGKILL_EXIT_LOAD, "its file cannot be used", true },
	{ "masked", CGKILL_EXIT_FAILED, "unit is masked", false },
	{ "not-applicable", CGKILL_EXIT_NOT_APPLICABLE, "that does not apply to this unit", false },
	{ "refused", CGKILL_EXIT_DENIED, "refused", false },
	{ "survivors", CGKILL_EXIT_SURVIVORS, "it was stopped, and processes live", false },
};

static const struct result *find_result(const json_t *outcome)
{
	static const struct result later = { "", CGKILL_EXIT_FAILED, "an unknown result", true };

	for (size_t i = 0; i < ARRAY_SIZE(results); i++)
		if (member_is(outcome, "result", results[i].name))
			return &results[i];
	return &later;
}

static void tell_survivors(const json_t *outcome)
{
	const json_t *survivors = json_object_get(outcome, "survivors"), *survivor;
	usec_t now = clock_now();
	size_t i;

	json_array_foreach(survivors, i, survivor) {
		cleanup_buf struct buf line = BUF_INIT;

		describe_survivor(&line, survivor, now);
		complain("  %s", line.data);
	}
}

static void tell_failure(const char *verb, const struct result *result, const json_t *outcome)
{
	const char *unit = member_text(outcome, "unit");

	complain("Failed to %s %s: %s.", verb, unit, member_text_or(outcome, "message", result->text));
	tell_survivors(outcome);
	if (streq(result->name, "failed") && (streq(verb, "start") || streq(verb, "restart")))
		tell_missing_tmpfiles(unit);
	if (result->ask_status && !streq(verb, "reap"))
		complain("See \"cgkillctl status %s\" for details.", unit);
}

static bool any_escalation(const json_t *trail)
{
	const json_t *event;
	size_t i;

	json_array_foreach(trail, i, event)
		if (event_is_escalation(event))
			return true;
	return false;
}

/* "  +2000.2 ms   SIGKILL to …" */
static void tell_event(const json_t *event, usec_t start)
{
	usec_t at = usec_sub(member_usec(event, "bootUSec"), start);
	char stamp[32] = "";

	if (at != USEC_INFINITY)
		snprintf(stamp, sizeof(stamp), "+%llu.%llu ms", (unsigned long long)(at / 1000),
			 (unsigned long long)(at / 100 % 10));
	printf("  %-12s ", stamp);
	print_event(event);
	putchar('\n');
}

/* From the request on: the trail begins with it. */
static void tell_trail(const json_t *outcome, bool all)
{
	const json_t *trail = json_object_get(outcome, "trail"), *event = json_array_get(trail, 0);
	usec_t start = member_usec(event, "bootUSec");
	size_t i;

	print_printable(stdout, member_text(outcome, "unit"));
	fputs(": ", stdout);
	print_event(event);
	putchar('\n');
	json_array_foreach(trail, i, event)
		if (i > 0 && (all || event_is_key(event)))
			tell_event(event, start);
}

/* As systemctl does. */
static void tell_activators(const json_t *outcome)
{
	const json_t *sockets = json_object_get(outcome, "activatedBy"), *name;
	size_t i;

	json_array_foreach(sockets, i, name) {
		if (i == 0)
			complain("Warning: %s was stopped, but it can still be activated by:",
				 member_text_or(outcome, "unit", "?"));
		complain("  %s", json_is_string(name) ? json_string_value(name) : "?");
	}
}

static int tell_outcome(const struct options *o, const char *verb, const json_t *outcome)
{
	const json_t *trail = json_object_get(outcome, "trail");
	const struct result *result = find_result(outcome);

	if (json_array_size(trail) > 0 && !o->quiet && (o->verbose || any_escalation(trail)))
		tell_trail(outcome, o->verbose);
	if (result->code != CGKILL_EXIT_OK)
		tell_failure(verb, result, outcome);
	else if (streq(verb, "stop") && !o->quiet)
		tell_activators(outcome);
	return result->code;
}

int tell_outcomes(const struct ctl *ctl, const char *verb, json_t *reply)
{
	int code = CGKILL_EXIT_OK;
	json_t *outcomes = NULL, *outcome;
	size_t i;
	int r = manager_array(reply, "outcomes", "unit", &outcomes);

	if (r > 0)
		return r;
	if (manager_print_json(ctl, reply))
		json_array_foreach(outcomes, i, outcome)
			code = exit_worse(code, find_result(outcome)->code);
	else
		json_array_foreach(outcomes, i, outcome)
			code = exit_worse(code, tell_outcome(&ctl->options, verb, outcome));
	return code;
}
