/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Memory that outlives the process that writes it: whoever has the descriptor has the memory. Its size is sealed, so that
 * nobody can take pages away from under the others.
 */
#include <stddef.h>

#include "util/macro.h"

/* Zeroed. *fd is close-on-exec. 0 or -errno. */
int shmem_new(const char *name, size_t size, int *fd, void **out) must_check;
/* The memory behind a descriptor that somebody handed over; -EINVAL: it is not of shmem_new() and this size. */
int shmem_map(int fd, size_t size, void **out) must_check;
void shmem_unmap(void *p, size_t size); /* takes NULL */
