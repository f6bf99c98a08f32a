/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/processes.h"

#include <errno.h>

#include "core/resources.h"
#include "daemon/deathwatch.h"
#include "daemon/escape.h"
#include "daemon/fdstore.h"
#include "daemon/guard.h"
#include "daemon/killer.h"
#include "daemon/logs.h"
#include "daemon/mainpid.h"
#include "daemon/manager.h"
#include "daemon/namespaces.h"
#include "daemon/notify.h"
#include "daemon/oom.h"
#include "daemon/process.h"
#include "daemon/resources.h"
#include "daemon/signals.h"
#include "daemon/slices.h"
#include "daemon/sockets.h"
#include "daemon/supervisor.h"
#include "util/log.h"
#include "util/ownmem.h"
#include "util/parse.h"

/* ---- their end ---- */

static void log_exit(const struct supervised *sv, const char *what, struct exit_info e)
{
	const char *name = e.code == CLD_EXITED ? exit_status_name(e.status) : signal_name(e.status);

	log_at(e.code == CLD_EXITED && e.status == 0 ? LOG_DEBUG_ : LOG_NOTICE_,
	       "%s: %s process exited, code=%s, status=%d/%s", supervised_name(sv), what,
	       exit_code_name(e.code), e.status, name ? name : "n/a");
}

struct leftovers {
	struct killer *killer;
	struct cg leaf;
	struct event held; /* what goes on once they are gone */
};

void processes_drop_leftovers(struct supervised *sv)
{
	struct leftovers *l = TAKE_PTR(sv->leftovers);

	if (!l)
		return;
	killer_free(l->killer);
	cg_close(&l->leaf);
	free(l);
}

void processes_halt_leftovers(struct supervised *sv)
{
	if (sv->leftovers)
		killer_halt(sv->leftovers->killer);
}

static void on_leaf_killed(struct killer *k, enum kill_status status)
{
	struct supervised *sv = k->owner;
	struct event held = sv->leftovers->held;

	if (status == KILL_STUCK)
		log_warning("%s: what an Exec*Pre command left behind does not die",
			    supervised_name(sv));
	processes_drop_leftovers(sv);
	supervised_feed(sv, &held);
}

/*
 * What ExecCondition= and ExecStartPre= leave behind is killed before the next command runs:
 * systemd.service(5). True when there is something, and the event is held back until it is gone.
 */
static bool clear_leftovers(struct supervised *sv, const struct event *ev)
{
	enum service_state state = sv->machine.state;
	struct leftovers *l;

	if (state != STATE_CONDITION && state != STATE_START_PRE)
		return false;
	l = malloc(sizeof(*l));
	if (!l)
		return false;
	*l = (struct leftovers){ .leaf = CG_INIT, .held = *ev };
	sv->leftovers = l;
	if (cgroups_open_control(&sv->cgroups, &l->leaf) == 0 && cg_populated(&l->leaf) == 1)
		l->killer = killer_new(sv->manager->loop, &l->leaf, 0, -1, sv->unit->kill_verify, 0,
				       sv, on_leaf_killed);
	if (l->killer)
		return true;
	processes_drop_leftovers(sv);
	return false;
}

static int spawn_again(struct supervised *sv, struct process *dead);

/* It has ended: what can be known of it, and of who is the main process now, comes before its end. False: nobody asks any more. */
static bool prepare_end(struct supervised *sv, const struct process *p)
{
	notify_drain(sv, p);
	oom_look(sv->oom);
	if (p->is_main)
		sockets_receive(sv);
	return p->owner && !(p->is_main && sv->main && sv->main != p);
}

static void on_process_exit(struct process *p, struct exit_info e)
{
	struct supervised *sv = p->owner;
	struct event ev = { .kind = p->is_main ? EVENT_MAIN_EXIT : EVENT_CONTROL_EXIT,
			    .is_main = p->is_main,
			    .deadline = USEC_INFINITY };

	if (!prepare_end(sv, p))
		return;
	if (e.code == EXIT_UNKNOWN)
		(void)guard_exit_of(sv->manager->guard, &(struct process_id){ p->pid, p->identity }, &e);
	if (e.code == EXIT_UNKNOWN)
		(void)deathwatch_told(&sv->manager->deathwatch, p->pid, &e);
	ev.exit = e;
	if (!p->born && !p->killed && e.code == CLD_KILLED && e.status == SIGKILL &&
	    spawn_again(sv, p) == 0)
		return;
	if (p->is_main)
		sv->main = NULL;
	else
		sv->control = NULL;
	if (sv->last[p->phase].pid == p->pid)
		sv->last[p->phase].exit = e;
	supervised_tell(sv, &(struct trail_event){ .kind = TRAIL_EXIT,
						   .exit = { p->pid, e, p->is_main } });
	log_exit(sv, p->is_main ? "Main" : "Control", e);
	if (p->is_main && mainpid_follow(sv))
		return;
	if (!p->is_main && clear_leftovers(sv, &ev))
		return;
	/* The truth about the cgroup first, so that a stage that nobody is left for is not entered. */
	supervised_look(sv);
	if (p->is_main)
		signals_send_rest(sv);
	supervised_feed(sv, &ev);
}

static void on_process_exec(struct process *p)
{
	struct supervised *sv = p->owner;

	if (p->is_main)
		supervised_feed(sv, &(struct event){ .kind = EVENT_EXECED,
						     .is_main = true,
						     .deadline = USEC_INFINITY });
}

static void on_process_report(struct process *p, const struct spawn_report *r)
{
	struct supervised *sv = p->owner;
	const struct exec_commands *list = &sv->unit->exec[p->phase];
	const char *path = p->index < list->n ? list->v[p->index].path
					      : "?"; /* a reload may have taken it away */
	const char *what = *r->what ? r->what : path;

	if (r->step & EXEC_STEP_WARNING)
		log_warning("%s: step %s refused by the host, going on: %s: %s", supervised_name(sv),
			    exec_step_name(r->step), what, strerror((int)r->error));
	else
		log_error("%s: failed at step %s spawning %s: %s%s%s", supervised_name(sv),
			  exec_step_name(r->step), path, r->what, *r->what ? ": " : "",
			  strerror((int)r->error));
	logs_tell(sv->manager->logs, sv, "%s at step %s%s%s: %s: %s",
		  r->step & EXEC_STEP_WARNING ? "refused by the host" : "failed",
		  exec_step_name(r->step), *r->what ? ", " : "", r->what, path,
		  strerror((int)r->error));
}

static void set_callbacks(struct supervised *sv, struct process *p)
{
	p->owner = sv;
	p->guarded = sv->manager->guard;
	p->on_report = on_process_report;
	p->on_exec = on_process_exec;
	p->on_exit = on_process_exit;
}

void processes_change_main(struct supervised *sv, struct process *p)
{
	set_callbacks(sv, p);
	signals_send_rest(sv); /* it is one of them still */
	process_abandon(sv->main);
	sv->main = p;
	sv->last[EXEC_START] = (struct last_command){ .pid = p->pid };
	mainpid_stop_waiting(sv);
	supervised_feed(sv, &(struct event){ .kind = EVENT_MAIN_PID, .deadline = USEC_INFINITY });
}

static void on_oom(void *arg)
{
	supervised_feed(arg, &(struct event){ .kind = EVENT_OOM, .deadline = USEC_INFINITY });
}

void processes_watch_oom(struct supervised *sv)
{
	if (!sv->oom && sv->manager->oom_told)
		sv->oom = oom_new(sv->manager->loop, &sv->cgroups.unit, on_oom, sv);
}

/* The cgroup that it is born in: the leaf, or with DelegateSubgroup= one in that. */
static int open_birthplace(struct supervised *sv, struct exec_context *x, char **delegated,
			   struct cg *leaf, struct cg *out)
{
	const struct resources *wanted = sv->unit->resources;
	int r = x->is_main ? cgroups_main_leaf(&sv->cgroups, leaf)
			   : cgroups_control_leaf(&sv->cgroups, leaf);

	if (r < 0 || !x->is_main || !wanted || !wanted->delegates)
		return r;
	resources_delegate(sv, leaf);
	r = hierarchy_file_path(&sv->manager->hierarchy, leaf->path, delegated);
	x->delegated = *delegated;
	return r == 0 && wanted->subgroup ? cg_create(out, leaf, wanted->subgroup) : r;
}

int processes_start(struct supervised *sv, bool is_main, enum exec_phase phase, size_t index)
{
	struct manager *m = sv->manager;
	const struct exec_commands *list = &sv->unit->exec[phase];
	bool tells_result = phase == EXEC_STOP || phase == EXEC_STOP_POST;
	struct exec_context x = { .unit = sv->unit,
				  .command = index < list->n ? &list->v[index] : NULL,
				  .host = &m->host,
				  .strict = m->strict,
				  .fifo_dir = logs_prepare(m->logs, sv),
				  .log_target = m->log_target,
				  .log_dir = m->log_dir,
				  .nice = m->nice,
				  .no_file = &m->no_file,
				  .main_pid = !is_main && sv->main ? sv->main->pid : 0,
				  .result = tells_result ? sv->machine.result : RESULT_INVALID,
				  .main_exit = sv->machine.main_exit,
				  .is_main = is_main,
				  .spawn = is_main ? sv->main_spawn : sv->control_spawn,
				  .runtime_dir = m->runtime_dir,
				  .watchdog = is_main ? sv->unit->watchdog : 0 };
	struct process *p = x.command ? own_alloc(sizeof(*p)) : NULL;
	cleanup_free char *delegated = NULL;
	struct cg leaf = CG_INIT, within = CG_INIT;
	int r = p	    ? slices_open_cgroup(sv)
		: x.command ? -ENOMEM
			    : -ENOENT; /* its unit was changed while nobody looked */

	if (r == 0)
		r = resources_limit_unit(sv);
	if (r == 0)
		r = notify_open(sv);
	if (r == 0 && is_main)
		r = sv->unit->kind == UNIT_SOCKET ? sockets_prepare(sv, &x.fds)
						  : sockets_list(sv, &x.fds);
	if (r == 0)
		r = namespaces_list(sv, &x.fds);
	if (r == 0)
		r = open_birthplace(sv, &x, &delegated, &leaf, &within);
	if (r == 0) {
		*p = (struct process){
			.is_main = is_main, .phase = phase, .index = index, .pidfd = -1, .report_fd = -1
		};
		set_callbacks(sv, p);
		x.unit_fd = sv->cgroups.unit.fd;
		x.unit_id = sv->cgroups.unit.id;
		x.notify_socket = notify_socket_for(sv, is_main);
		processes_watch_oom(sv);
		r = process_start(p, m->loop, cg_is_open(&within) ? &within : &leaf,
				  &m->spawn_method, &x);
	}
	cg_close(&within);
	cg_close(&leaf);
	free(x.fds.v);
	free(x.fds.names);
	if (r < 0) {
		own_free(p, sizeof(*p));
		return r;
	}
	process_abandon(is_main ? sv->main : sv->control);
	*(is_main ? &sv->main : &sv->control) = p;
	sv->last[phase] = (struct last_command){ .pid = p->pid };
	escape_follow(sv, p);
	supervised_tell(sv, &(struct trail_event){ .kind = TRAIL_SPAWN, .spawn = { p->pid, phase } });
	return 0;
}

/*
 * Killed by the kernel at birth: somebody has used cgroup.kill on a cgroup on the way since the probe at our start. From
 * now on children join their cgroup by themselves, and this one gets another try.
 */
static int spawn_again(struct supervised *sv, struct process *dead)
{
	struct manager *m = sv->manager;
	bool is_main = dead->is_main;

	if (m->spawn_method != SPAWN_CLONE3 || dead->index >= sv->unit->exec[dead->phase].n)
		return -EALREADY;
	m->spawn_method = SPAWN_ATTACH;
	log_notice("clone3 into a cgroup is poisoned by an earlier cgroup.kill: starting services "
		   "by fork and cgroup.procs from now on");
	*(is_main ? &sv->main : &sv->control) = NULL;
	return processes_start(sv, is_main, dead->phase, dead->index);
}

/* ---- after an earlier cgkilld ---- */

void processes_take_over(struct supervised *sv, struct process *p, bool is_main)
{
	if (!p)
		return;
	set_callbacks(sv, p);
	*(is_main ? &sv->main : &sv->control) = p;
}

/* A process that has ended while nobody looked, as if it ended now. */
void processes_tell_end(struct supervised *sv, bool is_main, const struct process_id *id)
{
	struct process gone = { .pid = id->pid,
				.pidfd = -1,
				.identity = id->identity,
				.is_main = is_main,
				.phase = is_main ? EXEC_START : sv->machine.phase,
				.born = true,
				.owner = sv };

	sv->last[gone.phase].pid = id->pid;
	on_process_exit(&gone, (struct exit_info){ .code = EXIT_UNKNOWN });
}
