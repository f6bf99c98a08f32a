/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The end of RuntimeDirectory= and its like, and of credentials. A directory leaves its name at once, so that the next run can
 * have its own there, and is deleted afterwards: daemon/removals.h.
 */
#include "util/macro.h"

struct supervised;

/* A run is over: the credentials go, and the directories that RuntimeDirectoryPreserve= does not keep. */
void directories_note_over(struct supervised *sv);

/*
 * Of a unit of which nothing runs, whatever was to be kept. kinds: bits by enum directory_kind. 0; -ENODATA: the unit has none
 * of these; another -errno: not all of them are gone, which is told.
 */
int directories_clean(struct supervised *sv, unsigned kinds);
