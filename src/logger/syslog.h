/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What syslog(3) sends to /dev/log, where cgkilld --syslog provides that: each message goes to the log of the unit whose
 * process has sent it, by what the kernel says of the sender.
 */
#include "logger/stream.h"

#define SYSLOG_STRANGERS "syslog.socket" /* the log of those who are in no unit */

struct syslog {
	struct source source; /* a datagram socket with SO_PASSCRED; fd -1 = none */
	const char *root;     /* the cgroup that units are below */
};

/* Takes what is there, bounded. */
void syslog_read(struct syslog *y, struct streams *s);
