/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Varlink codec: whatever arrives, taking messages ends, and what was taken survives a second
 * journey unchanged. libFuzzer's entry.
 */
#include <assert.h>

#include "core/varlink.h"

#define MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Jansson reads "1e2" and writes "100.0": from the second text on, nothing may change. */
static void check_call(const struct varlink_call *c)
{
	cleanup_buf struct buf once = BUF_INIT, twice = BUF_INIT;
	cleanup_buf struct buf copy = BUF_INIT;
	struct varlink_call again;

	assert(c->method && json_is_object(c->parameters));
	assert(c->oneway + c->more + c->upgrade <= 1);
	assert(varlink_put_call(&once, c->method, c->parameters, c->more) == 0);
	buf_append(&copy, once.data, once.len);
	assert(varlink_take_call(&copy, SIZE_MAX, &again) == 1);
	assert(streq(again.method, c->method) && again.more == c->more);
	assert(varlink_put_call(&twice, again.method, again.parameters, again.more) == 0);
	assert(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
	varlink_call_deinit(&again);
}

static void take_all_calls(const uint8_t *data, size_t size)
{
	cleanup_buf struct buf in = BUF_INIT;
	struct varlink_call c;

	buf_append(&in, data, size);
	for (size_t before = in.len; varlink_take_call(&in, MAX, &c) == 1; before = in.len) {
		assert(in.len < before);
		check_call(&c);
		varlink_call_deinit(&c);
	}
}

static void take_all_replies(const uint8_t *data, size_t size)
{
	cleanup_buf struct buf in = BUF_INIT;
	struct varlink_reply reply;

	buf_append(&in, data, size);
	for (size_t before = in.len; varlink_take_reply(&in, MAX, &reply) == 1; before = in.len) {
		assert(in.len < before);
		assert(json_is_object(reply.parameters) && !(reply.error && reply.continues));
		varlink_reply_deinit(&reply);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	take_all_calls(data, size);
	take_all_replies(data, size);
	return 0;
}
