/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Memory that no child gets (madvise(2), MADV_DONTFORK), for small things that only this process looks at.
 *
 * cgkilld forks for every start, and each page that it writes afterwards costs it a fault and often a copy; with a thousand
 * services on the heap, a third of the CPU of a start. What lies here costs neither that nor its place in the page tables.
 * A child that touches it dies of SIGSEGV.
 *
 * Not thread-safe. Memory is kept for the next of its size, and never returned.
 */
#include <stddef.h>

#include "util/macro.h"

/* Zeroed. NULL without memory. */
void *own_alloc(size_t size) must_check;
/* From old to new bytes, new > old; what is added is zeroed. NULL without memory, and p stays as it is. p NULL: as above. */
void *own_grow(void *p, size_t old, size_t new) must_check;
/* size as it was asked for; takes NULL. */
void own_free(void *p, size_t size);
/* A copy. NULL without memory. */
char *own_strdup(const char *s) must_check;
/* As long as it was made; takes NULL. */
void own_strfree(const char *s);
