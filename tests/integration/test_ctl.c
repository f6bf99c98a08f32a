/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The built cgkillctl against a server that plays a script: exit codes, output, requests, and
 * servers that misbehave.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "cgkill/protocol.h"
#include "core/varlink.h"
#include "util/clock.h"

#define TIMEOUT	 60
#define PATIENCE (20 * USEC_PER_SEC) /* for one run of cgkillctl */

/* --- a server that plays a script -------------------------------------------------------- */

enum step_kind {
	STEP_END,   /* closes the connection */
	STEP_CALL,  /* waits for a call and notes it down */
	STEP_REPLY, /* sends text and a NUL */
	STEP_RAW,   /* sends text alone */
	STEP_PAUSE, /* waits for ms */
	STEP_HANG,  /* waits for the client to go */
	STEP_NEXT,  /* closes the connection and serves the next one */
	STEP_FLOOD, /* sends more than a message may have, without an end */
};

struct step {
	enum step_kind kind;
	const char *text; /* with ' for " */
	unsigned ms;
};

#define CALL                       \
	{                          \
		STEP_CALL, NULL, 0 \
	}
#define REPLY(t)                 \
	{                        \
		STEP_REPLY, t, 0 \
	}
#define RAW(t)                 \
	{                      \
		STEP_RAW, t, 0 \
	}
#define PAUSE(m)                    \
	{                           \
		STEP_PAUSE, NULL, m \
	}
#define HANG                       \
	{                          \
		STEP_HANG, NULL, 0 \
	}
#define NEXT                       \
	{                          \
		STEP_NEXT, NULL, 0 \
	}
#define FLOOD                       \
	{                           \
		STEP_FLOOD, NULL, 0 \
	}
#define SCRIPT(...) ((const struct step[]){ __VA_ARGS__, { STEP_END, NULL, 0 } })

struct fixture {
	char dir[64];
	pid_t server;
	int calls; /* what the server got: one call a line */
};

static void send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			_exit(0); /* the client went: some tests want that */
		data += n;
		len -= (size_t)n;
	}
}

static void put_text(struct buf *out, const char *text, bool terminated)
{
	for (; *text; text++)
		if (*text == '\'')
			buf_putc(out, '"');
		else
			buf_putc(out, *text);
	if (terminated)
		buf_putc(out, '\0');
}

static void note_call(int fd, struct buf *in, int calls)
{
	struct varlink_call call;
	char chunk[4096], *text;
	int r;

	while ((r = varlink_take_call(in, CGKILL_REQUEST_MAX, &call)) == 0) {
		ssize_t n = recv(fd, chunk, sizeof(chunk), 0);

		if (n <= 0)
			_exit(0);
		buf_append(in, chunk, (size_t)n);
	}
	if (r < 0)
		_exit(1);
	text = json_dumps(call.parameters, JSON_COMPACT);
	dprintf(calls, "%s%s %s\n", call.method, call.more ? " more" : "", text);
	free(text);
	varlink_call_deinit(&call);
}

static void flood(int fd)
{
	char block[64 * 1024];

	memset(block, ' ', sizeof(block));
	for (size_t sent = 0; sent <= CGKILL_MESSAGE_MAX + sizeof(block); sent += sizeof(block))
		send_all(fd, block, sizeof(block));
}

/* What a script sends without a pause is one send(2), so that the client finds it in one read. */
static void flush(int fd, struct buf *out)
{
	send_all(fd, out->data, out->len);
	buf_consume(out, out->len);
}

static void play(int listener, const struct step *s, int calls)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	struct buf in = BUF_INIT, out = BUF_INIT;
	char c;

	for (; s->kind != STEP_END; s++) {
		if (s->kind == STEP_REPLY || s->kind == STEP_RAW) {
			put_text(&out, s->text, s->kind == STEP_REPLY);
			continue;
		}
		flush(fd, &out);
		if (s->kind == STEP_CALL)
			note_call(fd, &in, calls);
		else if (s->kind == STEP_NEXT) {
			close(fd);
			buf_deinit(&in);
			fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		} else if (s->kind == STEP_PAUSE)
			poll(NULL, 0, (int)s->ms);
		else if (s->kind == STEP_FLOOD)
			flood(fd);
		else if (s->kind == STEP_HANG)
			while (recv(fd, &c, 1, 0) > 0)
				;
	}
	flush(fd, &out);
	buf_deinit(&in);
	buf_deinit(&out);
}

/* Serves as many connections as the script has. */
static struct fixture serve(const struct step *script)
{
	struct fixture f = { .dir = "/tmp/cgkill-ctl.XXXXXX" };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener, calls[2];

	cr_assert_not_null(mkdtemp(f.dir));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/" CGKILL_SOCKET, f.dir);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(listener, 1), 0);
	cr_assert_eq(pipe2(calls, O_CLOEXEC), 0);
	f.calls = calls[0];
	f.server = fork();
	cr_assert_geq(f.server, 0);
	if (f.server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		play(listener, script, calls[1]);
		_exit(0);
	}
	close(listener);
	close(calls[1]);
	return f;
}

static void fixture_deinit(struct fixture *f)
{
	char path[128];

	kill(f->server, SIGKILL); /* our own child, not yet waited for */
	waitpid(f->server, NULL, 0);
	close(f->calls);
	snprintf(path, sizeof(path), "%s/" CGKILL_SOCKET, f->dir);
	unlink(path);
	rmdir(f->dir);
}

/* --- one run of cgkillctl ---------------------------------------------------------------- */

struct run {
	int status; /* as waitpid(2) has it; -1 = did not end in time */
	char *out, *err, *calls;
};

static const char *program(void)
{
	static char path[4096];
	const char *builddir = getenv("CGKILL_BUILDDIR");

	snprintf(path, sizeof(path), "%s/src/cgkillctl", builddir ? builddir : ".");
	return path;
}

/* Before a test makes anything that it would leave behind. */
static void need_program(void)
{
	cr_assert_eq(access(program(), X_OK), 0, "%s is not built", program());
}

TestSuite(ctl, .init = need_program, .timeout = TIMEOUT);

struct stream {
	int fd;
	struct buf text;
};

/* Reads until both are at their end, or until then. */
static bool drain(struct stream s[static 2], usec_t until)
{
	char chunk[4096];

	for (;;) {
		struct pollfd p[2] = { { s[0].fd, POLLIN, 0 }, { s[1].fd, POLLIN, 0 } };
		usec_t left = usec_sub(until, clock_now());

		if (s[0].fd < 0 && s[1].fd < 0)
			return true;
		if (left == 0 || poll(p, 2, (int)(left / 1000) + 1) < 0)
			return false;
		for (int i = 0; i < 2; i++) {
			ssize_t n;

			if (!p[i].revents)
				continue;
			n = read(s[i].fd, chunk, sizeof(chunk));
			if (n > 0)
				buf_append(&s[i].text, chunk, (size_t)n);
			else /* EIO: the last user of a terminal went */
				s[i].fd = close_fd(s[i].fd);
		}
	}
}

static void exec_ctl(const char *path, const struct fixture *f, const char *const *args, int out, int err)
{
	char *argv[32] = { NULL };
	size_t n = 0;

	argv[n++] = strdup("cgkillctl");
	for (; *args && n + 1 < ARRAY_SIZE(argv); args++)
		argv[n++] = strdup(*args);
	setenv(CGKILL_RUNTIME_DIR_ENV, f->dir, 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("TZ", "UTC0", 1);
	dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	signal(SIGPIPE, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execv(path, argv);
	_exit(127);
}

/* err: the two ends for standard error, or NULL for a pipe. sigint_after: ms, 0 = none. */
static struct run run_with(const struct fixture *f, const char *const *args, const int *err,
			   unsigned sigint_after)
{
	struct stream s[2] = { { -1, BUF_INIT }, { -1, BUF_INIT } };
	struct buf calls = BUF_INIT;
	int out_pipe[2], err_pipe[2];
	struct run r = { .status = -1 };
	const char *path = program();
	char chunk[4096];
	ssize_t n;
	pid_t pid;

	cr_assert_eq(pipe2(out_pipe, O_CLOEXEC), 0);
	if (err)
		memcpy(err_pipe, err, sizeof(err_pipe));
	else
		cr_assert_eq(pipe2(err_pipe, O_CLOEXEC), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0)
		exec_ctl(path, f, args, out_pipe[1], err_pipe[1]);
	close(out_pipe[1]);
	close(err_pipe[1]);
	s[0].fd = out_pipe[0];
	s[1].fd = err_pipe[0];
	if (sigint_after > 0) {
		drain(s, clock_now() + sigint_after * USEC_PER_MSEC);
		kill(pid, SIGINT);
	}
	if (!drain(s, clock_now() + PATIENCE))
		kill(pid, SIGKILL);
	waitpid(pid, &r.status, 0);
	close_fd(s[0].fd);
	close_fd(s[1].fd);
	kill(f->server, SIGTERM); /* so that its end of the pipe is closed */
	while ((n = read(f->calls, chunk, sizeof(chunk))) > 0)
		buf_append(&calls, chunk, (size_t)n);
	r.out = buf_take(&s[0].text);
	r.err = buf_take(&s[1].text);
	r.calls = buf_take(&calls);
	return r;
}

static void run_deinit(struct run *r)
{
	free(r->out);
	free(r->err);
	free(r->calls);
}

static int exit_code(const struct run *r)
{
	return WIFEXITED(r->status) ? WEXITSTATUS(r->status) : -WTERMSIG(r->status);
}

/* A run, and what is expected of it. NULL: whatever. */
struct expect {
	int code;
	const char *calls, *out, *err;
};

static void check(const struct step *script, const char *const *args, struct expect e)
{
	struct fixture f = serve(script);
	struct run r = run_with(&f, args, NULL, 0);

	cr_expect_eq(exit_code(&r), e.code, "exit code %d instead of %d; %s", exit_code(&r), e.code,
		     r.err);
	if (e.calls)
		cr_expect_str_eq(r.calls, e.calls);
	if (e.out)
		cr_expect_str_eq(r.out, e.out);
	if (e.err)
		cr_expect_str_eq(r.err, e.err);
	run_deinit(&r);
	fixture_deinit(&f);
}

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* --- jobs -------------------------------------------------------------------------------- */

#define DONE(unit)     "{'unit':'" unit "','result':'done'}"
#define OUTCOMES(list) "{'parameters':{'outcomes':[" list "]}}"

Test(ctl, a_plain_stop_is_silent)
{
	check(SCRIPT(CALL, REPLY(OUTCOMES(DONE("foo.service")))), ARGS("stop", "foo"),
	      (struct expect){ 0, "io.cgkill.manager.Stop {\"units\":[\"foo.service\"]}\n", "", "" });
}

Test(ctl, job_verbs_ask_for_what_they_say)
{
	static const struct {
		const char *args[6];
		const char *call;
	} cases[] = {
		{ { "start", "a", "b.service" }, "Start {\"units\":[\"a.service\",\"b.service\"]}\n" },
		{ { "stop", "w-*", "--deadline=1min 500ms" },
		  "Stop {\"units\":[\"w-*\"],\"deadlineUSec\":60500000}\n" },
		{ { "stop", "--no-block", "a@1" },
		  "Stop {\"units\":[\"a@1.service\"],\"block\":false}\n" },
		{ { "restart", "x.timer" }, "Restart {\"units\":[\"x.timer\"]}\n" },
		{ { "try-restart", "a.b" },
		  "Restart {\"units\":[\"a.b.service\"],\"onlyActive\":true}\n" },
		{ { "reload", "a" }, "Reload {\"units\":[\"a.service\"]}\n" },
		{ { "kill", "a" }, "Kill {\"units\":[\"a.service\"],\"signal\":15}\n" },
		{ { "kill", "-s", "HUP", "--kill-whom=main", "a" },
		  "Kill {\"units\":[\"a.service\"],\"signal\":1,\"whom\":\"main\"}\n" },
		{ { "reset-failed" }, "ResetFailed {}\n" },
		{ { "reset-failed", "a" }, "ResetFailed {\"units\":[\"a.service\"]}\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char calls[256];

		snprintf(calls, sizeof(calls), CGKILL_INTERFACE ".%s", cases[i].call);
		check(SCRIPT(CALL, REPLY(OUTCOMES(DONE("a.service")))), cases[i].args,
		      (struct expect){ 0, calls, "", "" });
	}
}

Test(ctl, each_result_has_its_exit_code_and_words)
{
	static const struct {
		const char *reply;
		int code;
		const char *err;
	} cases[] = {
		{ OUTCOMES("{'unit':'f','result':'failed','message':'no \\u001b[2J luck'}"),
		  1, "Failed to stop f: no \\x1b[2J luck.\nSee \"cgkillctl status f\" for details.\n" },
		{ OUTCOMES("{'unit':'f','result':'canceled'}"), 1,
		  "Failed to stop f: the job was canceled.\n" },
		{ OUTCOMES("{'unit':'f','result':'skipped'}"), 0, "" },
		{ OUTCOMES("{'unit':'f','result':'no-process'}"), 1,
		  "Failed to stop f: no process to kill.\n" },
		{ OUTCOMES("{'unit':'f','result':'invalid-name'}"), 1,
		  "Failed to stop f: not a valid unit name.\n" },
		{ OUTCOMES("{'unit':'f','result':'not-found'}"), 5,
		  "Failed to stop f: unit not found.\n" },
		{ OUTCOMES("{'unit':'f','result':'load-error'}"), 6, NULL },
		{ OUTCOMES("{'unit':'f','result':'masked'}"), 1, "Failed to stop f: unit is masked.\n" },
		{ OUTCOMES("{'unit':'f','result':'not-applicable'}"), 3, NULL },
		{ OUTCOMES("{'unit':'f','result':'refused'}"), 4, "Failed to stop f: refused.\n" },
		{ OUTCOMES("{'unit':'f','result':'of a later version'}"), 1, NULL },
		{ OUTCOMES("{'unit':'f'}"), 1, NULL },
		{ OUTCOMES(DONE(
			  "a") ",{'unit':'f','result':'not-found'},{'unit':'g','result':'survivors'"
			       ","
			       "'survivors':[{'pid':7,'comm':'dd','state':'D','wchan':'folio_wait',"
			       "'reason':'waits for a disk'}]},{'unit':'h','result':'failed'}"),
		  8,
		  "Failed to stop f: unit not found.\n"
		  "Failed to stop g: it was stopped, and processes live.\n"
		  "  7 (dd), state D, waits in folio_wait: waits for a disk\n"
		  "Failed to stop h: the job failed.\nSee \"cgkillctl status h\" for details.\n" },
		{ "{'error':'org.varlink.service.PermissionDenied'}", 4, NULL },
		{ "{'error':'org.varlink.service.InvalidParameter','parameters':{'parameter':'"
		  "units'}}",
		  2, "cgkilld does not accept this value (units).\n" },
		{ "{'error':'org.varlink.service.MethodNotFound'}", 1, NULL },
		{ "{'error':'a.b.C','parameters':{'message':'so \\u001b'}}", 1, "a.b.C (so \\x1b).\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(SCRIPT(CALL, REPLY(cases[i].reply)), ARGS("stop", "f"),
		      (struct expect){ cases[i].code, NULL, "", cases[i].err });
}

#define TRAIL                                                                            \
	"'trail':[{'unit':'s.service','kind':'job','state':'stop','result':'requested'," \
	"'by':'uid 0','bootUSec':5000000},"                                              \
	"{'unit':'s.service','kind':'state','state':'stop-sigterm','bootUSec':5000001}," \
	"{'unit':'s.service','kind':'signal','signal':'TERM','whom':'main','count':1,"   \
	"'names':['stubborn'],'bootUSec':5000040}"
#define KILLED                                                                       \
	",{'unit':'s.service','kind':'kill','count':2,'names':['stubborn','sleep']," \
	"'bootUSec':7000200},{'unit':'s.service','kind':'empty','bootUSec':7000800}"

Test(ctl, a_stop_that_escalated_prints_its_time_line)
{
	const struct step *script = SCRIPT(
		CALL, REPLY(OUTCOMES("{'unit':'s.service','result':'done'," TRAIL KILLED "]}")));

	check(script, ARGS("stop", "s"),
	      (struct expect){ 0, NULL,
			       "s.service: stop asked by uid 0\n"
			       "  +0.0 ms      SIGTERM to 1 process (stubborn)\n"
			       "  +2000.2 ms   SIGKILL to 2 processes: stubborn, sleep\n"
			       "  +2000.8 ms   empty\n",
			       "" });
	check(script, ARGS("stop", "s", "-q"), (struct expect){ 0, NULL, "", "" });
}

Test(ctl, a_stop_that_went_quietly_prints_it_only_when_asked)
{
	const struct step *script =
		SCRIPT(CALL, REPLY(OUTCOMES("{'unit':'s.service','result':'done'," TRAIL "]}")));

	check(script, ARGS("stop", "s"), (struct expect){ 0, NULL, "", "" });
	check(script, ARGS("stop", "s", "-v"),
	      (struct expect){ 0, NULL,
			       "s.service: stop asked by uid 0\n"
			       "  +0.0 ms      stop-sigterm\n"
			       "  +0.0 ms      SIGTERM to 1 process (stubborn)\n",
			       "" });
}

Test(ctl, no_block_needs_no_outcomes)
{
	check(SCRIPT(CALL, REPLY("{}")), ARGS("stop", "--no-block", "a"),
	      (struct expect){ 0, NULL, "", "" });
	check(SCRIPT(CALL, REPLY(OUTCOMES("{'unit':'a','result':'not-found'}"))),
	      ARGS("stop", "--no-block", "a"), (struct expect){ 5, NULL, "", NULL });
}

Test(ctl, json_is_the_reply_as_it_came)
{
	check(SCRIPT(CALL, REPLY(OUTCOMES("{'unit':'a','result':'survivors'}"))),
	      ARGS("stop", "a", "--json=short"),
	      (struct expect){ 8, NULL,
			       "{\"outcomes\":[{\"unit\":\"a\",\"result\":\"survivors\"}]}\n", "" });
	check(SCRIPT(CALL, REPLY("{'parameters':{'units':[]}}")), ARGS("list-units", "--json=pretty"),
	      (struct expect){ 0, NULL, "{\n        \"units\": []\n}\n", "" });
}

/* --- looking ----------------------------------------------------------------------------- */

#define ROWS                                                                                       \
	"{'parameters':{'units':["                                                                 \
	"{'unit':'a.service','loadState':'loaded','activeState':'active','subState':'running',"    \
	"'description':'The A'},"                                                                  \
	"{'unit':'long-b.service','loadState':'loaded','activeState':'failed','subState':'failed'" \
	","                                                                                        \
	"'description':'B \\u001b[31m'}]}}"

Test(ctl, list_units)
{
	check(SCRIPT(CALL, REPLY(ROWS)), ARGS("list-units"),
	      (struct expect){
		      0, "io.cgkill.manager.List {\"all\":false}\n",
		      "  UNIT           LOAD   ACTIVE SUB     DESCRIPTION\n"
		      "  a.service      loaded active running The A\n"
		      "× long-b.service loaded failed failed  B \\x1b[31m\n"
		      "\n2 units listed. Pass --all to see targets and inactive ones, too.\n",
		      "" });
	check(SCRIPT(CALL, REPLY(ROWS)), ARGS("list-units", "-a", "--no-legend", "a", "l*"),
	      (struct expect){ 0, "io.cgkill.manager.List {\"patterns\":[\"a.service\",\"l*\"],\"all\":true}\n",
			       "  a.service      loaded active running The A\n"
			       "× long-b.service loaded failed failed  B \\x1b[31m\n",
			       "" });
	check(SCRIPT(CALL, REPLY("{'parameters':{'units':[]}}")), ARGS("status"),
	      (struct expect){ 0, NULL, NULL, "" });
}

#define SHOWN(load, active)                                                     \
	"{'unit':'x.service','properties':{'Id':'x.service','LoadState':'" load \
	"','ActiveState':'" active "','Description':'a\\nb'}}"
#define SHOW(list) "{'parameters':{'units':[" list "]}}"

Test(ctl, is_active_and_is_failed)
{
	static const struct {
		const char *verb;
		const char *reply;
		int code;
		const char *out;
	} cases[] = {
		{ "is-active", SHOW(SHOWN("loaded", "active")), 0, "active\n" },
		{ "is-active", SHOW(SHOWN("loaded", "inactive") "," SHOWN("loaded", "reloading")),
		  0, "inactive\nreloading\n" },
		{ "is-active", SHOW(SHOWN("loaded", "deactivating") "," SHOWN("not-found", "inactive")),
		  3, "deactivating\ninactive\n" },
		{ "is-active", SHOW(SHOWN("not-found", "inactive")), 4, "inactive\n" },
		{ "is-active", SHOW(""), 4, "" },
		{ "is-active", SHOW("{'unit':'x'}"), 3, "unknown\n" },
		{ "is-failed", SHOW(SHOWN("loaded", "active")), 1, "active\n" },
		{ "is-failed", SHOW(SHOWN("loaded", "active") "," SHOWN("loaded", "failed")), 0,
		  "active\nfailed\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(SCRIPT(CALL, REPLY(cases[i].reply)), ARGS(cases[i].verb, "x"),
		      (struct expect){ cases[i].code,
				       "io.cgkill.manager.Show {\"units\":[\"x.service\"]}\n",
				       cases[i].out, "" });
	check(SCRIPT(CALL, REPLY(cases[0].reply)), ARGS("is-active", "-q", "x"),
	      (struct expect){ 0, NULL, "", "" });
}

Test(ctl, show)
{
	const struct step *script = SCRIPT(
		CALL, REPLY(SHOW(SHOWN("loaded", "active") "," SHOWN("not-found", "inactive"))));

	check(script, ARGS("show", "x"),
	      (struct expect){
		      0, NULL,
		      "Id=x.service\nLoadState=loaded\nActiveState=active\nDescription=a\\x0ab\n\n"
		      "Id=x.service\nLoadState=not-found\nActiveState=inactive\nDescription="
		      "a\\x0ab\n",
		      "" });
	check(script, ARGS("show", "x", "-p", "ActiveState,Id", "--property=Nix"),
	      (struct expect){ 0, NULL, "Id=x.service\nActiveState=active\n\nId=x.service\nActiveState=inactive\n",
			       "" });
	check(script, ARGS("show", "-P", "ActiveState", "x"),
	      (struct expect){ 0, NULL, "active\n\ninactive\n", "" });
}

Test(ctl, cat)
{
	check(SCRIPT(CALL,
		     REPLY("{'parameters':{'units':[{'unit':'a','files':[{'path':'/e/a','text':"
			   "'[Unit]\\n\\tX=\\u001b'},{'path':'/e/a.d/b','text':'Y\\n'}]},"
			   "{'unit':'c','files':[]}]}}")),
	      ARGS("cat", "a", "c"),
	      (struct expect){ 1, "io.cgkill.manager.Cat {\"units\":[\"a.service\",\"c.service\"]}\n",
			       "# /e/a\n[Unit]\n\tX=\033\n\n# /e/a.d/b\nY\n",
			       "No files found for c.\n" });
}

#define STATUS                                                                                     \
	"{'parameters':{'units':[{'unit':'s.service','description':'St\\u001bubborn',"             \
	"'documentation':['man:s(8)'],'loadState':'loaded','fragmentPath':'/e/s.service',"         \
	"'dropInPaths':['/e/s.service.d/a.conf','/e/s.service.d/b.conf','/r/s.service.d/c.conf']," \
	"'activeState':'deactivating','subState':'stuck','result':'timeout',"                      \
	"'sinceRealUSec':1767225600000000,'mainPid':12,'mainCode':'killed','mainStatus':9,"        \
	"'commands':[{'kind':'ExecStartPre','command':'/bin/true','pid':11,'code':'exited',"       \
	"'status':0},{'kind':'ExecStop','command':'/bin/x','pid':16}],"                            \
	"'controlGroup':'/k/s.service','tasks':3,'processes':["                                    \
	"{'pid':10,'cgroup':'','command':'boss'},"                                                 \
	"{'pid':13,'cgroup':'main.1','command':'sh -c \\u0007'},"                                  \
	"{'pid':14,'cgroup':'main.1','command':'dd'},{'pid':15,'cgroup':'main.2','command':'x'}]," \
	"'survivors':[{'pid':14,'comm':'dd','state':'D','reason':'waits'}],"                       \
	"'warnings':['/e/s.service:3: hm'],'restarts':2,"                                          \
	"'trail':[{'kind':'state','state':'old','realUSec':1767225600000000},"                     \
	"{'kind':'kill','count':1,'names':['dd'],'realUSec':1767225600000001}]}]}}"

Test(ctl, status)
{
	struct fixture f = serve(SCRIPT(CALL, REPLY(STATUS)));
	struct run r = run_with(&f, ARGS("status", "s", "-n1"), NULL, 0);
	char *age = strstr(r.out, "; "), *line_end = age ? strchr(age, '\n') : NULL;

	cr_expect_eq(exit_code(&r), 3);
	cr_assert(age && line_end);
	memmove(age, line_end, strlen(line_end) + 1); /* how long ago 2026 began */
	cr_expect_str_eq(r.out,
			 "● s.service - St\\x1bubborn\n"
			 "    Loaded: loaded (/e/s.service)\n"
			 "   Drop-In: /e/s.service.d\n"
			 "            ├─a.conf\n"
			 "            └─b.conf\n"
			 "            /r/s.service.d\n"
			 "            └─c.conf\n"
			 "    Active: deactivating (stuck) since Thu 2026-01-01 00:00:00 UTC\n"
			 "      Docs: man:s(8)\n"
			 "   Process: 11 ExecStartPre=/bin/true (code=exited, status=0/SUCCESS)\n"
			 "  Main PID: 12 (code=killed, signal=KILL)\n"
			 "  Restarts: 2\n"
			 "     Tasks: 3\n"
			 "    CGroup: /k/s.service\n"
			 "            ├─10 boss\n"
			 "            ├─main.1\n"
			 "            │ ├─13 sh -c \\x07\n"
			 "            │ └─14 dd\n"
			 "            └─main.2\n"
			 "              └─15 x\n"
			 " Survivors: 1\n"
			 "            └─14 (dd), state D: waits\n"
			 "  Warnings: 1\n"
			 "            └─/e/s.service:3: hm\n"
			 "\n"
			 "00:00:00.000001 SIGKILL to 1 process (dd)\n");
	run_deinit(&r);
	fixture_deinit(&f);
}

Test(ctl, status_codes)
{
	check(SCRIPT(CALL,
		     REPLY("{'parameters':{'units':[{'unit':'x','activeState':'active'},"
			   "{'unit':'n','loadState':'not-found','activeState':'inactive'}]}}")),
	      ARGS("status", "x", "n"),
	      (struct expect){ 4, NULL, NULL, "Unit n could not be found.\n" });
	check(SCRIPT(CALL,
		     REPLY("{'parameters':{'units':[{'unit':'x','activeState':'reloading'}]}}")),
	      ARGS("status", "-q", "x"), (struct expect){ 0, NULL, "", "" });
	check(SCRIPT(CALL, REPLY("{'parameters':{'units':[{'unit':'x','activeState':'failed'}]}}")),
	      ARGS("status", "x"), (struct expect){ 3, NULL, NULL, "" });
}

#define EVENT(text) "{'continues':true,'parameters':{'event':" text "}}"

Test(ctl, monitor)
{
	const struct step *script = SCRIPT(
		CALL, REPLY(EVENT("{'unit':'a','kind':'state','state':'running','realUSec':1}")),
		REPLY("{'parameters':{'event':{'unit':'a','kind':'empty','realUSec':2000000}}}"), HANG);

	check(script, ARGS("monitor"),
	      (struct expect){ 0, "io.cgkill.manager.Monitor more {}\n",
			       "00:00:00.000001 a state: running\n00:00:02.000000 a empty: empty\n",
			       "" });
	check(script, ARGS("monitor", "a", "--json=short"),
	      (struct expect){
		      0, "io.cgkill.manager.Monitor more {\"units\":[\"a.service\"]}\n",
		      "{\"unit\":\"a\",\"kind\":\"state\",\"state\":\"running\",\"realUSec\":1}\n"
		      "{\"unit\":\"a\",\"kind\":\"empty\",\"realUSec\":2000000}\n",
		      "" });
}

#define SHUTTING_DOWN "{'error':'io.cgkill.manager.ShuttingDown'}"

Test(ctl, monitor_ends_when_cgkilld_is_shut_down)
{
	check(SCRIPT(CALL, REPLY(EVENT("{'unit':'a','kind':'empty'}")), REPLY(SHUTTING_DOWN)),
	      ARGS("monitor"),
	      (struct expect){ 1, NULL, "- a empty: empty\n", "cgkilld was shut down.\n" });
}

Test(ctl, monitor_outlives_cgkilld)
{
	check(SCRIPT(CALL, REPLY(EVENT("{'unit':'a','kind':'empty'}")), NEXT, CALL, NEXT, CALL,
		     REPLY(EVENT("{'unit':'b','kind':'empty'}")), REPLY(SHUTTING_DOWN)),
	      ARGS("monitor", "--json=short"),
	      (struct expect){
		      1,
		      "io.cgkill.manager.Monitor more {}\nio.cgkill.manager.Monitor more {}\n"
		      "io.cgkill.manager.Monitor more {}\n",
		      "{\"unit\":\"a\",\"kind\":\"empty\"}\n{\"unit\":\"b\",\"kind\":\"empty\"}\n",
		      "Reconnected to cgkilld.\ncgkilld was shut down.\n" });
}

/* --- a cgkilld that dies in the middle of a job ------------------------------------------ */

Test(ctl, stop_and_start_are_asked_for_again)
{
	static const char lost[] = "The connection to cgkilld was lost: asking again.\n";

	check(SCRIPT(CALL, NEXT, CALL, REPLY(OUTCOMES(DONE("a.service")))), ARGS("stop", "a"),
	      (struct expect){ 0,
			       "io.cgkill.manager.Stop {\"units\":[\"a.service\"]}\n"
			       "io.cgkill.manager.Stop {\"units\":[\"a.service\"]}\n",
			       "", lost });
	check(SCRIPT(CALL, NEXT, CALL,
		     REPLY(OUTCOMES("{'unit':'a.service','result':'survivors','survivors':[]}"))),
	      ARGS("stop", "a"), (struct expect){ 8, NULL, "", NULL });
	check(SCRIPT(CALL, NEXT, CALL, REPLY(OUTCOMES(DONE("a.service")))), ARGS("start", "a"),
	      (struct expect){ 0,
			       "io.cgkill.manager.Start {\"units\":[\"a.service\"]}\n"
			       "io.cgkill.manager.Start "
			       "{\"units\":[\"a.service\"],\"onlyActive\":true}\n",
			       "", lost });
}

Test(ctl, other_jobs_are_not_asked_for_again)
{
	static const char *const cases[][4] = {
		{ "restart", "a" }, { "try-restart", "a" },   { "reload", "a" },
		{ "stop", "a*" },   { "start", "b", "[xy]" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f = serve(SCRIPT(CALL, NEXT, CALL, REPLY(OUTCOMES(DONE("a")))));
		struct run r = run_with(&f, cases[i], NULL, 0);

		cr_expect_eq(exit_code(&r), 1, "%s: %d", cases[i][0], exit_code(&r));
		cr_expect_not_null(strstr(r.err, "how it ended is not known"), "%s", r.err);
		cr_expect_not_null(strstr(r.err, cases[i][0]), "%s", r.err);
		run_deinit(&r);
		fixture_deinit(&f);
	}
}

Test(ctl, a_deadline_goes_on_while_nobody_answers)
{
	struct fixture f = serve(SCRIPT(CALL, PAUSE(300), NEXT, CALL, REPLY(OUTCOMES(DONE("a")))));
	struct run r = run_with(&f, ARGS("stop", "a", "--deadline=2s"), NULL, 0);
	unsigned long first = 0, second = 0;

	cr_assert_eq(sscanf(r.calls,
			    "%*s {\"units\":[\"a.service\"],\"deadlineUSec\":%lu}\n%*s "
			    "{\"units\":[\"a.service\"],\"deadlineUSec\":%lu}",
			    &first, &second),
		     2, "%s", r.calls);
	cr_expect_eq(first, 2000000);
	cr_expect(second < 1700000 && second > 500000, "%lu", second);
	run_deinit(&r);
	fixture_deinit(&f);
}

/* One that takes the call and dies, again and again, is neither asked for ever nor in a busy loop. */
Test(ctl, a_cgkilld_that_always_dies)
{
	struct step script[201] = { CALL };
	usec_t start = clock_now();
	struct fixture f;
	struct run r;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(script) - 1; i++)
		script[i] = (struct step){ i % 2 ? STEP_NEXT : STEP_CALL, NULL, 0 };
	f = serve(script);
	r = run_with(&f, ARGS("stop", "a"), NULL, 0);
	cr_expect_eq(exit_code(&r), 1);
	cr_expect(clock_now() - start < 12 * USEC_PER_SEC);
	for (const char *c = r.calls; (c = strchr(c, '\n')); c++)
		n++;
	cr_expect(n > 10 && n < 40, "asked %zu times", n);
	run_deinit(&r);
	fixture_deinit(&f);
}

/* --- the end of cgkilld, or its replacement ---------------------------------------------- */

#define OF_VERSION(v) \
	"{'parameters':{'version':'" v "','pid':7,'controlGroup':'/k','spawn':'clone3'}}"

Test(ctl, daemon_reexec)
{
	check(SCRIPT(CALL, REPLY(OF_VERSION("1")), CALL, REPLY("{}"), NEXT, NEXT, CALL,
		     REPLY(OF_VERSION("2"))),
	      ARGS("daemon-reexec"),
	      (struct expect){
		      0,
		      "io.cgkill.manager.GetVersion {}\nio.cgkill.manager.DaemonReexec {}\n"
		      "io.cgkill.manager.GetVersion {}\n",
		      "cgkilld 1 was replaced by 2, process 7.\n", "" });
	check(SCRIPT(CALL, REPLY(OF_VERSION("1")),
		     CALL, REPLY("{'error':'io.cgkill.manager.ReexecFailed','parameters':{'message':'no'}}")),
	      ARGS("daemon-reexec"),
	      (struct expect){ 1, NULL, "", "cgkilld goes on with the program that it has (no).\n" });
}

Test(ctl, shutdown)
{
	check(SCRIPT(CALL, REPLY(OUTCOMES(
				   "{'unit':'a','result':'done','cutShort':[],'killed':false},"
				   "{'unit':'b','result':'done','cutShort':['order','timeout']}"))),
	      ARGS("shutdown", "--deadline=25s"),
	      (struct expect){
		      0, "io.cgkill.manager.Shutdown {\"deadlineUSec\":25000000}\n",
		      "b was cut short: stopped before those that start after it had ended, "
		      "given less time than its own timeouts\n",
		      "" });
	check(SCRIPT(CALL, NEXT, CALL, REPLY(OUTCOMES("{'unit':'a','result':'survivors'}"))),
	      ARGS("shutdown"), (struct expect){ 8, NULL, "", NULL });
	check(SCRIPT(CALL, REPLY("{}")), ARGS("shutdown"), (struct expect){ 1, NULL, "", NULL });
}

Test(ctl, verbs_of_the_manager)
{
	check(SCRIPT(CALL, REPLY("{'parameters':{'units':3,'warnings':['/e/a:1: odd']}}")),
	      ARGS("daemon-reload", "-v"),
	      (struct expect){ 0, "io.cgkill.manager.DaemonReload {}\n", "3 units loaded.\n",
			       "/e/a:1: odd\n" });
	check(SCRIPT(CALL, REPLY("{'parameters':{'version':'9','pid':7,'controlGroup':'/"
				 "k','spawn':'clone3'}}")),
	      ARGS("version"), (struct expect){ 0, "io.cgkill.manager.GetVersion {}\n", NULL, "" });
}

/* --- servers that misbehave -------------------------------------------------------------- */

Test(ctl, malformed_replies_are_told_and_fail)
{
	static const char no_varlink[] = "cgkilld sent something that is no Varlink reply.\n";
	static const char closed[] = "cgkilld closed the connection before it had answered.\n";
	static const struct {
		const char *verb;
		struct step step;
		const char *err;
	} cases[] = {
		{ "stop", REPLY("no json"), no_varlink },
		{ "stop", REPLY("[]"), no_varlink },
		{ "stop", REPLY(""), no_varlink },
		{ "stop", REPLY("{'parameters':7}"), no_varlink },
		{ "stop", REPLY("{'stranger':7}"), no_varlink },
		{ "stop", REPLY("{}"), NULL },
		{ "stop", REPLY("{'parameters':{'outcomes':7}}"), NULL },
		{ "stop", REPLY("{'parameters':{'outcomes':[7]}}"), NULL },
		{ "stop", REPLY("{'parameters':{'outcomes':[{'unit':null}]}}"), NULL },
		{ "stop", REPLY("{'continues':true,'parameters':{'progress':7}}"), NULL },
		{ "kill", RAW("{'parameters':"), closed },
		{ "kill", PAUSE(1), closed },
		{ "stop", FLOOD, "cgkilld sent a reply without an end.\n" },
		{ "status", REPLY("{'parameters':{'units':{}}}"), NULL },
		{ "show", REPLY("{'parameters':{'units':['x']}}"), NULL },
		{ "cat", REPLY("{'parameters':{}}"), NULL },
		{ "list-units", REPLY("{'parameters':{'units':[{}]}}"), NULL },
		{ "is-active", REPLY("{'parameters':{}}"), NULL },
		{ "kill", REPLY("{'parameters':{}}"), NULL },
		{ "monitor", REPLY("{'parameters':{}}"), NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f = serve(SCRIPT(CALL, cases[i].step));
		struct run r = run_with(&f, ARGS(cases[i].verb, "x"), NULL, 0);

		cr_expect_eq(exit_code(&r), 1, "case %zu: %d", i, exit_code(&r));
		cr_expect_str_empty(r.out);
		cr_expect_str_not_empty(r.err);
		if (cases[i].err)
			cr_expect_str_eq(r.err, cases[i].err);
		run_deinit(&r);
		fixture_deinit(&f);
	}
}

Test(ctl, a_status_of_wrong_types_is_shown_as_far_as_it_goes)
{
	check(SCRIPT(CALL,
		     REPLY("{'parameters':{'units':[{'unit':'x','description':7,'documentation':[7]"
			   ","
			   "'dropInPaths':[7,'no-slash',''],'activeState':[],'sinceRealUSec':-5,"
			   "'mainPid':'12','commands':[7,{'pid':1}],'controlGroup':'/','tasks':'3',"
			   "'processes':[7,{'cgroup':7}],'survivors':[7,{}],'warnings':[{}],"
			   "'trail':[7,{'kind':'kill','names':7,'realUSec':9223372036854775807}]}]}"
			   "}")),
	      ARGS("status", "x"), (struct expect){ 3, NULL, NULL, "" });
}

Test(ctl, a_reply_may_come_in_pieces)
{
	check(SCRIPT(CALL, RAW("{'parameters':{'outcomes':"), PAUSE(20), RAW("[" DONE("a")),
		     PAUSE(20), REPLY("]}}")),
	      ARGS("stop", "a"), (struct expect){ 0, NULL, "", "" });
}

Test(ctl, several_replies_may_come_at_once)
{
	check(SCRIPT(CALL, RAW("{'continues':true,'parameters':{'event':"), PAUSE(20),
		     RAW("{'unit':'a','kind':'log','text':'much longer than the next'"), PAUSE(20),
		     REPLY("}}}"), REPLY(EVENT("{'unit':'b','kind':'empty'}")),
		     REPLY("{'parameters':{'event':{'unit':'c','kind':'empty'}}}"), HANG),
	      ARGS("monitor"),
	      (struct expect){ 0, NULL, "- a log: much longer than the next\n- b empty: empty\n- c empty: empty\n",
			       "" });
}

Test(ctl, a_server_that_closes_at_once)
{
	struct fixture f = serve(SCRIPT(PAUSE(0)));
	struct run r = run_with(&f, ARGS("kill", "a"), NULL, 0);

	cr_expect_eq(exit_code(&r), 1);
	cr_expect_not_null(strstr(r.err, "closed the connection"), "%s", r.err);
	run_deinit(&r);
	fixture_deinit(&f);
}

Test(ctl, interrupt_ends_a_wait)
{
	struct fixture f = serve(SCRIPT(CALL, HANG));
	struct run r = run_with(&f, ARGS("stop", "a"), NULL, 300);

	/* by the signal itself: a shell says 130, and stops its script */
	cr_expect(WIFSIGNALED(r.status) && WTERMSIG(r.status) == SIGINT);
	run_deinit(&r);
	fixture_deinit(&f);
}

Test(ctl, nobody_there)
{
	struct fixture f = { .dir = "/tmp/cgkill-ctl.nowhere", .calls = -1, .server = 0 };
	char expected[512];
	struct run r;

	f.calls = open("/dev/null", O_RDONLY | O_CLOEXEC);
	f.server = fork(); /* run_with() ends it */
	if (f.server == 0) {
		pause();
		_exit(0);
	}
	r = run_with(&f, ARGS("stop", "a"), NULL, 0);
	snprintf(expected, sizeof(expected),
		 "cgkilld is not running (no socket at %s/" CGKILL_SOCKET "): start it with "
		 "\"cgkilld --runtime-dir=%s &\", or say with --runtime-dir where it is.\n",
		 f.dir, f.dir);
	cr_expect_eq(exit_code(&r), 1);
	cr_expect_str_eq(r.err, expected);
	run_deinit(&r);
	fixture_deinit(&f);
}

Test(ctl, a_socket_that_nobody_listens_to)
{
	struct fixture f = serve(SCRIPT(PAUSE(0)));
	struct run r;

	kill(f.server, SIGKILL);
	waitid(P_PID, (id_t)f.server, NULL, WEXITED | WNOWAIT);
	r = run_with(&f, ARGS("stop", "a"), NULL, 0);
	cr_expect_eq(exit_code(&r), 1);
	cr_expect_not_null(strstr(r.err, "cgkilld is not running (nobody listens at "), "%s", r.err);
	run_deinit(&r);
	fixture_deinit(&f);
}

Test(ctl, bad_arguments)
{
	static const char *const cases[][4] = {
		{ "stop" },
		{ "frobnicate", "x" },
		{ "stop", "x", "--deadline=soon" },
		{ "kill", "x", "-sNIX" },
		{ "stop", "x", "--json=xml" },
		{ "stop", "" },
		{ "stop", "\xff" },
		{ "version", "x" },
		{ "--nix" },
		{ "stop", "--lines=-1" },
		{ "kill", "x", "--kill-whom=me" },
		{ "start", "x", "--deadline=1" },
		{ "stop", "x", "--deadline=-1" },
	};
	struct fixture f = serve(SCRIPT(HANG));

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct run r = run_with(&f, cases[i], NULL, 0);

		cr_expect_eq(exit_code(&r), 2, "case %zu: %d", i, exit_code(&r));
		cr_expect_str_not_empty(r.err);
		run_deinit(&r);
	}
	fixture_deinit(&f);
}

Test(ctl, help_names_every_verb_and_option)
{
	static const char *const words[] = {
		"start",    "stop",	     "restart",	    "try-restart", "reload",
		"status",   "list-units",    "show",	    "is-active",   "is-failed",
		"kill",	    "cat",	     "monitor",	    "version",	   "daemon-reload",
		"shutdown", "daemon-reexec", "--json",	    "--deadline",  "--no-block",
		"--user",   "reset-failed",  "--kill-whom", "--no-legend", "--property",
		"--lines",  "--runtime-dir"
	};
	struct fixture f = serve(SCRIPT(HANG));
	struct run r = run_with(&f, ARGS("--help"), NULL, 0),
		   v = run_with(&f, ARGS("--version"), NULL, 0);

	cr_expect_eq(exit_code(&r), 0);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		cr_expect_not_null(strstr(r.out, words[i]), "%s", words[i]);
	cr_expect_eq(exit_code(&v), 0);
	cr_expect_eq(strncmp(v.out, "cgkillctl ", 10), 0);
	run_deinit(&r);
	run_deinit(&v);
	fixture_deinit(&f);
}

/* The wait status of a shell command; *out, if wanted, is its standard output. */
static int shell(const char *command, char **out)
{
	struct buf text = BUF_INIT;
	int status, ends[2];
	char chunk[4096];
	ssize_t n;
	pid_t pid;

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	close(ends[1]);
	while ((n = read(ends[0], chunk, sizeof(chunk))) > 0)
		buf_append(&text, chunk, (size_t)n);
	close(ends[0]);
	waitpid(pid, &status, 0);
	if (out)
		*out = buf_take(&text);
	buf_deinit(&text);
	return status;
}

Test(ctl, a_full_disk_is_no_answer)
{
	struct fixture f = serve(SCRIPT(CALL, REPLY(ROWS)));
	char command[8192];

	snprintf(command, sizeof(command),
		 CGKILL_RUNTIME_DIR_ENV "=%s '%s' list-units >/dev/full 2>/dev/null", f.dir, program());
	cr_expect_eq(WEXITSTATUS(shell(command, NULL)), 1);
	fixture_deinit(&f);
}

/* --- on a terminal ----------------------------------------------------------------------- */

/* A pseudo-terminal: [0] its master, [1] what a program takes for a terminal. */
static void open_terminal(int t[static 2])
{
	const struct winsize size = { .ws_row = 24, .ws_col = 60 };

	t[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (t[0] < 0 || grantpt(t[0]) < 0 || unlockpt(t[0]) < 0)
		cr_skip_test("SKIP: no pseudo-terminal here: %s", strerror(errno));
	t[1] = open(ptsname(t[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
	cr_assert_geq(t[1], 0);
	ioctl(t[1], TIOCSWINSZ, &size);
}

#define PROGRESS(sub)                                                                        \
	"{'continues':true,'parameters':{'progress':{'unit':'slow.service','subState':'" sub \
	"','processes':2}}}"

Test(ctl, progress_is_drawn_and_erased)
{
	struct fixture f = serve(
		SCRIPT(CALL, REPLY(PROGRESS("stop-sigterm")), PAUSE(700),
		       REPLY(PROGRESS("stop-sigkill-with-a-name-that-is-as-long-as-the-line")),
		       PAUSE(300), REPLY(OUTCOMES(DONE("slow.service")))));
	const char *line, *last = NULL;
	int terminal[2];
	struct run r;

	open_terminal(terminal);
	r = run_with(&f, ARGS("stop", "slow"), terminal, 0);
	cr_expect_eq(exit_code(&r), 0);
	cr_expect_str_eq(r.calls, "io.cgkill.manager.Stop more {\"units\":[\"slow.service\"]}\n");
	cr_expect_not_null(strstr(r.err,
				  "\r\033[Kslow.service: stop-sigterm, no time limit, 2 processes"),
			   "%s", r.err);
	for (line = strstr(r.err, "\r\033[K"); line; line = strstr(line, "\r\033[K")) {
		line += 4;
		cr_expect_leq(strcspn(line, "\r"), 59); /* never wraps */
		last = line;
	}
	cr_assert_not_null(last);
	cr_expect_str_empty(last);
	cr_expect_null(strchr(r.err, '\n'));
	run_deinit(&r);
	fixture_deinit(&f);
}

Test(ctl, a_quick_stop_draws_nothing)
{
	struct fixture f = serve(SCRIPT(CALL, REPLY(PROGRESS("stop-sigterm")), PAUSE(150),
					REPLY(OUTCOMES(DONE("slow.service")))));
	int terminal[2];
	struct run r;

	open_terminal(terminal);
	r = run_with(&f, ARGS("stop", "slow"), terminal, 0);
	cr_expect_eq(exit_code(&r), 0);
	cr_expect_str_empty(r.err);
	run_deinit(&r);
	fixture_deinit(&f);
}

Test(ctl, interrupt_erases_the_progress)
{
	struct fixture f = serve(SCRIPT(CALL, REPLY(PROGRESS("stop-sigterm")), HANG));
	int terminal[2];
	struct run r;
	size_t len;

	open_terminal(terminal);
	r = run_with(&f, ARGS("stop", "slow"), terminal, 800);
	len = strlen(r.err);
	cr_expect(WIFSIGNALED(r.status) && WTERMSIG(r.status) == SIGINT);
	cr_expect_not_null(strstr(r.err, "stop-sigterm"));
	cr_assert_geq(len, 4);
	cr_expect_str_eq(r.err + len - 4, "\r\033[K");
	run_deinit(&r);
	fixture_deinit(&f);
}

/* The screen of a tmux of our own, to see what a person sees. */
static char *screen(const char *socket)
{
	char command[256], *text;

	snprintf(command, sizeof(command), "tmux -S %s capture-pane -p 2>/dev/null", socket);
	shell(command, &text);
	return text;
}

static bool screen_shows(const char *socket, const char *words)
{
	usec_t until = clock_now() + PATIENCE;
	bool found = false;

	while (!found && clock_now() < until) {
		cleanup_free char *text = screen(socket);

		found = strstr(text, words);
		if (!found)
			poll(NULL, 0, 50);
	}
	return found;
}

Test(ctl, progress_as_a_person_sees_it)
{
	struct fixture f;
	char socket[128], command[8192];
	cleanup_free char *text = NULL;

	if (shell("command -v tmux", NULL) != 0)
		cr_skip_test("SKIP: tmux is not installed");
	f = serve(SCRIPT(CALL, REPLY(PROGRESS("stop-sigterm")), PAUSE(1500),
			 REPLY(OUTCOMES(DONE("slow.service")))));
	snprintf(socket, sizeof(socket), "%s/tmux", f.dir);
	snprintf(command, sizeof(command),
		 "tmux -f /dev/null -S %s new-session -d -x 80 -y 10 \"" CGKILL_RUNTIME_DIR_ENV
		 "=%s '%s' stop slow; echo exit code \\$?; exec sleep 60\"",
		 socket, f.dir, program());
	cr_assert_eq(shell(command, NULL), 0);
	cr_expect(screen_shows(socket, "slow.service: stop-sigterm, no time limit, 2 processes"));
	cr_expect(screen_shows(socket, "exit code 0"));
	text = screen(socket);
	cr_expect_null(strstr(text, "slow.service"), "%s", text);
	snprintf(command, sizeof(command), "tmux -S %s kill-server", socket);
	cr_expect_eq(shell(command, NULL), 0);
	unlink(socket);
	fixture_deinit(&f);
}
