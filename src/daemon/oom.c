/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/oom.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/epoll.h>

struct oom {
	int fd; /* memory.events */
	uint64_t kills;
	struct io_source io;
	void (*fn)(void *arg);
	void *arg;
};

/* The processes killed so far, those of oom.group included; in the whole subtree: cgroup-v2.rst, memory.events. */
static uint64_t read_kills(int fd)
{
	static const char key[] = "\noom_kill ";
	char text[512];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	const char *line;

	text[MAX_OF(n, 0)] = '\0';
	line = strstr(text, key);
	return line ? strtoull(line + strlen(key), NULL, 10) : 0;
}

void oom_look(struct oom *o)
{
	uint64_t kills = o ? read_kills(o->fd) : 0;

	if (!o || kills <= o->kills)
		return;
	o->kills = kills;
	o->fn(o->arg);
}

static void on_event(struct io_source *s, uint32_t events unused)
{
	oom_look(container_of(s, struct oom, io));
}

bool oom_is_told(const struct cg *cg)
{
	return faccessat(cg->fd, "memory.events", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

struct oom *oom_new(struct loop *l, const struct cg *cg, void (*fn)(void *arg), void *arg)
{
	int fd = openat(cg->fd, "memory.events", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct oom *o = fd >= 0 ? malloc(sizeof(*o)) : NULL;

	if (!o) {
		close_fd(fd);
		return NULL;
	}
	*o = (struct oom){ .fd = fd, .kills = read_kills(fd), .fn = fn, .arg = arg };
	(void)!io_watch(l, &o->io, fd, EPOLLPRI | EPOLLERR, on_event); /* else oom_look() has to do */
	return o;
}

void oom_free(struct oom *o)
{
	if (!o)
		return;
	io_unwatch(&o->io);
	close_fd(o->fd);
	free(o);
}
