/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/hierarchy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "sys/kernel.h"
#include "sys/mountinfo.h"

/* What the last call failed with; never 0, though the end of a stream that is none may set no errno. */
static int failure(void)
{
	return errno > 0 ? -errno : -EIO;
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* Undoes show_mountinfo()'s mangling: space, tab, newline, backslash and '#' come as \ooo. In place; returns s. */
static char *unescape(char *s)
{
	char *to = s;

	for (const char *from = s; *from; to++) {
		if (from[0] == '\\' && is_octal(from[1]) && is_octal(from[2]) && is_octal(from[3])) {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
	return s;
}

static bool has_option(const char *options, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = options; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (strncmp(p, name, n) == 0 && (p[n] == ',' || p[n] == '\0'))
			return true;
	}
	return false;
}

/* May the mount that shows our cgroup take the place of best? */
static bool is_better(const struct mount_line *m, bool read_only, const struct hierarchy *best)
{
	if (!best->mount_point)
		return true;
	/* The later of two mounts on one directory is the one that a path reaches. */
	if (streq(m->point, best->mount_point))
		return true;
	return best->read_only && !read_only;
}

/* Which mount it is to be: one that shows this cgroup, or, without one, the one of that number. */
struct wanted {
	const char *own;
	long id;
};

static bool is_wanted(const struct wanted *wanted, const struct mount_line *m, bool read_only,
		      const struct hierarchy *best)
{
	if (!wanted->own)
		return strtol(m->id, NULL, 10) == wanted->id;
	return cgroup_path_is_below(wanted->own, m->root) && is_better(m, read_only, best);
}

/* Takes the mount on this line into best when it is the better one. */
static int consider(struct hierarchy *best, char *line, const struct wanted *wanted)
{
	struct hierarchy found;
	struct mount_line m;

	if (!mountinfo_split(line, &m) || !streq(m.type, "cgroup2"))
		return 0;
	found.read_only = has_option(m.options, "ro") || has_option(m.super_options, "ro");
	found.nsdelegate = has_option(m.super_options, "nsdelegate");
	unescape(m.root);
	unescape(m.point);
	if (!is_wanted(wanted, &m, found.read_only, best))
		return 0;
	found.mount_root = strdup(m.root);
	found.mount_point = strdup(m.point);
	if (!found.mount_root || !found.mount_point) {
		hierarchy_deinit(&found);
		return -ENOMEM;
	}
	hierarchy_deinit(best);
	*best = found;
	return 0;
}

/* -ENOENT: there is none such. */
static int find_mount(struct hierarchy *out, FILE *mountinfo, const struct wanted *wanted)
{
	struct hierarchy best = { 0 };
	cleanup_free char *line = NULL;
	size_t cap = 0;
	int r = 0;

	while (r == 0 && (errno = 0, getline(&line, &cap, mountinfo)) >= 0)
		r = consider(&best, line, wanted);
	if (r == 0 && !feof(mountinfo))
		r = failure();
	if (r == 0 && !best.mount_point)
		r = -ENOENT;
	if (r < 0)
		hierarchy_deinit(&best);
	else
		*out = best;
	return r;
}

int hierarchy_find(struct hierarchy *out, const char *mountinfo)
{
	cleanup_free char *own = NULL;
	cleanup_fclose FILE *f = NULL;
	int r = cgroup_path_of(0, &own);

	if (r < 0)
		return r == -ENODATA ? -ENOENT : r;
	f = fopen(mountinfo ? mountinfo : "/proc/self/mountinfo", "re");
	return f ? find_mount(out, f, &(struct wanted){ .own = own }) : failure();
}

void hierarchy_deinit(struct hierarchy *h)
{
	free(h->mount_point);
	free(h->mount_root);
	*h = (struct hierarchy){ 0 };
}

static void cut_removed(char *path)
{
	if (ends_with(path, CGROUP_REMOVED))
		path[strlen(path) - strlen(CGROUP_REMOVED)] = '\0';
}

/*
 * Past the whole lines in text, or at the path in that of cgroup2, which has hierarchy number 0 and no controllers. No name
 * of a cgroup holds a newline.
 */
static char *find_path(char *text, bool *found)
{
	char *line = text, *end;

	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		*found = after_prefix(line, "0::");
		if (*found)
			return line + strlen("0::");
		line = end + 1;
	}
	return line;
}

/* Not by stdio(3), whose buffers are a good part of the work here. */
int cgroup_path_of(pid_t pid, char **out)
{
	char name[32] = "/proc/thread-self/cgroup"; /* the main thread may have ended, and be left where it was */
	char text[PATH_MAX + 512], *at; /* the longest line: proc_cgroup_show() */
	cleanup_close int fd = -1;
	size_t kept = 0;
	bool found = false;

	if (pid != 0)
		snprintf(name, sizeof(name), "/proc/%d/cgroup", (int)pid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : failure();
	while (!found) {
		ssize_t n = read(fd, text + kept, sizeof(text) - 1 - kept);

		if (n < 0)
			return failure(); /* ESRCH when it went between open and read */
		if (n == 0)
			return -ENODATA;
		kept += (size_t)n;
		text[kept] = '\0';
		at = find_path(text, &found);
		kept -= (size_t)(at - text);
		memmove(text, at, kept + 1);
	}
	cut_removed(text);
	*out = strdup(text);
	return *out ? 0 : -ENOMEM;
}

/* Is one of the components ".."? Such a path (of what is outside our cgroup namespace) must not be glued to another. */
static bool climbs(const char *path)
{
	for (const char *p = path; (p = strstr(p, "/..")); p += 3)
		if (p[3] == '/' || p[3] == '\0')
			return true;
	return false;
}

/*
 * What path has behind ancestor ("" or "/…"), NULL when it is not below it. One that is not absolute is below nothing, and
 * nothing is below it: "" is how statmount(2) may name a place that is out of reach from our root directory.
 */
static const char *path_below(const char *path, const char *ancestor)
{
	const char *rest = streq(ancestor, "/") ? path : after_prefix(path, ancestor);

	if (*path != '/' || *ancestor != '/' || !rest || (*rest != '\0' && *rest != '/') || climbs(rest))
		return NULL;
	return streq(rest, "/") ? "" : rest;
}

bool cgroup_path_is_below(const char *path, const char *ancestor)
{
	return path_below(path, ancestor) != NULL;
}

/* The part of path below from, put below to. Not by asprintf(3), whose first call costs more than all else here. */
static int translate(const char *path, const char *from, const char *to, char **out)
{
	const char *rest = path_below(path, from);
	char *s;

	if (!rest)
		return -EXDEV;
	if (streq(to, "/"))
		to = *rest ? "" : "/";
	s = malloc(strlen(to) + strlen(rest) + 1);
	if (!s)
		return -ENOMEM;
	stpcpy(stpcpy(s, to), rest);
	*out = s;
	return 0;
}

int hierarchy_file_path(const struct hierarchy *h, const char *cgroup_path, char **out)
{
	return translate(cgroup_path, h->mount_root, h->mount_point, out);
}

int hierarchy_cgroup_path(const struct hierarchy *h, const char *file_path, char **out)
{
	cleanup_free char *path = strdup(file_path);
	size_t n;

	if (!path)
		return -ENOMEM;
	for (n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
		path[n - 1] = '\0';
	return translate(path, h->mount_point, h->mount_root, out);
}

/* What the descriptor is really: free of symlinks, "..", and doubled slashes. */
static int file_path_of(int fd, char **out)
{
	char link[40], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/thread-self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return errno == ENOENT ? -ENOSYS : failure();
	if ((size_t)n == sizeof(path) - 1)
		return -ENAMETOOLONG;
	path[n] = '\0';
	*out = strdup(path);
	return *out ? 0 : -ENOMEM;
}

/* As the kernel would spell it? */
static bool is_canonical(const char *path)
{
	if (*path != '/' || climbs(path) || strstr(path, "//") || strstr(path, "/./"))
		return false;
	return !ends_with(path, "/.");
}

static int find_mount_of(struct hierarchy *out, int fd)
{
	struct wanted wanted = { 0 };
	cleanup_fclose FILE *f = fopen("/proc/thread-self/mountinfo", "re");
	int r = f ? kernel_mount_id(fd, &wanted.id) : failure();

	if (r < 0)
		return r == -ENOENT ? -ENOSYS : r;
	r = find_mount(out, f, &wanted);
	return r == -ENOENT ? -EXDEV : r;
}

/* A mount whose root is outside of our cgroup namespace has paths that cannot be held against others. */
static int cgroup_path_on(const struct hierarchy *h, const char *file_path, char **out)
{
	return climbs(h->mount_root) ? -EXDEV : hierarchy_cgroup_path(h, file_path, out);
}

int cgroup_path_of_directory(int fd, const char *file_path, char **out)
{
	cleanup_free char *real = NULL;
	struct kernel_mount mount;
	struct hierarchy h;
	int r;

	if (!file_path || !is_canonical(file_path)) {
		r = file_path_of(fd, &real);
		if (r < 0)
			return r;
		file_path = real;
	}
	if (kernel_statmount(fd, &mount) == 0) {
		h = (struct hierarchy){ .mount_point = mount.point, .mount_root = mount.root };
		return cgroup_path_on(&h, file_path, out);
	}
	r = find_mount_of(&h, fd);
	if (r < 0)
		return r;
	r = cgroup_path_on(&h, file_path, out);
	hierarchy_deinit(&h);
	return r;
}

int hierarchy_usable(void)
{
	cleanup_free char *own = NULL, *path = NULL;
	struct hierarchy h = { 0 };
	int r = cgroup_path_of(0, &own);

	if (r == 0)
		r = hierarchy_find(&h, NULL);
	if (h.mount_point)
		r = hierarchy_file_path(&h, own, &path);
	if (path && faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) < 0)
		r = failure();
	hierarchy_deinit(&h);
	return r == -ENODATA ? -ENOENT : r;
}
