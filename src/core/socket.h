/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a socket unit listens on, and how: systemd.socket(5). And what a service says of its sockets. No I/O here.
 */
#include <net/if.h>
#include <sys/socket.h>

#include "core/load.h"

/* As many as one message can hand over: SCM_MAX_FD, include/net/scm.h. */
#define LISTENS_MAX 253

enum listen_kind {
	LISTEN_INVALID,
	LISTEN_STREAM,
	LISTEN_DATAGRAM,
	LISTEN_SEQUENTIAL_PACKET,
	LISTEN_FIFO,
	LISTEN_SPECIAL, /* a device, a file of /proc or /sys */
	LISTEN_NETLINK,
	LISTEN_KIND_MAX,
};

struct listen {
	enum listen_kind kind;
	char *address; /* a valid one, specifiers expanded; of FIFO and SPECIAL a path */
};

enum bind_ipv6_only {
	BIND_IPV6_DEFAULT, /* as /proc/sys/net/ipv6/bindv6only says */
	BIND_IPV6_BOTH,
	BIND_IPV6_ONLY,
	BIND_IPV6_MAX,
};

/* Directives that are one setsockopt(2) each. */
enum socket_option {
	SOCKET_KEEP_ALIVE,
	SOCKET_KEEP_ALIVE_TIME,
	SOCKET_KEEP_ALIVE_INTERVAL,
	SOCKET_KEEP_ALIVE_PROBES,
	SOCKET_NO_DELAY,
	SOCKET_DEFER_ACCEPT,
	SOCKET_PRIORITY,
	SOCKET_RECEIVE_BUFFER,
	SOCKET_SEND_BUFFER,
	SOCKET_IP_TOS,
	SOCKET_IP_TTL,
	SOCKET_MARK,
	SOCKET_REUSE_PORT,
	SOCKET_FREE_BIND,
	SOCKET_TRANSPARENT,
	SOCKET_BROADCAST,
	SOCKET_PASS_CREDENTIALS,
	SOCKET_PASS_SECURITY,
	SOCKET_OPTION_MAX,
};

/* Of a socket; of a service only its last two. */
struct socket_unit {
	struct listen *listens;
	size_t n_listens;
	bool accept;
	unsigned mode, directory_mode;
	char *user, *group; /* of what is in the file system; NULL = ours */
	char *service;	    /* Service=; NULL: of the socket's own name */
	char *fd_name;	    /* FileDescriptorName=; NULL: the unit's name */
	char *device;	    /* BindToDevice=; NULL = none */
	char **symlinks;
	bool remove_on_stop;
	bool writable; /* what is SPECIAL is opened for writing, too */
	unsigned backlog;
	unsigned max_connections; /* Accept=yes */
	enum bind_ipv6_only bind_ipv6_only;
	uint32_t set;			/* one bit for each of: */
	int options[SOCKET_OPTION_MAX]; /* flags 0 and 1, seconds, bytes, numbers */
	usec_t trigger_interval;	/* TriggerLimitIntervalSec=; 0 = no limit; default 2 s */
	unsigned trigger_burst;		/* … and how often in it; UINT_MAX: not set */
	char **names;			/* a service's Sockets= */
	bool non_blocking;		/* a service's NonBlocking= */
};

/* The one of *field, made if there is none; NULL without memory. */
struct socket_unit *socket_unit_of(struct socket_unit **field) must_check;
void socket_unit_free(struct socket_unit *s); /* takes NULL */

/* Of UNIT_SOCKET, once its files are read: the commands that are ours, and what follows from the name. 0 or -ENOMEM. */
int socket_complete(struct unit *u) must_check;
/* Why it cannot be used, as a sentence; NULL: it can. */
const char *socket_fault(const struct unit *u);

/* The name of the service that traffic starts, "foo.service"; of Accept=yes its template. NULL without memory. */
char *socket_service_name(const struct unit *u) must_check;
/* What its descriptors are called: $LISTEN_FDNAMES. */
const char *socket_fd_name(const struct unit *u);
/* TriggerLimitBurst=, or its default. */
unsigned socket_trigger_burst(const struct unit *u);

const char *listen_kind_name(enum listen_kind k);	/* "Stream", as in ListenStream= */
const char *bind_ipv6_only_name(enum bind_ipv6_only b); /* "ipv6-only" */

/* One row for each enum socket_option. */
struct socket_option_info {
	const char *key;
	enum { OPTION_FLAG, OPTION_NUMBER, OPTION_SECONDS, OPTION_BYTES } type;
	int level, name;   /* of setsockopt(2) */
	int level6, name6; /* of a socket of IPv6, where that is another one; else 0 */
};
extern const struct socket_option_info socket_options[SOCKET_OPTION_MAX];

/* An address as bind(2) takes it. */
struct socket_address {
	union {
		struct sockaddr any;
		struct sockaddr_storage storage;
	};
	socklen_t len;
	int type;		  /* SOCK_STREAM … */
	int protocol;		  /* of AF_NETLINK: which; else 0 */
	bool any_host;		  /* a port alone: of IPv4 where there is no IPv6 */
	char device[IF_NAMESIZE]; /* behind '%': the scope of a link-local address; "" = none */
};

/*
 * "/path", "@abstract", "1.2.3.4:80", "[::1]:80", "[fe80::1]:80%eth0", "80"; of LISTEN_NETLINK "route 1361". 0; -EINVAL;
 * -ENAMETOOLONG: of a path or an abstract name; -EPFNOSUPPORT: "vsock:".
 */
int socket_address_parse(enum listen_kind kind, const char *text, struct socket_address *out) must_check;
/* The path of what it has made in the file system; NULL = it makes nothing there. */
const char *listen_path(const struct listen *l);

/* The rows of unit_show(). */
void socket_show(const struct unit *u, struct showing *out);
