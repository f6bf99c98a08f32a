/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * One client of the server: its bytes in and out, and the one call of it that is in progress.
 * Included by connection.c and server.c; what methods use of a call is in daemon/server.h.
 *
 * Memory is bounded by one request, max_backlog and one reply: nothing is read while a call is in
 * progress or a reply is unread. A message must be whole, and unread replies must move, within
 * max_stall, or the connection is closed. A client may shut down its side after its last call; it
 * still gets its replies.
 */
#include "daemon/server.h"
#include "util/buf.h"

/*
 * Those who may only look, and have asked something: one of them gets its answer in each round of the loop. However many ask,
 * and whatever their questions cost together, deadlines and everybody else come in between.
 */
struct lookers {
	struct list waiting; /* connections, by turn */
	struct deferred next;
};
void lookers_init(struct lookers *l);

/* What the connections of a server have in common; outlives them. */
struct connection_class {
	struct loop *loop;
	struct lookers *lookers;
	size_t max_request, max_backlog;
	usec_t max_stall;
	/* Gets each call in its turn and must see to it that it is answered. parameters is borrowed. */
	void (*dispatch)(struct call *c, const char *method, json_t *parameters, void *arg);
	void *arg;
};

struct connection {
	const struct connection_class *class;
	struct list link; /* in the list of the server */
	struct peer peer;
	enum access access;
	struct io_source io;
	uint32_t events; /* what io waits for */
	struct timer stall;
	struct deferred work;
	struct list turn; /* linked: it waits for it */
	bool has_turn;
	struct buf in, out;
	size_t sent; /* bytes of out that the kernel has */
	struct call *call;
	bool has_whole; /* in may hold a whole message, or one that is too long */
	bool eof;	/* the client will send no more */
	bool broken;	/* to be closed, whatever is pending */
};

struct call {
	struct connection *connection;
	bool oneway, more, upgrade;
	void (*on_cancel)(struct call *c, void *arg);
	void *on_cancel_arg;
};

/* Appends itself to list; frees itself once it is done with. Takes fd on success. 0 or -errno. */
int connection_new(struct list *list, const struct connection_class *class, int fd,
		   const struct peer *peer, enum access access) must_check;
/* Waits until all replies are on their way, until then at the latest: for the end, when no loop runs any more. */
void connection_drain(struct connection *conn, usec_t until);
/* Cancels its call. */
void connection_free(struct connection *conn);
