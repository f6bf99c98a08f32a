/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/server.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "daemon/connection.h"
#include "daemon/introspect.h"
#include "daemon/recorder.h"
#include "util/log.h"

#define ERROR(name) INTROSPECT_INTERFACE "." name

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* <asm-generic/socket.h>, Linux 6.16 */
#endif

#define DEFAULT_STALL (30 * USEC_PER_SEC)

/* How long to accept nobody when even turning a client away needs what is not there. */
#define ACCEPT_PAUSE USEC_PER_SEC

enum { ACCEPT_BATCH = 16 };

struct server {
	struct server_config cfg;
	struct connection_class class;
	struct lookers lookers;
	struct list connections;
	struct io_source listener;
	struct timer resume;
	int reserve; /* a descriptor to give up for a client that must be turned away */
	dev_t dev;   /* of the socket, to remove no other */
	ino_t ino;
};

static const struct method *find_method(const struct method *m, const char *name)
{
	while (m->name && !streq(m->name, name))
		m++;
	return m->name ? m : NULL;
}

static bool is_interface(const char *name, size_t len, const char *interface)
{
	return len == strlen(interface) && memcmp(name, interface, len) == 0;
}

static void call_method(struct call *c, const struct method *m, json_t *parameters, void *arg)
{
	/* No method takes the connection over, and a success would confirm that: varlink.md, "upgrade". */
	if (!m->fn || c->upgrade)
		call_error(c, ERROR("MethodNotImplemented"), json_pack("{s:s}", "method", m->name));
	else if (c->connection->access < m->access)
		call_error(c, ERROR("PermissionDenied"), NULL);
	else if (m->needs_more && !c->more)
		call_error(c, ERROR("ExpectedMore"), NULL);
	else
		m->fn(c, parameters, arg);
}

static void dispatch(struct call *c, const char *name, json_t *parameters, void *arg)
{
	struct server *s = arg;
	const char *dot = strrchr(name, '.');
	const size_t len = dot ? (size_t)(dot - name) : 0;
	const bool introspects = is_interface(name, len, INTROSPECT_INTERFACE);
	const struct method *m = find_method(introspects ? introspect_methods : s->cfg.methods, name);

	recorder_begin("request", name);
	if (m)
		call_method(c, m, parameters, introspects ? &s->cfg : s->cfg.arg);
	else if (!dot)
		call_invalid(c, "method");
	else if (introspects || is_interface(name, len, s->cfg.interface))
		call_error(c, ERROR("MethodNotFound"), json_pack("{s:s}", "method", name));
	else
		call_error(c, ERROR("InterfaceNotFound"), json_pack("{s:s%}", "interface", name, len));
}

/* Root must always get in: others together cannot take all places, nor one of them those of others. */
static bool has_room(const struct server *s, const struct peer *p, enum access access)
{
	const unsigned max = s->cfg.max_connections, quarter = max / 4;
	const struct connection *conn;
	unsigned all = 0, same = 0;

	list_for_each(&s->connections, conn, struct connection, link) {
		all++;
		same += conn->peer.uid == p->uid;
	}
	return access == ACCESS_ADMIN ? all < max : all < max - quarter && same < quarter;
}

static int admit(struct server *s, int fd)
{
	struct peer peer;
	enum access access;
	int r = peer_identify(fd, &peer);

	if (r < 0)
		return r;
	access = peer_access(fd, &peer, s->cfg.control_group);
	if (!has_room(s, &peer, access))
		return -EUSERS;
	return connection_new(&s->connections, &s->class, fd, &peer, access);
}

static int accept_one(struct server *s)
{
	cleanup_close int fd = accept4(s->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = admit(s, fd);
	if (r < 0)
		log_debug("A client was turned away: %s", strerror(-r));
	else
		TAKE_FD(fd);
	return 0;
}

static int keep_reserve(struct server *s)
{
	if (s->reserve < 0)
		s->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return s->reserve < 0 ? -errno : 0;
}

/*
 * Out of descriptors: gives up the reserve for one client, who sees the end at once instead of
 * waiting for us. Only this finds out whether there is one: accept4() takes the descriptor before
 * it looks (__sys_accept4_file in net/socket.c).
 */
static int turn_away(struct server *s)
{
	int fd, r;

	s->reserve = close_fd(s->reserve);
	fd = accept4(s->listener.fd, NULL, NULL, SOCK_CLOEXEC);
	r = fd < 0 ? -errno : 0;
	close_fd(fd);
	return keep_reserve(s) < 0 && r == 0 ? -EMFILE : r;
}

static void on_resume(struct timer *t, usec_t now)
{
	struct server *s = container_of(t, struct server, resume);

	keep_reserve(s); /* else turn_away() pauses again */
	if (io_change(&s->listener, EPOLLIN) < 0 &&
	    timer_set(s->class.loop, t, usec_add(now, ACCEPT_PAUSE), on_resume) < 0)
		log_error("No client is accepted any more");
}

/* What keeps accept4() from working keeps the listener ready: without a pause the loop would spin. */
static void pause_accepting(struct server *s, int cause)
{
	struct timer *t = &s->resume;

	log_warning("Clients have to wait: %s", strerror(-cause));
	if (timer_set(s->class.loop, t, usec_add(loop_now(s->class.loop), ACCEPT_PAUSE), on_resume) < 0 ||
	    io_change(&s->listener, 0) < 0)
		log_error("Cannot pause accepting clients");
}

static void on_client(struct io_source *io, uint32_t events unused)
{
	struct server *s = container_of(io, struct server, listener);

	for (int i = 0; i < ACCEPT_BATCH; i++) {
		int r = accept_one(s);

		if (r == -EMFILE || r == -ENFILE)
			r = turn_away(s);
		if (r == -EAGAIN)
			return;
		if (r < 0 && r != -ECONNABORTED && r != -EINTR) {
			pause_accepting(s, r);
			return;
		}
	}
}

/* Only a socket may be replaced or removed: the path could be a typing error. */
static int check_replaceable(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	return S_ISSOCK(st.st_mode) ? 0 : -EEXIST;
}

/*
 * Binds to a name of its own, sets the mode (bind(2) applies the umask) and renames: whoever opens
 * the path finds the old socket or the finished new one.
 */
static int bind_at(struct server *s, int fd, const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct stat st;
	int n = snprintf(sa.sun_path, sizeof(sa.sun_path), "%s~", path), r;

	if (n < 0 || (size_t)n >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	r = check_replaceable(path);
	if (r == 0)
		r = check_replaceable(sa.sun_path);
	if (r < 0)
		return r;
	unlink(sa.sun_path);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	if (chmod(sa.sun_path, 0666) < 0 || lstat(sa.sun_path, &st) < 0 ||
	    listen(fd, SOMAXCONN) < 0 || rename(sa.sun_path, path) < 0) {
		r = -errno;
		unlink(sa.sun_path);
		return r;
	}
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return 0;
}

static void remove_socket(const struct server *s)
{
	struct stat st;

	if (s->ino != 0 && lstat(s->cfg.socket_path, &st) == 0 && st.st_dev == s->dev &&
	    st.st_ino == s->ino)
		unlink(s->cfg.socket_path);
}

/*
 * Goes on with the socket of an earlier program, so that who connected meanwhile is served. It was bound to the name that
 * bind_at() has renamed since. listen(2) again makes us its SO_PEERCRED: unix_listen() in net/unix/af_unix.c.
 */
static int adopt_socket(struct server *s, int fd, const char *path)
{
	struct sockaddr_un sa;
	socklen_t len = sizeof(sa) - 1;
	const char *rest;
	struct stat st;

	memset(&sa, 0, sizeof(sa));
	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0 || lstat(path, &st) < 0)
		return -errno;
	rest = sa.sun_family == AF_UNIX ? after_prefix(sa.sun_path, path) : NULL;
	if (!rest || !streq(rest, "~") || !S_ISSOCK(st.st_mode))
		return -EADDRNOTAVAIL;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || listen(fd, SOMAXCONN) < 0)
		return -errno;
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return 0;
}

static int make_socket(struct server *s, int *out)
{
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	/* No method takes descriptors: where the kernel can, it refuses them at the sender. */
	setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &(int){ 0 }, sizeof(int));
	r = bind_at(s, fd, s->cfg.socket_path);
	if (r == 0)
		*out = TAKE_FD(fd);
	return r;
}

static int start_listening(struct server *s, struct loop *l)
{
	cleanup_close int fd = s->cfg.listen_fd > 0 ? s->cfg.listen_fd : -1;
	int r = fd >= 0 ? adopt_socket(s, fd, s->cfg.socket_path) : 0;

	if (r < 0) {
		log_warning("The inherited socket is not the one at %s: %s", s->cfg.socket_path,
			    strerror(-r));
		fd = close_fd(fd);
	}
	r = fd < 0 ? make_socket(s, &fd) : 0;
	if (r == 0)
		r = io_watch(l, &s->listener, fd, EPOLLIN, on_client);
	if (r == 0)
		TAKE_FD(fd);
	return r;
}

int server_new(struct server **out, struct loop *l, const struct server_config *cfg)
{
	struct server *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->cfg = *cfg;
	lookers_init(&s->lookers);
	s->class = (struct connection_class){ .loop = l,
					      .lookers = &s->lookers,
					      .max_request = cfg->max_request,
					      .max_backlog = cfg->max_backlog,
					      .max_stall = cfg->max_stall ? cfg->max_stall : DEFAULT_STALL,
					      .dispatch = dispatch,
					      .arg = s };
	list_init(&s->connections);
	s->listener.fd = -1;
	s->reserve = -1;
	r = keep_reserve(s);
	if (r == 0)
		r = start_listening(s, l);
	if (r < 0) {
		server_free(s);
		return r;
	}
	*out = s;
	return 0;
}

int server_listen_fd(const struct server *s)
{
	return s->listener.fd;
}

void server_drain(struct server *s, usec_t until)
{
	struct connection *conn;

	list_for_each(&s->connections, conn, struct connection, link)
		connection_drain(conn, until);
}

void server_free(struct server *s)
{
	struct connection *conn;

	if (!s)
		return;
	remove_socket(s);
	timer_clear(&s->resume);
	io_unwatch(&s->listener);
	close_fd(s->listener.fd);
	list_for_each(&s->connections, conn, struct connection, link)
		connection_free(conn);
	list_remove(&s->lookers.next.link);
	close_fd(s->reserve);
	free(s);
}
