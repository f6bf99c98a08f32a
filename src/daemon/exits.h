/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * How processes ended that the guard has reaped: a ring in shared memory, which the guard writes and its workers read, one
 * after the other. It needs no message and no answer, and a worker that dies takes nothing with it.
 */
#include "core/outcome.h"
#include "core/record.h"

#define EXITS_MAX 4096 /* the newest that are remembered */

struct exits;

int exits_new(struct exits **out, int *fd) must_check;
/* The same memory, in another process. */
int exits_map(struct exits **out, int fd) must_check;
void exits_unmap(struct exits *e); /* takes NULL */

/* One writer only. To be called while the process is a zombie still: who finds it reaped then finds it here. */
void exits_add(struct exits *e, const struct process_id *id, struct exit_info info);
/* Any number of readers. */
bool exits_find(const struct exits *e, const struct process_id *id, struct exit_info *out);
