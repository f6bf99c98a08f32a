/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/blocker.h"

#include <fcntl.h>
#include <limits.h>

#include "sys/mountinfo.h"

/* The target of a link below /proc/PID; false: it cannot be read. */
static bool read_link(int proc_fd, const char *name, char *out, size_t size)
{
	ssize_t n = readlinkat(proc_fd, name, out, size - 1);

	out[MAX_OF(n, 0)] = '\0';
	return n > 0;
}

/* ---- which file ---- */

static bool file_of_fd(int proc_fd, int fd, char *out, size_t size)
{
	char name[32];

	snprintf(name, sizeof(name), "fd/%d", fd);
	return fd == AT_FDCWD ? read_link(proc_fd, "cwd", out, size)
			      : read_link(proc_fd, name, out, size);
}

/* A string in the memory of a process: up to its end, or that of what is mapped. */
static bool read_string(int proc_fd, uint64_t address, char *out, size_t size)
{
	cleanup_close int fd = openat(proc_fd, "mem", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, out, size - 1, (off_t)address);

	out[MAX_OF(n, 0)] = '\0';
	return n > 0;
}

/* A relative path with what it is relative to before it. */
static bool file_of_path(int proc_fd, int at, uint64_t address, char *out, size_t size)
{
	char path[PATH_MAX], base[PATH_MAX];

	if (!read_string(proc_fd, address, path, sizeof(path)) || !*path)
		return file_of_fd(proc_fd, at, out, size); /* AT_EMPTY_PATH */
	if (*path == '/' || !file_of_fd(proc_fd, at, base, sizeof(base)))
		return snprintf(out, size, "%s", path) > 0;
	return snprintf(out, size, "%s/%s", base, path) > 0;
}

/* ---- which mount ---- */

/* Is path the mount point, or below it? How much of it that is, 0 = no. */
static size_t length_below(const char *path, const char *point)
{
	size_t n = strlen(point);

	if (streq(point, "/"))
		return *path == '/';
	return strncmp(path, point, n) == 0 && (path[n] == '/' || path[n] == '\0') ? n : 0;
}

/* By its number where that is known (id not ""), else the one that path is on: the last of the longest. */
static void find_mount(int proc_fd, const char *id, const char *path, char *out, size_t size)
{
	int fd = openat(proc_fd, "mountinfo", O_RDONLY | O_CLOEXEC);
	cleanup_fclose FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	cleanup_free char *line = NULL;
	size_t cap = 0, best = 0;

	if (!f)
		close_fd(fd);
	while (f && getline(&line, &cap, f) > 0) {
		struct mount_line m;
		size_t n;

		if (!mountinfo_split(line, &m))
			continue;
		n = *id ? streq(m.id, id) : length_below(path, m.point);
		if (n == 0 || n < best)
			continue;
		best = n;
		snprintf(out, size, "%s %s on %s", m.type, m.source, m.point);
	}
}

/* The mount_id of proc_pid_fdinfo(5). "": not known. */
static void mount_of_fd(int proc_fd, int number, char *out, size_t size)
{
	char name[32], text[512], *line;
	cleanup_close int fd = -1;
	ssize_t n;

	out[0] = '\0';
	snprintf(name, sizeof(name), "fdinfo/%d", number);
	fd = openat(proc_fd, name, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	text[MAX_OF(n, 0)] = '\0';
	line = strstr(text, "mnt_id:\t");
	if (line)
		snprintf(out, size, "%.*s", (int)strcspn(line + strlen("mnt_id:\t"), "\n"),
			 line + strlen("mnt_id:\t"));
}

void blocker_find(struct blocker *out, int proc_fd, enum call_subject subject,
		  const uint64_t args[static 2])
{
	int fd = (int)args[0];
	bool known = false;
	char id[16] = "";

	*out = (struct blocker){ 0 };
	if (subject == CALL_ABOUT_FD)
		known = file_of_fd(proc_fd, fd, out->file, sizeof(out->file));
	else if (subject != CALL_ABOUT_NOTHING)
		known = file_of_path(proc_fd, subject == CALL_ABOUT_PATH ? AT_FDCWD : fd,
				     args[subject == CALL_ABOUT_AT], out->file, sizeof(out->file));
	/* "pipe:[4711]" is on no mount that anybody knows, and the links below /proc lead to any. */
	if (!known || out->file[0] != '/' || after_prefix(out->file, "/proc/"))
		return;
	if (subject == CALL_ABOUT_FD)
		mount_of_fd(proc_fd, fd, id, sizeof(id));
	find_mount(proc_fd, id, out->file, out->mount, sizeof(out->mount));
}
