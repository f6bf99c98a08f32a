/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service_world.h"

const char *const phase_names[EXEC_PHASE_MAX] = {
	"ExecCondition", "ExecStartPre", "ExecStart",	 "ExecStartPost",
	"ExecReload",	 "ExecStop",	 "ExecStopPost",
};

/* ---- the unit ---- */

struct exec_command commands[4], lenient[4] = {
	{ .ignore_failure = true },
	{ .ignore_failure = true },
	{ .ignore_failure = true },
	{ .ignore_failure = true },
};

struct unit plain_unit(void)
{
	return (struct unit){
		.start_limit_interval = 10 * SEC,
		.start_limit_burst = 5,
		.type = SERVICE_SIMPLE,
		.exit_type = EXIT_TYPE_MAIN,
		.exec = { [EXEC_START] = { commands, 1 } },
		.restart = RESTART_NO,
		.restart_mode = RESTART_MODE_NORMAL,
		.restart_delay = 100 * MSEC,
		.restart_delay_max = NEVER,
		.timeout_start = 3 * SEC,
		.timeout_stop = 2 * SEC,
		.timeout_abort = 4 * SEC,
		.timeout_start_failure_mode = FAILURE_TERMINATE,
		.timeout_stop_failure_mode = FAILURE_TERMINATE,
		.runtime_max = NEVER,
		.notify_access = NOTIFY_ACCESS_MAIN,
		.reload_signal = SIGHUP,
		.oom_policy = OOM_POLICY_STOP,
		.kill_mode = KILL_CONTROL_GROUP,
		.kill_signal = SIGTERM,
		.restart_kill_signal = SIGTERM,
		.final_kill_signal = SIGKILL,
		.watchdog_signal = SIGABRT,
		.send_sigkill = true,
		.stop_deadline = NEVER,
		.kill_verify = 5 * SEC,
	};
}

bool unit_lets_stay(const struct unit *u)
{
	return u->kill_mode == KILL_PROCESS || u->kill_mode == KILL_NONE || !u->send_sigkill;
}

const struct exec_commands one = { commands, 1 }, two = { commands, 2 }, tolerant = { lenient, 2 };

/* ---- the world ---- */

/* Adds to the trace. */
#define note(w, ...)                                                                              \
	((void)snprintf((w)->trace + strlen((w)->trace), sizeof((w)->trace) - strlen((w)->trace), \
			__VA_ARGS__))

void world_init(struct world *w, const struct unit *u)
{
	*w = (struct world){
		.u = *u,
		.main.life = NEVER,
		.child.life = NEVER,
		.verify_at = NEVER,
		.find_at = NEVER,
		.check_at = NEVER,
		.verdict = VERDICT_MET,
		.stop_cap = NEVER,
		.share_end = NEVER,
		.extended_end = NEVER,
		.now = 1000 * SEC,
		.crash_after = NO_CRASH,
	};
	service_init(&w->s, &w->u, w->now);
}

unsigned n_alive(const struct world *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_procs; i++)
		n += w->procs[i].alive;
	return n;
}

struct proc *find_role(struct world *w, enum role role)
{
	for (unsigned i = 0; i < w->n_procs; i++)
		if (w->procs[i].role == role)
			return &w->procs[i];
	return NULL;
}

static bool role_lives(struct world *w, enum role role)
{
	const struct proc *p = find_role(w, role);

	return p && p->alive;
}

/* Who lost its role is only a member of the cgroup from then on. */
static void forget_role(struct world *w, enum role role)
{
	struct proc *p = find_role(w, role);

	if (p)
		p->role = ROLE_OTHER;
}

static void add_proc(struct world *w, enum role role, const struct nature *nature)
{
	unsigned i = 0;

	while (i < w->n_procs && (w->procs[i].alive || w->procs[i].role != ROLE_OTHER))
		i++;
	cr_assert_lt(i, PROCS_MAX, "too many processes: %s", w->trace);
	if (i == w->n_procs)
		w->n_procs++;
	w->procs[i] = (struct proc){
		.role = role,
		.nature = *nature,
		.alive = true,
		.was_main = role == ROLE_MAIN,
		.dies_at = usec_add(w->now, nature->life),
		.end = { CLD_EXITED, nature->status },
	};
}

static void do_spawn(struct world *w, const struct action *a, enum service_state from)
{
	const struct nature *n = a->is_main ? &w->main : &w->control[a->phase];
	bool again;

	if (a->phase == EXEC_STOP_POST && from != STATE_STOP_POST && !unit_lets_stay(&w->u))
		WORLD_ASSERT(w, n_alive(w) == 0);
	if (a->phase == EXEC_STOP_POST && w->u.kill_mode == KILL_PROCESS && w->u.send_sigkill)
		WORLD_ASSERT(w, !role_lives(w, ROLE_CONTROL) && !role_lives(w, ROLE_MAIN));
	for (unsigned i = 0; a->is_main && i < w->n_procs; i++)
		WORLD_ASSERT(w, !w->procs[i].alive || !w->procs[i].was_main ||
					w->u.kill_mode == KILL_PROCESS || w->u.kill_mode == KILL_NONE);
	WORLD_ASSERT(w, a->is_main || !role_lives(w, ROLE_CONTROL) || unit_lets_stay(&w->u));
	WORLD_ASSERT(w, !a->is_main || w->s.state == STATE_START);
	note(w, " %s[%zu]", phase_names[a->phase], a->index);
	/* The same command once more, after a crash, has what is left of its time; one that was only noted has its own. */
	again = w->resuming && (a->is_main || a->index == w->command);
	if (!again && (w->s.state != from || a->index != w->command)) {
		w->stage_began = w->now;
		w->share_end = w->extended_end = NEVER;
	}
	w->command = a->index;
	if (n->cannot_spawn) {
		w->spawn_failed = true;
		w->spawn_failed_main = a->is_main;
		return;
	}
	forget_role(w, a->is_main ? ROLE_MAIN : ROLE_CONTROL);
	add_proc(w, a->is_main ? ROLE_MAIN : ROLE_CONTROL, n);
	w->spawned = w->execed = a->is_main;
	if (n->leaves_child)
		add_proc(w, ROLE_OTHER, &w->child);
}

const char *signal_word(int sig)
{
	return sig == SIGTERM	? "TERM"
	       : sig == SIGKILL ? "KILL"
	       : sig == SIGABRT ? "ABRT"
	       : sig == SIGQUIT ? "QUIT"
	       : sig == SIGINT	? "INT"
	       : sig == SIGUSR1 ? "USR1"
	       : sig == SIGHUP	? "HUP"
				: "?";
}

void hit(struct world *w, struct proc *p, int sig)
{
	if (!p->alive || p->nature.unkillable || (sig != SIGKILL && p->nature.ignores))
		return;
	p->dies_at = w->now;
	p->end = (struct exit_info){ sig == SIGABRT ? CLD_DUMPED : CLD_KILLED, sig };
}

/* SIGKILL only when a time of the unit's own is up, counted by us. */
static void check_kill(struct world *w, enum service_state from, enum event_kind why)
{
	const struct service *s = &w->s;
	usec_t timeout =
		from == STATE_STOP_WATCHDOG || from == STATE_FINAL_WATCHDOG ? w->u.timeout_abort
		: service_state_is_starting(from) || from == STATE_RELOAD   ? w->u.timeout_start
									    : w->u.timeout_stop;
	bool mixed = w->u.kill_mode == KILL_MIXED && !s->main_alive && !s->control_alive;
	bool rest = w->u.rest_grace > 0 && w->step_main_gone >= w->step_stage_began &&
		    w->now >= usec_add(w->step_main_gone, w->u.rest_grace);
	bool oom = why == EVENT_OOM && w->u.oom_policy != OOM_POLICY_CONTINUE &&
		   (w->u.oom_policy == OOM_POLICY_KILL || service_state_is_stopping(from));

	if (w->resuming) { /* what had begun before the crash goes on */
		WORLD_ASSERT(w, s->killing || s->reload_result == RESULT_TIMEOUT);
		return;
	}
	WORLD_ASSERT(w, w->now >= usec_add(w->step_stage_began, timeout) || w->now >= w->stop_cap ||
				w->now >= w->step_share_end || mixed || rest || oom ||
				(from == STATE_STUCK && is_stop(why)));
	WORLD_ASSERT(w, w->u.kill_mode != KILL_NONE || from == STATE_RELOAD);
	WORLD_ASSERT(w, w->u.send_sigkill || from == STATE_RELOAD);
}

static void do_signal(struct world *w, const struct action *a, enum service_state from,
		      enum event_kind why)
{
	struct proc *p;

	note(w, " %s%s:%s", signal_word(a->signal), a->sighup ? "+HUP" : "",
	     a->whom == WHOM_MAIN      ? "main"
	     : a->whom == WHOM_CONTROL ? "control"
				       : "all");
	if (a->signal == SIGKILL)
		check_kill(w, from, why);
	if (a->whom == WHOM_ALL) {
		for (unsigned i = 0; i < w->n_procs; i++)
			if (w->procs[i].role != ROLE_MAIN)
				hit(w, &w->procs[i], a->signal);
		return;
	}
	p = find_role(w, a->whom == WHOM_MAIN ? ROLE_MAIN : ROLE_CONTROL);
	WORLD_ASSERT(w, p || (w->spawn_failed && w->spawn_failed_main == (a->whom == WHOM_MAIN)));
	if (p)
		hit(w, p, a->signal);
}

static void do_kill(struct world *w, enum service_state from, enum event_kind why)
{
	note(w, " kill");
	check_kill(w, from, why);
	WORLD_ASSERT(w, w->u.kill_mode == KILL_CONTROL_GROUP || w->u.kill_mode == KILL_MIXED);
	for (unsigned i = 0; i < w->n_procs; i++)
		hit(w, &w->procs[i], SIGKILL);
	w->verify_at = usec_add(w->now, w->u.kill_verify);
}

bool state_is_over(enum service_state s)
{
	return service_state_is_ended(s) || s == STATE_AUTO_RESTART;
}

/* What each type waits for. */
static bool end_of_start_is_due(const struct world *w, enum event_kind why)
{
	switch (w->u.type) {
	case SERVICE_NOTIFY:
	case SERVICE_NOTIFY_RELOAD:
		return why == EVENT_READY;
	case SERVICE_FORKING:
		return why == EVENT_MAIN_PID || why == EVENT_NO_MAIN || n_alive(w) == 0;
	case SERVICE_ONESHOT:
		return why == EVENT_MAIN_EXIT;
	case SERVICE_SIMPLE:
	case SERVICE_IDLE:
		return why == EVENT_SPAWNED || why == EVENT_EXECED;
	case SERVICE_EXEC:
	case SERVICE_DBUS:
		return why == EVENT_EXECED;
	case SERVICE_TYPE_INVALID:
	case SERVICE_TYPE_MAX:
		break;
	}
	return false;
}

static void do_state(struct world *w, const struct action *a, enum event_kind why)
{
	note(w, " >%s", service_state_name(a->to));
	WORLD_ASSERT(w, a->from != a->to);
	if (a->from == STATE_STUCK)
		WORLD_ASSERT(w, is_stop(why) || why == EVENT_EMPTY || why == EVENT_MAIN_EXIT ||
					why == EVENT_CONTROL_EXIT || why == EVENT_TIMER);
	if (a->from == STATE_STUCK && !is_stop(why) && w->u.kill_mode != KILL_PROCESS)
		WORLD_ASSERT(w, n_alive(w) == 0);
	if (service_state_is_stopping(a->to) &&
	    (!service_state_is_stopping(a->from) || a->from == STATE_STUCK))
		w->stop_began = w->now;
	if (!service_state_is_stopping(a->from))
		w->stop_extra = 0;
	if (service_state_is_stopping(a->to) && !service_state_is_stopping(a->from))
		w->stop_cap = MIN_OF(w->stop_cap, usec_add(w->now, w->u.stop_deadline));
	if (a->from == STATE_STUCK && w->stop_cap != NEVER)
		w->stop_cap = MAX_OF(w->stop_cap, w->now);
	w->stage_began = w->now;
	w->share_end = w->extended_end = NEVER;
	w->verify_at = NEVER;
	w->find_at = w->check_at = NEVER;
	if (a->from == STATE_START && !service_state_is_stopping(a->to) && !state_is_over(a->to))
		WORLD_ASSERT(w, end_of_start_is_due(w, why));
	if (!w->s.main_alive)
		w->main_gone = w->now;
	WORLD_ASSERT(w, !a->seen_as_ended || a->to == STATE_AUTO_RESTART);
	if (!state_is_over(a->to))
		return;
	forget_role(w, ROLE_MAIN);
	forget_role(w, ROLE_CONTROL);
	w->stop_cap = NEVER;
}

static void do_answer(struct world *w, const struct action *a)
{
	static const char *const words[] = { "", "start", "stop", "reload" };

	WORLD_ASSERT(w, a->answer > ANSWER_INVALID && a->answer < ANSWER_MAX);
	if (a->request == REQUEST_STOP && a->answer == ANSWER_DONE)
		WORLD_ASSERT(w, n_alive(w) == 0);
	if (w->pending[a->request] == 0)
		return;
	if (a->request == REQUEST_STOP && a->answer == ANSWER_SURVIVORS)
		WORLD_ASSERT(w, n_alive(w) > 0);
	note(w, " %s=%s", words[a->request], answer_name(a->answer));
	w->pending[a->request] = 0;
	w->answers[a->request] = a->answer;
}

static void do_find_main(struct world *w, const struct action *a)
{
	WORLD_ASSERT(w, w->s.state == STATE_START || w->s.state == STATE_START_POST);
	WORLD_ASSERT(w, n_alive(w) > 0 || w->s.populated);
	WORLD_ASSERT(w, !a->at_once || (w->s.state == STATE_START && w->u.exec[EXEC_START_POST].n > 0));
	note(w, a->at_once ? " find-main-now" : " find-main");
	w->find_at = a->at_once ? w->now : usec_add(w->now, w->find_delay);
}

static void do_check(struct world *w)
{
	WORLD_ASSERT(w, w->s.state == STATE_CHECK);
	note(w, " check");
	w->check_at = usec_add(w->now, w->check_delay);
}

static void do_unit_action(struct world *w, const struct action *a, bool last)
{
	note(w, " %s!", unit_action_name(a->unit_action));
	WORLD_ASSERT(w, last && service_state_is_ended(w->s.state));
	w->unit_actions++;
}

static void perform(struct world *w, const struct actions *out, enum service_state from,
		    enum event_kind why)
{
	size_t mark = strlen(w->trace);

	w->max_actions = MAX_OF(w->max_actions, out->n);
	w->step_stage_began = w->stage_began;
	w->step_share_end = w->share_end;
	w->step_main_gone = w->main_gone;
	for (unsigned i = 0; i < MIN_OF(out->n, w->crash_after); i++) {
		const struct action *a = &out->v[i];

		if (strlen(w->trace) == mark)
			note(w, "%s%llu:", mark ? "; " : "",
			     (unsigned long long)(w->now / MSEC - 1000000));
		switch (a->kind) {
		case ACTION_SPAWN:
			do_spawn(w, a, from);
			break;
		case ACTION_SIGNAL:
			do_signal(w, a, from, why);
			break;
		case ACTION_KILL:
			do_kill(w, from, why);
			break;
		case ACTION_STATE:
			do_state(w, a, why);
			break;
		case ACTION_DONE:
			do_answer(w, a);
			break;
		case ACTION_RELEASE:
			WORLD_ASSERT(w, n_alive(w) == 0);
			w->releases++;
			break;
		case ACTION_FIND_MAIN:
			do_find_main(w, a);
			break;
		case ACTION_CHECK:
			do_check(w);
			break;
		case ACTION_UNIT_ACTION:
			do_unit_action(w, a, out->v[out->n - 1].kind == ACTION_UNIT_ACTION);
			break;
		case ACTION_INVALID:
		default:
			cr_assert_fail("action %d", a->kind);
		}
	}
	/* answers that nobody waited for are not worth a line */
	if (strlen(w->trace) > mark && w->trace[strlen(w->trace) - 1] == ':')
		w->trace[mark] = '\0';
}

/* Our own account of the shares in core/service.h; the sooner it is asked, the sooner the end. */
static usec_t find_share_end(const struct world *w)
{
	usec_t left = usec_sub(w->stop_cap, w->now), share = left;
	bool has_post = w->u.exec[EXEC_STOP_POST].n > 0;
	enum failure_mode mode = w->u.timeout_stop_failure_mode;
	enum service_state state = w->s.state;

	if (w->stop_cap == NEVER || w->s.killing)
		return NEVER;
	if (has_post && (state == STATE_STOP || state == STATE_STOP_WATCHDOG ||
			 state == STATE_STOP_SIGTERM || state == STATE_STOP_SIGKILL))
		share = left - left / 4;
	if (state == STATE_STOP && (mode != FAILURE_KILL || w->command + 1 < w->u.exec[EXEC_STOP].n))
		share = left / 2;
	if (state == STATE_STOP_POST && w->command + 1 < w->u.exec[EXEC_STOP_POST].n)
		share = left / 2;
	if (mode == FAILURE_ABORT && (state == STATE_STOP_SIGTERM || state == STATE_FINAL_SIGTERM))
		share = left / 2;
	return usec_add(w->now, share);
}

/* How long a stop may take at most: every stage once. */
usec_t stop_bound(const struct world *w)
{
	const struct unit *u = &w->u;
	usec_t commands_time = (u->exec[EXEC_STOP].n + u->exec[EXEC_STOP_POST].n) * u->timeout_stop;
	usec_t stages = u->timeout_stop + u->timeout_abort + u->timeout_stop + 2 * u->kill_verify;

	return commands_time + 2 * stages + w->stop_extra;
}

static bool is_term(enum service_state state)
{
	return state == STATE_STOP_SIGTERM || state == STATE_FINAL_SIGTERM;
}

static void check_world(struct world *w, const struct service *before, enum event_kind why)
{
	const struct service *s = &w->s;
	bool same_stop = service_state_is_stopping(before->state) &&
			 service_state_is_stopping(s->state) && w->stop_began != w->now;
	struct proc *main = find_role(w, ROLE_MAIN), *control = find_role(w, ROLE_CONTROL);

	WORLD_ASSERT(w, s->state > STATE_INVALID && s->state < STATE_MAX);
	WORLD_ASSERT(w, s->main_alive || w->spawn_failed || !main || main->nature.withheld);
	WORLD_ASSERT(w, !s->main_alive || main || w->spawn_failed);
	WORLD_ASSERT(w, !s->control_alive || control || w->spawn_failed);
	WORLD_ASSERT(w, s->populated || n_alive(w) == 0);
	if (same_stop)
		WORLD_ASSERT(w, s->deadline <= before->deadline);
	/* no busy loop; RuntimeMaxSec= may have run out during a reload, and ends the service at once after it */
	if (why == EVENT_TIMER &&
	    !(streq(service_active_state(before->state), "reloading") && s->state == STATE_RUNNING))
		WORLD_ASSERT(w, service_next_timer(s) > w->now);
	WORLD_ASSERT(w, !s->rest_due || is_term(s->state));
	WORLD_ASSERT(w, s->rest_at == NEVER || s->rest_due);
	WORLD_ASSERT(w, s->watchdog_end == NEVER || s->state == STATE_START_POST ||
				s->state == STATE_RUNNING ||
				streq(service_active_state(s->state), "reloading"));
	if (!service_state_is_stopping(s->state) || s->state == STATE_STUCK)
		return;
	w->share_end = MIN_OF(w->share_end, find_share_end(w));
	w->extended_end = MIN_OF(why == EVENT_EXTEND ? NEVER : w->extended_end, find_share_end(w));
	WORLD_ASSERT(w, s->killing || service_next_timer(s) <= w->extended_end);
	WORLD_ASSERT(w, w->now <= usec_add(w->stop_began, stop_bound(w)));
	if (w->stop_cap != NEVER)
		WORLD_ASSERT(w, w->now <= usec_add(w->stop_cap, (3 + w->crashes) * w->u.kill_verify));
}

/* One that has never run, and is not run again. */
static void tell_lost(struct world *w, enum event_kind kind, enum role role, bool believed)
{
	if (believed && !find_role(w, role) &&
	    !(w->spawn_failed && w->spawn_failed_main == (role == ROLE_MAIN)))
		feed_event(w, &(struct event){ .kind = kind,
					       .exit = { .code = EXIT_UNKNOWN },
					       .deadline = NEVER });
}

/*
 * cgkilld dies, with so many actions of a step performed, of which it has noted that it would perform them all. The next one
 * finds the machine as it was noted, and who lives; of the dead it cannot tell how they have ended.
 */
void crash(struct world *w, const struct actions *out, enum event_kind why)
{
	unsigned done = MIN_OF(w->crash_after, out->n);
	struct resume how = { 0 };
	struct actions again;
	bool main_ran = find_role(w, ROLE_MAIN), control_ran = find_role(w, ROLE_CONTROL);

	w->crash_after = NO_CRASH;
	note(w, " CRASH");
	w->crashes++;
	for (unsigned i = done; i < out->n; i++) {
		const struct action *a = &out->v[i];

		if (a->kind == ACTION_STATE)
			do_state(w, a, why);
		if (a->kind == ACTION_SPAWN) {
			forget_role(w, a->is_main ? ROLE_MAIN : ROLE_CONTROL);
			*(a->is_main ? &main_ran : &control_ran) = false;
		}
	}
	for (unsigned i = 0; i < out->n; i++)
		how.signals_due |= out->v[i].kind == ACTION_SIGNAL;
	memset(w->pending, 0, sizeof(w->pending));
	w->verify_at = w->find_at = w->check_at = NEVER;
	w->spawn_failed = false;
	for (unsigned i = 0; i < w->n_procs; i++)
		if (!w->procs[i].alive && !w->procs[i].nature.withheld)
			w->procs[i].end = (struct exit_info){ .code = EXIT_UNKNOWN };
	how.main_never_ran = w->s.main_alive && !main_ran;
	how.control_never_ran = w->s.control_alive && !control_ran;
	w->spawned = w->execed = main_ran && w->s.state == STATE_START;
	w->resuming = true;
	service_resume(&w->s, &how, w->now, &again);
	perform(w, &again, w->s.state, EVENT_INVALID);
	w->resuming = false;
	tell_lost(w, EVENT_MAIN_EXIT, ROLE_MAIN, w->s.main_alive);
	tell_lost(w, EVENT_CONTROL_EXIT, ROLE_CONTROL, w->s.control_alive);
}

void feed_event(struct world *w, const struct event *ev)
{
	struct service before = w->s;
	struct actions out;

	w->steps++;
	/* our own account of the stop's absolute deadline, before the step that may act on it */
	if (!state_is_over(before.state) &&
	    (is_stop(ev->kind) || (ev->kind == EVENT_RESTART && before.state != STATE_STUCK &&
				   before.state != STATE_CHECK)))
		w->stop_cap = MIN_OF(w->stop_cap, MAX_OF(ev->deadline, w->now));
	if (ev->kind == EVENT_MAIN_EXIT)
		w->main_gone = w->now;
	if (ev->kind == EVENT_EXTEND && ev->usec != NEVER)
		w->stop_extra += ev->usec;
	service_step(&w->s, ev, w->now, &out);
	perform(w, &out, before.state, ev->kind);
	if (w->crash_after != NO_CRASH)
		crash(w, &out, ev->kind);
	check_world(w, &before, ev->kind);
}

static void feed(struct world *w, enum event_kind kind)
{
	feed_event(w, &(struct event){ .kind = kind, .deadline = NEVER });
}

static struct proc *find_untold(struct world *w)
{
	for (unsigned i = 0; i < w->n_procs; i++)
		if (!w->procs[i].alive && w->procs[i].role != ROLE_OTHER && !w->procs[i].nature.withheld)
			return &w->procs[i];
	return NULL;
}

/* Emptiness comes before a request, the end of a leader and a failure to spawn, as core/service.h asks. */
static bool tell_empty(struct world *w, bool asked)
{
	if (n_alive(w) > 0 || (w->verify_at == NEVER && !(w->s.populated && asked)))
		return false;
	w->verify_at = NEVER;
	feed(w, EVENT_EMPTY);
	return true;
}

void add_other(struct world *w)
{
	add_proc(w, ROLE_OTHER, &w->child);
}

/* Who lives, and is nobody yet, may be the main process. */
struct proc *find_other(struct world *w)
{
	for (unsigned i = 0; i < w->n_procs; i++)
		if (w->procs[i].alive && w->procs[i].role == ROLE_OTHER)
			return &w->procs[i];
	return NULL;
}

void tell_main_pid(struct world *w, struct proc *p)
{
	struct proc *old = find_role(w, ROLE_MAIN);

	if (old) {
		old->role = ROLE_OTHER;
		old->was_main = false;
	}
	p->role = ROLE_MAIN;
	p->was_main = true;
	w->execed = false;
	feed(w, EVENT_MAIN_PID);
}

static bool tell_found(struct world *w)
{
	struct proc *p = w->finds_nobody ? NULL : find_other(w);

	if (w->now < w->find_at)
		return false;
	w->find_at = NEVER;
	if (p)
		tell_main_pid(w, p);
	else
		feed(w, EVENT_NO_MAIN);
	return true;
}

static bool tell_checked(struct world *w)
{
	if (w->now < w->check_at)
		return false;
	w->check_at = NEVER;
	feed_event(w, &(struct event){ .kind = EVENT_CHECKED, .verdict = w->verdict, .deadline = NEVER });
	return true;
}

static bool tell_death(struct world *w)
{
	struct proc *p = find_untold(w);

	if (p) {
		enum role role = p->role;

		p->role = ROLE_OTHER;
		feed_event(w, &(struct event){ .kind = role == ROLE_MAIN ? EVENT_MAIN_EXIT
									 : EVENT_CONTROL_EXIT,
					       .exit = p->end,
					       .deadline = NEVER });
		return true;
	}
	return false;
}

/* What happens at this very time; false when nothing does. */
bool happen_now(struct world *w)
{
	for (unsigned i = 0; i < w->n_procs; i++)
		if (w->procs[i].alive && w->procs[i].dies_at <= w->now)
			w->procs[i].alive = false;
	if (tell_empty(w, service_watches_empty(&w->s) || w->spawn_failed || find_untold(w)))
		return true;
	if (w->spawn_failed) {
		w->spawn_failed = false;
		feed_event(w, &(struct event){ .kind = EVENT_SPAWN_FAILED,
					       .is_main = w->spawn_failed_main,
					       .deadline = NEVER });
		return true;
	}
	if (w->spawned) {
		w->spawned = false;
		feed_event(w, &(struct event){
				      .kind = EVENT_SPAWNED, .is_main = true, .deadline = NEVER });
		return true;
	}
	if (w->execed) {
		w->execed = false;
		feed(w, EVENT_EXECED);
		return true;
	}
	if (tell_death(w) || tell_found(w) || tell_checked(w))
		return true;
	if (w->now >= w->verify_at) {
		w->verify_at = NEVER;
		feed(w, EVENT_STUCK);
		return true;
	}
	if (w->now >= service_next_timer(&w->s)) {
		feed(w, EVENT_TIMER);
		return true;
	}
	return false;
}

void ask_by(struct world *w, enum event_kind kind, usec_t deadline)
{
	static const enum request requests[EVENT_MAX] = {
		[EVENT_START] = REQUEST_START,	 [EVENT_RESTART] = REQUEST_START,
		[EVENT_STOP] = REQUEST_STOP,	 [EVENT_STOP_TO_START] = REQUEST_STOP,
		[EVENT_RELOAD] = REQUEST_RELOAD,
	};

	while (w->spawned || w->spawn_failed)
		(void)happen_now(w);
	(void)tell_empty(w, true);
	if (requests[kind])
		w->pending[requests[kind]]++;
	feed_event(w, &(struct event){ .kind = kind, .deadline = deadline });
}

/* What the service says. */
void say(struct world *w, enum event_kind kind, usec_t usec)
{
	while (w->spawned || w->spawn_failed)
		(void)happen_now(w);
	feed_event(w, &(struct event){ .kind = kind, .deadline = NEVER, .usec = usec });
}

void ask(struct world *w, enum event_kind kind)
{
	ask_by(w, kind, NEVER);
}

usec_t next_time(const struct world *w)
{
	usec_t at = MIN_OF(MIN_OF(w->verify_at, MIN_OF(w->find_at, w->check_at)),
			   service_next_timer(&w->s));

	for (unsigned i = 0; i < w->n_procs; i++)
		if (w->procs[i].alive)
			at = MIN_OF(at, w->procs[i].dies_at);
	return at;
}

void run_until(struct world *w, usec_t until)
{
	for (unsigned i = 0; i < 10000; i++) {
		if (happen_now(w))
			continue;
		if (next_time(w) > until) {
			w->now = MAX_OF(w->now, until == NEVER ? w->now : until);
			return;
		}
		w->now = next_time(w);
	}
	cr_assert_fail("a busy world: %.2000s", w->trace);
}

void run_for(struct world *w, usec_t duration)
{
	run_until(w, usec_add(w->now, duration));
}

/* A service that runs, and time 0. */
void world_started(struct world *w)
{
	ask(w, EVENT_START);
	run_until(w, w->now);
	w->trace[0] = '\0';
}

void expect_trace(struct world *w, const char *expected)
{
	cr_expect_str_eq(w->trace, expected, "\n   got \"%s\"\n  want \"%s\"", w->trace, expected);
}

/* Who lives in each state before the event; `timed`: and its time is up. */
static const struct scene {
	bool main, control, timed;
	enum exec_phase phase;
} scenes[STATE_MAX] = {
	[STATE_CONDITION] = { false, true, true, EXEC_CONDITION },
	[STATE_START_PRE] = { false, true, true, EXEC_START_PRE },
	[STATE_START] = { true, false, true, EXEC_START },
	[STATE_START_POST] = { true, true, true, EXEC_START_POST },
	[STATE_RUNNING] = { true, false, true, EXEC_START },
	[STATE_RELOAD] = { true, true, true, EXEC_RELOAD },
	[STATE_RELOAD_SIGNAL] = { true, false, true, EXEC_RELOAD },
	[STATE_RELOAD_NOTIFY] = { true, false, true, EXEC_RELOAD },
	[STATE_STOP] = { true, true, true, EXEC_STOP },
	[STATE_STOP_WATCHDOG] = { true, false, true, EXEC_START },
	[STATE_STOP_SIGTERM] = { true, false, true, EXEC_START },
	[STATE_STOP_SIGKILL] = { true, false, true, EXEC_START },
	[STATE_STOP_POST] = { false, true, true, EXEC_STOP_POST },
	[STATE_FINAL_WATCHDOG] = { false, true, true, EXEC_STOP_POST },
	[STATE_FINAL_SIGTERM] = { false, true, true, EXEC_STOP_POST },
	[STATE_FINAL_SIGKILL] = { false, true, true, EXEC_STOP_POST },
	[STATE_STUCK] = { true, false, false, EXEC_START },
	[STATE_AUTO_RESTART] = { false, false, true, EXEC_START },
};

void enact(struct service *s, const struct unit *u, enum service_state state, usec_t now)
{
	const struct scene *scene = &scenes[state];

	service_init(s, u, now - SEC);
	s->state = state;
	s->main_alive = scene->main;
	s->control_alive = scene->control;
	s->populated = scene->main || scene->control;
	s->phase = scene->phase;
	s->result = state == STATE_FAILED || state == STATE_AUTO_RESTART ? RESULT_EXIT_CODE
									 : RESULT_SUCCESS;
	s->killing = state == STATE_STOP_SIGKILL || state == STATE_FINAL_SIGKILL;
	if (scene->timed && state == STATE_RUNNING)
		s->runtime_end = now;
	else if (scene->timed)
		s->stage_end = now;
}

/* A service that runs and ignores what it can. */
void world_stubborn(struct world *w, const struct unit *u)
{
	world_init(w, u);
	w->main.ignores = true;
	world_started(w);
}
