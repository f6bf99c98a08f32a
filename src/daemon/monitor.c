/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/monitor.h"

#include <fnmatch.h>

#include "daemon/manager.h"
#include "daemon/supervisor.h"
#include "util/strv.h"

struct monitor {
	struct list link;
	struct call *call;
	char **patterns;
};

static void monitor_free(struct monitor *mon)
{
	list_remove(&mon->link);
	strv_free(mon->patterns);
	free(mon);
}

static void on_cancel(struct call *c, void *arg)
{
	(void)c;
	monitor_free(arg);
}

static bool wants(const struct monitor *mon, const char *unit)
{
	for (size_t i = 0; mon->patterns && mon->patterns[i]; i++)
		if (fnmatch(mon->patterns[i], unit, 0) == 0)
			return true;
	return !mon->patterns;
}

static void send(struct monitor *mon, const char *unit, const struct trail_event *e)
{
	json_t *event = trail_event_json(e, unit);

	if (event)
		call_reply(mon->call, json_pack("{s:o}", "event", event), true);
}

void monitor_tell(struct list *monitors, const char *unit, const struct trail_event *e)
{
	struct monitor *mon;

	list_for_each(monitors, mon, struct monitor, link) {
		if (!wants(mon, unit))
			continue;
		if (call_is_backlogged(mon->call)) {
			struct call *c = mon->call;

			monitor_free(mon);
			call_error(c, "io.cgkill.manager.TooSlow", NULL);
			continue;
		}
		send(mon, unit, e);
	}
}

void monitor_end_all(struct list *monitors)
{
	struct monitor *mon;

	list_for_each(monitors, mon, struct monitor, link) {
		struct call *c = mon->call;

		monitor_free(mon);
		call_error(c, "io.cgkill.manager.ShuttingDown", NULL);
	}
}

void monitor_new(struct manager *m, struct call *c, char **patterns)
{
	struct monitor *mon = calloc(1, sizeof(*mon));
	struct supervised *sv;

	if (!mon) {
		strv_free(patterns);
		call_error(c, "io.cgkill.manager.OutOfMemory", NULL);
		return;
	}
	mon->call = c;
	mon->patterns = patterns;
	list_init(&mon->link);
	list_append(&m->monitors, &mon->link);
	call_on_cancel(c, on_cancel, mon);
	list_for_each(&m->services, sv, struct supervised, link)
		if (wants(mon, supervised_name(sv)))
			send(mon, supervised_name(sv),
			     &(struct trail_event){ .kind = TRAIL_STATE,
						    .boot = sv->machine.state_since,
						    .state = sv->machine.state });
}
