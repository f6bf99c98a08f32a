/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager.h"

#include <errno.h>

#include "daemon/monitor.h"
#include "daemon/oom.h"
#include "daemon/scheduler.h"
#include "daemon/slices.h"
#include "daemon/supervisor.h"
#include "util/log.h"

/* ---- services by name ---- */

struct supervised *manager_look_up(const struct manager *m, const char *name)
{
	const struct graph_node *n = graph_find(scheduler_graph(m->scheduler), name);

	return n ? n->owner : NULL;
}

bool manager_knows(const struct manager *m, const char *name)
{
	return manager_look_up(m, name);
}

static int add(struct manager *m, struct supervised *sv)
{
	if (scheduler_know(m->scheduler, sv) < 0) {
		scheduler_forget(m->scheduler, sv);
		return -ENOMEM;
	}
	list_append(&m->services, &sv->link);
	return 0;
}

/* What is known already is read again: perhaps it is there by now, or another one. */
static int load_again(struct manager *m, struct supervised *sv)
{
	int r = supervised_load(sv);

	return r < 0 ? r : scheduler_know(m->scheduler, sv);
}

/* With its unit read, not known by its name yet. */
static struct supervised *load_new(struct manager *m, const char *name)
{
	struct supervised *sv = supervised_new(m, name);

	if (sv && supervised_load(sv) == 0) {
		sv->machine.populated |= slices_find_survivors(sv);
		return sv;
	}
	supervised_free(sv);
	return NULL;
}

struct supervised *manager_get(struct manager *m, const char *name)
{
	struct supervised *sv = manager_look_up(m, name), *real;

	if (sv && sv->load_state != LOAD_LOADED && service_state_is_ended(sv->machine.state))
		return load_again(m, sv) < 0 ? NULL : sv;
	if (sv)
		return sv;
	sv = load_new(m, name);
	if (sv && sv->alias_of) {
		real = manager_look_up(m, sv->alias_of);
		if (!real)
			real = load_new(m, sv->alias_of);
		supervised_free(sv);
		sv = real;
	}
	if (sv && list_empty(&sv->link) && add(m, sv) < 0) {
		supervised_free(sv);
		return NULL;
	}
	return sv;
}

struct supervised *manager_get_own(struct manager *m, const char *name)
{
	struct supervised *sv = manager_look_up(m, name);

	if (sv)
		return sv;
	sv = load_new(m, name);
	if (sv && add(m, sv) == 0)
		return sv;
	supervised_free(sv);
	return NULL;
}

struct supervised *manager_find(struct manager *m, const char *name)
{
	struct supervised *sv = manager_look_up(m, name), *alias;

	if (sv)
		return sv;
	alias = load_new(m, name);
	if (alias && alias->alias_of)
		sv = manager_look_up(m, alias->alias_of);
	supervised_free(alias);
	return sv;
}

static void drop(struct manager *m, struct supervised *sv)
{
	scheduler_forget(m->scheduler, sv);
	supervised_free(sv);
}

void manager_drop_unused(struct manager *m, struct supervised *sv)
{
	if (sv && sv->trail.n == 0 && sv->machine.state == STATE_DEAD && !sv->machine.populated &&
	    !sv->leaving && sv->users == 0 && sv->node->n_jobs == 0 && !sv->fdstore)
		drop(m, sv);
}

void manager_free_services(struct manager *m)
{
	struct supervised *sv;

	list_for_each(&m->services, sv, struct supervised, link)
		drop(m, sv);
}

char *manager_unit_name(const char *typed)
{
	char *name = NULL;

	if (unit_name_valid(typed))
		return strdup(typed);
	/* "web@.service" is no unit, and "web@.service.service" is not what is meant */
	if (strlen(typed) > UNIT_NAME_MAX || unit_name_is_template(typed) ||
	    asprintf(&name, "%s.service", typed) < 0) {
		errno = EINVAL;
		return NULL;
	}
	if (unit_name_valid(name))
		return name;
	free(name);
	errno = EINVAL;
	return NULL;
}

unsigned manager_reload(struct manager *m, json_t *warnings)
{
	struct supervised *sv;
	unsigned n = 0;

	m->oom_told = oom_is_told(&m->root);
	list_for_each(&m->services, sv, struct supervised, link) {
		if (load_again(m, sv) < 0)
			log_error("%s: out of memory", supervised_name(sv));
		n += sv->load_state == LOAD_LOADED;
		if (sv->load_error)
			json_array_append_new(warnings, json_string(sv->load_error));
		for (size_t i = 0; sv->warnings && sv->warnings[i]; i++)
			json_array_append_new(warnings, json_string(sv->warnings[i]));
	}
	scheduler_reloaded(m->scheduler);
	log_notice("read %u units again", n);
	return n;
}

/* ---- the guard ---- */

/* One batch of the loop has one time: thousands of stops in it ask /proc once. */
static int read_guard(struct manager *m)
{
	usec_t now = loop_now(m->loop);
	int r;

	if (m->own_path && m->init_path && m->guard_read_at == now)
		return 0;
	free(TAKE_PTR(m->own_path));
	free(TAKE_PTR(m->init_path));
	r = cgroup_path_of(0, &m->own_path);
	if (r == 0)
		r = cgroup_path_of(1, &m->init_path);
	/* hidepid: PID 1 is not ours to see, nor in a cgroup that is ours to kill: the kernel checks permissions then */
	if (r == -ENOENT || r == -ESRCH || r == -EACCES || r == -EPERM) {
		m->init_path = strdup("");
		r = m->init_path ? 0 : -ENOMEM;
	}
	m->guard_read_at = now;
	return r;
}

int manager_guard(struct manager *m, const char *cgroup_path, const char *caller_path, const char **who)
{
	int r = read_guard(m);

	if (r < 0) {
		*who = "it cannot be told whom";
		return r;
	}
	*who = cgroup_path_is_below(m->own_path, cgroup_path)		       ? "cgkilld itself"
	       : cgroup_path_is_below(m->init_path, cgroup_path)	       ? "PID 1"
	       : caller_path && cgroup_path_is_below(caller_path, cgroup_path) ? "the caller"
									       : NULL;
	return *who ? -EPERM : 0;
}

/* ---- what happens ---- */

static bool has_ended(enum service_state s)
{
	return service_state_is_ended(s) || s == STATE_STUCK;
}

void manager_note_state(struct manager *m, enum service_state from, enum service_state to)
{
	if (has_ended(from) && !has_ended(to))
		m->live++;
	else if (!has_ended(from) && has_ended(to))
		m->live--;
}

void manager_tell(struct manager *m, const char *unit, const struct trail_event *e)
{
	if (!list_empty(&m->monitors))
		monitor_tell(&m->monitors, unit, e);
}
