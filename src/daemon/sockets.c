/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>

#include "core/socket.h"
#include "daemon/fdstore.h"
#include "daemon/guard.h"
#include "daemon/inherit.h"
#include "daemon/manager.h"
#include "daemon/scheduler.h"
#include "daemon/supervisor.h"
#include "util/buf.h"
#include "util/log.h"
#include "util/strv.h"

#define PREFIX "so-" /* and the unit's hash and the place in its list in letters: one descriptor */

struct listener {
	struct sockets *owner;
	int fd;
	struct io_source io;
};

struct sockets {
	struct list link; /* in manager.sockets */
	struct supervised *owner;
	char *service;	    /* its name, no alias; NULL: not known yet */
	int handover[2];    /* to the process that opens them: ours, its; -1 = none */
	struct listener *v; /* in the unit's order */
	size_t n;
	struct ratelimit trigger;
	struct wish wish; /* what is waited for before they are listened to again; unlinked: nothing */
	struct deferred settle;
};

static void on_settle(struct deferred *d);
static void on_job_ended(struct wish *w, const struct job *j);

static struct sockets *sockets_of(struct supervised *sv)
{
	struct sockets *s = sv->sockets ? NULL : calloc(1, sizeof(*s));

	if (s) {
		s->owner = sv;
		s->handover[0] = s->handover[1] = -1;
		s->wish.fn = on_job_ended;
		s->settle.fn = on_settle;
		list_init(&s->wish.link);
		list_init(&s->settle.link);
		list_init(&s->link);
		list_append(&sv->manager->sockets, &s->link);
		sv->sockets = s;
	}
	return sv->sockets;
}

static struct supervised *service_of(const struct sockets *s)
{
	return s->service ? manager_look_up(s->owner->manager, s->service) : NULL;
}

/* From its beginning until nothing of it is left. */
static bool service_lives(const struct sockets *s)
{
	const struct supervised *service = service_of(s);

	return service && !service_state_is_ended(service->machine.state);
}

/* ---- watching ---- */

static void unwatch(struct sockets *s)
{
	for (size_t i = 0; i < s->n; i++)
		io_unwatch(&s->v[i].io);
}

static void break_down(struct sockets *s, enum service_result r)
{
	supervised_feed(s->owner,
			&(struct event){ .kind = EVENT_BROKEN, .result = r, .deadline = USEC_INFINITY });
}

static void on_job_ended(struct wish *w, const struct job *j)
{
	struct sockets *s = container_of(w, struct sockets, wish);
	const struct supervised *sv = j->node->owner;

	if (sv != s->owner && sv->machine.state == STATE_FAILED &&
	    sv->machine.result == RESULT_START_LIMIT_HIT)
		break_down(s, RESULT_SERVICE_START_LIMIT_HIT);
	else
		loop_defer(sv->manager->loop, &s->settle);
}

/* The service may be unknown, or be forgotten by this, so that it is only called by its name here. */
static void start_service(struct sockets *s)
{
	struct manager *m = s->owner->manager;
	const struct supervised *service = manager_get(m, s->service);
	struct anchor a = { .node = service ? service->node : NULL, .type = JOB_START };
	cleanup_diags struct diags diags = DIAGS_INIT;
	char because[UNIT_NAME_MAX + 32];
	int r;

	snprintf(because, sizeof(because), "the service of %s", supervised_name(s->owner));
	r = a.node ? scheduler_ask_for(m->scheduler, &a, because, &diags) : -ENOMEM;
	if (r == 0 && a.job) {
		list_append(&a.job->waiters, &s->wish.link);
		scheduler_run(m->scheduler);
		return;
	}
	log_error("%s: %s cannot be started", supervised_name(s->owner), s->service);
	break_down(s, RESULT_RESOURCES);
}

static void on_traffic(struct io_source *io, uint32_t events)
{
	struct sockets *s = container_of(io, struct listener, io)->owner;
	const struct unit *u = s->owner->unit;
	struct job *own = s->owner->node->job;

	unwatch(s);
	if (own) { /* it is about to go: who speaks to it comes too late, unless that is canceled */
		list_append(&own->waiters, &s->wish.link);
	} else if (!(events & EPOLLIN)) {
		log_error("%s: what it listens on was shut down", supervised_name(s->owner));
		break_down(s, RESULT_RESOURCES);
	} else if (!ratelimit_allows(&s->trigger, u->socket->trigger_interval,
				     socket_trigger_burst(u), clock_now())) {
		log_error("%s: %s is started by it again and again: TriggerLimitBurst= is reached",
			  supervised_name(s->owner), s->service);
		break_down(s, RESULT_TRIGGER_LIMIT_HIT);
	} else {
		start_service(s);
	}
}

static void watch(struct sockets *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (!s->v[i].io.loop && io_watch(s->owner->manager->loop, &s->v[i].io, s->v[i].fd,
						 EPOLLIN, on_traffic) < 0)
			log_error("%s: out of memory: it does not listen any more",
				  supervised_name(s->owner));
}

/* What was lost with an earlier cgkilld that had no guard is opened anew, as soon as the service does not have it any more. */
static void open_again(struct sockets *s)
{
	log_warning("%s: what it listened on was lost: opening it again", supervised_name(s->owner));
	supervised_request(s->owner, EVENT_RESTART, USEC_INFINITY, NULL, NULL);
}

/*
 * Behind the step of whatever machine has changed something: is it to be listened to now? Not where its files are gone since
 * an earlier cgkilld: its descriptors are kept, and nothing is known of it.
 */
static void on_settle(struct deferred *d)
{
	struct sockets *s = container_of(d, struct sockets, settle);
	bool due = s->owner->machine.state == STATE_EXITED && s->owner->unit->socket &&
		   !service_lives(s) && list_empty(&s->wish.link) && !s->owner->manager->shutdown;

	if (!due)
		unwatch(s);
	else if (s->n == 0)
		open_again(s);
	else
		watch(s);
}

/* ---- opening ---- */

/* An alias is known by the unit that it means, from the file. 0; -ENOENT: there is no such service; -ENOMEM. */
static int find_service(struct sockets *s)
{
	cleanup_free char *name = socket_service_name(s->owner->unit);
	const struct supervised *service = name ? manager_get(s->owner->manager, name) : NULL;
	char *copy = service ? strdup(supervised_name(service)) : NULL;

	if (!copy)
		return -ENOMEM;
	free(s->service);
	s->service = copy;
	if (service->load_state == LOAD_LOADED)
		return 0;
	log_error("%s: its service %s cannot be loaded", supervised_name(s->owner), name);
	return -ENOENT;
}

static void close_handover(struct sockets *s)
{
	s->handover[0] = close_fd(s->handover[0]);
	s->handover[1] = close_fd(s->handover[1]);
}

int sockets_prepare(struct supervised *sv, struct exec_fds *out)
{
	struct sockets *s = sockets_of(sv);
	int r = s ? find_service(s) : -ENOMEM;
	int *v;

	if (r < 0)
		return r;
	if (service_lives(s)) {
		log_error("%s: its service %s is active already, and would not get what it opens",
			  supervised_name(sv), s->service);
		return -EBUSY;
	}
	close_handover(s);
	v = malloc(sizeof(*v));
	if (!v ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, s->handover) < 0) {
		r = v ? -errno : -ENOMEM;
		free(v);
		return r;
	}
	*v = s->handover[1];
	*out = (struct exec_fds){ .v = v, .n = 1 };
	return 0;
}

/* The number in letters, which are all that such a name may have. */
static const char *listener_name(const struct supervised *sv, size_t i,
				 char name[static INHERIT_NAME_SIZE])
{
	char hash[INHERIT_HASH_SIZE];

	snprintf(name, INHERIT_NAME_SIZE, PREFIX "%s-%c%c", inherit_hash(supervised_name(sv), hash),
		 (char)('a' + (i >> 4)), (char)('a' + (i & 0xf)));
	return name;
}
_Static_assert(LISTENS_MAX <= 16 * 16, "two letters");

/* Takes fds over. 0 or -ENOMEM. */
static int take(struct sockets *s, const int *fds, size_t n)
{
	struct listener *v = calloc(n, sizeof(*v));

	for (size_t i = 0; i < n; i++)
		if (v)
			v[i] = (struct listener){ .owner = s, .fd = fds[i] };
		else
			close(fds[i]);
	if (!v)
		return -ENOMEM;
	s->v = v;
	s->n = n;
	return 0;
}

static void receive(struct sockets *s, int fds[static LISTENS_MAX], size_t *n)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(LISTENS_MAX * sizeof(int))];
	} control;
	char text;
	struct iovec iov = { &text, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c;

	*n = 0;
	if (recvmsg(s->handover[0], &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
		return;
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return;
	*n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(c), *n * sizeof(int));
}

void sockets_receive(struct supervised *sv)
{
	struct sockets *s = sv->sockets;
	char name[INHERIT_NAME_SIZE];
	int fds[LISTENS_MAX];
	size_t n;

	if (!s || s->handover[0] < 0)
		return;
	receive(s, fds, &n);
	close_handover(s);
	if (n == 0)
		return;
	if (take(s, fds, n) < 0)
		log_error("%s: no memory for what it listens on", supervised_name(sv));
	for (size_t i = 0; i < s->n; i++)
		if (guard_keep(sv->manager->guard, listener_name(sv, i, name), s->v[i].fd) < 0)
			log_warning("%s: the guard cannot keep what it listens on", supervised_name(sv));
}

static void close_listeners(struct sockets *s)
{
	char name[INHERIT_NAME_SIZE];

	unwatch(s);
	for (size_t i = 0; i < s->n; i++) {
		guard_drop(s->owner->manager->guard, listener_name(s->owner, i, name));
		close(s->v[i].fd);
	}
	free(s->v);
	s->v = NULL;
	s->n = 0;
	list_remove(&s->wish.link);
}

/* ---- for services ---- */

/* Does its service get what s has open? */
static bool is_for(const struct sockets *s, const struct supervised *service)
{
	const struct socket_unit *own = service->unit->socket;

	return (s->service && streq(s->service, supervised_name(service))) ||
	       (own && strv_contains(own->names, supervised_name(s->owner)));
}

/* Those of its sockets in front of what it has stored. */
static int put_in_front(const struct supervised *sv, size_t n, struct exec_fds *fds)
{
	cleanup_buf struct buf names = BUF_INIT;
	int *v = reallocarray(fds->v, fds->n + n, sizeof(*v));
	const struct sockets *s;
	size_t at = 0;

	if (!v)
		return -ENOMEM;
	memmove(v + n, v, fds->n * sizeof(*v));
	fds->v = v;
	list_for_each(&sv->manager->sockets, s, struct sockets, link)
		for (size_t i = 0; is_for(s, sv) && i < s->n; i++) {
			buf_printf(&names, "%s%s", at > 0 ? ":" : "", socket_fd_name(s->owner->unit));
			v[at++] = s->v[i].fd;
		}
	if (fds->names)
		buf_printf(&names, ":%s", fds->names);
	if (buf_error(&names) < 0)
		return -ENOMEM;
	free(fds->names);
	fds->names = buf_take(&names);
	fds->n += n;
	fds->n_sockets = n;
	return 0;
}

int sockets_list(const struct supervised *sv, struct exec_fds *out)
{
	const struct sockets *s;
	size_t n = 0;
	int r = fdstore_list(sv->fdstore, out);

	list_for_each(&sv->manager->sockets, s, struct sockets, link)
		if (is_for(s, sv))
			n += s->n;
	return r == 0 && n > 0 ? put_in_front(sv, n, out) : r;
}

json_t *sockets_render(const struct supervised *sv)
{
	const struct sockets *s;
	json_t *names = NULL;

	list_for_each(&sv->manager->sockets, s, struct sockets, link)
		if (s->owner->machine.state == STATE_EXITED && s->service &&
		    streq(s->service, supervised_name(sv))) {
			if (!names)
				names = json_array();
			json_array_append_new(names, json_string(supervised_name(s->owner)));
		}
	return names;
}

/* ---- their life ---- */

const char *sockets_sub_state(const struct supervised *sv)
{
	const struct sockets *s = sv->sockets;

	return s && (service_lives(s) || !list_empty(&s->wish.link)) ? "running" : "listening";
}

void sockets_note_state(struct supervised *sv, enum service_state to)
{
	struct sockets *s = sv->sockets;

	if (s && to != STATE_STOP && (service_state_is_stopping(to) || service_state_is_over(to)))
		close_listeners(s);
	list_for_each(&sv->manager->sockets, s, struct sockets, link)
		if (s == sv->sockets || (s->service && streq(s->service, supervised_name(sv))))
			loop_defer(sv->manager->loop, &s->settle);
}

void sockets_free(struct sockets *s)
{
	if (!s)
		return;
	unwatch(s);
	for (size_t i = 0; i < s->n; i++)
		close(s->v[i].fd);
	close_handover(s);
	list_remove(&s->wish.link);
	list_remove(&s->settle.link);
	list_remove(&s->link);
	free(s->v);
	free(s->service);
	free(s);
}

/* ---- after an earlier cgkilld ---- */

void sockets_adopt(struct supervised *sv)
{
	bool over = service_state_is_over(sv->machine.state);
	struct sockets *s = sv->unit->kind == UNIT_SOCKET && !over ? sockets_of(sv) : NULL;
	char name[INHERIT_NAME_SIZE];
	int fds[LISTENS_MAX];
	size_t n = 0;

	while (s && n < LISTENS_MAX && (fds[n] = inherit_take(listener_name(sv, n, name))) >= 0)
		n++;
	if (n > 0 && take(s, fds, n) < 0)
		log_error("%s: no memory for what it listens on", supervised_name(sv));
}

void sockets_adopt_rest(struct manager *m)
{
	struct sockets *s;

	guard_drop_rest(m->guard, PREFIX);
	list_for_each(&m->sockets, s, struct sockets, link) {
		if (find_service(s) == -ENOMEM)
			log_error("%s: out of memory", supervised_name(s->owner));
		loop_defer(m->loop, &s->settle);
	}
}

int sockets_pass(const struct supervised *sv)
{
	const struct sockets *s = sv->sockets;
	char name[INHERIT_NAME_SIZE];
	int r = 0;

	for (size_t i = 0; s && r == 0 && i < s->n; i++)
		r = inherit_pass(listener_name(sv, i, name), s->v[i].fd);
	return r;
}
