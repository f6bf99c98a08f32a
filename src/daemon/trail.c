/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/trail.h"

#include <errno.h>

#include "util/buf.h"
#include "util/ownmem.h"
#include "util/parse.h"

static const char *const kind_names[TRAIL_KIND_MAX] = {
	[TRAIL_JOB] = "job",	 [TRAIL_STATE] = "state",   [TRAIL_SPAWN] = "spawn",
	[TRAIL_EXIT] = "exit",	 [TRAIL_SIGNAL] = "signal", [TRAIL_KILL] = "kill",
	[TRAIL_EMPTY] = "empty", [TRAIL_ADOPT] = "adopt",   [TRAIL_ESCAPE] = "escape",
};

static const char *const whom_names[] = { NULL, "main", "control", "all" };

/* Five is a start; most services do little else that is worth a record. */
static int grow(struct trail *t)
{
	unsigned cap = t->cap ? MIN_OF(2 * t->cap, TRAIL_MAX) : 5;
	struct trail_event *v = own_grow(t->v, t->cap * sizeof(*v), cap * sizeof(*v));

	if (!v)
		return -ENOMEM;
	t->v = v;
	t->cap = cap;
	return 0;
}

const struct trail_event *trail_add(struct trail *t, const struct trail_event *e)
{
	struct trail_event *slot;

	if (t->n == t->cap && t->cap < TRAIL_MAX && grow(t) < 0)
		return NULL;
	slot = &t->v[t->n++ % TRAIL_MAX];
	own_strfree(slot->names);
	*slot = *e;
	slot->names = e->names ? own_strdup(e->names) : NULL;
	slot->boot = clock_now();
	return slot;
}

void trail_deinit(struct trail *t)
{
	for (unsigned i = 0; i < t->cap; i++)
		own_strfree(t->v[i].names);
	own_free(t->v, t->cap * sizeof(*t->v));
	*t = (struct trail){ 0 };
}

/* The oldest kept event's number; the newest is t->n - 1. */
static unsigned first_kept(const struct trail *t)
{
	return t->n > TRAIL_MAX ? t->n - TRAIL_MAX : 0;
}

static void add_job(json_t *o, const struct trail_event *e)
{
	cleanup_buf struct buf by = BUF_INIT;

	json_object_set_new(o, "state", json_string(e->job.what));
	json_object_set_new(o, "result", json_string(e->job.result));
	if (e->by_peer)
		buf_printf(&by, "uid %u pid %d", e->job.uid, e->job.pid);
	if (e->names)
		buf_printf(&by, e->by_peer ? " (%s)" : "%s", e->names);
	if (buf_error(&by) == 0 && by.len > 0)
		json_object_set_new(o, "by", json_string(by.data));
}

static void add_exit(json_t *o, const struct trail_event *e)
{
	json_object_set_new(o, "pid", json_integer(e->exit.pid));
	json_object_set_new(o, "whom", json_string(e->exit.is_main ? "main" : "control"));
	if (e->exit.info.code == CLD_EXITED)
		json_object_set_new(o, "status", json_integer(e->exit.info.status));
	else if (e->exit.info.code != EXIT_UNKNOWN)
		json_object_set_new(o, "signal", json_string(signal_name(e->exit.info.status)));
}

static void add_names(json_t *o, const char *names)
{
	json_t *list = json_array();

	for (const char *p = names; p && *p;) {
		size_t n = strcspn(p, ",");

		json_array_append_new(list, json_stringn(p, n));
		p += n;
		p += strspn(p, ", ");
	}
	json_object_set_new(o, "names", list);
}

static void add_signal(json_t *o, const struct trail_event *e)
{
	json_object_set_new(o, "signal", json_string(signal_name(e->signal.signal)));
	json_object_set_new(o, "whom", json_string(whom_names[e->signal.whom]));
	json_object_set_new(o, "count", json_integer(e->signal.count));
	if (e->names)
		add_names(o, e->names);
}

json_t *trail_event_json(const struct trail_event *e, const char *unit)
{
	usec_t real = usec_sub(clock_realtime(), usec_sub(clock_now(), e->boot));
	json_t *o = json_pack("{s:s, s:s, s:I, s:I}", "unit", unit, "kind", kind_names[e->kind],
			      "realUSec", (json_int_t)real, "bootUSec", (json_int_t)e->boot);

	if (!o)
		return NULL;
	switch (e->kind) {
	case TRAIL_JOB:
		add_job(o, e);
		break;
	case TRAIL_STATE:
	case TRAIL_ADOPT:
		json_object_set_new(o, "state", json_string(service_state_name(e->state)));
		break;
	case TRAIL_SPAWN:
		json_object_set_new(o, "pid", json_integer(e->spawn.pid));
		json_object_set_new(o, "text", json_string(exec_phase_name(e->spawn.phase)));
		break;
	case TRAIL_EXIT:
		add_exit(o, e);
		break;
	case TRAIL_SIGNAL:
	case TRAIL_KILL:
		add_signal(o, e);
		break;
	case TRAIL_ESCAPE:
		json_object_set_new(o, "pid", json_integer(e->escape.pid));
		json_object_set_new(o, "text", json_string(e->names));
		break;
	case TRAIL_EMPTY:
	case TRAIL_INVALID:
	case TRAIL_KIND_MAX:
		break;
	}
	return o;
}

static void describe_exit(struct buf *b, const struct trail_event *e)
{
	const struct exit_info *i = &e->exit.info;
	const char *name = i->code == CLD_EXITED ? exit_status_name(i->status) : signal_name(i->status);

	buf_printf(b, "%s process exited, code=%s, status=%d/%s", e->exit.is_main ? "Main" : "Control",
		   exit_code_name(i->code), i->status, name ? name : "n/a");
}

static void describe_job(struct buf *b, const struct trail_event *e)
{
	if (streq(e->job.result, "done"))
		return; /* "started", "stopped" say that */
	buf_printf(b, "%s %s", e->job.what, e->job.result);
	if (e->by_peer)
		buf_printf(b, " by uid %u pid %d", e->job.uid, e->job.pid);
	if (e->names)
		buf_printf(b, " (%s)", e->names);
}

static void describe_signal(struct buf *b, const struct trail_event *e)
{
	buf_printf(b, "SIG%s to %u process%s", signal_name(e->signal.signal), e->signal.count,
		   e->signal.count == 1 ? "" : "es");
	if (e->names)
		buf_printf(b, ": %s", e->names);
}

void trail_describe(struct buf *b, const struct trail_event *e)
{
	switch (e->kind) {
	case TRAIL_JOB:
		describe_job(b, e);
		break;
	case TRAIL_EXIT:
		describe_exit(b, e);
		break;
	case TRAIL_SIGNAL:
	case TRAIL_KILL:
		describe_signal(b, e);
		break;
	case TRAIL_ADOPT:
		buf_printf(b, "taken over from an earlier cgkilld: %s", service_state_name(e->state));
		break;
	case TRAIL_ESCAPE:
		buf_printf(b, "process %d has left the cgroup: %s", (int)e->escape.pid,
			   e->names ? e->names : "?");
		break;
	case TRAIL_STATE:
	case TRAIL_SPAWN:
	case TRAIL_EMPTY:
	case TRAIL_INVALID:
	case TRAIL_KIND_MAX:
		break;
	}
}

json_t *trail_json(const struct trail *t, const char *unit, usec_t since)
{
	json_t *list = json_array();

	for (unsigned i = first_kept(t); list && i < t->n; i++) {
		const struct trail_event *e = &t->v[i % TRAIL_MAX];

		if (e->boot >= since)
			json_array_append_new(list, trail_event_json(e, unit));
	}
	return list;
}

bool trail_has_kill(const struct trail *t, usec_t since)
{
	for (unsigned i = first_kept(t); i < t->n; i++) {
		const struct trail_event *e = &t->v[i % TRAIL_MAX];

		if (e->kind == TRAIL_KILL && e->boot >= since)
			return true;
	}
	return false;
}
