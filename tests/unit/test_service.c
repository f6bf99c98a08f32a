/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The service's state machine in a small world of its own, in virtual time: processes that obey,
 * ignore what can be ignored, or cannot be killed; commands that end, fail, hang or cannot be
 * spawned. The world performs the actions, feeds what follows from them, keeps books of its own,
 * and compares after every step what must hold always.
 */
#include <criterion/criterion.h>
#include <limits.h>

#include "core/service.h"

TestSuite(service, .timeout = 120);

#define MSEC	  USEC_PER_MSEC
#define SEC	  USEC_PER_SEC
#define NEVER	  USEC_INFINITY
#define PROCS_MAX 64

static const char *const phase_names[EXEC_PHASE_MAX] = {
	"ExecCondition", "ExecStartPre", "ExecStart",	 "ExecStartPost",
	"ExecReload",	 "ExecStop",	 "ExecStopPost",
};

/* ---- the unit ---- */

/* Commands that nobody reads, but for the '-' of those in `lenient`. */
static struct exec_command commands[4], lenient[4] = {
	{ .ignore_failure = true },
	{ .ignore_failure = true },
	{ .ignore_failure = true },
	{ .ignore_failure = true },
};

static struct unit plain_unit(void)
{
	return (struct unit){
		.start_limit_interval = 10 * SEC,
		.start_limit_burst = 5,
		.type = SERVICE_SIMPLE,
		.exec = { [EXEC_START] = { commands, 1 } },
		.restart = RESTART_NO,
		.restart_delay = 100 * MSEC,
		.timeout_start = 3 * SEC,
		.timeout_stop = 2 * SEC,
		.timeout_abort = 4 * SEC,
		.timeout_start_failure_mode = FAILURE_TERMINATE,
		.timeout_stop_failure_mode = FAILURE_TERMINATE,
		.runtime_max = NEVER,
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

static bool unit_lets_stay(const struct unit *u)
{
	return u->kill_mode == KILL_PROCESS || u->kill_mode == KILL_NONE || !u->send_sigkill;
}

/* ---- the world ---- */

enum role { ROLE_MAIN, ROLE_CONTROL, ROLE_OTHER };

/* How a process behaves. */
struct nature {
	usec_t life;  /* ends by itself after this; NEVER = only when told to */
	int status;   /* … with this */
	bool ignores; /* every signal but SIGKILL */
	bool unkillable;
	bool withheld; /* a tracer keeps its end from us */
	bool cannot_spawn;
	bool leaves_child; /* it forks one that behaves as w->child says */
};

struct proc {
	enum role role;
	struct nature nature;
	bool alive, was_main;
	usec_t dies_at;
	struct exit_info end;
};

struct world {
	struct unit u;
	struct service s;
	usec_t now;
	struct nature main, child, control[EXEC_PHASE_MAX];

	struct proc procs[PROCS_MAX];
	unsigned n_procs;
	usec_t verify_at; /* the kill engine gives up */
	bool spawned, execed, spawn_failed, spawn_failed_main;

	unsigned pending[REQUEST_MAX];
	enum answer answers[REQUEST_MAX]; /* the last one */

	/* books */
	usec_t stage_began, step_stage_began, stop_began, stop_cap;
	usec_t share_end, step_share_end; /* of the stage: what the deadline leaves it */
	size_t command;			  /* index of the one that was begun last */
	unsigned steps, max_actions, releases, crashes;
	unsigned crash_after; /* so many actions of the next step; NO_CRASH = none */
	bool resuming;
	char trace[8192];
};
#define NO_CRASH UINT_MAX

/* Adds to the trace. */
#define note(w, ...)                                                                              \
	((void)snprintf((w)->trace + strlen((w)->trace), sizeof((w)->trace) - strlen((w)->trace), \
			__VA_ARGS__))

#define WORLD_ASSERT(w, cond)                                                         \
	cr_assert(cond, "%s: %s at step %u, %s, %llu", #cond, (w)->trace, (w)->steps, \
		  service_state_name((w)->s.state), (unsigned long long)((w)->now / MSEC - 1000000))

static void world_init(struct world *w, const struct unit *u)
{
	*w = (struct world){
		.u = *u,
		.main.life = NEVER,
		.child.life = NEVER,
		.verify_at = NEVER,
		.stop_cap = NEVER,
		.share_end = NEVER,
		.now = 1000 * SEC,
		.crash_after = NO_CRASH,
	};
	service_init(&w->s, &w->u, w->now);
}

static unsigned n_alive(const struct world *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_procs; i++)
		n += w->procs[i].alive;
	return n;
}

static struct proc *find_role(struct world *w, enum role role)
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
		w->share_end = NEVER;
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

static const char *signal_word(int sig)
{
	return sig == SIGTERM	? "TERM"
	       : sig == SIGKILL ? "KILL"
	       : sig == SIGABRT ? "ABRT"
	       : sig == SIGQUIT ? "QUIT"
	       : sig == SIGINT	? "INT"
	       : sig == SIGUSR1 ? "USR1"
				: "?";
}

static void hit(struct world *w, struct proc *p, int sig)
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

	if (w->resuming) { /* what had begun before the crash goes on */
		WORLD_ASSERT(w, s->killing || s->reload_result == RESULT_TIMEOUT);
		return;
	}
	WORLD_ASSERT(w, w->now >= usec_add(w->step_stage_began, timeout) || w->now >= w->stop_cap ||
				w->now >= w->step_share_end || mixed ||
				(from == STATE_STUCK && why == EVENT_STOP));
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

static bool state_is_over(enum service_state s)
{
	return service_state_is_ended(s) || s == STATE_AUTO_RESTART;
}

static void do_state(struct world *w, const struct action *a, enum event_kind why)
{
	note(w, " >%s", service_state_name(a->to));
	WORLD_ASSERT(w, a->from != a->to);
	if (a->from == STATE_STUCK)
		WORLD_ASSERT(w, why == EVENT_STOP || why == EVENT_EMPTY || why == EVENT_MAIN_EXIT ||
					why == EVENT_CONTROL_EXIT || why == EVENT_TIMER);
	if (a->from == STATE_STUCK && why != EVENT_STOP && w->u.kill_mode != KILL_PROCESS)
		WORLD_ASSERT(w, n_alive(w) == 0);
	if (service_state_is_stopping(a->to) &&
	    (!service_state_is_stopping(a->from) || a->from == STATE_STUCK))
		w->stop_began = w->now;
	if (service_state_is_stopping(a->to) && !service_state_is_stopping(a->from))
		w->stop_cap = MIN_OF(w->stop_cap, usec_add(w->now, w->u.stop_deadline));
	if (a->from == STATE_STUCK && w->stop_cap != NEVER)
		w->stop_cap = MAX_OF(w->stop_cap, w->now);
	w->stage_began = w->now;
	w->share_end = NEVER;
	w->verify_at = NEVER;
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

static void perform(struct world *w, const struct actions *out, enum service_state from,
		    enum event_kind why)
{
	size_t mark = strlen(w->trace);

	w->max_actions = MAX_OF(w->max_actions, out->n);
	w->step_stage_began = w->stage_began;
	w->step_share_end = w->share_end;
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
static usec_t stop_bound(const struct world *w)
{
	const struct unit *u = &w->u;
	usec_t commands_time = (u->exec[EXEC_STOP].n + u->exec[EXEC_STOP_POST].n) * u->timeout_stop;
	usec_t stages = u->timeout_stop + u->timeout_abort + u->timeout_stop + 2 * u->kill_verify;

	return commands_time + 2 * stages;
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
	if (why == EVENT_TIMER && !(before->state == STATE_RELOAD && s->state == STATE_RUNNING))
		WORLD_ASSERT(w, service_next_timer(s) > w->now);
	if (!service_state_is_stopping(s->state) || s->state == STATE_STUCK)
		return;
	w->share_end = MIN_OF(w->share_end, find_share_end(w));
	WORLD_ASSERT(w, s->killing || service_next_timer(s) <= w->share_end);
	WORLD_ASSERT(w, w->now <= usec_add(w->stop_began, stop_bound(w)));
	if (w->stop_cap != NEVER)
		WORLD_ASSERT(w, w->now <= usec_add(w->stop_cap, (3 + w->crashes) * w->u.kill_verify));
}

static void feed_event(struct world *w, const struct event *ev);

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
static void crash(struct world *w, const struct actions *out, enum event_kind why)
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
	w->verify_at = NEVER;
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

static void feed_event(struct world *w, const struct event *ev)
{
	struct service before = w->s;
	struct actions out;

	w->steps++;
	/* our own account of the stop's absolute deadline, before the step that may act on it */
	if (!state_is_over(before.state) &&
	    (ev->kind == EVENT_STOP || (ev->kind == EVENT_RESTART && before.state != STATE_STUCK)))
		w->stop_cap = MIN_OF(w->stop_cap, MAX_OF(ev->deadline, w->now));
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
static bool happen_now(struct world *w)
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
	if (tell_death(w))
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

static void ask_by(struct world *w, enum event_kind kind, usec_t deadline)
{
	static const enum request requests[EVENT_MAX] = {
		[EVENT_START] = REQUEST_START,
		[EVENT_RESTART] = REQUEST_START,
		[EVENT_STOP] = REQUEST_STOP,
		[EVENT_RELOAD] = REQUEST_RELOAD,
	};

	while (w->spawned || w->spawn_failed)
		(void)happen_now(w);
	(void)tell_empty(w, true);
	if (requests[kind])
		w->pending[requests[kind]]++;
	feed_event(w, &(struct event){ .kind = kind, .deadline = deadline });
}

static void ask(struct world *w, enum event_kind kind)
{
	ask_by(w, kind, NEVER);
}

static usec_t next_time(const struct world *w)
{
	usec_t at = MIN_OF(w->verify_at, service_next_timer(&w->s));

	for (unsigned i = 0; i < w->n_procs; i++)
		if (w->procs[i].alive)
			at = MIN_OF(at, w->procs[i].dies_at);
	return at;
}

static void run_until(struct world *w, usec_t until)
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

static void run_for(struct world *w, usec_t duration)
{
	run_until(w, usec_add(w->now, duration));
}

/* A service that runs, and time 0. */
static void world_started(struct world *w)
{
	ask(w, EVENT_START);
	run_until(w, w->now);
	w->trace[0] = '\0';
}

static void expect_trace(struct world *w, const char *expected)
{
	cr_expect_str_eq(w->trace, expected, "\n   got \"%s\"\n  want \"%s\"", w->trace, expected);
}

/* ---- every cell of the machine ---- */

enum column {
	ON_START,
	ON_STOP,
	ON_RESTART,
	ON_RELOAD,
	ON_RESET,
	ON_SPAWNED,
	ON_SPAWN_FAILED,
	ON_EXECED,
	ON_MAIN_OK,
	ON_MAIN_FAILED,
	ON_CONTROL_OK,
	ON_CONTROL_FAILED,
	ON_EMPTY,
	ON_STUCK,
	ON_TIMER,
	N_COLUMNS,
};

#define ENDED(how)                                                          \
	{                                                                   \
		.kind = (how), .exit = { CLD_EXITED, 0 }, .deadline = NEVER \
	}
#define FAILED(how)                                                         \
	{                                                                   \
		.kind = (how), .exit = { CLD_EXITED, 1 }, .deadline = NEVER \
	}
#define PLAIN(which)                               \
	{                                          \
		.kind = (which), .deadline = NEVER \
	}

static const struct event columns[N_COLUMNS] = {
	[ON_START] = PLAIN(EVENT_START),
	[ON_STOP] = PLAIN(EVENT_STOP),
	[ON_RESTART] = PLAIN(EVENT_RESTART),
	[ON_RELOAD] = PLAIN(EVENT_RELOAD),
	[ON_RESET] = PLAIN(EVENT_RESET_FAILED),
	[ON_SPAWNED] = { .kind = EVENT_SPAWNED, .is_main = true },
	[ON_SPAWN_FAILED] = { .kind = EVENT_SPAWN_FAILED, .is_main = true },
	[ON_EXECED] = PLAIN(EVENT_EXECED),
	[ON_MAIN_OK] = ENDED(EVENT_MAIN_EXIT),
	[ON_MAIN_FAILED] = FAILED(EVENT_MAIN_EXIT),
	[ON_CONTROL_OK] = ENDED(EVENT_CONTROL_EXIT),
	[ON_CONTROL_FAILED] = FAILED(EVENT_CONTROL_EXIT),
	[ON_EMPTY] = PLAIN(EVENT_EMPTY),
	[ON_STUCK] = PLAIN(EVENT_STUCK),
	[ON_TIMER] = PLAIN(EVENT_TIMER),
};

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

/* What the actions of one step say, in the words of the table. */
static void render(const struct actions *out, char *text, size_t size)
{
	static const char *const requests[REQUEST_MAX] = { "", "start", "stop", "reload" };
	static const char *const whom[] = { "", "main", "control", "all" };

	text[0] = '\0';
	for (unsigned i = 0; i < out->n; i++) {
		const struct action *a = &out->v[i];
		size_t n = strlen(text);
		char *at = text + n;
		size_t left = size - n;

		if (i > 0 && left > 1) {
			*at++ = ' ';
			*at = '\0';
			left--;
		}
		if (a->kind == ACTION_SPAWN)
			(void)snprintf(at, left, "%s[%zu]", phase_names[a->phase], a->index);
		else if (a->kind == ACTION_SIGNAL)
			(void)snprintf(at, left, "%s:%s", signal_word(a->signal), whom[a->whom]);
		else if (a->kind == ACTION_STATE)
			(void)snprintf(at, left, ">%s", service_state_name(a->to));
		else if (a->kind == ACTION_DONE)
			(void)snprintf(at, left, "%s=%s", requests[a->request], answer_name(a->answer));
		else
			(void)snprintf(at, left, "%s", a->kind == ACTION_KILL ? "kill" : "release");
	}
}

static void enact(struct service *s, const struct unit *u, enum service_state state, usec_t now)
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

/* One command in every list. */
static struct unit full_unit(void)
{
	struct unit u = plain_unit();

	for (unsigned p = 0; p < EXEC_PHASE_MAX; p++)
		u.exec[p] = (struct exec_commands){ commands, 1 };
	return u;
}

/* No entry: nothing happens. What lives was not told to be gone. */
static const char *const expected[STATE_MAX][N_COLUMNS] = {
	[STATE_DEAD] = {
		[ON_START] = ">condition ExecCondition[0]",
		[ON_STOP] = "stop=done",
		[ON_RESTART] = ">condition ExecCondition[0]",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_EMPTY] = "release",
	},
	[STATE_CONDITION] = {
		[ON_STOP] = "start=canceled >stop-sigterm TERM:all",
		[ON_RESTART] = ">stop-sigterm TERM:all",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_SPAWN_FAILED] = ">stop-sigterm TERM:all",
		[ON_CONTROL_OK] = ">start-pre ExecStartPre[0]",
		[ON_CONTROL_FAILED] = ">stop-sigterm TERM:all",
		[ON_TIMER] = ">stop-sigterm TERM:all",
	},
	[STATE_START_PRE] = {
		[ON_STOP] = "start=canceled >stop-sigterm TERM:all",
		[ON_RESTART] = ">stop-sigterm TERM:all",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_SPAWN_FAILED] = ">stop-sigterm TERM:all",
		[ON_CONTROL_OK] = ">start ExecStart[0]",
		[ON_CONTROL_FAILED] = ">stop-sigterm TERM:all",
		[ON_TIMER] = ">stop-sigterm TERM:all",
	},
	[STATE_START] = {
		[ON_STOP] = "start=canceled >stop-sigterm TERM:main TERM:all",
		[ON_RESTART] = ">stop-sigterm TERM:main TERM:all",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_SPAWNED] = ">start-post ExecStartPost[0]",
		[ON_SPAWN_FAILED] = ">stop-sigterm TERM:all",
		[ON_EXECED] = ">start-post ExecStartPost[0]",
		[ON_MAIN_OK] = ">stop-sigterm TERM:all",
		[ON_MAIN_FAILED] = ">stop-sigterm TERM:all",
		[ON_TIMER] = ">stop-sigterm TERM:main TERM:all",
	},
	[STATE_START_POST] = {
		[ON_STOP] = "start=canceled >stop-sigterm TERM:main TERM:all",
		[ON_RESTART] = ">stop-sigterm TERM:main TERM:all",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_SPAWN_FAILED] = ">stop-sigterm TERM:main TERM:all",
		[ON_CONTROL_OK] = ">running start=done",
		[ON_CONTROL_FAILED] = ">stop-sigterm TERM:main TERM:all",
		[ON_TIMER] = ">stop-sigterm TERM:main TERM:all",
	},
	[STATE_RUNNING] = {
		[ON_START] = "start=done",
		[ON_STOP] = "start=canceled >stop ExecStop[0]",
		[ON_RESTART] = ">stop ExecStop[0]",
		[ON_RELOAD] = ">reload ExecReload[0]",
		[ON_MAIN_OK] = "start=done >stop ExecStop[0]",
		[ON_MAIN_FAILED] = ">stop-sigterm TERM:all",
		[ON_TIMER] = ">stop ExecStop[0]",
	},
	[STATE_EXITED] = {
		[ON_START] = "start=done",
		[ON_STOP] = "start=canceled >stop ExecStop[0]",
		[ON_RESTART] = ">stop ExecStop[0]",
		[ON_RELOAD] = ">reload ExecReload[0]",
	},
	[STATE_RELOAD] = {
		[ON_START] = "start=done",
		[ON_STOP] = "start=canceled >stop-sigterm TERM:main TERM:all",
		[ON_RESTART] = ">stop-sigterm TERM:main TERM:all",
		[ON_SPAWN_FAILED] = "reload=failed >running start=done",
		[ON_CONTROL_OK] = "reload=done >running start=done",
		[ON_CONTROL_FAILED] = "reload=failed >running start=done",
		[ON_TIMER] = "KILL:control",
	},
	[STATE_STOP] = {
		[ON_STOP] = "start=canceled",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_SPAWN_FAILED] = ">stop-sigterm TERM:main TERM:all",
		[ON_CONTROL_OK] = ">stop-sigterm TERM:main TERM:all",
		[ON_CONTROL_FAILED] = ">stop-sigterm TERM:main TERM:all",
		[ON_TIMER] = ">stop-sigterm TERM:main TERM:all",
	},
	[STATE_STOP_WATCHDOG] = {
		[ON_STOP] = "start=canceled",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_TIMER] = ">stop-sigkill kill",
	},
	[STATE_STOP_SIGTERM] = {
		[ON_STOP] = "start=canceled",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_TIMER] = ">stop-sigkill kill",
	},
	[STATE_STOP_SIGKILL] = {
		[ON_STOP] = "start=canceled",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_STUCK] = ">stuck stop=survivors start=survivors reload=canceled",
		[ON_TIMER] = ">stuck stop=survivors start=survivors reload=canceled",
	},
	[STATE_STOP_POST] = {
		[ON_STOP] = "start=canceled",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_SPAWN_FAILED] = ">final-sigterm TERM:all",
		[ON_CONTROL_OK] = ">final-sigterm TERM:all",
		[ON_CONTROL_FAILED] = ">final-sigterm TERM:all",
		[ON_TIMER] = ">final-sigterm TERM:all",
	},
	[STATE_FINAL_WATCHDOG] = {
		[ON_STOP] = "start=canceled",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_TIMER] = ">final-sigkill kill",
	},
	[STATE_FINAL_SIGTERM] = {
		[ON_STOP] = "start=canceled",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_TIMER] = ">final-sigkill kill",
	},
	[STATE_FINAL_SIGKILL] = {
		[ON_STOP] = "start=canceled",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_STUCK] = ">stuck stop=survivors start=survivors reload=canceled",
		[ON_TIMER] = ">stuck stop=survivors start=survivors reload=canceled",
	},
	[STATE_STUCK] = {
		[ON_START] = "start=refused",
		[ON_STOP] = "start=canceled >stop-sigkill kill",
		[ON_RESTART] = "start=refused",
		[ON_RELOAD] = "reload=not-applicable",
	},
	[STATE_FAILED] = {
		[ON_START] = ">condition ExecCondition[0]",
		[ON_STOP] = "stop=done",
		[ON_RESTART] = ">condition ExecCondition[0]",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_RESET] = ">dead",
		[ON_EMPTY] = "release",
	},
	[STATE_AUTO_RESTART] = {
		[ON_START] = ">condition ExecCondition[0]",
		[ON_STOP] = ">dead stop=done",
		[ON_RESTART] = ">condition ExecCondition[0]",
		[ON_RELOAD] = "reload=not-applicable",
		[ON_EMPTY] = "release",
		[ON_TIMER] = ">condition ExecCondition[0]",
	},
};

/* Where it makes a difference: EVENT_EMPTY was told before. */
static const char *const expected_empty[STATE_MAX][N_COLUMNS] = {
	[STATE_CONDITION] = {
		[ON_SPAWN_FAILED] = ">stop-post ExecStopPost[0]",
		[ON_CONTROL_FAILED] = ">stop-post ExecStopPost[0]",
	},
	[STATE_START_PRE] = {
		[ON_SPAWN_FAILED] = ">stop-post ExecStopPost[0]",
		[ON_CONTROL_FAILED] = ">stop-post ExecStopPost[0]",
	},
	[STATE_START] = {
		[ON_SPAWN_FAILED] = ">stop-post ExecStopPost[0]",
		[ON_MAIN_OK] = ">stop-post ExecStopPost[0]",
		[ON_MAIN_FAILED] = ">stop-post ExecStopPost[0]",
	},
	[STATE_RUNNING] = {
		[ON_MAIN_FAILED] = ">stop-post ExecStopPost[0]",
	},
	[STATE_STOP_WATCHDOG] = {
		[ON_MAIN_OK] = ">stop-post ExecStopPost[0]",
		[ON_MAIN_FAILED] = ">stop-post ExecStopPost[0]",
		[ON_TIMER] = ">stop-post ExecStopPost[0]",
	},
	[STATE_STOP_SIGTERM] = {
		[ON_MAIN_OK] = ">stop-post ExecStopPost[0]",
		[ON_MAIN_FAILED] = ">stop-post ExecStopPost[0]",
		[ON_TIMER] = ">stop-post ExecStopPost[0]",
	},
	[STATE_STOP_SIGKILL] = {
		[ON_MAIN_OK] = ">stop-post ExecStopPost[0]",
		[ON_MAIN_FAILED] = ">stop-post ExecStopPost[0]",
		[ON_TIMER] = ">stop-post ExecStopPost[0]",
	},
	[STATE_STOP_POST] = {
		[ON_SPAWN_FAILED] = ">failed release stop=done reload=canceled start=failed",
		[ON_CONTROL_OK] = ">dead release stop=done reload=canceled start=failed",
		[ON_CONTROL_FAILED] = ">failed release stop=done reload=canceled start=failed",
	},
	[STATE_FINAL_WATCHDOG] = {
		[ON_CONTROL_OK] = ">dead release stop=done reload=canceled start=failed",
		[ON_CONTROL_FAILED] = ">dead release stop=done reload=canceled start=failed",
		[ON_TIMER] = ">dead release stop=done reload=canceled start=failed",
	},
	[STATE_FINAL_SIGTERM] = {
		[ON_CONTROL_OK] = ">dead release stop=done reload=canceled start=failed",
		[ON_CONTROL_FAILED] = ">dead release stop=done reload=canceled start=failed",
		[ON_TIMER] = ">dead release stop=done reload=canceled start=failed",
	},
	[STATE_FINAL_SIGKILL] = {
		[ON_CONTROL_OK] = ">dead release stop=done reload=canceled start=failed",
		[ON_CONTROL_FAILED] = ">dead release stop=done reload=canceled start=failed",
		[ON_TIMER] = ">dead release stop=done reload=canceled start=failed",
	},
	[STATE_STUCK] = {
		[ON_MAIN_OK] = ">stop-post ExecStopPost[0]",
		[ON_MAIN_FAILED] = ">stop-post ExecStopPost[0]",
		[ON_TIMER] = ">stop-post ExecStopPost[0]",
	},
};

static void check_cell(enum service_state state, enum column column, bool empty)
{
	const char *want = expected[state][column];
	struct unit u = full_unit();
	enum service_state to = state;
	struct service s;
	struct actions out;
	char got[512];

	enact(&s, &u, state, 1000 * SEC);
	if (empty && expected_empty[state][column])
		want = expected_empty[state][column];
	if (empty)
		s.populated = false;
	if (empty && state == STATE_STUCK)
		s.stage_end = 1000 * SEC;
	service_step(&s, &columns[column], 1000 * SEC, &out);
	render(&out, got, sizeof(got));
	cr_expect_str_eq(got, want ? want : "", "%s, column %d%s:\n   got \"%s\"\n  want \"%s\"",
			 service_state_name(state), column, empty ? ", empty" : "", got,
			 want ? want : "");
	for (unsigned i = 0; i < out.n; i++)
		if (out.v[i].kind == ACTION_STATE)
			to = out.v[i].to;
	cr_expect_eq(s.state, to, "%s, column %d: in %s", service_state_name(state), column,
		     service_state_name(s.state));
}

Test(service, every_cell)
{
	for (enum service_state state = STATE_DEAD; state < STATE_MAX; state++)
		for (enum column column = ON_START; column < N_COLUMNS; column++) {
			check_cell(state, column, false);
			check_cell(state, column, true);
		}
}

/* ---- who ignores what, under every KillMode= ---- */

enum {
	M = 1,
	C = 2,
	O = 4
}; /* the main process, the control process (a hanging ExecStop=), another one */

/* A stop by hand at 0, TimeoutStopSec=2s. */
static void run_kill_case(struct world *w, enum kill_mode mode, bool sigkill, bool sighup,
			  unsigned ignoring)
{
	struct unit u = plain_unit();

	u.kill_mode = mode;
	u.send_sigkill = sigkill;
	u.send_sighup = sighup;
	u.exec[EXEC_STOP] = u.exec[EXEC_STOP_POST] = (struct exec_commands){ commands, 1 };
	world_init(w, &u);
	w->main.leaves_child = true;
	w->main.ignores = ignoring & M;
	w->child.ignores = ignoring & O;
	w->control[EXEC_STOP] = (struct nature){ .life = NEVER, .ignores = ignoring & C };
	world_started(w);
	ask(w, EVENT_STOP);
	run_for(w, 100 * SEC);
}

#define BEGIN	     "0: >stop ExecStop[0]; "
#define T_ALL	     BEGIN "2000: >stop-sigterm TERM:main TERM:all; "
#define T_LEADERS    BEGIN "2000: >stop-sigterm TERM:main TERM:control; "
#define K(at, how)   #at ": >stop-sigkill " how "; "
#define P(at)	     #at ": >stop-post ExecStopPost[0]; "
#define F(at, how)   #at ": >final-sigterm " how "; "
#define END(at, how) #at ": >failed stop=" how

static const struct kill_case {
	enum kill_mode mode;
	bool sigkill;
	unsigned ignoring;
	const char *trace;
} kill_cases[] = {
	{ KILL_CONTROL_GROUP, true, 0, T_ALL P(2000) END(2000, "done") },
	{ KILL_CONTROL_GROUP, true, M, T_ALL K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_CONTROL_GROUP, true, C, T_ALL K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_CONTROL_GROUP, true, M | C, T_ALL K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_CONTROL_GROUP, true, O, T_ALL K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_CONTROL_GROUP, true, M | O, T_ALL K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_CONTROL_GROUP, true, C | O, T_ALL K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_CONTROL_GROUP, true, M | C | O, T_ALL K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_CONTROL_GROUP, false, 0, T_ALL P(2000) END(2000, "done") },
	{ KILL_CONTROL_GROUP, false, M,
	  T_ALL P(4000) F(4000, "TERM:main TERM:all") END(6000, "survivors") },
	{ KILL_CONTROL_GROUP, false, C, T_ALL P(4000) F(4000, "TERM:all") END(6000, "survivors") },
	{ KILL_CONTROL_GROUP, false, M | C,
	  T_ALL P(4000) F(4000, "TERM:main TERM:all") END(6000, "survivors") },
	{ KILL_CONTROL_GROUP, false, O, T_ALL P(4000) F(4000, "TERM:all") END(6000, "survivors") },
	{ KILL_CONTROL_GROUP, false, M | O,
	  T_ALL P(4000) F(4000, "TERM:main TERM:all") END(6000, "survivors") },
	{ KILL_CONTROL_GROUP, false, C | O, T_ALL P(4000) F(4000, "TERM:all") END(6000, "survivors") },
	{ KILL_CONTROL_GROUP, false, M | C | O,
	  T_ALL P(4000) F(4000, "TERM:main TERM:all") END(6000, "survivors") },
	{ KILL_MIXED, true, 0, T_LEADERS K(2000, "kill") P(2000) END(2000, "done") },
	{ KILL_MIXED, true, M, T_LEADERS K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_MIXED, true, C, T_LEADERS K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_MIXED, true, M | C, T_LEADERS K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_MIXED, true, O, T_LEADERS K(2000, "kill") P(2000) END(2000, "done") },
	{ KILL_MIXED, true, M | O, T_LEADERS K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_MIXED, true, C | O, T_LEADERS K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_MIXED, true, M | C | O, T_LEADERS K(4000, "kill") P(4000) END(4000, "done") },
	{ KILL_MIXED, false, 0, T_LEADERS P(2000) END(2000, "survivors") },
	{ KILL_MIXED, false, M, T_LEADERS P(4000) F(4000, "TERM:main") END(6000, "survivors") },
	{ KILL_MIXED, false, C, T_LEADERS P(4000) END(4000, "survivors") },
	{ KILL_MIXED, false, M | C, T_LEADERS P(4000) F(4000, "TERM:main") END(6000, "survivors") },
	{ KILL_MIXED, false, O, T_LEADERS P(2000) END(2000, "survivors") },
	{ KILL_MIXED, false, M | O, T_LEADERS P(4000) F(4000, "TERM:main") END(6000, "survivors") },
	{ KILL_MIXED, false, C | O, T_LEADERS P(4000) END(4000, "survivors") },
	{ KILL_MIXED, false, M | C | O, T_LEADERS P(4000) F(4000, "TERM:main") END(6000, "survivors") },
	{ KILL_PROCESS, true, 0, T_LEADERS P(2000) END(2000, "survivors") },
	{ KILL_PROCESS, true, M, T_LEADERS K(4000, "KILL:main") P(4000) END(4000, "survivors") },
	{ KILL_PROCESS, true, C, T_LEADERS K(4000, "KILL:control") P(4000) END(4000, "survivors") },
	{ KILL_PROCESS, true, M | C,
	  T_LEADERS K(4000, "KILL:main KILL:control") P(4000) END(4000, "survivors") },
	{ KILL_PROCESS, true, O, T_LEADERS P(2000) END(2000, "survivors") },
	{ KILL_PROCESS, true, M | O, T_LEADERS K(4000, "KILL:main") P(4000) END(4000, "survivors") },
	{ KILL_PROCESS, true, C | O, T_LEADERS K(4000, "KILL:control") P(4000) END(4000, "survivors") },
	{ KILL_PROCESS, true, M | C | O,
	  T_LEADERS K(4000, "KILL:main KILL:control") P(4000) END(4000, "survivors") },
	{ KILL_PROCESS, false, 0, T_LEADERS P(2000) END(2000, "survivors") },
	{ KILL_PROCESS, false, M, T_LEADERS P(4000) F(4000, "TERM:main") END(6000, "survivors") },
	{ KILL_PROCESS, false, C, T_LEADERS P(4000) END(4000, "survivors") },
	{ KILL_PROCESS, false, M | C, T_LEADERS P(4000) F(4000, "TERM:main") END(6000, "survivors") },
	{ KILL_PROCESS, false, O, T_LEADERS P(2000) END(2000, "survivors") },
	{ KILL_PROCESS, false, M | O, T_LEADERS P(4000) F(4000, "TERM:main") END(6000, "survivors") },
	{ KILL_PROCESS, false, C | O, T_LEADERS P(4000) END(4000, "survivors") },
	{ KILL_PROCESS, false, M | C | O, T_LEADERS P(4000) F(4000, "TERM:main") END(6000, "survivors") },
};

/* The trace without its "+HUP"s, of which there must be one at every TERM and nowhere else. */
static void strip_hangups(char *trace)
{
	for (char *at = trace; (at = strstr(at, "TERM")); at += 4)
		cr_expect(strncmp(at + 4, "+HUP", 4) == 0, "%s", trace);
	for (char *at = trace; (at = strstr(at, "+HUP"));) {
		cr_expect(at - trace >= 4 && strncmp(at - 4, "TERM", 4) == 0, "%s", trace);
		memmove(at, at + 4, strlen(at + 4) + 1);
	}
}

Test(service, kill_modes)
{
	static struct world w;

	for (size_t i = 0; i < ARRAY_SIZE(kill_cases); i++) {
		const struct kill_case *c = &kill_cases[i];

		run_kill_case(&w, c->mode, c->sigkill, false, c->ignoring);
		expect_trace(&w, c->trace);
		run_kill_case(&w, c->mode, c->sigkill, true, c->ignoring);
		strip_hangups(w.trace);
		expect_trace(&w, c->trace);
	}
}

Test(service, kill_mode_none_signals_nobody)
{
	static struct world w;

	for (unsigned i = 0; i < 4 * 8; i++) {
		run_kill_case(&w, KILL_NONE, i & 8, i & 16, i & 7);
		expect_trace(&w, BEGIN P(2000) END(2000, "survivors"));
	}
}

/* ---- stories ---- */

static const struct exec_commands one = { commands, 1 }, two = { commands, 2 },
				  tolerant = { lenient, 2 };

/* A service that runs and ignores what it can. */
static void world_stubborn(struct world *w, const struct unit *u)
{
	world_init(w, u);
	w->main.ignores = true;
	world_started(w);
}

static void check_stubborn_stop(const struct unit *u, const char *trace)
{
	static struct world w;

	world_stubborn(&w, u);
	ask(&w, EVENT_STOP);
	run_for(&w, 100 * SEC);
	expect_trace(&w, trace);
	cr_expect_eq(w.s.result, RESULT_TIMEOUT);
	cr_expect_eq(w.releases, 1);
}

Test(service, a_milder_final_signal_is_followed_by_the_kill)
{
	struct unit u = plain_unit();

	u.final_kill_signal = SIGQUIT;
	u.send_sighup = true;
	check_stubborn_stop(&u, "0: >stop-sigterm TERM+HUP:main TERM+HUP:all; 2000: >stop-sigkill "
				"QUIT:main QUIT:all; "
				"4000: kill; 4000: >failed stop=done");
	u.stop_deadline = 3 * SEC;
	check_stubborn_stop(&u, "0: >stop-sigterm TERM+HUP:main TERM+HUP:all; 2000: >stop-sigkill "
				"QUIT:main QUIT:all; "
				"3000: kill; 3000: >failed stop=done");
	u.stop_deadline = 1 * SEC;
	check_stubborn_stop(
		&u, "0: >stop-sigterm TERM+HUP:main TERM+HUP:all; 1000: >stop-sigkill kill; "
		    "1000: >failed stop=done");
}

Test(service, failure_modes_of_the_stop)
{
	struct unit u = plain_unit();

	u.send_sighup = true;
	u.timeout_stop_failure_mode = FAILURE_ABORT;
	check_stubborn_stop(&u, "0: >stop-sigterm TERM+HUP:main TERM+HUP:all; 2000: >stop-watchdog "
				"ABRT:main ABRT:all; "
				"6000: >stop-sigkill kill; 6000: >failed stop=done");
	u.timeout_stop_failure_mode = FAILURE_KILL;
	check_stubborn_stop(
		&u, "0: >stop-sigterm TERM+HUP:main TERM+HUP:all; 2000: >stop-sigkill kill; "
		    "2000: >failed stop=done");
}

/* One command of a list hangs. */
static void check_hang(const struct unit *u, enum exec_phase phase, const char *trace)
{
	static struct world w;
	struct unit with = *u;

	with.exec[phase] = one;
	world_init(&w, &with);
	w.control[phase] = (struct nature){ .life = NEVER, .ignores = true };
	ask(&w, EVENT_START);
	run_for(&w, SEC);
	if (phase == EXEC_STOP || phase == EXEC_STOP_POST)
		ask(&w, EVENT_STOP);
	run_for(&w, 100 * SEC);
	expect_trace(&w, trace);
	cr_expect_eq(w.s.result, RESULT_TIMEOUT);
}

Test(service, failure_modes_over_a_command_that_hangs)
{
	struct unit u = plain_unit();

	check_hang(&u, EXEC_START_PRE,
		   "0: >start-pre ExecStartPre[0]; 3000: >stop-sigterm TERM:all; "
		   "5000: >stop-sigkill kill; 5000: >failed start=failed");
	check_hang(&u, EXEC_STOP,
		   "0: >start ExecStart[0]; 0: >running start=done; 1000: >stop ExecStop[0]; "
		   "3000: >stop-sigterm TERM:main TERM:all; 5000: >stop-sigkill kill; "
		   "5000: >failed stop=done");
	check_hang(&u, EXEC_STOP_POST,
		   "0: >start ExecStart[0]; 0: >running start=done; "
		   "1000: >stop-sigterm TERM:main TERM:all; 1000: >stop-post ExecStopPost[0]; "
		   "3000: >final-sigterm TERM:all; 5000: >final-sigkill kill; "
		   "5000: >failed stop=done");
	u.timeout_start_failure_mode = u.timeout_stop_failure_mode = FAILURE_ABORT;
	check_hang(&u, EXEC_START_PRE,
		   "0: >start-pre ExecStartPre[0]; 3000: >stop-watchdog ABRT:all; "
		   "7000: >stop-sigkill kill; 7000: >failed start=failed");
	check_hang(&u, EXEC_STOP,
		   "0: >start ExecStart[0]; 0: >running start=done; 1000: >stop ExecStop[0]; "
		   "3000: >stop-watchdog ABRT:main ABRT:all; 7000: >stop-sigkill kill; "
		   "7000: >failed stop=done");
	check_hang(&u, EXEC_STOP_POST,
		   "0: >start ExecStart[0]; 0: >running start=done; "
		   "1000: >stop-sigterm TERM:main TERM:all; 1000: >stop-post ExecStopPost[0]; "
		   "3000: >final-watchdog ABRT:all; 7000: >final-sigkill kill; "
		   "7000: >failed stop=done");
	u.timeout_start_failure_mode = u.timeout_stop_failure_mode = FAILURE_KILL;
	check_hang(&u, EXEC_CONDITION,
		   "0: >condition ExecCondition[0]; 3000: >stop-sigkill kill; "
		   "3000: >failed start=failed");
	check_hang(&u, EXEC_START_PRE,
		   "0: >start-pre ExecStartPre[0]; 3000: >stop-sigkill kill; "
		   "3000: >failed start=failed");
	check_hang(&u, EXEC_START_POST,
		   "0: >start ExecStart[0]; 0: >start-post ExecStartPost[0]; "
		   "3000: >stop-sigkill kill; 3000: >failed start=failed");
	check_hang(&u, EXEC_STOP,
		   "0: >start ExecStart[0]; 0: >running start=done; 1000: >stop ExecStop[0]; "
		   "3000: >stop-sigkill kill; 3000: >failed stop=done");
	check_hang(&u, EXEC_STOP_POST,
		   "0: >start ExecStart[0]; 0: >running start=done; "
		   "1000: >stop-sigterm TERM:main TERM:all; 1000: >stop-post ExecStopPost[0]; "
		   "3000: >final-sigkill kill; 3000: >failed stop=done");
}

/* From a start to the end of everything, with one thing that cannot be spawned. */
Test(service, what_cannot_be_spawned_fails_for_want_of_resources)
{
	static const char *const traces[EXEC_PHASE_MAX] = {
		[EXEC_CONDITION] = "0: >condition ExecCondition[0]; 0: >failed start=failed",
		[EXEC_START_PRE] = "0: >start-pre ExecStartPre[0]; 0: >failed start=failed",
		[EXEC_START] = "0: >start ExecStart[0]; 0: >failed start=failed",
		[EXEC_START_POST] = "0: >start ExecStart[0]; 0: >start-post ExecStartPost[0]; "
				    "0: >stop-sigterm TERM:main TERM:all; 0: >failed start=failed",
		[EXEC_STOP] =
			"0: >start ExecStart[0]; 0: >running start=done; 1000: >stop ExecStop[0]; "
			"1000: >stop-sigterm TERM:main TERM:all; 1000: >failed stop=done",
		[EXEC_STOP_POST] =
			"0: >start ExecStart[0]; 0: >running start=done; "
			"1000: >stop-sigterm TERM:main TERM:all; 1000: >stop-post ExecStopPost[0]; "
			"1000: >failed stop=done",
	};
	static struct world w;

	for (enum exec_phase phase = EXEC_CONDITION; phase < EXEC_PHASE_MAX; phase++) {
		struct unit u = plain_unit();

		if (phase == EXEC_RELOAD)
			continue;
		u.exec[phase] = (struct exec_commands){ lenient, 1 };
		world_init(&w, &u);
		w.control[phase].cannot_spawn = true;
		w.main.cannot_spawn = phase == EXEC_START;
		ask(&w, EVENT_START);
		run_for(&w, SEC);
		if (service_active_state(w.s.state)[0] == 'a')
			ask(&w, EVENT_STOP);
		run_for(&w, 100 * SEC);
		expect_trace(&w, traces[phase]);
		cr_expect_eq(w.s.result, RESULT_RESOURCES);
		cr_expect_eq(w.s.state, STATE_FAILED);
		cr_expect_eq(w.releases, 1);
	}
}

Test(service, start_limit)
{
	static struct world w;
	struct unit u = plain_unit();

	u.restart = RESTART_ALWAYS;
	u.start_limit_burst = 3;
	world_init(&w, &u);
	w.main = (struct nature){ .life = 10 * MSEC };
	ask(&w, EVENT_START);
	run_for(&w, SEC);
	expect_trace(&w,
		     "0: >start ExecStart[0]; 0: >running start=done; 10: >auto-restart; "
		     "110: >start ExecStart[0]; 110: >running; 120: >auto-restart; "
		     "220: >start ExecStart[0]; 220: >running; 230: >auto-restart; 330: >failed");
	cr_expect_eq(w.s.result, RESULT_START_LIMIT_HIT);
	cr_expect_eq(w.s.n_restarts, 3);

	/* by hand, too, until it is forgiven or the interval is over */
	w.trace[0] = '\0';
	ask(&w, EVENT_START);
	ask(&w, EVENT_RESET_FAILED);
	w.main.life = NEVER;
	ask(&w, EVENT_START);
	run_for(&w, 0);
	expect_trace(&w, "1000: start=failed; 1000: >dead; 1000: >start ExecStart[0]; "
			 "1000: >running start=done");
	cr_expect_eq(w.s.n_restarts, 0);
}

Test(service, start_limit_interval_ends)
{
	static struct world w;
	struct unit u = plain_unit();

	u.restart = RESTART_ALWAYS;
	u.restart_delay = 4 * SEC;
	u.start_limit_burst = 3; /* 0, 4, 8, then 12 in a new interval */
	world_init(&w, &u);
	w.main.life = 0;
	ask(&w, EVENT_START);
	run_for(&w, 100 * SEC);
	cr_expect_eq(w.s.state, STATE_AUTO_RESTART);
	cr_expect_eq(w.s.n_restarts, 25);
}

Test(service, runtime_max)
{
	static struct world w;
	struct unit u = plain_unit();

	u.runtime_max = 7 * SEC;
	u.exec[EXEC_STOP] = one;
	u.restart = RESTART_ON_ABNORMAL;
	world_init(&w, &u);
	ask(&w, EVENT_START);
	run_for(&w, 7100 * MSEC);
	expect_trace(&w, "0: >start ExecStart[0]; 0: >running start=done; 7000: >stop ExecStop[0]; "
			 "7000: >stop-sigterm TERM:main TERM:all; 7000: >auto-restart; "
			 "7100: >start ExecStart[0]; 7100: >running");
	cr_expect_eq(w.s.n_restarts, 1);
}

Test(service, oneshot_runs_its_commands_in_turn)
{
	static struct world w;
	struct unit u = plain_unit();

	u.type = SERVICE_ONESHOT;
	u.exec[EXEC_START] = two;
	u.exec[EXEC_STOP] = one;
	u.timeout_start = NEVER;
	world_init(&w, &u);
	w.main.life = 5 * SEC;
	ask(&w, EVENT_START);
	run_for(&w, 100 * SEC);
	expect_trace(&w, "0: >start ExecStart[0]; 5000: ExecStart[1]; "
			 "10000: start=done >stop ExecStop[0]; 10000: >dead");

	u.remain_after_exit = true;
	world_init(&w, &u);
	w.main.life = 5 * SEC;
	ask(&w, EVENT_START);
	run_for(&w, 100 * SEC);
	ask(&w, EVENT_STOP);
	run_for(&w, 100 * SEC);
	expect_trace(&w, "0: >start ExecStart[0]; 5000: ExecStart[1]; 10000: >exited start=done; "
			 "100000: >stop ExecStop[0]; 100000: >dead stop=done");

	world_init(&w, &u);
	w.main = (struct nature){ .life = SEC, .status = 1 };
	ask(&w, EVENT_START);
	run_for(&w, 100 * SEC);
	expect_trace(&w, "0: >start ExecStart[0]; 1000: >failed start=failed");

	u.exec[EXEC_START] = tolerant;
	world_init(&w, &u);
	w.main = (struct nature){ .life = SEC, .status = 1 };
	ask(&w, EVENT_START);
	run_for(&w, 100 * SEC);
	expect_trace(&w, "0: >start ExecStart[0]; 1000: ExecStart[1]; 2000: >exited start=done");
}

static void check_condition(int status, const char *trace)
{
	static struct world w;
	struct unit u = plain_unit();

	u.restart = RESTART_ALWAYS;
	u.restart_delay = 200 * SEC;
	u.exec[EXEC_CONDITION] = two;
	world_init(&w, &u);
	w.control[EXEC_CONDITION].status = status;
	ask(&w, EVENT_START);
	run_for(&w, 100 * SEC);
	expect_trace(&w, trace);
}

Test(service, exec_condition)
{
	check_condition(
		0, "0: >condition ExecCondition[0]; 0: ExecCondition[1]; 0: >start ExecStart[0]; "
		   "0: >running start=done");
	check_condition(1, "0: >condition ExecCondition[0]; 0: >dead start=skipped");
	check_condition(254, "0: >condition ExecCondition[0]; 0: >dead start=skipped");
	check_condition(255, "0: >condition ExecCondition[0]; 0: >auto-restart start=failed");
}

Test(service, start_during_a_stop_comes_after_it)
{
	static struct world w;
	struct unit u = plain_unit();

	world_stubborn(&w, &u);
	ask(&w, EVENT_STOP);
	run_for(&w, SEC);
	ask(&w, EVENT_START);
	run_for(&w, 100 * SEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main TERM:all; 2000: >stop-sigkill kill; "
			 "2000: >failed stop=done >start ExecStart[0]; 2000: >running start=done");

	world_stubborn(&w, &u);
	ask(&w, EVENT_STOP);
	ask(&w, EVENT_START);
	run_for(&w, SEC);
	ask(&w, EVENT_STOP);
	run_for(&w, 100 * SEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main TERM:all; 1000: start=canceled; "
			 "2000: >stop-sigkill kill; 2000: >failed stop=done");
}

Test(service, restart)
{
	static struct world w;
	struct unit u = plain_unit();

	u.restart_kill_signal = SIGUSR1;
	u.send_sighup = true;
	u.exec[EXEC_STOP] = one;
	world_stubborn(&w, &u);
	w.control[EXEC_STOP].life = SEC;
	ask(&w, EVENT_RESTART);
	run_for(&w, 100 * SEC);
	expect_trace(&w, "0: >stop ExecStop[0]; 1000: >stop-sigterm USR1:main USR1:all; "
			 "3000: >stop-sigkill kill; 3000: >failed >start ExecStart[0]; "
			 "3000: >running start=done");

	/* a stop makes it a stop */
	world_stubborn(&w, &u);
	w.control[EXEC_STOP].life = SEC;
	ask(&w, EVENT_RESTART);
	ask(&w, EVENT_STOP);
	run_for(&w, 100 * SEC);
	expect_trace(&w,
		     "0: >stop ExecStop[0]; 0: start=canceled; "
		     "1000: >stop-sigterm TERM+HUP:main TERM+HUP:all; 3000: >stop-sigkill kill; "
		     "3000: >failed stop=done");
}

Test(service, restart_over_survivors_is_refused)
{
	static struct world w;
	struct unit u = plain_unit();

	u.send_sigkill = false;
	world_stubborn(&w, &u);
	ask(&w, EVENT_RESTART);
	run_for(&w, 100 * SEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main TERM:all; 2000: >failed start=refused");
	cr_expect(service_start_refused(&w.s));
	cr_expect(service_watches_empty(&w.s));
	w.procs[0].dies_at = w.now;
	run_for(&w, 0);
	cr_expect_not(service_start_refused(&w.s));
	cr_expect_eq(w.releases, 1);
}

Test(service, leftovers_of_kill_mode_process_do_not_hinder_a_start)
{
	static struct world w;
	struct unit u = plain_unit();

	u.kill_mode = KILL_PROCESS;
	world_init(&w, &u);
	w.main.leaves_child = true;
	world_started(&w);
	ask(&w, EVENT_STOP);
	run_for(&w, SEC);
	ask(&w, EVENT_START);
	run_for(&w, SEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main; 0: >dead stop=survivors; "
			 "1000: >start ExecStart[0]; 1000: >running start=done");
}

Test(service, stop_during_a_start)
{
	static struct world w;
	struct unit u = plain_unit();

	u.exec[EXEC_START_PRE] = u.exec[EXEC_STOP] = u.exec[EXEC_STOP_POST] = one;
	u.restart = RESTART_ALWAYS;
	world_init(&w, &u);
	w.control[EXEC_START_PRE].life = NEVER;
	ask(&w, EVENT_START);
	run_for(&w, SEC);
	ask(&w, EVENT_STOP);
	run_for(&w, 100 * SEC);
	expect_trace(&w,
		     "0: >start-pre ExecStartPre[0]; 1000: start=canceled >stop-sigterm TERM:all; "
		     "1000: >stop-post ExecStopPost[0]; 1000: >dead stop=done");
}

/* first and second: deadlines of a stop at 0 and of another one at 500 ms. */
static void check_deadlines(usec_t cap, usec_t first, usec_t second, const char *trace)
{
	static struct world w;
	struct unit u = plain_unit();
	usec_t start;

	u.timeout_stop = 90 * SEC;
	u.exec[EXEC_STOP_POST] = one;
	u.stop_deadline = cap;
	world_stubborn(&w, &u);
	start = w.now;
	ask_by(&w, EVENT_STOP, usec_add(start, first));
	run_for(&w, 500 * MSEC);
	ask_by(&w, EVENT_STOP, usec_add(start, second));
	run_for(&w, 200 * SEC);
	expect_trace(&w, trace);
}

Test(service, deadlines)
{
	check_deadlines(NEVER, NEVER, NEVER,
			"0: >stop-sigterm TERM:main TERM:all; 90000: >stop-sigkill kill; "
			"90000: >stop-post ExecStopPost[0]; 90000: >failed stop=done");
	check_deadlines(3 * SEC, NEVER, NEVER,
			"0: >stop-sigterm TERM:main TERM:all; 2250: >stop-sigkill kill; "
			"2250: >stop-post ExecStopPost[0]; 2250: >failed stop=done");
	check_deadlines(3 * SEC, 2 * SEC, NEVER,
			"0: >stop-sigterm TERM:main TERM:all; 1500: >stop-sigkill kill; "
			"1500: >stop-post ExecStopPost[0]; 1500: >failed stop=done");
	check_deadlines(3 * SEC, 4 * SEC, 5 * SEC,
			"0: >stop-sigterm TERM:main TERM:all; 2250: >stop-sigkill kill; "
			"2250: >stop-post ExecStopPost[0]; 2250: >failed stop=done");
	check_deadlines(NEVER, 4 * SEC, 1 * SEC,
			"0: >stop-sigterm TERM:main TERM:all; 875: >stop-sigkill kill; "
			"875: >stop-post ExecStopPost[0]; 875: >failed stop=done");
	check_deadlines(NEVER, 4 * SEC, 100 * MSEC,
			"0: >stop-sigterm TERM:main TERM:all; 500: >stop-sigkill kill; "
			"500: >failed stop=done");
	check_deadlines(NEVER, 0, NEVER,
			"0: >stop-sigterm TERM:main TERM:all; 0: >stop-sigkill kill; "
			"0: >failed stop=done; 500: stop=done");
}

/* Everything that a service has hangs, and the deadline of its stop is at 8 s. cut: whether the deadline cut it short. */
static void check_compressed(const struct unit *u, usec_t deadline, bool cut, const char *trace)
{
	static struct world w;
	struct nature hangs = { .life = NEVER, .ignores = true };

	world_init(&w, u);
	w.main.ignores = true;
	w.control[EXEC_STOP] = w.control[EXEC_STOP_POST] = hangs;
	world_started(&w);
	ask_by(&w, EVENT_STOP, usec_add(w.now, deadline));
	run_for(&w, 1000 * SEC);
	expect_trace(&w, trace);
	cr_expect_eq(w.s.cut_short, cut, "%s", trace);
}

Test(service, a_deadline_compresses_the_stages)
{
	struct unit u = plain_unit();

	u.timeout_stop = u.timeout_abort = 90 * SEC;
	check_compressed(&u, 8 * SEC, true,
			 "0: >stop-sigterm TERM:main TERM:all; 8000: >stop-sigkill kill; "
			 "8000: >failed stop=done");
	u.exec[EXEC_STOP] = one;
	check_compressed(&u, 8 * SEC, true,
			 "0: >stop ExecStop[0]; 4000: >stop-sigterm TERM:main TERM:all; "
			 "8000: >stop-sigkill kill; 8000: >failed stop=done");
	u.exec[EXEC_STOP_POST] = two;
	check_compressed(&u, 8 * SEC, true,
			 "0: >stop ExecStop[0]; 4000: >stop-sigterm TERM:main TERM:all; "
			 "7000: >stop-sigkill kill; 7000: >stop-post ExecStopPost[0]; "
			 "7500: >final-sigterm TERM:all; 8000: >final-sigkill kill; "
			 "8000: >failed stop=done");
	u.timeout_stop_failure_mode = FAILURE_ABORT;
	check_compressed(&u, 8 * SEC, true,
			 "0: >stop ExecStop[0]; 4000: >stop-watchdog ABRT:main ABRT:all; "
			 "7000: >stop-sigkill kill; 7000: >stop-post ExecStopPost[0]; "
			 "7500: >final-watchdog ABRT:all; 8000: >final-sigkill kill; "
			 "8000: >failed stop=done");
	u.timeout_stop_failure_mode = FAILURE_KILL;
	check_compressed(&u, 8 * SEC, true,
			 "0: >stop ExecStop[0]; 6000: >stop-sigkill kill; "
			 "6000: >stop-post ExecStopPost[0]; 7000: >final-sigkill kill; "
			 "7000: >failed stop=done");
	u.timeout_stop_failure_mode = FAILURE_ABORT;
	u.exec[EXEC_STOP].n = u.exec[EXEC_STOP_POST].n = 0;
	check_compressed(
		&u, 8 * SEC, true,
		"0: >stop-sigterm TERM:main TERM:all; 4000: >stop-watchdog ABRT:main ABRT:all; "
		"8000: >stop-sigkill kill; 8000: >failed stop=done");
}

Test(service, a_deadline_that_is_far_compresses_nothing)
{
	struct unit u = plain_unit();

	u.exec[EXEC_STOP] = u.exec[EXEC_STOP_POST] = one;
	check_compressed(&u, 20 * SEC, false,
			 "0: >stop ExecStop[0]; 2000: >stop-sigterm TERM:main TERM:all; "
			 "4000: >stop-sigkill kill; 4000: >stop-post ExecStopPost[0]; "
			 "6000: >final-sigterm TERM:all; 8000: >final-sigkill kill; "
			 "8000: >failed stop=done");
}

Test(service, a_deadline_brought_forward_compresses_the_stage_under_way)
{
	static struct world w;
	struct unit u = plain_unit();

	u.timeout_stop = 90 * SEC;
	u.exec[EXEC_STOP] = one;
	world_stubborn(&w, &u);
	w.control[EXEC_STOP] = (struct nature){ .life = NEVER, .ignores = true };
	ask(&w, EVENT_STOP);
	run_for(&w, 10 * SEC);
	ask_by(&w, EVENT_STOP, usec_add(w.now, 4 * SEC));
	run_for(&w, SEC);
	ask_by(&w, EVENT_STOP, usec_add(w.now, 50 * SEC)); /* an earlier one wins */
	run_for(&w, 100 * SEC);
	expect_trace(&w, "0: >stop ExecStop[0]; 12000: >stop-sigterm TERM:main TERM:all; "
			 "14000: >stop-sigkill kill; 14000: >failed stop=done");
	cr_expect(w.s.cut_short);
	ask(&w, EVENT_START);
	run_for(&w, SEC);
	w.trace[0] = '\0';
	w.procs[0].nature.ignores = false;
	w.control[EXEC_STOP].life = 0;
	ask(&w, EVENT_STOP);
	run_for(&w, SEC);
	cr_expect_not(w.s.cut_short, "left over from the last stop");
}

Test(service, a_deadline_that_leaves_no_time_for_the_clean_up)
{
	static struct world w;
	struct unit u = plain_unit();

	u.exec[EXEC_STOP_POST] = one;
	world_stubborn(&w, &u);
	ask_by(&w, EVENT_STOP, w.now);
	run_for(&w, SEC);
	expect_trace(
		&w,
		"0: >stop-sigterm TERM:main TERM:all; 0: >stop-sigkill kill; 0: >failed stop=done");
	cr_expect(w.s.cut_short);
}

Test(service, stuck_until_it_is_released)
{
	static struct world w;
	struct unit u = plain_unit();

	u.exec[EXEC_STOP_POST] = one;
	world_init(&w, &u);
	w.main.unkillable = true;
	world_started(&w);
	ask(&w, EVENT_STOP);
	run_for(&w, 50 * SEC);
	ask(&w, EVENT_START);
	ask(&w, EVENT_RESTART);
	ask(&w, EVENT_STOP);
	run_for(&w, 50 * SEC);
	cr_expect(service_watches_empty(&w.s));
	w.procs[0].nature.unkillable = false;
	ask(&w, EVENT_STOP);
	hit(&w, &w.procs[0], SIGKILL);
	run_for(&w, 50 * SEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main TERM:all; 2000: >stop-sigkill kill; "
			 "7000: >stuck stop=survivors; 50000: start=refused; 50000: start=refused; "
			 "50000: >stop-sigkill kill; 55000: >stuck stop=survivors; "
			 "100000: >stop-sigkill kill; 100000: >stop-post ExecStopPost[0]; "
			 "100000: >failed stop=done");
	cr_expect_eq(w.releases, 1);
}

Test(service, stuck_ends_by_itself_and_is_restarted)
{
	static struct world w;
	struct unit u = plain_unit();

	u.kill_mode = KILL_PROCESS;
	u.runtime_max = SEC;
	u.restart = RESTART_ON_FAILURE;
	world_init(&w, &u);
	w.main.unkillable = true;
	ask(&w, EVENT_START);
	run_for(&w, 50 * SEC);
	w.procs[0].dies_at = w.now;
	run_for(&w, 500 * MSEC);
	expect_trace(&w,
		     "0: >start ExecStart[0]; 0: >running start=done; "
		     "1000: >stop-sigterm TERM:main; 3000: >stop-sigkill KILL:main; 8000: >stuck; "
		     "50000: >auto-restart; 50100: >start ExecStart[0]; 50100: >running");
}

/* ExecStopPost= is run once, although what it leaves behind cannot be killed at first. */
Test(service, stuck_in_the_final_kill)
{
	static struct world w;
	struct unit u = plain_unit();

	u.exec[EXEC_STOP_POST] = one;
	world_init(&w, &u);
	w.child.unkillable = true;
	w.control[EXEC_STOP_POST].leaves_child = true;
	world_started(&w);
	ask(&w, EVENT_STOP);
	run_for(&w, 50 * SEC);
	for (unsigned i = 0; i < w.n_procs; i++)
		w.procs[i].dies_at = w.now;
	run_for(&w, 50 * SEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main TERM:all; 0: >stop-post ExecStopPost[0]; "
			 "0: >final-sigterm TERM:all; 2000: >final-sigkill kill; "
			 "7000: >stuck stop=survivors; 50000: >failed");
}

/* populated 0, and a tracer that keeps the zombie: KillVerifySec= bounds the wait. */
Test(service, an_end_that_is_never_told)
{
	static struct world w;
	struct unit u = plain_unit();

	u.timeout_stop = NEVER;
	world_init(&w, &u);
	w.main.withheld = true;
	world_started(&w);
	ask(&w, EVENT_STOP);
	run_for(&w, 50 * SEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main TERM:all; 5000: >dead stop=done");

	u.exec[EXEC_STOP] = one;
	world_init(&w, &u);
	w.main.withheld = true;
	world_started(&w);
	w.procs[0].dies_at = w.now;
	w.control[EXEC_STOP].life = SEC;
	ask(&w, EVENT_STOP);
	run_for(&w, 50 * SEC);
	expect_trace(&w, "0: >stop ExecStop[0]; 1000: >stop-sigterm TERM:main TERM:all; "
			 "6000: >dead stop=done");
}

static void check_reload(struct nature command, const char *trace)
{
	static struct world w;
	struct unit u = plain_unit();

	u.exec[EXEC_RELOAD] = two;
	world_init(&w, &u);
	w.control[EXEC_RELOAD] = command;
	world_started(&w);
	ask(&w, EVENT_RELOAD);
	run_for(&w, 50 * SEC);
	ask(&w, EVENT_RELOAD); /* and again, whatever became of the first */
	ask(&w, EVENT_STOP);
	run_for(&w, 500 * SEC);
	expect_trace(&w, trace);
}

Test(service, reload)
{
	check_reload((struct nature){ .life = SEC },
		     "0: >reload ExecReload[0]; 1000: ExecReload[1]; 2000: reload=done >running; "
		     "50000: >reload ExecReload[0]; 50000: >stop-sigterm TERM:main TERM:all; "
		     "50000: >dead stop=done reload=canceled");
	check_reload((struct nature){ .life = SEC, .status = 1 },
		     "0: >reload ExecReload[0]; 1000: reload=failed >running; "
		     "50000: >reload ExecReload[0]; 50000: >stop-sigterm TERM:main TERM:all; "
		     "50000: >dead stop=done reload=canceled");
	check_reload((struct nature){ .life = NEVER },
		     "0: >reload ExecReload[0]; 3000: KILL:control; 3000: reload=failed >running; "
		     "50000: >reload ExecReload[0]; 50000: >stop-sigterm TERM:main TERM:all; "
		     "50000: >dead stop=done reload=canceled");
	check_reload((struct nature){ .life = NEVER, .unkillable = true },
		     "0: >reload ExecReload[0]; 3000: KILL:control; 8000: reload=failed >running; "
		     "50000: reload=failed; 50000: >stop-sigterm TERM:main TERM:all; "
		     "52000: >stop-sigkill kill; 57000: >stuck stop=survivors");
	check_reload((struct nature){ .cannot_spawn = true },
		     "0: >reload ExecReload[0]; 0: reload=failed >running; "
		     "50000: >reload ExecReload[0]; 50000: reload=failed >running; "
		     "50000: >stop-sigterm TERM:main TERM:all; 50000: >dead stop=done");
}

Test(service, stop_ends_the_wait_for_a_restart)
{
	static struct world w;
	struct unit u = plain_unit();

	u.restart = RESTART_ALWAYS;
	world_init(&w, &u);
	w.main.life = SEC;
	ask(&w, EVENT_START);
	run_for(&w, 1050 * MSEC);
	ask(&w, EVENT_STOP);
	run_for(&w, 50 * SEC);
	expect_trace(&w, "0: >start ExecStart[0]; 0: >running start=done; 1000: >auto-restart; "
			 "1050: >dead stop=done");
}

/* What happens between the alarm and its handling is not punished. */
Test(service, an_alarm_that_was_overtaken)
{
	static struct world w;
	struct unit u = plain_unit();

	world_stubborn(&w, &u);
	ask(&w, EVENT_STOP);
	run_for(&w, 1999 * MSEC);
	feed_event(&w, &(struct event){ .kind = EVENT_TIMER });
	expect_trace(&w, "0: >stop-sigterm TERM:main TERM:all");
	run_for(&w, 1 * MSEC);
	expect_trace(&w, "0: >stop-sigterm TERM:main TERM:all; 2000: >stop-sigkill kill; "
			 "2000: >failed stop=done");
}

Test(service, a_restart_by_hand_counts_from_0)
{
	static struct world w;
	struct unit u = plain_unit();

	u.restart = RESTART_ALWAYS;
	world_init(&w, &u);
	w.main.life = SEC;
	ask(&w, EVENT_START);
	run_for(&w, 2500 * MSEC);
	cr_assert_eq(w.s.state, STATE_RUNNING);
	cr_assert_eq(w.s.n_restarts, 2);
	ask(&w, EVENT_RESTART);
	run_for(&w, 0);
	cr_expect_eq(w.s.state, STATE_RUNNING);
	cr_expect_eq(w.s.n_restarts, 0);
}

/* Watched is what may still hold someone and hears of it in no other way. */
Test(service, when_emptiness_is_to_be_told)
{
	struct unit u = plain_unit();

	for (enum service_state state = STATE_DEAD; state < STATE_MAX; state++) {
		struct service s;
		bool active = service_state_is_starting(state) || state == STATE_RUNNING ||
			      state == STATE_RELOAD;

		enact(&s, &u, state, SEC);
		s.populated = true;
		if (state == STATE_AUTO_RESTART)
			active = false;
		cr_expect_eq(service_watches_empty(&s), !active, "%s", service_state_name(state));
		s.populated = false;
		cr_expect_not(service_watches_empty(&s), "%s", service_state_name(state));
	}
}

/* What an earlier cgkilld has left is stopped as its unit says, where the unit allows a kill. */
Test(service, a_stop_of_what_outlived_its_run)
{
	struct unit u = plain_unit();
	const struct event stop = { .kind = EVENT_STOP, .deadline = USEC_INFINITY };
	const struct event empty = { .kind = EVENT_EMPTY };
	struct actions out;
	struct service s;

	enact(&s, &u, STATE_DEAD, SEC);
	s.populated = true;
	service_step(&s, &stop, SEC, &out);
	cr_assert_eq(s.state, STATE_STOP_SIGTERM);
	service_step(&s, &empty, SEC, &out);
	cr_assert_eq(s.state, STATE_DEAD);
	cr_assert_eq(out.v[out.n - 3].kind, ACTION_DONE);
	cr_assert_eq(out.v[out.n - 3].answer, ANSWER_DONE);

	u.kill_mode = KILL_PROCESS;
	enact(&s, &u, STATE_DEAD, SEC);
	s.populated = true;
	service_step(&s, &stop, SEC, &out);
	cr_assert_eq(s.state, STATE_DEAD, "left alive by the unit's own will");
	cr_assert_eq(out.n, 1);
	cr_assert_eq(out.v[0].answer, ANSWER_SURVIVORS);
}

Test(service, names)
{
	cr_expect_null(service_state_name(STATE_INVALID));
	cr_expect_null(service_state_name(STATE_MAX));
	cr_expect_null(answer_name(ANSWER_INVALID));
	cr_expect_str_eq(service_active_state(STATE_STUCK), "deactivating");
	for (enum service_state state = STATE_DEAD; state < STATE_MAX; state++) {
		cr_expect_not_null(service_state_name(state), "%d", state);
		cr_expect_not_null(service_active_state(state), "%d", state);
		cr_expect_eq(service_state_is_stopping(state),
			     streq(service_active_state(state), "deactivating"), "%d", state);
	}
	for (enum answer a = ANSWER_DONE; a < ANSWER_MAX; a++)
		cr_expect_not_null(answer_name(a), "%d", a);
}

/* ---- random walks ---- */

static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static unsigned pick(uint64_t *seed, unsigned n)
{
	return (unsigned)(random_next(seed) >> 20) % n;
}

static bool chance(uint64_t *seed, unsigned percent)
{
	return pick(seed, 100) < percent;
}

static usec_t pick_time(uint64_t *seed)
{
	return (1 + pick(seed, 3000)) * MSEC;
}

static struct nature random_nature(uint64_t *seed, bool is_command)
{
	return (struct nature){
		.life = chance(seed, is_command ? 80 : 30) ? (pick(seed, 2) ? 0 : pick_time(seed)) : NEVER,
		.status = chance(seed, 70) ? 0 : 1 + (int)pick(seed, 255),
		.ignores = chance(seed, 40),
		.unkillable = chance(seed, 5),
		.withheld = chance(seed, 2),
		.cannot_spawn = chance(seed, 4),
		.leaves_child = chance(seed, 30),
	};
}

static struct unit random_unit(uint64_t *seed)
{
	static const enum service_type types[] = { SERVICE_SIMPLE, SERVICE_EXEC, SERVICE_ONESHOT };
	static const int final_signals[] = { SIGKILL, SIGKILL, SIGQUIT };
	struct unit u = plain_unit();

	u.type = types[pick(seed, ARRAY_SIZE(types))];
	for (unsigned p = 0; p < EXEC_PHASE_MAX; p++)
		u.exec[p] = (struct exec_commands){ chance(seed, 30) ? lenient : commands,
						    chance(seed, 40) ? 1 + pick(seed, 2) : 0 };
	if (u.type != SERVICE_ONESHOT)
		u.exec[EXEC_START].n = 1;
	u.remain_after_exit = chance(seed, 30);
	u.restart = RESTART_NO + pick(seed, RESTART_MAX - RESTART_NO);
	u.start_limit_interval = pick(seed, 2) ? 0 : pick_time(seed);
	u.restart_delay = pick_time(seed);
	u.timeout_start = pick_time(seed);
	u.timeout_stop = pick_time(seed);
	u.timeout_abort = pick_time(seed);
	u.timeout_start_failure_mode = FAILURE_TERMINATE + pick(seed, 3);
	u.timeout_stop_failure_mode = FAILURE_TERMINATE + pick(seed, 3);
	u.runtime_max = chance(seed, 20) ? pick_time(seed) : NEVER;
	u.kill_mode = KILL_CONTROL_GROUP + pick(seed, 4);
	u.restart_kill_signal = chance(seed, 20) ? SIGUSR1 : SIGTERM;
	u.final_kill_signal = final_signals[pick(seed, ARRAY_SIZE(final_signals))];
	u.send_sigkill = chance(seed, 80);
	u.send_sighup = chance(seed, 20);
	u.stop_deadline = chance(seed, 30) ? pick_time(seed) : NEVER;
	u.kill_verify = pick_time(seed);
	return u;
}

static void random_request(struct world *w, uint64_t *seed)
{
	enum event_kind kind = EVENT_START + pick(seed, EVENT_RESET_FAILED - EVENT_START + 1);
	usec_t deadline = chance(seed, 70) ? NEVER : usec_sub(w->now + pick_time(seed), 1 * SEC);

	ask_by(w, kind, kind == EVENT_STOP || kind == EVENT_RESTART ? deadline : NEVER);
}

static unsigned n_pending(const struct world *w)
{
	return w->pending[REQUEST_START] + w->pending[REQUEST_STOP] + w->pending[REQUEST_RELOAD];
}

/* A stop ends, and says so. Then everybody lets go, and nothing is left of the service. */
static void end_walk(struct world *w)
{
	ask(w, EVENT_STOP);
	run_for(w, usec_add(stop_bound(w), SEC));
	WORLD_ASSERT(w, service_state_is_ended(w->s.state) || w->s.state == STATE_STUCK);
	WORLD_ASSERT(w, n_pending(w) == 0);
	for (unsigned i = 0; i < w->n_procs; i++) {
		w->procs[i].nature.unkillable = false;
		hit(w, &w->procs[i], SIGKILL);
	}
	w->main = w->child = (struct nature){ 0 };
	for (unsigned p = 0; p < EXEC_PHASE_MAX; p++)
		w->control[p] = (struct nature){ 0 };
	run_for(w, usec_add(stop_bound(w), SEC));
	ask(w, EVENT_STOP);
	run_for(w, usec_add(stop_bound(w), SEC));
	WORLD_ASSERT(w, service_state_is_ended(w->s.state));
	WORLD_ASSERT(w, n_pending(w) == 0);
	WORLD_ASSERT(w, !w->s.populated && w->releases > 0);
	WORLD_ASSERT(w, service_next_timer(&w->s) == NEVER);
}

static void walk(uint64_t seed, unsigned crash_percent, unsigned *events, unsigned *max_actions,
		 unsigned visits[STATE_MAX])
{
	static struct world w;
	struct unit u;

	(void)random_next(&seed);
	u = random_unit(&seed);
	world_init(&w, &u);
	w.main = random_nature(&seed, u.type == SERVICE_ONESHOT);
	w.child = random_nature(&seed, false);
	for (unsigned p = 0; p < EXEC_PHASE_MAX; p++)
		w.control[p] = random_nature(&seed, true);
	ask(&w, EVENT_START);
	while (w.steps < 50) {
		usec_t later = w.now + pick_time(&seed);

		visits[w.s.state]++;
		w.crash_after = chance(&seed, crash_percent) ? pick(&seed, 6) : NO_CRASH;
		if (chance(&seed, 30))
			random_request(&w, &seed);
		else if (!happen_now(&w))
			w.now = MIN_OF(next_time(&w), later);
	}
	w.crash_after = NO_CRASH;
	end_walk(&w);
	*events += w.steps;
	*max_actions = MAX_OF(*max_actions, w.max_actions);
}

#define WALKS 100000

Test(service, random_walks)
{
	unsigned events = 0, max_actions = 0, visits[STATE_MAX] = { 0 };

	for (uint64_t seed = 1; seed <= WALKS; seed++)
		walk(seed * 0x9e3779b97f4a7c15U, 0, &events, &max_actions, visits);
	cr_assert_geq(events, WALKS * 50U);
	cr_assert_lt(max_actions, ACTIONS_MAX);
	for (unsigned state = STATE_DEAD; state < STATE_MAX; state++)
		cr_assert_gt(visits[state], 100, "%s was hardly visited: %u",
			     service_state_name(state), visits[state]);
}

/* The same with a manager that is killed now and then, in the middle of what it does. */
Test(service, random_walks_with_crashes)
{
	unsigned events = 0, max_actions = 0, visits[STATE_MAX] = { 0 };

	for (uint64_t seed = 1; seed <= WALKS; seed++)
		walk(seed * 0x9e3779b97f4a7c15U, 10, &events, &max_actions, visits);
	for (unsigned state = STATE_DEAD; state < STATE_MAX; state++)
		cr_assert_gt(visits[state], 100, "%s was hardly visited: %u",
			     service_state_name(state), visits[state]);
}
