/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/client.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cgkill/protocol.h"

/*
 * A program may be started without standard streams; what it prints must not go into the socket
 * then.
 */
static int socket_above_stdio(void)
{
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int above;

	if (fd < 0)
		return -errno;
	if (fd > STDERR_FILENO)
		return TAKE_FD(fd);
	above = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return above < 0 ? -errno : above;
}

int client_connect(struct client *c, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	cleanup_close int fd = -1;
	size_t len = strlen(path);

	if (len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, len + 1);
	fd = socket_above_stdio();
	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	c->fd = TAKE_FD(fd);
	return 0;
}

void client_deinit(struct client *c)
{
	c->fd = close_fd(c->fd);
	buf_deinit(&c->in);
	c->scanned = 0;
}

int client_send(struct client *c, const char *method, json_t *parameters, bool more)
{
	cleanup_buf struct buf out = BUF_INIT;
	int r = varlink_put_call(&out, method, parameters, more);

	if (r < 0)
		return r;
	if (out.len > CGKILL_REQUEST_MAX)
		return -E2BIG;
	for (size_t done = 0; done < out.len;) {
		ssize_t n = send(c->fd, out.data + done, out.len - done, MSG_NOSIGNAL);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

/* A message of many reads is parsed once, not once a read. */
static int take_reply(struct client *c, struct varlink_reply *out)
{
	int r;

	if (c->in.len <= CGKILL_MESSAGE_MAX &&
	    (c->in.len == c->scanned || !memchr(c->in.data + c->scanned, '\0', c->in.len - c->scanned))) {
		c->scanned = c->in.len;
		return 0;
	}
	r = varlink_take_reply(&c->in, CGKILL_MESSAGE_MAX, out);
	c->scanned = 0;
	return r;
}

/* 1, 0 when the time is over, -errno. Rounds up: a wait that ends early would be repeated. */
static int wait_readable(int fd, usec_t until)
{
	usec_t left = usec_sub(until, clock_now());
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int ms = (int)MIN_OF(left / USEC_PER_MSEC + (left % USEC_PER_MSEC > 0), (usec_t)INT_MAX);
	int n = poll(&p, 1, ms);

	return n < 0 ? -errno : n;
}

int client_receive(struct client *c, usec_t until, struct varlink_reply *out)
{
	char chunk[16 * 1024];

	for (;;) {
		int r = take_reply(c, out);
		ssize_t n;

		if (r != 0)
			return r;
		r = until == USEC_INFINITY ? 1 : wait_readable(c->fd, until);
		if (r == -EINTR)
			continue;
		if (r <= 0)
			return r;
		n = recv(c->fd, chunk, sizeof(chunk), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ECONNRESET;
		buf_append(&c->in, chunk, (size_t)n);
		if (buf_error(&c->in) < 0)
			return -ENOMEM;
	}
}
