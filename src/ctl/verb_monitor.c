/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/describe.h"
#include "ctl/manager.h"
#include "ctl/member.h"

/* "12:45:45.123456 foo.service state: running" */
static void print_line(const json_t *event)
{
	usec_t at = member_usec(event, "realUSec");
	char stamp[TIME_MAX];

	printf("%s ", at == USEC_INFINITY ? "-" : format_clock(at, stamp));
	print_printable(stdout, member_text_or(event, "unit", "?"));
	putchar(' ');
	print_printable(stdout, member_text_or(event, "kind", "?"));
	fputs(": ", stdout);
	print_event(event);
	putchar('\n');
}

static int print_reply(const struct ctl *ctl, json_t *reply)
{
	const json_t *event = json_object_get(reply, "event");

	if (!json_is_object(event)) {
		complain("cgkilld's reply is malformed: there is no event in it.");
		return CGKILL_EXIT_FAILED;
	}
	if (!manager_print_json(ctl, event))
		print_line(event);
	/* each event at once, also into a pipe; a reader that went away ends the watch */
	return fflush(stdout) == 0 ? CGKILL_EXIT_OK : CGKILL_EXIT_FAILED;
}

/* Until the connection ends, or something is wrong. */
static int follow(struct ctl *ctl, json_t *parameters, bool again)
{
	bool continues = true;
	int r = manager_send(ctl, "Monitor", json_incref(parameters), true);

	while (r == 0 && continues) {
		cleanup_json json_t *reply = NULL;

		r = manager_receive(ctl, USEC_INFINITY, &reply, &continues);
		if (r == 0 && again)
			complain("Reconnected to cgkilld.");
		again = false;
		if (r == 0)
			r = print_reply(ctl, reply);
	}
	return r;
}

/* Until ^C, or until cgkilld is shut down; what follows a lost connection begins with how units are. */
int verb_monitor(struct ctl *ctl, char **args)
{
	cleanup_json json_t *parameters = args[1] ? manager_units(args + 1) : json_object();
	bool again = false;
	int r;

	if (!parameters)
		return CGKILL_EXIT_USAGE;
	while ((r = follow(ctl, parameters, again)) == MANAGER_LOST) {
		r = manager_reconnect(ctl);
		if (r > 0)
			break;
		again = true;
	}
	return r;
}
