/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A socket in the file system that anybody may send to, and messages whose sender the kernel vouches for: unix(7),
 * SCM_CREDENTIALS, SCM_PIDFD.
 */
#include <sys/types.h>

#include "util/macro.h"

#define DATAGRAM_FDS_MAX 253 /* SCM_MAX_FD, include/net/scm.h */

struct datagram {
	size_t len;
	/* whoever sent it, or, where root says so, somebody else; in our namespaces */
	pid_t pid;
	uid_t uid;
	int pidfd; /* that very process, which may have ended; -1 = this kernel does not tell (before 6.5; of the reaped: 6.16), or it sends descriptors that are not taken */
	int fds[DATAGRAM_FDS_MAX]; /* close-on-exec */
	unsigned n_fds;
	bool brings_fds; /* fds has them if they were to be taken */
	bool stays;	 /* it is still the next one */
};

/* A new socket at path, which replaces what is there. fd, close-on-exec, or -errno (-ENAMETOOLONG). */
int datagram_bind(const char *path) must_check;
/*
 * The next message, its text in text[0..cap). 0, and *out is to be given to datagram_deinit(); -EAGAIN: there is none;
 * -EBADMSG: it was longer, had more descriptors than could be taken, or has no sender that we can see.
 *
 * Without take_fds it is only looked at: out->stays, also with -EBADMSG, and datagram_drop() is to take it away once what it
 * says is done. So what a crash comes in the midst of is said once more.
 */
int datagram_receive(int fd, bool take_fds, char *text, size_t cap, struct datagram *out) must_check;
/*
 * Can the descriptors of the next message be taken without their maker being able to hold us up? Not those of files whose
 * file system is a program (FUSE), or may be laid over one (overlayfs): poll(2) and close(2) ask that, and close(2) does so
 * uninterruptibly. To look may take as long, and to end, too: it is for a child, which is harmless when it answers in time.
 */
bool datagram_fds_are_harmless(int fd);
/*
 * Takes the next message away. Its descriptors never become ours, for close(2) calls the flush of their file system, which
 * may be the sender's own (FUSE). But what nobody else has open ends here: that may linger (SO_LINGER), so it is for a child.
 */
void datagram_drop(int fd);
/* Closes the descriptors that nobody took; -1 = taken. */
void datagram_deinit(struct datagram *d);
