/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "daemon/exits.h"
#include "daemon/guard.h"
#include "daemon/recorder.h"
#include "util/log.h"

struct guard_link {
	int fd; /* -1: the guard has gone */
	int exits_fd, recorder_fd;
	struct exits *exits;
	struct recorder *recorder;
	struct io_source io;
};

int guard_connect(struct guard_link **out)
{
	struct guard_link *g;
	int fd = inherit_take("guard"), r;

	*out = NULL;
	if (fd < 0)
		return 0;
	g = calloc(1, sizeof(*g));
	if (!g) {
		close_fd(fd);
		return -ENOMEM;
	}
	g->fd = fd;
	g->exits_fd = inherit_take("guard-exits");
	g->recorder_fd = inherit_take("guard-recorder");
	r = exits_map(&g->exits, g->exits_fd);
	if (r == 0)
		r = recorder_map(&g->recorder, g->recorder_fd);
	if (r < 0) {
		guard_disconnect(g);
		return r;
	}
	recorder_use(g->recorder);
	*out = g;
	return 0;
}

/* It never sends anything: this is its end. */
static void on_gone(struct io_source *s, uint32_t events unused)
{
	struct guard_link *g = container_of(s, struct guard_link, io);

	io_unwatch(s);
	g->fd = close_fd(g->fd);
	log_warning(
		"the guard has gone: services run on, and nobody starts us again after a crash");
}

int guard_watch(struct guard_link *g, struct loop *l)
{
	return g ? io_watch(l, &g->io, g->fd, EPOLLIN, on_gone) : 0;
}

/* Who made the link, while that is our parent: what adopts us when the guard has gone is nobody we know. unix(7), SO_PEERCRED */
pid_t guard_pid(const struct guard_link *g)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (!g || g->fd < 0 || getsockopt(g->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return 0;
	return peer.pid == getppid() ? peer.pid : 0;
}

void guard_disconnect(struct guard_link *g)
{
	if (!g)
		return;
	recorder_use(NULL);
	io_unwatch(&g->io);
	exits_unmap(g->exits);
	recorder_unmap(g->recorder);
	close_fd(g->exits_fd);
	close_fd(g->recorder_fd);
	close_fd(g->fd);
	free(g);
}

/* One message, the name, with the descriptor to be kept, or with none: unix(7), SCM_RIGHTS. */
static int send_fd(int link, const char *name, int fd)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .space = { 0 } };
	struct iovec text = { strdupa(name), strlen(name) };
	struct msghdr msg = { .msg_iov = &text,
			      .msg_iovlen = 1,
			      .msg_control = fd >= 0 ? &control : NULL,
			      .msg_controllen = fd >= 0 ? sizeof(control) : 0 };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	if (!c)
		return sendmsg(link, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return sendmsg(link, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int guard_keep(struct guard_link *g, const char *name, int fd)
{
	if (strlen(name) >= INHERIT_NAME_SIZE)
		return -EINVAL;
	return g && g->fd >= 0 ? send_fd(g->fd, name, fd) : 0;
}

void guard_drop(struct guard_link *g, const char *name)
{
	if (g && g->fd >= 0)
		(void)!send_fd(g->fd, name, -1); /* kept for nothing: the next worker finds that nobody takes it */
}

void guard_drop_rest(struct guard_link *g, const char *prefix)
{
	const char *name;

	while ((name = inherit_find(prefix))) {
		guard_drop(g, name);
		close_fd(inherit_take(name));
	}
}

bool guard_exit_of(struct guard_link *g, const struct process_id *id, struct exit_info *out)
{
	return g && exits_find(g->exits, id, out);
}

int guard_pass(const struct guard_link *g)
{
	int r;

	if (!g || g->fd < 0)
		return 0;
	r = inherit_pass("guard", g->fd);
	if (r == 0)
		r = inherit_pass("guard-exits", g->exits_fd);
	if (r == 0)
		r = inherit_pass("guard-recorder", g->recorder_fd);
	return r;
}
