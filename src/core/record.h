/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What must survive cgkilld about one service, as a small text: one "key value" a line, a version first, a checksum last.
 * Pure: where it is kept is daemon/store.h.
 *
 * It is written ahead: after a step of the state machine and before its actions are performed, so that whatever the
 * actions have begun is known to be meant. What a record says of processes is a claim, to be verified against the cgroup.
 */
#include "core/service.h"
#include "util/buf.h"

#define RECORD_VERSION	2
#define RECORD_SIZE_MAX 4096 /* nothing longer is written, or believed */
#define BOOT_ID_LEN	32   /* hex digits, without dashes */

/* A process as a later cgkilld can tell it from others: never by its number alone. pid 0 = not known. */
struct process_id {
	pid_t pid;
	uint64_t identity; /* pidfd_identity() */
};

struct record {
	char boot_id[BOOT_ID_LEN + 1]; /* all times are CLOCK_BOOTTIME of this boot, all identities of this boot */
	char *unit;		       /* owned */
	uint64_t cgroup_id;	/* of ROOT/UNIT; 0 = there is none */
	usec_t saved;		/* when; of two records the later one is meant */
	usec_t real_since;	/* CLOCK_REALTIME of the last change of state */
	struct service machine; /* .unit is NULL */

	/*
	 * The spawns of a service are numbered. *_spawn is the one that main_alive and control_alive are about; it was begun
	 * if its leaf holds a birth mark of that number (sys/birth.h), and else it never ran its program.
	 */
	uint64_t spawns, main_spawn, control_spawn;
	struct process_id main, control;
	unsigned main_after,
		control_after; /* the newest leaf before that spawn: its own has a higher number */
	bool signals_due;      /* the signals of this stage may not all have been sent yet */

	/* who asked for what is going on; what is NULL when nobody did */
	char *asked; /* "stop"; owned */
	uid_t asked_uid;
	pid_t asked_pid;
	char *asked_comm; /* owned; may be NULL */
};

/*
 * Appends the text. 0, -ENOMEM, -E2BIG (over RECORD_SIZE_MAX: a name that cannot be), -EINVAL: what could not be decoded
 * again (a value out of range, no unit, no boot_id). An empty string comes back as NULL.
 */
int record_encode(const struct record *r, struct buf *out) must_check;

/*
 * The reverse: all or nothing, strict. -EBADMSG: damaged (checksum, syntax, a number out of range, a state that does not
 * exist, a key that is missing, twice or out of place); -EPROTONOSUPPORT: of another version; -ENOMEM. *why: a static sentence.
 * Unknown keys of this version are damage too.
 */
int record_decode(struct record *out, const char *text, size_t len, const char **why) must_check;
void record_deinit(struct record *r);
