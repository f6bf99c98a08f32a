/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * list-jobs, cancel: what waits for its turn, and what runs.
 */
#include "ctl/manager.h"
#include "ctl/member.h"
#include "util/parse.h"

static const char *const columns[] = { "unit", "type", "state", "waitsFor" };
static const char *const titles[] = { "JOB", "UNIT", "TYPE", "STATE", "WAITS FOR" };

static void add_row(struct table *t, const json_t *job)
{
	char id[24];

	snprintf(id, sizeof(id), "%lld", (long long)member_number_or(job, "id", 0));
	table_add(t, id);
	for (size_t c = 0; c < ARRAY_SIZE(columns); c++)
		table_add(t, member_text_or(job, columns[c], "-"));
}

static int print_jobs(const struct ctl *ctl, json_t *jobs)
{
	struct table t = { .columns = ARRAY_SIZE(titles) };
	bool legend = !ctl->options.no_legend && !ctl->options.quiet;
	size_t n = json_array_size(jobs), i;
	json_t *job;
	bool failed;

	for (size_t c = 0; legend && n > 0 && c < ARRAY_SIZE(titles); c++)
		table_add(&t, titles[c]);
	json_array_foreach(jobs, i, job) {
		add_row(&t, job);
	}
	failed = t.failed;
	if (failed)
		complain("Out of memory.");
	for (i = 0; !failed && i < t.n / t.columns; i++) {
		table_print_row(&t, i);
		putchar('\n');
	}
	if (legend && !failed && n == 0)
		puts("No jobs running.");
	else if (legend && !failed)
		printf("\n%zu job%s listed.\n", n, n == 1 ? "" : "s");
	table_deinit(&t);
	return failed ? CGKILL_EXIT_FAILED : CGKILL_EXIT_OK;
}

int verb_list_jobs(struct ctl *ctl, char **args unused)
{
	cleanup_json json_t *reply = NULL;
	json_t *jobs = NULL;
	int r = manager_call(ctl, "ListJobs", json_object(), &reply);

	if (r == 0)
		r = manager_array(reply, "jobs", "unit", &jobs);
	if (r > 0 || manager_print_json(ctl, reply))
		return r;
	ctl->style = style_detect();
	return print_jobs(ctl, jobs);
}

/* NULL after an explanation. */
static json_t *job_numbers(char *const *args)
{
	cleanup_json json_t *ids = json_array();

	for (; *args; args++) {
		unsigned id;

		if (parse_uint(*args, &id) < 0 || id == 0) {
			complain("\"%s\" is not the number of a job: see \"cgkillctl list-jobs\".",
				 *args);
			return NULL;
		}
		if (json_array_append_new(ids, json_integer(id)) < 0) {
			complain("Out of memory.");
			return NULL;
		}
	}
	return json_pack("{s:O}", "ids", ids);
}

int verb_cancel(struct ctl *ctl, char **args)
{
	json_t *parameters = args[1] ? job_numbers(args + 1) : json_object();
	cleanup_json json_t *reply = NULL;
	int r;

	if (!parameters)
		return CGKILL_EXIT_USAGE;
	r = manager_call(ctl, "CancelJobs", parameters, &reply);
	if (r == 0)
		manager_print_json(ctl, reply);
	return r;
}
