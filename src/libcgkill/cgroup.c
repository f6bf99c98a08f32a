/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <time.h>

#include "libcgkill/handle.h"
#include "sys/hierarchy.h"
#include "sys/kernel.h"
#include "util/clock.h"

/* Takes the handle over, also when it fails. */
static int wrap(struct cg cg, struct cgkill_cgroup **out)
{
	struct cgkill_cgroup *handle = malloc(sizeof(*handle));

	if (!handle) {
		cg_close(&cg);
		return -ENOMEM;
	}
	handle->cg = cg;
	*out = handle;
	return 0;
}

static int open_directory(int dir_fd, const char *path, uint64_t resolve)
{
	return kernel_openat2(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, resolve);
}

/* Takes fd over. file_path: as cg_open_fd() has it. */
static int open_cgroup(int fd, const char *file_path, struct cgkill_cgroup **out)
{
	struct cg cg;
	int r = cg_open_fd(&cg, fd, file_path);

	return r < 0 ? r : wrap(cg, out);
}

static int open_file_path(const char *path, struct cgkill_cgroup **out)
{
	int fd = open_directory(AT_FDCWD, path, RESOLVE_NO_SYMLINKS);

	return fd < 0 ? fd : open_cgroup(fd, path, out);
}

/* The next of a path, whose length is *n; past what says nothing. */
static const char *component(const char *p, size_t *n)
{
	do {
		p += strspn(p, "/");
		*n = strcspn(p, "/");
	} while (*n == 1 && *p == '.' && *p++);
	return p;
}

static bool is_same_path(const char *a, const char *b)
{
	size_t n, m;

	for (;; a += n, b += m) {
		a = component(a, &n);
		b = component(b, &m);
		if (n != m || memcmp(a, b, n) != 0)
			return false;
		if (n == 0)
			return true;
	}
}

/* As /proc/PID/cgroup shows it. -EXDEV: another cgroup is mounted there. */
static int open_cgroup_path(const char *path, struct cgkill_cgroup **out)
{
	cleanup_free char *file_path = NULL;
	struct cgkill_cgroup *found = NULL;
	struct hierarchy h;
	int r = hierarchy_find(&h, NULL);

	if (r < 0)
		return r == -ESRCH || r == -ENOENT ? -ENOSYS : r; /* no /proc, or no mount */
	r = hierarchy_file_path(&h, path, &file_path);
	hierarchy_deinit(&h);
	if (r == 0)
		r = open_file_path(file_path, &found);
	if (!found)
		return r;
	if (!is_same_path(path, found->cg.path)) {
		cgkill_close(found);
		return -EXDEV;
	}
	*out = found;
	return 0;
}

PUBLIC int cgkill_open(const char *path, struct cgkill_cgroup **out)
{
	int r = open_file_path(path, out), other;

	if ((r != -ENOENT && r != -EMEDIUMTYPE) || *path != '/')
		return r;
	other = open_cgroup_path(path, out);
	return other == 0 || other == -EXDEV || (other == -ENOSYS && r == -ENOENT) ? other : r;
}

PUBLIC int cgkill_open_fd(int fd, struct cgkill_cgroup **out)
{
	/* An open file of our own: a position of reading is shared by those that dup(2) made. */
	int own = open_directory(fd, ".", RESOLVE_BENEATH);

	return own < 0 ? own : open_cgroup(own, NULL, out);
}

PUBLIC int cgkill_create(const struct cgkill_cgroup *parent, const char *name, struct cgkill_cgroup **out)
{
	struct cg cg;
	int r = cg_create(&cg, &parent->cg, name);

	return r < 0 ? r : wrap(cg, out);
}

PUBLIC int cgkill_open_child(const struct cgkill_cgroup *parent, const char *name,
			     struct cgkill_cgroup **out)
{
	struct cg cg;
	int r = cg_open(&cg, &parent->cg, name);

	return r < 0 ? r : wrap(cg, out);
}

PUBLIC void cgkill_close(struct cgkill_cgroup *cg)
{
	if (!cg)
		return;
	cg_close(&cg->cg);
	free(cg);
}

PUBLIC int cgkill_fd(const struct cgkill_cgroup *cg)
{
	return cg->cg.fd;
}

PUBLIC const char *cgkill_path(const struct cgkill_cgroup *cg)
{
	return cg->cg.path;
}

PUBLIC uint64_t cgkill_id(const struct cgkill_cgroup *cg)
{
	return cg->cg.id;
}

PUBLIC int cgkill_is_populated(const struct cgkill_cgroup *cg)
{
	return cg_populated(&cg->cg);
}

PUBLIC int cgkill_wait_empty(const struct cgkill_cgroup *cg, uint64_t timeout_usec)
{
	cleanup_close int fd = cg_events_open(&cg->cg);
	usec_t end = usec_add(clock_now(), timeout_usec);
	struct pollfd p = { .fd = fd, .events = POLLPRI };

	if (fd < 0)
		return cg_is_gone(fd) ? 0 : fd;
	for (;;) {
		struct cg_events events;
		int r = cg_events_read(fd, &events);
		usec_t left = usec_sub(end, clock_now());
		struct timespec wait = { (time_t)(left / USEC_PER_SEC),
					 (long)(left % USEC_PER_SEC) * 1000 };

		if (r < 0)
			return cg_is_gone(r) ? 0 : r;
		if (!events.populated)
			return 0;
		if (left == 0)
			return -ETIMEDOUT;
		(void)ppoll(&p, 1, &wait, NULL); /* a failure, EINTR for one, is a reason to look */
	}
}

/* The directory above cg, if that is still there under its name; else -ENOENT. -EXDEV: its mount begins with it. */
static int open_parent(const struct cg *cg, const char *name, struct cg *out)
{
	cleanup_close int fd = open_directory(cg->fd, "..", RESOLVE_NO_XDEV);
	struct stat st;
	char *path;

	if (fd < 0)
		return fd;
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (st.st_ino != cg->id)
		return -ENOENT;
	path = strndup(cg->path, (size_t)(name - cg->path));
	if (!path)
		return -ENOMEM;
	*out = (struct cg){ .fd = TAKE_FD(fd), .path = path };
	return 0;
}

PUBLIC int cgkill_remove(const struct cgkill_cgroup *cg)
{
	const char *slash = strrchr(cg->cg.path, '/');
	struct cg parent;
	int r;

	if (!slash || !slash[1])
		return -EBUSY; /* the root of what we can see */
	r = open_parent(&cg->cg, slash + 1, &parent);
	if (r < 0)
		return cg_is_gone(r) ? 0 : r;
	r = cg_remove(&parent, slash + 1);
	cg_close(&parent);
	return r;
}

PUBLIC int cgkill_guard(const struct cgkill_cgroup *cg, pid_t pid)
{
	const char *who;

	return pid > 0 ? cg_guard_process(&cg->cg, pid) : cg_guard(&cg->cg, 0, &who);
}
