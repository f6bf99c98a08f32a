/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ps: who is in a cgroup. explain: why a process does not end. No cgkilld is needed.
 */
#include <errno.h>

#include "cgkill/cgkill.h"
#include "ctl/describe.h"
#include "ctl/manager.h"
#include "ctl/member.h"
#include "ctl/process.h"
#include "ctl/reap.h"
#include "util/parse.h"

/* More than anybody reads; how many more there are is told. */
#define PROCESSES_MAX 4096

static const char *const columns[] = { "state", "cgroup", "command" };
static const char *const titles[] = { "PID", "STATE", "CGROUP", "COMMAND" };

static int append(const struct cgkill_process *p, void *arg)
{
	return json_array_append_new(arg, process_object(p)) < 0 ? -ENOMEM : 0;
}

static int complain_of(const char *name, int error)
{
	complain("%s: %s.", name, error == -ESRCH ? "there is no such process" : reap_error(error));
	return error == -ENOENT || error == -ESRCH ? CGKILL_EXIT_NO_UNIT : CGKILL_EXIT_FAILED;
}

/* {"cgroup": …, "total": …, "processes": […]}; NULL after an explanation, with the exit code. */
static json_t *read_cgroup(const char *name, int *code)
{
	struct cgkill_cgroup *cg = NULL;
	json_t *list = json_array();
	size_t total = 0;
	int r = cgkill_open(name, &cg);

	if (r == 0)
		r = cgkill_explain(cg, PROCESSES_MAX, &total, append, list);
	cgkill_close(cg);
	if (r < 0) {
		*code = exit_worse(*code, complain_of(name, r));
		json_decref(list);
		return NULL;
	}
	return json_pack("{s:o, s:I, s:o}", "cgroup", json_name(name), "total", (json_int_t)total,
			 "processes", list);
}

static void tell_rest(const json_t *cgroup)
{
	size_t shown = json_array_size(json_object_get(cgroup, "processes"));
	size_t total = (size_t)member_number_or(cgroup, "total", 0);

	if (total > shown)
		printf("... and %zu more\n", total - shown);
}

static int print_table(const struct options *o, const json_t *cgroup)
{
	const json_t *processes = json_object_get(cgroup, "processes"), *p;
	struct table t = { .columns = ARRAY_SIZE(titles) };
	bool failed;
	size_t i;

	for (i = 0; !o->no_legend && i < ARRAY_SIZE(titles); i++)
		table_add(&t, titles[i]);
	json_array_foreach(processes, i, p) {
		char pid[24];

		snprintf(pid, sizeof(pid), "%lld", (long long)member_number_or(p, "pid", 0));
		table_add(&t, pid);
		for (size_t c = 0; c < ARRAY_SIZE(columns); c++)
			table_add(&t, member_text_or(p, columns[c],
						     streq(columns[c], "cgroup") ? "." : "-"));
	}
	failed = t.failed;
	for (i = 0; !failed && i < t.n / t.columns; i++) {
		table_print_row(&t, i);
		putchar('\n');
	}
	table_deinit(&t);
	tell_rest(cgroup);
	if (failed)
		complain("Out of memory.");
	return failed ? CGKILL_EXIT_FAILED : CGKILL_EXIT_OK;
}

static void print_line(const char *key, const json_t *p, const char *member)
{
	const char *text = member_text(p, member);

	if (!text || !*text)
		return;
	printf("    %s: ", key);
	print_printable(stdout, text);
	putchar('\n');
}

static void print_process(const json_t *p)
{
	cleanup_buf struct buf line = BUF_INIT;

	describe_survivor(&line, p, 0);
	print_printable(stdout, line.data ? line.data : "?");
	putchar('\n');
	print_line("command", p, "command");
	print_line("cgroup", p, "cgroup");
	print_line("kernel stack", p, "stack");
}

static void print_explanation(const json_t *cgroup)
{
	const json_t *processes = json_object_get(cgroup, "processes");

	for (size_t i = 0; i < json_array_size(processes); i++)
		print_process(json_array_get(processes, i));
	if (json_array_size(processes) == 0) {
		print_printable(stdout, member_text_or(cgroup, "cgroup", ""));
		puts(": no process lives in it");
	}
	tell_rest(cgroup);
}

int verb_ps(struct ctl *ctl, char **args)
{
	int code = CGKILL_EXIT_OK;

	for (char **name = args + 1; *name; name++) {
		cleanup_json json_t *cgroup = read_cgroup(*name, &code);

		if (!cgroup || manager_print_json(ctl, cgroup))
			continue;
		if (args[2])
			printf("%s%s:\n", name == args + 1 ? "" : "\n", *name);
		code = exit_worse(code, print_table(&ctl->options, cgroup));
	}
	return code;
}

static json_t *read_process(const char *name, int pid, int *code)
{
	json_t *list = json_array();
	int r = cgkill_explain_process(pid, append, list);

	if (r < 0) {
		*code = exit_worse(*code, complain_of(name, r));
		json_decref(list);
		return NULL;
	}
	return json_pack("{s:I, s:o}", "total", (json_int_t)1, "processes", list);
}

int verb_explain(struct ctl *ctl, char **args)
{
	int code = CGKILL_EXIT_OK;

	for (char **name = args + 1; *name; name++) {
		int pid;
		cleanup_json json_t *answer = parse_pid(*name, &pid) == 0
						      ? read_process(*name, pid, &code)
						      : read_cgroup(*name, &code);

		if (answer && !manager_print_json(ctl, answer))
			print_explanation(answer);
	}
	return code;
}
