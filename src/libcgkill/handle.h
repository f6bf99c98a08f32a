/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What is behind the opaque types of cgkill/cgkill.h, and what their functions share.
 */
#include "cgkill/cgkill.h"
#include "sys/cgroup.h"

struct cgkill_cgroup {
	struct cg cg;
};

/* All functions of the public header, and nothing else, are seen from outside of the library. */
#define PUBLIC __attribute__((visibility("default")))

/*
 * Copies a caller's structure, which is `size` bytes by its own word, into ours of `known` bytes: what it lacks is 0, as in
 * the kernel's copy_struct_from_user(). 0; -EINVAL: it is smaller than any version ever was (`least`); -E2BIG: it asks for
 * what this library does not know.
 */
int struct_take(void *ours, size_t known, const void *theirs, size_t size, size_t least) must_check;
