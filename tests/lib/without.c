/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * without FEATURE[,FEATURE...] COMMAND...: runs it, and all that it starts, as on a kernel that lacks these: the calls fail
 * there as they would. By seccomp(2); where what a pointer leads to decides, by somebody who is asked (seccomp_unotify(2)).
 * Nothing of it is in what is tested. Exit status 77: it cannot be done here.
 */
#include <config.h>

#include <stdio.h>

#ifdef HAVE_SECCOMP
#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/kernel.h"

#define SKIPPED 77

/* What is asked about a call that only its memory tells more of: true, and it fails with error. */
struct question {
	int call;
	int error;
	bool (*lacks)(const struct seccomp_notif *n, const char *what);
	const char *what;
};

static struct question questions[32];
static size_t n_questions;

static bool read_memory(const struct seccomp_notif *n, uint64_t at, void *out, size_t len)
{
	struct iovec to = { out, len }, from = { (void *)(uintptr_t)at, len };

	return process_vm_readv((pid_t)n->pid, &to, 1, &from, 1, 0) > 0;
}

static bool wants_into_cgroup(const struct seccomp_notif *n, const char *what)
{
	uint64_t flags = 0;

	(void)what;
	return read_memory(n, n->data.args[0], &flags, sizeof(flags)) && flags & CLONE_INTO_CGROUP;
}

/* PIDFD_INFO_EXIT in the mask: before Linux 6.15 who was reaped is not there. */
static bool wants_exit_status(const struct seccomp_notif *n, const char *what)
{
	uint64_t mask = 0;

	(void)what;
	return (n->data.args[1] & 0xffff) == 0xff0b &&
	       read_memory(n, n->data.args[2], &mask, sizeof(mask)) && mask & 1 << 3;
}

/* The path of the call ends with it. */
static bool names(const struct seccomp_notif *n, const char *what)
{
	char path[4096] = "";
	uint64_t at = n->data.args[1];
	size_t len, tail = strlen(what);

	/* up to the end of the page, as there may be none after it */
	if (!read_memory(n, at, path, 4096 - (at & 4095)))
		return false;
	len = strnlen(path, sizeof(path));
	return len < sizeof(path) && len >= tail && strcmp(path + len - tail, what) == 0;
}

static void ask(int call, int error, bool (*lacks)(const struct seccomp_notif *, const char *),
		const char *what)
{
	questions[n_questions++] = (struct question){ call, error, lacks, what };
}

static void ask_about_file(const char *what)
{
	ask(SCMP_SYS(openat), ENOENT, names, what);
	ask(SCMP_SYS(openat2), ENOENT, names, what);
	ask(SCMP_SYS(faccessat), ENOENT, names, what);
	ask(SCMP_SYS(faccessat2), ENOENT, names, what);
}

static int add(scmp_filter_ctx filter, const char *feature)
{
	static const struct {
		const char *name;
		int call, error;
	} calls[] = {
		{ "clone3", SCMP_SYS(clone3), ENOSYS },
		{ "openat2", SCMP_SYS(openat2), ENOSYS },
		{ "openat2-refused", SCMP_SYS(openat2), EPERM },
		{ "close_range", SCMP_SYS(close_range), ENOSYS },
		{ "pidfd_open", SCMP_SYS(pidfd_open), ENOSYS },
		{ "statmount", SYS_statmount, ENOSYS },
		{ "attributes", SCMP_SYS(setxattr), EOPNOTSUPP },
		{ "attributes", SCMP_SYS(fsetxattr), EOPNOTSUPP },
	};
	bool known = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(feature, calls[i].name) == 0) {
			known = true;
			r = seccomp_rule_add(filter, SCMP_ACT_ERRNO((unsigned)calls[i].error),
					     calls[i].call, 0);
		}
	if (known)
		return r;
	if (strcmp(feature, "PIDFD_GET_INFO") == 0 || strcmp(feature, "PIDFD_GET_INFO-refused") == 0)
		return seccomp_rule_add(filter, SCMP_ACT_ERRNO(strchr(feature, '-') ? EPERM : ENOTTY),
					SCMP_SYS(ioctl), 1,
					SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffff, 0xff0b));
	if (strcmp(feature, "PIDFD_INFO_EXIT") == 0)
		ask(SCMP_SYS(ioctl), ESRCH, wants_exit_status, "");
	else if (strcmp(feature, "CLONE_INTO_CGROUP") == 0)
		ask(SCMP_SYS(clone3), EINVAL, wants_into_cgroup, "");
	else if (strncmp(feature, "cgroup.", 7) == 0)
		ask_about_file(feature);
	else
		return -EINVAL;
	return 0;
}

static int add_questions(scmp_filter_ctx filter)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n_questions; i++) {
		if (questions[i].call == SCMP_SYS(ioctl))
			r = seccomp_rule_add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(ioctl), 1,
					     SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffff, 0xff0b));
		else
			r = seccomp_rule_add(filter, SCMP_ACT_NOTIFY, questions[i].call, 0);
		/* a call that is not there at all need not be asked about, and the same question may come twice */
		if (r == -EEXIST || r == -EINVAL || r == -EACCES)
			r = 0;
	}
	return r;
}

static void answer(int fd, struct seccomp_notif *n, struct seccomp_notif_resp *resp)
{
	memset(resp, 0, sizeof(*resp));
	resp->id = n->id;
	resp->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	for (size_t i = 0; i < n_questions; i++)
		if (n->data.nr == questions[i].call && questions[i].lacks(n, questions[i].what)) {
			resp->flags = 0;
			resp->error = -questions[i].error;
		}
	(void)seccomp_notify_respond(fd, resp);
}

/* Until nobody is left who is filtered. */
static void attend(int fd)
{
	struct seccomp_notif *n;
	struct seccomp_notif_resp *resp;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (seccomp_notify_alloc(&n, &resp) < 0)
		return;
	while (poll(&p, 1, -1) < 0 || !(p.revents & POLLHUP)) {
		memset(n, 0, sizeof(*n));
		if (p.revents & POLLIN && seccomp_notify_receive(fd, n) == 0)
			answer(fd, n, resp);
	}
}

static int take_fd(int from)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(from, &m, 0) == 1 && CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

static void give_fd(int to, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { (void *)(uintptr_t) "", 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	(void)!sendmsg(to, &m, 0);
}

/* Nobody's child, so that the command does not find a stranger among its own; and nobody waits for its output to end. */
static void start_attendant(int from)
{
	int fd;

	if (fork() != 0)
		return;
	if (fork() != 0)
		_exit(0);
	setsid();
	fd = take_fd(from);
	for (int i = 0; i < 3; i++)
		close(i);
	if (fd >= 0)
		attend(fd);
	_exit(0);
}

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int ends[2] = { -1, -1 }, r = filter ? 0 : -ENOMEM;

	if (argc < 3)
		return 2;
	for (char *feature = strtok(argv[1], ","); r == 0 && feature; feature = strtok(NULL, ",")) {
		r = add(filter, feature);
		if (r == -EINVAL)
			fprintf(stderr, "without: %s is nothing that is known\n", feature);
	}
	if (r == 0)
		r = add_questions(filter);
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	if (r == 0 && n_questions > 0) {
		r = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 ? -errno : 0;
		if (r == 0)
			start_attendant(ends[1]);
		while (waitpid(-1, NULL, 0) > 0)
			;
	}
	if (r == 0)
		r = seccomp_load(filter);
	if (r < 0) {
		fprintf(stderr, "without: no filter can be set: %s\n", strerror(-r));
		return SKIPPED;
	}
	if (n_questions > 0) {
		give_fd(ends[0], seccomp_notify_fd(filter));
		close(seccomp_notify_fd(filter));
		close(ends[0]);
		close(ends[1]);
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
#else
int main(void)
{
	fputs("without: built without libseccomp\n", stderr);
	return 77;
}
#endif
