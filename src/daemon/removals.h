/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Deleting what units have left, which may be millions of files, and on a file system that does not answer: only ever in a
 * child, without an end that we would wait for. What is to go leaves its name at once, by a rename into a directory beside
 * it that is root's alone, and is gone when there is nothing in it; what a crash leaves there a later cgkilld deletes.
 */
#include "util/macro.h"

struct manager;
struct removals; /* NULL = nothing was ever to be removed */

/*
 * Renames name in the directory parent, on the file system of base, into the trash of base. 0, and it is deleted once
 * removals_begin() has said so; or -errno.
 */
int removals_move(int base, int parent, const char *name) must_check;
/* Deletes what is in the trash of the bases of these kinds: bits by enum directory_kind. */
void removals_begin(struct manager *m, unsigned kinds);

/* Goes on with what an earlier cgkilld has not deleted below the runtime base; elsewhere it is when there is more. */
void removals_resume(struct manager *m);
/* Stops deleting; a later program goes on. */
void removals_halt(struct removals *r);
/* Waits for the rest to be deleted, not for ever. */
void removals_finish(struct removals *r);

/*
 * For a child: deletes the directory name in base with all that is in it, but for what is mounted there, unless somebody else
 * has made it. Then it ends, whoever goes on to make files there.
 */
void removals_delete(int base, const char *name);
