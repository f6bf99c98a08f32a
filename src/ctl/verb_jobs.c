/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * start, stop, restart, try-restart, reload: the verbs that ask for a job on each unit and tell
 * how it went.
 */
#include "ctl/manager.h"
#include "ctl/outcome.h"
#include "ctl/progress.h"

static const struct job {
	const char *verb;
	const char *method;
	bool only_active;
	bool has_deadline;
} jobs[] = {
	{ "start", "Start", false, false },    { "stop", "Stop", false, true },
	{ "restart", "Restart", false, true }, { "try-restart", "Restart", true, true },
	{ "reload", "Reload", false, false },
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
	if (o->deadline != USEC_INFINITY)
		r |= json_object_set_new(parameters, "deadlineUSec",
					 json_integer((json_int_t)o->deadline));
	if (r < 0) {
		complain("Out of memory.");
		return NULL;
	}
	return TAKE_PTR(parameters);
}

/* Waits for the reply that ends the call, and draws what comes before it. */
static int receive_outcomes(struct ctl *ctl, struct progress *p, json_t **out)
{
	for (;;) {
		cleanup_json json_t *reply = NULL;
		bool continues;
		int r = manager_receive(ctl, progress_draw(p, clock_now()), &reply, &continues);

		if (r > 0)
			return r;
		if (!continues) {
			*out = TAKE_PTR(reply);
			return CGKILL_EXIT_OK;
		}
		if (reply && !progress_update(p, json_object_get(reply, "progress"))) {
			complain("cgkilld's reply is malformed: its progress lacks a unit or a "
				 "state.");
			return CGKILL_EXIT_FAILED;
		}
	}
}

static int run_job(struct ctl *ctl, const struct job *job, char *const *units, json_t **out)
{
	const struct options *o = &ctl->options;
	json_t *parameters = job_parameters(job, o, units);
	struct progress progress;
	int r;

	if (!parameters)
		return CGKILL_EXIT_USAGE;
	progress_init(&progress, !o->no_block && !o->quiet && o->json == JSON_OFF);
	r = manager_send(ctl, job->method, parameters, progress.enabled);
	if (r == 0)
		r = receive_outcomes(ctl, &progress, out);
	progress_deinit(&progress);
	return r;
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
