/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "logger/stream.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <search.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "core/logline.h"
#include "core/logwire.h"
#include "util/compat.h"

#define CHUNK_SIZE (1U << 20) /* what a FIFO holds at most: pipe(7), pipe-max-size */
#define WARY_SIZE \
	(64U << 10) /* … and what is read of it while something is held, which the next one may be, too */
#define OUT_SIZE \
	(1U << 18) /* of records that are written by one write(2): small enough to stay in the cache */
#define TAIL	 16U
#define TOLD_MAX 4096U /* bytes of events that wait */

/* How long what finds no room is held, while the service may have to wait; how often it is tried; and how long none is then. */
#define PATIENCE      (5 * USEC_PER_SEC)
#define HASTE	      (60 * USEC_PER_SEC)
#define HELD_MSEC     100
#define LOST_MSEC     1000
#define UNLIKELY_BYTE 0xfe /* in no UTF-8 text */
#define NOWHERE	      UINT32_MAX

/*
 * len > 0: so many bytes are being read, of a FIFO that is known to hold them; they are here if the last of them are not the
 * pattern that was put there before (read(2) of a pipe that has enough is not interrupted: pipe_read(), fs/pipe.c). Of them
 * `done` are in the log, and if `at` is equal to it the next ones may be, from `place` on.
 */
struct chunk {
	char unit[NAME_MAX + 1];
	char stamp[CLOCK_STAMP_SIZE];
	uint32_t len, done, at;
	struct logfile_place place;
	char data[CHUNK_SIZE];
};

/* ---- chunks ---- */

static char *chunk_name(char name[static 32], size_t i)
{
	snprintf(name, 32, LOGWIRE_CHUNK "%zu", i);
	return name;
}

/* Without a file the chunk is lost with us, and no more than that. */
static struct chunk *map_chunk(int dir_fd, size_t i)
{
	char name[32];
	cleanup_close int fd =
		openat(dir_fd, chunk_name(name, i), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	void *p = MAP_FAILED;

	/* a hole that finds no room when it is written to would be a SIGBUS */
	if (fd >= 0 && posix_fallocate(fd, 0, sizeof(struct chunk)) == 0)
		p = mmap(NULL, sizeof(struct chunk), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		p = mmap(NULL, sizeof(struct chunk), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

/* NULL: there are enough of them, or no memory. */
static struct chunk *new_chunk(struct streams *s)
{
	for (size_t i = 0; i < STREAM_CHUNKS; i++)
		if (!s->chunks[i]) {
			s->chunks[i] = map_chunk(s->fifo_dir, i);
			if (s->chunks[i])
				s->chunks[i]->len = 0;
			return s->chunks[i];
		}
	return NULL;
}

static size_t number_of(const struct streams *s, const struct chunk *c)
{
	size_t i = 0;

	while (s->chunks[i] != c)
		i++;
	return i;
}

static void drop_chunk(struct streams *s, struct chunk *c)
{
	size_t i = number_of(s, c);
	char name[32];

	s->chunks[i] = NULL;
	munmap(c, sizeof(*c));
	(void)unlinkat(s->fifo_dir, chunk_name(name, i), 0);
}

/* What is held is small, or the first one: the rest of its file is given back. */
static void shrink_chunk(const struct streams *s, const struct chunk *c)
{
	char name[32];
	cleanup_close int fd = openat(s->fifo_dir, chunk_name(name, number_of(s, c)),
				      O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0)
		(void)!ftruncate(fd, (off_t)(offsetof(struct chunk, data) + c->len));
}

/* ---- writing ---- */

static int prepare(struct streams *s, struct stream *st, size_t len, struct logfile_place *place)
{
	int r = logfile_prepare(&st->log, s->log_dir, &st->limits, len, place);

	if (r != -EMFILE)
		return r;
	streams_save_descriptors(s);
	return logfile_prepare(&st->log, s->log_dir, &st->limits, len, place);
}

/* Of a write: so that no file becomes much larger than it may be. */
static size_t room(const struct stream *st)
{
	return (size_t)MAX_OF(MIN_OF(st->limits.max_size, (uint64_t)OUT_SIZE), (uint64_t)1024);
}

/* 0, or -errno: then some of it is still to be written. */
static int write_chunk(struct streams *s, struct stream *st, struct chunk *c)
{
	while (c->done < c->len) {
		struct logfile_place place;
		size_t used, n = logline_write(s->out, room(st), c->stamp, c->data + c->done,
					       c->len - c->done, &used);
		int r = prepare(s, st, n, &place);

		if (r < 0)
			return r;
		c->at = NOWHERE;
		c->place = place;
		c->at = c->done;
		r = logfile_append(&st->log, s->out, n, place.offset);
		if (r < 0)
			return r;
		c->done += (uint32_t)used;
	}
	c->len = 0;
	return 0;
}

/* Room may come; what a file system does not let us write at all is not waited for. */
static bool may_pass(int error)
{
	return error == -ENOSPC || error == -EDQUOT || error == -EMFILE || error == -ENFILE ||
	       error == -ENOMEM;
}

static bool is_troubled(const struct stream *st)
{
	return st->held || st->lost > 0 || st->lost_events > 0 || st->told.len > 0 || st->due;
}

/* To the list that it belongs to now. */
static void sort(struct streams *s, struct stream *st)
{
	list_remove(&st->link);
	if (is_troubled(st))
		list_append(&s->troubled, &st->link);
	else if (list_empty(&st->fifos))
		list_append(&s->idle, &st->link);
}

static void watch_fifos(const struct streams *s, const struct stream *st, bool on)
{
	struct fifo *f;

	list_for_each(&st->fifos, f, struct fifo, link) {
		struct epoll_event ev = { .events = EPOLLIN, .data.ptr = f };

		(void)!epoll_ctl(s->epoll_fd, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, f->source.fd, &ev);
	}
}

static void warn_of(const struct streams *s, const struct stream *st, int error)
{
	cleanup_free char *text = NULL;

	if (asprintf(&text, "%s: its output cannot be written, and is dropped: %s", st->unit,
		     strerror(-error)) > 0)
		s->warn(text);
}

/* What is left of it is lost, and as long as writes fail nothing is held again: a full disk takes a few bytes now and then. */
static void give_up(struct streams *s, struct stream *st, struct chunk *c, int error)
{
	usec_t now = clock_now();

	if (now >= st->hasty_until)
		warn_of(s, st, error);
	st->hasty_until = usec_add(now, HASTE);
	st->lost += c->len - c->done;
	st->why = -error;
	c->len = 0;
}

/* The chunk that was read becomes the stream's, and another one is read into. False: there is none. */
static bool hold(struct streams *s, struct stream *st)
{
	struct chunk *next = new_chunk(s);

	if (!next)
		return false;
	shrink_chunk(s, s->chunk);
	st->held = s->chunk;
	st->held_until = usec_add(clock_now(), PATIENCE);
	s->n_held++;
	s->chunk = next;
	watch_fifos(s, st, false);
	return true;
}

static void let_go(struct streams *s, struct stream *st)
{
	drop_chunk(s, TAKE_PTR(st->held));
	s->n_held--;
	watch_fifos(s, st, true);
}

/* ---- events ---- */

static void put_record(struct stream *st, const char *text)
{
	char stamp[CLOCK_STAMP_SIZE];
	size_t begin = st->told.len;

	buf_printf(&st->told, "%s%c%s", clock_stamp(clock_realtime(), stamp), LOGLINE_EVENT, text);
	if (buf_error(&st->told) < 0)
		return;
	for (char *p = st->told.data + begin; (p = strchr(p, '\n'));)
		*p = ' '; /* one event, one record */
	buf_putc(&st->told, '\n');
}

/* In front of what waits: it was lost before that. */
static void put_loss(struct stream *st)
{
	struct buf later = st->told;
	char text[192];
	int n = snprintf(text, sizeof(text), "cgkill-logger: %llu bytes of output",
			 (unsigned long long)st->lost);

	st->told = (struct buf)BUF_INIT;
	if (st->lost_events > 0)
		n += snprintf(text + n, sizeof(text) - (size_t)n, " and %u events", st->lost_events);
	snprintf(text + n, sizeof(text) - (size_t)n, " are lost: %s", strerror(st->why));
	put_record(st, text);
	buf_append(&st->told, later.data ? later.data : "", later.len);
	buf_deinit(&later);
}

/* Losses, then events. */
static int write_told(struct streams *s, struct stream *st)
{
	struct logfile_place place;
	bool lossy = st->lost > 0 || st->lost_events > 0;
	size_t before = st->told.len;
	int r;

	if (st->told.len == 0 && !lossy)
		return 0;
	if (lossy)
		put_loss(st);
	r = buf_error(&st->told);
	if (r == 0)
		r = prepare(s, st, st->told.len, &place);
	if (r == 0)
		r = logfile_append(&st->log, st->told.data, st->told.len, place.offset);
	if (r == 0 || buf_error(&st->told) < 0) {
		buf_deinit(&st->told);
		st->lost = st->lost_events = 0;
	} else if (lossy) {
		buf_consume(&st->told, st->told.len - before);
	}
	return r;
}

/* ---- reading ---- */

static void log_chunk(struct streams *s, struct stream *st)
{
	struct chunk *c = s->chunk;
	int r = write_told(s, st);

	if (r == 0)
		r = write_chunk(s, st, c);
	if (r < 0 && !(may_pass(r) && !s->ending && clock_now() >= st->hasty_until && hold(s, st)))
		give_up(s, st, c, r);
	if (is_troubled(st))
		sort(s, st);
}

static size_t bytes_in(const struct fifo *f)
{
	int there = 0;

	return ioctl(f->source.fd, FIONREAD, &there) == 0 && there > 0 ? (size_t)there : 0;
}

static void name_chunk(struct chunk *c, const char *unit)
{
	snprintf(c->unit, sizeof(c->unit), "%s", unit);
	clock_stamp(clock_realtime(), c->stamp);
	c->done = 0;
	c->at = NOWHERE;
}

/* The bytes read. */
static size_t pump(struct streams *s, struct fifo *f)
{
	struct chunk *c = s->chunk;
	size_t len = f->stream->held ? 0 : bytes_in(f);
	ssize_t n;

	if (len == 0)
		return 0;
	len = MIN_OF(len, (size_t)(s->n_held > 0 ? WARY_SIZE : CHUNK_SIZE));
	memset(c->data + len - MIN_OF(len, TAIL), UNLIKELY_BYTE, MIN_OF(len, TAIL));
	name_chunk(c, f->stream->unit);
	c->len = (uint32_t)len;
	n = read(f->source.fd, c->data, len);
	c->len = n > 0 ? (uint32_t)n : 0; /* fewer, if the service itself reads of it */
	if (n <= 0)
		return 0;
	log_chunk(s, f->stream);
	return (size_t)n;
}

/* What is there now, however much comes meanwhile. */
static void drain(struct streams *s, struct stream *st)
{
	struct fifo *f;

	list_for_each(&st->fifos, f, struct fifo, link)
		for (size_t left = bytes_in(f), n = 1; left > 0 && n > 0; left -= MIN_OF(n, left))
			n = pump(s, f);
}

void stream_tell(struct streams *s, struct stream *st, const char *text)
{
	drain(s, st);
	if (st->told.len + strlen(text) > TOLD_MAX)
		st->lost_events++;
	else
		put_record(st, text);
	if (!st->held)
		(void)write_told(s, st);
	sort(s, st);
}

void stream_say(struct streams *s, struct stream *st, const char *text, size_t len)
{
	struct chunk *c = s->chunk;

	drain(s, st);
	if (st->held) {
		st->lost += len;
		return;
	}
	name_chunk(c, st->unit);
	len = MIN_OF(len, (size_t)CHUNK_SIZE);
	memcpy(c->data, text, len);
	c->len = (uint32_t)len;
	log_chunk(s, st);
}

/* ---- FIFOs ---- */

static void tell_due(struct streams *s, struct stream *st)
{
	if (st->due && s->tell(st->due, st->unit))
		st->due = 0;
}

static bool has_it(const struct stream *st, int fd)
{
	struct stat x, y;
	struct fifo *f;

	if (fstat(fd, &x) < 0)
		return false;
	list_for_each(&st->fifos, f, struct fifo, link)
		if (fstat(f->source.fd, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino)
			return true;
	return false;
}

int stream_add_fifo(struct streams *s, struct stream *st, int fd)
{
	bool known = has_it(st, fd);
	struct fifo *f = known ? NULL : malloc(sizeof(*f));
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = f };

	if (!f || (!st->held && epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)) {
		close(fd);
		free(f);
		return known ? 0 : -ENOMEM;
	}
	*f = (struct fifo){ .source = { SOURCE_FIFO, fd }, .stream = st };
	list_append(&st->fifos, &f->link);
	st->due = 0;
	sort(s, st);
	return 0;
}

void stream_refuse(struct streams *s, struct stream *st)
{
	st->due = LOGWIRE_REFUSED;
	tell_due(s, st);
	sort(s, st);
}

/* pipe_poll(), fs/pipe.c: there was somebody, and there is nobody any more. */
static bool has_writers(const struct fifo *f)
{
	struct pollfd p = { .fd = f->source.fd, .events = POLLIN };

	return poll(&p, 1, 0) != 1 || !(p.revents & POLLHUP);
}

bool streams_has_writers(struct streams *s, const char *unit)
{
	const struct stream *st = streams_get(s, unit, NULL);
	struct fifo *f;

	if (st)
		list_for_each(&st->fifos, f, struct fifo, link)
			if (has_writers(f))
				return true;
	return false;
}

static void free_fifo(const struct streams *s, struct fifo *f)
{
	(void)!epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, f->source.fd, NULL); /* cgkilld may have it open, too */
	list_remove(&f->link);
	close(f->source.fd);
	free(f);
}

void stream_on_fifo(struct streams *s, struct fifo *f)
{
	struct stream *st = f->stream;

	if (pump(s, f) > 0 || st->held || has_writers(f) || bytes_in(f) > 0)
		return;
	free_fifo(s, f);
	if (list_empty(&st->fifos))
		st->due = LOGWIRE_RELEASED;
	tell_due(s, st);
	sort(s, st);
}

/* ---- what is tried again ---- */

static void settle(struct streams *s, struct stream *st)
{
	if (st->held) {
		int r = write_chunk(s, st, st->held);

		if (r < 0 && may_pass(r) && !s->ending && clock_now() < st->held_until)
			return;
		if (r < 0)
			give_up(s, st, st->held, r);
		let_go(s, st);
	}
	if (st->told.len > 0)
		drain(s, st);
	if (!st->held)
		(void)write_told(s, st);
	tell_due(s, st);
}

/* What is held is few, what is lost may be of everybody. */
int streams_retry(struct streams *s)
{
	struct list due = LIST_INIT(due);
	usec_t now = clock_now();
	bool all = now >= s->all_at;
	struct stream *st;

	if (list_empty(&s->troubled))
		return -1;
	if (all)
		s->all_at = usec_add(now, LOST_MSEC * USEC_PER_MSEC);
	list_splice(&due, &s->troubled);
	list_for_each(&due, st, struct stream, link) {
		if (all || st->held)
			settle(s, st);
		sort(s, st);
	}
	return s->n_held > 0 ? HELD_MSEC : LOST_MSEC;
}

/* ---- all of them ---- */

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct stream *)a)->unit, ((const struct stream *)b)->unit);
}

static void free_stream(struct stream *st)
{
	list_remove(&st->link);
	logfile_deinit(&st->log);
	buf_deinit(&st->told);
	free(st->settings);
	free(st->unit);
	free(st);
}

static struct stream *add(struct streams *s, const char *unit)
{
	struct stream *st = calloc(1, sizeof(*st));

	if (!st)
		return NULL;
	*st = (struct stream){ .unit = strdup(unit), .limits = s->limits, .log = LOGFILE_INIT };
	list_init(&st->fifos);
	list_init(&st->link);
	if (st->unit && logfile_init(&st->log, unit) == 0 && tsearch(st, &s->by_unit, compare)) {
		sort(s, st);
		return st;
	}
	free_stream(st);
	return NULL;
}

/* A file that begins with another head is rotated when it is opened again. */
static void set_up(const struct streams *s, struct stream *st, const char *settings)
{
	unsigned long long size = 0;
	unsigned files = 0;
	int at = 0;

	if (streq(settings, st->settings ? st->settings : ""))
		return;
	(void)sscanf(settings, "%llu %u %n", &size, &files, &at);
	st->limits.max_size = size > 0 ? size : s->limits.max_size;
	st->limits.max_files = files > 0 ? files : s->limits.max_files;
	free(st->settings);
	free(st->log.head);
	st->settings = *settings ? strdup(settings) : NULL;
	st->log.head = settings[at] ? strdup(settings + at) : NULL;
	st->log.fd = close_fd(st->log.fd);
}

struct stream *streams_get(struct streams *s, const char *unit, const char *settings)
{
	char *name = strdup(unit);
	struct stream key = { .unit = name }, *st;
	void *found;

	if (!name || !*name || *name == '.' || strchr(name, '/') || strlen(name) > NAME_MAX) {
		free(name);
		return NULL;
	}
	found = tfind(&key, &s->by_unit, compare);
	free(name);
	st = found ? *(struct stream **)found : add(s, unit);
	if (st && settings)
		set_up(s, st, settings);
	return st;
}

static void each(struct streams *s, void (*fn)(struct streams *s, struct stream *st));

static void visit_log(struct streams *s unused, struct stream *st)
{
	st->log.fd = close_fd(st->log.fd);
}

void streams_save_descriptors(struct streams *s)
{
	each(s, visit_log);
}

void streams_tidy(struct streams *s)
{
	struct stream *st;

	list_for_each(&s->idle, st, struct stream, link) {
		tdelete(st, &s->by_unit, compare);
		free_stream(st);
	}
}

static void visit_end(struct streams *s, struct stream *st)
{
	settle(s, st);
	drain(s, st);
	(void)write_told(s, st);
	if (st->lost > 0)
		warn_of(s, st, -st->why);
}

void streams_end(struct streams *s)
{
	s->ending = true;
	each(s, visit_end);
}

/* twalk_r(3) hands out an argument, but const nodes. */
struct walk {
	struct streams *streams;
	void (*fn)(struct streams *s, struct stream *st);
};

static void visit(const void *node, VISIT which, void *arg)
{
	const struct walk *w = arg;

	if (which == postorder || which == leaf)
		w->fn(w->streams, *(struct stream *const *)node);
}

static void each(struct streams *s, void (*fn)(struct streams *s, struct stream *st))
{
	twalk_r(s->by_unit, visit, &(struct walk){ s, fn });
}

/* ---- after a logger that was killed ---- */

static bool was_read(const struct chunk *c)
{
	for (uint32_t i = c->len - MIN_OF(c->len, TAIL); i < c->len; i++)
		if ((unsigned char)c->data[i] != UNLIKELY_BYTE)
			return true;
	return c->done > 0;
}

/* As if it had been held: it is written now, or tried for a while. */
static void go_on(struct streams *s, struct chunk *c)
{
	struct stream *st = NULL;

	c->unit[NAME_MAX] = c->stamp[CLOCK_STAMP_SIZE - 1] = '\0';
	if (c->len > 0 && c->len <= CHUNK_SIZE && c->done <= c->len && was_read(c))
		st = streams_get(s, c->unit, NULL);
	if (!st || st->held) {
		drop_chunk(s, c);
		return;
	}
	if (c->at == c->done)
		logfile_rewind(&st->log, s->log_dir, &c->place);
	st->held = c;
	st->held_until = usec_add(clock_now(), PATIENCE);
	s->n_held++;
	sort(s, st);
}

/* Somebody may still write to it, of whom nobody tells: what an earlier cgkilld has left behind. */
static void take_over(struct streams *s, const char *unit)
{
	int both = openat(s->fifo_dir, unit, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	int fd = both < 0 ? -1
			  : openat(s->fifo_dir, unit, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	struct stream *st = fd < 0 ? NULL : streams_get(s, unit, NULL);

	if (st)
		(void)!stream_add_fifo(s, st, fd);
	else
		close_fd(fd);
	close_fd(both);
}

void streams_look_around(struct streams *s)
{
	int fd = openat(s->fifo_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct stat st;

	if (!dir) {
		close_fd(fd);
		return;
	}
	for (const struct dirent *e; (e = readdir(dir));) {
		if (fstatat(s->fifo_dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISFIFO(st.st_mode))
			take_over(s, e->d_name);
	}
	closedir(dir);
}

int streams_begin(struct streams *s)
{
	char name[32];

	list_init(&s->troubled);
	list_init(&s->idle);
	s->out = malloc(OUT_SIZE);
	if (!s->out)
		return -ENOMEM;
	for (size_t i = 0; i < STREAM_CHUNKS; i++)
		if (faccessat(s->fifo_dir, chunk_name(name, i), F_OK, 0) == 0 &&
		    (s->chunks[i] = map_chunk(s->fifo_dir, i)))
			go_on(s, s->chunks[i]);
	(void)streams_retry(s);
	s->chunk = new_chunk(s);
	return s->chunk ? 0 : -ENOMEM;
}
