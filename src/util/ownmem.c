/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/ownmem.h"

#include <sys/mman.h>

#define GRAIN  16U		    /* as malloc(3) aligns */
#define SIZES  256U		    /* up to 4 KiB; what is larger is mapped by itself */
#define REGION ((size_t)256 * 1024) /* mapped at a time: some hundred services */

/* It is written as often as what it keeps, so it lies there, too: at the beginning of the first region. */
static struct {
	void *freed[SIZES + 1]; /* by size in grains; each begins with a pointer to the next */
	char *fresh;		/* of the newest region, what was never handed out */
	size_t left;
} * own;

static size_t grains(size_t size)
{
	return (MAX_OF(size, (size_t)1) + GRAIN - 1) / GRAIN;
}

static void *map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	(void)madvise(p, size, MADV_DONTFORK); /* else children get it: slower, no worse */
	return p;
}

static bool begin(void)
{
	const size_t head = grains(sizeof(*own)) * GRAIN;

	own = map(REGION);
	if (!own)
		return false;
	own->fresh = (char *)own + head;
	own->left = REGION - head;
	return true;
}

static void *take_freed(size_t n)
{
	void *p = own->freed[n];

	if (p)
		memcpy(&own->freed[n], p, sizeof(void *));
	return p;
}

static void put_freed(void *p, size_t n)
{
	memcpy(p, &own->freed[n], sizeof(void *));
	own->freed[n] = p;
}

/*
 * The beginning of something larger that was freed: what a start needs besides is smaller than the job, which has just
 * ended. Nothing is put together again, so that of each size there is at most what was ever needed at a time.
 */
static void *split(size_t n)
{
	char *p = NULL;
	size_t m = n;

	while (!p && ++m <= SIZES)
		p = take_freed(m);
	if (p)
		put_freed(p + n * GRAIN, m - n);
	return p;
}

/* The rest of the last region, less than the largest size, is given up. */
static void *carve(size_t size)
{
	void *p;

	if (size > own->left) {
		own->fresh = map(REGION);
		own->left = own->fresh ? REGION : 0;
	}
	if (size > own->left)
		return NULL;
	p = own->fresh;
	own->fresh += size;
	own->left -= size;
	return p;
}

/* Under a sanitizer malloc(3) is the better keeper: it sees who uses what was freed. */
#ifndef __has_feature
#define __has_feature(x) 0 /* gcc 12 has __SANITIZE_ADDRESS__ instead */
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define OWN_MALLOC true
#else
#define OWN_MALLOC false
#endif

void *own_alloc(size_t size)
{
	size_t n = grains(size);
	void *p;

	if (OWN_MALLOC)
		return calloc(1, size);
	if (n > SIZES)
		return map(n * GRAIN);
	if (!own && !begin())
		return NULL;
	p = take_freed(n);
	if (!p)
		p = split(n);
	return p ? memset(p, 0, n * GRAIN) : carve(n * GRAIN);
}

void *own_grow(void *p, size_t old, size_t new)
{
	void *grown = own_alloc(new);

	if (!grown || !p)
		return grown;
	memcpy(grown, p, old);
	own_free(p, old);
	return grown;
}

void own_free(void *p, size_t size)
{
	size_t n = grains(size);

	if (!p)
		return;
	if (OWN_MALLOC) {
		free(p);
	} else if (n > SIZES) {
		munmap(p, n * GRAIN);
	} else {
		put_freed(p, n);
	}
}

char *own_strdup(const char *s)
{
	size_t size = strlen(s) + 1;
	char *copy = own_alloc(size);

	return copy ? memcpy(copy, s, size) : NULL;
}

void own_strfree(const char *s)
{
	void *p;

	memcpy(&p, &s, sizeof(p)); /* const was for those who looked at it */
	if (s)
		own_free(p, strlen(s) + 1);
}
