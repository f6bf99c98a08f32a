/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/connection.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "core/varlink.h"
#include "util/log.h"

enum { CHUNK = 4096 };

static size_t unsent(const struct connection *conn)
{
	return conn->out.len - conn->sent;
}

static bool awaits_turn(const struct connection *conn)
{
	return !list_empty(&conn->turn);
}

/* One thing at a time: the next call waits until this one has ended and its reply was read. */
static bool wants_input(const struct connection *conn)
{
	return !conn->call && !awaits_turn(conn) && unsent(conn) == 0;
}

void connection_free(struct connection *conn)
{
	struct call *c;

	if (!conn)
		return;
	c = TAKE_PTR(conn->call);
	if (c && c->on_cancel)
		c->on_cancel(c, c->on_cancel_arg);
	free(c);
	timer_clear(&conn->stall);
	list_remove(&conn->work.link);
	list_remove(&conn->turn);
	list_remove(&conn->link);
	io_unwatch(&conn->io);
	close_fd(conn->io.fd);
	buf_deinit(&conn->in);
	buf_deinit(&conn->out);
	free(conn);
}

/*
 * Gives the kernel what it takes. Safe wherever a reply is: a failure only marks the connection. Who gets an answer finds
 * what led to it in the log.
 */
static void flush(struct connection *conn)
{
	if (unsent(conn) > 0)
		log_flush();
	while (!conn->broken && unsent(conn) > 0) {
		ssize_t n = send(conn->io.fd, conn->out.data + conn->sent, unsent(conn), MSG_NOSIGNAL);

		if (n >= 0) {
			conn->sent += (size_t)n;
			timer_clear(&conn->stall); /* it moves */
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR) {
			conn->broken = true;
		}
	}
	buf_deinit(&conn->out);
	conn->sent = 0;
}

void connection_drain(struct connection *conn, usec_t until)
{
	for (;;) {
		struct pollfd p = { .fd = conn->io.fd, .events = POLLOUT };
		usec_t left = usec_sub(until, clock_now());

		flush(conn);
		if (conn->broken || unsent(conn) == 0 || left == 0)
			return;
		(void)!poll(&p, 1, (int)(left / USEC_PER_MSEC) + 1);
	}
}

static void receive(struct connection *conn)
{
	char chunk[CHUNK];
	ssize_t n = recv(conn->io.fd, chunk, sizeof(chunk), 0);

	if (n > 0) {
		buf_append(&conn->in, chunk, (size_t)n);
		/* Only what is new is searched: a long message in small pieces stays linear. */
		conn->has_whole |=
			memchr(chunk, '\0', (size_t)n) || conn->in.len > conn->class->max_request;
		conn->broken = buf_error(&conn->in) < 0;
	} else if (n == 0) {
		conn->eof = true;
	} else if (errno != EAGAIN && errno != EINTR) {
		conn->broken = true;
	}
}

static void start_call(struct connection *conn, const struct varlink_call *message)
{
	struct call *c = calloc(1, sizeof(*c));

	if (!c) {
		conn->broken = true;
		return;
	}
	c->connection = conn;
	c->oneway = message->oneway;
	c->more = message->more;
	c->upgrade = message->upgrade;
	conn->call = c;
	conn->class->dispatch(c, message->method, message->parameters, conn->class->arg);
}

/* True: not now. */
static bool queue_up(struct connection *conn)
{
	struct lookers *l = conn->class->lookers;

	if (conn->access > ACCESS_LOOK || conn->has_turn) {
		conn->has_turn = false;
		return false;
	}
	if (!awaits_turn(conn))
		list_append(&l->waiting, &conn->turn);
	loop_defer(conn->class->loop, &l->next);
	return true;
}

static void take_calls(struct connection *conn)
{
	for (;;) {
		struct varlink_call message;
		int r;

		flush(conn);
		if (conn->broken || conn->call || unsent(conn) > 0 || !conn->has_whole || queue_up(conn))
			break;
		r = varlink_take_call(&conn->in, conn->class->max_request, &message);
		conn->has_whole = r > 0;
		conn->broken = r < 0;
		if (r <= 0)
			break;
		timer_clear(&conn->stall); /* the next message has its own time */
		start_call(conn, &message);
		varlink_call_deinit(&message);
	}
	if (conn->in.len == 0)
		buf_deinit(&conn->in);
}

static void on_stall(struct timer *t, usec_t now unused)
{
	connection_free(container_of(t, struct connection, stall));
}

/* By the clock and not by loop_now(): the time that a method took is not the client's. */
static int watch_stall(struct connection *conn)
{
	const bool waiting =
		unsent(conn) > 0 || (!conn->call && !awaits_turn(conn) && conn->in.len > 0);

	if (!waiting)
		timer_clear(&conn->stall);
	if (!waiting || conn->stall.loop)
		return 0;
	return timer_set(conn->class->loop, &conn->stall,
			 usec_add(clock_now(), conn->class->max_stall), on_stall);
}

/* ERR and HUP come unasked: a client that goes away during its call is noticed with an empty mask. */
static int watch_events(struct connection *conn)
{
	const uint32_t events = unsent(conn) > 0 ? EPOLLOUT : wants_input(conn) ? EPOLLIN : 0;
	int r = 0;

	if (events != conn->events)
		r = io_change(&conn->io, events);
	conn->events = events;
	return r;
}

/* Brings everything as far as it goes now. Frees conn when that is its end. */
static void advance(struct connection *conn)
{
	take_calls(conn);
	list_remove(&conn->work.link); /* done just now */
	if (conn->eof && !conn->call && !awaits_turn(conn) && unsent(conn) == 0)
		conn->broken = true;
	if (conn->broken || watch_stall(conn) < 0 || watch_events(conn) < 0)
		connection_free(conn);
}

static void on_io(struct io_source *s, uint32_t events)
{
	struct connection *conn = container_of(s, struct connection, io);

	/* After a hang-up, what the client sent before is read first, up to its end. */
	if (wants_input(conn))
		receive(conn);
	else if (events & (EPOLLERR | EPOLLHUP))
		conn->broken = true;
	advance(conn);
}

static void on_work(struct deferred *d)
{
	advance(container_of(d, struct connection, work));
}

static void on_next(struct deferred *d)
{
	struct lookers *l = container_of(d, struct lookers, next);
	struct list *node = list_pop(&l->waiting);
	struct connection *conn = node ? container_of(node, struct connection, turn) : NULL;

	if (!conn)
		return;
	conn->has_turn = true;
	if (!list_empty(&l->waiting))
		loop_defer(conn->class->loop, d);
	advance(conn);
}

void lookers_init(struct lookers *l)
{
	list_init(&l->waiting);
	list_init(&l->next.link);
	l->next.fn = on_next;
}

int connection_new(struct list *list, const struct connection_class *class, int fd,
		   const struct peer *peer, enum access access)
{
	struct connection *conn = calloc(1, sizeof(*conn));
	int r;

	if (!conn)
		return -ENOMEM;
	conn->class = class;
	conn->peer = *peer;
	conn->access = access;
	conn->work.fn = on_work;
	list_init(&conn->work.link);
	list_init(&conn->turn);
	conn->events = EPOLLIN;
	r = io_watch(class->loop, &conn->io, fd, conn->events, on_io);
	if (r < 0) {
		free(conn);
		return r;
	}
	list_append(list, &conn->link);
	return 0;
}

/*
 * Replies are sent after the batch of events that caused them, in one write; earlier only when
 * there are so many that the limit would hit a reader who had no chance yet.
 */
static void reply(struct call *c, const char *error, json_t *parameters, bool continues)
{
	struct connection *conn = c->connection;
	const size_t max = conn->class->max_backlog;

	if (unsent(conn) > max || c->oneway) {
		conn->broken |= !c->oneway;
		return;
	}
	/* Amortised: a byte is moved only after as many were sent. */
	if (conn->sent > unsent(conn)) {
		buf_consume(&conn->out, conn->sent);
		conn->sent = 0;
	}
	if (varlink_put_reply(&conn->out, error, parameters, continues) < 0)
		conn->broken = true;
	else if (unsent(conn) > max / 2)
		flush(conn);
}

static void end_call(struct call *c)
{
	c->connection->call = NULL;
	free(c);
}

void call_reply(struct call *c, json_t *parameters, bool continues)
{
	struct connection *conn = c->connection;

	assert(c->more || !continues);
	reply(c, NULL, parameters, continues);
	json_decref(parameters);
	if (!continues)
		end_call(c);
	loop_defer(conn->class->loop, &conn->work);
}

void call_error(struct call *c, const char *error, json_t *parameters)
{
	struct connection *conn = c->connection;

	reply(c, error, parameters, false);
	json_decref(parameters);
	end_call(c);
	loop_defer(conn->class->loop, &conn->work);
}

void call_invalid(struct call *c, const char *parameter)
{
	call_error(c, "org.varlink.service.InvalidParameter",
		   json_pack("{s:s}", "parameter", parameter));
}

void call_on_cancel(struct call *c, void (*fn)(struct call *c, void *arg), void *arg)
{
	c->on_cancel = fn;
	c->on_cancel_arg = arg;
}

enum access call_access(const struct call *c)
{
	return c->connection->access;
}

const struct peer *call_peer(const struct call *c)
{
	return &c->connection->peer;
}

bool call_wants_more(const struct call *c)
{
	return c->more;
}

bool call_is_backlogged(const struct call *c)
{
	return unsent(c->connection) > c->connection->class->max_backlog / 2;
}
