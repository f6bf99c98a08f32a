/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/manager.h"

#include <errno.h>
#include <time.h>

#include "ctl/member.h"

#define VARLINK_ERROR "org.varlink.service."

/* A worker that a guard starts again, or that replaces itself, is there at once; one that a person starts is not. */
#define RECONNECT_PAUSE_FIRST (10 * USEC_PER_MSEC)
#define RECONNECT_PAUSE_LAST  (500 * USEC_PER_MSEC)

/* Errors that mean more to a person in our words. */
static const struct {
	const char *name;
	int code;
	const char *text;
} errors[] = {
	{ VARLINK_ERROR "PermissionDenied",
	  CGKILL_EXIT_DENIED, "Access denied: this takes root, cgkilld's own user, or its control group (cgkilld --group)" },
	{ VARLINK_ERROR "InvalidParameter", CGKILL_EXIT_USAGE, "cgkilld does not accept this value" },
	{ VARLINK_ERROR "MethodNotFound", CGKILL_EXIT_FAILED,
	  "This cgkilld is of another version and cannot do that" },
	{ VARLINK_ERROR "MethodNotImplemented", CGKILL_EXIT_FAILED,
	  "This cgkilld is of another version and cannot do that" },
	{ VARLINK_ERROR "InterfaceNotFound", CGKILL_EXIT_FAILED, "This is not the socket of a cgkilld" },
	{ CGKILL_INTERFACE ".NotLoaded", CGKILL_EXIT_NO_UNIT, "No such unit is loaded" },
	{ CGKILL_INTERFACE ".ReexecFailed", CGKILL_EXIT_FAILED,
	  "cgkilld goes on with the program that it has" },
	{ CGKILL_INTERFACE ".ShuttingDown", CGKILL_EXIT_FAILED, "cgkilld was shut down" },
	{ CGKILL_INTERFACE ".NoSuchJob", CGKILL_EXIT_FAILED, "There is no such job" },
};

static int explain_error(const struct varlink_reply *reply)
{
	const char *detail = member_text(reply->parameters, "message");
	int code = CGKILL_EXIT_FAILED;
	const char *text = reply->error;

	if (!detail)
		detail = member_text(reply->parameters, "parameter");
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (streq(errors[i].name, reply->error)) {
			code = errors[i].code;
			text = errors[i].text;
		}
	complain("%s%s%s%s.", text, detail ? " (" : "", detail ? detail : "", detail ? ")" : "");
	return code;
}

static int explain_transport(int error)
{
	static const struct {
		int error;
		int code;
		const char *text;
	} causes[] = {
		{ -ECONNRESET, CGKILL_EXIT_FAILED,
		  "cgkilld closed the connection before it had answered" },
		{ -EBADMSG, CGKILL_EXIT_FAILED, "cgkilld sent something that is no Varlink reply" },
		{ -EMSGSIZE, CGKILL_EXIT_FAILED, "cgkilld sent a reply without an end" },
		{ -E2BIG, CGKILL_EXIT_USAGE, "Too many units for one call" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(causes); i++)
		if (causes[i].error == error) {
			complain("%s.", causes[i].text);
			return causes[i].code;
		}
	complain("The connection to cgkilld failed: %s.", strerror(-error));
	return CGKILL_EXIT_FAILED;
}

/*
 * The directory below which the socket is, and how a cgkilld is started that has it there; false
 * when there is none.
 */
static bool find_runtime_dir(const struct options *o, struct buf *dir, struct buf *start)
{
	const char *path = o->runtime_dir, *user_dir = getenv("XDG_RUNTIME_DIR");
	bool system = o->scope == SCOPE_SYSTEM || (o->scope == SCOPE_UNSET && geteuid() == 0);

	if (!path && o->scope == SCOPE_UNSET)
		path = getenv(CGKILL_RUNTIME_DIR_ENV);
	if (path && *path) {
		buf_puts(dir, path);
		buf_printf(start, "cgkilld --runtime-dir=%s", path);
	} else if (system) {
		buf_puts(dir, CGKILL_RUNTIME_DIR_SYSTEM);
		buf_puts(start, "cgkilld");
	} else if (user_dir && *user_dir) {
		buf_printf(dir, "%s/" CGKILL_RUNTIME_DIR_USER, user_dir);
		buf_puts(start, "cgkilld --user");
	} else {
		return false;
	}
	return true;
}

static int explain_connect(int error, const char *path, const char *start)
{
	if (error == -ENOENT || error == -ENOTDIR)
		complain("cgkilld is not running (no socket at %s): start it with \"%s &\", "
			 "or say with --runtime-dir where it is.",
			 path, start);
	else if (error == -ECONNREFUSED)
		complain("cgkilld is not running (nobody listens at %s): start it with \"%s &\".",
			 path, start);
	else if (error == -ENAMETOOLONG)
		complain("%s is too long for a socket: say another directory with --runtime-dir.", path);
	else
		complain("Failed to connect to cgkilld at %s: %s.", path, strerror(-error));
	return CGKILL_EXIT_FAILED;
}

/* The path of the socket. */
static int locate(const struct options *o, struct buf *path, struct buf *start)
{
	if (!find_runtime_dir(o, path, start)) {
		complain("XDG_RUNTIME_DIR is not set: say with --runtime-dir where cgkilld is, "
			 "or --system for the one of the host.");
		return CGKILL_EXIT_FAILED;
	}
	buf_puts(path, "/" CGKILL_SOCKET);
	if (buf_error(path) < 0 || buf_error(start) < 0)
		return explain_transport(-ENOMEM);
	return CGKILL_EXIT_OK;
}

static int connect_manager(struct ctl *ctl)
{
	cleanup_buf struct buf path = BUF_INIT, start = BUF_INIT;
	int r = locate(&ctl->options, &path, &start);

	if (r > 0)
		return r;
	r = client_connect(&ctl->client, path.data);
	return r < 0 ? explain_connect(r, path.data, start.data) : CGKILL_EXIT_OK;
}

bool manager_runtime_path(const struct options *o, const char *file, struct buf *path)
{
	cleanup_buf struct buf start = BUF_INIT;

	if (!find_runtime_dir(o, path, &start))
		return false;
	buf_printf(path, "/%s", file);
	return buf_error(path) == 0;
}

bool manager_is_running(struct ctl *ctl)
{
	cleanup_buf struct buf path = BUF_INIT, start = BUF_INIT;

	if (ctl->client.fd >= 0)
		return true;
	if (!find_runtime_dir(&ctl->options, &path, &start))
		return false;
	buf_puts(&path, "/" CGKILL_SOCKET);
	return buf_error(&path) == 0 && client_connect(&ctl->client, path.data) == 0;
}

static void pause_for(usec_t span)
{
	struct timespec ts = { .tv_sec = (time_t)(span / USEC_PER_SEC),
			       .tv_nsec = (long)(span % USEC_PER_SEC * 1000) };

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

/* The pauses grow until a reply comes: who accepts and dies again and again is not asked in a busy loop. */
static int try_again(struct ctl *ctl, const char *path)
{
	int r;

	do {
		usec_t left = usec_sub(ctl->reconnect_until, clock_now());

		if (left == 0)
			return -ETIMEDOUT;
		pause_for(MIN_OF(ctl->reconnect_pause, left));
		ctl->reconnect_pause = MIN_OF(2 * ctl->reconnect_pause, RECONNECT_PAUSE_LAST);
		r = client_connect(&ctl->client, path);
	} while (r == -ENOENT || r == -ECONNREFUSED);
	return r;
}

int manager_reconnect(struct ctl *ctl)
{
	cleanup_buf struct buf path = BUF_INIT, start = BUF_INIT;
	int r = locate(&ctl->options, &path, &start);

	if (r > 0)
		return r;
	client_deinit(&ctl->client);
	if (ctl->reconnect_until == 0) {
		ctl->reconnect_until = usec_add(clock_now(), RECONNECT_FOR);
		ctl->reconnect_pause = RECONNECT_PAUSE_FIRST;
	}
	r = try_again(ctl, path.data);
	if (r != -ETIMEDOUT)
		return r < 0 ? explain_connect(r, path.data, start.data) : CGKILL_EXIT_OK;
	complain("The connection to cgkilld was lost, and it did not come back within %u seconds.",
		 (unsigned)(RECONNECT_FOR / USEC_PER_SEC));
	return CGKILL_EXIT_FAILED;
}

int manager_explain_lost(void)
{
	return explain_transport(-ECONNRESET);
}

static bool is_loss(int error)
{
	return error == -ECONNRESET || error == -EPIPE;
}

int manager_send(struct ctl *ctl, const char *method, json_t *parameters, bool more)
{
	cleanup_json json_t *owned = parameters;
	char name[64];
	int r;

	if (!owned)
		return explain_transport(-ENOMEM);
	if (ctl->client.fd < 0) {
		r = connect_manager(ctl);
		if (r > 0)
			return r;
	}
	snprintf(name, sizeof(name), CGKILL_INTERFACE ".%s", method);
	r = client_send(&ctl->client, name, owned, more);
	if (is_loss(r))
		return MANAGER_LOST;
	return r < 0 ? explain_transport(r) : CGKILL_EXIT_OK;
}

int manager_receive(struct ctl *ctl, usec_t until, json_t **out, bool *continues)
{
	struct varlink_reply reply = { 0 };
	int r = client_receive(&ctl->client, until, &reply);

	if (is_loss(r))
		return MANAGER_LOST;
	if (r < 0)
		return explain_transport(r);
	if (r > 0)
		ctl->reconnect_until = 0;
	*continues = r == 0 || reply.continues;
	r = reply.error ? explain_error(&reply) : CGKILL_EXIT_OK;
	if (r == 0)
		*out = TAKE_PTR(reply.parameters);
	varlink_reply_deinit(&reply);
	return r;
}

int manager_call(struct ctl *ctl, const char *method, json_t *parameters, json_t **out)
{
	int r = manager_send(ctl, method, parameters, false);
	bool continues;

	if (r == 0)
		r = manager_receive(ctl, USEC_INFINITY, out, &continues);
	return r == MANAGER_LOST ? manager_explain_lost() : r;
}

bool manager_wants_suffix(const char *name)
{
	static const char *const suffixes[] = {
		".service", ".socket", ".target", ".device", ".mount", ".automount",
		".swap",    ".timer",  ".path",	  ".slice",  ".scope",
	};

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (ends_with(name, suffixes[i]))
			return false;
	return !strpbrk(name, "*?[");
}

json_t *manager_units(char *const *args)
{
	cleanup_json json_t *units = json_array();

	for (; *args; args++) {
		json_t *name =
			**args ? json_sprintf(manager_wants_suffix(*args) ? "%s.service" : "%s", *args)
			       : NULL;

		/* json_sprintf() refuses what is not UTF-8. */
		if (json_array_append_new(units, name) < 0) {
			complain("\"%s\" is not the name of a unit.", *args);
			return NULL;
		}
	}
	return json_pack("{s:O}", "units", units);
}

int manager_array(json_t *reply, const char *key, const char *id, json_t **out)
{
	json_t *array = json_object_get(reply, key), *item;
	size_t i;

	json_array_foreach(array, i, item)
		if (!member_text(item, id))
			array = NULL;
	if (!json_is_array(array)) {
		complain("cgkilld's reply is malformed: there is no usable \"%s\" in it.", key);
		return CGKILL_EXIT_FAILED;
	}
	*out = array;
	return CGKILL_EXIT_OK;
}

int manager_list(struct ctl *ctl, char *const *patterns, const char *type, json_t **reply, json_t **units)
{
	cleanup_json json_t *names = *patterns ? manager_units(patterns) : NULL;
	json_t *parameters;
	int r;

	if (*patterns && !names)
		return CGKILL_EXIT_USAGE;
	parameters = json_pack("{s:O*, s:b, s:s*}", "patterns", json_object_get(names, "units"),
			       "all", ctl->options.all, "type", type);
	r = manager_call(ctl, "List", parameters, reply);
	return r == 0 ? manager_array(*reply, "units", "unit", units) : r;
}

bool manager_print_json(const struct ctl *ctl, const json_t *reply)
{
	/*
	 * ASCII on a terminal: U+0080 to U+009F are control characters, and JSON does not escape
	 * them.
	 */
	size_t flags = isatty(STDOUT_FILENO) ? JSON_ENSURE_ASCII : 0;

	if (ctl->options.json == JSON_OFF)
		return false;
	json_dumpf(reply, stdout,
		   flags | (ctl->options.json == JSON_PRETTY ? JSON_INDENT(8) : JSON_COMPACT));
	putchar('\n');
	return true;
}
