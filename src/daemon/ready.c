/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/ready.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "util/macro.h"

void ready_notify(const char *message)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	cleanup_close int fd = -1;
	size_t n = path ? strlen(path) : 0;

	if (n < 2 || n >= sizeof(sa.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(sa.sun_path, path, n);
	if (path[0] == '@')
		sa.sun_path[0] = '\0'; /* the abstract name space: unix(7) */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		(void)!sendto(fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&sa,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
}

void ready_newline(int ready_fd)
{
	if (ready_fd < 0)
		return;
	(void)!write(ready_fd, "\n", 1);
	close_fd(ready_fd);
}
