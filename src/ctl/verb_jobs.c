/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * start, stop, restart, try-restart, reload: the verbs that ask for a job on each unit and tell
 * how it went.
 */
#include "ctl/ask.h"
#include "ctl/manager.h"
#include "ctl/outcome.h"

static const struct job {
	const char *verb;
	const char *method;
	bool only_active;
	bool has_deadline;
	enum again again;
} jobs[] = {
	{ "start", "Start", false, false, AGAIN_IF_ACTIVE },
	{ "stop", "Stop", false, true, AGAIN_ALWAYS },
	{ "restart", "Restart", false, true, AGAIN_NEVER },
	{ "try-restart", "Restart", true, true, AGAIN_NEVER },
	{ "reload", "Reload", false, false, AGAIN_NEVER },
};

static const struct job *find_job(const char *verb)
{
	const struct job *j = jobs;

	while (!streq(j->verb, verb)) /* main() dispatches only verbs that are here */
		j++;
	return j;
}

/* NULL after an explanation. */
static json_t *job_parameters(const struct job *job, const struct options *o, char *const *units)
{
	cleanup_json json_t *parameters = manager_units(units);
	int r = 0;

	if (!parameters)
		return NULL;
	if (job->only_active)
		r |= json_object_set_new(parameters, "onlyActive", json_true());
	if (o->no_block)
		r |= json_object_set_new(parameters, "block", json_false());
	if (r < 0) {
		complain("Out of memory.");
		return NULL;
	}
	return TAKE_PTR(parameters);
}

/*
 * Who asks again for a glob would learn only of those that the new cgkilld knows, and success would
 * prove nothing of the others.
 */
static enum again may_ask_again(const struct job *job, char *const *units)
{
	for (; *units; units++)
		if (strpbrk(*units, "*?["))
			return AGAIN_NEVER;
	return job->again;
}

static int explain_lost(const struct job *job, const char *unit)
{
	complain("The connection to cgkilld was lost in the middle of the %s, and how it ended is "
		 "not "
		 "known: see \"cgkillctl status %s\", then ask again.",
		 job->verb, unit);
	return CGKILL_EXIT_FAILED;
}

static int run_job(struct ctl *ctl, const struct job *job, char *const *units, json_t **out)
{
	json_t *parameters = job_parameters(job, &ctl->options, units);
	int r;

	if (!parameters)
		return CGKILL_EXIT_USAGE;
	r = ask(ctl, job->method, parameters, may_ask_again(job, units), out);
	return r == MANAGER_LOST ? explain_lost(job, units[0]) : r;
}

int verb_job(struct ctl *ctl, char **args)
{
	const struct job *job = find_job(args[0]);
	cleanup_json json_t *reply = NULL;
	int r;

	if (ctl->options.deadline != USEC_INFINITY && !job->has_deadline) {
		complain("--deadline= caps a stop: it has no meaning for %s.", job->verb);
		return CGKILL_EXIT_USAGE;
	}
	r = run_job(ctl, job, args + 1, &reply);
	if (r > 0)
		return r;
	/* without waiting there is nothing to tell yet, but for what could not even be asked for */
	if (ctl->options.no_block && !json_object_get(reply, "outcomes"))
		return CGKILL_EXIT_OK;
	return tell_outcomes(ctl, job->verb, reply);
}
