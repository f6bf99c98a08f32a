/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Which process of a service is the main one, where it is not the one that we have started: by PIDFile=, by a guess, or
 * because the service says so. Whoever is named is believed to be it only while it is a member of the service's cgroup: only
 * those are signalled, and waited for.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "util/macro.h"

struct mainpid; /* what is waited for; NULL = nothing */
struct manager;
struct pid_files; /* what all of them wait for; NULL = nobody has waited yet */
struct process;
struct supervised;

/* ACTION_FIND_MAIN: EVENT_MAIN_PID or EVENT_NO_MAIN is fed, at once, or when the PID file is there. */
void mainpid_find(struct supervised *sv, bool at_once);
/* The state has changed, so that nobody asks any more. */
void mainpid_stop_waiting(struct supervised *sv);

void pid_files_free(struct pid_files *files); /* takes NULL */

/* MAINPID=. 1: that is it now; 0: it is already, or nobody may say so now; -EPERM: it is none of the service's; -errno. */
int mainpid_told(struct supervised *sv, pid_t pid) must_check;
/* The main process has ended. Does the PID file name a successor (nginx, when its program is exchanged)? Then that is it now. */
bool mainpid_follow(struct supervised *sv);
/* The run is over: a PID file that names nobody who lives is removed. */
void mainpid_clean_up(const struct supervised *sv);
