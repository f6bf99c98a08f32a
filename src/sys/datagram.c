/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/datagram.h"

#include <errno.h>
#include <linux/magic.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>

#include "sys/kernel.h"

/* Where the kernel has no SO_PASSPIDFD a number has to do. */
static int pass_sender(int fd)
{
	static const int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on));
	return 0;
}

int datagram_bind(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	cleanup_close int fd = -1;
	int r;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	strcpy(sa.sun_path, path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = pass_sender(fd);
	if (r < 0)
		return r;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	/* bind() minds the umask, so who may send is said after it. */
	if (bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0 || chmod(path, 0666) < 0)
		return -errno;
	return TAKE_FD(fd);
}

void datagram_deinit(struct datagram *d)
{
	close_fd(d->pidfd);
	for (unsigned i = 0; i < d->n_fds; i++)
		close_fd(d->fds[i]);
}

static void take_control(const struct cmsghdr *c, struct datagram *d)
{
	size_t len = c->cmsg_len - CMSG_LEN(0);
	struct ucred cred;

	if (c->cmsg_level != SOL_SOCKET)
		return;
	switch (c->cmsg_type) {
	case SCM_CREDENTIALS:
		memcpy(&cred, CMSG_DATA(c), sizeof(cred));
		d->pid = cred.pid;
		d->uid = cred.uid;
		break;
	case SCM_PIDFD: /* an error in place of a descriptor: scm_pidfd_recv(), include/net/scm.h */
		memcpy(&d->pidfd, CMSG_DATA(c), sizeof(d->pidfd));
		d->pidfd = MAX_OF(d->pidfd, -1);
		break;
	case SCM_RIGHTS:
		memcpy(d->fds, CMSG_DATA(c), len);
		d->n_fds = (unsigned)(len / sizeof(int));
		break;
	default:
		break;
	}
}

#define NUMBERS_SPACE CMSG_SPACE(sizeof(struct ucred))
#define SENDER_SPACE  (NUMBERS_SPACE + CMSG_SPACE(sizeof(int)))
#define FDS_SPACE     CMSG_SPACE(sizeof(int) * DATAGRAM_FDS_MAX)

/*
 * Does the next message bring descriptors? They come before the sender's (__scm_recv_common(), include/net/scm.h), so that
 * any room for that would be room for them. With room for neither, and that switched off, what is cut off are they.
 */
static bool brings_fds(int fd)
{
	static const int off = 0, on = 1;
	char space[NUMBERS_SPACE];
	struct msghdr msg = { .msg_control = space, .msg_controllen = sizeof(space) };
	ssize_t n;

	(void)setsockopt(fd, SOL_SOCKET, SO_PASSPIDFD, &off, sizeof(off));
	n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_PEEK);
	(void)setsockopt(fd, SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on));
	return n >= 0 && (msg.msg_flags & MSG_CTRUNC);
}

static bool is_harmless(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type != FUSE_SUPER_MAGIC &&
	       fs.f_type != OVERLAYFS_SUPER_MAGIC;
}

bool datagram_fds_are_harmless(int fd)
{
	union {
		struct cmsghdr head;
		char space[SENDER_SPACE + FDS_SPACE];
	} control;
	struct msghdr msg = { .msg_control = &control, .msg_controllen = sizeof(control) };
	struct datagram d = { .pidfd = -1 };
	bool harmless = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_PEEK) >= 0;

	for (struct cmsghdr *c = harmless ? CMSG_FIRSTHDR(&msg) : NULL; c; c = CMSG_NXTHDR(&msg, c))
		take_control(c, &d);
	for (unsigned i = 0; i < d.n_fds; i++)
		harmless = harmless && is_harmless(d.fds[i]);
	datagram_deinit(&d);
	return harmless;
}

void datagram_drop(int fd)
{
	struct msghdr msg = { 0 };

	(void)!recvmsg(fd, &msg, MSG_DONTWAIT);
}

int datagram_receive(int fd, bool take_fds, char *text, size_t cap, struct datagram *out)
{
	union {
		struct cmsghdr head;
		char space[SENDER_SPACE + FDS_SPACE];
	} control;
	struct iovec iov = { text, cap };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control };
	const bool brings = brings_fds(fd), stays = !take_fds;
	const int damage = take_fds ? MSG_TRUNC | MSG_CTRUNC : MSG_TRUNC;
	ssize_t n;

	msg.msg_controllen = !brings ? SENDER_SPACE : take_fds ? sizeof(control) : NUMBERS_SPACE;
	n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | (stays ? MSG_PEEK : 0));
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	*out = (struct datagram){
		.len = (size_t)n, .uid = (uid_t)-1, .pidfd = -1, .brings_fds = brings, .stays = stays
	};
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		take_control(c, out);
	if (!(msg.msg_flags & damage) && out->pid > 0)
		return 0;
	datagram_deinit(out);
	return -EBADMSG;
}
