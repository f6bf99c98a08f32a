/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "logger/logfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "core/logline.h"
#include "core/logwire.h"
#include "util/parse.h"

int logfile_init(struct logfile *f, const char *unit)
{
	*f = (struct logfile)LOGFILE_INIT;
	return asprintf(&f->name, "%s.log", unit) < 0 ? -ENOMEM : 0;
}

void logfile_deinit(struct logfile *f)
{
	free(TAKE_PTR(f->name));
	free(TAKE_PTR(f->head));
	f->fd = close_fd(f->fd);
}

static int open_it(struct logfile *f, int dir_fd)
{
	f->fd = openat(dir_fd, f->name,
		       O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
	return f->fd < 0 ? -errno : 0;
}

/* ---- rotation ---- */

/* The number of one of its earlier files; 0: the name is another one's. */
static unsigned number_of(const struct logfile *f, const char *name)
{
	const char *rest = after_prefix(name, f->name);
	unsigned n = 0;

	return rest && *rest == '.' && parse_uint(rest + 1, &n) == 0 ? n : 0;
}

static void remove_file(const struct logfile *f, int dir_fd, unsigned number)
{
	char name[NAME_MAX + 1];

	if (snprintf(name, sizeof(name), "%s.%u", f->name, number) < (int)sizeof(name))
		unlinkat(dir_fd, name, 0);
}

/* Removes those up to `last`; returns the highest number that there is. */
static unsigned clean_up(const struct logfile *f, int dir_fd, unsigned last)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	unsigned highest = 0;

	if (!dir) {
		close_fd(fd);
		return 0;
	}
	for (const struct dirent *e; (e = readdir(dir));) {
		unsigned n = number_of(f, e->d_name);

		if (n > 0 && n <= last)
			remove_file(f, dir_fd, n);
		highest = MAX_OF(highest, n);
	}
	closedir(dir);
	return highest;
}

static int rotate(struct logfile *f, int dir_fd, const struct log_limits *l)
{
	unsigned next = clean_up(f, dir_fd, 0) + 1;
	char name[NAME_MAX + 1];

	if (snprintf(name, sizeof(name), "%s.%u", f->name, next) >= (int)sizeof(name))
		return -ENAMETOOLONG;
	if (renameat(dir_fd, f->name, dir_fd, name) < 0)
		return -errno;
	f->fd = close_fd(f->fd);
	if (next >= l->max_files) /* the one that is written counts, too */
		(void)clean_up(f, dir_fd, next - l->max_files + 1);
	return open_it(f, dir_fd);
}

/* ---- its head ---- */

/* A file in other words than ours is for those who have read them. */
static bool has_head(const struct logfile *f)
{
	char data[LOGLINE_PREFIX + LOGWIRE_SETTINGS_MAX];
	ssize_t n = pread(f->fd, data, sizeof(data), 0);
	struct logline l = { .mark = LOGLINE_WHOLE };

	if (n > 0)
		(void)logline_parse(data, (size_t)n, &l);
	if (l.mark != LOGLINE_HEAD || !f->head)
		return (l.mark == LOGLINE_HEAD) == (f->head != NULL);
	return l.len == strlen(f->head) && memcmp(l.text, f->head, l.len) == 0;
}

static int write_head(struct logfile *f)
{
	char stamp[CLOCK_STAMP_SIZE];
	cleanup_free char *record = NULL;
	int n = asprintf(&record, "%s%c%s\n", clock_stamp(clock_realtime(), stamp), LOGLINE_HEAD,
			 f->head);

	return n < 0 ? -ENOMEM : logfile_append(f, record, (size_t)n, 0);
}

/* ---- writing ---- */

/* Open, and the one that has the name. */
static int look(struct logfile *f, int dir_fd, struct stat *st, bool *fits)
{
	int r;

	*fits = true;
	if (f->fd >= 0 && (fstat(f->fd, st) < 0 || st->st_nlink == 0))
		f->fd = close_fd(f->fd);
	if (f->fd >= 0)
		return 0;
	r = open_it(f, dir_fd);
	if (r == 0 && fstat(f->fd, st) < 0)
		r = -errno;
	if (r == 0 && !S_ISREG(st->st_mode))
		r = -ENOTSUP;
	*fits = r == 0 && (st->st_size == 0 || has_head(f));
	return r;
}

int logfile_prepare(struct logfile *f, int dir_fd, const struct log_limits *l, size_t bytes,
		    struct logfile_place *out)
{
	struct stat st = { 0 };
	bool fits;
	int r = look(f, dir_fd, &st, &fits);

	if (r == 0 && st.st_size > 0 && (!fits || (uint64_t)st.st_size + bytes > l->max_size)) {
		r = rotate(f, dir_fd, l);
		if (r == 0 && fstat(f->fd, &st) < 0)
			r = -errno;
	}
	if (r == 0 && st.st_size == 0 && f->head) {
		r = write_head(f);
		if (r == 0 && fstat(f->fd, &st) < 0)
			r = -errno;
	}
	if (r < 0) {
		f->fd = close_fd(f->fd);
		return r;
	}
	*out = (struct logfile_place){ st.st_ino, (uint64_t)st.st_size };
	return 0;
}

int logfile_append(struct logfile *f, const void *data, size_t len, uint64_t offset)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(f->fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int r = n < 0 ? -errno : -EIO;

			(void)!ftruncate(f->fd, (off_t)offset);
			return r;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

void logfile_rewind(struct logfile *f, int dir_fd, const struct logfile_place *p)
{
	struct stat st;

	if (f->fd < 0 && open_it(f, dir_fd) < 0)
		return;
	if (fstat(f->fd, &st) == 0 && st.st_ino == p->inode && (uint64_t)st.st_size > p->offset)
		(void)!ftruncate(f->fd, (off_t)p->offset);
}
