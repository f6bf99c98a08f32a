/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The client's end of a Varlink connection. It blocks: whoever waits is a person, and ^C ends it.
 */
#include "core/varlink.h"
#include "util/buf.h"
#include "util/clock.h"

struct client {
	int fd; /* -1 = not connected */
	struct buf in;
	size_t scanned; /* so many bytes of in are known to hold no end of a message */
};

#define CLIENT_INIT             \
	{                       \
		-1, BUF_INIT, 0 \
	}

/* 0 or -errno: connect(2), and -ENAMETOOLONG for a path that no socket address holds. */
int client_connect(struct client *c, const char *path) must_check;
void client_deinit(struct client *c);

/*
 * 0, -E2BIG (longer than the server takes), -EPIPE (the server is gone), -ENOMEM, or another
 * -errno of send(2).
 */
int client_send(struct client *c, const char *method, json_t *parameters, bool more) must_check;

/*
 * Waits for a reply, until then at the latest. 1 with *out; 0 when it is later; -ECONNRESET when
 * the server closed the connection; -EBADMSG, -EMSGSIZE, -ENOMEM as varlink_take_reply(); or
 * another -errno of poll(2) or recv(2).
 */
int client_receive(struct client *c, usec_t until, struct varlink_reply *out) must_check;
