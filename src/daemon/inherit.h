/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Descriptors that outlive a program: handed through execve by name, from the guard to a new worker and from an old binary
 * to the new one (daemon-reexec), in the environment variable CGKILL_FDS ("listen:7,root-lock:5").
 */
#include "util/macro.h"

/* Descriptors; the guard has them all, and more than 1024 are not usual. */
#define INHERIT_MAX	  1000
#define INHERIT_NAME_SIZE 32 /* of a name, its NUL counted; it is of a-z and '-' */
#define INHERIT_HASH_SIZE 17 /* likewise, of inherit_hash() */

/*
 * At start: reads CGKILL_FDS and removes it from the environment. What it names is made close-on-exec, so it matters not
 * whether that is done to all descriptors before or after. A variable that is wrong anywhere is ignored as a whole, and
 * told of in the log. True: there was one, so an earlier program of ours has become or started this one, and numbers of
 * descriptors on the command line were meant for that.
 */
bool inherit_read(void);
/* The descriptor of that name, close-on-exec, the caller's from now on; -1 when there is none. */
int inherit_take(const char *name);
/* The name of a descriptor that nobody took and that begins with prefix; NULL when there is none. */
const char *inherit_find(const char *prefix);
/* Closes what nobody took. */
void inherit_close_rest(void);

/* Names fd for the next execve: clears its close-on-exec flag. 0 or -errno (-EEXIST: the name is taken; -ENOSPC). */
int inherit_pass(const char *name, int fd) must_check;
/* Puts what was passed into the environment. 0 or -errno. */
int inherit_write(void) must_check;
/* Names are shorter than those of units: 16 letters for any text. Returns buf. */
const char *inherit_hash(const char *text, char buf[static INHERIT_HASH_SIZE]);

/* execve failed: close-on-exec again, the environment without it. */
void inherit_take_back(void);
