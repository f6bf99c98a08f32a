/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A socket's process opens what the unit listens on and hands it to cgkilld: paths may be on file systems that never answer,
 * and users in directory services that hang, so that it is a process like that of any service, with a timeout and a kill.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <time.h>

#include "core/socket.h"
#include "exec/child.h"

/* Where child_set_up_fds() has put the only descriptor that it was given. */
#define HANDOVER_FD (STDERR_FILENO + 1)

struct owner {
	uid_t uid;
	gid_t gid;
};

/* Those of SocketUser= and SocketGroup=, looked up as User= and Group= are. */
static struct owner look_up_owner(const struct child *c)
{
	const struct socket_unit *s = c->x->unit->socket;
	struct unit named = *c->x->unit;
	struct exec_context x = *c->x;
	const struct child as = { .x = &x, .report_fd = c->report_fd };
	struct owner o = { (uid_t)-1, (gid_t)-1 };

	named.user = s->user;
	named.group = s->group;
	x.unit = &named;
	if (s->user || s->group)
		child_look_up_owner(&as, &o.uid, &o.gid);
	if (!s->user)
		o.uid = (uid_t)-1;
	return o;
}

/* ---- in the file system ---- */

/* What is missing of the directories above path. Who comes to nothing finds that out when the socket is bound. */
static void make_parents(const char *path, mode_t mode)
{
	char *copy = strdupa(path), *slash = copy;

	umask(0);
	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		(void)!mkdir(copy, mode);
		*slash = '/';
	}
}

/* It is taken hold of before it is looked at, so that nobody can exchange it in between. */
static int give_away(const char *path, mode_t type, const struct owner *o)
{
	cleanup_close int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if ((st.st_mode & S_IFMT) != type)
		return -EEXIST;
	return fchownat(fd, "", o->uid, o->gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static bool is_of_type(const char *path, mode_t type)
{
	struct stat st;

	return lstat(path, &st) == 0 && (st.st_mode & S_IFMT) == type;
}

static void make_symlinks(const struct child *c, const char *target)
{
	const struct socket_unit *s = c->x->unit->socket;

	for (char **link = s->symlinks; link && *link; link++) {
		make_parents(*link, s->directory_mode);
		if (is_of_type(*link, S_IFLNK))
			(void)!unlink(*link);
		if (symlink(target, *link) < 0)
			child_warn(c, STEP_LISTEN, errno, *link);
	}
}

/* ---- sockets ---- */

static void set_options(const struct child *c, int fd, const struct socket_address *a)
{
	const struct socket_unit *s = c->x->unit->socket;
	const int family = a->any.sa_family;
	const bool inet = family == AF_INET || family == AF_INET6;

	for (size_t i = 0; i < SOCKET_OPTION_MAX; i++) {
		const struct socket_option_info *o = &socket_options[i];
		bool v6 = family == AF_INET6 && o->level6;
		int level = v6 ? o->level6 : o->level, name = v6 ? o->name6 : o->name;

		if (!(s->set & (1U << i)) || (level != SOL_SOCKET && !inet) ||
		    (level == IPPROTO_TCP && a->type != SOCK_STREAM))
			continue;
		if (setsockopt(fd, level, name, &s->options[i], sizeof(int)) < 0)
			child_warn(c, STEP_LISTEN, errno, o->key);
	}
}

static int set_flag(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* What says where it listens has to be as it was asked for. */
static int set_place(const struct child *c, int fd, struct socket_address *a)
{
	const struct socket_unit *s = c->x->unit->socket;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a->storage;
	int r = 0;

	if (a->any.sa_family == AF_INET || a->any.sa_family == AF_INET6)
		r = set_flag(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (r == 0 && a->any.sa_family == AF_INET6 && s->bind_ipv6_only != BIND_IPV6_DEFAULT)
		r = set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY, s->bind_ipv6_only == BIND_IPV6_ONLY);
	if (r == 0 && s->device &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, s->device, (socklen_t)strlen(s->device) + 1) < 0)
		r = -errno;
	if (r == 0 && *a->device && (in6->sin6_scope_id = if_nametoindex(a->device)) == 0)
		r = -errno;
	return r;
}

static int bind_as(int fd, const struct socket_address *a, mode_t mask)
{
	umask(mask);
	return bind(fd, &a->any, a->len) < 0 ? -errno : 0;
}

/* Does somebody listen there? On a host of systemd it may be that, whose bus is not to be taken away. */
static bool is_in_use(const struct socket_address *a)
{
	cleanup_close int fd = socket(AF_UNIX, a->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 || connect(fd, &a->any, a->len) == 0 || errno != ECONNREFUSED;
}

/* A socket that an earlier owner has left is replaced; nothing else is. */
static int bind_path(const struct child *c, int fd, const struct socket_address *a, const char *path)
{
	const mode_t mask = ~c->x->unit->socket->mode & 0777;
	int r = bind_as(fd, a, mask);

	if (r != -EADDRINUSE)
		return r;
	if (!is_of_type(path, S_IFSOCK))
		return -EEXIST;
	return !is_in_use(a) && unlink(path) == 0 ? bind_as(fd, a, mask) : r;
}

/*
 * Who has it open may be about to close it: the guard, which is told of the end of a listener by a message, or a child of
 * cgkilld that has just been forked.
 */
static int bind_in_time(const struct child *c, int fd, const struct socket_address *a, const char *path)
{
	const struct timespec pause = { .tv_nsec = 10000000 };

	for (unsigned tries = 200; tries > 0; tries--) {
		int r = path ? bind_path(c, fd, a, path) : bind_as(fd, a, 0);

		if (r != -EADDRINUSE)
			return r;
		nanosleep(&pause, NULL);
	}
	return -EADDRINUSE;
}

/* A port alone: where there is no IPv6, of IPv4. */
static int make_socket(struct socket_address *a)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&a->storage;
	int fd = socket(a->any.sa_family, a->type | SOCK_CLOEXEC, a->protocol);

	if (fd < 0 && errno == EAFNOSUPPORT && a->any_host) {
		in_port_t port = ((struct sockaddr_in6 *)&a->storage)->sin6_port;

		*in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = port };
		a->len = sizeof(*in);
		fd = socket(AF_INET, a->type | SOCK_CLOEXEC, 0);
	}
	return fd < 0 ? -errno : fd;
}

static int open_socket(const struct child *c, const struct listen *l, const struct owner *o)
{
	const struct socket_unit *s = c->x->unit->socket;
	const char *path = listen_path(l);
	struct socket_address a;
	int r = socket_address_parse(l->kind, l->address, &a);
	cleanup_close int fd = r == 0 ? make_socket(&a) : r;

	if (fd < 0)
		return fd;
	set_options(c, fd, &a);
	r = set_place(c, fd, &a);
	if (r == 0 && path)
		make_parents(path, s->directory_mode);
	if (r == 0)
		r = bind_in_time(c, fd, &a, path);
	if (r == 0 && path && (s->user || s->group))
		r = give_away(path, S_IFSOCK, o);
	if (r == 0 && (a.type == SOCK_STREAM || a.type == SOCK_SEQPACKET) &&
	    listen(fd, (int)MIN_OF(s->backlog, (unsigned)INT_MAX)) < 0)
		r = -errno;
	return r < 0 ? r : TAKE_FD(fd);
}

/* Open for both, so that it neither waits for somebody to write nor ever has an end: fifo(7). */
static int open_fifo(const struct child *c, const struct listen *l, const struct owner *o)
{
	const struct socket_unit *s = c->x->unit->socket;
	cleanup_close int fd = -1;
	struct stat st;
	int r;

	make_parents(l->address, s->directory_mode);
	if (mkfifo(l->address, s->mode) < 0 && errno != EEXIST)
		return -errno;
	fd = open(l->address, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISFIFO(st.st_mode))
		return -EEXIST;
	if ((st.st_mode & 07777) != s->mode && fchmod(fd, s->mode) < 0)
		return -errno;
	r = s->user || s->group ? give_away(l->address, S_IFIFO, o) : 0;
	return r < 0 ? r : TAKE_FD(fd);
}

static int open_special(const struct child *c, const struct listen *l)
{
	const int flags = c->x->unit->socket->writable ? O_RDWR : O_RDONLY;
	cleanup_close int fd = open(l->address, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) || S_ISCHR(st.st_mode) ? TAKE_FD(fd) : -EEXIST;
}

static int open_one(const struct child *c, const struct listen *l, const struct owner *o)
{
	switch (l->kind) {
	case LISTEN_FIFO:
		return open_fifo(c, l, o);
	case LISTEN_SPECIAL:
		return open_special(c, l);
	case LISTEN_STREAM:
	case LISTEN_DATAGRAM:
	case LISTEN_SEQUENTIAL_PACKET:
	case LISTEN_NETLINK:
		return open_socket(c, l, o);
	case LISTEN_INVALID:
	case LISTEN_KIND_MAX:
		break;
	}
	return -EINVAL;
}

/* All of them in one message, in their order: unix(7), SCM_RIGHTS. */
static int hand_over(const int *fds, size_t n)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(LISTENS_MAX * sizeof(int))];
	} control = { .space = { 0 } };
	struct iovec text = { (char[]){ 0 }, 1 };
	struct msghdr msg = { .msg_iov = &text,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = CMSG_SPACE(n * sizeof(int)) };

	control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(n * sizeof(int)),
					 .cmsg_level = SOL_SOCKET,
					 .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.head), fds, n * sizeof(int));
	return sendmsg(HANDOVER_FD, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

_Noreturn void child_listen(const struct child *c)
{
	const struct socket_unit *s = c->x->unit->socket;
	const struct owner o = look_up_owner(c);
	int fds[LISTENS_MAX] = { 0 }, r;
	const char *path = NULL;

	for (size_t i = 0; i < s->n_listens; i++) {
		const struct listen *l = &s->listens[i];

		fds[i] = open_one(c, l, &o);
		if (fds[i] < 0)
			child_fail_at(c, STEP_LISTEN, fds[i], l->address);
		path = path ? path : listen_path(l);
	}
	if (path)
		make_symlinks(c, path);
	r = hand_over(fds, s->n_listens);
	if (r < 0)
		child_fail_at(c, STEP_LISTEN, r, "handing over");
	_exit(EXIT_SUCCESS);
}

_Noreturn void child_unlink(const struct child *c)
{
	const struct socket_unit *s = c->x->unit->socket;

	for (char **link = s->symlinks; link && *link; link++)
		if (is_of_type(*link, S_IFLNK))
			(void)!unlink(*link);
	for (size_t i = 0; i < s->n_listens; i++) {
		const struct listen *l = &s->listens[i];

		if (listen_path(l) && is_of_type(l->address, l->kind == LISTEN_FIFO ? S_IFIFO : S_IFSOCK))
			(void)!unlink(l->address);
	}
	_exit(EXIT_SUCCESS);
}
