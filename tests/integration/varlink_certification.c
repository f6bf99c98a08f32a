/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * org.varlink.certification on cgkilld's Varlink engine, for the test clients of other languages:
 * varlink_certification SOCKET. Each method takes what the one before returned, and says true at
 * the end to a client whose every call was as it must be. Ends by SIGTERM.
 */
#include <errno.h>
#include <math.h>

#include "daemon/server.h"
#include "util/macro.h"

#define IFACE "org.varlink.certification"

enum { REPLIES = 10 };

static const char description[] =
	"interface " IFACE "\n"
	"type Interface (foo: ?[]?[string](foo, bar, baz), anon: (foo: bool, bar: bool))\n"
	"type MyType (object: object, enum: (one, two, three), struct: (first: int, second: "
	"string),\n"
	"  array: []string, dictionary: [string]string, stringset: [string](), nullable: ?string,\n"
	"  nullable_array_struct: ?[](first: int, second: string), interface: Interface)\n"
	"method Start() -> (client_id: string)\n"
	"method Test01(client_id: string) -> (bool: bool)\n"
	"method Test02(client_id: string, bool: bool) -> (int: int)\n"
	"method Test03(client_id: string, int: int) -> (float: float)\n"
	"method Test04(client_id: string, float: float) -> (string: string)\n"
	"method Test05(client_id: string, string: string)\n"
	"  -> (bool: bool, int: int, float: float, string: string)\n"
	"method Test06(client_id: string, bool: bool, int: int, float: float, string: string)\n"
	"  -> (struct: (bool: bool, int: int, float: float, string: string))\n"
	"method Test07(client_id: string,\n"
	"  struct: (bool: bool, int: int, float: float, string: string)) -> (map: [string]string)\n"
	"method Test08(client_id: string, map: [string]string) -> (set: [string]())\n"
	"method Test09(client_id: string, set: [string]()) -> (mytype: MyType)\n"
	"method Test10(client_id: string, mytype: MyType) -> (string: string)\n"
	"method Test11(client_id: string, last_more_replies: []string) -> ()\n"
	"method End(client_id: string) -> (all_ok: bool)\n"
	"error ClientIdError ()\n"
	"error CertificationError (wants: object, got: object)\n";

/* What the n-th step returns is what the next one must be given. One client at a time. */
static const char *const results[] = {
	"{\"client_id\":\"cgkill\"}",
	"{\"bool\":true}",
	"{\"int\":1}",
	"{\"float\":1.0}",
	"{\"string\":\"ping\"}",
	"{\"bool\":false,\"int\":2,\"float\":3.141592653589793,\"string\":\"a lot of string\"}",
	"{\"struct\":{\"bool\":false,\"int\":2,\"float\":3.141592653589793,"
	"\"string\":\"a lot of string\"}}",
	"{\"map\":{\"foo\":\"Foo\",\"bar\":\"Bar\"}}",
	"{\"set\":{\"one\":{},\"two\":{},\"three\":{}}}",
	"{\"mytype\":{\"object\":{\"method\":\"" IFACE ".Test09\",\"parameters\":{\"map\":"
	"{\"foo\":\"Foo\",\"bar\":\"Bar\"}}},\"enum\":\"two\",\"struct\":{\"first\":1,\"second\":"
	"\"2\"},"
	"\"array\":[\"one\",\"two\",\"three\"],\"dictionary\":{\"foo\":\"Foo\",\"bar\":\"Bar\"},"
	"\"stringset\":{\"one\":{},\"two\":{},\"three\":{}},\"interface\":{\"foo\":"
	"[null,{\"foo\":\"foo\",\"bar\":\"bar\"},null,{\"one\":\"foo\",\"two\":\"bar\"}],"
	"\"anon\":{\"foo\":true,\"bar\":false}}}}",
};

static size_t step; /* the next method: 0 = Start; ARRAY_SIZE(results) = Test10 */
static bool oneway_heard;

static bool same(json_t *got, json_t *want);

/* Null and absent are the same; 1 and 1.0 are where a number is wanted: Go writes the float 1.0 as 1. */
static bool same_object(json_t *got, json_t *want)
{
	const char *key;
	json_t *value;

	json_object_foreach(want, key, value) {
		if (!same(json_object_get(got, key), value))
			return false;
	}
	json_object_foreach(got, key, value) {
		if (!json_is_null(value) && !json_object_get(want, key))
			return false;
	}
	return true;
}

static bool same(json_t *got, json_t *want)
{
	size_t i = 0;

	if (json_is_real(want))
		return json_is_number(got) &&
		       fabs(json_number_value(got) - json_real_value(want)) < 1e-15;
	if (json_is_object(want))
		return json_is_object(got) && same_object(got, want);
	if (!json_is_array(want))
		return json_equal(got, want);
	while (i < json_array_size(want) && same(json_array_get(got, i), json_array_get(want, i)))
		i++;
	return json_array_size(got) == i && json_array_size(want) == i;
}

static json_t *parse(const char *text)
{
	return json_loads(text, 0, NULL);
}

/* The result of the step before and the client's name are all that parameters may hold. */
static bool is_right(json_t *parameters, size_t at, json_t *want)
{
	json_t *id = json_string("cgkill");
	bool ok = step == at && want && json_object_set_new(want, "client_id", id) == 0 &&
		  same(parameters, want);

	if (!ok) {
		fputs("# step wants and got:\n# ", stderr);
		json_dumpf(want, stderr, JSON_COMPACT);
		fputs("\n# ", stderr);
		json_dumpf(parameters, stderr, JSON_COMPACT);
		fputc('\n', stderr);
	}
	json_decref(want);
	return ok;
}

static void refuse(struct call *c)
{
	call_error(c, IFACE ".CertificationError", parse("{\"wants\":{},\"got\":{}}"));
}

static void start(struct call *c, json_t *parameters unused, void *arg unused)
{
	step = 1;
	oneway_heard = false;
	call_reply(c, parse(results[0]), false);
}

static void answer(struct call *c, json_t *parameters, size_t n)
{
	if (!is_right(parameters, n, parse(results[n - 1]))) {
		refuse(c);
		return;
	}
	step++;
	call_reply(c, parse(results[n]), false);
}

#define STEP(n)                                                                    \
	static void test_##n(struct call *c, json_t *parameters, void *arg unused) \
	{                                                                          \
		answer(c, parameters, n);                                          \
	}
STEP(1)
STEP(2)
STEP(3)
STEP(4)
STEP(5)
STEP(6)
STEP(7)
STEP(8)
STEP(9)

static json_t *nth_reply(int n)
{
	return json_sprintf("Reply number %d", n);
}

static void test_10(struct call *c, json_t *parameters, void *arg unused)
{
	if (!is_right(parameters, 10, parse(results[9])) || !call_wants_more(c)) {
		refuse(c);
		return;
	}
	step++;
	for (int n = 1; n <= REPLIES; n++)
		call_reply(c, json_pack("{s:o}", "string", nth_reply(n)), n < REPLIES);
}

static void test_11(struct call *c, json_t *parameters, void *arg unused)
{
	json_t *replies = json_array();

	for (int n = 1; n <= REPLIES; n++)
		json_array_append_new(replies, nth_reply(n));
	oneway_heard = is_right(parameters, 11, json_pack("{s:o}", "last_more_replies", replies));
	step++;
	call_reply(c, NULL, false);
}

static void end(struct call *c, json_t *parameters unused, void *arg unused)
{
	call_reply(c, json_pack("{s:b}", "all_ok", step == 12 && oneway_heard), false);
	step = 0;
}

static const struct method methods[] = {
	{ IFACE ".Start", ACCESS_LOOK, false, start },
	{ IFACE ".Test01", ACCESS_LOOK, false, test_1 },
	{ IFACE ".Test02", ACCESS_LOOK, false, test_2 },
	{ IFACE ".Test03", ACCESS_LOOK, false, test_3 },
	{ IFACE ".Test04", ACCESS_LOOK, false, test_4 },
	{ IFACE ".Test05", ACCESS_LOOK, false, test_5 },
	{ IFACE ".Test06", ACCESS_LOOK, false, test_6 },
	{ IFACE ".Test07", ACCESS_LOOK, false, test_7 },
	{ IFACE ".Test08", ACCESS_LOOK, false, test_8 },
	{ IFACE ".Test09", ACCESS_LOOK, false, test_9 },
	{ IFACE ".Test10", ACCESS_LOOK, false, test_10 },
	{ IFACE ".Test11", ACCESS_LOOK, false, test_11 },
	{ IFACE ".End", ACCESS_LOOK, false, end },
	{ NULL, ACCESS_INVALID, false, NULL },
};

static void on_signal(const struct signalfd_siginfo *si unused, void *arg)
{
	loop_quit(arg);
}

int main(int argc, char *argv[])
{
	struct server_config cfg = {
		.methods = methods,
		.vendor = "cgkill",
		.product = "certification",
		.version = "1",
		.url = "https://varlink.org/",
		.interface = IFACE,
		.description = description,
		.control_group = (gid_t)-1,
		.max_connections = 16,
		.max_request = 65536,
		.max_backlog = 65536,
	};
	struct loop *loop = loop_new();
	struct server *server = NULL;
	sigset_t set;
	int r;

	if (argc != 2 || !loop)
		return EXIT_FAILURE;
	cfg.socket_path = argv[1];
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	r = loop_signals(loop, &set, on_signal, loop);
	if (r == 0)
		r = server_new(&server, loop, &cfg);
	if (r == 0)
		r = loop_run(loop);
	if (r < 0)
		fprintf(stderr, "varlink_certification: %s\n", strerror(-r));
	server_free(server);
	loop_free(loop);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
