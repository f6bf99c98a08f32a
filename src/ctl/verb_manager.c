/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * daemon-reload, daemon-reexec, reset-failed, version: the verbs that are about cgkilld itself.
 */
#include "ctl/manager.h"
#include "ctl/member.h"
#include "ctl/outcome.h"

int verb_daemon_reload(struct ctl *ctl, char **args unused)
{
	cleanup_json json_t *reply = NULL;
	const json_t *warning;
	size_t i;
	int r = manager_call(ctl, "DaemonReload", json_object(), &reply);

	if (r > 0 || manager_print_json(ctl, reply) || ctl->options.quiet)
		return r;
	json_array_foreach(json_object_get(reply, "warnings"), i, warning)
		if (json_is_string(warning))
			complain("%s", json_string_value(warning));
	if (ctl->options.verbose)
		printf("%lld units loaded.\n", (long long)member_number_or(reply, "units", 0));
	return CGKILL_EXIT_OK;
}

/* Of the cgkilld that has taken over; bounded, as it may hang instead. */
static int ask_new_version(struct ctl *ctl, json_t **out)
{
	bool continues;
	int r;

	do {
		r = manager_reconnect(ctl);
		if (r == 0)
			r = manager_send(ctl, "GetVersion", json_object(), false);
		if (r == 0)
			r = manager_receive(ctl, ctl->reconnect_until, out, &continues);
	} while (r == MANAGER_LOST);
	if (r == 0 && !*out) {
		complain("cgkilld was replaced, and does not answer: see its log.");
		return CGKILL_EXIT_FAILED;
	}
	return r;
}

/* The old program closes the connection when, and only when, it is replaced. */
static int wait_for_end(struct ctl *ctl)
{
	cleanup_json json_t *reply = NULL;
	bool continues;
	int r = manager_receive(ctl, usec_add(clock_now(), RECONNECT_FOR), &reply, &continues);

	if (r == MANAGER_LOST)
		return CGKILL_EXIT_OK;
	if (r == 0)
		complain("cgkilld goes on with the program that it has: see its log.");
	return r > 0 ? r : CGKILL_EXIT_FAILED;
}

int verb_daemon_reexec(struct ctl *ctl, char **args unused)
{
	cleanup_json json_t *before = NULL, *reply = NULL, *after = NULL;
	int r = manager_call(ctl, "GetVersion", json_object(), &before);

	if (r == 0)
		r = manager_call(ctl, "DaemonReexec", json_object(), &reply);
	if (r == 0)
		r = wait_for_end(ctl);
	if (r == 0)
		r = ask_new_version(ctl, &after);
	if (r > 0 || manager_print_json(ctl, after) || ctl->options.quiet)
		return r;
	fputs("cgkilld ", stdout);
	print_printable(stdout, member_text_or(before, "version", "?"));
	fputs(" was replaced by ", stdout);
	print_printable(stdout, member_text_or(after, "version", "?"));
	printf(", process %lld.\n", (long long)member_number_or(after, "pid", 0));
	return CGKILL_EXIT_OK;
}

int verb_reset_failed(struct ctl *ctl, char **args)
{
	json_t *parameters = args[1] ? manager_units(args + 1) : json_object();
	cleanup_json json_t *reply = NULL;
	int r;

	if (!parameters)
		return CGKILL_EXIT_USAGE;
	r = manager_call(ctl, "ResetFailed", parameters, &reply);
	return r > 0 ? r : tell_outcomes(ctl, args[0], reply);
}

void print_own_version(void)
{
	puts("cgkillctl " PACKAGE_VERSION);
}

static void print_member(const json_t *reply, const char *label, const char *key)
{
	const char *text = member_text(reply, key);

	if (!text)
		return;
	printf("  %s ", label);
	print_printable(stdout, text);
	putchar('\n');
}

int verb_version(struct ctl *ctl, char **args unused)
{
	cleanup_json json_t *reply = NULL;
	int r = manager_call(ctl, "GetVersion", json_object(), &reply);

	if (r > 0) {
		print_own_version();
		return r;
	}
	if (manager_print_json(ctl, reply))
		return CGKILL_EXIT_OK;
	print_own_version();
	fputs("cgkilld ", stdout);
	print_printable(stdout, member_text_or(reply, "version", "?"));
	printf("\n  process       %lld\n", (long long)member_number_or(reply, "pid", 0));
	print_member(reply, "control group", "controlGroup");
	print_member(reply, "spawns by    ", "spawn");
	return CGKILL_EXIT_OK;
}
