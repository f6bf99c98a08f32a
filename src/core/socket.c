/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/socket.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "util/buf.h"
#include "util/strv.h"

#define DEFAULT_BACKLOG		 ((unsigned)INT_MAX) /* net.core.somaxconn limits it */
#define DEFAULT_CONNECTIONS	 64U
#define DEFAULT_TRIGGER_INTERVAL (2 * USEC_PER_SEC)
#define DEFAULT_TRIGGER_BURST	 20U
#define DEFAULT_ACCEPT_BURST	 200U

/* clang-format off */
const struct socket_option_info socket_options[SOCKET_OPTION_MAX] = {
	[SOCKET_KEEP_ALIVE] = { "KeepAlive", OPTION_FLAG, SOL_SOCKET, SO_KEEPALIVE, 0, 0 },
	[SOCKET_KEEP_ALIVE_TIME] = { "KeepAliveTimeSec", OPTION_SECONDS, IPPROTO_TCP, TCP_KEEPIDLE, 0, 0 },
	[SOCKET_KEEP_ALIVE_INTERVAL] = { "KeepAliveIntervalSec", OPTION_SECONDS, IPPROTO_TCP, TCP_KEEPINTVL, 0, 0 },
	[SOCKET_KEEP_ALIVE_PROBES] = { "KeepAliveProbes", OPTION_NUMBER, IPPROTO_TCP, TCP_KEEPCNT, 0, 0 },
	[SOCKET_NO_DELAY] = { "NoDelay", OPTION_FLAG, IPPROTO_TCP, TCP_NODELAY, 0, 0 },
	[SOCKET_DEFER_ACCEPT] = { "DeferAcceptSec", OPTION_SECONDS, IPPROTO_TCP, TCP_DEFER_ACCEPT, 0, 0 },
	[SOCKET_PRIORITY] = { "Priority", OPTION_NUMBER, SOL_SOCKET, SO_PRIORITY, 0, 0 },
	[SOCKET_RECEIVE_BUFFER] = { "ReceiveBuffer", OPTION_BYTES, SOL_SOCKET, SO_RCVBUF, 0, 0 },
	[SOCKET_SEND_BUFFER] = { "SendBuffer", OPTION_BYTES, SOL_SOCKET, SO_SNDBUF, 0, 0 },
	[SOCKET_IP_TOS] = { "IPTOS", OPTION_NUMBER, IPPROTO_IP, IP_TOS, 0, 0 },
	[SOCKET_IP_TTL] = { "IPTTL", OPTION_NUMBER, IPPROTO_IP, IP_TTL, IPPROTO_IPV6, IPV6_UNICAST_HOPS },
	[SOCKET_MARK] = { "Mark", OPTION_NUMBER, SOL_SOCKET, SO_MARK, 0, 0 },
	[SOCKET_REUSE_PORT] = { "ReusePort", OPTION_FLAG, SOL_SOCKET, SO_REUSEPORT, 0, 0 },
	[SOCKET_FREE_BIND] = { "FreeBind", OPTION_FLAG, IPPROTO_IP, IP_FREEBIND, IPPROTO_IPV6, IPV6_FREEBIND },
	[SOCKET_TRANSPARENT] = { "Transparent", OPTION_FLAG, IPPROTO_IP, IP_TRANSPARENT, IPPROTO_IPV6, IPV6_TRANSPARENT },
	[SOCKET_BROADCAST] = { "Broadcast", OPTION_FLAG, SOL_SOCKET, SO_BROADCAST, 0, 0 },
	[SOCKET_PASS_CREDENTIALS] = { "PassCredentials", OPTION_FLAG, SOL_SOCKET, SO_PASSCRED, 0, 0 },
	[SOCKET_PASS_SECURITY] = { "PassSecurity", OPTION_FLAG, SOL_SOCKET, SO_PASSSEC, 0, 0 },
};
/* clang-format on */

static const char *const kind_names[LISTEN_KIND_MAX] = {
	[LISTEN_STREAM] = "Stream",
	[LISTEN_DATAGRAM] = "Datagram",
	[LISTEN_SEQUENTIAL_PACKET] = "SequentialPacket",
	[LISTEN_FIFO] = "FIFO",
	[LISTEN_SPECIAL] = "Special",
	[LISTEN_NETLINK] = "Netlink",
};

const char *listen_kind_name(enum listen_kind k)
{
	return (unsigned)k < LISTEN_KIND_MAX ? kind_names[k] : NULL;
}

const char *bind_ipv6_only_name(enum bind_ipv6_only b)
{
	static const char *const names[BIND_IPV6_MAX] = { "default", "both", "ipv6-only" };

	return (unsigned)b < BIND_IPV6_MAX ? names[b] : NULL;
}

struct socket_unit *socket_unit_of(struct socket_unit **field)
{
	struct socket_unit *s = *field ? NULL : malloc(sizeof(*s));

	if (s) {
		*s = (struct socket_unit){ .mode = 0666,
					   .directory_mode = 0755,
					   .backlog = DEFAULT_BACKLOG,
					   .max_connections = DEFAULT_CONNECTIONS,
					   .trigger_interval = DEFAULT_TRIGGER_INTERVAL,
					   .trigger_burst = UINT_MAX };
		*field = s;
	}
	return *field;
}

void socket_unit_free(struct socket_unit *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_listens; i++)
		free(s->listens[i].address);
	free(s->listens);
	free(s->user);
	free(s->group);
	free(s->service);
	free(s->fd_name);
	free(s->device);
	strv_free(s->symlinks);
	strv_free(s->names);
	free(s);
}

/* ---- what follows from its files ---- */

/* In front of those of its files. */
static int add_builtin(struct exec_commands *list, enum exec_builtin what, const char *name)
{
	struct exec_command *grown = reallocarray(list->v, list->n + 1, sizeof(*grown));
	struct exec_command c = { .builtin = what };

	if (!grown)
		return -ENOMEM;
	list->v = grown;
	c.path = strdup(name);
	if (!c.path || strv_push(&c.argv, name) < 0) {
		free(c.path);
		return -ENOMEM;
	}
	memmove(grown + 1, grown, list->n++ * sizeof(*grown));
	grown[0] = c;
	return 0;
}

int socket_complete(struct unit *u)
{
	int r = socket_unit_of(&u->socket) ? 0 : -ENOMEM;

	if (r == 0)
		r = add_builtin(&u->exec[EXEC_START], EXEC_LISTEN, "(listen)");
	if (r == 0 && (u->socket->remove_on_stop))
		r = add_builtin(&u->exec[EXEC_STOP_POST], EXEC_UNLINK, "(remove)");
	return r;
}

/* Accept=yes is for what can be accepted from. */
static bool may_accept(const struct listen *l)
{
	return l->kind == LISTEN_STREAM || l->kind == LISTEN_SEQUENTIAL_PACKET;
}

const char *socket_fault(const struct unit *u)
{
	const struct socket_unit *s = u->socket;

	if (s->n_listens == 0)
		return "Unit has no Listen setting (ListenStream=, ListenDatagram=, ListenFIFO=, "
		       "...). Refusing.";
	if (!s->accept)
		return NULL;
	for (size_t i = 0; i < s->n_listens; i++)
		if (!may_accept(&s->listens[i]))
			return "Unit configured for accepting sockets, but sockets are "
			       "non-accepting. Refusing.";
	if (s->max_connections == 0)
		return "MaxConnection= setting too small. Refusing.";
	if (s->service)
		return "Explicit service configuration for accepting socket units not supported. "
		       "Refusing.";
	return "Accept=yes, an instance of the service for each connection, is not supported. "
	       "Refusing.";
}

/* ---- what it leads to ---- */

char *socket_service_name(const struct unit *u)
{
	char *name;

	if (u->socket && u->socket->service)
		return strdup(u->socket->service);
	if (asprintf(&name, "%.*s%s.service", (int)(strrchr(u->name, '.') - u->name), u->name,
		     u->socket && u->socket->accept ? "@" : "") < 0)
		return NULL;
	return name;
}

const char *socket_fd_name(const struct unit *u)
{
	return u->socket && u->socket->fd_name ? u->socket->fd_name : u->name;
}

unsigned socket_trigger_burst(const struct unit *u)
{
	return u->socket->trigger_burst != UINT_MAX ? u->socket->trigger_burst
	       : u->socket->accept		    ? DEFAULT_ACCEPT_BURST
						    : DEFAULT_TRIGGER_BURST;
}
