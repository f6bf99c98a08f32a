/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A small file as a whole: whoever reads has the old one or the new one. What a power cut does to it is nobody's concern: what
 * is kept so is of this boot.
 */
#include <stddef.h>
#include <sys/types.h>

#include "util/macro.h"

/* In the directory dir, by way of a file called fresh, which is gone in the end. 0 or -errno (-ENOSPC: a part had a place). */
int replace_file(int dir, const char *name, const char *fresh, mode_t mode, const char *text,
		 size_t len) must_check;
