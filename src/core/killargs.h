/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The arguments of programs that send signals: which one, and to whom. args is what follows the program, NULL-terminated.
 */
#include "util/macro.h"

#define KILL_UNKNOWN (-1) /* a signal that cannot be told from the arguments */

/*
 * kill(1): the signal, SIGTERM by default, 0 for a mere question, or KILL_UNKNOWN. *targets: what is left of args, negative
 * numbers included.
 */
int kill_read(char *const *args, char *const **targets);

/* start-stop-daemon(8) --stop: what it sends first, by --retry=SCHEDULE or by --signal. */
int start_stop_daemon_signal(char *const *args);

/* pkill(1): by parent, process group, session, cgroup or pid file, and not by name alone? */
bool pkill_is_confined(char *const *args);
/* Does it search whole command lines? */
bool pkill_matches_lines(char *const *args);
