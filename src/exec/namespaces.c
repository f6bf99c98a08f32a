/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "core/sandbox.h"
#include "exec/child.h"

/* ---- network, System V IPC, host name ---- */

static int enter(const char *path, int type)
{
	cleanup_close int fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);

	return fd < 0 || setns(fd, type) < 0 ? -errno : 0;
}

/* ExecStop= and its like see what the main process sees, as long as there is one. */
static bool joined_main(const struct child *c, const char *name, int type)
{
	char path[64];

	if (c->x->main_pid <= 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", c->x->main_pid, name);
	return enter(path, type) == 0;
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

static void set_up_network(const struct child *c, const struct sandbox *s)
{
	int r = s->network_namespace ? enter(s->network_namespace, CLONE_NEWNET) : 0;

	if (r < 0)
		child_fail_at(c, STEP_NETWORK, r, s->network_namespace);
	if (s->network_namespace || !s->private_network || joined_main(c, "net", CLONE_NEWNET))
		return;
	if (unshare(CLONE_NEWNET) < 0)
		child_protection_refused(c, STEP_NETWORK, errno, "PrivateNetwork=");
	else
		raise_loopback(c);
}

static void set_up_ipc(const struct child *c, const struct sandbox *s)
{
	int r = s->ipc_namespace ? enter(s->ipc_namespace, CLONE_NEWIPC) : 0;

	if (r < 0)
		child_fail_at(c, STEP_NAMESPACE, r, s->ipc_namespace);
	if (s->ipc_namespace || !s->private_ipc || joined_main(c, "ipc", CLONE_NEWIPC))
		return;
	if (unshare(CLONE_NEWIPC) < 0)
		child_protection_refused(c, STEP_NAMESPACE, errno, "PrivateIPC=");
}

void child_set_up_namespaces(const struct child *c)
{
	const struct sandbox *s = c->x->unit->sandbox;

	if (!s || c->x->command->privileged)
		return;
	set_up_network(c, s);
	set_up_ipc(c, s);
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
