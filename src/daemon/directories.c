/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/directories.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "core/directories.h"
#include "daemon/child.h"
#include "daemon/manager.h"
#include "daemon/supervisor.h"
#include "sys/beneath.h"
#include "sys/empty.h"
#include "sys/pidfd.h"
#include "util/log.h"

#define TRASH ".cgkill-removed"
#define DELETE_MAX \
	60 /* seconds, for one child: who lives on may go on making files in what it deletes */
#define LAST_MINUTES 5000 /* ms */

/* One child at a time. */
struct removals {
	struct manager *manager;
	int pidfd; /* of the child; -1 = there is none */
	struct io_source io;
	bool again; /* there is more than it began with */
};

/* ---- the child ---- */

/* -EPERM: somebody else has made it. */
static int open_trash(int base)
{
	struct stat st;
	int fd = openat(base, TRASH, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid())
		return fd;
	close(fd);
	return -EPERM;
}

static void delete_trash(const struct host_facts *host)
{
	cleanup_close int base = beneath_open_base(host->runtime_dir, false);
	cleanup_close int trash = base < 0 ? -1 : open_trash(base);

	if (trash < 0)
		return;
	alarm(DELETE_MAX);
	empty_directory(trash);
	(void)unlinkat(base, TRASH, AT_REMOVEDIR);
}

static void begin(struct removals *r);

static void on_end(struct io_source *s, uint32_t events unused)
{
	struct removals *r = container_of(s, struct removals, io);
	siginfo_t si;

	if (pidfd_reap(r->pidfd, &si) == 0)
		return;
	io_unwatch(&r->io);
	r->pidfd = close_fd(r->pidfd);
	if (r->again)
		begin(r);
}

static void begin(struct removals *r)
{
	pid_t pid;

	r->again = r->pidfd >= 0;
	if (r->again)
		return;
	pid = child_fork(STDERR_FILENO, &r->pidfd);
	if (pid == 0) {
		delete_trash(&r->manager->host);
		_exit(0);
	}
	if (pid > 0 && io_watch(r->manager->loop, &r->io, r->pidfd, EPOLLIN, on_end) == 0)
		return;
	log_warning("what is to be removed from %s is left in %s there for now: no process or "
		    "memory to delete it",
		    r->manager->host.runtime_dir, TRASH);
	if (pid > 0)
		child_dismiss(r->manager->loop, r->pidfd);
	r->pidfd = -1;
}

static void delete_soon(struct manager *m)
{
	struct removals *r = m->removals ? m->removals : calloc(1, sizeof(*r));

	if (!r)
		return; /* the next one deletes it, too */
	if (!m->removals) {
		r->manager = m;
		r->pidfd = -1;
		m->removals = r;
	}
	begin(r);
}

void removals_resume(struct manager *m)
{
	cleanup_close int base =
		m->host.runtime_dir ? beneath_open_base(m->host.runtime_dir, false) : -1;

	if (base >= 0 && faccessat(base, TRASH, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		delete_soon(m);
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
static int move_to_trash(int base, int parent, const char *name)
{
	char fresh[64];
	int r = -ENOENT;

	for (unsigned i = 0; i < 100 && (r == -ENOENT || r == -EEXIST); i++) {
		cleanup_close int trash = -1;

		if (mkdirat(base, TRASH, 0700) < 0 && errno != EEXIST)
			return -errno;
		r = trash = open_trash(base);
		snprintf(fresh, sizeof(fresh), "%llu.%u", (unsigned long long)clock_now(), i);
		if (trash >= 0)
			r = renameat2(parent, name, trash, fresh, RENAME_NOREPLACE) < 0 ? -errno : 0;
	}
	return r;
}

/* 1: it is in the trash; 0: there is nothing; -errno. A link is the administrator's, and leads to what is not ours. */
static int remove_directory(int base, const char *path)
{
	const char *name;
	cleanup_close int parent = beneath_parent(base, path, false, &name);
	struct statx st;
	int r;

	if (parent < 0)
		return parent == -ENOENT ? 0 : parent;
	/* Without asking a file system that the service has mounted there, and that may never answer: statx(2). */
	if (statx(parent, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC,
		  STATX_TYPE, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISLNK(st.stx_mode))
		return -ELOOP;
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
		return 0;
	r = move_to_trash(base, parent, name);
	return r < 0 ? r : 1;
}

static void remove_link(int base, const char *path)
{
	const char *name;
	cleanup_close int parent = beneath_parent(base, path, false, &name);
	struct statx st;

	if (parent >= 0 &&
	    statx(parent, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC,
		  STATX_TYPE, &st) == 0 &&
	    S_ISLNK(st.stx_mode))
		(void)unlinkat(parent, name, 0);
}

void directories_note_over(struct supervised *sv)
{
	const struct directories *d = sv->unit->directories;
	const struct directory_list *list = d ? &d->of[DIRECTORY_RUNTIME] : NULL;
	const char *base_path = sv->manager->host.runtime_dir;
	cleanup_close int base = -1;

	if (!list || list->n == 0 || !base_path || d->preserve == FDSTORE_PRESERVE_YES ||
	    (d->preserve == FDSTORE_PRESERVE_RESTART && !supervised_is_final(sv)))
		return;
	base = beneath_open_base(base_path, false);
	for (size_t i = 0; base >= 0 && i < list->n; i++) {
		int r = remove_directory(base, list->v[i].path);

		if (r > 0)
			delete_soon(sv->manager);
		if (r < 0)
			log_warning("%s: cannot remove %s/%s: %s", supervised_name(sv), base_path,
				    list->v[i].path, strerror(-r));
		for (char **link = list->v[i].links; link && *link; link++)
			remove_link(base, *link);
	}
}
