/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a service says of itself, sd_notify(3): a socket of its own for each, in RUNTIME_DIR/notify, for as long as it runs;
 * who may say what; and what it said last, for status.
 *
 * The sender is whom the kernel names: a process by descriptor where it has SO_PASSPIDFD (Linux 6.5), so that a number that
 * was born again is nobody else. Who has ended by the time that its message is read counts as what it was: it is known to
 * have been the main or the control process as long as we have not told its end, and to have been in the cgroup while it is
 * a zombie, or where the kernel remembers (6.16).
 */
#include "core/unit.h"
#include "daemon/loop.h"
#include "util/macro.h"

struct manager;
struct process;
struct supervised;

struct notify {
	struct supervised *owner;
	char *path; /* of its socket; NULL = it is not open */
	int fd;
	struct io_source io;
	struct timer pause;	   /* while it is not watched */
	unsigned run;		   /* counts the sockets that it had, one a run */
	unsigned told;		   /* what was complained of already in this one */
	enum notify_access access; /* NOTIFYACCESS=; INVALID: as the unit has it */

	/* until the next start */
	char *status; /* STATUS=; NULL = none */
	int error;    /* ERRNO=; 0 = none */
	char *bus_error;
};

/*
 * Before a process is started: the socket is there if the unit has a NotifyAccess=. What the last run said is forgotten
 * when it is new. 0 or -errno.
 */
int notify_open(struct supervised *sv) must_check;
/* The same after an earlier cgkilld: with what is still unread where the socket was handed over, and what it said last. */
void notify_adopt(struct supervised *sv);
/* Afterwards: what an earlier cgkilld has kept for runs that are over. */
void notify_drop_rest(struct manager *m);
/* The run is over: no message counts any more. */
void notify_close(struct supervised *sv);
void notify_free(struct notify *n); /* takes NULL; the socket stays in the file system */

/* $NOTIFY_SOCKET of its next main or control process: systemd.service(5), NotifyAccess=. NULL: none. */
const char *notify_socket_for(const struct supervised *sv, bool is_main);

/* A process has ended, which is about to be told: what it said comes first. Its owner may be somebody else's after it. */
void notify_drain(struct supervised *sv, const struct process *dead);

/* For the program that we are about to become: inherit_pass(). 0 or -errno. */
int notify_pass(const struct supervised *sv) must_check;
