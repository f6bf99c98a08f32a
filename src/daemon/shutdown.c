/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/shutdown.h"

#include "core/order.h"
#include "daemon/batch.h"
#include "daemon/monitor.h"
#include "daemon/render.h"
#include "daemon/scheduler.h"
#include "daemon/supervisor.h"
#include "sys/explain.h"
#include "sys/facts.h"
#include "util/log.h"

#define RESERVE_SHARE 10
#define RESERVE_MAX   (500 * USEC_PER_MSEC)

#define SURVIVORS_MAX 8
#define READING_TIME  (100 * USEC_PER_MSEC)

/* Progress for a person, of a few units only; as in daemon/batch.c. */
#define PROGRESS_FIRST (200 * USEC_PER_MSEC)
#define PROGRESS_EVERY USEC_PER_SEC
#define PROGRESS_UNITS 8

/* One service on its way out. */
struct leaver {
	struct waiter waiter; /* linked while it is not over */
	struct shutdown *shutdown;
	struct supervised *service;
	bool asked;
	bool hurried; /* … before those that started after it had ended */
	bool over;
	enum answer answer;
};

/* Who waits for the end. */
struct watcher {
	struct list link;
	struct call *call;
};

struct shutdown {
	struct manager *manager;
	struct order *order; /* NULL: none is kept */
	struct list watchers;
	struct timer cut_over, progress;
	struct deferred work;
	usec_t since;
	usec_t kill_at;
	usec_t cut_over_at; /* no order from then on */
	bool signalled;
	size_t pending, n;
	struct leaver v[];
};

/* ---- asking ---- */

static void ask(struct leaver *l)
{
	l->asked = true;
	list_remove(&l->waiter.link);
	supervised_request(l->service, EVENT_STOP, l->shutdown->kill_at, NULL, &l->waiter);
}

static void note_over(struct leaver *l, enum answer a)
{
	struct shutdown *s = l->shutdown;

	l->over = true;
	l->answer = a;
	s->pending--;
	if (s->order)
		order_ended(s->order, (size_t)(l - s->v));
}

/* Who ends before its turn is asked all the same, so that no Restart= brings it back. */
static void on_answer(struct waiter *w, enum answer a)
{
	struct leaver *l = container_of(w, struct leaver, waiter);

	if (!l->asked) {
		ask(l);
		return;
	}
	note_over(l, a);
	loop_defer(l->shutdown->manager->loop, &l->shutdown->work);
}

/* The time for order is over. */
static void hurry(struct shutdown *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].asked || s->v[i].over)
			continue;
		s->v[i].hurried = true;
		ask(&s->v[i]);
		n++;
	}
	if (n > 0)
		log_warning("no time is left for the order of the services: stopping %zu at once", n);
}

static void on_cut_over(struct timer *t, usec_t now unused)
{
	hurry(container_of(t, struct shutdown, cut_over));
}

/* ---- the end ---- */

static json_t *render_leaver(const struct leaver *l)
{
	struct supervised *sv = l->service;
	json_t *o, *cut = json_array();

	o = render_outcome(sv, answer_name(l->answer),
			   l->answer == ANSWER_DONE ? NULL : answer_text(l->answer, sv, REQUEST_STOP),
			   l->shutdown->since, false);
	if (l->hurried)
		json_array_append_new(cut, json_string("order"));
	if (l->asked && sv->machine.cut_short)
		json_array_append_new(cut, json_string("timeout"));
	json_object_set_new(o, "killed", json_boolean(trail_has_kill(&sv->trail, l->shutdown->since)));
	json_object_set_new(o, "cutShort", cut);
	return o;
}

static json_t *render_end(struct shutdown *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++) {
		struct leaver *l = &s->v[i];

		if (!l->asked) /* what had been left behind before */
			l->answer = l->service->machine.populated ? ANSWER_SURVIVORS : ANSWER_DONE;
		json_array_append_new(list, render_leaver(l));
	}
	return list;
}

static void log_survivors(const struct supervised *sv)
{
	struct process_facts facts[SURVIVORS_MAX];
	char reason[256];
	size_t total;
	int hanging;
	ssize_t n = facts_read(&sv->cgroups.unit, facts, SURVIVORS_MAX, &total, READING_TIME, &hanging);

	close_fd(hanging);
	for (ssize_t i = 0; i < n; i++)
		log_error("%s: %d (%s) %s: it %s", supervised_name(sv), (int)facts[i].pid, facts[i].comm,
			  sv->machine.state == STATE_STUCK ? "outlives SIGKILL" : "lives on",
			  explain_reason(&facts[i], reason, sizeof(reason)));
}

static void finish(struct shutdown *s)
{
	struct list *node;

	timer_clear(&s->cut_over);
	timer_clear(&s->progress);
	for (size_t i = 0; list_empty(&s->watchers) && i < s->n; i++) /* who waits is answered */
		if (s->v[i].service->machine.populated)
			log_survivors(s->v[i].service);
	while ((node = list_pop(&s->watchers))) {
		struct watcher *w = container_of(node, struct watcher, link);

		call_reply(w->call, json_pack("{s:o}", "outcomes", render_end(s)), false);
		free(w);
	}
	monitor_end_all(&s->manager->monitors);
	loop_quit(s->manager->loop);
}

static void on_work(struct deferred *d)
{
	struct shutdown *s = container_of(d, struct shutdown, work);
	size_t i;

	while (s->order && (i = order_next(s->order)) != ORDER_NONE)
		if (!s->v[i].asked && !s->v[i].over)
			ask(&s->v[i]);
	if (s->pending == 0)
		finish(s);
}

/* ---- the beginning ---- */

static struct order *find_order(const struct shutdown *s)
{
	const struct unit **units = calloc(s->n + 1, sizeof(*units));
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct order *o = NULL;

	for (size_t i = 0; units && i < s->n; i++)
		units[i] = s->v[i].service->unit;
	if (units)
		o = order_new(units, s->n, &diags);
	for (size_t i = 0; i < diags.n; i++)
		log_warning("%s", diags.v[i].text);
	free(units);
	return o;
}

/* Also what has ended and left somebody behind: that is not asked, as it would not be today, but told. */
static bool concerns(const struct supervised *sv)
{
	return !service_state_is_ended(sv->machine.state) || sv->machine.populated;
}

static void add_leaver(struct shutdown *s, struct supervised *sv)
{
	struct leaver *l = &s->v[s->n++];

	*l = (struct leaver){ .shutdown = s,
			      .service = sv,
			      .waiter = { .request = REQUEST_STOP, .fn = on_answer } };
	list_init(&l->waiter.link);
	sv->leaving = true;
	s->pending++;
	if (!service_state_is_ended(sv->machine.state))
		list_append(&sv->waiters, &l->waiter.link);
}

static struct shutdown *shutdown_new(struct manager *m)
{
	struct supervised *sv;
	struct shutdown *s;
	size_t n = 0;

	list_for_each(&m->services, sv, struct supervised, link)
		n += concerns(sv);
	s = calloc(1, sizeof(*s) + n * sizeof(s->v[0]));
	if (!s)
		return NULL;
	s->manager = m;
	s->since = clock_now();
	s->kill_at = s->cut_over_at = USEC_INFINITY;
	s->work.fn = on_work;
	list_init(&s->work.link);
	list_init(&s->watchers);
	list_for_each(&m->services, sv, struct supervised, link)
		if (concerns(sv))
			add_leaver(s, sv);
	s->order = find_order(s);
	for (size_t i = 0; i < s->n; i++)
		if (list_empty(&s->v[i].waiter.link))
			note_over(&s->v[i], ANSWER_SURVIVORS);
	return s;
}

static void bring_forward(struct shutdown *s, usec_t deadline)
{
	usec_t now = clock_now(), left = usec_sub(deadline, now);
	usec_t kill_at = usec_sub(deadline, MIN_OF(left / RESERVE_SHARE, RESERVE_MAX));

	if (kill_at >= s->kill_at)
		return;
	s->kill_at = kill_at;
	s->cut_over_at = MIN_OF(s->cut_over_at, usec_add(now, left / 2));
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].asked && !s->v[i].over)
			supervised_request(s->v[i].service, EVENT_STOP, s->kill_at, NULL, NULL);
	if (left == 0 || timer_set(s->manager->loop, &s->cut_over, s->cut_over_at, on_cut_over) < 0)
		hurry(s);
}

/* NULL without memory, which was logged. */
static struct shutdown *begin(struct manager *m, usec_t deadline)
{
	struct shutdown *s = m->shutdown ? m->shutdown : shutdown_new(m);

	if (!s) {
		log_error("no memory for a shutdown: try again");
		return NULL;
	}
	if (!m->shutdown)
		log_notice("stopping %zu services", s->pending);
	if (!m->shutdown)
		scheduler_cancel_starts(m->scheduler);
	m->shutdown = s;
	bring_forward(s, deadline);
	if (!s->order)
		hurry(s);
	loop_defer(m->loop, &s->work);
	return s;
}

void shutdown_by_signal(struct manager *m)
{
	bool again = m->shutdown && m->shutdown->signalled;
	struct shutdown *s;

	if (again)
		log_notice("asked again: killing what is left");
	s = begin(m, again ? clock_now() : usec_add(clock_now(), m->shutdown_budget));
	if (s)
		s->signalled = true;
}

void shutdown_by_unit(struct manager *m, const char *name, bool force)
{
	log_notice("%s: its end is to end everything%s", name, force ? ", at once" : "");
	(void)begin(m, force ? clock_now() : usec_add(clock_now(), m->shutdown_budget));
}

/* ---- those who wait ---- */

static void on_cancel(struct call *c unused, void *arg)
{
	struct watcher *w = arg;

	list_remove(&w->link);
	free(w);
}

static void tell_progress(struct shutdown *s, struct call *c)
{
	unsigned told = 0;

	if (!call_wants_more(c) || call_is_backlogged(c))
		return;
	for (size_t i = 0; i < s->n && told < PROGRESS_UNITS; i++) {
		if (s->v[i].over)
			continue;
		call_reply(c, json_pack("{s:o}", "progress", render_progress(s->v[i].service)), true);
		told++;
	}
}

static void on_progress(struct timer *t, usec_t now)
{
	struct shutdown *s = container_of(t, struct shutdown, progress);
	struct watcher *w;

	list_for_each(&s->watchers, w, struct watcher, link)
		tell_progress(s, w->call);
	if (!list_empty(&s->watchers))
		(void)!timer_set(s->manager->loop, t, usec_add(now, PROGRESS_EVERY), on_progress);
}

void shutdown_call(struct manager *m, struct call *c, usec_t deadline)
{
	const struct peer *by = call_peer(c);
	struct watcher *w = malloc(sizeof(*w));
	struct shutdown *s;

	log_notice("shutdown asked for by uid %u pid %d (%s)", by->uid, by->pid, by->comm);
	s = w ? begin(m, deadline) : NULL;

	if (!s) {
		free(w);
		call_error(c, "io.cgkill.manager.OutOfMemory", NULL);
		return;
	}
	w->call = c;
	list_init(&w->link);
	list_append(&s->watchers, &w->link);
	call_on_cancel(c, on_cancel, w);
	if (!s->progress.loop)
		(void)!timer_set(m->loop, &s->progress, usec_add(clock_now(), PROGRESS_FIRST),
				 on_progress);
}

void shutdown_free(struct shutdown *s)
{
	if (!s)
		return;
	timer_clear(&s->cut_over);
	timer_clear(&s->progress);
	list_remove(&s->work.link);
	for (size_t i = 0; i < s->n; i++)
		list_remove(&s->v[i].waiter.link);
	order_free(s->order);
	free(s);
}
