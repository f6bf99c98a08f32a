/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/removals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "core/directories.h"
#include "daemon/child.h"
#include "daemon/manager.h"
#include "sys/beneath.h"
#include "sys/empty.h"
#include "util/compat.h"
#include "util/log.h"

#define TRASH	     ".cgkill-removed"
#define DELETE_MAX   300  /* seconds: who lives on may go on making files in what is deleted */
#define LAST_MINUTES 5000 /* ms */

/* One child at a time. */
struct removals {
	struct manager *manager;
	int pidfd; /* of the child; -1 = there is none */
	struct io_source io;
	unsigned kinds; /* there is more than it began with */
};

/* ---- the child ---- */

/* -EPERM: somebody else has made it. */
static int open_own(int base, const char *name)
{
	struct stat st;
	int fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid())
		return fd;
	close(fd);
	return -EPERM;
}

void removals_delete(int base, const char *name)
{
	cleanup_close int own = base < 0 ? -1 : open_own(base, name);

	if (own < 0)
		return;
	alarm(DELETE_MAX);
	empty_directory(own);
	(void)unlinkat(base, name, AT_REMOVEDIR);
}

static void delete_trash(const struct host_facts *host, unsigned kinds)
{
	for (enum directory_kind k = 0; k < DIRECTORY_KIND_MAX; k++) {
		const char *path = kinds & 1U << k ? directory_kind_base(k, host) : NULL;
		cleanup_close int base = path ? beneath_open_base(path, false) : -1;

		removals_delete(base, TRASH);
	}
}

/* ---- when ---- */

static void on_end(struct io_source *s, uint32_t events);

static void begin(struct removals *r)
{
	unsigned kinds = r->kinds;
	pid_t pid;

	if (r->pidfd >= 0)
		return;
	r->kinds = 0;
	pid = child_fork(STDERR_FILENO, &r->pidfd);
	if (pid == 0) {
		delete_trash(&r->manager->host, kinds);
		_exit(0);
	}
	if (pid > 0 && io_watch(r->manager->loop, &r->io, r->pidfd, EPOLLIN, on_end) == 0)
		return;
	log_warning(
		"what is to be removed is left in %s for now: no process or memory to delete it", TRASH);
	if (pid > 0)
		child_dismiss(r->manager->loop, r->pidfd);
	r->pidfd = -1;
}

static void on_end(struct io_source *s, uint32_t events unused)
{
	struct removals *r = container_of(s, struct removals, io);
	siginfo_t si;

	if (child_reap(r->pidfd, &si) == 0)
		return;
	io_unwatch(&r->io);
	r->pidfd = close_fd(r->pidfd);
	if (r->kinds)
		begin(r);
}

void removals_begin(struct manager *m, unsigned kinds)
{
	struct removals *r = m->removals ? m->removals : calloc(1, sizeof(*r));

	if (!r)
		return; /* the next one deletes it, too */
	if (!m->removals) {
		r->manager = m;
		r->pidfd = -1;
		m->removals = r;
	}
	r->kinds |= kinds;
	begin(r);
}

void removals_resume(struct manager *m)
{
	cleanup_close int base =
		m->host.runtime_dir ? beneath_open_base(m->host.runtime_dir, false) : -1;

	if (base >= 0 && faccessat(base, TRASH, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		removals_begin(m, 1U << DIRECTORY_RUNTIME);
}

void removals_halt(struct removals *r)
{
	if (!r || r->pidfd < 0)
		return;
	io_unwatch(&r->io);
	child_dismiss_now(TAKE_FD(r->pidfd));
}

void removals_finish(struct removals *r)
{
	usec_t until = usec_add(clock_now(), LAST_MINUTES * USEC_PER_MSEC);

	while (r && r->pidfd >= 0) {
		struct pollfd p = { .fd = r->pidfd, .events = POLLIN };

		if (poll(&p, 1, (int)(usec_sub(until, clock_now()) / USEC_PER_MSEC)) <= 0)
			break;
		on_end(&r->io, 0);
	}
	removals_halt(r);
	free(r);
}

/* ---- out of the way ---- */

/* The trash may be removed at any time by a child that has found it empty. */
int removals_move(int base, int parent, const char *name)
{
	char fresh[64];
	int r = -ENOENT;

	for (unsigned i = 0; i < 100 && (r == -ENOENT || r == -EEXIST); i++) {
		cleanup_close int trash = -1;

		if (mkdirat(base, TRASH, 0700) < 0 && errno != EEXIST)
			return -errno;
		r = trash = open_own(base, TRASH);
		snprintf(fresh, sizeof(fresh), "%llu.%u", (unsigned long long)clock_now(), i);
		if (trash >= 0)
			r = renameat2(parent, name, trash, fresh, RENAME_NOREPLACE) < 0 ? -errno : 0;
	}
	return r;
}
