/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/exits.h"

#include <stdatomic.h>

#include "sys/shmem.h"

/* One more than is ever read: the writer may be at work on it. */
#define SLOTS (EXITS_MAX + 1)

struct slot {
	_Atomic uint64_t identity;
	_Atomic int32_t pid, code, status;
};

struct exits {
	_Atomic uint64_t n; /* slots ever written: v[(n - 1) % SLOTS] is the newest */
	struct slot v[SLOTS];
};

int exits_new(struct exits **out, int *fd)
{
	void *p = NULL;
	int r = shmem_new("cgkill-exits", sizeof(struct exits), fd, &p);

	if (r == 0)
		*out = p;
	return r;
}

int exits_map(struct exits **out, int fd)
{
	void *p = NULL;
	int r = shmem_map(fd, sizeof(struct exits), &p);

	if (r == 0)
		*out = p;
	return r;
}

void exits_unmap(struct exits *e)
{
	shmem_unmap(e, sizeof(*e));
}

static int32_t get(const _Atomic int32_t *field)
{
	return atomic_load_explicit(field, memory_order_relaxed);
}

static void set(_Atomic int32_t *field, int32_t value)
{
	atomic_store_explicit(field, value, memory_order_relaxed);
}

void exits_add(struct exits *e, const struct process_id *id, struct exit_info info)
{
	uint64_t n = atomic_load_explicit(&e->n, memory_order_relaxed);
	struct slot *s = &e->v[n % SLOTS];

	/* A reader that sees any of what follows in this slot sees also that n has passed it. */
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&s->identity, id->identity, memory_order_relaxed);
	set(&s->pid, id->pid);
	set(&s->code, info.code);
	set(&s->status, info.status);
	atomic_store_explicit(&e->n, n + 1, memory_order_release);
}

/* False: it is another's, or it was written anew while we read it. */
static bool read_slot(const struct exits *e, uint64_t i, const struct process_id *id,
		      struct exit_info *out)
{
	const struct slot *s = &e->v[i % SLOTS];
	struct exit_info info = { get(&s->code), get(&s->status) };

	if (get(&s->pid) != id->pid ||
	    atomic_load_explicit(&s->identity, memory_order_relaxed) != id->identity)
		return false;
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&e->n, memory_order_relaxed) - i > EXITS_MAX)
		return false;
	*out = info;
	return true;
}

/* The newest first: it is mostly asked about what has just ended. */
bool exits_find(const struct exits *e, const struct process_id *id, struct exit_info *out)
{
	uint64_t n = atomic_load_explicit(&e->n, memory_order_acquire);
	uint64_t first = n > EXITS_MAX ? n - EXITS_MAX : 0;

	while (n-- > first)
		if (read_slot(e, n, id, out))
			return true;
	return false;
}
