/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The end of RuntimeDirectory=. A directory leaves its name at once, by a rename, so that the next run can have its own
 * there, and is deleted by a child of ours at its leisure. Both in a directory beside it that is root's alone, and is gone
 * when there is nothing in it; what a crash leaves there the next cgkilld deletes.
 */
#include "util/macro.h"

struct manager;
struct removals; /* NULL = nothing was ever to be removed */
struct supervised;

/* A run is over: the directories go that RuntimeDirectoryPreserve= does not keep. */
void directories_note_over(struct supervised *sv);

/* Goes on with what an earlier cgkilld has not deleted. */
void removals_resume(struct manager *m);
/* Stops deleting; a later program goes on. */
void removals_halt(struct removals *r);
/* Waits for the rest to be deleted, not for ever. */
void removals_finish(struct removals *r);
