/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/ledger.h"

#include <errno.h>

#include "daemon/manager.h"
#include "daemon/process.h"
#include "daemon/slices.h"
#include "sys/pidfd.h"
#include "util/log.h"

/* Where its birth mark says who it is, it need not be asked again for each record. */
static struct process_id id_of(const struct supervised *sv, struct process *p)
{
	if (!p)
		return (struct process_id){ 0 };
	if (p->identity == 0 &&
	    (sv->manager->birth_marks || pidfd_identity(p->pidfd, p->pid, &p->identity) < 0))
		return (struct process_id){ 0 };
	return (struct process_id){ p->pid, p->identity };
}

/* All but what the store fills in. */
static void fill(struct record *r, struct supervised *sv)
{
	*r = (struct record){
		.unit = sv->unit->name,
		.real_since = sv->real_since,
		.machine = sv->machine,
		.spawns = sv->spawns,
		.main_spawn = sv->main_spawn,
		.control_spawn = sv->control_spawn,
		.main_after = sv->main_after,
		.control_after = sv->control_after,
		.signals_due = sv->signals_due,
		.asked = *sv->asked.what ? sv->asked.what : NULL,
		.asked_uid = sv->asked.uid,
		.asked_pid = sv->asked.pid,
		.asked_comm = *sv->asked.comm ? sv->asked.comm : NULL,
	};
	r->machine.unit = NULL;
	r->main = id_of(sv, sv->main);
	r->control = id_of(sv, sv->control);
}

static void tell_failure(struct supervised *sv, int r)
{
	if (r < 0 && !sv->unrecorded)
		log_error("%s: cannot note its state, which a crash of cgkilld would lose now: %s",
			  supervised_name(sv), strerror(-r));
	sv->unrecorded = r < 0;
}

static void write_down(struct supervised *sv)
{
	struct record r;

	fill(&r, sv);
	tell_failure(sv, store_save(&sv->manager->store, &sv->cgroups.unit, &r, &sv->has_file));
}

bool ledger_catch_up(struct supervised *sv)
{
	if (sv->unrecorded)
		write_down(sv);
	return !sv->unrecorded;
}

/* Its cgroup is about to go, and the record in it. */
static void write_file(struct supervised *sv)
{
	struct record r;
	int error;

	fill(&r, sv);
	error = store_save_file(&sv->manager->store, &r);
	if (error == 0)
		sv->has_file = true;
	tell_failure(sv, error);
}

void ledger_forget(struct supervised *sv)
{
	if (sv->has_file)
		store_forget(&sv->manager->store, supervised_name(sv));
	sv->has_file = sv->unrecorded = false;
}

/* An inactive service without processes is what any service is that nobody has started. */
static bool is_worth_a_record(const struct supervised *sv)
{
	return sv->machine.state != STATE_DEAD || sv->machine.populated;
}

/* It has, or is about to have, processes: its cgroup is needed in any case. A target never has, nor what is only checked. */
static bool has_a_cgroup(const struct supervised *sv)
{
	return !service_state_is_over(sv->machine.state) && sv->machine.state != STATE_CHECK &&
	       !unit_is_point(sv->unit);
}

static void note_spawn(struct supervised *sv, bool is_main)
{
	*(is_main ? &sv->main_spawn : &sv->control_spawn) = ++sv->spawns;
	*(is_main ? &sv->main_after : &sv->control_after) = sv->cgroups.serial;
}

void ledger_write_ahead(struct supervised *sv, const struct actions *actions)
{
	bool releases = false, state = false, signals = false;

	for (unsigned i = 0; i < actions->n; i++) {
		const struct action *a = &actions->v[i];

		releases |= a->kind == ACTION_RELEASE;
		state |= a->kind == ACTION_STATE;
		signals |= a->kind == ACTION_SIGNAL;
		if (a->kind == ACTION_SPAWN)
			note_spawn(sv, a->is_main);
	}
	if (state)
		sv->real_since = clock_realtime();
	sv->signals_due = signals || (sv->signals_due && !state);
	if (!is_worth_a_record(sv)) {
		ledger_forget(sv);
	} else if (releases) {
		write_file(sv);
	} else {
		if (has_a_cgroup(sv)) /* an error is told when the process is to be spawned into it */
			(void)!slices_open_cgroup(sv);
		write_down(sv);
	}
}

void ledger_write(struct supervised *sv)
{
	if (is_worth_a_record(sv))
		write_down(sv);
}

void ledger_signals_sent(struct supervised *sv)
{
	if (!sv->signals_due)
		return;
	sv->signals_due = false;
	if (sv->machine.populated) /* else there is nobody to be signalled twice */
		ledger_write(sv);
}
