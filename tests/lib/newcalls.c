/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A syscall(2) for programs in a valgrind that is older than what they call: it would fail, with a pidfd nowhere to be had.
 *
 *	newcalls OBJECT COMMAND...	runs it with OBJECT, which is this file, too, before all shared objects, and does for
 *					it outside of valgrind what valgrind does not know
 *
 * So pidfd_open(2) and pidfd_send_signal(2) are the kernel's, made for the program by its other process. What there are ways
 * around for, clone3(2), openat2(2), close_range(2) and statmount(2), is missing as on an old kernel.
 */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "owncalls.h"

#define ADDRESS_ENV "CGKILL_TEST_NEWCALLS"

/* In either direction, with a descriptor where there is one. An answer has its result, or -errno, in arg. */
struct message {
	long call;
	long arg;
};

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static bool send_message(int to, struct message m, int fd)
{
	union control control = { 0 };
	struct iovec iov = { .iov_base = &m, .iov_len = sizeof(m) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		*CMSG_FIRSTHDR(&msg) = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
							 .cmsg_type = SCM_RIGHTS,
							 .cmsg_len = CMSG_LEN(sizeof(int)) };
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), &fd, sizeof(fd));
	}
	return sendmsg(to, &msg, MSG_NOSIGNAL) == sizeof(m);
}

/* *fd: -1 if none came. */
static bool receive_message(int from, struct message *m, int *fd)
{
	union control control = { 0 };
	struct iovec iov = { .iov_base = m, .iov_len = sizeof(*m) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };

	*fd = -1;
	if (recvmsg(from, &msg, MSG_CMSG_CLOEXEC) != sizeof(*m))
		return false;
	if (CMSG_FIRSTHDR(&msg))
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(*fd));
	return true;
}

/* ---- before the program ---- */

static struct sockaddr_un address_of(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX }; /* abstract: its first byte is 0 */

	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "%s", name);
	return address;
}

/* By a connection of its own each time: no lock is needed, which a fork(2) could leave locked. */
static long ask(struct message question, int fd)
{
	const char *name = getenv(ADDRESS_ENV);
	struct sockaddr_un address = address_of(name ? name : "");
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), got = -1;
	struct message answer = { .arg = -EIO };

	if (s < 0)
		return -errno;
	if (connect(s, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    send_message(s, question, fd) && receive_message(s, &answer, &got) && got >= 0)
		answer.arg = got;
	close(s);
	return answer.arg;
}

static long open_pid(pid_t pid)
{
	return ask((struct message){ SYS_pidfd_open, pid }, -1);
}

static long call(long number, const long *a)
{
	switch (number) {
	case SYS_pidfd_open:
		return open_pid((pid_t)a[0]);
	case SYS_pidfd_send_signal:
		return ask((struct message){ number, a[1] }, (int)a[0]);
	case SYS_clone3:
	case SYS_openat2:
	case SYS_close_range:
	case 457: /* statmount */
		return -ENOSYS;
	default:
		return pass_on(number, a);
	}
}

/* ---- beside the program ---- */

static void serve(int listener)
{
	int s = accept4(listener, NULL, NULL, SOCK_CLOEXEC), fd = -1, made = -1;
	struct message m;

	if (s >= 0 && receive_message(s, &m, &fd)) {
		long r = m.call == SYS_pidfd_open ? (made = (int)libc(SYS_pidfd_open, m.arg, 0))
						  : libc(SYS_pidfd_send_signal, fd, m.arg, NULL, 0);

		send_message(s, (struct message){ m.call, r < 0 ? -errno : 0 }, made);
	}
	close(made);
	close(fd);
	close(s);
}

/* Until the program has ended, how it did. */
static int attend(pid_t pid, int listener)
{
	struct pollfd fds[] = { { .fd = listener, .events = POLLIN },
				{ .fd = (int)libc(SYS_pidfd_open, pid, 0), .events = POLLIN } };
	int status = 0;

	while (fds[1].fd >= 0 && fds[1].revents == 0 && poll(fds, 2, -1) > 0)
		if (fds[0].revents)
			serve(listener);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	char name[64];
	pid_t pid;

	snprintf(name, sizeof(name), "cgkill-test-newcalls.%d", (int)getpid());
	address = address_of(name);
	if (argc < 3 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, SOMAXCONN) < 0)
		return 77;
	pid = fork();
	if (pid == 0) {
		setenv(ADDRESS_ENV, name, 1);
		setenv("LD_PRELOAD", argv[1], 1);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	return attend(pid, listener);
}
