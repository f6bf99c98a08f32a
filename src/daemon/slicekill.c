/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/slicekill.h"

#include "core/resources.h"
#include "daemon/manager.h"
#include "daemon/slices.h"
#include "daemon/subtree.h"
#include "util/log.h"
#include "util/strv.h"

/* Services that were asked at the same time to stop within the same time are due that near to each other. */
#define SLACK (10 * USEC_PER_MSEC)

/* The loop waits for the write, some 0.1 ms a process: more of them are better killed by helpers, service by service. */
#define MEMBERS_MAX 256

struct slicekill {
	struct list due; /* services, by kill_link */
	struct timer timer;
};

static struct slice *topmost(struct slice *s)
{
	while (s->parent)
		s = s->parent;
	return s;
}

/* When the last of the others in this slice is due that is due soon. *alone: there are no others that live. */
static usec_t last_due(const struct supervised *sv, struct slice *top, usec_t now, bool *alone)
{
	const usec_t soon = usec_add(now, SLACK);
	usec_t last = now;
	struct supervised *other;

	*alone = true;
	list_for_each(&sv->manager->services, other, struct supervised, link) {
		usec_t at;

		if (other == sv || !other->machine.populated || !slice_is_below(other->slice, top))
			continue;
		*alone = false;
		at = service_next_timer(&other->machine);
		if (service_state_is_stopping(other->machine.state) && at > last && at <= soon)
			last = at;
	}
	return last;
}

/* ---- who lives there ---- */

static bool spares_nobody(const struct manager *m, struct slice *s);

/* One cgroup in a slice: false when somebody lives in it who is not to be killed. */
static bool child_is_due(const struct manager *m, struct slice *s, const char *name)
{
	struct slice *below = slice_name_valid(name) ? slices_find(m, name) : NULL;
	const struct supervised *sv = manager_look_up(m, name);
	struct cg cg = CG_INIT;
	bool empty;

	if (below && below->parent == s)
		return spares_nobody(m, below);
	if (sv && sv->slice == s && sv->doomed)
		return true;
	if (cg_open(&cg, &s->cg, name) < 0)
		return false;
	empty = cg_populated(&cg) == 0;
	cg_close(&cg);
	return empty;
}

/* Found out once a round: a slice of a thousand services is not looked through for each of them. */
static bool spares_nobody(const struct manager *m, struct slice *s)
{
	struct cg_pids own = { 0 };
	cleanup_strv char **names = NULL;
	bool all = !s->spares && cg_read_procs(&s->cg, &own) == 0 && own.n == 0 &&
		   subtree_children(m, &s->cg, &names) == 0;

	for (size_t i = 0; all && names && names[i]; i++)
		all = child_is_due(m, s, names[i]);
	cg_pids_deinit(&own);
	s->spares = !all;
	return all;
}

/* ---- the blow ---- */

static size_t members_below(struct list *due, const struct slice *s, unsigned *services)
{
	struct supervised *sv;
	size_t n = 0;

	*services = 0;
	list_for_each(due, sv, struct supervised, kill_link)
		if (slice_is_below(sv->slice, s)) {
			n += sv->doomed;
			(*services)++;
		}
	return n;
}

/* The highest slice of s and those that it is in that can be killed as a whole; NULL: none. */
static struct slice *find_common(struct manager *m, struct list *due, struct slice *s)
{
	struct slice *found = NULL;
	unsigned services;
	const char *who;

	for (; s && !s->spares; s = s->parent) {
		if (members_below(due, s, &services) > MEMBERS_MAX)
			s->spares = true;
		if (!spares_nobody(m, s))
			break;
		if (services > 1 && manager_guard(m, s->cg.path, NULL, &who) == 0)
			found = s;
	}
	return found;
}

static void kill_one(struct supervised *sv, bool struck)
{
	size_t members = sv->doomed;

	list_remove(&sv->kill_link);
	sv->doomed = 0;
	supervised_kill_now(sv, members, struck);
}

static void kill_slice(struct list *due, struct slice *s)
{
	struct supervised *sv;
	int r = cg_kill_write(&s->cg);

	log_info("%s: killing all that is in it", s->name);
	slice_ref(s);
	list_for_each(due, sv, struct supervised, kill_link)
		if (slice_is_below(sv->slice, s))
			kill_one(sv, r == 0);
	slice_unref(s);
}

/* What has ended by now, or gone on, is not to be killed any more. */
static void drop_others(struct list *due)
{
	struct supervised *sv;

	list_for_each(due, sv, struct supervised, kill_link)
		if (!sv->machine.killing || !sv->machine.populated || sv->killer || !sv->slice) {
			list_remove(&sv->kill_link);
			sv->doomed = 0;
		}
}

/* A new round: who lives where is found out anew. */
static void begin_round(struct list *due)
{
	struct slice *s;

	drop_others(due);
	if (list_empty(due))
		return;
	list_for_each(&container_of(due->next, struct supervised, kill_link)->manager->slices, s,
		      struct slice, link)
		s->spares = false;
}

static void on_due(struct timer *t, usec_t now unused)
{
	struct slicekill *k = container_of(t, struct slicekill, timer);

	begin_round(&k->due);
	while (!list_empty(&k->due)) {
		struct supervised *sv = container_of(k->due.next, struct supervised, kill_link);
		struct slice *s = find_common(sv->manager, &k->due, sv->slice);

		if (s)
			kill_slice(&k->due, s);
		else
			kill_one(sv, false);
	}
}

bool slicekill_put_off(struct supervised *sv, size_t members)
{
	struct manager *m = sv->manager;
	struct slicekill *k = m->slicekill;
	usec_t at;
	bool alone;

	if (!sv->slice)
		return false;
	if (!k || list_empty(&k->due)) {
		at = last_due(sv, topmost(sv->slice), clock_now(), &alone);
		if (alone)
			return false;
		if (!k)
			k = m->slicekill = calloc(1, sizeof(*k));
		if (!k)
			return false;
		list_init(&k->due);
		if (timer_set(m->loop, &k->timer, at, on_due) < 0)
			return false;
	}
	sv->doomed = MAX_OF(members, (size_t)1);
	list_append(&k->due, &sv->kill_link);
	return true;
}

void slicekill_free(struct slicekill *k)
{
	if (!k)
		return;
	timer_clear(&k->timer);
	free(k);
}
