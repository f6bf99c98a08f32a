/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "logger/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <search.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "core/logline.h"
#include "core/logwire.h"

#define CHUNK_SIZE (1U << 20) /* what a FIFO holds at most: pipe(7), pipe-max-size */
#define OUT_SIZE \
	(1U << 18) /* of records that are written by one write(2): small enough to stay in the cache */
#define TAIL 16U

/* How long a write that fails is tried again, while services wait; how often; and for how long no other is then. */
#define PATIENCE      (5 * USEC_PER_SEC)
#define HASTE	      (60 * USEC_PER_SEC)
#define RETRY_MSEC    100
#define UNLIKELY_BYTE 0xfe /* in no UTF-8 text */
#define NOWHERE	      UINT32_MAX

/*
 * len > 0: so many bytes are being read, of a FIFO that is known to hold them; they are here if the last of them are not the
 * pattern that was put there before (read(2) of a pipe that has enough is not interrupted: pipe_read(), fs/pipe.c). Of them
 * `done` are in the log, and if `at` is equal to it the next ones may be, from `place` on.
 */
struct chunk {
	char unit[NAME_MAX + 1];
	uint32_t len, done, at;
	struct logfile_place place;
	char data[CHUNK_SIZE];
};

/* ---- writing ---- */

static int try_write(struct streams *s, struct stream *st, const void *data, size_t len, bool chunk)
{
	struct logfile_place place;
	int r = logfile_prepare(&st->log, s->log_dir, &s->limits, len, &place);

	if (r == -EMFILE) {
		streams_save_descriptors(s);
		r = logfile_prepare(&st->log, s->log_dir, &s->limits, len, &place);
	}
	if (r < 0)
		return r;
	if (chunk) {
		s->chunk->at = NOWHERE;
		s->chunk->place = place;
		s->chunk->at = s->chunk->done;
	}
	return logfile_append(&st->log, data, len, place.offset);
}

/* Room may come; what a file system does not let us write at all is not waited for. */
static bool may_pass(int error)
{
	return error == -ENOSPC || error == -EDQUOT || error == -EMFILE || error == -ENFILE ||
	       error == -ENOMEM;
}

/* Patience comes back when nothing has failed for a while: a disk that is full takes a few bytes now and then. */
static void note_failure(struct streams *s, struct stream *st, usec_t now, int error)
{
	st->hasty_until = usec_add(now, HASTE);
	if (may_pass(error))
		s->hasty_until = st->hasty_until;
}

static void warn_of(const struct streams *s, const struct stream *st, int error)
{
	cleanup_free char *text = NULL;

	if (asprintf(&text, "%s: its output cannot be written, and is dropped: %s", st->unit,
		     strerror(-error)) > 0)
		s->warn(text);
}

/* Who writes into a FIFO waits meanwhile. The only place where the logger sleeps with work to do, since nothing tells of room. */
static int put(struct streams *s, struct stream *st, const void *data, size_t len, bool chunk)
{
	usec_t begin = 0, now;
	int r;

	while ((r = try_write(s, st, data, len, chunk)) < 0) {
		now = clock_now();
		if (begin == 0 && now < MAX_OF(st->hasty_until, s->hasty_until)) {
			note_failure(s, st, now, r);
			return r;
		}
		begin = begin > 0 ? begin : now;
		if (!may_pass(r) || now >= usec_add(begin, PATIENCE)) {
			note_failure(s, st, now, r);
			warn_of(s, st, r);
			return r;
		}
		poll(NULL, 0, RETRY_MSEC);
	}
	return 0;
}

static int put_event(struct streams *s, struct stream *st, const char *text)
{
	char stamp[CLOCK_STAMP_SIZE];
	cleanup_free char *record = NULL;
	int n = asprintf(&record, "%s%c%s\n", clock_stamp(clock_realtime(), stamp), LOGLINE_EVENT, text);

	if (n < 0)
		return -ENOMEM;
	for (char *p = record; (p = memchr(p, '\n', (size_t)(record + n - 1 - p)));)
		*p = ' '; /* one event, one record */
	return put(s, st, record, (size_t)n, false);
}

static void note_loss(struct streams *s, struct stream *st, size_t bytes, int error)
{
	s->n_with_loss += st->lost == 0;
	st->lost += bytes;
	st->why = -error;
}

static void tell_loss(struct streams *s, struct stream *st)
{
	cleanup_free char *text = NULL;

	if (st->lost == 0 || asprintf(&text, "cgkill-logger: %llu bytes of output are lost: %s",
				      (unsigned long long)st->lost, strerror(st->why)) < 0)
		return;
	if (put_event(s, st, text) < 0)
		return;
	st->lost = 0;
	s->n_with_loss--;
}

/* Of a write: so that no file becomes much larger than it may be. */
static size_t room(const struct streams *s)
{
	return (size_t)MAX_OF(MIN_OF(s->limits.max_size, (uint64_t)OUT_SIZE), (uint64_t)1024);
}

static void log_chunk(struct streams *s, struct stream *st)
{
	struct chunk *c = s->chunk;
	char stamp[CLOCK_STAMP_SIZE];

	clock_stamp(clock_realtime(), stamp);
	tell_loss(s, st);
	while (c->done < c->len) {
		size_t used, n = logline_write(s->out, room(s), stamp, c->data + c->done,
					       c->len - c->done, &used);
		int r = put(s, st, s->out, n, true);

		if (r < 0)
			note_loss(s, st, used, r);
		c->done += (uint32_t)used;
	}
	c->len = 0;
}

/* ---- reading ---- */

size_t stream_pump(struct streams *s, struct stream *st)
{
	struct chunk *c = s->chunk;
	int there = 0;
	size_t len;
	ssize_t n;

	if (st->fifo < 0 || ioctl(st->fifo, FIONREAD, &there) < 0 || there <= 0)
		return 0;
	len = MIN_OF((size_t)there, (size_t)CHUNK_SIZE);
	memset(c->data + len - MIN_OF(len, TAIL), UNLIKELY_BYTE, MIN_OF(len, TAIL));
	snprintf(c->unit, sizeof(c->unit), "%s", st->unit);
	c->done = 0;
	c->at = NOWHERE;
	c->len = (uint32_t)len;
	n = read(st->fifo, c->data, len);
	c->len = n > 0 ? (uint32_t)n : 0; /* fewer, if the service itself reads of it */
	if (n <= 0)
		return 0;
	log_chunk(s, st);
	return (size_t)n;
}

void stream_drain(struct streams *s, struct stream *st)
{
	int there = 0;

	if (st->fifo < 0 || ioctl(st->fifo, FIONREAD, &there) < 0)
		return;
	for (size_t n = 1, done = 0; n > 0 && done < (size_t)MAX_OF(there, 0); done += n)
		n = stream_pump(s, st);
}

void stream_tell(struct streams *s, struct stream *st, const char *text)
{
	(void)stream_pump(s, st);
	tell_loss(s, st);
	(void)put_event(s, st, text);
}

/* ---- all of them ---- */

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct stream *)a)->unit, ((const struct stream *)b)->unit);
}

static struct stream *add(struct streams *s, const char *unit)
{
	struct stream *st = calloc(1, sizeof(*st));

	if (!st)
		return NULL;
	*st = (struct stream){ .unit = strdup(unit), .fifo = -1, .log = LOGFILE_INIT };
	if (st->unit && logfile_init(&st->log, unit) == 0 && tsearch(st, &s->by_unit, compare))
		return st;
	logfile_deinit(&st->log);
	free(st->unit);
	free(st);
	return NULL;
}

struct stream *streams_get(struct streams *s, const char *unit)
{
	char *name = strdup(unit);
	struct stream key = { .unit = name };
	void *found;

	if (!name || !*name || *name == '.' || strchr(name, '/') || strlen(name) > NAME_MAX) {
		free(name);
		return NULL;
	}
	found = tfind(&key, &s->by_unit, compare);
	free(name);
	return found ? *(struct stream **)found : add(s, unit);
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

static void visit_loss(struct streams *s, struct stream *st)
{
	tell_loss(s, st);
}

void streams_tell_losses(struct streams *s)
{
	each(s, visit_loss);
}

static void visit_end(struct streams *s, struct stream *st)
{
	stream_drain(s, st);
	tell_loss(s, st);
}

void streams_end(struct streams *s)
{
	s->hasty_until = USEC_INFINITY;
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

/* Without a file the chunk is lost with us, and no more than that. */
static struct chunk *map_chunk(int dir_fd)
{
	cleanup_close int fd =
		openat(dir_fd, LOGWIRE_CHUNK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	void *p = MAP_FAILED;

	/* a hole that finds no room when it is written to would be a SIGBUS */
	if (fd >= 0 && posix_fallocate(fd, 0, sizeof(struct chunk)) == 0)
		p = mmap(NULL, sizeof(struct chunk), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		p = mmap(NULL, sizeof(struct chunk), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

static bool was_read(const struct chunk *c)
{
	for (uint32_t i = c->len - MIN_OF(c->len, TAIL); i < c->len; i++)
		if ((unsigned char)c->data[i] != UNLIKELY_BYTE)
			return true;
	return c->done > 0;
}

static void go_on(struct streams *s)
{
	struct chunk *c = s->chunk;
	struct stream *st = NULL;

	c->unit[NAME_MAX] = '\0';
	if (c->len > 0 && c->len <= CHUNK_SIZE && c->done <= c->len && was_read(c))
		st = streams_get(s, c->unit);
	if (!st) {
		c->len = 0;
		return;
	}
	if (c->at == c->done)
		logfile_rewind(&st->log, s->log_dir, &c->place);
	log_chunk(s, st);
}

int streams_begin(struct streams *s)
{
	s->chunk = map_chunk(s->fifo_dir);
	s->out = malloc(OUT_SIZE);
	if (!s->chunk || !s->out)
		return -ENOMEM;
	go_on(s);
	return 0;
}
