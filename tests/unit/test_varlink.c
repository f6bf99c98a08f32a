/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/varlink.h"

#define MAX 4096

TestSuite(varlink, .timeout = 30);

/* Messages are written with '|' for their NUL. */
static struct buf wire(const char *text)
{
	struct buf b = BUF_INIT;

	buf_puts(&b, text);
	for (size_t i = 0; i < b.len; i++)
		if (b.data[i] == '|')
			b.data[i] = '\0';
	return b;
}

static int take_call_text(const char *text, struct varlink_call *out)
{
	cleanup_buf struct buf in = wire(text);

	return varlink_take_call(&in, MAX, out);
}

static const char *const malformed_calls[] = {
	"|",
	" |",
	"x|",
	"null|",
	"true|",
	"1|",
	"\"a.B\"|",
	"[]|",
	"[{\"method\":\"a.B\"}]|",
	"{|",
	"{}|",
	"{\"method\":\"a.B\"|",
	"{\"method\":\"a.B\"}x|",
	"{\"method\":\"a.B\"}{}|",
	"{\"method\":\"a.B\",}|",
	"{'method':'a.B'}|",
	"{\"method\":1}|",
	"{\"method\":null}|",
	"{\"method\":[\"a.B\"]}|",
	"{\"parameters\":{}}|",
	"{\"method\":\"a.B\",\"method\":\"a.C\"}|",
	"{\"method\":\"a.B\",\"parameters\":{\"x\":1,\"x\":2}}|",
	"{\"method\":\"a.B\",\"parameters\":[]}|",
	"{\"method\":\"a.B\",\"parameters\":\"x\"}|",
	"{\"method\":\"a.B\",\"parameters\":1}|",
	"{\"method\":\"a.B\",\"more\":1}|",
	"{\"method\":\"a.B\",\"more\":\"true\"}|",
	"{\"method\":\"a.B\",\"oneway\":{}}|",
	"{\"method\":\"a.B\",\"upgrade\":0}|",
	"{\"method\":\"a.B\",\"more\":true,\"oneway\":true}|",
	"{\"method\":\"a.B\",\"more\":true,\"upgrade\":true}|",
	"{\"method\":\"a.B\",\"upgrade\":true,\"oneway\":true}|",
	"{\"method\":\"a.B\",\"unknown\":1}|",
	"{\"method\":\"a.B\",\"Method\":\"a.B\"}|",
	"{\"method\":\"a.B\",\"X-more\":true}|",
	"{\"method\":\"a.B\",\"continues\":true}|",
	"{\"method\":\"a.B\",\"error\":\"a.E\"}|",
	"{\"method\":\"a\\u0000.B\"}|",
	"{\"method\":\"a.\xff\"}|",
	"{\"method\":\"a.\xc0\x80\"}|",
	"{\"method\":\"a.\xed\xa0\x80\"}|",
	"\xef\xbb\xbf{\"method\":\"a.B\"}|",
};

Test(varlink, malformed_calls)
{
	for (size_t i = 0; i < ARRAY_SIZE(malformed_calls); i++) {
		struct varlink_call c;

		cr_assert_eq(take_call_text(malformed_calls[i], &c), -EBADMSG, "%s",
			     malformed_calls[i]);
	}
}

static const char *const malformed_replies[] = {
	"|",
	"[]|",
	"{\"method\":\"a.B\"}|",
	"{\"error\":1}|",
	"{\"error\":\"a.E\",\"error\":\"a.E\"}|",
	"{\"error\":\"a.E\",\"continues\":true}|",
	"{\"continues\":1}|",
	"{\"parameters\":[]}|",
	"{\"parameters\":{},\"more\":true}|",
};

Test(varlink, malformed_replies)
{
	for (size_t i = 0; i < ARRAY_SIZE(malformed_replies); i++) {
		cleanup_buf struct buf in = wire(malformed_replies[i]);
		struct varlink_reply reply;

		cr_assert_eq(varlink_take_reply(&in, MAX, &reply), -EBADMSG, "%s",
			     malformed_replies[i]);
	}
}

static const struct {
	const char *text, *method;
	bool oneway, more, upgrade;
	size_t parameters;
} good_calls[] = {
	{ "{\"method\":\"a.B\"}|", "a.B", false, false, false, 0 },
	{ " {\t\"method\"\n:\r\"a.B\" } |", "a.B", false, false, false, 0 },
	{ "{\"method\":\"a.B\",\"parameters\":null}|", "a.B", false, false, false, 0 },
	{ "{\"method\":\"a.B\",\"parameters\":{}}|", "a.B", false, false, false, 0 },
	{ "{\"parameters\":{\"x\":1,\"y\":[]},\"method\":\"a.B\"}|", "a.B", false, false, false, 2 },
	{ "{\"method\":\"a.B\",\"more\":true}|", "a.B", false, true, false, 0 },
	{ "{\"method\":\"a.B\",\"more\":null}|", "a.B", false, false, false, 0 },
	{ "{\"method\":\"a.B\",\"oneway\":true,\"more\":false}|", "a.B", true, false, false, 0 },
	{ "{\"method\":\"a.B\",\"upgrade\":true}|", "a.B", false, false, true, 0 },
	{ "{\"method\":\"a.B\",\"org.example\":{\"x\":1}}|", "a.B", false, false, false, 0 },
	{ "{\"method\":\"\"}|", "", false, false, false, 0 },
};

Test(varlink, good_calls)
{
	for (size_t i = 0; i < ARRAY_SIZE(good_calls); i++) {
		struct varlink_call c;

		cr_assert_eq(take_call_text(good_calls[i].text, &c), 1, "%s", good_calls[i].text);
		cr_assert_str_eq(c.method, good_calls[i].method);
		cr_assert_eq(c.oneway, good_calls[i].oneway, "%s", good_calls[i].text);
		cr_assert_eq(c.more, good_calls[i].more, "%s", good_calls[i].text);
		cr_assert_eq(c.upgrade, good_calls[i].upgrade, "%s", good_calls[i].text);
		cr_assert(json_is_object(c.parameters));
		cr_assert_eq(json_object_size(c.parameters), good_calls[i].parameters);
		varlink_call_deinit(&c);
	}
}

Test(varlink, good_replies)
{
	cleanup_buf struct buf in = wire("{\"parameters\":{\"x\":1},\"continues\":true}|"
					 "{\"error\":\"a.E\",\"parameters\":{\"y\":null}}|"
					 "{\"error\":null,\"org.example\":{}}|");
	struct varlink_reply reply;

	cr_assert_eq(varlink_take_reply(&in, MAX, &reply), 1);
	cr_assert_null(reply.error);
	cr_assert(reply.continues);
	cr_assert_eq(json_integer_value(json_object_get(reply.parameters, "x")), 1);
	varlink_reply_deinit(&reply);
	cr_assert_eq(varlink_take_reply(&in, MAX, &reply), 1);
	cr_assert_str_eq(reply.error, "a.E");
	cr_assert_not(reply.continues);
	varlink_reply_deinit(&reply);
	cr_assert_eq(varlink_take_reply(&in, MAX, &reply), 1);
	cr_assert_null(reply.error);
	cr_assert_eq(json_object_size(reply.parameters), 0);
	varlink_reply_deinit(&reply);
	cr_assert_eq(varlink_take_reply(&in, MAX, &reply), 0);
	cr_assert_eq(in.len, 0);
}

/* Two messages, fed in two pieces split at every byte: the same two calls come out, none early. */
Test(varlink, split_at_every_byte)
{
	cleanup_buf struct buf all =
		wire("{\"method\":\"a.First\",\"parameters\":{\"s\":\"\xc3\xa4\"}}|"
		     "{\"method\":\"a.Second\",\"more\":true}|");
	const size_t first_end = strlen(all.data) + 1;

	for (size_t split = 0; split <= all.len; split++) {
		cleanup_buf struct buf in = BUF_INIT;
		struct varlink_call c;
		int calls = 0, r;

		buf_append(&in, all.data, split);
		while ((r = varlink_take_call(&in, MAX, &c)) == 1) {
			cr_assert_str_eq(c.method, calls++ == 0 ? "a.First" : "a.Second");
			varlink_call_deinit(&c);
		}
		cr_assert_eq(r, 0);
		cr_assert_eq(calls, (split >= first_end) + (split == all.len), "split at %zu", split);
		buf_append(&in, all.data + split, all.len - split);
		while ((r = varlink_take_call(&in, MAX, &c)) == 1) {
			cr_assert_str_eq(c.method, calls++ == 0 ? "a.First" : "a.Second");
			varlink_call_deinit(&c);
		}
		cr_assert_eq(r, 0);
		cr_assert_eq(calls, 2, "split at %zu", split);
		cr_assert_eq(in.len, 0);
	}
}

Test(varlink, many_messages_in_one_read)
{
	cleanup_buf struct buf in = BUF_INIT;
	struct varlink_call c;

	for (int i = 0; i < 1000; i++) {
		buf_printf(&in, "{\"method\":\"a.B\",\"parameters\":{\"n\":%d}}", i);
		buf_putc(&in, '\0');
	}
	for (int i = 0; i < 1000; i++) {
		cr_assert_eq(varlink_take_call(&in, MAX, &c), 1);
		cr_assert_eq(json_integer_value(json_object_get(c.parameters, "n")), i);
		varlink_call_deinit(&c);
	}
	cr_assert_eq(varlink_take_call(&in, MAX, &c), 0);
}

Test(varlink, limit_is_exact)
{
	const char text[] = "{\"method\":\"a.B\"}";
	const size_t len = strlen(text);
	cleanup_buf struct buf in = BUF_INIT;
	struct varlink_call c;

	buf_append(&in, text, len);
	cr_assert_eq(varlink_take_call(&in, len, &c), 0);
	cr_assert_eq(varlink_take_call(&in, len - 1, &c), -EMSGSIZE,
		     "no NUL in sight and already too long");
	buf_putc(&in, '\0');
	cr_assert_eq(varlink_take_call(&in, len - 1, &c), -EMSGSIZE);
	cr_assert_eq(varlink_take_call(&in, len, &c), 1);
	varlink_call_deinit(&c);
}

/* A limit for one message is not one for the buffer. */
Test(varlink, limit_is_for_one_message)
{
	cleanup_buf struct buf in =
		wire("{\"method\":\"a.B\"}|{\"method\":\"a.B\"}|{\"method\":\"a.B\"}|");
	struct varlink_call c;

	for (int i = 0; i < 3; i++) {
		cr_assert_eq(varlink_take_call(&in, strlen("{\"method\":\"a.B\"}"), &c), 1);
		varlink_call_deinit(&c);
	}
}

/* jansson bounds the depth; without that, a short message could exhaust the stack. */
Test(varlink, deep_nesting_is_refused)
{
	cleanup_buf struct buf in = BUF_INIT;
	struct varlink_call c;

	buf_puts(&in, "{\"method\":\"a.B\",\"parameters\":{\"x\":");
	for (int i = 0; i < 100000; i++)
		buf_putc(&in, '[');
	buf_putc(&in, '\0');
	cr_assert_eq(varlink_take_call(&in, 1000000, &c), -EBADMSG);
}

Test(varlink, numbers_keep_64_bits)
{
	struct varlink_call c;

	cr_assert_eq(
		take_call_text("{\"method\":\"a.B\",\"parameters\":{\"n\":9223372036854775807}}|", &c),
		1);
	cr_assert_eq(json_integer_value(json_object_get(c.parameters, "n")), INT64_MAX);
	varlink_call_deinit(&c);
	cr_assert_eq(
		take_call_text("{\"method\":\"a.B\",\"parameters\":{\"n\":9223372036854775808}}|", &c),
		-EBADMSG);
}

static void assert_wire(struct buf *b, const char *want)
{
	cr_assert_eq(b->len, strlen(want) + 1);
	cr_assert_eq(b->data[b->len - 1], '\0');
	cr_assert_str_eq(b->data, want);
	buf_deinit(b);
}

Test(varlink, put_is_compact_and_omits_what_is_not_there)
{
	cleanup_buf struct buf out = BUF_INIT;
	cleanup_json json_t *p = json_pack("{s:s, s:n}", "s", "a\nb\"\xc3\xa4", "z");

	cr_assert_eq(varlink_put_call(&out, "a.B", NULL, false), 0);
	assert_wire(&out, "{\"method\":\"a.B\"}");
	cr_assert_eq(varlink_put_call(&out, "a.B", p, true), 0);
	assert_wire(&out, "{\"method\":\"a.B\",\"parameters\":{\"s\":\"a\\nb\\\"\xc3\xa4\",\"z\":"
			  "null},\"more\":true}");
	cr_assert_eq(varlink_put_reply(&out, NULL, NULL, false), 0);
	assert_wire(&out, "{}");
	cr_assert_eq(varlink_put_reply(&out, NULL, p, true), 0);
	assert_wire(&out,
		    "{\"parameters\":{\"s\":\"a\\nb\\\"\xc3\xa4\",\"z\":null},\"continues\":true}");
	cr_assert_eq(varlink_put_reply(&out, "a.E", NULL, false), 0);
	assert_wire(&out, "{\"error\":\"a.E\"}");
}

Test(varlink, put_appends_and_borrows)
{
	cleanup_buf struct buf out = BUF_INIT;
	cleanup_json json_t *p = json_pack("{s:i}", "n", 7);
	struct varlink_call c;

	for (int i = 0; i < 3; i++)
		cr_assert_eq(varlink_put_call(&out, "a.B", p, i == 1), 0);
	cr_assert_eq(p->refcount, 1);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(varlink_take_call(&out, MAX, &c), 1);
		cr_assert_eq(c.more, i == 1);
		cr_assert(json_equal(c.parameters, p));
		varlink_call_deinit(&c);
	}
	cr_assert_eq(out.len, 0);
}

static size_t allowed;

static void *scarce_malloc(size_t n)
{
	if (allowed == 0)
		return NULL;
	allowed--;
	return malloc(n);
}

/* Whichever of jansson's allocations fails, it is an error, nothing leaks (ASan) and the buffer is as it was. */
Test(varlink, out_of_memory)
{
	cleanup_buf struct buf out = wire("before|");
	cleanup_json json_t *p = json_pack("{s:i}", "n", 7);
	struct varlink_call c;
	size_t n;
	int r = -ENOMEM;

	json_set_alloc_funcs(scarce_malloc, free);
	for (n = 0; r == -ENOMEM; n++) {
		allowed = n;
		r = varlink_put_reply(&out, "a.E", p, false);
		cr_assert(r == 0 || (out.len == 7 && memcmp(out.data, "before", 7) == 0));
	}
	cr_assert_eq(r, 0);
	cr_assert_gt(n, 2);
	r = -ENOMEM;
	for (n = 0; r == -ENOMEM || r == -EBADMSG; n++) {
		allowed = n;
		r = take_call_text("{\"method\":\"a.B\",\"parameters\":{\"x\":[1]}}|", &c);
	}
	varlink_call_deinit(&c);
	r = -ENOMEM;
	for (size_t i = 0; r == -ENOMEM || r == -EBADMSG; i++) {
		allowed = i;
		r = take_call_text("{\"method\":\"a.B\"}|", &c);
	}
	varlink_call_deinit(&c);
	cr_assert_gt(n, 3);
	json_set_alloc_funcs(malloc, free);
}

/* Random changes to a good message: any answer but a crash, and each message taken is one that can be sent again. */
Test(varlink, random_bytes)
{
	static const char base[] =
		"{\"method\":\"a.B\",\"parameters\":{\"x\":[1,\"\\u00e4\",null]},\"more\":true}";
	unsigned seed = 20260101;
	int taken = 0;

	for (int i = 0; i < 100000; i++) {
		cleanup_buf struct buf in = BUF_INIT, out = BUF_INIT;
		struct varlink_call c;
		int r;

		buf_append(&in, base, sizeof(base));
		for (int changes = 1 + rand_r(&seed) % 3; changes > 0; changes--)
			in.data[(size_t)rand_r(&seed) % in.len] = (char)rand_r(&seed);
		r = varlink_take_call(&in, MAX, &c);
		cr_assert(r == 0 || r == 1 || r == -EBADMSG, "%d", r);
		if (r != 1)
			continue;
		taken++;
		cr_assert_eq(varlink_put_call(&out, c.method, c.parameters, c.more), 0);
		varlink_call_deinit(&c);
		cr_assert_eq(varlink_take_call(&out, MAX, &c), 1);
		varlink_call_deinit(&c);
	}
	cr_assert_gt(taken, 1000);
}
