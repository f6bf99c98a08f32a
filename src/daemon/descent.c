/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/descent.h"

#include <errno.h>
#include <sys/epoll.h>

#include "sys/pidfd.h"
#include "sys/procevents.h"
#include "util/log.h"

#define FIRST_SIZE 128 /* places; a power of two */

struct descent {
	struct procevents *events; /* NULL: the kernel tells us nothing */
	struct io_source io;
	struct list lineages;

	struct descendant *places; /* open addressing by pid, at most half full */
	size_t size, used;	   /* used: also by those that are forgotten */
	size_t prune_at;	   /* so many in use: it is time to look who has ended */

	bool any_ended; /* of those that are known */
	pid_t *fresh; /* numbers of those that are to be looked at when all events were taken in */
	size_t n_fresh, fresh_size;
};

/* ---- the table ---- */

/* The place of pid, or the free one where it belongs. Knuth's multiplicative hash, as in sys/sweep.c. */
static struct descendant *place_of(const struct descent *d, pid_t pid)
{
	size_t i = (size_t)((uint64_t)pid * UINT64_C(0x9E3779B97F4A7C15) >> 32);

	while (d->places[i & (d->size - 1)].pid != 0 && d->places[i & (d->size - 1)].pid != pid)
		i++;
	return &d->places[i & (d->size - 1)];
}

static struct descendant *find(const struct descent *d, pid_t pid)
{
	struct descendant *at = place_of(d, pid);

	return at->of ? at : NULL;
}

static void forget(struct descendant *known)
{
	if (!known || !known->of)
		return;
	known->of->n--;
	known->of = NULL;
	known->ended = false;
}

/* Into a table of that size, without those that are forgotten. */
static int resize(struct descent *d, size_t size)
{
	struct descent old = *d;

	d->places = calloc(size, sizeof(*d->places));
	if (!d->places) {
		d->places = old.places;
		return -ENOMEM;
	}
	d->size = size;
	d->used = 0;
	for (size_t i = 0; i < old.size; i++)
		if (old.places[i].of) {
			*place_of(d, old.places[i].pid) = old.places[i];
			d->used++;
		}
	free(old.places);
	return 0;
}

static int make_room(struct descent *d)
{
	return d->used < d->size / 2 ? 0 : resize(d, d->size * 2);
}

/* ---- those that are to be looked at ---- */

static int note_fresh(struct descent *d, struct descendant *known)
{
	if (known->fresh)
		return 0;
	if (d->n_fresh == d->fresh_size) {
		size_t size = d->fresh_size ? d->fresh_size * 2 : 64;
		pid_t *fresh = reallocarray(d->fresh, size, sizeof(*fresh));

		if (!fresh)
			return -ENOMEM;
		d->fresh = fresh;
		d->fresh_size = size;
	}
	d->fresh[d->n_fresh++] = known->pid;
	known->fresh = true;
	return 0;
}

static void take_fresh(struct descent *d, void (*fn)(struct descendant *))
{
	for (size_t i = 0; i < d->n_fresh; i++) {
		struct descendant *known = find(d, d->fresh[i]);

		if (!known || !known->fresh)
			continue;
		known->fresh = false;
		fn(known);
	}
	d->n_fresh = 0;
}

static void look_at(struct descendant *known)
{
	known->certain = true; /* its number's next birth would have been told */
	known->of->look(known->of, known);
}

/* ---- alive or not ---- */

int descendant_open(const struct descendant *known)
{
	cleanup_close int fd = known->identity ? pidfd_open_pid(known->pid) : -ESRCH;
	uint64_t identity = 0;

	if (fd < 0)
		return fd;
	if (pidfd_identity(fd, known->pid, &identity) < 0 || identity != known->identity ||
	    pidfd_has_ended(fd))
		return -ESRCH;
	return TAKE_FD(fd);
}

/*
 * Who has ended stays known until all events were taken in once more: the births of its children may
 * be among them.
 */
static void mark_ended(struct descent *d, const struct lineage *l)
{
	for (size_t i = 0; i < d->size; i++) {
		struct descendant *known = &d->places[i];
		int fd;

		if (!known->of || (l && known->of != l))
			continue;
		fd = descendant_open(known);
		known->ended = fd == -ESRCH;
		d->any_ended |= known->ended;
		if (fd >= 0)
			close_fd(fd);
	}
}

static void forget_ended(struct descent *d)
{
	for (size_t i = 0; d->any_ended && i < d->size; i++)
		if (d->places[i].ended)
			forget(&d->places[i]);
	d->any_ended = false;
}

/* ---- events ---- */

static void add(struct descent *d, struct lineage *l, pid_t pid, uint64_t identity, bool certain)
{
	struct descendant *at;

	if (make_room(d) < 0) {
		l->incomplete(l, "there was no memory");
		return;
	}
	at = place_of(d, pid);
	forget(at);
	if (l->n >= LINEAGE_MAX) {
		l->incomplete(l, "it has too many processes");
		return;
	}
	d->used += at->pid == 0;
	*at = (struct descendant){ .pid = pid, .identity = identity, .of = l, .certain = certain };
	l->n++;
	l->births++;
	if (note_fresh(d, at) < 0)
		l->incomplete(l, "there was no memory");
}

/*
 * If the number belongs to somebody else by now, so will this identity. That somebody's birth is
 * waiting to be told then, and ends the mistake before anything is done about it.
 */
static uint64_t identity_of(pid_t pid)
{
	cleanup_close int fd = pidfd_open_pid(pid);
	uint64_t identity = 0;

	return fd >= 0 && pidfd_identity(fd, pid, &identity) == 0 ? identity : 0;
}

static void on_birth(struct descent *d, struct descendant *known, const struct procevent *ev)
{
	struct descendant *parent = find(d, ev->parent);
	struct lineage *l = parent ? parent->of : NULL;
	uint64_t identity = known || l ? identity_of(ev->pid) : 0;

	if (known && known->added && known->identity == identity)
		return; /* we heard of it before its birth was told */
	forget(known);	/* an earlier owner of its number */
	if (l)
		add(d, l, ev->pid, identity, false);
}

static void on_event(const struct procevent *ev, void *arg)
{
	struct descent *d = arg;
	struct descendant *known = find(d, ev->pid);

	if (ev->kind == PROCEVENT_FORK) {
		on_birth(d, known, ev);
	} else if (known && note_fresh(d, known) < 0) {
		known->of->incomplete(known->of, "there was no memory");
	}
}

/* What was learned since the last time that nothing was lost may be about anybody. */
static void forget_uncertain(struct descendant *known)
{
	if (!known->certain)
		forget(known);
}

static void on_loss(struct descent *d)
{
	struct lineage *l;

	take_fresh(d, forget_uncertain);
	mark_ended(d, NULL);
	forget_ended(d); /* what their children were told of is lost anyway */
	list_for_each(&d->lineages, l, struct lineage, link) {
		l->incomplete(l, "the kernel had more to tell than it could keep");
		l->lost(l);
	}
}

static void stop_listening(struct descent *d)
{
	io_unwatch(&d->io);
	procevents_close(TAKE_PTR(d->events));
}

/* The result of a read. */
static void take_in(struct descent *d, int r)
{
	if (r == 1)
		return; /* there is more: nothing is sure yet */
	if (r == -ENOBUFS)
		on_loss(d);
	else if (r < 0) {
		log_error("the kernel's process events have ended: %s", strerror(-r));
		stop_listening(d);
		on_loss(d);
	}
	forget_ended(d);
	take_fresh(d, look_at);
	if (d->used >= d->prune_at) {
		(void)!resize(d, d->size); /* the forgotten ones out; without memory they stay */
		mark_ended(d, NULL);
		d->prune_at = d->used + MAX_OF((size_t)FIRST_SIZE, d->used / 4);
	}
}

static void on_readable(struct io_source *s, uint32_t events)
{
	struct descent *d = container_of(s, struct descent, io);

	(void)events;
	take_in(d, procevents_read(d->events, on_event, d));
}

void descent_catch_up(struct descent *d)
{
	int r = d->events ? 1 : 0;

	/* A few times: what is never read to its end comes faster than anybody can tell where it is. */
	for (int i = 0; i < 8 && r == 1; i++)
		r = procevents_read(d->events, on_event, d);
	take_in(d, r);
}

/* ---- lineages ---- */

size_t descent_prune(struct descent *d, struct lineage *l)
{
	mark_ended(d, l);
	descent_catch_up(d);
	return l->n;
}

void descent_add(struct descent *d, struct lineage *l, int pidfd, pid_t pid)
{
	struct descendant *known = find(d, pid);
	uint64_t identity = 0;

	if (pidfd_identity(pidfd, pid, &identity) == 0 &&
	    !(known && known->of == l && known->identity == identity)) {
		add(d, l, pid, identity, true);
		known = find(d, pid);
		if (known)
			known->added = true;
	}
}

void descent_each(struct descent *d, struct lineage *l,
		  void (*fn)(struct lineage *l, struct descendant *d, void *arg), void *arg)
{
	for (size_t i = 0; i < d->size; i++)
		if (d->places[i].of == l && d->places[i].certain)
			fn(l, &d->places[i], arg);
}

static int start_listening(struct descent *d, struct loop *loop)
{
	int r = procevents_open(&d->events, PROCEVENT_FORK | PROCEVENT_EXEC, 0);

	if (r == 0)
		r = io_watch(loop, &d->io, procevents_fd(d->events), EPOLLIN, on_readable);
	if (r < 0)
		stop_listening(d);
	return r;
}

static void descent_free(struct descent *d)
{
	stop_listening(d);
	free(d->places);
	free(d->fresh);
	free(d);
}

static struct descent *descent_new(struct loop *loop)
{
	struct descent *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return NULL;
	list_init(&d->lineages);
	d->prune_at = FIRST_SIZE;
	if (resize(d, FIRST_SIZE) < 0) {
		free(d);
		return NULL;
	}
	r = start_listening(d, loop);
	if (r < 0)
		log_warning("no process events of the kernel are to be had here: %s", strerror(-r));
	return d;
}

int descent_join(struct descent **dp, struct loop *loop, struct lineage *l)
{
	if (!*dp)
		*dp = descent_new(loop);
	if (!*dp)
		return -ENOMEM;
	list_append(&(*dp)->lineages, &l->link);
	if (!(*dp)->events)
		l->incomplete(l, "the kernel tells us nothing of processes here");
	return 0;
}

void descent_leave(struct descent **dp, struct lineage *l)
{
	struct descent *d = *dp;

	for (size_t i = 0; i < d->size; i++)
		if (d->places[i].of == l)
			forget(&d->places[i]);
	list_remove(&l->link);
	if (!list_empty(&d->lineages))
		return;
	descent_free(d);
	*dp = NULL;
}
