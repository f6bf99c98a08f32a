/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A server and its clients in one process: the test drives the loop while it waits for an answer.
 * Clients of other users are children that speak for themselves.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "core/varlink.h"
#include "daemon/server.h"

TestSuite(server, .timeout = 60);

#define IFACE "org.example.test"

enum { GROUP = 4242, STRANGER = 4243, REQUEST_MAX = 8192, BACKLOG_MAX = 64 * 1024 };

static char dir[] = "/tmp/cgkill-test.XXXXXX";
static char path[64];
static struct loop *loop;
static struct server *server;
static struct call *kept; /* by Later and Stream */
static int cancelled, oneways, echoes;

static void echo(struct call *c, json_t *parameters, void *arg)
{
	cr_assert_eq(arg, (void *)path);
	echoes++;
	call_reply(c, json_incref(parameters), false);
}

static void on_cancel(struct call *c, void *arg)
{
	cr_assert_eq(c, kept);
	cr_assert_eq(arg, (void *)&cancelled);
	kept = NULL;
	cancelled++;
}

static void later(struct call *c, json_t *parameters unused, void *arg unused)
{
	kept = c;
	call_on_cancel(c, on_cancel, &cancelled);
}

static void big(struct call *c, json_t *parameters, void *arg unused)
{
	size_t n = (size_t)json_integer_value(json_object_get(parameters, "n"));
	char *text = malloc(n + 1);

	memset(text, 'x', n);
	text[n] = '\0';
	call_reply(c, json_pack("{s:s}", "text", text), false);
	free(text);
}

static void who(struct call *c, json_t *parameters unused, void *arg unused)
{
	const struct peer *p = call_peer(c);

	call_reply(c,
		   json_pack("{s:i, s:i, s:i, s:s}", "pid", (int)p->pid, "uid", (int)p->uid, "gid",
			     (int)p->gid, "comm", p->comm),
		   false);
}

static void note_oneway(struct call *c, json_t *parameters unused, void *arg unused)
{
	oneways++;
	call_reply(c, json_pack("{s:s}", "must", "not arrive"), false);
}

static void fail(struct call *c, json_t *parameters unused, void *arg unused)
{
	call_error(c, IFACE ".Failed", json_pack("{s:i}", "n", 3));
}

static const struct method methods[] = {
	{ IFACE ".Echo", ACCESS_LOOK, false, echo },
	{ IFACE ".Later", ACCESS_LOOK, false, later },
	{ IFACE ".Stream", ACCESS_LOOK, true, later },
	{ IFACE ".Big", ACCESS_LOOK, false, big },
	{ IFACE ".Who", ACCESS_LOOK, false, who },
	{ IFACE ".Note", ACCESS_LOOK, false, note_oneway },
	{ IFACE ".Fail", ACCESS_LOOK, false, fail },
	{ IFACE ".Missing", ACCESS_LOOK, false, NULL },
	{ IFACE ".Control", ACCESS_CONTROL, false, echo },
	{ IFACE ".Admin", ACCESS_ADMIN, false, echo },
	{ NULL, ACCESS_INVALID, false, NULL },
};

static struct server_config config = {
	.socket_path = path,
	.methods = methods,
	.arg = path,
	.vendor = "The vendor",
	.product = "The product",
	.version = "1",
	.url = "https://example.org/",
	.interface = IFACE,
	.description = "interface " IFACE "\n\nmethod Echo() -> ()\n",
	.control_group = GROUP,
	.max_connections = 64,
	.max_request = REQUEST_MAX,
	.max_backlog = BACKLOG_MAX,
	.max_stall = 300 * USEC_PER_MSEC,
};

static void setup(void)
{
	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(chmod(dir, 0755), 0);
	snprintf(path, sizeof(path), "%s/socket", dir);
	loop = loop_new();
	cr_assert_not_null(loop);
	cr_assert_eq(server_new(&server, loop, &config), 0);
}

static void teardown(void)
{
	server_free(server);
	loop_free(loop);
	unlink(path);
	rmdir(dir);
}

static int dial(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(sa.sun_path, path, strlen(path) + 1);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		fd = close_fd(fd);
	return fd;
}

struct client {
	int fd;
	struct buf in;
};

static struct client client_new(void)
{
	struct client c = { .fd = dial() };

	cr_assert_geq(c.fd, 0, "%s", strerror(errno));
	return c;
}

static void client_free(struct client *c)
{
	c->fd = close_fd(c->fd);
	buf_deinit(&c->in);
}
#define cleanup_client __attribute__((cleanup(client_free)))

static void turn(int times)
{
	while (times-- > 0)
		cr_assert_geq(loop_once(loop, 0), 0);
}

/* Sends all of it, with the final NUL, turning the loop when the server does not keep up. */
static void say_bytes(struct client *c, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(c->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EPIPE)
			return;
		cr_assert(n > 0 || errno == EAGAIN);
		if (n > 0)
			data += n, len -= (size_t)n;
		turn(1);
	}
}

static void say(struct client *c, const char *text)
{
	say_bytes(c, text, strlen(text) + 1);
}

/* 1: a reply; 0: end of file. Fails the test after 10 s. */
static int hear(struct client *c, struct varlink_reply *out)
{
	const usec_t end = clock_now() + 10 * USEC_PER_SEC;
	char chunk[65536];

	while (clock_now() < end) {
		ssize_t n;

		if (varlink_take_reply(&c->in, SIZE_MAX, out) == 1)
			return 1;
		n = recv(c->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		if (n > 0)
			buf_append(&c->in, chunk, (size_t)n);
		else if (n == 0 || errno == ECONNRESET)
			return 0;
		else
			cr_assert_geq(loop_once(loop, 1), 0);
	}
	cr_assert_fail("no answer");
	return -1;
}

static void expect(struct client *c, const char *error, const char *parameters)
{
	struct varlink_reply reply;
	cleanup_json json_t *want = json_loads(parameters, 0, NULL);

	cr_assert_not_null(want, "%s", parameters);
	cr_assert_eq(hear(c, &reply), 1, "closed instead of %s", parameters);
	cr_assert(streq_null(reply.error, error), "%s instead of %s", reply.error, error);
	cr_assert(json_equal(reply.parameters, want), "%s", json_dumps(reply.parameters, JSON_COMPACT));
	varlink_reply_deinit(&reply);
}

static void expect_end(struct client *c)
{
	struct varlink_reply reply;

	cr_assert_eq(hear(c, &reply), 0, "a reply instead of the end");
}

static void expect_silence(struct client *c)
{
	char b;

	turn(5);
	cr_assert_eq(recv(c->fd, &b, 1, MSG_DONTWAIT), -1);
	cr_assert_eq(errno, EAGAIN);
}

/* Callbacks within 50 ms: none, or something spins. */
static void expect_rest(void)
{
	const usec_t end = clock_now() + 50 * USEC_PER_MSEC;
	int n = 0;

	turn(5);
	while (clock_now() < end)
		n += loop_once(loop, 50);
	cr_assert_eq(n, 0, "the loop spins");
}

#define ERR(name)  "org.varlink.service." name
#define CALL(name) "{\"method\":\"" IFACE "." name "\"}"
#define NOTE	   "{\"method\":\"" IFACE ".Note\",\"oneway\":true}"
#define ECHO(n)	   "{\"method\":\"" IFACE ".Echo\",\"parameters\":{\"n\":" #n "}}"

static const struct {
	const char *call, *error, *parameters;
} conversations[] = {
	{ ECHO(1), NULL, "{\"n\":1}" },
	{ CALL("Echo"), NULL, "{}" },
	{ CALL("Fail"), IFACE ".Failed", "{\"n\":3}" },
	{ CALL("Missing"), ERR("MethodNotImplemented"), "{\"method\":\"" IFACE ".Missing\"}" },
	{ CALL("Nothing"), ERR("MethodNotFound"), "{\"method\":\"" IFACE ".Nothing\"}" },
	{ CALL("echo"), ERR("MethodNotFound"), "{\"method\":\"" IFACE ".echo\"}" },
	{ CALL(""), ERR("MethodNotFound"), "{\"method\":\"" IFACE ".\"}" },
	{ CALL("Stream"), ERR("ExpectedMore"), "{}" },
	{ "{\"method\":\"" IFACE ".Echo\",\"upgrade\":true}", ERR("MethodNotImplemented"),
	  "{\"method\":\"" IFACE ".Echo\"}" },
	{ "{\"method\":\"org.example.other.Echo\"}", ERR("InterfaceNotFound"),
	  "{\"interface\":\"org.example.other\"}" },
	{ "{\"method\":\"" IFACE "x.Echo\"}", ERR("InterfaceNotFound"), "{\"interface\":\"" IFACE "x\"}" },
	{ "{\"method\":\".Echo\"}", ERR("InterfaceNotFound"), "{\"interface\":\"\"}" },
	{ "{\"method\":\"Echo\"}", ERR("InvalidParameter"), "{\"parameter\":\"method\"}" },
	{ "{\"method\":\"\"}", ERR("InvalidParameter"), "{\"parameter\":\"method\"}" },
	{ "{\"method\":\"" ERR("GetInfo") "\"}", NULL,
	  "{\"vendor\":\"The vendor\",\"product\":\"The product\",\"version\":\"1\","
	  "\"url\":\"https://example.org/\",\"interfaces\":[\"org.varlink.service\",\"" IFACE
	  "\"]}" },
	{ "{\"method\":\"" ERR("GetInfo") "\",\"parameters\":{\"x\":1}}", ERR("InvalidParameter"),
	  "{\"parameter\":\"x\"}" },
	{ "{\"method\":\"" ERR(
		  "GetInterfaceDescription") "\",\"parameters\":{\"interface\":\"" IFACE "\"}}",
	  NULL, "{\"description\":\"interface " IFACE "\\n\\nmethod Echo() -> ()\\n\"}" },
	{ "{\"method\":\"" ERR(
		  "GetInterfaceDescription") "\",\"parameters\":{\"interface\":\"a.b\"}}",
	  ERR("InterfaceNotFound"), "{\"interface\":\"a.b\"}" },
	{ "{\"method\":\"" ERR("GetInterfaceDescription") "\"}", ERR("InvalidParameter"),
	  "{\"parameter\":\"interface\"}" },
	{ "{\"method\":\"" ERR("GetInterfaceDescription") "\",\"parameters\":{\"interface\":3}}",
	  ERR("InvalidParameter"), "{\"parameter\":\"interface\"}" },
	{ "{\"method\":\"" ERR("Nothing") "\"}", ERR("MethodNotFound"),
	  "{\"method\":\"" ERR("Nothing") "\"}" },
};

/* All on one connection: no error ends it. */
Test(server, conversations, .init = setup, .fini = teardown)
{
	cleanup_client struct client c = client_new();

	for (size_t i = 0; i < ARRAY_SIZE(conversations); i++) {
		say(&c, conversations[i].call);
		expect(&c, conversations[i].error, conversations[i].parameters);
	}
	expect_rest();
}

Test(server, describes_its_own_interface, .init = setup, .fini = teardown)
{
	cleanup_client struct client c = client_new();
	struct varlink_reply reply;

	say(&c, "{\"method\":\"" ERR("GetInterfaceDescription") "\",\"parameters\":{\"interface\":"
								"\"org.varlink.service\"}}");
	cr_assert_eq(hear(&c, &reply), 1);
	cr_assert_not_null(
		strstr(json_string_value(json_object_get(reply.parameters, "description")),
		       "\ninterface org.varlink.service\n"));
	varlink_reply_deinit(&reply);
}

/* Many calls in one write: replies in order; a call that is answered later holds back the next. */
Test(server, pipelining_keeps_the_order, .init = setup, .fini = teardown)
{
	cleanup_client struct client c = client_new();
	static const char calls[] = ECHO(1) "\0" CALL("Later") "\0" ECHO(2) "\0" ECHO(3);

	say_bytes(&c, calls, sizeof(calls));
	expect(&c, NULL, "{\"n\":1}");
	expect_silence(&c);
	cr_assert_eq(echoes, 1, "the second Echo must wait for Later");
	expect_rest();
	call_reply(kept, json_pack("{s:s}", "s", "late"), false);
	expect(&c, NULL, "{\"s\":\"late\"}");
	expect(&c, NULL, "{\"n\":2}");
	expect(&c, NULL, "{\"n\":3}");
	expect_rest();
	cr_assert_eq(cancelled, 0);
}

Test(server, oneway_gets_no_reply, .init = setup, .fini = teardown)
{
	cleanup_client struct client c = client_new();

	say(&c, "{\"method\":\"" IFACE ".Note\",\"oneway\":true}");
	say(&c, "{\"method\":\"" IFACE ".Fail\",\"oneway\":true}");
	say(&c, "{\"method\":\"no.such.Method\",\"oneway\":true}");
	say(&c, "{\"method\":\"" IFACE ".Stream\",\"oneway\":true}");
	say(&c, ECHO(1));
	expect(&c, NULL, "{\"n\":1}");
	cr_assert_eq(oneways, 1);
	/* also when the client is gone before the server looks */
	say(&c, "{\"method\":\"" IFACE ".Note\",\"oneway\":true}");
	client_free(&c);
	turn(5);
	cr_assert_eq(oneways, 2);
}

Test(server, a_stream_of_replies, .init = setup, .fini = teardown)
{
	cleanup_client struct client c = client_new();
	struct varlink_reply reply;

	say(&c, "{\"method\":\"" IFACE ".Stream\",\"more\":true}");
	turn(5);
	cr_assert(call_wants_more(kept));
	for (int i = 0; i < 5; i++)
		call_reply(kept, json_pack("{s:i}", "n", i), i < 4);
	for (int i = 0; i < 5; i++) {
		cr_assert_eq(hear(&c, &reply), 1);
		cr_assert_eq(json_integer_value(json_object_get(reply.parameters, "n")), i);
		cr_assert_eq(reply.continues, i < 4);
		varlink_reply_deinit(&reply);
	}
	say(&c, ECHO(9));
	expect(&c, NULL, "{\"n\":9}");
}

Test(server, cancel_when_the_client_is_gone, .init = setup, .fini = teardown)
{
	struct client c = client_new();

	say(&c, CALL("Later"));
	turn(5);
	cr_assert_not_null(kept);
	client_free(&c);
	turn(5);
	cr_assert_eq(cancelled, 1);
	expect_rest();
}

Test(server, cancel_when_the_server_ends, .init = setup, .fini = teardown)
{
	cleanup_client struct client c = client_new();

	say(&c, CALL("Later"));
	turn(5);
	server_free(server);
	server = NULL;
	cr_assert_eq(cancelled, 1);
	expect_end(&c);
	cr_assert_eq(access(path, F_OK), -1, "the socket is removed");
}

/* The client shuts down its side after the request, as a pipe through socat does. */
Test(server, half_closed_client_gets_its_reply, .init = setup, .fini = teardown)
{
	cleanup_client struct client c = client_new();

	say(&c, CALL("Later"));
	cr_assert_eq(shutdown(c.fd, SHUT_WR), 0);
	turn(5);
	cr_assert_not_null(kept);
	expect_rest();
	cr_assert_eq(cancelled, 0);
	call_reply(kept, NULL, false);
	expect(&c, NULL, "{}");
	expect_end(&c);
	expect_rest();
}

Test(server, half_closed_client_that_goes_away, .init = setup, .fini = teardown)
{
	struct client c = client_new();

	say(&c, CALL("Later"));
	shutdown(c.fd, SHUT_WR);
	turn(5);
	client_free(&c);
	turn(5);
	cr_assert_eq(cancelled, 1);
	expect_rest();
}

Test(server, malformed_input_closes, .init = setup, .fini = teardown)
{
	static const char *const bad[] = { "",
					   "x",
					   "[]",
					   "{\"method\":1}",
					   "{\"method\":\"a.B\",\"x\":1}",
					   "{\"method\":\"a.B\",\"more\":true,\"oneway\":true}" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cleanup_client struct client c = client_new();

		say(&c, ECHO(1));
		say(&c, bad[i]);
		expect(&c, NULL, "{\"n\":1}");
		expect_end(&c);
	}
	expect_rest();
}

Test(server, oversize_closes, .init = setup, .fini = teardown)
{
	char text[REQUEST_MAX + 2];
	const char head[] = "{\"method\":\"" IFACE ".Echo\",\"parameters\":{\"s\":\"",
		   tail[] = "\"}}";
	struct varlink_reply reply;

	memset(text, 'x', sizeof(text));
	memcpy(text, head, strlen(head));
	for (size_t len = REQUEST_MAX - 1; len <= REQUEST_MAX + 1; len++) {
		cleanup_client struct client c = client_new();

		memset(text + len - 8, 'x', 8);
		memcpy(text + len - strlen(tail), tail, sizeof(tail));
		say(&c, text);
		cr_assert_eq(hear(&c, &reply), len <= REQUEST_MAX, "%zu", len);
		if (len <= REQUEST_MAX)
			varlink_reply_deinit(&reply);
	}
	/* without an end in sight */
	cleanup_client struct client c = client_new();
	for (int i = 0; i < 2; i++)
		say_bytes(&c, text, REQUEST_MAX);
	expect_end(&c);
}

Test(server, half_a_message_may_not_stay, .init = setup, .fini = teardown)
{
	cleanup_client struct client idle = client_new(), half = client_new(), slow = client_new();
	const usec_t start = clock_now();
	const char text[] = ECHO(1);
	char b;

	say(&idle, ECHO(1));
	expect(&idle, NULL, "{\"n\":1}");
	say_bytes(&half, "{\"me", 4);
	expect_end(&half);
	cr_assert_geq(clock_now() - start, config.max_stall);
	/* a byte now and then does not help */
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		say_bytes(&slow, &text[i], 1);
		usleep(20000);
	}
	cr_assert_eq(recv(slow.fd, &b, 1, MSG_DONTWAIT), 0, "closed long ago");
	say(&idle, ECHO(2));
	expect(&idle, NULL, "{\"n\":2}");
}

/* Whole messages that come steadily, each torn in two, are never a stall. */
Test(server, each_message_has_its_own_time, .init = setup, .fini = teardown)
{
	cleanup_client struct client c = client_new();
	static const char two[] = NOTE "\0" NOTE;
	const usec_t end = clock_now() + 3 * config.max_stall;
	int said = 0;

	say_bytes(&c, two, 10);
	for (; clock_now() < end; said++) {
		say_bytes(&c, two + 10, sizeof(NOTE));
		usleep(10000);
		turn(3);
	}
	cr_assert_eq(oneways, said);
	say_bytes(&c, two + 10, sizeof(NOTE) - 10);
	say(&c, ECHO(1));
	expect(&c, NULL, "{\"n\":1}");
}

/* During a call the client's further bytes stay in the kernel, which makes the client wait. */
Test(server, nothing_is_read_during_a_call, .init = setup, .fini = teardown)
{
	cleanup_client struct client c = client_new();
	char junk[4096];
	ssize_t n, total = 0;

	memset(junk, ' ', sizeof(junk));
	say(&c, CALL("Later"));
	turn(3);
	while (total < 8000000 && (n = send(c.fd, junk, sizeof(junk), MSG_DONTWAIT)) > 0) {
		total += n;
		turn(1);
	}
	cr_assert_lt(total, 1000000);
	cr_assert_not_null(kept);
	expect_rest();
}

/* The end of a oneway call and the client's own end, behind a queued call, in one batch. */
Test(server, queued_calls_outlive_the_client, .init = setup, .fini = teardown)
{
	static const char calls[] = "{\"method\":\"" IFACE ".Later\",\"oneway\":true}\0"
				    "{\"method\":\"" IFACE ".Note\",\"oneway\":true}";
	struct client c = client_new();

	say_bytes(&c, calls, sizeof(calls));
	turn(3);
	cr_assert_not_null(kept);
	say_bytes(&c, "{", 1);
	call_reply(kept, NULL, false);
	client_free(&c);
	turn(5);
	cr_assert_eq(oneways, 1);
	expect_rest();
}

Test(server, idle_connections_may_stay, .init = setup, .fini = teardown)
{
	cleanup_client struct client c = client_new();
	const usec_t end = clock_now() + 3 * config.max_stall;

	turn(5);
	while (clock_now() < end)
		cr_assert_eq(loop_once(loop, 1000), 0);
	say(&c, ECHO(1));
	expect(&c, NULL, "{\"n\":1}");
}

Test(server, a_large_reply_to_a_slow_reader, .init = setup, .fini = teardown)
{
	cleanup_client struct client c = client_new();
	struct varlink_reply reply;

	say(&c, "{\"method\":\"" IFACE ".Big\",\"parameters\":{\"n\":4000000}}");
	say(&c, ECHO(1));
	turn(5);
	cr_assert_eq(echoes, 0, "the next call waits for the reader");
	cr_assert_eq(hear(&c, &reply), 1);
	cr_assert_eq(json_string_length(json_object_get(reply.parameters, "text")), 4000000);
	varlink_reply_deinit(&reply);
	expect(&c, NULL, "{\"n\":1}");
	expect_rest();
}

Test(server, a_slow_reader_may_take_its_time, .init = setup, .fini = teardown)
{
	cleanup_client struct client c = client_new();
	const usec_t start = clock_now();
	char chunk[65536];
	ssize_t n = 1;
	size_t total = 0;

	say(&c, "{\"method\":\"" IFACE ".Big\",\"parameters\":{\"n\":4000000}}");
	shutdown(c.fd, SHUT_WR);
	while (n != 0 && clock_now() < start + 20 * USEC_PER_SEC) {
		turn(2);
		usleep(10000);
		n = recv(c.fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		total += (size_t)MAX_OF(n, 0);
	}
	cr_assert_gt(total, 4000000);
	cr_assert_gt(clock_now() - start, 2 * config.max_stall);
}

Test(server, a_reader_that_does_not_read_is_closed, .init = setup, .fini = teardown)
{
	cleanup_client struct client c = client_new();
	const usec_t start = clock_now(), end = start + 5 * USEC_PER_SEC;
	char chunk[65536];
	ssize_t n;

	say(&c, "{\"method\":\"" IFACE ".Big\",\"parameters\":{\"n\":4000000}}");
	while (clock_now() < start + 2 * config.max_stall)
		cr_assert_geq(loop_once(loop, 100), 0);
	while ((n = recv(c.fd, chunk, sizeof(chunk), MSG_DONTWAIT)) > 0 && clock_now() < end)
		;
	cr_assert(n == 0 || errno == ECONNRESET, "still open");
}

Test(server, a_monitor_that_does_not_read_is_closed, .init = setup, .fini = teardown)
{
	cleanup_client struct client c = client_new();
	bool told = false;
	int n;

	say(&c, "{\"method\":\"" IFACE ".Stream\",\"more\":true}");
	turn(5);
	for (n = 0; kept && n < 100000; n++) {
		told |= call_is_backlogged(kept);
		call_reply(kept, json_pack("{s:s}", "s", "0123456789012345678901234567890123456789"),
			   true);
		if (n % 10 == 0)
			turn(1);
	}
	cr_assert_eq(cancelled, 1);
	cr_assert(told, "a warning before the end");
	cr_assert(n > 1000 && n < 20000, "%d", n);
}

/* 20,000 events in one batch: more than the backlog, and yet nothing is lost for one who reads. */
Test(server, a_burst_to_a_reader, .init = setup, .fini = teardown)
{
	cleanup_client struct client c = client_new();
	struct varlink_reply reply;
	int n = 0;

	cr_assert_eq(setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &(int){ 1 << 20 }, sizeof(int)), 0);
	say(&c, "{\"method\":\"" IFACE ".Stream\",\"more\":true}");
	turn(5);
	for (int i = 0; i < 2000; i++)
		call_reply(kept, json_pack("{s:i}", "n", i), true);
	for (; n < 2000; n++) {
		cr_assert_eq(hear(&c, &reply), 1);
		cr_assert_eq(json_integer_value(json_object_get(reply.parameters, "n")), n);
		varlink_reply_deinit(&reply);
	}
	cr_assert_eq(cancelled, 0);
}

Test(server, peer_is_known, .init = setup, .fini = teardown)
{
	cleanup_client struct client c = client_new();
	struct varlink_reply reply;

	cr_assert_eq(prctl(PR_SET_NAME, "a\033[31mb"), 0);
	say(&c, CALL("Who"));
	cr_assert_eq(hear(&c, &reply), 1);
	cr_assert_eq(json_integer_value(json_object_get(reply.parameters, "pid")), getpid());
	cr_assert_eq(json_integer_value(json_object_get(reply.parameters, "uid")), getuid());
	cr_assert_str_eq(json_string_value(json_object_get(reply.parameters, "comm")), "a?[31mb",
			 "a name must not reach a terminal with its escape sequences");
	varlink_reply_deinit(&reply);
}

/* In a child: 'y' allowed, 'n' refused, else what went wrong. */
static int ask(const char *call, uid_t uid, gid_t gid, gid_t extra)
{
	char answer[512] = "";
	int fd;

	if (setgroups(extra != (gid_t)-1, &extra) < 0 || setresgid(gid, gid, gid) < 0 ||
	    setresuid(uid, uid, uid) < 0)
		return 'p';
	fd = dial();
	if (fd < 0)
		return 'c';
	if (write(fd, call, strlen(call) + 1) < 0 || read(fd, answer, sizeof(answer) - 1) <= 0)
		return 'e';
	return streq(answer, "{\"error\":\"" ERR("PermissionDenied") "\"}") ? 'n'
	       : streq(answer, "{\"parameters\":{}}")			    ? 'y'
									    : 'w';
}

static int child_asks(const char *call, uid_t uid, gid_t gid, gid_t extra)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(ask(call, uid, gid, extra));
	cr_assert_gt(pid, 0);
	while (waitpid(pid, &status, WNOHANG) == 0)
		cr_assert_geq(loop_once(loop, 5), 0);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

Test(server, permission_classes, .init = setup, .fini = teardown)
{
	static const struct {
		uid_t uid;
		gid_t gid, extra;
		const char *look_control_admin;
	} rows[] = {
		{ 0, 0, (gid_t)-1, "yyy" },
		{ 0, STRANGER, (gid_t)-1, "yyy" },
		{ STRANGER, STRANGER, (gid_t)-1, "ynn" },
		{ STRANGER, 0, (gid_t)-1, "ynn" },
		{ STRANGER, STRANGER, 0, "ynn" },
		{ STRANGER, GROUP, (gid_t)-1, "yyn" },
		{ STRANGER, STRANGER, GROUP, "yyn" },
		{ GROUP, STRANGER, STRANGER, "ynn" },
	};
	static const char *const calls[] = { CALL("Echo"), CALL("Control"), CALL("Admin") };

	if (geteuid() != 0)
		cr_skip_test("SKIP: needs root, to be other users");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t j = 0; j < ARRAY_SIZE(calls); j++)
			cr_assert_eq(child_asks(calls[j], rows[i].uid, rows[i].gid, rows[i].extra),
				     rows[i].look_control_admin[j], "row %zu, %s", i, calls[j]);
}

/* Opens n connections as uid and holds them; tells through the pipe how many were not closed at once. */
static void hog(uid_t uid, int n, int report)
{
	int fds[128], open = 0;

	if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		_exit(1);
	alarm(30); /* when the test fails, nobody kills us */
	for (int i = 0; i < n; i++)
		fds[i] = dial();
	for (int i = 0; i < n; i++) {
		char answer[512];
		const char call[] = CALL("Echo");

		if (send(fds[i], call, sizeof(call), MSG_NOSIGNAL) > 0 &&
		    recv(fds[i], answer, sizeof(answer), 0) > 0)
			open++;
	}
	if (write(report, &open, sizeof(open)) < 0)
		_exit(1);
	pause();
	_exit(0);
}

static pid_t start_hog(uid_t uid, int n, int *held)
{
	int p[2];
	pid_t pid;

	cr_assert_eq(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	pid = fork();
	if (pid == 0)
		hog(uid, n, p[1]);
	cr_assert_gt(pid, 0);
	close(p[1]);
	for (int i = 0; i < 5000 && read(p[0], held, sizeof(*held)) < 0; i++)
		cr_assert_geq(loop_once(loop, 2), 0);
	close(p[0]);
	return pid;
}

Test(server, no_user_can_take_all_places, .init = setup, .fini = teardown)
{
	const int quarter = (int)config.max_connections / 4;
	pid_t hogs[5];
	int held[5], total = 0;

	if (geteuid() != 0)
		cr_skip_test("SKIP: needs root, to be other users");
	for (int i = 0; i < 5; i++) {
		hogs[i] = start_hog((uid_t)(STRANGER + i), 100, &held[i]);
		cr_assert_leq(held[i], quarter);
		total += held[i];
	}
	cr_assert_eq(held[0], quarter);
	cr_assert_eq(total, 3 * quarter);
	cleanup_client struct client c = client_new();
	say(&c, ECHO(1));
	expect(&c, NULL, "{\"n\":1}");
	for (int i = 0; i < 5; i++) {
		kill(hogs[i], SIGKILL);
		waitpid(hogs[i], NULL, 0);
	}
	turn(200);
	hogs[0] = start_hog(STRANGER, 1, &held[0]);
	cr_assert_eq(held[0], 1, "places are given back");
	kill(hogs[0], SIGKILL);
	waitpid(hogs[0], NULL, 0);
}

#define ASKERS 8

/* Connections with two calls each, some of which are shut down behind them. */
static void ask_much(int report)
{
	static const char calls[] = NOTE "\0" NOTE;

	if (setgroups(0, NULL) < 0 || setresgid(STRANGER, STRANGER, STRANGER) < 0 ||
	    setresuid(STRANGER, STRANGER, STRANGER) < 0)
		_exit(1);
	alarm(30);
	for (int i = 0; i < ASKERS; i++) {
		int fd = dial();

		if (send(fd, calls, sizeof(calls), MSG_NOSIGNAL) < 0 ||
		    (i % 2 && shutdown(fd, SHUT_WR) < 0))
			_exit(1);
	}
	if (write(report, "", 1) < 0)
		_exit(1);
	pause();
	_exit(0);
}

Test(server, who_only_looks_waits_for_others, .init = setup, .fini = teardown)
{
	int p[2];
	char byte;
	pid_t pid;

	if (geteuid() != 0)
		cr_skip_test("SKIP: needs root, to be another user");
	cr_assert_eq(pipe2(p, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		ask_much(p[1]);
	close(p[1]);
	cr_assert_eq(read(p[0], &byte, 1), 1);
	close(p[0]);
	for (int round = 0; round < 1000 && oneways < 2 * ASKERS; round++) {
		const int before = oneways;

		turn(1);
		cr_assert_leq(oneways - before, 1);
	}
	cr_assert_eq(oneways, 2 * ASKERS);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

Test(server, a_thousand_connections, .init = setup, .fini = teardown)
{
	struct client c[1000];
	struct varlink_reply reply;
	size_t served = 0;

	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		c[i] = client_new();
		turn(1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		say(&c[i], ECHO(1));
		if (hear(&c[i], &reply) == 1) {
			served++;
			varlink_reply_deinit(&reply);
		}
	}
	cr_assert_eq(served, config.max_connections);
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		client_free(&c[i]);
	turn(100);
	expect_rest();
}

/* The server has no descriptor left: clients are turned away at once, nothing spins, and all is well afterwards. */
Test(server, descriptors_run_out, .init = setup, .fini = teardown)
{
	cleanup_client struct client before = client_new(), during = { .fd = -1 };
	int fds[1024], n = 0;
	struct rlimit old;

	say(&before, ECHO(1));
	expect(&before, NULL, "{\"n\":1}");
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 100, old.rlim_max }), 0);
	during = client_new();
	while (n < 1024 && (fds[n] = dup(before.fd)) >= 0)
		n++;
	expect_end(&during);
	expect_rest();
	say(&before, ECHO(2));
	expect(&before, NULL, "{\"n\":2}");
	while (n > 0)
		close(fds[--n]);
	cleanup_client struct client after = client_new();
	say(&after, ECHO(3));
	expect(&after, NULL, "{\"n\":3}");
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
}

/* Even the reserve cannot be had again: accepting pauses, and goes on by itself. */
Test(server, pause_when_even_the_reserve_is_gone, .init = setup, .fini = teardown)
{
	struct rlimit old;

	cleanup_client struct client waiting = client_new();
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 0, old.rlim_max }), 0);
	turn(1);
	expect_rest();
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	say(&waiting, ECHO(1));
	expect(&waiting, NULL, "{\"n\":1}");
}

Test(server, descriptors_are_not_accepted, .init = setup, .fini = teardown)
{
	cleanup_client struct client c = client_new();
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .h = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	char brace = '{';
	struct iovec iov = { &brace, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct stat st;
	int p[2];
	char b;

	cr_assert_eq(pipe2(p, O_NONBLOCK), 0);
	memcpy(CMSG_DATA(&control.h), &p[1], sizeof(int));
	turn(3);
	if (sendmsg(c.fd, &m, 0) < 0)
		cr_assert_eq(errno, EPERM);
	close(p[1]);
	turn(3);
	cr_assert_eq(fstat(p[0], &st), 0);
	cr_assert_eq(read(p[0], &b, 1), 0, "no copy of the write end may be left");
	close(p[0]);
}

Test(server, socket_has_its_mode_whatever_the_umask)
{
	struct stat st;
	mode_t old = umask(0777);

	setup();
	umask(old);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert(S_ISSOCK(st.st_mode));
	cr_assert_eq(st.st_mode & 07777, 0666);
	teardown();
}

Test(server, stale_socket_is_replaced, .init = setup, .fini = teardown)
{
	struct server *second = NULL;
	struct stat first_st, second_st;

	cr_assert_eq(stat(path, &first_st), 0);
	cr_assert_eq(server_new(&second, loop, &config), 0);
	cr_assert_eq(stat(path, &second_st), 0);
	cr_assert_neq(first_st.st_ino, second_st.st_ino);
	server_free(server);
	server = second;
	cr_assert_eq(access(path, F_OK), 0, "the socket of the other is left alone");
	cleanup_client struct client c = client_new();
	say(&c, ECHO(1));
	expect(&c, NULL, "{\"n\":1}");
}

/* As a crash leaves it: the listening socket and its name are there, the server is not. */
static int crash_server(void)
{
	char aside[80];
	int fd = dup(server_listen_fd(server));

	cr_assert_geq(fd, 0);
	snprintf(aside, sizeof(aside), "%s.aside", path);
	cr_assert_eq(rename(path, aside), 0);
	server_free(server);
	server = NULL;
	cr_assert_eq(rename(aside, path), 0);
	return fd;
}

Test(server, takes_over_a_listening_socket, .init = setup, .fini = teardown)
{
	struct server_config cfg = config;
	struct stat before, after;
	cleanup_client struct client early = client_new();

	cr_assert_eq(stat(path, &before), 0);
	cfg.listen_fd = crash_server();
	cleanup_client struct client between = client_new();
	cr_assert_eq(server_new(&server, loop, &cfg), 0);
	cr_assert_eq(server_listen_fd(server), cfg.listen_fd);
	cr_assert_eq(stat(path, &after), 0);
	cr_assert_eq(before.st_ino, after.st_ino);
	say(&early, ECHO(1)); /* it was never accepted */
	expect(&early, NULL, "{\"n\":1}");
	say(&between, ECHO(2));
	expect(&between, NULL, "{\"n\":2}");
	server_free(server);
	server = NULL;
	cr_assert_lt(access(path, F_OK), 0, "it removes the socket that it took over");
}

Test(server, takes_over_no_other_socket, .init = setup, .fini = teardown)
{
	struct server_config cfg = config;
	int lost = crash_server();

	/* One that listens nowhere, one that is none, and ours once its name is gone. */
	cfg.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(server_new(&server, loop, &cfg), 0);
		cleanup_client struct client c = client_new();
		say(&c, ECHO(1));
		expect(&c, NULL, "{\"n\":1}");
		server_free(server);
		server = NULL;
		cfg.listen_fd = i == 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : lost;
	}
}

Test(server, what_is_no_socket_is_not_replaced, .init = setup, .fini = teardown)
{
	struct server *second = NULL;
	int fd;

	unlink(path);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close_fd(fd);
	cr_assert_eq(server_new(&second, loop, &config), -EEXIST);
	cr_assert_null(second);
	cr_assert_eq(access(path, F_OK), 0);
}

Test(server, path_that_is_too_long, .init = setup, .fini = teardown)
{
	struct server_config cfg = config;
	char name[200];
	struct server *second = NULL;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	cfg.socket_path = name;
	cr_assert_eq(server_new(&second, loop, &cfg), -ENAMETOOLONG);
	cfg.socket_path = "/nonexistent/socket";
	cr_assert_eq(server_new(&second, loop, &cfg), -ENOENT);
}
