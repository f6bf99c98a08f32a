/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is remembered of a start and a stop, fed with events as the trail has them.
 */
#include <criterion/criterion.h>

#include "core/varlink.h"
#include "daemon/history.h"

TestSuite(history, .timeout = 60);

#define MSEC USEC_PER_MSEC
#define SEC  USEC_PER_SEC

static void state(struct history *h, usec_t at, enum service_state s)
{
	history_note(h, &(struct trail_event){ .kind = TRAIL_STATE, .boot = at, .state = s });
}

static void signal_sent(struct history *h, usec_t at, enum trail_kind kind, int sig, unsigned count)
{
	history_note(h, &(struct trail_event){
				.kind = kind, .boot = at, .signal = { sig, WHOM_ALL, count } });
}

/* A start of 30 ms, and a stop of a second. */
static void live(struct history *h)
{
	state(h, 10 * SEC, STATE_START_PRE);
	state(h, 10 * SEC + 20 * MSEC, STATE_START);
	state(h, 10 * SEC + 30 * MSEC, STATE_RUNNING);
	signal_sent(h, 11 * SEC, TRAIL_SIGNAL, SIGHUP, 1); /* by a person; it is part of neither */
	state(h, 20 * SEC, STATE_STOP);
	state(h, 20 * SEC + 100 * MSEC, STATE_STOP_SIGTERM);
	signal_sent(h, 20 * SEC + 100 * MSEC, TRAIL_SIGNAL, SIGTERM, 1);
	signal_sent(h, 20 * SEC + 101 * MSEC, TRAIL_SIGNAL, SIGTERM, 4);
	state(h, 20 * SEC + 900 * MSEC, STATE_STOP_SIGKILL);
	signal_sent(h, 20 * SEC + 900 * MSEC, TRAIL_KILL, SIGKILL, 2);
	state(h, 21 * SEC, STATE_DEAD);
}

Test(history, knows_what_stages_took)
{
	struct history h = { 0 };
	usec_t stage[STATE_MAX];

	live(&h);
	cr_assert_null(h.current);
	cr_assert_eq(history_took(&h.start), 30 * MSEC);
	cr_assert_eq(history_took(&h.stop), SEC);
	history_stages(&h.stop, stage);
	cr_assert_eq(stage[STATE_STOP], 100 * MSEC);
	cr_assert_eq(stage[STATE_STOP_SIGTERM], 800 * MSEC);
	cr_assert_eq(stage[STATE_STOP_SIGKILL], 100 * MSEC);
	cr_assert_eq(stage[STATE_DEAD], 0);
	history_stages(&h.start, stage);
	cr_assert_eq(stage[STATE_START_PRE], 20 * MSEC);
	history_deinit(&h);
}

Test(history, tells_it_in_json)
{
	cleanup_json json_t *list = json_array();
	struct history h = { 0 };
	const json_t *stop, *marks, *term, *kill;

	live(&h);
	history_render(&h, "a.service", list);
	cr_assert_eq(json_array_size(list), 2);
	stop = json_array_get(list, 1);
	cr_assert_str_eq(json_string_value(json_object_get(stop, "kind")), "stop");
	cr_assert(json_is_true(json_object_get(stop, "over")));
	cr_assert(json_is_false(json_object_get(stop, "partial")));
	marks = json_object_get(stop, "marks");
	cr_assert_eq(json_array_size(marks), 6, "of one signal there is one mark");
	term = json_array_get(marks, 2);
	cr_assert_str_eq(json_string_value(json_object_get(term, "signal")), "TERM");
	cr_assert_eq(json_integer_value(json_object_get(term, "count")), 5);
	kill = json_array_get(marks, 4);
	cr_assert(json_is_true(json_object_get(kill, "kill")));
	cr_assert_eq(json_integer_value(json_object_get(kill, "atUSec")), 900000);
	history_deinit(&h);
}

Test(history, keeps_the_last_of_each)
{
	struct history h = { 0 };

	live(&h);
	state(&h, 30 * SEC, STATE_START);
	cr_assert_eq(history_took(&h.start), USEC_INFINITY, "it goes on");
	cr_assert_eq(history_took(&h.stop), SEC, "the stop before it is still the last one");
	state(&h, 33 * SEC, STATE_STOP_SIGTERM);
	cr_assert_eq(history_took(&h.start), 3 * SEC, "a start that failed ends where its stop begins");
	cr_assert_eq(history_took(&h.stop), USEC_INFINITY);
	state(&h, 34 * SEC, STATE_AUTO_RESTART);
	cr_assert_eq(history_took(&h.stop), SEC);
	history_deinit(&h);
}

Test(history, does_not_make_up_what_it_has_not_seen)
{
	struct history h = { 0 };

	history_note(&h, &(struct trail_event){
				 .kind = TRAIL_ADOPT, .boot = SEC, .state = STATE_STOP_SIGTERM });
	state(&h, 2 * SEC, STATE_DEAD);
	cr_assert(h.stop.partial && h.stop.over);
	cr_assert_eq(history_took(&h.stop), USEC_INFINITY);

	state(&h, 3 * SEC, STATE_START);
	history_note(&h, NULL);
	state(&h, 4 * SEC, STATE_RUNNING);
	cr_assert_eq(history_took(&h.start), USEC_INFINITY);

	history_deinit(&h);
	history_note(&h,
		     &(struct trail_event){ .kind = TRAIL_ADOPT, .boot = SEC, .state = STATE_RUNNING });
	cr_assert_eq(h.start.begin, 0);
	state(&h, 2 * SEC, STATE_STOP_SIGTERM);
	state(&h, 3 * SEC, STATE_DEAD);
	cr_assert_eq(history_took(&h.stop), SEC, "of what was found running the stop is known");
	history_deinit(&h);
}

/* One that is killed again and again because it is stuck: the end is kept, and that something is missing. */
Test(history, is_bounded)
{
	struct history h = { 0 };

	state(&h, SEC, STATE_STOP_SIGTERM);
	for (usec_t i = 0; i < 100; i++) {
		state(&h, (2 + i) * SEC, STATE_STOP_SIGKILL);
		state(&h, (2 + i) * SEC + 1, STATE_STUCK);
	}
	state(&h, 200 * SEC, STATE_FAILED);
	cr_assert_eq(h.stop.n, HISTORY_MARKS);
	cr_assert_eq(h.stop.mark[HISTORY_MARKS - 1].what, STATE_FAILED);
	cr_assert_eq(h.stop.mark[HISTORY_MARKS - 1].at * HISTORY_TICK, 199 * SEC);
	cr_assert(h.stop.over && h.stop.partial);
	history_deinit(&h);
}
