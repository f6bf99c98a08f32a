/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * EscapePolicy=: processes that descend from a service and live outside of its cgroup. They are found
 * when they fork or execute a program, when the service stops, and when somebody asks; where they go
 * in between the kernel tells nobody. With "kill" they count as processes of the service: its end is
 * theirs, and it has not stopped while one of them lives.
 *
 * All functions but the first do nothing for a service that is not watched.
 */
#include <jansson.h>

#include "daemon/supervisor.h"

/* A service without one has EscapePolicy=ignore, or has not run. */
struct escape;

/*
 * From now on it is watched, if its unit wants that: to be called right before it gets a process. What
 * processes that it has already did before stays unknown, and is said to; so is that of a run that an
 * earlier cgkilld has begun (resumed), even if nobody is seen of it.
 */
void escape_watch(struct supervised *sv, bool resumed);
/* It got a process. */
void escape_follow(struct supervised *sv, const struct process *p);

/*
 * The cgroup is empty. True: that does not count yet, for escaped processes live that are to be
 * killed, at once if the service is stopping. supervised_look() is called when that may be over, at
 * the latest after KillVerifySec=, from when on it is false.
 */
bool escape_holds(struct supervised *sv);
/* SIGKILL to them, where the policy says so. */
void escape_kill(struct supervised *sv);
/* The service is in another state. */
void escape_note_state(struct supervised *sv, enum service_state to);
/* Do escaped processes live that should not? */
bool escape_remains(const struct supervised *sv);

/* For status: null where it is not watched. */
json_t *escape_render(struct supervised *sv);
/* Those that should not live, appended to a list of Survivor. */
void escape_add_survivors(struct supervised *sv, json_t *list);

void escape_free(struct supervised *sv);
