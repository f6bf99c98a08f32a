/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/logreader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "util/parse.h"

#define READ_SIZE  (256U << 10)
#define JOINED_MAX (16U << 20) /* a longer line is told in parts */
#define TAIL_FIRST (64U << 10)
#define HEAD_MAX   1024U

/* ---- its files ---- */

struct numbers {
	unsigned *v; /* ascending: oldest first; the one without a number, which is the newest, is not among them */
	size_t n;
};

static int by_number(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return (x > y) - (x < y);
}

static unsigned number_of(const char *name, const struct logreader *r)
{
	const char *rest = r->raw ? NULL : after_prefix(name, r->unit);
	unsigned n = 0;

	rest = rest ? after_prefix(rest, ".log.") : NULL;
	return rest && parse_uint(rest, &n) == 0 ? n : 0;
}

static int list_numbers(const struct logreader *r, struct numbers *out)
{
	int fd = openat(r->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int error = 0;

	*out = (struct numbers){ 0 };
	if (!dir) {
		error = -errno;
		close_fd(fd);
		return error;
	}
	for (const struct dirent *e; (e = readdir(dir));) {
		unsigned n = number_of(e->d_name, r), *v;

		if (n == 0)
			continue;
		v = reallocarray(out->v, out->n + 1, sizeof(*v));
		if (!v) {
			error = -ENOMEM;
			break;
		}
		out->v = v;
		out->v[out->n++] = n;
	}
	closedir(dir);
	if (out->n > 0)
		qsort(out->v, out->n, sizeof(*out->v), by_number);
	return error;
}

static int open_number(const struct logreader *r, unsigned number)
{
	cleanup_free char *name = NULL;
	int fd;

	if ((number > 0 ? asprintf(&name, "%s.log.%u", r->unit, number)
			: asprintf(&name, "%s.%s", r->unit, r->raw ? "raw" : "log")) < 0)
		return -ENOMEM;
	fd = openat(r->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static bool same_file(const struct logreader *r, unsigned number)
{
	cleanup_close int fd = open_number(r, number);
	struct stat a, b;

	return fd >= 0 && r->fd >= 0 && fstat(fd, &a) == 0 && fstat(r->fd, &b) == 0 &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/* The number of the file behind ours. */
static unsigned next_number(const struct logreader *r, const struct numbers *l)
{
	unsigned own = r->number;

	for (size_t i = l->n; r->fd >= 0 && own == 0 && i > 0; i--)
		if (same_file(r, l->v[i - 1]))
			own = l->v[i - 1];
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i] > own)
			return l->v[i];
	return 0;
}

/* What its first record says counts for all of it, also where it is read from its middle on. */
static void take_file(struct logreader *r, int fd, unsigned number)
{
	char data[HEAD_MAX];
	ssize_t n = r->raw ? 0 : pread(fd, data, sizeof(data), 0);
	struct logline l = { .mark = LOGLINE_WHOLE, .text = "" };

	close_fd(r->fd);
	r->fd = fd;
	r->number = number;
	if (n > 0)
		(void)logline_parse(data, (size_t)n, &l);
	logging_parse_head(&r->how, l.text, l.mark == LOGLINE_HEAD ? l.len : 0);
}

/* 0; -ENOENT: there is none (yet); -errno. */
static int open_next(struct logreader *r)
{
	struct numbers l;
	int fd = list_numbers(r, &l);
	unsigned number = fd == 0 ? next_number(r, &l) : 0;

	free(l.v);
	if (fd == 0)
		fd = open_number(r, number);
	if (fd < 0)
		return fd;
	take_file(r, fd, number);
	return 0;
}

/* ---- lines ---- */

int logreader_init(struct logreader *r, int dir_fd, const char *unit, bool raw)
{
	*r = (struct logreader){
		.unit = strdup(unit), .dir_fd = dir_fd, .fd = -1, .raw = raw, .how = logging_default
	};
	return r->unit ? 0 : -ENOMEM;
}

void logreader_deinit(struct logreader *r)
{
	free(TAKE_PTR(r->unit));
	free(TAKE_PTR(r->how.identifier));
	r->fd = close_fd(r->fd);
	buf_deinit(&r->window);
	buf_deinit(&r->joined);
}

int logreader_exists(const struct logreader *r)
{
	struct numbers l;
	int e = list_numbers(r, &l), fd;
	bool any = l.n > 0;

	free(l.v);
	if (e < 0)
		return e;
	fd = open_number(r, 0);
	close_fd(fd);
	return any || fd >= 0 ? 1 : fd == -ENOENT ? 0 : fd;
}

/* 1: more was read; 0: there is no more yet. */
static int read_file(struct logreader *r)
{
	char data[READ_SIZE];
	ssize_t n = r->fd < 0 ? 0 : read(r->fd, data, sizeof(data));

	if (n < 0)
		return -errno;
	buf_append(&r->window, data, (size_t)n);
	return buf_error(&r->window) < 0 ? -ENOMEM : n > 0;
}

/* Of a file that has lost its name nothing is missed that was written before: so first the look, then the end. */
static int read_more(struct logreader *r)
{
	bool moved = r->fd < 0 || r->number > 0 || !same_file(r, 0);
	int n;

	buf_consume(&r->window, r->at);
	r->at = 0;
	n = read_file(r);
	if (n != 0 || !moved)
		return n;
	n = open_next(r);
	return n == -ENOENT ? 0 : n < 0 ? n : read_more(r);
}

/* As sd-daemon(3) has it; what cgkilld says itself is of that form, too. */
static void read_level(struct logreader *r)
{
	bool may = r->event || !r->how.no_prefix;
	bool has = may && r->len >= 3 && r->text[0] == '<' && r->text[1] >= '0' &&
		   r->text[1] <= '7' && r->text[2] == '>';

	r->prefix = has ? 3 : 0;
	r->level = has ? r->text[1] - '0' : r->event ? logging_default.level : r->how.level;
}

static void set_line(struct logreader *r, const char *text, size_t len, bool ended)
{
	r->text = text;
	r->len = len;
	r->ended = ended;
	r->have = true;
	read_level(r);
}

/* The next record, as logline_parse(). */
static size_t parse(const struct logreader *r, const char *data, size_t len, struct logline *out)
{
	size_t n = logline_parse(data, len, out);

	if (n > 0 && r->raw)
		*out = (struct logline){ .mark = LOGLINE_WHOLE, .text = data, .len = n - 1 };
	return n;
}

/* The part of a line that is there. */
static int tell_joined(struct logreader *r)
{
	r->event = false;
	set_line(r, r->joined.data, r->joined.len, false);
	r->told = true; /* the next call begins a new one */
	return 1;
}

/* 1: the line is complete. A piece is added to those before it. */
static int take_record(struct logreader *r, const struct logline *l)
{
	bool first = r->joined.len == 0;

	if (l->mark == LOGLINE_HEAD)
		return 0;
	if (first)
		r->real = MAX_OF(r->real, l->real);
	r->event = l->mark == LOGLINE_EVENT;
	if (l->mark != LOGLINE_PIECE && first) {
		set_line(r, l->text, l->len, true);
		return 1;
	}
	if (r->pieces) {
		set_line(r, l->text, l->len, false);
		return 1;
	}
	buf_append(&r->joined, l->text, l->len);
	if (buf_error(&r->joined) < 0)
		return -ENOMEM;
	if (l->mark == LOGLINE_PIECE && r->joined.len < JOINED_MAX)
		return 0;
	tell_joined(r);
	r->ended = l->mark == LOGLINE_WHOLE;
	return 1;
}

int logreader_next(struct logreader *r, bool flush)
{
	struct logline l;
	int e;

	if (r->told)
		buf_consume(&r->joined, r->joined.len);
	r->told = r->have = false;
	for (;;) {
		size_t n = r->window.len > r->at
				   ? parse(r, r->window.data + r->at, r->window.len - r->at, &l)
				   : 0;

		if (n > 0 && l.mark == LOGLINE_EVENT && r->joined.len > 0)
			return tell_joined(r); /* and the event after it */
		r->at += n;
		e = n > 0 ? take_record(r, &l) : read_more(r);
		if (n > 0 ? e != 0 : e < 0)
			return e;
		if (n == 0 && e == 0)
			return flush && r->joined.len > 0 ? tell_joined(r) : 0;
	}
}

/* ---- the last ones ---- */

/* Where lines begin in the data, which begins with a record: their offsets are counted, the n-th last is wanted. */
static size_t find_last(const struct logreader *r, const char *data, size_t len, size_t n, size_t *offset)
{
	size_t *ring = calloc(n, sizeof(*ring)), count = 0;
	bool begins = true;
	struct logline l;

	for (size_t at = 0, used; ring && (used = parse(r, data + at, len - at, &l)) > 0; at += used) {
		if (l.mark == LOGLINE_HEAD)
			continue;
		if (begins || l.mark == LOGLINE_EVENT)
			ring[count++ % n] = at;
		begins = l.mark != LOGLINE_PIECE;
	}
	*offset = ring && count > 0 ? ring[count < n ? 0 : count % n] : len;
	free(ring);
	return MIN_OF(count, n);
}

/* In one file: the number of lines found, up to n, and where the first of them begins. */
static ssize_t seek_in_file(const struct logreader *r, int fd, size_t n, off_t *where)
{
	off_t size = lseek(fd, 0, SEEK_END);
	off_t back = TAIL_FIRST;

	for (; size >= 0; back *= 8) {
		off_t from = size > back ? size - back : 0;
		size_t len = (size_t)(size - from), skip = 0, offset, count;
		cleanup_free char *data = malloc(len + 1);
		const char *newline;
		ssize_t got;

		if (!data)
			return -ENOMEM;
		got = pread(fd, data, len, from);
		if (got < 0)
			return -errno;
		newline = memchr(data, '\n', (size_t)got);
		if (from > 0)
			skip = newline ? (size_t)(newline - data) + 1 : (size_t)got;
		count = find_last(r, data + skip, (size_t)got - skip, n, &offset);
		*where = from + (off_t)(skip + offset);
		if (count == n || from == 0)
			return (ssize_t)count;
	}
	return -errno;
}

ssize_t logreader_seek_last(struct logreader *r, size_t n)
{
	struct numbers l;
	size_t found = 0;
	ssize_t count = list_numbers(r, &l);

	/* from the newest, the one without a number, to older ones */
	for (size_t i = l.n + 1; n > 0 && count >= 0 && found < n && i > 0; i--) {
		unsigned number = i > l.n ? 0 : l.v[i - 1];
		int fd = open_number(r, number);
		off_t where = 0;

		if (fd == -ENOENT)
			continue;
		count = fd < 0 ? fd : seek_in_file(r, fd, n - found, &where);
		if (count >= 0 && lseek(fd, where, SEEK_SET) < 0)
			count = -errno;
		if (count < 0) {
			close_fd(fd);
			break;
		}
		take_file(r, fd, number);
		found += (size_t)count;
	}
	free(l.v);
	if (n == 0 && count >= 0) {
		int fd = open_number(r, 0);

		if (fd >= 0 && lseek(fd, 0, SEEK_END) >= 0)
			take_file(r, fd, 0);
	}
	return count < 0 ? count : (ssize_t)found;
}
