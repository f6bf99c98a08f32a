/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "core/sandbox.h"
#include "exec/child.h"

/* ---- those that all processes of a run have in common: network, System V IPC ---- */

enum { SHARED_MAX = 2 };

static const struct shared {
	int type;
	const char *name; /* below /proc/PID/ns */
	const char *directive;
	enum exec_step step;
} kinds[SHARED_MAX] = {
	{ CLONE_NEWNET, "net", "PrivateNetwork=", STEP_NETWORK },
	{ CLONE_NEWIPC, "ipc", "PrivateIPC=", STEP_NAMESPACE },
};

/* Of daemon/namespaces.h: what is sent to the first of the pair lies in the second, until the run is over. */
static int storage(const struct child *c)
{
	return c->x->fds.n_own > 0 ? STDERR_FILENO + 1 + (int)c->x->fds.n : -1;
}

union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(SHARED_MAX * sizeof(int))];
};

/* Those of the run, where they stay. How many. */
static size_t get_stored(int pair, int fds[static SHARED_MAX])
{
	union control control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.space,
			      .msg_controllen = sizeof(control.space) };
	struct cmsghdr *c;
	size_t size;

	if (pair < 0 || recvmsg(pair + 1, &msg, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return 0;
	c = CMSG_FIRSTHDR(&msg);
	if (!c)
		return 0;
	size = c->cmsg_len - CMSG_LEN(0);
	memcpy(fds, CMSG_DATA(c), size);
	return size / sizeof(int);
}

/* In place of what was there. */
static void store(int pair, const int *fds, size_t n)
{
	union control control = { .space = "" };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.space,
			      .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	if (pair < 0 || n == 0)
		return;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	(void)!recv(pair + 1, &byte, 1, MSG_DONTWAIT);
	(void)!sendmsg(pair, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void raise_loopback(const struct child *c)
{
	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq lo = { .ifr_name = "lo" };

	if (fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &lo) == 0) {
		lo.ifr_flags |= IFF_UP;
		if (ioctl(fd, SIOCSIFFLAGS, &lo) == 0)
			return;
	}
	child_warn(c, STEP_NETWORK, errno, "PrivateNetwork= without a loopback interface");
}

static int open_of(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* By a cgkilld that has lost what was stored: what the main process has, as long as there is one. */
static bool joined_main(const struct child *c, const struct shared *k)
{
	cleanup_close int fd = c->x->main_pid > 0 ? open_of(c->x->main_pid, k->name) : -1;

	return fd >= 0 && setns(fd, k->type) == 0;
}

/* Its descriptor; -1: it is the host's that we have still. */
static int make(const struct child *c, const struct shared *k)
{
	if (!joined_main(c, k)) {
		if (unshare(k->type) < 0) {
			child_protection_refused(c, k->step, errno, k->directive);
			return -1;
		}
		if (k->type == CLONE_NEWNET)
			raise_loopback(c);
	}
	return open_of(getpid(), k->name);
}

static int find(const int *fds, size_t n, int type)
{
	for (size_t i = 0; i < n; i++)
		if (ioctl(fds[i], NS_GET_NSTYPE) == type)
			return fds[i];
	return -1;
}

/* wanted: CLONE_NEW*. Of processes that are born at the same time one makes them: setup_shareable_ns() of systemd 252. */
static void join(const struct child *c, int wanted)
{
	int pair = storage(c), fds[SHARED_MAX], fd;
	size_t stored, n;

	if (pair >= 0)
		(void)!lockf(pair, F_LOCK, 0);
	stored = n = get_stored(pair, fds);
	for (size_t i = 0; i < SHARED_MAX; i++) {
		const struct shared *k = &kinds[i];

		if (!(wanted & k->type))
			continue;
		fd = find(fds, stored, k->type);
		if (fd >= 0 && setns(fd, k->type) < 0)
			child_protection_refused(c, k->step, errno, k->directive);
		if (fd < 0 && n < SHARED_MAX) {
			fds[n] = make(c, k);
			n += fds[n] >= 0;
		}
	}
	if (n > stored)
		store(pair, fds, n);
	if (pair >= 0)
		(void)!lockf(pair, F_ULOCK, 0);
	while (n > 0)
		close(fds[--n]);
}

/* A namespace that somebody else has made; NULL: none. */
static void enter(const struct child *c, const char *path, const struct shared *k)
{
	cleanup_close int fd = path ? open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC) : -1;

	if (path && (fd < 0 || setns(fd, k->type) < 0))
		child_fail_at(c, k->step, errno, path);
}

void child_set_up_namespaces(const struct child *c)
{
	const struct sandbox *s = c->x->unit->sandbox;
	int wanted;

	if (!s || c->x->command->privileged)
		return;
	wanted = (s->private_network && !s->network_namespace ? CLONE_NEWNET : 0) |
		 (s->private_ipc && !s->ipc_namespace ? CLONE_NEWIPC : 0);
	if (wanted)
		join(c, wanted);
	enter(c, s->network_namespace, &kinds[0]);
	enter(c, s->ipc_namespace, &kinds[1]);
	if (s->protect_hostname && unshare(CLONE_NEWUTS) < 0)
		child_protection_refused(c, STEP_NAMESPACE, errno, "ProtectHostname=");
}

/* ---- users ---- */

static int write_file(pid_t pid, const char *name, const char *text)
{
	char path[64];
	cleanup_close int fd = -1;
	ssize_t n = (ssize_t)strlen(text);

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, text, (size_t)n) != n ? -errno : 0;
}

/* root, where we are that, and who the service runs as, each as himself: user_namespaces(7). */
static int write_map(pid_t pid, const char *name, unsigned own, unsigned id)
{
	char text[64];
	int n = own == 0 ? snprintf(text, sizeof(text), "0 0 1\n") : 0;

	if (id != 0)
		snprintf(text + n, sizeof(text) - (size_t)n, "%u %u 1\n", id, id);
	return write_file(pid, name, text);
}

/* From outside of it, where we may map more than ourselves. */
static int write_maps(const struct child *c, pid_t pid)
{
	unsigned uid = c->uid == (uid_t)-1 ? geteuid() : c->uid,
		 gid = c->gid == (gid_t)-1 ? getegid() : c->gid;
	int r = write_file(pid, "setgroups", "deny");

	if (r == 0)
		r = write_map(pid, "gid_map", geteuid(), gid);
	return r < 0 ? r : write_map(pid, "uid_map", geteuid(), uid);
}

/* Waits until the parent has its new namespace; end of file: it has not, or is gone. */
static _Noreturn void help(const struct child *c, int ready)
{
	pid_t parent = getppid();
	char byte;

	_exit(read(ready, &byte, 1) == 1 ? -write_maps(c, parent) : 0);
}

static int make_user_namespace(const struct child *c)
{
	int ready[2], status = 0, r = 0;
	pid_t helper;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -errno;
	helper = fork();
	if (helper == 0) {
		close(ready[1]);
		help(c, ready[0]);
	}
	close(ready[0]);
	if (helper < 0 || unshare(CLONE_NEWUSER) < 0 || write(ready[1], "", 1) != 1)
		r = -errno;
	close(ready[1]);
	while (helper > 0 && waitpid(helper, &status, 0) < 0 && errno == EINTR)
		;
	if (r == 0 && status != 0) /* there is no way back out of the namespace */
		child_fail_at(c, STEP_USER, WIFEXITED(status) ? WEXITSTATUS(status) : EPERM,
			      "PrivateUsers=");
	return r;
}

void child_set_up_user_namespace(const struct child *c)
{
	const struct sandbox *s = c->x->unit->sandbox;
	int r;

	if (!s || !s->private_users || c->x->command->privileged)
		return;
	r = make_user_namespace(c);
	if (r < 0)
		child_protection_refused(c, STEP_USER, r, "PrivateUsers=");
}
