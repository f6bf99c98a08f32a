/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ask.h"

#include "ctl/manager.h"
#include "ctl/progress.h"

/* Waits for the reply that ends the call, and draws what comes before it. */
static int receive_last(struct ctl *ctl, struct progress *p, json_t **out)
{
	for (;;) {
		cleanup_json json_t *reply = NULL;
		bool continues;
		int r = manager_receive(ctl, progress_draw(p, clock_now()), &reply, &continues);

		if (r != 0)
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

static int ask_once(struct ctl *ctl, const char *method, json_t *parameters, usec_t left,
		    struct progress *p, json_t **out)
{
	int r;

	if (left != USEC_INFINITY &&
	    json_object_set_new(parameters, "deadlineUSec", json_integer((json_int_t)left)) < 0) {
		complain("Out of memory.");
		return CGKILL_EXIT_FAILED;
	}
	r = manager_send(ctl, method, json_incref(parameters), p->enabled);
	return r == 0 ? receive_last(ctl, p, out) : r;
}

int ask(struct ctl *ctl, const char *method, json_t *parameters, enum again again, json_t **out)
{
	const struct options *o = &ctl->options;
	usec_t deadline = usec_add(clock_now(), o->deadline), left = o->deadline;
	cleanup_json json_t *owned = parameters;
	struct progress progress;
	int r;

	progress_init(&progress, !o->no_block && !o->quiet && o->json == JSON_OFF);
	while ((r = ask_once(ctl, method, owned, left, &progress, out)) == MANAGER_LOST &&
	       again != AGAIN_NEVER) {
		progress_erase(&progress);
		complain("The connection to cgkilld was lost: asking again.");
		r = manager_reconnect(ctl);
		if (r > 0)
			break;
		left = usec_sub(deadline, clock_now());
		if (again == AGAIN_IF_ACTIVE &&
		    json_object_set_new(owned, "onlyActive", json_true()) < 0) {
			complain("Out of memory.");
			r = CGKILL_EXIT_FAILED;
			break;
		}
	}
	progress_deinit(&progress);
	return r;
}
