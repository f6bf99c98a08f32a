/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <sys/un.h>

#include "core/defaults.h"
#include "core/socket.h"
#include "lib/hostfacts.h"
#include "util/buf.h"
#include "util/strv.h"

TestSuite(socket, .timeout = 20);

/* NULL: it is refused, with an error that has that text in it. */
static struct unit *load(const char *name, const char *text, const char *error)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct unit *u = NULL;
	int r = unit_load(&u, name, &(struct unit_text){ "/u/x", text, strlen(text) }, 1,
			  &test_host, &diags);
	bool told = false;

	for (size_t i = 0; error && i < diags.n; i++)
		told |= diags.v[i].level == DIAG_ERROR && strstr(diags.v[i].text, error);
	cr_assert_eq(r, error ? -EBADMSG : 0, "%s: %s", text, diags.n > 0 ? diags.v[0].text : "");
	cr_assert(!error || told, "%s: %s", text, diags.n > 0 ? diags.v[0].text : "nothing was said");
	return u;
}

static struct unit *load_socket(const char *directives)
{
	cleanup_free char *text = NULL;

	cr_assert_geq(asprintf(&text, "[Socket]\n%s\n", directives), 0);
	return load("foo.socket", text, NULL);
}

/* ---- addresses ---- */

static void format(const struct socket_address *a, struct buf *b)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&a->storage;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a->storage;
	const struct sockaddr_un *un = (const struct sockaddr_un *)&a->storage;
	char host[INET6_ADDRSTRLEN];

	if (a->any.sa_family == AF_UNIX)
		buf_printf(b, "unix %s%s %u", *un->sun_path ? "" : "@",
			   un->sun_path + !*un->sun_path, a->len);
	else if (a->any.sa_family == AF_INET)
		buf_printf(b, "ipv4 %s %d", inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host)),
			   ntohs(in->sin_port));
	else if (a->any.sa_family == AF_INET6)
		buf_printf(b, "ipv6 %s %d%s%s%s",
			   inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host)),
			   ntohs(in6->sin6_port), a->any_host ? " any" : "", *a->device ? " " : "",
			   a->device);
	else
		buf_printf(b, "netlink %d", a->protocol);
}

Test(socket, addresses)
{
	static const struct {
		enum listen_kind kind;
		const char *text, *means; /* NULL: refused */
		int error;
	} cases[] = {
		{ LISTEN_STREAM, "/run/x", "unix /run/x 9", 0 },
		{ LISTEN_DATAGRAM, "@x y", "unix @x y 6", 0 },
		{ LISTEN_STREAM, "1.2.3.4:80", "ipv4 1.2.3.4 80", 0 },
		{ LISTEN_DATAGRAM, "[::1]:53", "ipv6 ::1 53", 0 },
		{ LISTEN_STREAM, "[fe80::1]:80%eth0", "ipv6 fe80::1 80 eth0", 0 },
		{ LISTEN_STREAM, "22", "ipv6 :: 22 any", 0 },
		{ LISTEN_NETLINK, "route 1361", "netlink 0", 0 },
		{ LISTEN_NETLINK, "kobject-uevent", "netlink 15", 0 },
		{ LISTEN_STREAM, "@", NULL, -EINVAL },
		{ LISTEN_STREAM, "", NULL, -EINVAL },
		{ LISTEN_STREAM, "0", NULL, -EINVAL },
		{ LISTEN_STREAM, "65536", NULL, -EINVAL },
		{ LISTEN_STREAM, "80x", NULL, -EINVAL },
		{ LISTEN_STREAM, "1.2.3:80", NULL, -EINVAL },
		{ LISTEN_STREAM, "1.2.3.4:", NULL, -EINVAL },
		{ LISTEN_STREAM, "1.2.3.4:0", NULL, -EINVAL },
		{ LISTEN_STREAM, "localhost:80", NULL, -EINVAL },
		{ LISTEN_STREAM, "1234567890.1234567890.1234567890:80", NULL, -EINVAL },
		{ LISTEN_STREAM, "[::1]80", NULL, -EINVAL },
		{ LISTEN_STREAM, "[::1", NULL, -EINVAL },
		{ LISTEN_STREAM, "[::1]:80%", NULL, -EINVAL },
		{ LISTEN_STREAM, "[::1]:80%a-name-that-is-too-long", NULL, -EINVAL },
		{ LISTEN_STREAM, "vsock:2:1234", NULL, -EPFNOSUPPORT },
		{ LISTEN_NETLINK, "nothing", NULL, -EINVAL },
		{ LISTEN_NETLINK, "route x", NULL, -EINVAL },
		{ LISTEN_NETLINK, "/run/x", NULL, -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_buf struct buf b = BUF_INIT;
		struct socket_address a;
		int r = socket_address_parse(cases[i].kind, cases[i].text, &a);

		cr_assert_eq(r, cases[i].error, "'%s': %d", cases[i].text, r);
		if (r < 0)
			continue;
		format(&a, &b);
		cr_assert_str_eq(b.data, cases[i].means);
	}
}

/* unix(7): 108 bytes, of which a path needs one for its end. */
Test(socket, the_longest_path)
{
	char path[110];
	struct socket_address a;

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[107] = '\0';
	cr_assert_eq(socket_address_parse(LISTEN_STREAM, path, &a), 0);
	cr_assert_eq(a.len, 110);
	path[107] = 'x';
	path[108] = '\0';
	cr_assert_eq(socket_address_parse(LISTEN_STREAM, path, &a), -ENAMETOOLONG);
	path[0] = '@';
	cr_assert_eq(socket_address_parse(LISTEN_STREAM, path, &a), 0);
	cr_assert_eq(a.len, 110);
}

/* Whatever the text: it is refused, or an address of a known family that fits. */
Test(socket, any_text_is_an_address_or_none)
{
	static const char letters[] = "0123456789.:[]%@/ abcvsockroute-\t";
	unsigned seed = 1, good = 0;

	for (unsigned n = 0; n < 200000; n++) {
		enum listen_kind kind = (enum listen_kind)(LISTEN_STREAM + n % (LISTEN_KIND_MAX - 1));
		struct socket_address a;
		char text[140];
		size_t len = (size_t)rand_r(&seed) % (n % 10 == 0 ? sizeof(text) - 1 : 12);

		for (size_t i = 0; i < len; i++)
			text[i] = letters[(size_t)rand_r(&seed) % (sizeof(letters) - 1)];
		text[len] = '\0';
		if (socket_address_parse(kind, text, &a) < 0)
			continue;
		good++;
		cr_assert_leq(a.len, sizeof(a.storage));
		cr_assert_gt(a.len, sizeof(sa_family_t));
		cr_assert(a.any.sa_family == AF_UNIX || a.any.sa_family == AF_INET ||
			  a.any.sa_family == AF_INET6 || a.any.sa_family == AF_NETLINK);
		cr_assert_eq(a.any.sa_family == AF_NETLINK, kind == LISTEN_NETLINK, "%s", text);
	}
	cr_assert_gt(good, 1000);
}

/* ---- units ---- */

struct shown {
	const char *key;
	char *value;
};

static void note(const char *key, const char *value, void *arg)
{
	struct shown *s = arg;

	if (streq(key, s->key)) {
		free(s->value);
		s->value = strdup(value);
	}
}

static void shows(const struct unit *u, const char *key, const char *value)
{
	struct shown s = { .key = key };

	unit_show(u, note, &s);
	cr_assert(s.value ? streq(s.value, value) : !value, "%s=%s, not %s", key,
		  s.value ? s.value : "(none)", value ? value : "(none)");
	free(s.value);
}

Test(socket, defaults)
{
	cleanup_unit struct unit *u = load_socket("ListenStream=/run/foo");
	cleanup_free char *service = socket_service_name(u);

	cr_assert_str_eq(service, "foo.service");
	cr_assert_str_eq(socket_fd_name(u), "foo.socket");
	cr_assert_eq(socket_trigger_burst(u), 20);
	cr_assert_eq(u->exec[EXEC_START].n, 1);
	cr_assert_eq(u->exec[EXEC_START].v[0].builtin, EXEC_LISTEN);
	cr_assert_eq(u->exec[EXEC_STOP_POST].n, 0);
	cr_assert_eq(u->timeout_start, 90 * USEC_PER_SEC);
	shows(u, "Listen", "/run/foo (Stream)");
	shows(u, "Triggers", "foo.service");
	shows(u, "SocketMode", "0666");
	shows(u, "DirectoryMode", "0755");
	shows(u, "Backlog", "2147483647");
	shows(u, "TriggerLimitIntervalUSec", "2s");
	shows(u, "KeepAlive", NULL);
}

Test(socket, settings)
{
	cleanup_unit struct unit *u =
		load_socket("ListenStream=/gone\nListenFIFO=/gone\nListenStream=\n"
			    "ListenStream=%t//x/../foo\nListenStream=%t//"
			    "%p\nListenDatagram=1.2.3.4:5\nListenFIFO=/f\nListenNetlink=audit "
			    "1\nListenSpecial=/proc/kmsg\nWritable=yes\n"
			    "SocketMode=0600\nDirectoryMode=0700\nSocketUser=root\nSocketGroup="
			    "1\nService=bar@x.service\n"
			    "FileDescriptorName=%p:bad\nFileDescriptorName=front\nSymlinks=/a /b "
			    "relative\nRemoveOnStop=yes\n"
			    "Backlog=7\nBindIPv6Only=ipv6-only\nBindToDevice="
			    "lo\nTriggerLimitIntervalSec=1min\nTriggerLimitBurst=3\n"
			    "KeepAlive=yes\nKeepAliveTimeSec=2min\nReceiveBuffer=64K\nSendBuffer="
			    "4G\nPriority=-1\nMark=5\nNoDelay=maybe\n"
			    "TimeoutSec=5\nExecStopPost=/bin/true");
	cleanup_free char *service = socket_service_name(u);

	cr_assert_eq(u->socket->n_listens, 5);
	cr_assert_str_eq(u->socket->listens[0].address, "/run/foo");
	cr_assert_str_eq(service, "bar@x.service");
	cr_assert_str_eq(socket_fd_name(u), "front");
	cr_assert_eq(socket_trigger_burst(u), 3);
	cr_assert_eq(u->exec[EXEC_STOP_POST].n, 2);
	cr_assert_eq(u->exec[EXEC_STOP_POST].v[0].builtin, EXEC_UNLINK, "before the unit's own");
	cr_assert_eq(u->timeout_start, 5 * USEC_PER_SEC);
	cr_assert_eq(u->timeout_stop, 5 * USEC_PER_SEC);
	shows(u, "Listen", "/run/foo (Stream)\n1.2.3.4:5 (Datagram)\n/f (FIFO)\naudit 1 (Netlink)\n/proc/kmsg (Special)");
	shows(u, "Symlinks", "/a /b");
	shows(u, "Writable", "yes");
	shows(u, "BindIPv6Only", "ipv6-only");
	shows(u, "KeepAlive", "yes");
	shows(u, "KeepAliveTimeSec", "120");
	shows(u, "ReceiveBuffer", "65536");
	shows(u, "SendBuffer", NULL);
	shows(u, "Priority", NULL);
	shows(u, "Mark", "5");
	shows(u, "NoDelay", NULL);
}

Test(socket, what_is_refused)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "[Socket]\n", "no Listen setting" },
		{ "[Unit]\nDescription=x\n", "no Listen setting" },
		{ "[Socket]\nListenStream=localhost:80\n", "localhost:80: not an address" },
		{ "[Socket]\nListenStream=vsock::1\n", "not supported" },
		{ "[Socket]\nListenFIFO=@x\n", "not an address" },
		{ "[Socket]\nListenSpecial=x\n", "not an address" },
		{ "[Socket]\nListenDatagram=/x\nAccept=yes\n", "non-accepting" },
		{ "[Socket]\nListenStream=/x\nAccept=yes\nService=a.service\n",
		  "Explicit service" },
		{ "[Socket]\nListenStream=/x\nAccept=yes\nMaxConnections=0\n", "too small" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		cr_assert_null(load("foo.socket", cases[i].text, cases[i].error));
}

/* systemd.socket(5), "AUTOMATIC DEPENDENCIES"; systemd.service(5), Sockets= and Type=dbus. */
Test(socket, dependencies)
{
	cleanup_unit struct unit *socket = load_socket("ListenStream=/x\nService=bar.service");
	cleanup_unit struct unit *bare =
		load("b.socket", "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/x\n", NULL);
	cleanup_unit struct unit *service =
		load("a.service", "[Service]\nExecStart=/bin/true\nSockets=x.socket y.service z.socket\nNonBlocking=yes\n",
		     NULL);
	cleanup_unit struct unit *bus =
		load("bus.service", "[Service]\nType=dbus\nBusName=a.b\nExecStart=/bin/true\n", NULL);

	cr_assert(defaults_add(socket) == 0 && defaults_add(bare) == 0 &&
		  defaults_add(service) == 0 && defaults_add(bus) == 0);
	cr_assert(strv_contains(socket->deps[DEP_BEFORE], "bar.service"));
	cr_assert(strv_contains(socket->deps[DEP_BEFORE], "sockets.target"));
	cr_assert(strv_contains(socket->deps[DEP_REQUIRES], "sysinit.target"));
	cr_assert(strv_contains(socket->deps[DEP_AFTER], "sysinit.target"));
	cr_assert_eq(strv_len(bare->deps[DEP_BEFORE]), 1);
	cr_assert(strv_contains(bare->deps[DEP_BEFORE], "b.service"));
	cr_assert_eq(strv_len(bare->deps[DEP_REQUIRES]), 0);
	cr_assert_eq(strv_len(service->deps[DEP_WANTS]), 2);
	cr_assert(strv_contains(service->deps[DEP_AFTER], "z.socket"));
	cr_assert(service->socket->non_blocking);
	cr_assert(strv_contains(bus->deps[DEP_WANTS], "dbus.socket"));
	cr_assert(strv_contains(bus->deps[DEP_AFTER], "dbus.socket"));
	cr_assert_null(bus->socket, "a service without sockets pays nothing");
}

/* Each option has its row. */
Test(socket, options_are_complete)
{
	for (size_t i = 0; i < SOCKET_OPTION_MAX; i++) {
		cr_assert_not_null(socket_options[i].key);
		cr_assert_neq(socket_options[i].name, 0);
	}
	for (enum listen_kind k = LISTEN_STREAM; k < LISTEN_KIND_MAX; k++)
		cr_assert_not_null(listen_kind_name(k));
	cr_assert_null(listen_kind_name(LISTEN_KIND_MAX));
}
