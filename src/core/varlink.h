/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Varlink messages, sans I/O: bytes in, calls out; replies in, bytes out (https://varlink.org, UAPI.20). JSON by jansson.
 */
#include <jansson.h>

#include "util/buf.h"
#include "util/macro.h"

static inline void json_cleanup_(json_t **j)
{
	json_decref(*j);
}
#define cleanup_json __attribute__((cleanup(json_cleanup_)))

struct varlink_call {
	char *method;
	json_t *parameters; /* an object, never NULL */
	bool oneway, more, upgrade;
};
void varlink_call_deinit(struct varlink_call *c);

struct varlink_reply {
	char *error; /* NULL: success */
	json_t *parameters;
	bool continues;
};
void varlink_reply_deinit(struct varlink_reply *r);

/*
 * Takes the first whole message from in (up to and with its NUL). 1 with *out; 0 no whole message
 * yet; -EBADMSG: not JSON, not an object of the right form, duplicate or unknown members, more than
 * one of oneway/more/upgrade: close the connection; -EMSGSIZE: longer than max; -ENOMEM (which
 * jansson may take for a syntax error).
 */
int varlink_take_call(struct buf *in, size_t max, struct varlink_call *out) must_check;
int varlink_take_reply(struct buf *in, size_t max, struct varlink_reply *out) must_check;

/* Appends a message. parameters are borrowed, NULL = {}. 0 or -ENOMEM, with out unchanged. */
int varlink_put_call(struct buf *out, const char *method, json_t *parameters, bool more) must_check;
int varlink_put_reply(struct buf *out, const char *error, json_t *parameters, bool continues) must_check;
