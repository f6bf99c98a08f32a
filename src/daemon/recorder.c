/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/recorder.h"

#include <stdatomic.h>

#include "sys/shmem.h"
#include "util/clock.h"
#include "util/log.h"

enum { ENTRIES = 256, ENTRY_SIZE = 256, EVENT_LEVEL = 0 };

/* Cut where it is too long. The last byte is written by nobody but a bug. */
struct entry {
	usec_t real;
	int32_t level; /* enum log_level; EVENT_LEVEL = no line of the log */
	char text[ENTRY_SIZE - sizeof(usec_t) - sizeof(int32_t)];
};
_Static_assert(sizeof(struct entry) == ENTRY_SIZE, "no padding");

struct recorder {
	_Atomic uint64_t n; /* entries ever written: v[(n - 1) % ENTRIES] is the newest */
	_Atomic bool busy;
	struct entry doing; /* what, while busy */
	struct entry v[ENTRIES];
};

static struct recorder *own;

int recorder_new(struct recorder **out, int *fd)
{
	void *p = NULL;
	int r = shmem_new("cgkill-recorder", sizeof(struct recorder), fd, &p);

	if (r == 0)
		*out = p;
	return r;
}

int recorder_map(struct recorder **out, int fd)
{
	void *p = NULL;
	int r = shmem_map(fd, sizeof(struct recorder), &p);

	if (r == 0)
		*out = p;
	return r;
}

void recorder_unmap(struct recorder *r)
{
	shmem_unmap(r, sizeof(*r));
}

/* Appends text at `at`; returns where it ends. */
static size_t put(struct entry *e, size_t at, const char *text)
{
	size_t len = strnlen(text, sizeof(e->text) - 1 - at);

	memcpy(e->text + at, text, len);
	e->text[at + len] = '\0';
	return at + len;
}

/* The entry that is written next. It is published by publish(): who dies in between leaves it out. */
static struct entry *next(struct recorder *r)
{
	return &r->v[atomic_load_explicit(&r->n, memory_order_relaxed) % ENTRIES];
}

static void publish(struct recorder *r)
{
	atomic_fetch_add_explicit(&r->n, 1, memory_order_release);
}

static void record_line(enum log_level level, const char *text)
{
	struct entry *e = next(own);

	e->real = clock_realtime();
	e->level = (int32_t)level;
	put(e, 0, text);
	publish(own);
}

void recorder_use(struct recorder *r)
{
	own = r;
	log_copy_to(r ? record_line : NULL);
}

void recorder_begin(const char *subject, const char *what)
{
	struct entry *e;

	if (!own)
		return;
	e = next(own);
	e->real = clock_realtime();
	e->level = EVENT_LEVEL;
	put(e, put(e, put(e, 0, subject), ": "), what);
	own->doing.real = e->real;
	put(&own->doing, 0, e->text);
	atomic_store_explicit(&own->busy, true, memory_order_release);
	publish(own);
}

void recorder_idle(void)
{
	if (own)
		atomic_store_explicit(&own->busy, false, memory_order_release);
}

static void print_entry(const struct entry *e, FILE *f)
{
	char stamp[CLOCK_STAMP_SIZE];

	fprintf(f, "%s ", clock_stamp(e->real, stamp));
	if (e->level != EVENT_LEVEL)
		fprintf(f, "<%d>", (int)e->level);
	for (const char *c = e->text; c < e->text + sizeof(e->text) && *c; c++)
		putc((unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c, f); /* as the log does */
	putc('\n', f);
}

/* Of the oldest entry the writer may have died half way. */
void recorder_print(const struct recorder *r, FILE *f)
{
	uint64_t n = atomic_load_explicit(&r->n, memory_order_acquire);
	uint64_t first = n >= ENTRIES ? n - ENTRIES + 1 : 0;

	fputs("doing, or just done: ", f);
	if (atomic_load_explicit(&r->busy, memory_order_acquire))
		print_entry(&r->doing, f);
	else
		fputs("nothing, it slept\n", f);
	fputs("\nlast events, the newest last:\n", f);
	for (uint64_t i = first; i < n; i++)
		print_entry(&r->v[i % ENTRIES], f);
}
