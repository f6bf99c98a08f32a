/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a service says of itself, sd_notify(3): the text of one datagram, taken apart. Pure; who may say what, and what
 * becomes of it, is daemon/notify.h.
 */
#include <sys/types.h>

#include "core/unit.h"

/* systemd's own limit is a page; nothing longer is a message. */
#define NOTIFY_SIZE_MAX 4096

/* What a message says. BARRIER=1 is none of it: it only asks for its descriptor to be closed, which all of them are. */
enum notify_tag {
	NOTIFY_MAINPID = 1 << 0,
	NOTIFY_STOPPING = 1 << 1,
	NOTIFY_RELOADING = 1 << 2,
	NOTIFY_READY = 1 << 3,
	NOTIFY_EXTEND = 1 << 4,
	NOTIFY_WATCHDOG_USEC = 1 << 5,
	NOTIFY_WATCHDOG = 1 << 6,
	NOTIFY_WATCHDOG_TRIGGER = 1 << 7,
	NOTIFY_MONOTONIC_USEC = 1 << 8,
	NOTIFY_STATUS = 1 << 9,
	NOTIFY_ERRNO = 1 << 10,
	NOTIFY_BUSERROR = 1 << 11,
	NOTIFY_ACCESS = 1 << 12,
	NOTIFY_FDSTORE = 1 << 13,
	NOTIFY_FDSTOREREMOVE = 1 << 14,
	NOTIFY_FDNAME = 1 << 15,
	NOTIFY_FDPOLL_OFF = 1 << 16,
};

struct notify_message {
	unsigned tags; /* of enum notify_tag: which of the following are set */
	const char *bad; /* the first key with a value that cannot be, which is ignored; NULL = there is none */

	pid_t main_pid;
	usec_t monotonic; /* CLOCK_MONOTONIC */
	usec_t extend, watchdog;
	int error;
	enum notify_access access;
	/* point into the text */
	const char *status, *bus_error, *fd_name;
};

/*
 * Takes text[0..len) apart, in place; text has room for one byte more. Of assignments to one key the first counts, and what
 * is not known is passed over. 0; -EBADMSG: longer than NOTIFY_SIZE_MAX, or with a NUL inside (one at its end is let pass).
 */
int notify_parse(struct notify_message *out, char *text, size_t len) must_check;

/* 1 to 255 printable characters of ASCII, no ':', which separates them in $LISTEN_FDNAMES. */
bool notify_fd_name_valid(const char *name);
