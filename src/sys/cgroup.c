/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "sys/hierarchy.h"
#include "sys/kernel.h"
#include "sys/pidfd.h"
#include "util/buf.h"

/* One descriptor is open per level of a walk; deeper trees are refused, not followed. */
#define DEPTH_MAX 256

static int open_beneath(const struct cg *cg, const char *name, uint64_t flags)
{
	return kernel_openat2(cg->fd, name, flags | O_CLOEXEC,
			      RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
}

static bool is_component(const char *name)
{
	return *name && !strchr(name, '/') && !streq(name, ".") && !streq(name, "..");
}

static int directory_id(int fd, uint64_t *out)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	*out = st.st_ino;
	return 0;
}

/* O_DIRECTORY|O_NOFOLLOW says ENOTDIR of a symlink; people are helped more by ELOOP. */
static int open_error(const char *file_path, int error)
{
	struct stat st;

	if (error == -ENOTDIR && lstat(file_path, &st) == 0 && S_ISLNK(st.st_mode))
		return -ELOOP;
	return error;
}

int cg_open_path(struct cg *out, const char *file_path)
{
	int fd = open(file_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? open_error(file_path, -errno) : cg_open_fd(out, fd, NULL);
}

int cg_open_fd(struct cg *out, int dir_fd, const char *file_path)
{
	cleanup_close int fd = dir_fd;
	cleanup_free char *path = NULL;
	struct statfs fs;
	uint64_t id = 0;
	int r;

	if (fstatfs(fd, &fs) < 0)
		return -errno;
	if (fs.f_type != CGROUP2_SUPER_MAGIC)
		return -EMEDIUMTYPE;
	r = directory_id(fd, &id);
	if (r < 0)
		return r;
	r = cgroup_path_of_directory(fd, file_path, &path);
	if (r < 0)
		return r;
	*out = (struct cg){ .fd = TAKE_FD(fd), .id = id, .path = TAKE_PTR(path) };
	return 0;
}

int cg_open(struct cg *out, const struct cg *parent, const char *name)
{
	cleanup_close int fd = -1;
	char *path;
	uint64_t id = 0;
	int r;

	if (!is_component(name))
		return -EINVAL;
	fd = open_beneath(parent, name, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd;
	r = directory_id(fd, &id);
	if (r < 0)
		return r;
	if (asprintf(&path, "%s/%s", streq(parent->path, "/") ? "" : parent->path, name) < 0)
		return -ENOMEM;
	*out = (struct cg){ .fd = TAKE_FD(fd), .id = id, .path = path };
	return 0;
}

int cg_create(struct cg *out, const struct cg *parent, const char *name)
{
	int r;

	if (!is_component(name))
		return -EINVAL;
	if (mkdirat(parent->fd, name, 0755) < 0)
		return -errno;
	r = cg_open(out, parent, name);
	if (r < 0)
		(void)!unlinkat(parent->fd, name, AT_REMOVEDIR);
	return r;
}

void cg_close(struct cg *cg)
{
	close_fd(cg->fd);
	free(cg->path);
	*cg = (struct cg)CG_INIT;
}

bool cg_is_alive(const struct cg *cg)
{
	return faccessat(cg->fd, "cgroup.procs", F_OK, 0) == 0;
}

int cg_events_open(const struct cg *cg)
{
	int fd = open_beneath(cg, "cgroup.events", O_RDONLY);

	/* The root has none: it must not pass for removed, and so for empty. */
	return fd == -ENOENT && cg_is_alive(cg) ? -EOPNOTSUPP : fd;
}

int cg_events_read(int events_fd, struct cg_events *out)
{
	char text[256];
	/* Offset 0 makes kernfs show the file anew, which also re-arms its poll: kernfs_seq_show(). */
	ssize_t n = pread(events_fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	if (!strstr(text, "populated "))
		return -EBADMSG;
	*out = (struct cg_events){
		.populated = !strstr(text, "populated 0"),
		.frozen = strstr(text, "frozen 1") != NULL,
	};
	return 0;
}

int cg_populated(const struct cg *cg)
{
	cleanup_close int fd = cg_events_open(cg);
	struct cg_events events = { 0 };
	int r = fd < 0 ? fd : cg_events_read(fd, &events);

	if (cg_is_gone(r))
		return 0;
	return r < 0 ? r : events.populated;
}

static int write_file(const struct cg *cg, const char *name, const char *text)
{
	cleanup_close int fd = open_beneath(cg, name, O_WRONLY);

	if (fd < 0)
		return fd;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int cg_kill_write(const struct cg *cg)
{
	return write_file(cg, "cgroup.kill", "1");
}

int cg_limit_depth(const struct cg *cg, unsigned depth)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", depth);
	return write_file(cg, "cgroup.max.depth", text);
}

int cg_freeze(const struct cg *cg, bool freeze)
{
	return write_file(cg, "cgroup.freeze", freeze ? "1" : "0");
}

int cg_freeze_asked(const struct cg *cg)
{
	cleanup_close int fd = open_beneath(cg, "cgroup.freeze", O_RDONLY);
	char c;

	if (fd < 0)
		return fd;
	switch (read(fd, &c, 1)) {
	case 1:
		return c == '1';
	case 0:
		return -EBADMSG;
	default:
		return -errno;
	}
}

/* cgroup2 takes user.* since Linux 5.7: KERNFS_ROOT_SUPPORT_USER_XATTR. */
static const char *const attr_namespaces[] = { "user.", "trusted." };

struct attr_name {
	char text[XATTR_NAME_MAX + 1];
};

/* Not by snprintf(3): in a fresh child, which signs its birth here, that would cost 10 µs of page faults. */
static const char *attr_name(struct attr_name *out, size_t namespace, const char *name)
{
	const char *prefix = attr_namespaces[namespace];
	size_t n = strlen(prefix), len = strnlen(name, sizeof(out->text) - n - 1);

	memcpy(out->text, prefix, n);
	memcpy(out->text + n, name, len);
	out->text[n + len] = '\0';
	return out->text;
}

int cg_attr_set(const struct cg *cg, const char *name, const void *data, size_t len)
{
	struct attr_name full;
	int r = -EOPNOTSUPP;

	for (size_t i = 0; i < ARRAY_SIZE(attr_namespaces) && r == -EOPNOTSUPP; i++)
		r = fsetxattr(cg->fd, attr_name(&full, i, name), data, len, 0) < 0 ? -errno : 0;
	return r;
}

ssize_t cg_attr_get(const struct cg *cg, const char *name, void *buf, size_t cap)
{
	struct attr_name full;
	ssize_t n = -EOPNOTSUPP;

	for (size_t i = 0; i < ARRAY_SIZE(attr_namespaces) && n == -EOPNOTSUPP; i++) {
		n = fgetxattr(cg->fd, attr_name(&full, i, name), buf, cap);
		n = n < 0 ? -errno : n;
	}
	return n;
}

int cg_attr_remove(const struct cg *cg, const char *name)
{
	struct attr_name full;
	int r = -EOPNOTSUPP;

	for (size_t i = 0; i < ARRAY_SIZE(attr_namespaces) && r == -EOPNOTSUPP; i++)
		r = fremovexattr(cg->fd, attr_name(&full, i, name)) < 0 ? -errno : 0;
	return r;
}

int cg_attach(const struct cg *cg, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)pid);
	return write_file(cg, "cgroup.procs", text);
}

/* The link count of a kernfs directory is 2 + children: kernfs_refresh_inode(). Most cgroups are leaves. 1, 0, -errno. */
static int is_leaf(const struct cg *cg)
{
	struct stat st;

	return fstat(cg->fd, &st) < 0 ? -errno : st.st_nlink <= 2;
}

/*
 * Appends the names of cg's children, each with its NUL. They are collected before any is entered:
 * a walk then holds one descriptor per level, and may remove what it finds.
 */
static int child_names(const struct cg *cg, struct buf *out)
{
	_Alignas(struct dirent64) char entries[2048]; /* opendir(3) would take 32 KiB of heap for some 20 entries */
	cleanup_close int fd = -1;
	int leaf = is_leaf(cg);
	ssize_t n;

	if (leaf != 0)
		return MIN_OF(leaf, 0);
	fd = open_beneath(cg, ".", O_RDONLY | O_DIRECTORY); /* cg->fd has one position for all who use it */
	if (fd < 0)
		return cg_is_gone(fd) ? 0 : fd;
	do {
		n = getdents64(fd, (void *)entries, sizeof(entries));
		for (ssize_t i = 0; i < n;) {
			const struct dirent64 *entry = (const void *)(entries + i);

			if (entry->d_type == DT_DIR && is_component(entry->d_name))
				buf_append(out, entry->d_name, strlen(entry->d_name) + 1);
			i += entry->d_reclen;
		}
	} while (n > 0); /* a signal ends a listing early, and nothing but a 0 says that it is whole: filldir64() */
	if (n < 0)
		return cg_is_gone(-errno) ? 0 : -errno;
	return buf_error(out);
}

static int walk(const struct cg *cg, cg_visit_fn visit, void *arg, unsigned depth)
{
	cleanup_buf struct buf names = BUF_INIT;
	int r, deep = 0;

	if (depth > DEPTH_MAX)
		return -ENAMETOOLONG;
	r = visit(cg, arg);
	if (r < 0)
		return r;
	r = child_names(cg, &names);
	for (size_t i = 0; r >= 0 && i < names.len; i += strlen(names.data + i) + 1) {
		struct cg child;

		r = cg_open(&child, cg, names.data + i);
		if (cg_is_gone(r)) {
			r = 0;
			continue;
		}
		if (r < 0)
			break;
		r = walk(&child, visit, arg, depth + 1);
		cg_close(&child);
		if (r == -ENAMETOOLONG) { /* what somebody has nested without end keeps nobody from the rest */
			deep = r;
			r = 0;
		}
	}
	return r < 0 ? r : deep;
}

int cg_walk(const struct cg *root, cg_visit_fn visit, void *arg)
{
	return walk(root, visit, arg, 0);
}

static int append_pid(struct cg_pids *p, pid_t pid)
{
	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 64;
		pid_t *v = reallocarray(p->v, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		p->v = v;
		p->cap = cap;
	}
	p->v[p->n++] = pid;
	return 0;
}

/* Decimal numbers, each ended by a newline; *number carries one that is cut in two by the end of a read. */
static int append_pids(struct cg_pids *p, const char *text, ssize_t len, pid_t *number)
{
	for (ssize_t i = 0; i < len; i++) {
		if (text[i] >= '0' && text[i] <= '9') {
			*number = *number * 10 + (text[i] - '0');
			continue;
		}
		if (append_pid(p, *number) < 0)
			return -ENOMEM;
		*number = 0;
	}
	return 0;
}

int cg_read_procs(const struct cg *cg, struct cg_pids *out)
{
	cleanup_close int fd = open_beneath(cg, "cgroup.procs", O_RDONLY);
	char text[4096]; /* a seq_file gives at most a page a read */
	pid_t number = 0;
	ssize_t n;

	out->n = 0;
	if (fd < 0)
		return fd;
	while ((n = read(fd, text, sizeof(text))) > 0)
		if (append_pids(out, text, n, &number) < 0)
			return -ENOMEM;
	return n < 0 ? -errno : 0;
}

int cg_last_pid(const struct cg *cg, pid_t *out)
{
	cleanup_close int fd = open_beneath(cg, "cgroup.procs", O_RDONLY);
	char text[512]; /* the kernel lists no more than fit: seq_read_iter() */
	const char *last;
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, text, sizeof(text));
	if (n < 0)
		return -errno;
	while (n > 0 && text[n - 1] != '\n') /* a number that was cut in two */
		n--;
	if (n > 0)
		text[--n] = '\0';
	last = n > 0 ? memrchr(text, '\n', (size_t)n) : NULL;
	*out = n > 0 ? (pid_t)strtol(last ? last + 1 : text, NULL, 10) : 0;
	return 0;
}

void cg_pids_deinit(struct cg_pids *p)
{
	free(p->v);
	*p = (struct cg_pids){ 0 };
}

struct count {
	const struct cg *root;
	struct cg_pids pids;
	size_t n;
};

static int count_visit(const struct cg *cg, void *arg)
{
	struct count *count = arg;
	int r = cg_read_procs(cg, &count->pids);

	if (cg_is_gone(r) || (r == -EOPNOTSUPP && cg != count->root))
		return 0; /* removed; threaded, with its processes listed at the domain's root */
	if (r < 0)
		return r;
	count->n += count->pids.n;
	return 0;
}

ssize_t cg_count(const struct cg *cg)
{
	struct count count = { .root = cg };
	int r = cg_walk(cg, count_visit, &count);

	cg_pids_deinit(&count.pids);
	return r < 0 ? r : (ssize_t)count.n;
}

static int remove_below(const struct cg *parent, const char *name, unsigned depth)
{
	cleanup_buf struct buf names = BUF_INIT;
	struct cg cg;
	int r;

	if (unlinkat(parent->fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY)
		return -errno;
	if (depth > DEPTH_MAX)
		return -ENAMETOOLONG;
	r = cg_open(&cg, parent, name);
	if (r < 0)
		return cg_is_gone(r) ? 0 : r;
	r = child_names(&cg, &names);
	for (size_t i = 0; i < names.len; i += strlen(names.data + i) + 1) {
		int one = remove_below(&cg, names.data + i, depth + 1);

		r = r < 0 ? r : one; /* what is empty beside one that is not goes all the same */
	}
	cg_close(&cg);
	if (r < 0)
		return r;
	return unlinkat(parent->fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

int cg_remove(const struct cg *parent, const char *name)
{
	if (!is_component(name))
		return -EINVAL;
	return remove_below(parent, name, 0);
}

/* The inode number of a 32-bit kernel is the lower half of the cgroup's. To take another for it is a refusal too much. */
static int match_id(const struct cg *cg, void *arg)
{
	const uint64_t id = *(const uint64_t *)arg;

	return cg->id == id || cg->id == (uint32_t)id ? -EPERM : 0;
}

/* Who moves on each time that it was not found where it was has to be met some time. */
#define GUARD_TRIES 8

/*
 * By the number of the process's cgroup, which needs no name and no /proc. It was in none of those that were looked at if it is
 * where it was. -EOPNOTSUPP: the kernel does not tell (before Linux 6.13, or a seccomp filter).
 */
static int guard_by_id(const struct cg *cg, pid_t pid)
{
	/* Of ourselves it is this thread: the main one may have ended, and stays where it was when the others are moved. */
	cleanup_close int pidfd = pid ? pidfd_open_pid(pid) : kernel_pidfd_open_self();
	uint64_t id = 0, before = 0;
	pid_t parent;

	for (int i = 0; i < GUARD_TRIES; i++) {
		int r = pidfd < 0 ? pidfd : pidfd_origin(pidfd, &parent, &id);

		if (r < 0)
			return r == -ESRCH ? r : -EOPNOTSUPP;
		if (id == before)
			return 0;
		before = id;
		r = cg_walk(cg, match_id, &id);
		if (r < 0)
			return r;
	}
	return -EAGAIN;
}

/* Is the one called as the other is when it is removed? Then one has lost that part of its name, and may be the other. */
static bool may_be(const char *path, const char *removed)
{
	const char *rest = after_prefix(removed, path);

	return rest && streq(rest, CGROUP_REMOVED);
}

/* Does /proc know processes by the numbers that we do? That of another PID namespace shows others by them. */
static bool proc_is_ours(void)
{
	char self[16] = "";

	return readlink("/proc/self", self, sizeof(self) - 1) > 0 && atoi(self) == getpid();
}

static int guard_by_path(const struct cg *cg, pid_t pid)
{
	cleanup_free char *path = NULL;
	int r = pid == 0 || proc_is_ours() ? cgroup_path_of(pid, &path) : -EACCES;

	if (r == -ESRCH || r == -EACCES || r == -EPERM) { /* hidden, by hidepid=; or there is no /proc of ours */
		int by_id = guard_by_id(cg, pid);

		/* Without a word from the kernel -EPERM would be one that was not said. */
		return by_id != -EOPNOTSUPP ? by_id : r == -ESRCH ? -ESRCH : -EACCES;
	}
	if (r < 0)
		return r;
	if (may_be(path, cg->path)) {
		r = guard_by_id(cg, pid);
		return r == -EOPNOTSUPP ? -EPERM : r;
	}
	return cgroup_path_is_below(path, cg->path) ? -EPERM : 0;
}

/*
 * -EPERM when pid lives below cg; -errno when it cannot be told. A path is one answer about any tree; where there is but one
 * cgroup to look at its number is had for a tenth of that.
 */
static int guard_process(const struct cg *cg, pid_t pid)
{
	int r = is_leaf(cg) == 1 ? guard_by_id(cg, pid) : -EOPNOTSUPP;

	return r == -EOPNOTSUPP ? guard_by_path(cg, pid) : r;
}

int cg_guard_process(const struct cg *cg, pid_t pid)
{
	int r = guard_process(cg, pid);

	if (r == -ESRCH) {
		cleanup_close int pidfd = kernel_pidfd_open(pid);

		r = pidfd == -ESRCH ? 0 : r;
	}
	return r;
}

/* Where this thread is, and where the main one is listed: a kill reaches us by the one, a signal to all by the other. */
static int guard_ourselves(const struct cg *cg)
{
	int r = guard_process(cg, 0);

	return r == 0 && syscall(SYS_gettid) != getpid() ? guard_process(cg, getpid()) : r;
}

int cg_guard(const struct cg *cg, pid_t caller, const char **who)
{
	static _Thread_local char text[40];
	int r = guard_ourselves(cg);

	*who = "cgkilld itself";
	if (r < 0)
		return r;
	r = guard_process(cg, 1);
	*who = "PID 1";
	if (r < 0)
		return r;
	r = caller > 0 ? cg_guard_process(cg, caller) : 0;
	*who = r < 0 ? text : NULL;
	if (r < 0)
		snprintf(text, sizeof(text), "the caller (PID %d)", (int)caller);
	return r;
}
