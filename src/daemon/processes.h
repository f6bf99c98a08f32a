/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The main and the control process of a service: how they are started, and what is found out before the machine is told of
 * their end.
 */
#include "core/record.h"
#include "core/unit.h"

struct process;
struct supervised;

/* A command of the unit, in a leaf of its own. 0 or -errno: nothing was started. */
int processes_start(struct supervised *sv, bool is_main, enum exec_phase phase, size_t index) must_check;
/* Another process is the main one from now on; takes it, and feeds EVENT_MAIN_PID. Only if service_takes_main_pid(). */
void processes_change_main(struct supervised *sv, struct process *p);
/* What a command has left behind is not waited for any more, nor told. */
void processes_drop_leftovers(struct supervised *sv);
/* Nothing more is killed by us: another program goes on. */
void processes_halt_leftovers(struct supervised *sv);
/* EVENT_OOM is fed from now on, where the kernel tells of it. */
void processes_watch_oom(struct supervised *sv);

/* One that was adopted; NULL: there is none. */
void processes_take_over(struct supervised *sv, struct process *p, bool is_main);
/* One that has ended while nobody looked, as if it ended now. */
void processes_tell_end(struct supervised *sv, bool is_main, const struct process_id *id);
