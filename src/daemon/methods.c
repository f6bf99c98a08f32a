/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/methods.h"

#include <cgkill/protocol.h>
#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <sys/stat.h>

#include "core/resources.h"
#include "core/varlink.h"
#include "daemon/batch.h"
#include "daemon/clean.h"
#include "daemon/manager.h"
#include "daemon/monitor.h"
#include "daemon/reexec.h"
#include "daemon/render.h"
#include "daemon/resolve.h"
#include "daemon/scheduler.h"
#include "daemon/shutdown.h"
#include "daemon/stopchain.h"
#include "daemon/subtree.h"
#include "daemon/supervisor.h"
#include "sys/pidfd.h"
#include "sys/unitdir.h"
#include "util/log.h"
#include "util/strv.h"

/* ---- parameters ---- */

enum shape { SHAPE_INVALID, SHAPE_STRINGS, SHAPE_STRING, SHAPE_INTS, SHAPE_INT, SHAPE_BOOL };

struct param {
	const char *name;
	enum shape shape;
	bool required;
};

static bool has_shape(json_t *v, enum shape shape)
{
	json_t *item;
	size_t i;

	switch (shape) {
	case SHAPE_STRINGS:
		json_array_foreach(v, i, item)
			if (!json_is_string(item))
				return false;
		return json_is_array(v);
	case SHAPE_STRING:
		return json_is_string(v);
	case SHAPE_INTS:
		json_array_foreach(v, i, item)
			if (!json_is_integer(item))
				return false;
		return json_is_array(v);
	case SHAPE_INT:
		return json_is_integer(v) && json_integer_value(v) >= 0;
	case SHAPE_BOOL:
		return json_is_boolean(v);
	case SHAPE_INVALID:
		break;
	}
	return false;
}

/*
 * Each name that is not loaded costs a look through the unit directories, each pattern one at all units. Who may only look
 * gets few at a time, so that nobody else's deadline has to wait for it.
 */
#define LOOK_UNITS_MAX	 32
#define LOOK_MATCHES_MAX 128
/* fnmatch(3) takes up to 25 µs for a unit and a pattern, and Monitor's are looked at for each event. */
#define LOOK_GLOBS_MAX	 4

static bool is_too_many(const struct call *c, size_t n, size_t max)
{
	return call_access(c) <= ACCESS_LOOK && n > max;
}

/* A pattern that is longer than a name can be is of no use, and fnmatch(3) may take milliseconds for each unit. */
static bool is_too_much(const struct call *c, json_t *list)
{
	size_t i, globs = 0;
	json_t *item;

	json_array_foreach(list, i, item) {
		const char *text = json_string_value(item);
		bool glob = text && strpbrk(text, "*?[");

		if (glob && strlen(text) > UNIT_NAME_MAX)
			return true;
		globs += glob;
	}
	return is_too_many(c, json_array_size(list), LOOK_UNITS_MAX) ||
	       is_too_many(c, globs, LOOK_GLOBS_MAX);
}

/* Every parameter is known, of its shape and not too much; null counts as absent; else the call is answered. */
static bool check_params(struct call *c, json_t *params, const struct param *table, size_t n)
{
	const char *key;
	json_t *value;

	json_object_foreach(params, key, value) {
		size_t i = 0;

		while (i < n && !streq(table[i].name, key))
			i++;
		if (i == n || (!json_is_null(value) && !has_shape(value, table[i].shape)) ||
		    is_too_much(c, value)) {
			call_invalid(c, key);
			return false;
		}
	}
	for (size_t i = 0; i < n; i++) {
		value = json_object_get(params, table[i].name);
		if (table[i].required && (!value || json_is_null(value))) {
			call_invalid(c, table[i].name);
			return false;
		}
	}
	return true;
}

static bool get_bool(json_t *params, const char *name, bool otherwise)
{
	json_t *v = json_object_get(params, name);

	return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

static usec_t get_deadline(json_t *params)
{
	json_t *v = json_object_get(params, "deadlineUSec");

	return json_is_integer(v) ? usec_add(clock_now(), (usec_t)json_integer_value(v)) : USEC_INFINITY;
}

/* ---- jobs ---- */

static void run_job(struct call *c, json_t *params, struct manager *m, enum job_type type)
{
	batch_run(m, c,
		  &(struct batch_request){ .type = type,
					   .deadline = get_deadline(params),
					   .only_active = get_bool(params, "onlyActive", false),
					   .block = get_bool(params, "block", true) },
		  json_object_get(params, "units"));
}

static const struct param job_params[] = { { "units", SHAPE_STRINGS, true },
					   { "block", SHAPE_BOOL, false },
					   { "deadlineUSec", SHAPE_INT, false },
					   { "onlyActive", SHAPE_BOOL, false } };

static void method_start(struct call *c, json_t *params, void *arg)
{
	static const struct param table[] = { { "units", SHAPE_STRINGS, true },
					      { "block", SHAPE_BOOL, false },
					      { "onlyActive", SHAPE_BOOL, false } };

	if (check_params(c, params, table, ARRAY_SIZE(table)))
		run_job(c, params, arg, JOB_START);
}

static void method_reload(struct call *c, json_t *params, void *arg)
{
	if (check_params(c, params, job_params, 2))
		run_job(c, params, arg, JOB_RELOAD);
}

static void method_stop(struct call *c, json_t *params, void *arg)
{
	if (check_params(c, params, job_params, 3))
		run_job(c, params, arg, JOB_STOP);
}

static void method_restart(struct call *c, json_t *params, void *arg)
{
	if (check_params(c, params, job_params, 4))
		run_job(c, params, arg, JOB_RESTART);
}

/* ---- the queue ---- */

static void method_list_jobs(struct call *c, json_t *params, void *arg)
{
	const struct jobs *q = scheduler_queue(((struct manager *)arg)->scheduler);
	const struct job *j = NULL;
	json_t *list;

	if (!check_params(c, params, job_params, 0))
		return;
	list = json_array();
	while ((j = jobs_each(q, j)))
		json_array_append_new(list, render_job(q, j));
	call_reply(c, json_pack("{s:o}", "jobs", list), false);
}

/* The job of that number; NULL: none, and the call is answered. */
static struct job *find_job(struct call *c, const struct jobs *q, json_int_t id)
{
	struct job *j = id > 0 && id <= UINT32_MAX ? jobs_find(q, (uint32_t)id) : NULL;
	char text[32];

	if (j)
		return j;
	snprintf(text, sizeof(text), "%lld", (long long)id);
	call_error(c, "io.cgkill.manager.NoSuchJob", json_pack("{s:s}", "message", text));
	return NULL;
}

/* All or none: of those that are named. */
static void method_cancel_jobs(struct call *c, json_t *params, void *arg)
{
	static const struct param table[] = { { "ids", SHAPE_INTS, false } };
	struct scheduler *s = ((struct manager *)arg)->scheduler;
	const struct jobs *q = scheduler_queue(s);
	json_t *ids = json_object_get(params, "ids"), *id;
	const struct job *j;
	size_t i;

	if (!check_params(c, params, table, ARRAY_SIZE(table)))
		return;
	json_array_foreach(ids, i, id)
		if (!find_job(c, q, json_integer_value(id)))
			return;
	json_array_foreach(ids, i, id) {
		scheduler_cancel(s, jobs_find(q, (uint32_t)json_integer_value(id)), call_peer(c));
	}
	while (!json_is_array(ids) && (j = jobs_each(q, NULL)))
		scheduler_cancel(s, j->node->job, call_peer(c));
	call_reply(c, NULL, false);
}

/* ---- things done at once to each unit ---- */

struct at_once {
	struct manager *manager;
	struct call *call;
	const char *caller_path;
	enum whom whom;
	int signal;
};

typedef json_t *(*at_once_fn)(const struct at_once *x, struct supervised *sv);

static json_t *kill_one(const struct at_once *x, struct supervised *sv);

static void for_each_unit(const struct at_once *x, json_t *names, at_once_fn fn)
{
	struct resolved_list targets = { 0 };
	json_t *outcomes = json_array();

	if (!outcomes || resolve_units(x->manager, names, false, &targets) < 0 ||
	    (fn == kill_one && resolve_slices(x->manager, &targets) < 0)) {
		resolved_list_deinit(&targets);
		json_decref(outcomes);
		call_error(x->call, "io.cgkill.manager.OutOfMemory", NULL);
		return;
	}
	for (size_t i = 0; i < targets.n; i++) {
		const struct resolved *t = &targets.v[i];

		if (fn == kill_one && targets.n > 1 && t->service && t->service->unit->kind == UNIT_SLICE)
			continue; /* it has no processes but those of its services */
		json_array_append_new(outcomes,
				      t->service ? fn(x, t->service)
						 : render_problem(t->name, t->result, t->problem));
	}
	resolved_list_deinit(&targets);
	call_reply(x->call, json_pack("{s:o}", "outcomes", outcomes), false);
}

static json_t *kill_one(const struct at_once *x, struct supervised *sv)
{
	static const char *const nobody[] = { NULL, "No main process to kill",
					      "No control process to kill", "No process to kill" };
	usec_t since = clock_now();
	const char *who;
	ssize_t n;

	if (cg_is_open(&sv->cgroups.unit) &&
	    manager_guard(x->manager, sv->cgroups.unit.path, x->caller_path, &who) < 0)
		return render_outcome(
			sv, "refused",
			streq(who, "the caller")
				? "you are inside this unit's cgroup: ask from outside"
				: who,
			since, false);
	n = supervised_signal(sv, x->whom, x->signal, call_peer(x->call));
	if (n == -ESRCH)
		return render_outcome(sv, "no-process", nobody[x->whom], since, false);
	if (n < 0)
		return render_outcome(sv, "failed", strerror((int)-n), since, false);
	return render_outcome(sv, "done", NULL, since, true);
}

static enum whom parse_whom(const char *text)
{
	return !text || streq(text, "all") ? WHOM_ALL
	       : streq(text, "main")	   ? WHOM_MAIN
	       : streq(text, "control")	   ? WHOM_CONTROL
					   : WHOM_INVALID;
}

static void method_kill(struct call *c, json_t *params, void *arg)
{
	static const struct param table[] = { { "units", SHAPE_STRINGS, true },
					      { "whom", SHAPE_STRING, false },
					      { "signal", SHAPE_INT, true } };
	cleanup_free char *caller_path = NULL;
	struct at_once x = { .manager = arg, .call = c };
	json_int_t sig;

	if (!check_params(c, params, table, ARRAY_SIZE(table)))
		return;
	x.whom = parse_whom(json_string_value(json_object_get(params, "whom")));
	sig = json_integer_value(json_object_get(params, "signal"));
	if (x.whom == WHOM_INVALID || sig < 1 || sig > SIGRTMAX) {
		call_invalid(c, x.whom == WHOM_INVALID ? "whom" : "signal");
		return;
	}
	x.signal = (int)sig;
	if (cgroup_path_of(call_peer(c)->pid, &caller_path) == 0)
		x.caller_path = caller_path;
	for_each_unit(&x, json_object_get(params, "units"), kill_one);
}

static json_t *reset_one(const struct at_once *x, struct supervised *sv)
{
	usec_t since = clock_now();

	supervised_request(sv, EVENT_RESET_FAILED, USEC_INFINITY,
			   &(struct asker){ .peer = call_peer(x->call) }, NULL);
	return render_outcome(sv, "done", NULL, since, false);
}

static void method_reset_failed(struct call *c, json_t *params, void *arg)
{
	static const struct param table[] = { { "units", SHAPE_STRINGS, false } };
	cleanup_json json_t *all = json_pack("[s]", "*");
	struct at_once x = { .manager = arg, .call = c };
	json_t *names = json_object_get(params, "units");

	if (check_params(c, params, table, ARRAY_SIZE(table)))
		for_each_unit(&x, json_is_array(names) ? names : all, reset_one);
}

static void method_clean(struct call *c, json_t *params, void *arg)
{
	static const struct param table[] = { { "units", SHAPE_STRINGS, true },
					      { "what", SHAPE_STRINGS, false } };

	if (check_params(c, params, table, ARRAY_SIZE(table)))
		clean_units(c, arg, json_object_get(params, "units"), json_object_get(params, "what"));
}

/* ---- looking ---- */

static bool matches(json_t *patterns, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(patterns, i, item)
		if (fnmatch(json_string_value(item), name, 0) == 0)
			return true;
	return !json_is_array(patterns);
}

/* Targets are reached all the time, and little else can be said of them. */
static bool is_of_interest(const struct supervised *sv)
{
	return !unit_is_point(sv->unit) && (sv->machine.state != STATE_DEAD || sv->machine.populated);
}

/* type: "service" or "target"; NULL = both. */
static bool is_listed(const struct supervised *sv, const char *type, bool all)
{
	if (type && !ends_with(supervised_name(sv), type))
		return false;
	return all || is_of_interest(sv) || (type && sv->machine.state != STATE_DEAD);
}

/* What lives in a cgroup of ours under a name that no unit can have: shown, so that nobody has to look for it. */
static void add_strangers(const struct manager *m, json_t *rows, const struct cg *in, json_t *patterns)
{
	cleanup_strv char **names = NULL;

	(void)!subtree_children(m, in, &names);
	for (size_t i = 0; names && names[i]; i++) {
		bool slice = slice_name_valid(names[i]);
		struct cg cg = CG_INIT;

		if ((slice || !unit_name_valid(names[i])) && cg_open(&cg, in, names[i]) == 0 &&
		    cg_populated(&cg) == 1) {
			if (slice)
				add_strangers(m, rows, &cg, patterns);
			else if (matches(patterns, names[i]))
				json_array_append_new(rows, render_stranger(names[i]));
		}
		cg_close(&cg);
	}
}

static void method_list(struct call *c, json_t *params, void *arg)
{
	static const struct param table[] = { { "patterns", SHAPE_STRINGS, false },
					      { "all", SHAPE_BOOL, false },
					      { "type", SHAPE_STRING, false } };
	struct manager *m = arg;
	json_t *rows = json_array();
	struct supervised *sv;
	const char *type;
	bool all;

	if (!check_params(c, params, table, ARRAY_SIZE(table))) {
		json_decref(rows);
		return;
	}
	all = get_bool(params, "all", false);
	type = json_string_value(json_object_get(params, "type"));
	list_for_each(&m->services, sv, struct supervised, link)
		if (is_listed(sv, type, all) &&
		    matches(json_object_get(params, "patterns"), supervised_name(sv)))
			json_array_append_new(rows, render_row(sv));
	add_strangers(m, rows, &m->root, json_object_get(params, "patterns"));
	call_reply(c, json_pack("{s:o}", "units", rows), false);
}

static const struct param units_param[] = { { "units", SHAPE_STRINGS, true } };

static json_t *not_found_status(const struct resolved *t)
{
	return json_pack("{s:s, s:s, s:[], s:s, s:s, s:[], s:s, s:s, s:s, s:[], s:i, s:[], s:[], "
			 "s:[], s:i, s:[]}",
			 "unit", t->name, "description", t->name, "documentation", "loadState",
			 "not-found", "loadError", t->problem, "dropInPaths", "activeState",
			 "inactive", "subState", "dead", "result", "success", "commands", "tasks",
			 0, "processes", "survivors", "warnings", "restarts", 0, "trail");
}

static json_t *not_found_properties(const struct resolved *t)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "Id", t->name, "LoadState", "not-found",
			 "ActiveState", "inactive", "SubState", "dead");
}

static json_t *one_status(const struct resolved *t)
{
	return t->service ? render_status(t->service) : not_found_status(t);
}

static json_t *one_show(const struct resolved *t)
{
	return json_pack("{s:s, s:o}", "unit", t->service ? supervised_name(t->service) : t->name,
			 "properties",
			 t->service ? render_properties(t->service) : not_found_properties(t));
}

/* We read what only root may: what a unit's file says to nobody else is not for everybody who asks. */
static bool may_read(const struct call *c, const char *path)
{
	struct stat st;

	return call_access(c) == ACCESS_ADMIN || (stat(path, &st) == 0 && st.st_mode & S_IROTH);
}

static json_t *unit_file_list(const struct call *c, const struct manager *m, const char *name)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct unit_files files = { 0 };
	json_t *list = json_array();

	if (unitdir_read(m->unit_path, name, &files, &diags) == 0)
		for (size_t i = 0; i < files.n; i++) {
			/* What is not UTF-8 cannot be JSON text: json_stringn() says so with NULL. */
			json_t *text = may_read(c, files.v[i].path)
					       ? json_stringn(files.v[i].data, files.v[i].len)
					       : json_string("(not readable by everybody)");

			json_array_append_new(
				list, json_pack("{s:s, s:o}", "path", files.v[i].path, "text",
						text ? text : json_string("(not UTF-8 text)")));
		}
	unit_files_deinit(&files);
	return list;
}

/* Like GetStatus and Show: an array of one thing for each unit that was named. */
static void look_at_each(struct call *c, json_t *params, struct manager *m,
			 json_t *(*fn)(const struct resolved *))
{
	struct resolved_list targets;
	json_t *list = json_array();
	bool fits;

	if (!check_params(c, params, units_param, ARRAY_SIZE(units_param))) {
		json_decref(list);
		return;
	}
	if (!list || resolve_units(m, json_object_get(params, "units"), true, &targets) < 0) {
		json_decref(list);
		call_error(c, "io.cgkill.manager.OutOfMemory", NULL);
		return;
	}
	fits = !is_too_many(c, targets.n, LOOK_MATCHES_MAX);
	for (size_t i = 0; i < targets.n; i++) {
		if (fits)
			json_array_append_new(list, fn(&targets.v[i]));
		manager_drop_unused(m, targets.v[i].service);
	}
	resolved_list_deinit(&targets);
	if (fits) {
		call_reply(c, json_pack("{s:o}", "units", list), false);
	} else {
		json_decref(list);
		call_invalid(c, "units");
	}
}

static void method_status(struct call *c, json_t *params, void *arg)
{
	look_at_each(c, params, arg, one_status);
}

static void method_show(struct call *c, json_t *params, void *arg)
{
	look_at_each(c, params, arg, one_show);
}

static void method_cat(struct call *c, json_t *params, void *arg)
{
	struct manager *m = arg;
	json_t *list = json_array(), *item;
	size_t i;

	if (!check_params(c, params, units_param, ARRAY_SIZE(units_param))) {
		json_decref(list);
		return;
	}
	json_array_foreach(json_object_get(params, "units"), i, item) {
		cleanup_free char *name = manager_unit_name(json_string_value(item));
		json_t *files = name ? unit_file_list(c, m, name) : json_array();

		json_array_append_new(list, json_pack("{s:s, s:o}", "unit",
						      name ? name : json_string_value(item),
						      "files", files));
	}
	call_reply(c, json_pack("{s:o}", "units", list), false);
}

static void method_monitor(struct call *c, json_t *params, void *arg)
{
	static const struct param table[] = { { "units", SHAPE_STRINGS, false } };
	char **patterns = NULL;
	json_t *item;
	size_t i;

	if (!check_params(c, params, table, ARRAY_SIZE(table)))
		return;
	json_array_foreach(json_object_get(params, "units"), i, item) {
		const char *typed = json_string_value(item);
		char *name = strpbrk(typed, "*?[") ? strdup(typed) : manager_unit_name(typed);

		if (strv_push_take(&patterns, name) < 0) {
			strv_free(patterns);
			call_invalid(c, "units");
			return;
		}
	}
	monitor_new(arg, c, patterns);
}

/* ---- looking back and ahead ---- */

static bool would_be_stopped(const struct supervised *sv)
{
	return !service_state_is_ended(sv->machine.state) || sv->machine.populated;
}

static bool has_history(const struct supervised *sv)
{
	return sv->history.start.begin > 0 || sv->history.stop.begin > 0;
}

/* NULL: the call is answered. */
static struct supervised **take_services(struct call *c, const struct resolved_list *l)
{
	struct supervised **v = calloc(l->n + 1, sizeof(struct supervised *));

	if (!v) {
		call_error(c, "io.cgkill.manager.OutOfMemory", NULL);
		return NULL;
	}
	for (size_t i = 0; i < l->n; i++) {
		v[i] = l->v[i].service;
		if (v[i])
			continue;
		call_error(c, "io.cgkill.manager.NotLoaded",
			   json_pack("{s:s}", "message", l->v[i].name));
		free(v);
		return NULL;
	}
	return v;
}

/* The services that were named, or else those that are wanted; NULL: the call is answered. */
static struct supervised **select_services(struct call *c, json_t *names, struct manager *m,
					   bool (*wanted)(const struct supervised *), size_t *n)
{
	cleanup_json json_t *all = json_array();
	struct supervised **v, *sv;
	struct resolved_list targets;

	list_for_each(&m->services, sv, struct supervised, link)
		if (wanted(sv))
			json_array_append_new(all, json_string(supervised_name(sv)));
	if (resolve_units(m, json_is_array(names) ? names : all, false, &targets) < 0) {
		call_error(c, "io.cgkill.manager.OutOfMemory", NULL);
		return NULL;
	}
	v = take_services(c, &targets);
	*n = targets.n;
	resolved_list_deinit(&targets);
	return v;
}

static void method_stop_chain(struct call *c, json_t *params, void *arg)
{
	static const struct param table[] = { { "units", SHAPE_STRINGS, false },
					      { "budgetUSec", SHAPE_INT, false } };
	cleanup_free struct supervised **services = NULL;
	json_t *budget = json_object_get(params, "budgetUSec"), *reply;
	size_t n;

	if (!check_params(c, params, table, ARRAY_SIZE(table)))
		return;
	services = select_services(c, json_object_get(params, "units"), arg, would_be_stopped, &n);
	if (!services)
		return;
	/* To fit it takes a multiple of the time to tell. */
	if (json_is_integer(budget) && is_too_many(c, n, LOOK_UNITS_MAX)) {
		call_invalid(c, "budgetUSec");
		return;
	}
	reply = stopchain_render(services, n,
				 json_is_integer(budget) ? (usec_t)json_integer_value(budget)
							 : USEC_INFINITY);
	if (reply)
		call_reply(c, reply, false);
	else
		call_error(c, "io.cgkill.manager.OutOfMemory", NULL);
}

static void method_timelines(struct call *c, json_t *params, void *arg)
{
	static const struct param table[] = { { "units", SHAPE_STRINGS, false } };
	cleanup_free struct supervised **services = NULL;
	json_t *list;
	size_t n;

	if (!check_params(c, params, table, ARRAY_SIZE(table)))
		return;
	services = select_services(c, json_object_get(params, "units"), arg, has_history, &n);
	if (!services)
		return;
	list = json_array();
	for (size_t i = 0; i < n; i++)
		history_render(&services[i]->history, supervised_name(services[i]), list);
	call_reply(c, json_pack("{s:o}", "timelines", list), false);
}

/* ---- the manager itself ---- */

static void method_daemon_reload(struct call *c, json_t *params, void *arg)
{
	json_t *warnings = json_array();
	unsigned n;

	if (!check_params(c, params, units_param, 0)) {
		json_decref(warnings);
		return;
	}
	n = manager_reload(arg, warnings);
	call_reply(c, json_pack("{s:i, s:o}", "units", n, "warnings", warnings), false);
}

static void method_daemon_reexec(struct call *c, json_t *params, void *arg)
{
	if (check_params(c, params, units_param, 0))
		reexec_begin(arg, c);
}

static void method_shutdown(struct call *c, json_t *params, void *arg)
{
	static const struct param table[] = { { "deadlineUSec", SHAPE_INT, false } };

	if (check_params(c, params, table, ARRAY_SIZE(table)))
		shutdown_call(arg, c, get_deadline(params));
}

static void method_version(struct call *c, json_t *params, void *arg)
{
	const struct manager *m = arg;

	if (check_params(c, params, units_param, 0))
		call_reply(c,
			   json_pack("{s:s, s:i, s:s, s:s}", "version", PACKAGE_VERSION, "pid",
				     getpid(), "controlGroup", m->root.path, "spawn",
				     m->spawn_method == SPAWN_CLONE3 ? "clone3" : "attach"),
			   false);
}

#define METHOD(name) CGKILL_INTERFACE "." name

const struct method manager_methods[] = {
	{ METHOD("Start"), ACCESS_CONTROL, false, method_start },
	{ METHOD("Stop"), ACCESS_CONTROL, false, method_stop },
	{ METHOD("Restart"), ACCESS_CONTROL, false, method_restart },
	{ METHOD("Reload"), ACCESS_CONTROL, false, method_reload },
	{ METHOD("ListJobs"), ACCESS_LOOK, false, method_list_jobs },
	{ METHOD("CancelJobs"), ACCESS_CONTROL, false, method_cancel_jobs },
	{ METHOD("Kill"), ACCESS_CONTROL, false, method_kill },
	{ METHOD("ResetFailed"), ACCESS_CONTROL, false, method_reset_failed },
	{ METHOD("Clean"), ACCESS_ADMIN, false, method_clean },
	{ METHOD("List"), ACCESS_LOOK, false, method_list },
	{ METHOD("GetStatus"), ACCESS_LOOK, false, method_status },
	{ METHOD("Show"), ACCESS_LOOK, false, method_show },
	{ METHOD("Cat"), ACCESS_LOOK, false, method_cat },
	{ METHOD("GetStopChain"), ACCESS_LOOK, false, method_stop_chain },
	{ METHOD("GetTimelines"), ACCESS_LOOK, false, method_timelines },
	{ METHOD("Monitor"), ACCESS_LOOK, true, method_monitor },
	{ METHOD("DaemonReload"), ACCESS_ADMIN, false, method_daemon_reload },
	{ METHOD("DaemonReexec"), ACCESS_ADMIN, false, method_daemon_reexec },
	{ METHOD("Shutdown"), ACCESS_ADMIN, false, method_shutdown },
	{ METHOD("GetVersion"), ACCESS_LOOK, false, method_version },
	{ NULL, ACCESS_INVALID, false, NULL },
};
