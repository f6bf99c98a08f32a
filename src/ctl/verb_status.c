/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * status: one unit a paragraph, in systemctl's layout.
 */
#include "ctl/describe.h"
#include "ctl/logdir.h"
#include "ctl/logreader.h"
#include "ctl/manager.h"
#include "ctl/member.h"
#include "util/parse.h"

/* Labels end in this column. */
#define LABEL  10
/* What continues a labelled value stands below it. */
#define INDENT (LABEL + 2)

/* In a log there are events between the lines of a service. */
#define EVENTS_BETWEEN 4
#define WORDS_MAX      1024U /* of a line; the rest is in the log */

struct moment {
	usec_t real, boot;
};

static void label(const char *text)
{
	printf("%*s: ", LABEL, text);
}

static void line(const char *name, const char *text)
{
	label(name);
	print_printable(stdout, text);
	putchar('\n');
}

static void branch(const struct style *s, bool last, const char *text)
{
	printf("%*s%s", INDENT, "", tree_branch(s, last));
	print_printable(stdout, text);
	putchar('\n');
}

static void print_head(const struct style *s, const json_t *u)
{
	const char *state = member_text_or(u, "activeState", "unknown");
	const char *description = member_text_or(u, "description", "");

	printf("%s%s%s ", style_colour(s, state_colour(state)), state_dot(s, state),
	       style_colour(s, COLOUR_PLAIN));
	print_printable(stdout, member_text(u, "unit"));
	if (*description) {
		fputs(" - ", stdout);
		print_printable(stdout, description);
	}
	putchar('\n');
}

static void print_loaded(const struct style *s, const json_t *u)
{
	const char *state = member_text_or(u, "loadState", "unknown");
	const char *path = member_text(u, "fragmentPath"), *error = member_text(u, "loadError");
	bool bad = streq(state, "error") || streq(state, "not-found");

	label("Loaded");
	printf("%s", bad ? style_colour(s, COLOUR_RED) : "");
	print_printable(stdout, state);
	printf("%s", bad ? style_colour(s, COLOUR_PLAIN) : "");
	if (error || path) {
		fputs(error ? " (Reason: " : " (", stdout);
		print_printable(stdout, error ? error : path);
		putchar(')');
	}
	putchar('\n');
}

/* The length of a path's directory. */
static size_t directory_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) : 0;
}

static bool same_directory(const char *a, const char *b)
{
	size_t n = directory_len(a);

	return b && directory_len(b) == n && strncmp(a, b, n) == 0;
}

/* The files below the directories that they are in. */
static void print_dropins(const struct style *s, const json_t *u)
{
	const json_t *paths = json_object_get(u, "dropInPaths");
	const char *previous = "";

	for (size_t i = 0; i < json_array_size(paths); i++) {
		const char *path = json_string_value(json_array_get(paths, i));
		const char *next = json_string_value(json_array_get(paths, i + 1));
		cleanup_free char *directory = NULL;

		if (!path)
			continue;
		directory = strndup(path, directory_len(path));
		if (directory && (i == 0 || !same_directory(path, previous))) {
			if (i == 0)
				label("Drop-In");
			else
				printf("%*s", INDENT, "");
			print_printable(stdout, directory);
			putchar('\n');
		}
		branch(s, !same_directory(path, next), path + directory_len(path) + (*path == '/'));
		previous = path;
	}
}

static void print_active(const struct style *s, const json_t *u, struct moment now)
{
	const char *state = member_text_or(u, "activeState", "unknown");
	const char *sub = member_text_or(u, "subState", "unknown");
	const char *result = member_text_or(u, "result", "success");
	usec_t real = member_usec(u, "sinceRealUSec"), boot = member_usec(u, "sinceUSec");
	char stamp[TIME_MAX], relative[TIME_MAX];

	label("Active");
	printf("%s", style_colour(s, state_colour(state)));
	print_printable(stdout, state);
	fputs(streq(state, "failed") ? " (Result: " : " (", stdout);
	print_printable(stdout, streq(state, "failed") ? result : sub);
	printf(")%s", style_colour(s, COLOUR_PLAIN));
	/* the age by the clock that nobody can step */
	if (real != USEC_INFINITY)
		printf(" since %s; %s", format_timestamp(real, stamp),
		       boot == USEC_INFINITY ? format_relative(real, now.real, relative)
					     : format_relative(boot, now.boot, relative));
	putchar('\n');
}

/* What stood against its last start: Condition…= or Assert…=. */
static void print_check(const struct style *s, const json_t *u, struct moment now)
{
	const char *reason = member_text(u, "checkReason");
	usec_t real = member_usec(u, "checkRealUSec");
	char stamp[TIME_MAX], relative[TIME_MAX];
	bool assertion = reason && after_prefix(reason, "Assert");

	if (!reason || real == USEC_INFINITY)
		return;
	label(assertion ? "Assert" : "Condition");
	printf("start %s failed at %s; %s\n", assertion ? "assertion" : "condition",
	       format_timestamp(real, stamp), format_relative(real, now.real, relative));
	branch(s, true, reason);
}

/* When the stage that it is in ends by itself. */
static void print_until(const json_t *u, struct moment now)
{
	usec_t ends = MIN_OF(member_usec(u, "stageEndsUSec"), member_usec(u, "deadlineUSec"));
	char stamp[TIME_MAX], relative[TIME_MAX];

	if (ends == USEC_INFINITY)
		return;
	label("Until");
	printf("%s; %s\n", format_timestamp(now.real + ends - now.boot, stamp),
	       format_relative(ends, now.boot, relative));
}

/* A line for each of its strings. */
static void print_list(const json_t *u, const char *name, const char *member)
{
	const json_t *list = json_object_get(u, member), *item;
	size_t i;

	json_array_foreach(list, i, item) {
		const char *text = json_string_value(item);

		if (i == 0)
			label(name);
		else
			printf("%*s", INDENT, "");
		print_printable(stdout, text ? text : "?");
		putchar('\n');
	}
}

static void put_end(struct buf *b, const char *code, const json_t *object, const char *status)
{
	buf_puts(b, " (");
	describe_end(b, code, (int)member_number_or(object, status, -1));
	buf_puts(b, ")");
}

static void print_commands(const json_t *u)
{
	const json_t *commands = json_object_get(u, "commands"), *c;
	size_t i;

	json_array_foreach(commands, i, c) {
		cleanup_buf struct buf text = BUF_INIT;
		const char *code = member_text(c, "code");
		json_int_t pid;

		/* what runs is the main process or the control process, and told there */
		if (!member_number(c, "pid", &pid) || !code)
			continue;
		buf_printf(&text, "%lld %s=%s", (long long)pid, member_text_or(c, "kind", "?"),
			   member_text_or(c, "command", "?"));
		put_end(&text, code, c, "status");
		line("Process", text.data ? text.data : "?");
	}
}

static void print_main(const json_t *u)
{
	const char *code = member_text(u, "mainCode"), *command = member_text(u, "mainCommand");
	cleanup_buf struct buf text = BUF_INIT;
	json_int_t pid;

	if (member_number(u, "mainPid", &pid)) {
		buf_printf(&text, "%lld", (long long)pid);
		if (code)
			put_end(&text, code, u, "mainStatus");
		else if (command)
			buf_printf(&text, " (%s)", command);
		line("Main PID", text.data ? text.data : "?");
	}
	if (member_number(u, "controlPid", &pid)) {
		label("Cntrl PID");
		printf("%lld\n", (long long)pid);
	}
}

/* What it says of itself. */
static void print_words(const json_t *u)
{
	const char *text = member_text(u, "statusText"), *error = member_text(u, "statusBusError");
	json_int_t number, stored = member_number_or(u, "storedDescriptors", 0);

	if (text && *text) {
		label("Status");
		putchar('"');
		print_printable(stdout, text);
		fputs("\"\n", stdout);
	}
	if (member_number(u, "statusErrno", &number)) {
		label("Error");
		printf("%lld (%s)\n", (long long)number, strerror((int)number));
	}
	if (error)
		line("Bus Error", error);
	if (stored > 0) {
		label("FD Store");
		printf("%lld\n", (long long)stored);
	}
}

static void print_process(const struct style *s, const json_t *process, const char *trunk, bool last)
{
	printf("%*s%s%s%lld ", INDENT, "", trunk, tree_branch(s, last),
	       (long long)member_number_or(process, "pid", 0));
	print_printable(stdout, member_text_or(process, "command", "?"));
	putchar('\n');
}

/* Processes of one cgroup stand together; those of a sub-cgroup are a branch of the tree. */
static void print_tree(const struct style *s, const json_t *processes)
{
	size_t n = json_array_size(processes);

	for (size_t i = 0, end; i < n; i = end) {
		const char *group = member_text_or(json_array_get(processes, i), "cgroup", "");
		bool last;

		for (end = i + 1; end < n; end++)
			if (!streq(group, member_text_or(json_array_get(processes, end), "cgroup", "")))
				break;
		last = end == n;
		if (*group)
			branch(s, last, group);
		for (size_t k = i; k < end; k++)
			print_process(s, json_array_get(processes, k), *group ? tree_trunk(s, last) : "",
				      k + 1 == end && (last || *group));
	}
}

static void print_memory(const json_t *u)
{
	static const struct {
		const char *member, *word;
	} more[] = { { "memoryLimit", "max" }, { "memoryPeak", "peak" } };
	const char *separator = " (";
	char text[BYTES_MAX];
	json_int_t n;

	if (!member_number(u, "memory", &n))
		return;
	label("Memory");
	fputs(format_bytes((uint64_t)n, text), stdout);
	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		if (member_number(u, more[i].member, &n)) {
			printf("%s%s: %s", separator, more[i].word, format_bytes((uint64_t)n, text));
			separator = ", ";
		}
	puts(*separator == ',' ? ")" : "");
}

/* As far as it is counted: member is left out where it is not. */
static void print_usage(const json_t *u)
{
	char span[SPAN_MAX];
	json_int_t n;

	if (member_number_or(u, "tasks", 0) > 0) {
		label("Tasks");
		printf("%lld", (long long)member_number_or(u, "tasks", 0));
		if (member_number(u, "tasksLimit", &n))
			printf(" (limit: %lld)", (long long)n);
		putchar('\n');
	}
	print_memory(u);
	if (member_number(u, "cpuNSec", &n))
		line("CPU", format_span_short((usec_t)n / 1000, span));
}

static void print_cgroup(const struct style *s, const json_t *u)
{
	const char *group = member_text(u, "controlGroup");

	print_usage(u);
	if (!group)
		return;
	line("CGroup", group);
	print_tree(s, json_object_get(u, "processes"));
}

static void print_survivors(const struct style *s, const json_t *u, struct moment now)
{
	const json_t *survivors = json_object_get(u, "survivors"), *survivor;
	size_t i, n = json_array_size(survivors);

	if (n == 0)
		return;
	label("Survivors");
	printf("%s%zu%s\n", style_colour(s, COLOUR_RED), n, style_colour(s, COLOUR_PLAIN));
	json_array_foreach(survivors, i, survivor) {
		cleanup_buf struct buf text = BUF_INIT;

		describe_survivor(&text, survivor, now.boot);
		branch(s, i + 1 == n, text.data ? text.data : "?");
	}
}

static void print_escapes(const struct style *s, const json_t *u)
{
	const json_t *escapes = json_object_get(u, "escapes"), *escaped, *list;
	const char *incomplete = member_text(escapes, "incomplete");
	size_t i, n;

	list = json_object_get(escapes, "escaped");
	n = json_array_size(list);
	if (!incomplete && n == 0)
		return;
	label("Escaped");
	printf("%s%zu%s", style_colour(s, COLOUR_RED), n, style_colour(s, COLOUR_PLAIN));
	if (incomplete) {
		fputs("; the watch is incomplete: ", stdout);
		print_printable(stdout, incomplete);
	}
	putchar('\n');
	json_array_foreach(list, i, escaped) {
		cleanup_buf struct buf text = BUF_INIT;

		buf_printf(&text, "%lld (%s) in %s", (long long)member_number_or(escaped, "pid", 0),
			   member_text_or(escaped, "comm", "?"),
			   member_text_or(escaped, "cgroup", "?"));
		branch(s, i + 1 == n, text.data ? text.data : "?");
	}
}

static void print_warnings(const struct style *s, const json_t *u)
{
	const json_t *warnings = json_object_get(u, "warnings");
	size_t n = json_array_size(warnings);

	if (n == 0)
		return;
	label("Warnings");
	printf("%s%zu%s\n", style_colour(s, COLOUR_YELLOW), n, style_colour(s, COLOUR_PLAIN));
	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(warnings, i));

		branch(s, i + 1 == n, text ? text : "?");
	}
}

/* ---- the last of what happened, and of what it has written ---- */

struct words {
	usec_t real;
	char *text;
};

/* The last lines of its log that are its own, in their order. What cannot be read is left out: not everybody may. */
static size_t read_words(const struct options *o, const char *unit, struct words *v, size_t n)
{
	cleanup_free char *path = NULL;
	cleanup_close int dir_fd = logdir_open(o, &path);
	struct logreader r;
	size_t count = 0;

	if (dir_fd < 0 || logreader_init(&r, dir_fd, unit, false) < 0)
		return 0;
	if (logreader_seek_last(&r, EVENTS_BETWEEN * n) >= 0)
		while (logreader_next(&r, true) > 0) {
			struct words *w = &v[count % n];

			if (r.event)
				continue;
			free(w->text);
			*w = (struct words){ r.real, strndup(r.text + r.prefix,
							     MIN_OF(r.len - r.prefix, WORDS_MAX)) };
			count++;
		}
	logreader_deinit(&r);
	return count;
}

static void print_clock(usec_t at)
{
	char stamp[TIME_MAX];

	printf("%s ", at == USEC_INFINITY ? "-" : format_clock(at, stamp));
}

/* From the end of both the later one: how many of each are among the last ones. */
static void count_last(const json_t *trail, const struct words *v, size_t count, size_t n,
		       size_t shown[2])
{
	size_t events = json_array_size(trail), words = MIN_OF(count, n);

	shown[0] = shown[1] = 0;
	while (shown[0] + shown[1] < n && (shown[0] < events || shown[1] < words)) {
		const json_t *event = json_array_get(trail, events - shown[0] - 1);
		bool later = shown[1] < words &&
			     (shown[0] == events ||
			      v[(count - shown[1] - 1) % n].real > member_usec(event, "realUSec"));

		shown[later]++;
	}
}

static void print_trail(const struct options *o, const json_t *u)
{
	const json_t *trail = json_object_get(u, "trail");
	size_t n = o->lines, events = json_array_size(trail), shown[2];
	struct words *v;
	size_t count;

	if (n == 0)
		return;
	v = calloc(n, sizeof(*v));
	if (!v) {
		complain("Out of memory.");
		return;
	}
	count = read_words(o, member_text_or(u, "unit", ""), v, n);
	count_last(trail, v, count, n, shown);
	if (shown[0] + shown[1] > 0)
		putchar('\n');
	while (shown[0] + shown[1] > 0) {
		const json_t *event = json_array_get(trail, events - shown[0]);
		const struct words *w = &v[(count - shown[1]) % n];

		if (shown[1] == 0 || (shown[0] > 0 && member_usec(event, "realUSec") <= w->real)) {
			print_clock(member_usec(event, "realUSec"));
			print_event(event);
			shown[0]--;
		} else {
			print_clock(w->real);
			printf("%s: ", member_text_or(u, "unit", "?"));
			print_printable(stdout, w->text ? w->text : "");
			shown[1]--;
		}
		putchar('\n');
	}
	for (size_t i = 0; i < n; i++)
		free(v[i].text);
	free(v);
}

static void print_unit(const struct ctl *ctl, const json_t *u)
{
	const struct moment now = { clock_realtime(), clock_now() };
	const struct style *s = &ctl->style;
	json_int_t restarts = member_number_or(u, "restarts", 0);

	print_head(s, u);
	print_loaded(s, u);
	print_dropins(s, u);
	print_active(s, u, now);
	print_check(s, u, now);
	print_until(u, now);
	print_list(u, "Docs", "documentation");
	print_list(u, "Trig. by", "activatedBy");
	print_list(u, "Listen", "listen");
	if (member_text(u, "activates"))
		line("Triggers", member_text(u, "activates"));
	print_commands(u);
	print_main(u);
	if (restarts > 0) {
		label("Restarts");
		printf("%lld\n", (long long)restarts);
	}
	print_words(u);
	print_cgroup(s, u);
	print_survivors(s, u, now);
	print_escapes(s, u);
	print_warnings(s, u);
	print_trail(&ctl->options, u);
}

/* LSB's codes for the status of a service. */
static int status_code(const json_t *u)
{
	if (member_is(u, "loadState", "not-found"))
		return CGKILL_EXIT_DENIED;
	if (member_is(u, "activeState", "active") || member_is(u, "activeState", "reloading"))
		return CGKILL_EXIT_OK;
	return CGKILL_EXIT_NOT_APPLICABLE;
}

static int tell_units(const struct ctl *ctl, const json_t *units, bool silent)
{
	int code = CGKILL_EXIT_OK;
	size_t i, printed = 0;
	const json_t *u;

	json_array_foreach(units, i, u) {
		code = exit_worse(code, status_code(u));
		if (silent)
			continue;
		if (member_is(u, "loadState", "not-found")) {
			complain("Unit %s could not be found.", member_text(u, "unit"));
			continue;
		}
		if (printed++ > 0)
			putchar('\n');
		print_unit(ctl, u);
	}
	return code;
}

int verb_status(struct ctl *ctl, char **args)
{
	cleanup_json json_t *reply = NULL;
	json_t *parameters, *units = NULL;
	int r;

	if (!args[1])
		return verb_list_units(ctl, args);
	parameters = manager_units(args + 1);
	if (!parameters)
		return CGKILL_EXIT_USAGE;
	r = manager_call(ctl, "GetStatus", parameters, &reply);
	if (r == 0)
		r = manager_array(reply, "units", "unit", &units);
	if (r > 0)
		return r;
	ctl->style = style_detect();
	return tell_units(ctl, units, manager_print_json(ctl, reply) || ctl->options.quiet);
}
