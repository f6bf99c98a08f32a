/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/load.h"

#include <errno.h>

#include "core/directive.h"
#include "core/dynamicuser.h"
#include "core/resources.h"
#include "core/socket.h"
#include "core/unitfile.h"
#include "util/strv.h"

/* The section's own name, static; NULL for what is none of a unit of this kind. */
static const char *find_section(struct loading *l, const char *name)
{
	static const struct {
		const char *name;
		enum unit_kind only; /* INVALID: of every kind */
	} sections[] = {
		{ "Unit", UNIT_KIND_INVALID },	  { "Service", UNIT_SERVICE },
		{ "Slice", UNIT_SLICE },	  { "Socket", UNIT_SOCKET },
		{ "Install", UNIT_KIND_INVALID }, { "X-Cgkill", UNIT_KIND_INVALID },
	};

	if (l->install_only && !streq(name, "Install"))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (streq(name, sections[i].name) &&
		    (sections[i].only == UNIT_KIND_INVALID || sections[i].only == l->unit->kind))
			return sections[i].name;
	if (!after_prefix(name, "X-"))
		value_tell_id(l, DIAG_WARNING, "unknown-section", "Unknown section '%s'. Ignoring.",
			      name);
	return NULL;
}

/* 0, also when the text was refused with an error in diags; -ENOMEM. */
static int apply_text(struct loading *l, const struct unit_text *text)
{
	cleanup_unitfile struct unitfile reader;
	const char *section = NULL;
	bool in_section = false;
	struct unitfile_item item;
	int r;

	unitfile_init(&reader, text->path, text->data, text->len);
	l->file = text->path;
	while ((r = unitfile_next(&reader, &item, l->diags)) > 0) {
		l->line = item.line;
		if (item.kind == UNITFILE_SECTION) {
			section = find_section(l, item.name);
			in_section = true;
		} else if (section) {
			r = directive_apply(l, section, item.name, item.value);
			if (r < 0)
				return r;
		} else if (!in_section) {
			diag_add(l->diags, DIAG_WARNING, l->file, l->line,
				 "Assignment outside of section. Ignoring.");
		}
	}
	return r == -EBADMSG ? 0 : r;
}

static int apply_texts(struct loading *l, const struct unit_text *texts, size_t n)
{
	struct unit *u = l->unit;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = apply_text(l, &texts[i]);
	if (r < 0 || n == 0)
		return r;
	u->fragment_path = strdup(texts[0].path);
	if (!u->fragment_path)
		return -ENOMEM;
	for (size_t i = 1; r == 0 && i < n; i++)
		r = strv_push(&u->dropin_paths, texts[i].path);
	return r;
}

static bool needs_notify(const struct unit *u)
{
	return u->type == SERVICE_NOTIFY || u->type == SERVICE_NOTIFY_RELOAD ||
	       u->fdstore_max > 0 || (u->watchdog > 0 && u->watchdog != USEC_INFINITY);
}

/* PermissionsStartOnly= is what "+" was before systemd 231, and stands in units to this day. */
static void privilege_control_commands(struct unit *u)
{
	for (size_t phase = 0; phase < EXEC_PHASE_MAX; phase++)
		if (phase != EXEC_START)
			for (size_t i = 0; i < u->exec[phase].n; i++)
				u->exec[phase].v[i].privileged = true;
}

/* The defaults that depend on other settings. */
static int resolve_defaults(struct loading *l)
{
	struct unit *u = l->unit;

	if (unit_is_point(u)) { /* it is reached at once, and stays so until it is stopped */
		u->type = SERVICE_ONESHOT;
		u->remain_after_exit = true;
		u->start_limit_interval = 0;
	}
	if (u->kind == UNIT_SOCKET) { /* what its processes have opened stays */
		u->type = SERVICE_ONESHOT;
		u->remain_after_exit = true;
		l->timeout_start_set = true;
	}
	if (u->type == SERVICE_TYPE_INVALID)
		u->type = u->bus_name		      ? SERVICE_DBUS
			  : u->exec[EXEC_START].n > 0 ? SERVICE_SIMPLE
						      : SERVICE_ONESHOT;
	if (u->type == SERVICE_ONESHOT && !l->timeout_start_set)
		u->timeout_start = USEC_INFINITY;
	if (!l->timeout_abort_set)
		u->timeout_abort = u->timeout_stop;
	if (u->notify_access == NOTIFY_ACCESS_NONE && needs_notify(u))
		u->notify_access = NOTIFY_ACCESS_MAIN;
	if (u->oom_policy == OOM_POLICY_INVALID)
		u->oom_policy = u->resources && u->resources->delegates ? OOM_POLICY_CONTINUE
									: OOM_POLICY_STOP;
	if (u->restart_kill_signal == 0)
		u->restart_kill_signal = u->kill_signal;
	if (u->permissions_start_only)
		privilege_control_commands(u);
	if (u->std_in.kind == STDIO_NULL && u->stdin_data)
		u->std_in.kind = STDIO_DATA;
	/*
	 * Our standard input is never a terminal or a socket, all that systemd duplicates to the
	 * output.
	 */
	if (u->std_out.kind == STDIO_INHERIT)
		u->std_out.kind = STDIO_LOG;
	return u->dynamic_user ? dynamic_user_imply(u) : 0;
}

/* What makes a unit unusable is what service_verify() of systemd refuses. */
static const char *find_fault(const struct unit *u)
{
	size_t starts = u->exec[EXEC_START].n;
	bool acts = u->success_action != UNIT_ACTION_NONE;

	if (unit_is_point(u))
		return NULL;
	if (u->kind == UNIT_SOCKET)
		return socket_fault(u);
	if (starts == 0 && u->exec[EXEC_STOP].n == 0 && !acts)
		return "Service has neither ExecStart= nor ExecStop=. Refusing.";
	if (u->type != SERVICE_ONESHOT && starts == 0)
		return "Service has no ExecStart=, which is only allowed for Type=oneshot "
		       "services. Refusing.";
	if (starts == 0 && !u->remain_after_exit && !acts)
		return "Service has no ExecStart= and does not have RemainAfterExit=yes set. "
		       "Refusing.";
	if (u->type != SERVICE_ONESHOT && starts > 1)
		return "Service has more than one ExecStart=, which is only allowed for "
		       "Type=oneshot services. Refusing.";
	if (u->type == SERVICE_ONESHOT &&
	    (u->restart == RESTART_ALWAYS || u->restart == RESTART_ON_SUCCESS))
		return "Service has Restart= set to either always or on-success, which isn't "
		       "allowed for Type=oneshot "
		       "services. Refusing.";
	if (u->type == SERVICE_DBUS && !u->bus_name)
		return "Service is of type D-Bus but no D-Bus service name has been specified. "
		       "Refusing.";
	if (u->type == SERVICE_FORKING && u->exit_type == EXIT_TYPE_CGROUP)
		return "Service has ExitType=cgroup set, which isn't allowed for Type=forking "
		       "services. "
		       "Refusing.";
	return NULL;
}

static void verify(const struct unit *u, struct diags *diags)
{
	const char *fault = find_fault(u);

	if (fault)
		diag_add(diags, DIAG_ERROR, u->fragment_path, 0, "%s", fault);
	if (u->type == SERVICE_ONESHOT && u->runtime_max != USEC_INFINITY)
		diag_add(diags, DIAG_WARNING, u->fragment_path,
			 0, "RuntimeMaxSec= has no effect in combination with Type=oneshot. Ignoring.");
	if (u->kill_mode == KILL_NONE)
		diag_add_id(diags, DIAG_WARNING, "kill-mode-none", u->fragment_path,
			    0, "KillMode=none lets every process of the service outlive its stop, which is unsafe.");
}

int unit_load(struct unit **out, const char *name, const struct unit_text *texts, size_t n,
	      const struct host_facts *host, struct diags *diags)
{
	cleanup_unit struct unit *u = unit_new(name);
	struct loading l = { .unit = u, .host = host, .diags = diags };
	size_t errors = diags->errors;
	int r;

	if (!u)
		return -ENOMEM;
	u->type = SERVICE_TYPE_INVALID;
	u->restart_kill_signal = 0;
	u->oom_policy = OOM_POLICY_INVALID;
	r = apply_texts(&l, texts, n);
	strv_free(l.ignored);
	if (r < 0)
		return r;
	r = resolve_defaults(&l);
	if (r == 0 && u->kind == UNIT_SOCKET)
		r = socket_complete(u);
	if (r < 0)
		return r;
	verify(u, diags);
	if (diags->errors > errors)
		return -EBADMSG;
	*out = TAKE_PTR(u);
	return 0;
}

static int load_install(struct unit **out, const char *name, const struct unit_text *texts,
			size_t n, const struct host_facts *host, struct diags *diags)
{
	cleanup_unit struct unit *u = unit_new(name);
	struct loading l = { .unit = u, .host = host, .install_only = true, .diags = diags };
	int r;

	if (!u)
		return -ENOMEM;
	r = apply_texts(&l, texts, n);
	strv_free(l.ignored);
	if (r < 0)
		return r;
	*out = TAKE_PTR(u);
	return 0;
}

int unit_load_install(struct unit **out, const char *name, const struct unit_text *texts, size_t n,
		      const struct host_facts *host, struct diags *diags)
{
	cleanup_diags struct diags again = DIAGS_INIT;
	cleanup_unit struct unit *u = NULL, *instance = NULL;
	cleanup_free char *instance_name = NULL;
	int r = load_install(&u, name, texts, n, host, diags);

	if (r < 0)
		return r;
	if (!u->default_instance || !unit_name_is_template(name)) {
		*out = TAKE_PTR(u);
		return 0;
	}
	instance_name = unit_name_instantiate(name, u->default_instance);
	if (!instance_name)
		return -ENOMEM;
	r = load_install(&instance, instance_name, texts, n, host, &again);
	if (r < 0)
		return r;
	free(instance->name);
	instance->name = TAKE_PTR(u->name);
	*out = TAKE_PTR(instance);
	return 0;
}
