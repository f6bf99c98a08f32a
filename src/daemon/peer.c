/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/peer.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59 /* <asm-generic/socket.h>, Linux 4.13 */
#endif

/* A process chooses its name, and may choose escape sequences. */
static void make_printable(char *s)
{
	for (; *s; s++)
		if (!isprint((unsigned char)*s))
			*s = '?';
}

static void read_comm(struct peer *p)
{
	char path[sizeof("/proc/2147483647/comm")];
	cleanup_close int fd = -1;
	ssize_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/comm", p->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, p->comm, sizeof(p->comm) - 1);
	p->comm[MAX_OF(n, 0)] = '\0';
	p->comm[strcspn(p->comm, "\n")] = '\0';
	make_printable(p->comm);
	if (p->comm[0] == '\0')
		strcpy(p->comm, "?");
}

int peer_identify(int fd, struct peer *out)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	*out = (struct peer){ .pid = cred.pid, .uid = cred.uid, .gid = cred.gid };
	read_comm(out);
	return 0;
}

static bool in_groups(int fd, gid_t group)
{
	cleanup_free gid_t *groups = NULL;
	socklen_t len = 0;

	/* With too little room the kernel says how much it takes: net/core/sock.c. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0 || errno != ERANGE)
		return false;
	groups = malloc(len);
	if (!groups || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(*groups); i++)
		if (groups[i] == group)
			return true;
	return false;
}

enum access peer_access(int fd, const struct peer *p, gid_t group)
{
	if (p->uid == 0 || p->uid == geteuid())
		return ACCESS_ADMIN;
	if (group != (gid_t)-1 && (p->gid == group || in_groups(fd, group)))
		return ACCESS_CONTROL;
	return ACCESS_LOOK;
}
