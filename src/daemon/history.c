/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/history.h"

#include <cgkill/protocol.h>
#include <errno.h>
#include <fcntl.h>

#include "daemon/manager.h"
#include "daemon/supervisor.h"
#include "sys/replace.h"
#include "util/ownmem.h"
#include "util/parse.h"

/* What a simple service takes to start, or to stop. */
#define MARKS_FIRST 3

/* Which of the two a state is a stage of. */
static struct history_run *run_of(struct history *h, enum service_state s)
{
	return service_state_is_starting(s)   ? &h->start
	       : service_state_is_stopping(s) ? &h->stop
					      : NULL;
}

static bool same_signal(const struct history_mark *a, const struct history_mark *b)
{
	return a->kind == b->kind && a->what == b->what && a->kind != TRAIL_STATE;
}

static bool has_room(struct history_run *r)
{
	unsigned cap = r->cap == 0 ? MARKS_FIRST : HISTORY_MARKS;
	struct history_mark *grown;

	if (r->n < r->cap)
		return true;
	grown = r->cap < HISTORY_MARKS
			? own_grow(r->mark, r->cap * sizeof(*grown), cap * sizeof(*grown))
			: NULL;
	if (!grown)
		return false;
	r->mark = grown;
	r->cap = (uint8_t)cap;
	return true;
}

/* The main process and the rest get one signal by two events. Of too many marks the last one is the latest. */
static void add_mark(struct history_run *r, struct history_mark m)
{
	struct history_mark *last = r->n > 0 ? &r->mark[r->n - 1] : NULL;

	if (last && same_signal(last, &m)) {
		last->count = (uint16_t)MIN_OF(last->count + m.count, UINT16_MAX);
		return;
	}
	if (has_room(r))
		last = &r->mark[r->n++];
	else
		r->partial = true;
	if (last)
		*last = m;
}

static uint32_t ticks(const struct history_run *r, usec_t now)
{
	return (uint32_t)MIN_OF(usec_sub(now, r->begin) / HISTORY_TICK, UINT32_MAX);
}

static void note_state(struct history *h, enum service_state s, usec_t now, bool found)
{
	struct history_run *before = h->current, *run = run_of(h, s);
	struct history_mark m = { .kind = TRAIL_STATE, .what = (uint8_t)s };

	if (before) {
		m.at = ticks(before, now);
		add_mark(before, m);
		before->over = run != before;
	}
	if (run && run != before) {
		m.at = 0;
		*run = (struct history_run){
			.begin = now, .partial = found, .mark = run->mark, .cap = run->cap
		};
		add_mark(run, m);
	}
	h->current = run;
}

static void note_signal(struct history_run *r, const struct trail_event *e)
{
	add_mark(r, (struct history_mark){ .at = ticks(r, e->boot),
					   .count = (uint16_t)MIN_OF(e->signal.count, UINT16_MAX),
					   .kind = (uint8_t)e->kind,
					   .what = (uint8_t)e->signal.signal });
}

void history_note(struct history *h, const struct trail_event *e)
{
	if (e && (e->kind == TRAIL_STATE || e->kind == TRAIL_ADOPT))
		note_state(h, e->state, e->boot, e->kind == TRAIL_ADOPT);
	else if (h->current && !e)
		h->current->partial = true;
	else if (h->current && (e->kind == TRAIL_SIGNAL || e->kind == TRAIL_KILL))
		note_signal(h->current, e);
}

void history_deinit(struct history *h)
{
	own_free(h->start.mark, h->start.cap * sizeof(*h->start.mark));
	own_free(h->stop.mark, h->stop.cap * sizeof(*h->stop.mark));
	*h = (struct history){ .current = NULL };
}

/* ---- looking back ---- */

static usec_t length_of(const struct history_run *r)
{
	return r->n > 0 ? r->mark[r->n - 1].at * HISTORY_TICK : 0;
}

usec_t history_took(const struct history_run *r)
{
	return r->begin > 0 && r->over && !r->partial ? length_of(r) : USEC_INFINITY;
}

void history_stages(const struct history_run *r, usec_t stage[STATE_MAX])
{
	const struct history_mark *from = NULL;

	memset(stage, 0, STATE_MAX * sizeof(stage[0]));
	for (unsigned i = 0; i < r->n; i++) {
		if (r->mark[i].kind != TRAIL_STATE)
			continue;
		if (from)
			stage[from->what] += (r->mark[i].at - from->at) * HISTORY_TICK;
		from = &r->mark[i];
	}
}

static json_t *render_mark(const struct history_mark *m)
{
	usec_t at = m->at * HISTORY_TICK;

	if (m->kind == TRAIL_STATE)
		return json_pack("{s:I, s:s}", "atUSec", (json_int_t)at, "state",
				 service_state_name(m->what));
	return json_pack("{s:I, s:s, s:b, s:i}", "atUSec", (json_int_t)at, "signal",
			 signal_name(m->what), "kill", m->kind == TRAIL_KILL, "count", m->count);
}

static void render_run(const struct history_run *r, const char *unit, const char *kind, json_t *list)
{
	usec_t age = usec_sub(clock_now(), r->begin);
	json_t *marks = json_array();

	for (unsigned i = 0; i < r->n; i++)
		json_array_append_new(marks, render_mark(&r->mark[i]));
	json_array_append_new(list,
			      json_pack("{s:s, s:s, s:I, s:I, s:b, s:b, s:o}", "unit", unit, "kind",
					kind, "beginUSec", (json_int_t)r->begin, "beginRealUSec",
					(json_int_t)usec_sub(clock_realtime(), age), "over",
					r->over, "partial", r->partial, "marks", marks));
}

void history_render(const struct history *h, const char *unit, json_t *list)
{
	if (h->start.begin > 0)
		render_run(&h->start, unit, "start", list);
	if (h->stop.begin > 0)
		render_run(&h->stop, unit, "stop", list);
}

/* ---- what is left behind ---- */

static json_t *render_all(struct manager *m)
{
	json_t *list = json_array();
	struct supervised *sv;

	list_for_each(&m->services, sv, struct supervised, link)
		history_render(&sv->history, supervised_name(sv), list);
	return json_pack("{s:o}", "timelines", list);
}

int history_save(struct manager *m)
{
	cleanup_close int dir_fd = open(m->runtime_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = dir_fd < 0 ? -errno : 0;
	json_t *all = render_all(m);
	cleanup_free char *text = all ? json_dumps(all, JSON_COMPACT) : NULL;

	json_decref(all);
	if (r == 0)
		r = text ? replace_file(dir_fd, CGKILL_LAST_STOP, CGKILL_LAST_STOP ".new", 0644,
					text, strlen(text))
			 : -ENOMEM;
	return r;
}
