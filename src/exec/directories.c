/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Made as root, in places where the service's user, or somebody who has had the directory before, may own what is there:
 * everything goes by descriptor, and nothing is given away that its owner could have put there without being allowed to.
 */
#include "core/directories.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "exec/child.h"
#include "sys/beneath.h"
#include "util/buf.h"

/* To whom a tree goes, and what became of it. */
struct gift {
	uid_t uid;
	gid_t gid;
	uid_t former;
	bool held_back; /* something may be a stranger's, and was left as it was */
};

/* ---- whose it is ---- */

static int give(int fd, const struct stat *st, const struct gift *to)
{
	if (st->st_uid == to->uid && st->st_gid == to->gid)
		return 0;
	return fchownat(fd, "", to->uid, to->gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/*
 * A file with more than one name may be somebody else's, whose second name the former owner has made here: link(2) takes no
 * more than the right to write here, unless fs.protected_hardlinks is set.
 */
static bool may_be_foreign(const struct stat *st, uid_t former)
{
	return !S_ISDIR(st->st_mode) && st->st_nlink > 1 && (former == 0 || st->st_uid != former);
}

static int give_tree(int fd, const struct stat *st, struct gift *to);

/* What is mounted there is not a part of it. What is gone by now is no failure. */
static int give_entry(int dir, const char *name, struct gift *to)
{
	cleanup_close int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (beneath_is_mount(fd))
		return 0;
	if (may_be_foreign(&st, to->former)) {
		to->held_back = true;
		return 0;
	}
	return S_ISDIR(st.st_mode) ? give_tree(fd, &st, to) : give(fd, &st, to);
}

/* The top last: while it is the former owner's, this is not done. */
static int give_tree(int fd, const struct stat *st, struct gift *to)
{
	int list_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *list = list_fd < 0 ? NULL : fdopendir(list_fd);
	struct dirent *e;

	if (!list) {
		r = -errno;
		close_fd(list_fd);
		return r;
	}
	while (r == 0 && (errno = 0, e = readdir(list)))
		if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
			r = give_entry(list_fd, e->d_name, to);
	if (r == 0)
		r = -errno;
	closedir(list);
	return r < 0 ? r : give(fd, st, to);
}

/* ---- one directory ---- */

/* A descriptor by O_PATH has no fchmod(2), and what is not ours to read has no other. */
static int set_mode(int fd, unsigned mode)
{
	char link[32];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if ((st.st_mode & 07777) == mode)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return chmod(link, mode) < 0 ? -errno : 0;
}

static int take_over(const struct child *c, int fd, const char *path, struct gift to)
{
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid == to.uid && st.st_gid == to.gid)
		return 0;
	to.former = st.st_uid;
	r = give_tree(fd, &st, &to);
	if (to.held_back)
		child_warn(c, STEP_CHOWN, EMLINK, path);
	return r;
}

/* Nobody else gets in before it has its owner and its mode. */
static int make(const struct child *c, int base, enum directory_kind kind, const char *path,
		const struct gift *to)
{
	const char *name;
	cleanup_close int parent = beneath_parent(base, path, true, &name), fd = -1;
	bool is_config = kind == DIRECTORY_CONFIGURATION;
	int r = 0;

	if (parent < 0)
		return parent;
	if (mkdirat(parent, name, 0700) < 0) {
		if (errno != EEXIST)
			return -errno;
		if (is_config) /* the administrator's */
			return 0;
	}
	fd = beneath_enter(parent, name);
	if (fd < 0)
		return fd;
	if (!is_config && geteuid() == 0)
		r = take_over(c, fd, path, *to);
	return r < 0 ? r : set_mode(fd, c->x->unit->directories->of[kind].mode);
}

/* Relative, as systemd makes it. One that is there and leads there is all right. */
static int make_link(int base, const char *path, const char *link)
{
	const char *name;
	cleanup_close int parent = beneath_parent(base, link, true, &name);
	cleanup_buf struct buf target = BUF_INIT;
	char there[PATH_MAX];
	ssize_t n;

	if (parent < 0)
		return parent;
	for (const char *slash = link; (slash = strchr(slash, '/')); slash++)
		buf_puts(&target, "../");
	buf_puts(&target, path);
	if (buf_error(&target) < 0)
		return -ENOMEM;
	if (symlinkat(target.data, parent, name) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	n = readlinkat(parent, name, there, sizeof(there) - 1);
	if (n < 0)
		return -EEXIST;
	there[n] = '\0';
	return streq(there, target.data) ? 0 : -EEXIST;
}

/* ---- all of them ---- */

static void make_kind(const struct child *c, enum directory_kind kind, const struct gift *to)
{
	const struct directory_list *list = &c->x->unit->directories->of[kind];
	const char *base_path = directory_kind_base(kind, c->x->host);
	enum exec_step step = STEP_RUNTIME_DIRECTORY + kind;
	cleanup_close int base = -1;

	if (list->n == 0)
		return;
	base = base_path ? beneath_open_base(base_path, true) : -ENOENT;
	if (base < 0)
		child_fail_at(c, step, base, base_path ? base_path : directory_kind_name(kind));
	for (size_t i = 0; i < list->n; i++) {
		const struct directory *d = &list->v[i];
		int r = make(c, base, kind, d->path, to);

		for (char **link = d->links; r == 0 && link && *link; link++)
			r = make_link(base, d->path, *link);
		if (r < 0)
			child_fail_at(c, step, r, d->path);
	}
}

void child_set_up_directories(const struct child *c)
{
	struct gift to = { 0 };

	if (!c->x->unit->directories)
		return;
	child_look_up_owner(c, &to.uid, &to.gid);
	for (enum directory_kind kind = 0; kind < DIRECTORY_KIND_MAX; kind++)
		make_kind(c, kind, &to);
}
