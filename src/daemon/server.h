/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The Varlink server: connections on a Unix socket, bounded in number, in memory and in what one
 * peer may hold. Knows nothing of units: methods come from a table, and answer now or later.
 *
 * A malformed message closes its connection. A slow reader costs memory up to a limit, then it is
 * closed. Calls of one connection are answered in order: the next one is dispatched when the one
 * before has its last reply.
 */
#include <jansson.h>
#include <sys/types.h>

#include "daemon/loop.h"
#include "daemon/peer.h"
#include "util/macro.h"

struct call; /* one method call in progress */

struct method {
	const char *name;   /* "io.cgkill.manager.Stop" */
	enum access access; /* what the peer needs; else org.varlink.service.PermissionDenied */
	bool needs_more;    /* else org.varlink.service.ExpectedMore */
	/*
	 * Answers with call_reply() or call_error(), now or later. parameters is borrowed for the duration of fn.
	 */
	void (*fn)(struct call *c, json_t *parameters,
		   void *arg); /* NULL: org.varlink.service.MethodNotImplemented */
};

/* What it points to is borrowed for the life of the server. */
struct server_config {
	const char *socket_path; /* made with mode 0666: SO_PEERCRED decides; a stale socket is replaced */
	int listen_fd; /* a socket that an earlier program listens on at that path, the server's from now on; 0 = none */
	const struct method *methods; /* ends with a NULL name */
	void *arg;
	const char *vendor, *product, *version, *url;
	const char *interface;	 /* "io.cgkill.manager" */
	const char *description; /* its IDL text, for org.varlink.service.GetInterfaceDescription */
	gid_t control_group;	 /* members of this group get ACCESS_CONTROL; (gid_t)-1 = none */
	unsigned max_connections; /* the last quarter is for root and our own user; any other uid gets at most a quarter */
	size_t max_request; /* bytes of one message */
	size_t max_backlog; /* bytes of unread replies of one connection, to which one more reply may be added */
	usec_t max_stall; /* for a message to be whole, and for unread replies to move at all; 0 = 30 s */
};

struct server;
int server_new(struct server **out, struct loop *l, const struct server_config *cfg) must_check;
int server_listen_fd(const struct server *s); /* to be kept for a later program */
/* After the loop: waits until the replies are on their way, for those who read them, until then at the latest. */
void server_drain(struct server *s, usec_t until);
void server_free(struct server *s); /* closes all connections, cancels all calls, removes the socket */

const struct peer *call_peer(const struct call *c);
enum access call_access(const struct call *c);
bool call_wants_more(const struct call *c);
/*
 * Sends a reply. continues only if call_wants_more(); without it the call ends and c is freed. parameters is stolen, NULL =
 * {}. Never fails visibly: a broken connection is closed later from the loop (its cancel callbacks run then).
 */
void call_reply(struct call *c, json_t *parameters, bool continues);
/* Ends the call with an error: a full name, or for a standard one "org.varlink.service.InvalidParameter". Steals, too. */
void call_error(struct call *c, const char *error, json_t *parameters);
/* {"parameter": name} with org.varlink.service.InvalidParameter. */
void call_invalid(struct call *c, const char *parameter);

/*
 * A call that is answered later registers here to hear that its connection is gone; after the
 * callback c is freed and must not be used. Freed without the callback when it is answered.
 */
void call_on_cancel(struct call *c, void (*fn)(struct call *c, void *arg), void *arg);
/* True while more unread bytes wait than a monitor should add to: skip progress, close or drop for monitors. */
bool call_is_backlogged(const struct call *c);
