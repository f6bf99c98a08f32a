/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What socket units listen on, from the process that opens it (exec/listen.c) to the service that gets it, and the start
 * that traffic asks for: systemd.socket(5).
 *
 * To the state machine a socket is a oneshot that remains after its exit; its descriptors outlive us as those of services do
 * (daemon/inherit.h), one name for each, in the unit's order. They are watched while the unit is active and its service is
 * not, as long as nothing has been asked for.
 */
#include <jansson.h>

#include "core/service.h"
#include "exec/exec.h"

struct manager;
struct sockets; /* NULL = nothing is open */
struct supervised;

/*
 * For the process of a socket: a descriptor that takes what it opens, as the only one of *out, whose array is the caller's.
 * 0; -EBUSY: its service runs already; -ENOENT: there is none; -errno.
 */
int sockets_prepare(struct supervised *sv, struct exec_fds *out) must_check;
/* That process has ended: what it has opened is ours now. Of other units nothing happens. */
void sockets_receive(struct supervised *sv);
/* For the main process of a service: those of its sockets, then what it has stored with us. As fdstore_list(). */
int sockets_list(const struct supervised *sv, struct exec_fds *out) must_check;

/* An ACTION_STATE of any unit. */
void sockets_note_state(struct supervised *sv, enum service_state to);
/* Of an active socket: "listening", or "running" while its service does. */
const char *sockets_sub_state(const struct supervised *sv);
/* The names of the active sockets that would start it again; NULL: none. */
json_t *sockets_render(const struct supervised *sv);

/* What an earlier cgkilld has had open for it; of other units nothing happens. */
void sockets_adopt(struct supervised *sv);
/* Once all units are there: what belongs to none is closed, and they are listened to. */
void sockets_adopt_rest(struct manager *m);
/* For the program that we are about to become: inherit_pass(). 0 or -errno. */
int sockets_pass(const struct supervised *sv) must_check;
void sockets_free(struct sockets *s); /* closes our copies only */
