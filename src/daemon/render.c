/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/render.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "core/load.h"
#include "core/socket.h"
#include "daemon/check.h"
#include "daemon/child.h"
#include "daemon/escape.h"
#include "daemon/fdstore.h"
#include "daemon/manager.h"
#include "daemon/notify.h"
#include "daemon/process.h"
#include "daemon/scheduler.h"
#include "daemon/slices.h"
#include "daemon/sockets.h"
#include "sys/cgfile.h"
#include "sys/facts.h"
#include "util/buf.h"
#include "util/parse.h"
#include "util/strv.h"

/* More than this many processes are counted, not shown. */
#define PROCESSES_MAX 64

static const char *const load_names[] = { NULL, "loaded", "not-found", "error", "masked" };

static const char *load_state_name(enum load_state s)
{
	return load_names[s];
}

/* ---- small pieces ---- */

static void set_usec(json_t *o, const char *key, usec_t t)
{
	json_object_set_new(o, key, t == USEC_INFINITY ? json_null() : json_integer((json_int_t)t));
}

static void set_string(json_t *o, const char *key, const char *s)
{
	json_object_set_new(o, key, s ? json_string(s) : json_null());
}

/* As set_string(), for what may be hidden or empty: left out then. */
static void set_known(json_t *o, const char *key, const char *s)
{
	if (s && *s)
		json_object_set_new(o, key, json_string(s));
}

static void set_pid(json_t *o, const char *key, const struct process *p)
{
	json_object_set_new(o, key, p ? json_integer(p->pid) : json_null());
}

static json_t *strings(char *const *v)
{
	json_t *list = json_array();

	for (size_t i = 0; v && v[i]; i++)
		json_array_append_new(list, json_string(v[i]));
	return list;
}

/* Of whom nothing is known but that he lives in a cgroup of ours. */
#define UNKNOWN "unknown"

static bool is_stranger(const struct supervised *sv)
{
	return sv->stranger && sv->machine.populated && service_state_is_ended(sv->machine.state);
}

static const char *active_state(const struct supervised *sv)
{
	return is_stranger(sv) ? UNKNOWN : service_active_state(sv->machine.state);
}

static const char *sub_state(const struct supervised *sv)
{
	return is_stranger(sv) ? UNKNOWN : supervised_sub_state(sv);
}

/* ---- rows, progress ---- */

static void add_listens(json_t *o, const struct unit *u)
{
	cleanup_free char *service = socket_service_name(u);
	json_t *list = json_array();

	for (size_t i = 0; i < u->socket->n_listens; i++)
		json_array_append_new(list, json_sprintf("%s (%s)", u->socket->listens[i].address,
							 listen_kind_name(u->socket->listens[i].kind)));
	json_object_set_new(o, "listen", list);
	set_string(o, "activates", service);
}

json_t *render_row(struct supervised *sv)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s}", "unit", supervised_name(sv), "loadState",
			      load_state_name(sv->load_state), "activeState", active_state(sv),
			      "subState", sub_state(sv), "description",
			      sv->unit->description ? sv->unit->description : supervised_name(sv));

	if (o && sv->unit->kind == UNIT_SOCKET && sv->unit->socket)
		add_listens(o, sv->unit);
	return o;
}

json_t *render_stranger(const char *cgroup)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "unit", cgroup, "loadState", "not-found",
			 "activeState", UNKNOWN, "subState", UNKNOWN, "description",
			 "a cgroup that is no unit's");
}

/* Of a service its own, of a slice the one of all that is in it. NULL: there is none. */
static const struct cg *cgroup_of(const struct supervised *sv)
{
	const struct slice *s =
		sv->unit->kind == UNIT_SLICE ? slices_find(sv->manager, supervised_name(sv)) : NULL;

	return s ? &s->cg : cg_is_open(&sv->cgroups.unit) ? &sv->cgroups.unit : NULL;
}

static ssize_t count_processes(const struct supervised *sv)
{
	const struct cg *cg = cgroup_of(sv);
	ssize_t n = cg ? cg_count(cg) : 0;

	return n < 0 ? 0 : n;
}

json_t *render_progress(struct supervised *sv)
{
	json_t *o = json_pack("{s:s, s:s, s:I}", "unit", supervised_name(sv), "subState",
			      sub_state(sv), "processes", (json_int_t)count_processes(sv));

	set_usec(o, "stageEndsUSec", service_next_timer(&sv->machine));
	set_usec(o, "deadlineUSec", sv->machine.deadline);
	return o;
}

/* ---- survivors ---- */

static json_t *render_survivor(const struct supervised *sv, const struct process_facts *f)
{
	char reason[256], state[2] = { f->state, '\0' };
	json_t *o = json_pack("{s:i, s:s, s:s, s:s}", "pid", f->pid, "comm", f->comm, "state",
			      state, "reason", explain_reason(f, reason, sizeof(reason)));

	if (!o)
		return NULL;
	set_known(o, "wchan", f->wchan);
	set_known(o, "syscall", f->syscall);
	set_known(o, "file", f->file);
	set_known(o, "mount", f->mount);
	set_known(o, "stack", f->stack);
	if (sv->machine.state == STATE_STUCK)
		set_usec(o, "sinceUSec", sv->stuck_since);
	return o;
}

/* One that hangs so that it cannot even be read is not tried again for a while. */
#define HANG_PAUSE (10 * USEC_PER_SEC)

/* For which the loop stands still. */
#define READING_TIME (100 * USEC_PER_MSEC)

/* PROCESSES_MAX facts, which the caller frees; NULL without memory. */
static struct process_facts *read_members(struct supervised *sv, ssize_t *n)
{
	struct process_facts *facts = calloc(PROCESSES_MAX, sizeof(*facts));
	const struct cg *cg = cgroup_of(sv);
	int hanging = -1;
	size_t total;

	*n = 0;
	if (facts && cg && clock_now() < sv->hangs_until)
		*n = facts_names(cg, facts, PROCESSES_MAX, &total);
	else if (facts && cg)
		*n = facts_read(cg, facts, PROCESSES_MAX, &total, READING_TIME, &hanging);
	if (hanging >= 0) {
		sv->hangs_until = usec_add(clock_now(), HANG_PAUSE);
		child_await(sv->manager->loop, hanging);
	}
	return facts;
}

static json_t *render_survivors(struct supervised *sv)
{
	json_t *list = json_array();
	struct process_facts *facts;
	ssize_t n;

	facts = read_members(sv, &n);
	for (ssize_t i = 0; i < n; i++)
		json_array_append_new(list, render_survivor(sv, &facts[i]));
	free(facts);
	escape_add_survivors(sv, list);
	return list;
}

static bool has_survivors(const struct supervised *sv)
{
	enum service_state s = sv->machine.state;

	return (service_state_is_over(s) || s == STATE_STUCK) &&
	       (sv->machine.populated || escape_remains(sv));
}

json_t *render_outcome(struct supervised *sv, const char *result, const char *message, usec_t since,
		       bool with_trail)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "unit", supervised_name(sv), "result", result,
			      "activeState", active_state(sv), "subState", sub_state(sv));

	if (!o)
		return NULL;
	if (message)
		json_object_set_new(o, "message", json_string(message));
	if (has_survivors(sv))
		json_object_set_new(o, "survivors", render_survivors(sv));
	if (service_state_is_ended(sv->machine.state))
		json_object_set_new(o, "activatedBy", sockets_render(sv));
	if (with_trail || trail_has_kill(&sv->trail, since))
		json_object_set_new(o, "trail", trail_json(&sv->trail, supervised_name(sv), since));
	return o;
}

json_t *render_problem(const char *name, const char *result, const char *message)
{
	return json_pack("{s:s, s:s, s:s}", "unit", name, "result", result, "message", message);
}

json_t *render_job(const struct jobs *q, const struct job *j)
{
	const struct job *other = job_waits_on(q, j);
	json_t *o = json_pack("{s:i, s:s, s:s, s:s}", "id", (int)j->id, "unit", j->node->name,
			      "type", job_type_name(j->type), "state", job_state_name(j->state));

	if (o && other)
		json_object_set_new(o, "waitsFor", json_string(other->node->name));
	return o;
}

/* ---- status ---- */

static json_t *render_processes(const struct process_facts *facts, ssize_t n)
{
	json_t *list = json_array();

	for (ssize_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:i, s:s, s:s}", "pid", facts[i].pid, "cgroup",
						      facts[i].cgroup, "command", facts[i].cmdline));
	return list;
}

static char *join_argv(const struct exec_command *c)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; c->argv && c->argv[i]; i++)
		buf_printf(&b, "%s%s", i > 0 ? " " : "", c->argv[i]);
	return buf_take(&b);
}

static void set_exit(json_t *o, const char *code_key, const char *status_key, struct exit_info e)
{
	set_string(o, code_key, exit_code_name(e.code));
	json_object_set_new(o, status_key,
			    e.code && e.code != EXIT_UNKNOWN ? json_integer(e.status) : json_null());
}

static json_t *render_commands(const struct supervised *sv)
{
	json_t *list = json_array();

	for (unsigned phase = 0; phase < EXEC_PHASE_MAX; phase++) {
		const struct exec_commands *commands = &sv->unit->exec[phase];

		for (size_t i = 0; i < commands->n; i++) {
			cleanup_free char *line = join_argv(&commands->v[i]);
			json_t *o = json_pack("{s:s, s:s}", "kind", exec_phase_name(phase),
					      "command", line ? line : "");

			if (sv->last[phase].pid > 0 && i + 1 == commands->n) {
				json_object_set_new(o, "pid", json_integer(sv->last[phase].pid));
				set_exit(o, "code", "status", sv->last[phase].exit);
			}
			json_array_append_new(list, o);
		}
	}
	return list;
}

static void add_unit_facts(json_t *o, struct supervised *sv)
{
	const struct unit *u = sv->unit;

	set_string(o, "description", u->description ? u->description : u->name);
	json_object_set_new(o, "documentation", strings(u->documentation));
	json_object_set_new(o, "activatedBy", sockets_render(sv));
	if (u->kind == UNIT_SOCKET && u->socket)
		add_listens(o, u);
	set_string(o, "loadState", load_state_name(sv->load_state));
	set_string(o, "loadError", sv->load_error);
	set_string(o, "fragmentPath", u->fragment_path);
	json_object_set_new(o, "dropInPaths", strings(u->dropin_paths));
	json_object_set_new(o, "warnings", strings(sv->warnings));
	json_object_set_new(o, "commands", render_commands(sv));
}

static void add_words(json_t *o, const struct supervised *sv)
{
	const struct notify *n = sv->notify;

	set_string(o, "statusText", n ? n->status : NULL);
	json_object_set_new(o, "statusErrno", n && n->error ? json_integer(n->error) : json_null());
	set_string(o, "statusBusError", n ? n->bus_error : NULL);
	json_object_set_new(o, "storedDescriptors",
			    json_integer((json_int_t)fdstore_count(sv->fdstore)));
}

static void add_check(json_t *o, const struct supervised *sv)
{
	set_string(o, "checkReason", check_reason(sv));
	set_usec(o, "checkRealUSec", check_time(sv) ? check_time(sv) : USEC_INFINITY);
}

/* What the cgroup uses, and may use, as far as the kernel counts it there. */
static const struct usage {
	const char *member, *property, *file, *key; /* key: NULL = the file is one number */
	uint64_t factor;
} usages[] = {
	{ "tasksLimit", NULL, "pids.max", NULL, 1 },
	{ "memory", "MemoryCurrent", "memory.current", NULL, 1 },
	{ "memoryPeak", "MemoryPeak", "memory.peak", NULL, 1 },
	{ "memoryLimit", NULL, "memory.max", NULL, 1 },
	{ "cpuNSec", "CPUUsageNSec", "cpu.stat", "usage_usec", 1000 },
};

/* False: not counted; UINT64_MAX: no limit. */
static bool read_usage(const struct cg *cg, const struct usage *u, uint64_t *out)
{
	int r = !cg	 ? -ENOENT
		: u->key ? cgfile_key(cg->fd, u->file, u->key, out)
			 : cgfile_number(cg->fd, u->file, out);

	if (r == 0 && *out != UINT64_MAX)
		*out *= u->factor;
	return r == 0;
}

static void add_usage(json_t *o, const struct cg *cg)
{
	uint64_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(usages); i++)
		if (read_usage(cg, &usages[i], &n) && n <= INT64_MAX)
			json_object_set_new(o, usages[i].member, json_integer((json_int_t)n));
}

static void add_life(json_t *o, struct supervised *sv)
{
	const struct service *s = &sv->machine;
	const struct cg *cg = cgroup_of(sv);
	struct process_facts *facts;
	const char *comm = NULL;
	ssize_t n;

	facts = read_members(sv, &n);
	for (ssize_t i = 0; i < n; i++)
		if (sv->main && facts[i].pid == sv->main->pid)
			comm = facts[i].comm;
	set_string(o, "activeState", active_state(sv));
	set_string(o, "subState", sub_state(sv));
	set_string(o, "result", service_result_name(s->result));
	set_usec(o, "sinceRealUSec", sv->real_since ? sv->real_since : USEC_INFINITY);
	set_usec(o, "sinceUSec", sv->real_since ? s->state_since : USEC_INFINITY);
	set_usec(o, "stageEndsUSec", service_next_timer(s));
	set_usec(o, "deadlineUSec", s->deadline);
	set_pid(o, "mainPid", sv->main);
	set_pid(o, "controlPid", sv->control);
	add_words(o, sv);
	add_check(o, sv);
	set_string(o, "mainCommand", comm);
	set_exit(o, "mainCode", "mainStatus", s->main_exit);
	set_string(o, "controlGroup", cg ? cg->path : NULL);
	add_usage(o, cg);
	json_object_set_new(o, "tasks", json_integer((json_int_t)count_processes(sv)));
	json_object_set_new(o, "processes", render_processes(facts, n));
	json_object_set_new(o, "survivors", has_survivors(sv) ? render_survivors(sv) : json_array());
	json_object_set_new(o, "escapes", escape_render(sv));
	json_object_set_new(o, "restarts", json_integer(s->n_restarts));
	json_object_set_new(o, "trail", trail_json(&sv->trail, supervised_name(sv), 0));
	free(facts);
}

json_t *render_status(struct supervised *sv)
{
	json_t *o = json_pack("{s:s}", "unit", supervised_name(sv));

	if (!o)
		return NULL;
	add_unit_facts(o, sv);
	add_life(o, sv);
	return o;
}

/* ---- show ---- */

static void add_property(const char *key, const char *value, void *arg)
{
	json_object_set_new(arg, key, json_string(value));
}

static void add_number(json_t *o, const char *key, long long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", value);
	json_object_set_new(o, key, json_string(text));
}

static void add_timestamp(json_t *o, const char *key, usec_t real)
{
	char text[64] = "";
	time_t seconds = (time_t)(real / USEC_PER_SEC);
	struct tm tm;

	if (real > 0 && localtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%a %Y-%m-%d %H:%M:%S %Z", &tm);
	json_object_set_new(o, key, json_string(text));
}

/* As systemctl says it of what is not counted. */
static void add_usage_properties(json_t *o, const struct cg *cg)
{
	for (size_t i = 0; i < ARRAY_SIZE(usages); i++) {
		char text[24] = "[not set]";
		uint64_t n;

		if (!usages[i].property)
			continue;
		if (read_usage(cg, &usages[i], &n))
			snprintf(text, sizeof(text), "%" PRIu64, n);
		set_string(o, usages[i].property, text);
	}
}

/* What others say of it. systemctl has [Install] nowhere, and these names for this. */
static void add_reverse_links(json_t *o, const struct supervised *sv)
{
	static const struct {
		enum dependency dep;
		const char *key;
	} links[] = { { DEP_REQUIRES, "RequiredBy" },
		      { DEP_REQUISITE, "RequisiteOf" },
		      { DEP_WANTS, "WantedBy" },
		      { DEP_BINDS_TO, "BoundBy" },
		      { DEP_UPHOLDS, "UpheldBy" } };
	const struct graph_node *other;

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		cleanup_buf struct buf names = BUF_INIT;

		graph_for_each(scheduler_graph(sv->manager->scheduler), sv->node,
			       LINK_FROM(links[i].dep), other)
			buf_printf(&names, "%s%s", names.len > 0 ? " " : "", other->name);
		set_string(o, links[i].key, names.data ? names.data : "");
	}
}

static void add_abilities(json_t *o, const struct supervised *sv)
{
	const struct unit *u = sv->unit;
	const bool loaded = sv->load_state == LOAD_LOADED;
	const bool reloads = u->exec[EXEC_RELOAD].n > 0 || u->type == SERVICE_NOTIFY_RELOAD;

	set_string(o, "CanStart", loaded && !u->refuse_manual_start ? "yes" : "no");
	set_string(o, "CanStop", loaded && !u->refuse_manual_stop ? "yes" : "no");
	set_string(o, "CanReload", loaded && reloads ? "yes" : "no");
}

json_t *render_properties(struct supervised *sv)
{
	const struct service *s = &sv->machine;
	const struct cg *cg = cgroup_of(sv);
	json_t *o = json_object();

	if (!o)
		return NULL;
	set_string(o, "Id", supervised_name(sv));
	set_string(o, "Description",
		   sv->unit->description ? sv->unit->description : supervised_name(sv));
	set_string(o, "LoadState", load_state_name(sv->load_state));
	set_string(o, "ActiveState", active_state(sv));
	set_string(o, "SubState", sub_state(sv));
	set_string(o, "FragmentPath", sv->unit->fragment_path ? sv->unit->fragment_path : "");
	set_string(o, "Result", service_result_name(s->result));
	set_string(o, "ReloadResult", service_result_name(s->reload_result));
	add_number(o, "MainPID", sv->main ? sv->main->pid : 0);
	add_number(o, "ControlPID", sv->control ? sv->control->pid : 0);
	add_number(o, "ExecMainPID", sv->last[EXEC_START].pid);
	add_number(o, "ExecMainCode", MAX_OF(s->main_exit.code, 0));
	add_number(o, "ExecMainStatus", s->main_exit.status);
	add_number(o, "NRestarts", s->n_restarts);
	set_string(o, "StatusText", sv->notify && sv->notify->status ? sv->notify->status : "");
	add_number(o, "StatusErrno", sv->notify ? sv->notify->error : 0);
	set_string(o, "StatusBusError",
		   sv->notify && sv->notify->bus_error ? sv->notify->bus_error : "");
	add_number(o, "NFileDescriptorStore", (long long)fdstore_count(sv->fdstore));
	add_number(o, "TasksCurrent", count_processes(sv));
	set_string(o, "ControlGroup", cg ? cg->path : "");
	add_usage_properties(o, cg);
	add_timestamp(o, "StateChangeTimestamp", sv->real_since);
	set_string(o, "ConditionResult", check_conditions_met(sv) ? "yes" : "no");
	set_string(o, "AssertResult", check_asserts_met(sv) ? "yes" : "no");
	add_timestamp(o, "ConditionTimestamp", check_time(sv));
	if (sv->load_state == LOAD_LOADED)
		unit_show(sv->unit, add_property, o);
	if (sv->notify && sv->notify->access != NOTIFY_ACCESS_INVALID)
		set_string(o, "NotifyAccess", notify_access_name(sv->notify->access));
	add_reverse_links(o, sv);
	add_abilities(o, sv);
	return o;
}
