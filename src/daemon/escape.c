/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/escape.h"

#include <errno.h>
#include <sys/epoll.h>

#include "daemon/descent.h"
#include "daemon/manager.h"
#include "daemon/process.h"
#include "daemon/slices.h"
#include "sys/explain.h"
#include "sys/hierarchy.h"
#include "sys/pidfd.h"
#include "util/buf.h"
#include "util/log.h"

/* Pauses between the looks at who is dying outside; the end of one of them is a look, too. */
#define ROUND_FIRST (2 * USEC_PER_MSEC)
#define ROUND_LAST  (100 * USEC_PER_MSEC)

/* So many are shown to who asks; and so many of a run are told of by an event each, and named in one. */
#define SHOWN_MAX 64
/* Looks at a family that changes while it is looked at. */
#define LOOKS_MAX 16
#define TOLD_MAX  8

struct escape {
	struct supervised *service;
	struct lineage lineage;
	char *path;	  /* of the service's cgroup */
	uint64_t born_id; /* the cgroup in which its main process was born: most are still there */
	size_t told;	  /* of this run */
	const char *gap;  /* why not all of its descendants are known; NULL = all are */

	/* while escape_holds() */
	int pidfd; /* one that is to end */
	struct io_source end_io;
	struct timer round;
	usec_t pause;
	usec_t give_up_at; /* 0 = the kill has not begun; once it is past nothing is held any more */
};

/* One that lives outside of its service's cgroup. */
struct escaped {
	pid_t pid;
	int pidfd; /* borrowed */
	char comm[17];
	const char *cgroup;
};

/* ---- who is outside ---- */

/*
 * Its birth is told before it is put into the cgroup of its parent, and shown in the root until then:
 * copy_process() calls proc_fork_connector(), cgroup_post_fork(), and then lets it run. Field 3 of
 * schedstat counts how often it did. Without that file (CONFIG_SCHED_INFO) it is held to have run.
 */
static bool has_run(pid_t pid)
{
	cleanup_fclose FILE *f = NULL;
	unsigned long long times;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	f = fopen(path, "re");
	return !f || fscanf(f, "%*u %*u %llu", &times) != 1 || times > 0;
}

/* 1, with a descriptor and the cgroup's path that the caller frees; 0: inside; -errno. */
static int look_up(const struct escape *e, const struct descendant *d, int *pidfd, char **cgroup)
{
	const struct cg born = { .fd = -1, .id = e->born_id };
	cleanup_close int fd = descendant_open(d);
	cleanup_free char *path = NULL;
	int r;

	if (fd < 0)
		return fd;
	if (pidfd_in_cgroup(fd, d->pid, &born, VERIFY_GET_INFO) == 1)
		return 0;
	r = cgroup_path_of(d->pid, &path);
	/* What was read is about this process if it has not ended yet. */
	if (r == 0 && pidfd_has_ended(fd))
		r = -ESRCH;
	if (r < 0)
		return r;
	if (cgroup_path_is_below(path, e->path) || !has_run(d->pid))
		return 0;
	*pidfd = TAKE_FD(fd);
	*cgroup = TAKE_PTR(path);
	return 1;
}

static void tell(struct escape *e, struct descendant *d, const struct escaped *who)
{
	struct trail_event t = { .kind = TRAIL_ESCAPE, .escape = { .pid = who->pid } };
	cleanup_free char *text = NULL;

	if (d->told || e->service->unit->escape_policy == ESCAPE_IGNORE)
		return;
	d->told = true;
	if (++e->told > TOLD_MAX) {
		if (e->told == TOLD_MAX + 1)
			log_warning("%s: more processes have left its cgroup: status tells who",
				    supervised_name(e->service));
		return;
	}
	log_warning("%s: process %d (%s) has left its cgroup and lives in %s",
		    supervised_name(e->service), (int)who->pid, who->comm, who->cgroup);
	if (asprintf(&text, "%s lives in %s", who->comm, who->cgroup) < 0)
		text = NULL;
	t.names = text;
	supervised_tell(e->service, &t);
}

struct visit {
	size_t n;
	void (*fn)(struct escape *e, const struct escaped *who, void *arg); /* may be NULL */
	void *arg;
};

static void visit_one(struct lineage *l, struct descendant *d, void *arg)
{
	struct escape *e = container_of(l, struct escape, lineage);
	struct visit *v = arg;
	cleanup_free char *cgroup = NULL;
	cleanup_close int pidfd = -1;
	struct process_name name;
	struct escaped who;

	if (look_up(e, d, &pidfd, &cgroup) != 1 || !name_process(d->pid, &name))
		return;
	who = (struct escaped){ .pid = d->pid, .pidfd = pidfd, .cgroup = cgroup };
	memcpy(who.comm, name.comm, sizeof(who.comm));
	tell(e, d, &who);
	v->n++;
	if (v->fn)
		v->fn(e, &who, v->arg);
}

/* It was born, or has executed a program. */
static void look_at_one(struct lineage *l, struct descendant *d)
{
	visit_one(l, d, &(struct visit){ 0 });
}

/* Where events are missing, whoever is in the cgroup now is known from now on at least. */
static int add_members(const struct cg *cg, void *arg)
{
	struct escape *e = arg;
	struct cg_pids pids = { 0 };

	if (cg_read_procs(cg, &pids) == 0)
		for (size_t i = 0; i < pids.n; i++) {
			cleanup_close int fd = pidfd_open_pid(pids.v[i]);

			if (fd >= 0 && pidfd_in_cgroup(fd, pids.v[i], cg, VERIFY_AUTO) == 1)
				descent_add(e->service->manager->descent, &e->lineage, fd, pids.v[i]);
		}
	cg_pids_deinit(&pids);
	return 0;
}

static void resync(struct escape *e)
{
	if (cg_is_open(&e->service->cgroups.unit))
		(void)!cg_walk(&e->service->cgroups.unit, add_members, e);
}

/*
 * All that are outside now: their number. That there is nobody is believed only if none was born while
 * we looked: the last one may have left its place to a child. Where that goes on, it counts as one.
 */
static size_t visit(struct escape *e, void (*fn)(struct escape *, const struct escaped *, void *),
		    void *arg)
{
	struct descent *d = e->service->manager->descent;
	struct visit v = { .fn = fn, .arg = arg };
	size_t births;

	descent_catch_up(d);
	if (e->gap)
		resync(e);
	for (int i = 0; i < LOOKS_MAX; i++) {
		births = e->lineage.births;
		descent_each(d, &e->lineage, visit_one, &v);
		if (v.n > 0)
			return v.n;
		descent_catch_up(d);
		if (births == e->lineage.births)
			return 0;
	}
	return 1;
}

/* ---- the watch ---- */

static void on_gap(struct lineage *l, const char *why)
{
	struct escape *e = container_of(l, struct escape, lineage);

	if (!e->gap)
		log_warning("%s: the watch for processes that leave its cgroup is incomplete: %s",
			    supervised_name(e->service), why);
	e->gap = why;
}

static void on_loss(struct lineage *l)
{
	resync(container_of(l, struct escape, lineage));
}

static struct escape *escape_new(struct supervised *sv)
{
	const char *home = slices_home(sv)->path;
	struct escape *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->service = sv;
	e->pidfd = -1;
	list_init(&e->lineage.link);
	e->lineage.look = look_at_one;
	e->lineage.incomplete = on_gap;
	e->lineage.lost = on_loss;
	if (asprintf(&e->path, "%s/%s", streq(home, "/") ? "" : home, supervised_name(sv)) < 0)
		e->path = NULL;
	if (e->path && descent_join(&sv->manager->descent, sv->manager->loop, &e->lineage) == 0)
		return e;
	free(e->path);
	free(e);
	return NULL;
}

/*
 * All that was told so far is taken in first: among it may be births of children of an earlier owner
 * of the number that the service's next process gets, and they would be held to be that one's.
 */
void escape_watch(struct supervised *sv, bool resumed)
{
	bool is_new = !sv->escape;

	if (is_new && sv->unit->escape_policy == ESCAPE_IGNORE)
		return;
	if (is_new)
		sv->escape = escape_new(sv);
	if (!sv->escape) {
		log_error("%s: no memory to watch for processes that leave its cgroup",
			  supervised_name(sv));
		return;
	}
	descent_catch_up(sv->manager->descent);
	if (is_new &&
	    (resumed || (cg_is_open(&sv->cgroups.unit) && cg_populated(&sv->cgroups.unit) != 0))) {
		on_gap(&sv->escape->lineage, "some of its processes are older than the watch");
		resync(sv->escape);
	}
}

void escape_follow(struct supervised *sv, const struct process *p)
{
	struct escape *e = sv->escape;

	if (!e)
		return;
	if (p->is_main)
		e->born_id = p->cgroup_id;
	/* What it has done since its birth is waiting to be told, and not taken in before it is known. */
	descent_add(sv->manager->descent, &e->lineage, p->pidfd, p->pid);
}

static void stop_waiting(struct escape *e)
{
	timer_clear(&e->round);
	io_unwatch(&e->end_io);
	e->pidfd = close_fd(e->pidfd);
}

void escape_free(struct supervised *sv)
{
	struct escape *e = sv->escape;

	if (!e)
		return;
	stop_waiting(e);
	descent_leave(&sv->manager->descent, &e->lineage);
	free(e->path);
	free(e);
	sv->escape = NULL;
}

/* ---- the kill ---- */

/* Where the unit lets processes of the cgroup live, those outside may, too. */
static bool kills(const struct supervised *sv)
{
	const struct unit *u = sv->unit;

	return sv->escape && u->escape_policy == ESCAPE_KILL && u->send_sigkill &&
	       (u->kill_mode == KILL_CONTROL_GROUP || u->kill_mode == KILL_MIXED);
}

static void watch_the_rest(struct supervised *sv);

/* As manager_guard(), for one process: nobody may saw off the branch that he sits on. */
static bool is_guarded(const struct supervised *sv, pid_t pid)
{
	return pid == 1 || pid == getpid() || pid == getppid() || pid == sv->asked.pid;
}

static void on_end(struct io_source *s, uint32_t events)
{
	struct supervised *sv = container_of(s, struct escape, end_io)->service;

	(void)events;
	if (service_state_is_over(sv->machine.state))
		watch_the_rest(sv);
	else
		supervised_look(sv);
}

/* One of them is enough: its end is the time for the next look. */
static void wait_for(struct escape *e, const struct escaped *who)
{
	if (e->pidfd >= 0)
		return;
	e->pidfd = pidfd_open_pid(who->pid); /* if it is another by now, it is looked at too soon or too late */
	if (e->pidfd >= 0)
		(void)!io_watch(e->service->manager->loop, &e->end_io, e->pidfd, EPOLLIN, on_end);
}

static void hold_one(struct escape *e, const struct escaped *who, void *arg)
{
	(void)arg;
	wait_for(e, who);
}

struct killed {
	unsigned n, spared;
	struct buf names;
};

static void kill_one(struct escape *e, const struct escaped *who, void *arg)
{
	struct killed *killed = arg;

	if (is_guarded(e->service, who->pid)) {
		killed->spared++;
		return;
	}
	if (pidfd_signal(who->pidfd, SIGKILL) < 0)
		return;
	wait_for(e, who);
	if (++killed->n > TOLD_MAX)
		return;
	buf_puts(&killed->names, killed->n > 1 ? ", " : "");
	for (const char *c = who->comm; *c; c++)
		buf_putc(&killed->names, (char)(*c == ',' || *c == ' ' ? '_' : *c));
}

/* Is there, or was there, anybody to kill? Told the first time only. */
static bool kill_all(struct escape *e, bool first)
{
	struct killed killed = { .names = BUF_INIT };
	struct trail_event t = { .kind = TRAIL_KILL };
	size_t n = visit(e, kill_one, &killed);

	t.names = killed.names.data;
	t.signal.signal = SIGKILL;
	t.signal.whom = WHOM_ALL;
	t.signal.count = killed.n;
	if (first && killed.n > 0)
		supervised_tell(e->service, &t);
	buf_deinit(&killed.names);
	return killed.n > 0 || (n > 0 && killed.spared == 0);
}

static void on_round(struct timer *t, usec_t now)
{
	(void)now;
	supervised_look(container_of(t, struct escape, round)->service);
}

/* False: there is nobody to kill, or it was tried for long enough. */
static bool run_round(struct escape *e)
{
	struct supervised *sv = e->service;
	usec_t now = clock_now();
	bool first = e->give_up_at == 0;

	if (first) {
		e->give_up_at = usec_add(now, sv->unit->kill_verify);
		e->pause = ROUND_FIRST;
	}
	if (now >= e->give_up_at || !kill_all(e, first))
		return false;
	(void)!timer_set(sv->manager->loop, &e->round,
			 MIN_OF(usec_add(now, e->pause), e->give_up_at), on_round);
	e->pause = MIN_OF(e->pause * 2, ROUND_LAST);
	return true;
}

bool escape_holds(struct supervised *sv)
{
	struct escape *e = sv->escape;
	bool holds;

	if (!e)
		return false;
	stop_waiting(e);
	if (!kills(sv)) {
		(void)!visit(e, NULL, NULL);
		return false;
	}
	holds = service_state_is_stopping(sv->machine.state) ? run_round(e)
							     : visit(e, hold_one, NULL) > 0;
	if (!holds)
		stop_waiting(e);
	return holds;
}

void escape_kill(struct supervised *sv)
{
	if (!kills(sv))
		return;
	(void)!kill_all(sv->escape, true);
	stop_waiting(sv->escape);
}

bool escape_remains(const struct supervised *sv)
{
	return kills(sv) && visit(sv->escape, NULL, NULL) > 0;
}

/* ---- states ---- */

static void name_one(struct escape *e, const struct escaped *who, void *arg)
{
	struct buf *b = arg;

	(void)e;
	buf_printf(b, "%s%s (%d) in %s", b->len > 0 ? ", " : "", who->comm, (int)who->pid, who->cgroup);
}

/* After the end of a run, for as long as a descendant lives. */
static void watch_the_rest(struct supervised *sv)
{
	struct escape *e = sv->escape;

	stop_waiting(e);
	if (descent_prune(sv->manager->descent, &e->lineage) == 0)
		escape_free(sv);
	else
		(void)!visit(e, hold_one, NULL);
}

/* The run is over: who lives on outside is named. */
static void end_run(struct supervised *sv)
{
	cleanup_buf struct buf names = BUF_INIT;
	struct escape *e = sv->escape;

	if (visit(e, name_one, &names) > 0 && sv->unit->escape_policy != ESCAPE_IGNORE && names.data)
		log_warning("%s: processes that have left its cgroup live: %s", supervised_name(sv),
			    names.data);
	e->give_up_at = 0;
	e->told = 0;
	watch_the_rest(sv);
}

void escape_note_state(struct supervised *sv, enum service_state to)
{
	struct escape *e = sv->escape;

	if (!e)
		return;
	if (service_state_is_over(to))
		end_run(sv);
	else if (service_state_is_stopping(to)) /* what was held so far is to die now */
		(void)!timer_set(sv->manager->loop, &e->round, clock_now(), on_round);
}

/* ---- for people ---- */

static void render_one(struct escape *e, const struct escaped *who, void *arg)
{
	(void)e;
	if (json_array_size(arg) < SHOWN_MAX)
		json_array_append_new(arg, json_pack("{s:i, s:s, s:s}", "pid", (int)who->pid,
						     "comm", who->comm, "cgroup", who->cgroup));
}

json_t *escape_render(struct supervised *sv)
{
	struct escape *e = sv->escape;
	json_t *list, *o;

	if (!e)
		return json_null();
	list = json_array();
	(void)!visit(e, render_one, list);
	o = json_pack("{s:s, s:I, s:o}", "policy", escape_policy_name(sv->unit->escape_policy),
		      "followed", (json_int_t)e->lineage.n, "escaped", list);
	if (o && e->gap)
		json_object_set_new(o, "incomplete", json_string(e->gap));
	return o;
}

static void add_survivor(struct escape *e, const struct escaped *who, void *arg)
{
	cleanup_free char *reason = NULL;
	struct process_facts facts = { .state = '?' };
	char state[2] = "?";

	if (json_array_size(arg) >= SHOWN_MAX ||
	    asprintf(&reason, "%s, and lives in %s",
		     is_guarded(e->service, who->pid)
			     ? "has left the cgroup, is spared as the caller's or our own"
			     : "has left the cgroup, outlives SIGKILL",
		     who->cgroup) < 0)
		return;
	if (explain_process(who->pid, &facts) == 0)
		state[0] = facts.state;
	json_array_append_new(arg, json_pack("{s:i, s:s, s:s, s:s}", "pid", (int)who->pid, "comm",
					     who->comm, "state", state, "reason", reason));
}

void escape_add_survivors(struct supervised *sv, json_t *list)
{
	if (kills(sv))
		(void)!visit(sv->escape, add_survivor, list);
}
