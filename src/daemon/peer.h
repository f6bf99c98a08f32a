/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Who is at the other end of a Unix socket, as the kernel vouches for it, and what that allows.
 */
#include <sys/types.h>

#include "util/macro.h"

enum access { ACCESS_INVALID, ACCESS_LOOK, ACCESS_CONTROL, ACCESS_ADMIN };

struct peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
	char comm[17]; /* for people: "cgkillctl"; printable ASCII, "?" when unknown */
};

/* The process that connected fd, as it was then: SO_PEERCRED, unix(7). 0 or -errno. */
int peer_identify(int fd, struct peer *out) must_check;

/* Root and our own user: ADMIN; members of group ((gid_t)-1 = none): CONTROL; all others: LOOK. */
enum access peer_access(int fd, const struct peer *p, gid_t group);
