/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/adopt.h"

#include <errno.h>

#include "core/resources.h"
#include "daemon/child.h"
#include "daemon/deathwatch.h"
#include "daemon/fdstore.h"
#include "daemon/guard.h"
#include "daemon/notify.h"
#include "daemon/process.h"
#include "daemon/slices.h"
#include "daemon/sockets.h"
#include "daemon/subtree.h"
#include "daemon/supervisor.h"
#include "sys/birth.h"
#include "sys/explain.h"
#include "sys/pidfd.h"
#include "util/log.h"
#include "util/ownmem.h"
#include "util/strv.h"

/* ---- who is the main process, who the control process ---- */

/* What is looked for in the leaves of a service: a process that was born and has not yet set its mark. */
struct search {
	struct cgroups *cgroups;
	bool is_main;
	unsigned after; /* its leaf has a higher number */
	int found;	/* its PID; 0: not yet; or -errno */
};

/*
 * It is the only one in its leaf. Where marks cannot be set it may have children by now, but it leads its session. PID, 0
 * or -errno; a leaf that is gone or threaded holds none.
 */
static int visit_unmarked(const struct cg *cg, void *arg)
{
	struct cg_pids pids = { 0 };
	int r = cg_read_procs(cg, &pids), *found = arg;

	for (size_t i = 0; r == 0 && i < pids.n && *found == 0; i++)
		if (pids.v[i] > 0 && (pids.n == 1 || getsid(pids.v[i]) == pids.v[i]))
			*found = pids.v[i];
	cg_pids_deinit(&pids);
	if (*found > 0)
		return -ECANCELED;
	return r == -ENOENT || r == -ENODEV || r == -EOPNOTSUPP ? 0 : r;
}

/* In the leaf, or in its DelegateSubgroup=, which the unit may not say any more. */
static int find_unmarked(const struct cg *leaf)
{
	int found = 0, r = cg_walk(leaf, visit_unmarked, &found);

	return found > 0 || r == -ENOENT || r == -ENODEV ? found : r;
}

/* An empty leaf is removed: a child on its way to it, of a parent that has just died, will not get there any more. */
static int search_leaf(const struct cg *leaf, bool is_main, unsigned serial, void *arg)
{
	struct search *s = arg;

	if (is_main != s->is_main || serial <= s->after)
		return 0;
	s->found = find_unmarked(leaf);
	if (s->found == 0 && !cgroups_remove_leaf(s->cgroups, is_main, serial))
		s->found = find_unmarked(leaf); /* it has got there */
	return s->found;
}

/*
 * Who the spawn of that number is, or was; pid 0: it has never got to run its program. The leaves are looked at before the
 * mark: one that sets its mark and ends in between is known by the mark then. 0 or -errno.
 */
static int find_spawn(struct cgroups *c, bool is_main, uint64_t spawn, unsigned after,
		      struct process_id *out)
{
	struct search s = { .cgroups = c, .is_main = is_main, .after = after };
	struct birth_mark mark;
	int r;

	if (!cg_is_open(&c->unit))
		return 0;
	r = cgroups_each_leaf(c, search_leaf, &s);
	if (r < 0)
		return r;
	if (birth_read(&c->unit, is_main, &mark) == 0 && mark.spawn == spawn)
		*out = (struct process_id){ mark.pid, mark.identity };
	else
		*out = (struct process_id){ .pid = s.found };
	return 0;
}

/* pidfd of the process that id means, which may be a zombie; -ESRCH: it is gone, whoever has its number now. */
static int open_process(struct process_id *id)
{
	int pidfd = pidfd_open_pid(id->pid), r;
	uint64_t identity = 0;

	if (pidfd < 0)
		return pidfd;
	r = pidfd_identity(pidfd, id->pid, &identity);
	if (r == 0 && id->identity != 0 && identity != id->identity)
		r = -ESRCH;
	if (r < 0) {
		close(pidfd);
		return r;
	}
	id->identity = identity;
	return pidfd;
}

int adopt_process(struct manager *m, bool is_main, const struct service *machine,
		  struct process_id *id, struct process **out)
{
	bool in_list = is_main && machine->unit->type == SERVICE_ONESHOT;
	struct process *p;
	int pidfd = open_process(id), r = -ENOMEM;

	if (pidfd < 0)
		return pidfd == -ESRCH ? 0 : pidfd;
	p = own_alloc(sizeof(*p));
	if (p) {
		*p = (struct process){ .pid = id->pid,
				       .pidfd = pidfd,
				       .identity = id->identity,
				       .is_main = is_main,
				       .phase = is_main ? EXEC_START : machine->phase,
				       .index = is_main && !in_list ? 0 : machine->index };
		r = process_adopt(p, m->loop);
	}
	if (r < 0) {
		own_free(p, sizeof(*p));
		close(pidfd);
		return r;
	}
	if (!m->guard && !pidfd_status_is_kept())
		deathwatch_expect(&m->deathwatch, m->loop, pidfd, p->pid);
	*out = p;
	return 0;
}

/* *id stays empty when that spawn has never got to run its program. 0 or -errno. */
static int find_process(struct supervised *sv, const struct record *r, bool is_main,
			struct process_id *id, struct process **out)
{
	int e = 0;

	if (!(is_main ? r->machine.main_alive : r->machine.control_alive))
		return 0;
	*id = is_main ? r->main : r->control;
	if (id->pid == 0)
		e = find_spawn(&sv->cgroups, is_main, is_main ? r->main_spawn : r->control_spawn,
			       is_main ? r->main_after : r->control_after, id);
	return e == 0 && id->pid > 0 ? adopt_process(sv->manager, is_main, &sv->machine, id, out) : e;
}

/* ---- one service ---- */

/* The kinds of requests as the trail holds them: by static text. */
static const char *static_request(const char *what)
{
	static const char *const names[] = { "start", "stop", "restart", "reload" };

	for (size_t i = 0; what && i < ARRAY_SIZE(names); i++)
		if (streq(names[i], what))
			return names[i];
	return NULL;
}

static void restore_origin(struct supervised *sv, const struct record *r)
{
	struct trail_event e = { .kind = TRAIL_JOB };
	const char *what = static_request(r->asked);

	snprintf(sv->asked.what, sizeof(sv->asked.what), "%s", what ? what : "");
	snprintf(sv->asked.comm, sizeof(sv->asked.comm), "%s", r->asked_comm ? r->asked_comm : "");
	sv->asked.uid = r->asked_uid;
	sv->asked.pid = r->asked_pid;
	if (!what)
		return;
	e.job.what = what;
	e.job.result = "requested";
	e.by_peer = sv->asked.pid > 0;
	e.job.uid = sv->asked.uid;
	e.job.pid = sv->asked.pid;
	e.names = *sv->asked.comm ? sv->asked.comm : NULL;
	supervised_tell(sv, &e);
}

static void restore(struct supervised *sv, struct record *r)
{
	const struct unit *unit = sv->unit;
	bool populated = sv->machine.populated;

	sv->machine = r->machine;
	sv->machine.unit = unit;
	sv->machine.populated |= populated; /* a file may know nothing of a cgroup that was made since */
	sv->spawns = r->spawns;
	sv->main_spawn = r->main_spawn;
	sv->control_spawn = r->control_spawn;
	sv->main_after = r->main_after;
	sv->control_after = r->control_after;
	sv->signals_due = r->signals_due;
	sv->real_since = r->real_since;
	manager_note_state(sv->manager, STATE_DEAD, sv->machine.state);
	restore_origin(sv, r);
}

static int adopt_with_record(struct supervised *sv, struct record *r)
{
	struct adopted found = { 0 };
	int e;

	restore(sv, r);
	e = find_process(sv, r, true, &found.main_id, &found.main);
	if (e == 0)
		e = find_process(sv, r, false, &found.control_id, &found.control);
	if (e < 0) {
		process_free(found.main);
		return e;
	}
	supervised_tell(sv, &(struct trail_event){ .kind = TRAIL_ADOPT, .state = sv->machine.state });
	if (sv->load_state != LOAD_LOADED && !service_state_is_ended(sv->machine.state))
		log_warning("%s: its unit cannot be read any more: it goes on with the defaults",
			    supervised_name(sv));
	supervised_resume(sv, &found);
	log_debug("%s: taken over from an earlier cgkilld: %s", supervised_name(sv),
		  service_state_name(sv->machine.state));
	return 0;
}

/* No record, or none to be believed: whoever lives there is left alone until somebody asks. */
static void adopt_stranger(struct supervised *sv)
{
	struct manager *m = sv->manager;

	if (sv->machine.populated) {
		sv->stranger = true;
		log_warning(
			"%s: processes live in %s, and nothing is known of them: shown as unknown, "
			"and left alone until you stop them",
			supervised_name(sv), sv->cgroups.unit.path);
		return;
	}
	(void)!cg_remove(slices_home(sv), supervised_name(sv));
	cgroups_close(&sv->cgroups);
	slices_leave(sv);
	manager_drop_unused(m, sv);
}

/* Two cgroups of one name, in two slices: one of them is not of our making. True: this is that one. */
static bool is_elsewhere(const struct supervised *sv, const struct slice *slice)
{
	if (!cg_is_open(&sv->cgroups.unit) || sv->slice == slice)
		return false;
	log_warning("%s: there is another cgroup of this name in %s: left alone",
		    supervised_name(sv), slice_cg(sv->manager, slice)->path);
	return true;
}

static int adopt(struct manager *m, struct slice *slice, const char *name)
{
	struct supervised *sv = manager_get_own(m, name);
	struct record r;
	int e;

	if (!sv)
		return -ENOMEM;
	if (is_elsewhere(sv, slice))
		return 0;
	if (!sv->slice)
		sv->slice = slice_ref(slice);
	e = sv->unit->kind == UNIT_SLICE
		    ? 0
		    : cgroups_adopt(&sv->cgroups, slices_home(sv), supervised_name(sv));
	if (e < 0 && e != -ENOENT && e != -ENODEV)
		return e;
	if (!cg_is_open(&sv->cgroups.unit))
		slices_leave(sv);
	e = store_load(&m->store, &sv->cgroups.unit, supervised_name(sv), &r, &sv->has_file);
	if (e == -ENOENT)
		adopt_stranger(sv);
	if (e < 0)
		return e == -ENOENT ? 0 : e;
	e = adopt_with_record(sv, &r);
	record_deinit(&r);
	return e;
}

/* ---- children that are no service's process ---- */

static bool is_a_services(const struct manager *m, pid_t pid)
{
	const struct supervised *sv;

	list_for_each(&m->services, sv, struct supervised, link)
		if ((sv->main && sv->main->pid == pid) || (sv->control && sv->control->pid == pid))
			return true;
	return false;
}

/* Those of the program that we were before. Best effort: a kernel without CONFIG_PROC_CHILDREN does not list them. NULL = none. */
static char *list_children(void)
{
	cleanup_fclose FILE *f = fopen("/proc/thread-self/children", "re");
	char *numbers = NULL;
	size_t size = 0;

	if (f && getline(&numbers, &size, f) >= 0)
		return numbers;
	free(numbers);
	return NULL;
}

/* Its helpers, and those that their services have ended without: they are reaped whenever they end. */
static void await_strays(struct manager *m, char *numbers)
{
	int pidfd;
	pid_t pid;

	for (; numbers && (pid = (pid_t)strtol(numbers, &numbers, 10)) > 0;)
		if (!is_a_services(m, pid) && (pidfd = pidfd_open_pid(pid)) >= 0)
			child_await(m->loop, pidfd);
}

/* ---- all of them ---- */

typedef int (*adopt_fn)(struct manager *m, struct slice *in, const char *name);

static int adopt_recorded(struct manager *m, struct slice *in, const char *name)
{
	/* a slice may be known by who is in it: its cgroup has no record */
	return manager_knows(m, name) && unit_kind_of(name) != UNIT_SLICE ? 0 : adopt(m, in, name);
}

static int adopt_each(struct manager *m, struct slice *in, char **names, adopt_fn fn)
{
	for (size_t i = 0; names && names[i]; i++) {
		int r = fn(m, in, names[i]);

		if (r < 0) {
			log_error("%s: cannot take it over, so leaving everything as it is: %s",
				  names[i], strerror(-r));
			return r;
		}
	}
	return 0;
}

/* By its name it belongs where it is. */
static bool is_slice_in(const struct slice *in, const char *name)
{
	cleanup_free char *above = slice_name_valid(name) ? slice_parent(name) : NULL;

	return slice_name_valid(name) && !streq(name, "-.slice") &&
	       (in && above ? streq(in->name, above) : !in && !above);
}

static int adopt_cgroup(struct manager *m, struct slice *in, const char *name);

/* It goes again at once if it has nobody. */
static int adopt_slice(struct manager *m, struct slice *in, const char *name)
{
	cleanup_strv char **names = NULL;
	struct slice *slice = slices_find(m, name);
	int r = 0;

	if (slice)
		slice_ref(slice);
	else
		r = slices_adopt(m, in, name, &slice);
	if (r < 0)
		return r == -ENOENT || r == -ENODEV ? 0 : r;
	r = subtree_children(m, &slice->cg, &names);
	if (r == 0)
		r = adopt_each(m, slice, names, adopt_cgroup);
	slice_unref(slice);
	return r;
}

static int adopt_cgroup(struct manager *m, struct slice *in, const char *name)
{
	const struct cg *parent = slice_cg(m, in);

	if (is_slice_in(in, name))
		return adopt_slice(m, in, name);
	if (unit_name_valid(name) && unit_kind_of(name) != UNIT_SLICE)
		return adopt(m, in, name);
	if (cg_remove(parent, name) == -EBUSY)
		log_warning("processes live in %s/%s, which is no unit's name: left alone",
			    parent->path, name);
	return 0;
}

int adopt_all(struct manager *m)
{
	cleanup_free char *children = list_children(); /* before we have some of our own */
	char **names = NULL, **recorded = NULL;
	int r = subtree_list(m, &names);

	if (r == 0)
		r = store_list(&m->store, &recorded);
	if (r < 0)
		log_error("cannot tell what an earlier cgkilld has left: %s", strerror(-r));
	if (r == 0)
		r = adopt_each(m, NULL, names, adopt_cgroup);
	if (r == 0)
		r = adopt_each(m, NULL, recorded, adopt_recorded);
	strv_free(names);
	strv_free(recorded);
	if (r < 0)
		return r;
	await_strays(m, children);
	fdstore_adopt_rest(m);
	sockets_adopt_rest(m);
	notify_drop_rest(m);
	if (m->live > 0)
		log_notice("took over %zu services from an earlier cgkilld", m->live);
	return 0;
}

/* ---- refusing ---- */

#define NAMES_MAX 8

static void name_inhabitants(const struct cg *cg)
{
	struct process_name names[NAMES_MAX];
	size_t total = 0;
	ssize_t n = name_members(cg, names, NAMES_MAX, &total);

	for (ssize_t i = 0; i < n; i++)
		log_error("process %d (%s) lives in %s", (int)names[i].pid, names[i].comm, cg->path);
	if (n >= 0 && (size_t)n < total)
		log_error("and %zu more in %s", total - (size_t)n, cg->path);
}

int adopt_refuse(struct manager *m)
{
	char **names = NULL;
	int r = subtree_list(m, &names);

	if (r < 0) {
		log_error("cannot tell who lives in our subtree: %s", strerror(-r));
		return r;
	}
	for (size_t i = 0; names && names[i]; i++) {
		struct cg cg = CG_INIT;

		if (cg_open(&cg, &m->root, names[i]) == 0 && cg_populated(&cg) != 0) {
			name_inhabitants(&cg);
			r = -EBUSY;
		}
		cg_close(&cg);
	}
	strv_free(names);
	if (r < 0)
		log_error(
			"refusing to start over a living subtree: leave out --adopt=no to take it "
			"over, or end these processes first");
	return r;
}
