/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses as the files of units write them: systemd.socket(5), ListenStream=. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "core/socket.h"
#include "util/parse.h"

static const int types[LISTEN_KIND_MAX] = {
	[LISTEN_STREAM] = SOCK_STREAM,
	[LISTEN_DATAGRAM] = SOCK_DGRAM,
	[LISTEN_SEQUENTIAL_PACKET] = SOCK_SEQPACKET,
	[LISTEN_NETLINK] = SOCK_RAW,
};

static int parse_unix(const char *text, struct socket_address *a)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&a->storage;
	size_t n = strlen(text);
	bool abstract = *text == '@';

	if (abstract && n == 1)
		return -EINVAL;
	/* An abstract name has no NUL at its end, a path has one: unix(7). */
	if (n + !abstract > sizeof(un->sun_path))
		return -ENAMETOOLONG;
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, text, n);
	if (abstract)
		un->sun_path[0] = '\0';
	a->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + !abstract);
	return 0;
}

static int parse_port(const char *text, in_port_t *out)
{
	unsigned port;
	int r = parse_uint(text, &port);

	if (r < 0 || port == 0 || port > UINT16_MAX)
		return -EINVAL;
	*out = htons((uint16_t)port);
	return 0;
}

/* text: behind the host. "%eth0" at its end is the device. */
static int parse_device(char *text, struct socket_address *a)
{
	char *device = strchr(text, '%');

	if (!device)
		return 0;
	*device++ = '\0';
	if (*device == '\0' || strlen(device) >= sizeof(a->device))
		return -EINVAL;
	strcpy(a->device, device);
	return 0;
}

/* "[::1]:80%eth0" */
static int parse_ipv6(const char *text, struct socket_address *a)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a->storage;
	char copy[128], *host = copy + 1, *end;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	end = strchr(copy, ']');
	if (!end || end[1] != ':')
		return -EINVAL;
	*end = '\0';
	in6->sin6_family = AF_INET6;
	a->len = sizeof(*in6);
	if (parse_device(end + 2, a) < 0 || inet_pton(AF_INET6, host, &in6->sin6_addr) != 1)
		return -EINVAL;
	return parse_port(end + 2, &in6->sin6_port);
}

static int parse_ipv4(const char *text, struct socket_address *a)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&a->storage;
	const char *colon = strrchr(text, ':');
	char host[INET_ADDRSTRLEN] = "";

	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, (size_t)(colon - text));
	in->sin_family = AF_INET;
	a->len = sizeof(*in);
	return inet_pton(AF_INET, host, &in->sin_addr) == 1 ? parse_port(colon + 1, &in->sin_port)
							    : -EINVAL;
}

static int parse_any_host(const char *text, struct socket_address *a)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a->storage;

	in6->sin6_family = AF_INET6;
	in6->sin6_addr = in6addr_any;
	a->len = sizeof(*in6);
	a->any_host = true;
	return parse_port(text, &in6->sin6_port);
}

/* netlink(7); the numbers of uapi/linux/netlink.h */
static int netlink_family(const char *name, int *out)
{
	static const struct {
		const char *name;
		int family;
	} families[] = {
		{ "route", NETLINK_ROUTE },
		{ "firewall", NETLINK_FIREWALL },
		{ "inet-diag", NETLINK_INET_DIAG },
		{ "nflog", NETLINK_NFLOG },
		{ "xfrm", NETLINK_XFRM },
		{ "selinux", NETLINK_SELINUX },
		{ "iscsi", NETLINK_ISCSI },
		{ "audit", NETLINK_AUDIT },
		{ "fib-lookup", NETLINK_FIB_LOOKUP },
		{ "connector", NETLINK_CONNECTOR },
		{ "netfilter", NETLINK_NETFILTER },
		{ "ip6-fw", NETLINK_IP6_FW },
		{ "dnrtmsg", NETLINK_DNRTMSG },
		{ "kobject-uevent", NETLINK_KOBJECT_UEVENT },
		{ "generic", NETLINK_GENERIC },
		{ "scsitransport", NETLINK_SCSITRANSPORT },
		{ "ecryptfs", NETLINK_ECRYPTFS },
		{ "rdma", NETLINK_RDMA },
	};

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (streq(families[i].name, name)) {
			*out = families[i].family;
			return 0;
		}
	return -EINVAL;
}

/* "route 1361": the second word says which groups, as a mask. */
static int parse_netlink(const char *text, struct socket_address *a)
{
	struct sockaddr_nl *nl = (struct sockaddr_nl *)&a->storage;
	size_t n = strcspn(text, " \t");
	const char *groups = text + n + strspn(text + n, " \t");
	char name[32];

	if (n >= sizeof(name))
		return -EINVAL;
	memcpy(name, text, n);
	name[n] = '\0';
	nl->nl_family = AF_NETLINK;
	a->len = sizeof(*nl);
	if (*groups && parse_uint(groups, &nl->nl_groups) < 0)
		return -EINVAL;
	return netlink_family(name, &a->protocol);
}

int socket_address_parse(enum listen_kind kind, const char *text, struct socket_address *out)
{
	struct socket_address a = { .type = types[kind] };
	int r;

	if (kind == LISTEN_NETLINK)
		r = parse_netlink(text, &a);
	else if (*text == '/' || *text == '@')
		r = parse_unix(text, &a);
	else if (after_prefix(text, "vsock:"))
		r = -EPFNOSUPPORT;
	else if (*text == '[')
		r = parse_ipv6(text, &a);
	else if (strchr(text, ':'))
		r = parse_ipv4(text, &a);
	else
		r = parse_any_host(text, &a);
	if (r < 0)
		return r;
	*out = a;
	return 0;
}

const char *listen_path(const struct listen *l)
{
	bool makes = l->kind != LISTEN_NETLINK && l->kind != LISTEN_SPECIAL;

	return makes && *l->address == '/' ? l->address : NULL;
}
