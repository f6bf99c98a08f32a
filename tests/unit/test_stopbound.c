/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bound of a stop against the machine that it is about: an adversary decides, wherever a process may end or not, what
 * comes of it, and when. Of all that it can do, each at the last moment, the longest is the bound exactly; and at moments of
 * its choice, with a deadline, it never gets beyond it.
 */
#include <criterion/criterion.h>

#include "core/stopbound.h"

TestSuite(stopbound, .timeout = 120);

#define SEC   USEC_PER_SEC
#define MSEC  USEC_PER_MSEC
#define NEVER USEC_INFINITY

static struct exec_command commands[2];

/* ---- random units ---- */

static uint64_t seed;

static unsigned pick(unsigned n)
{
	seed = seed * 6364136223846793005U + 1442695040888963407U;
	return (unsigned)(seed >> 33) % n;
}

static struct unit random_unit(const struct unit *base)
{
	struct unit u = *base;

	u.exec[EXEC_START] = (struct exec_commands){ commands, 1 };
	u.exec[EXEC_STOP] = (struct exec_commands){ commands, pick(3) };
	u.exec[EXEC_STOP_POST] = (struct exec_commands){ commands, pick(3) };
	u.timeout_stop = (1 + pick(90)) * SEC;
	u.timeout_abort = pick(2) ? u.timeout_stop : (1 + pick(90)) * SEC;
	u.kill_verify = (1 + pick(20)) * SEC / 2;
	u.kill_mode = (enum kill_mode)(KILL_MODE_INVALID + 1 + pick(KILL_MODE_MAX - 1));
	u.timeout_stop_failure_mode =
		(enum failure_mode)(FAILURE_MODE_INVALID + 1 + pick(FAILURE_MODE_MAX - 1));
	u.final_kill_signal = pick(4) ? SIGKILL : SIGQUIT;
	u.send_sigkill = pick(4);
	return u;
}

/* ---- the adversary ---- */

/* What it may make of a wait. All but the first need somebody who lives. */
enum move {
	MOVE_TIMER,   /* nothing: the time is up */
	MOVE_STUCK,   /* … of the kill */
	MOVE_COMMAND, /* the control process ends well, and somebody is left */
	MOVE_FAILURE, /* … with an error */
	MOVE_LEADER,  /* the main process ends, and somebody is left */
	MOVE_ALL,     /* nobody is left */
	MOVE_MAX,
};

struct stop {
	struct service s;
	usec_t now;
	usec_t verify_at; /* the kill engine gives up */
};

static void feed(struct stop *x, enum event_kind kind, int status)
{
	struct event ev = {
		.kind = kind, .exit = { CLD_EXITED, status }, .is_main = true, .deadline = NEVER
	};
	struct actions out;

	service_step(&x->s, &ev, x->now, &out);
	for (unsigned i = 0; i < out.n; i++)
		if (out.v[i].kind == ACTION_KILL)
			x->verify_at = usec_add(x->now, x->s.unit->kill_verify);
	if (!x->s.killing)
		x->verify_at = NEVER;
}

static void end_all(struct stop *x)
{
	bool main = x->s.main_alive, control = x->s.control_alive;

	feed(x, EVENT_EMPTY, 0);
	if (main)
		feed(x, EVENT_MAIN_EXIT, 0);
	if (control)
		feed(x, EVENT_CONTROL_EXIT, 0);
}

/* False where it is no move now. */
static bool make(struct stop *x, enum move m)
{
	switch (m) {
	case MOVE_TIMER:
		if (service_next_timer(&x->s) > x->now)
			return false;
		feed(x, EVENT_TIMER, 0);
		return true;
	case MOVE_STUCK:
		if (x->verify_at > x->now)
			return false;
		feed(x, EVENT_STUCK, 0);
		return true;
	case MOVE_COMMAND:
	case MOVE_FAILURE:
		if (!x->s.control_alive)
			return false;
		feed(x, EVENT_CONTROL_EXIT, m == MOVE_FAILURE);
		return true;
	case MOVE_LEADER:
		if (!x->s.main_alive)
			return false;
		feed(x, EVENT_MAIN_EXIT, 0);
		return true;
	case MOVE_ALL:
		if (!x->s.populated)
			return false;
		end_all(x);
		return true;
	case MOVE_MAX:
		break;
	}
	return false;
}

static bool is_over(const struct stop *x)
{
	return service_state_is_over(x->s.state) || x->s.state == STATE_STUCK;
}

/* By when the next move is made at the latest; NEVER: there is no such time. */
static usec_t latest(const struct stop *x)
{
	return MIN_OF(service_next_timer(&x->s), x->verify_at);
}

/* What the rest of a stop without a deadline depends on, when every move is made at the last moment; 0 = not known yet. */
struct memory {
	usec_t left[STATE_MAX][2][2][2][2][2][2];
};

static usec_t *recall(struct memory *known, const struct stop *x)
{
	return &known->left[x->s.state][x->s.index & 1][x->s.main_alive][x->s.control_alive]
			   [x->s.populated][x->s.killing][latest(x) > x->now];
}

/* How long the longest of all stops goes on from here, and a microsecond. */
static usec_t longest(struct memory *known, const struct stop *x)
{
	usec_t at = latest(x), most = 1, *left = recall(known, x);

	if (is_over(x) || at == NEVER)
		return is_over(x) ? 1 : NEVER;
	for (enum move m = 0; *left == 0 && m < MOVE_MAX; m++) {
		struct stop next = *x;

		next.now = at;
		if (make(&next, m))
			most = MAX_OF(most, usec_add(at - x->now, longest(known, &next)));
	}
	if (*left == 0)
		*left = most;
	return *left;
}

static usec_t find_longest(const struct stop *x)
{
	struct memory known = { 0 };

	return longest(&known, x) - 1;
}

/* When one stop of random moves at random moments is over. */
static usec_t wander(struct stop x)
{
	for (unsigned steps = 0; !is_over(&x); steps++) {
		usec_t at = latest(&x), before = x.now;

		cr_assert_lt(steps, 10000);
		if (at == NEVER)
			return NEVER;
		x.now = pick(2) ? at : before + (at - before) * pick(101) / 100;
		if (!make(&x, (enum move)pick(MOVE_MAX)))
			x.now = before;
	}
	return x.now;
}

/* ---- where a stop begins ---- */

static void begin(struct stop *x, const struct unit *u)
{
	*x = (struct stop){ .now = SEC, .verify_at = NEVER };
	service_init(&x->s, u, x->now);
	feed(x, EVENT_START, 0);
	if (x->s.state == STATE_START)
		feed(x, EVENT_SPAWNED, 0);
}

static void ask(struct stop *x)
{
	feed(x, EVENT_STOP, 0);
	cr_assert(service_state_is_stopping(x->s.state) || is_over(x));
}

static const char *explain(const struct unit *u, usec_t found, usec_t said)
{
	static char text[512];

	snprintf(text, sizeof(text),
		 "found %lld, said %lld: %s, %s, %zu ExecStop, %zu ExecStopPost, "
		 "TimeoutStopSec=%lld "
		 "TimeoutAbortSec=%lld KillVerifySec=%lld StopDeadlineSec=%lld, signal %d, %d",
		 (long long)found, (long long)said, kill_mode_name(u->kill_mode),
		 failure_mode_name(u->timeout_stop_failure_mode), u->exec[EXEC_STOP].n,
		 u->exec[EXEC_STOP_POST].n, (long long)u->timeout_stop, (long long)u->timeout_abort,
		 (long long)u->kill_verify, (long long)u->stop_deadline, u->final_kill_signal,
		 u->send_sigkill);
	return text;
}

static struct unit *new_base(void)
{
	struct unit *base = unit_new("a.service");

	cr_assert_not_null(base);
	return base;
}

Test(stopbound, is_the_longest_stop)
{
	struct unit *base = new_base();

	seed = 1;
	for (unsigned i = 0; i < 1000; i++) {
		struct unit u = random_unit(base);
		struct stopbound b;
		struct stop x;
		usec_t found;

		stopbound_of(&u, &b);
		begin(&x, &u);
		cr_assert_eq(x.s.state, STATE_RUNNING);
		ask(&x);
		found = find_longest(&x);
		cr_assert_eq(found, b.total, "%s", explain(&u, found, b.total));
	}
	unit_free(base);
}

/* While it starts, or reloads, or has exited: never longer. */
Test(stopbound, holds_wherever_the_stop_begins)
{
	static const enum exec_phase before[] = { EXEC_CONDITION, EXEC_START_PRE, EXEC_START_POST };
	struct unit *base = new_base();

	seed = 2;
	for (unsigned i = 0; i < 1000; i++) {
		struct unit u = random_unit(base);
		struct stopbound b;
		enum service_state from;
		struct stop x;
		usec_t found;

		u.type = pick(2) ? SERVICE_SIMPLE : SERVICE_ONESHOT;
		u.remain_after_exit = pick(2);
		if (pick(2))
			u.exec[before[pick(ARRAY_SIZE(before))]] =
				(struct exec_commands){ commands, 1 };
		u.exec[EXEC_RELOAD] = (struct exec_commands){ commands, 1 };
		stopbound_of(&u, &b);
		begin(&x, &u);
		if (x.s.state == STATE_START && pick(2))
			feed(&x, EVENT_MAIN_EXIT, 0);
		if (x.s.state == STATE_RUNNING && pick(2))
			feed(&x, EVENT_RELOAD, 0);
		from = x.s.state;
		ask(&x);
		found = find_longest(&x);
		cr_assert_leq(found, b.total, "%s: %s", service_state_name(from),
			      explain(&u, found, b.total));
	}
	unit_free(base);
}

/* Stages give way to a deadline by shares of what is left of it, and to graces: so it matters when something ends. */
Test(stopbound, holds_under_a_deadline)
{
	struct unit *base = new_base();
	unsigned reached = 0;

	seed = 3;
	for (unsigned i = 0; i < 300; i++) {
		struct unit u = random_unit(base);
		struct stopbound b;
		struct stop x;
		usec_t found;

		u.stop_deadline = pick(4) ? (1 + pick(200)) * SEC : NEVER;
		u.leader_grace = pick(2) * pick(60) * SEC;
		u.rest_grace = pick(2) * pick(60) * SEC;
		stopbound_of(&u, &b);
		begin(&x, &u);
		ask(&x);
		found = 0;
		for (unsigned walk = 0; walk < 1000; walk++)
			found = MAX_OF(found, wander(x) - SEC);
		cr_assert_leq(found, b.total, "%s", explain(&u, found, b.total));
		reached += found == b.total;
	}
	cr_assert_gt(reached, 50, "%u", reached);
	unit_free(base);
}

/* ---- by hand ---- */

Test(stopbound, of_the_usual_units)
{
	struct unit *u = new_base();
	struct stopbound b;

	u->timeout_stop = u->timeout_abort = 90 * SEC;
	u->kill_verify = 5 * SEC;
	stopbound_of(u, &b);
	cr_assert_eq(b.total, 95 * SEC);
	cr_assert_eq(b.costliest, STATE_STOP_SIGTERM);
	cr_assert_str_eq(stopbound_directive(u, b.costliest), "TimeoutStopSec");
	cr_assert_str_eq(stopbound_directive(u, STATE_STOP_SIGKILL), "KillVerifySec");

	u->timeout_stop_failure_mode = FAILURE_ABORT;
	u->timeout_abort = 200 * SEC;
	stopbound_of(u, &b);
	cr_assert_eq(b.total, 295 * SEC);
	cr_assert_str_eq(stopbound_directive(u, b.costliest), "TimeoutAbortSec");

	u->escape_policy = ESCAPE_KILL;
	stopbound_of(u, &b);
	cr_assert_eq(b.total, 300 * SEC, "who has left is killed after who has not");

	u->timeout_stop = NEVER;
	stopbound_of(u, &b);
	cr_assert_eq(b.total, NEVER);
	cr_assert_eq(b.costliest, STATE_STOP_SIGTERM);
	u->stop_deadline = 20 * SEC;
	stopbound_of(u, &b);
	cr_assert_eq(b.total, 30 * SEC);

	u->kind = UNIT_TARGET;
	stopbound_of(u, &b);
	cr_assert_eq(b.total, 0);
	cr_assert_eq(b.costliest, STATE_INVALID);
	unit_free(u);
}

/* RestGraceSec= counts where the main process is gone: after ExecStopPost=. */
Test(stopbound, of_graces)
{
	static const struct {
		usec_t grace, final_sigterm;
	} rows[] = { { 0, 10 * SEC }, { 3 * SEC, 3 * SEC }, { 60 * SEC, 10 * SEC } };
	struct unit *base = new_base();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct unit u = *base;
		struct stopbound b;
		struct stop x;

		u.exec[EXEC_START] = u.exec[EXEC_STOP_POST] = (struct exec_commands){ commands, 1 };
		u.timeout_stop = u.timeout_abort = 10 * SEC;
		u.kill_verify = 5 * SEC;
		u.rest_grace = rows[i].grace;
		stopbound_of(&u, &b);
		cr_assert_eq(b.total, 30 * SEC + rows[i].final_sigterm);
		begin(&x, &u);
		ask(&x);
		cr_assert_eq(find_longest(&x), b.total, "%s", explain(&u, find_longest(&x), b.total));
	}
	unit_free(base);
}

/* What is proposed fits, and a microsecond more would not. */
Test(stopbound, fits_what_it_is_told_to)
{
	struct unit *base = new_base();
	unsigned fitted = 0;

	seed = 4;
	for (unsigned i = 0; i < 1000; i++) {
		struct unit u = random_unit(base);
		usec_t limit = (1 + pick(100)) * SEC, t;
		struct stopbound b;

		u.timeout_abort = u.timeout_stop = pick(3) ? 90 * SEC : NEVER;
		if (stopbound_fit(&u, limit, &t)) {
			fitted++;
			u.timeout_abort = u.timeout_stop = t;
			stopbound_of(&u, &b);
			cr_assert_leq(b.total, limit, "%s", explain(&u, limit, b.total));
			u.timeout_abort = u.timeout_stop = t + 1;
			stopbound_of(&u, &b);
			cr_assert(b.total > limit || t == limit, "%s", explain(&u, limit, b.total));
		} else {
			u.timeout_abort = u.timeout_stop = 1;
			stopbound_of(&u, &b);
			cr_assert_gt(b.total, limit, "%s", explain(&u, limit, b.total));
		}
	}
	cr_assert_gt(fitted, 500);
	unit_free(base);
}

/* Also where the kill alone would take longer. */
Test(stopbound, always_knows_a_remedy)
{
	struct unit *base = new_base();
	unsigned used[3] = { 0 };

	seed = 5;
	for (unsigned i = 0; i < 1000; i++) {
		struct unit u = random_unit(base);
		usec_t limit = (usec_t)(1 + pick(400)) * 100 * MSEC;
		struct stopbound_setting v[STOPBOUND_SETTINGS_MAX];
		struct stopbound b;
		size_t n;

		u.escape_policy = pick(2) ? ESCAPE_KILL : ESCAPE_IGNORE;
		u.timeout_abort = u.timeout_stop = pick(3) ? 90 * SEC : NEVER;
		n = stopbound_shorten(&u, limit, v);
		cr_assert(n == 1 || n == 2);
		for (size_t k = 0; k < n; k++) {
			if (strcmp(v[k].directive, "TimeoutStopSec") == 0)
				u.timeout_abort = u.timeout_stop = v[k].value;
			else if (strcmp(v[k].directive, "StopDeadlineSec") == 0)
				u.stop_deadline = v[k].value;
			else
				u.kill_verify = v[k].value;
			cr_assert_gt(v[k].value, 0);
		}
		used[n - 1 + (n == 1 && u.stop_deadline != NEVER ? 2 : 0)]++;
		stopbound_of(&u, &b);
		cr_assert_leq(b.total, limit, "%s", explain(&u, limit, b.total));
	}
	cr_assert(used[0] > 50 && used[1] > 50 && used[2] > 50, "%u %u %u", used[0], used[1], used[2]);
	cr_assert_eq(stopbound_shorten(base, 0,
				       (struct stopbound_setting[STOPBOUND_SETTINGS_MAX]){ { 0 } }),
		     0);
	unit_free(base);
}
