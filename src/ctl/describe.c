/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/describe.h"

#include "ctl/format.h"
#include "ctl/member.h"
#include "util/parse.h"

/* A kind of Event of io.cgkill.manager. */
struct event_kind {
	const char *name;
	bool key;
	void (*describe)(struct buf *b, const json_t *event);
};

void describe_count(struct buf *b, json_int_t n)
{
	buf_printf(b, "%lld process%s", (long long)n, n == 1 ? "" : "es");
}

/* " (sleep)" for one, ": sh, sleep, …" for more. */
static void put_names(struct buf *b, const json_t *event, json_int_t count)
{
	const json_t *names = json_object_get(event, "names"), *name;
	bool one = count == 1;
	size_t i;

	json_array_foreach(names, i, name) {
		const char *text = json_string_value(name);

		buf_printf(b, "%s%s", i > 0 ? ", " : one ? " (" : ": ", text ? text : "?");
	}
	if (json_array_size(names) > 0)
		buf_puts(b, one ? ")" : (json_int_t)json_array_size(names) < count ? ", …" : "");
}

static void put_signal(struct buf *b, const json_t *event, const char *fallback)
{
	const char *whom = member_text(event, "whom");
	json_int_t count;

	buf_printf(b, "SIG%s to ", member_text_or(event, "signal", fallback));
	if (member_number(event, "count", &count)) {
		describe_count(b, count);
		put_names(b, event, count);
	} else {
		buf_printf(b, "%s", whom ? whom : "the processes");
	}
}

static void describe_signal(struct buf *b, const json_t *event)
{
	put_signal(b, event, "?");
}

static void describe_kill(struct buf *b, const json_t *event)
{
	put_signal(b, event, "KILL");
}

static void describe_state(struct buf *b, const json_t *event)
{
	buf_puts(b, member_text_or(event, "state", "?"));
}

static void describe_adopt(struct buf *b, const json_t *event)
{
	buf_printf(b, "taken over in state %s", member_text_or(event, "state", "?"));
}

static void describe_empty(struct buf *b, const json_t *event unused)
{
	buf_puts(b, "empty");
}

static void describe_spawn(struct buf *b, const json_t *event)
{
	buf_printf(b, "process %lld started", (long long)member_number_or(event, "pid", 0));
}

static void describe_escape(struct buf *b, const json_t *event)
{
	buf_printf(b, "process %lld has left the cgroup", (long long)member_number_or(event, "pid", 0));
}

static void describe_exit(struct buf *b, const json_t *event)
{
	const char *signal = member_text(event, "signal");

	buf_printf(b, "process %lld ended, ", (long long)member_number_or(event, "pid", 0));
	if (signal)
		buf_printf(b, "code=killed, signal=%s", signal);
	else if (member_number_or(event, "status", -1) < 0)
		describe_end(b, "unknown", 0);
	else
		describe_end(b, "exited", (int)member_number_or(event, "status", -1));
}

static void describe_job(struct buf *b, const json_t *event)
{
	const char *by = member_text(event, "by");
	const char *result = member_text_or(event, "result", "?");

	buf_printf(b, "%s %s", member_text_or(event, "state", "job"),
		   streq(result, "requested") ? "asked" : result);
	if (by) /* "uid 0 pid 1 (x)", or "dependency of web.service" */
		buf_printf(b, " %s %s", after_prefix(by, "uid ") ? "by" : "as", by);
}

static const struct event_kind kinds[] = {
	{ "state", false, describe_state }, { "signal", true, describe_signal },
	{ "kill", true, describe_kill },    { "empty", true, describe_empty },
	{ "spawn", false, describe_spawn }, { "exit", false, describe_exit },
	{ "job", false, describe_job },	    { "log", true, NULL },
	{ "adopt", true, describe_adopt },  { "escape", true, describe_escape },
};

static const struct event_kind *find_kind(const json_t *event)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (member_is(event, "kind", kinds[i].name))
			return &kinds[i];
	return NULL;
}

void describe_event(struct buf *b, const json_t *event)
{
	const struct event_kind *kind = find_kind(event);
	const char *text = member_text(event, "text");
	size_t before = b->len;

	if (kind && kind->describe)
		kind->describe(b, event);
	else if (!kind) /* of a later cgkilld */
		buf_puts(b, member_text_or(event, "kind", "?"));
	if (text)
		buf_printf(b, "%s%s", b->len > before ? ": " : "", text);
}

void print_event(const json_t *event)
{
	cleanup_buf struct buf text = BUF_INIT;

	describe_event(&text, event);
	print_printable(stdout, text.data ? text.data : "");
}

bool event_is_key(const json_t *event)
{
	const struct event_kind *kind = find_kind(event);

	return (kind && kind->key) || member_is(event, "result", "stuck");
}

bool event_is_escalation(const json_t *event)
{
	return member_is(event, "kind", "kill") || member_is(event, "result", "stuck") ||
	       (member_is(event, "kind", "signal") && member_is(event, "signal", "KILL"));
}

void describe_survivor(struct buf *b, const json_t *survivor, usec_t now)
{
	const char *wchan = member_text(survivor, "wchan"), *call = member_text(survivor, "syscall"),
		   *file = member_text(survivor, "file"), *mount = member_text(survivor, "mount");
	usec_t since = member_usec(survivor, "sinceUSec");
	char span[SPAN_MAX];

	buf_printf(b, "%lld (%s), state %s", (long long)member_number_or(survivor, "pid", 0),
		   member_text_or(survivor, "comm", "?"), member_text_or(survivor, "state", "?"));
	if (wchan && *wchan)
		buf_printf(b, ", waits in %s", wchan);
	if (call && *call)
		buf_printf(b, ", system call %s", call);
	if (file)
		buf_printf(b, " of %s", file);
	if (mount)
		buf_printf(b, " (%s)", mount);
	if (since <= now) {
		usec_t age = now - since;

		/* for a person: whole seconds, once there are any */
		buf_printf(b, ", for %s",
			   format_span(age - age % (age > USEC_PER_SEC ? USEC_PER_SEC : USEC_PER_MSEC),
				       span));
	}
	buf_printf(b, ": %s", member_text_or(survivor, "reason", "the reason is not known"));
}

void describe_end(struct buf *b, const char *code, int status)
{
	const char *name = streq(code, "exited") ? exit_status_name(status) : NULL;

	if (streq(code, "unknown"))
		buf_puts(b, "nobody saw how");
	else if (!streq(code, "exited"))
		buf_printf(b, "code=%s, signal=%s", code, signal_name(status));
	else
		buf_printf(b, "code=exited, status=%d%s%s", status, name ? "/" : "", name ? name : "");
}
