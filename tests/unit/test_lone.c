/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The life of a command without cgroups: what is done when, and that it ends, in time, whatever comes.
 */
#include <criterion/criterion.h>

#include "core/lone.h"
#include "util/macro.h"

TestSuite(lone, .timeout = 20);

#define STOP   (10 * USEC_PER_SEC)
#define REST   (3 * USEC_PER_SEC)
#define VERIFY (5 * USEC_PER_SEC)
#define START  (100 * USEC_PER_SEC)

static const struct lone_times times = { .stop = STOP, .rest = REST, .verify = VERIFY };

/* One line of a story: what comes when, what is done about it, and what is then. */
struct line {
	enum lone_event event;
	usec_t at;
	enum lone_action action;
	enum lone_state state;
	usec_t timer;
};

static void tell(const struct line *lines, size_t n)
{
	struct lone l = lone_begin(times);

	cr_assert_eq(l.state, LONE_RUNNING);
	cr_assert_eq(l.timer, USEC_INFINITY);
	for (size_t i = 0; i < n; i++) {
		cr_assert_eq(lone_step(&l, lines[i].event, lines[i].at), lines[i].action, "line %zu", i);
		cr_assert_eq(l.state, lines[i].state, "line %zu", i);
		cr_assert_eq(l.timer, lines[i].timer, "line %zu", i);
	}
}

#define STORY(...)                                               \
	do {                                                     \
		static const struct line s_[] = { __VA_ARGS__ }; \
		tell(s_, ARRAY_SIZE(s_));                        \
	} while (0)

Test(lone, command_ends_by_itself)
{
	STORY({ LONE_OTHER, START, LONE_NOTHING, LONE_RUNNING, USEC_INFINITY },
	      { LONE_TIME, START, LONE_NOTHING, LONE_RUNNING, USEC_INFINITY },
	      { LONE_ENDED, START, LONE_TELL_ALL, LONE_ENDING, START + REST },
	      { LONE_OTHER, START + 1, LONE_NOTHING, LONE_ENDING, START + REST },
	      { LONE_EMPTY, START + 2, LONE_NOTHING, LONE_OVER, USEC_INFINITY });
}

Test(lone, rest_does_not_end)
{
	STORY({ LONE_ENDED, START, LONE_TELL_ALL, LONE_ENDING, START + REST },
	      { LONE_TIME, START + REST - 1, LONE_NOTHING, LONE_ENDING, START + REST },
	      { LONE_TIME, START + REST, LONE_KILL_ALL, LONE_KILLING, START + REST + VERIFY },
	      { LONE_OTHER, START + REST + 1, LONE_KILL_ALL, LONE_KILLING, START + REST + VERIFY },
	      { LONE_EMPTY, START + REST + 2, LONE_NOTHING, LONE_OVER, USEC_INFINITY });
}

Test(lone, stop_is_heeded)
{
	STORY({ LONE_STOP, START, LONE_TELL, LONE_STOPPING, START + STOP },
	      { LONE_OTHER, START + 1, LONE_NOTHING, LONE_STOPPING, START + STOP },
	      { LONE_ENDED, START + 2, LONE_TELL_ALL, LONE_ENDING, START + 2 + REST },
	      { LONE_EMPTY, START + 3, LONE_NOTHING, LONE_OVER, USEC_INFINITY });
}

Test(lone, rest_has_what_is_left_of_the_deadline)
{
	STORY({ LONE_STOP, START, LONE_TELL, LONE_STOPPING, START + STOP },
	      { LONE_ENDED, START + STOP - 1, LONE_TELL_ALL, LONE_ENDING, START + STOP },
	      { LONE_TIME, START + STOP, LONE_KILL_ALL, LONE_KILLING, START + STOP + VERIFY });
}

Test(lone, nothing_outlives_the_deadline)
{
	STORY({ LONE_STOP, START, LONE_TELL, LONE_STOPPING, START + STOP },
	      { LONE_TIME, START + STOP, LONE_KILL_ALL, LONE_KILLING, START + STOP + VERIFY },
	      { LONE_STOP, START + STOP, LONE_NOTHING, LONE_KILLING, START + STOP + VERIFY },
	      { LONE_ENDED, START + STOP + 1, LONE_KILL_ALL, LONE_KILLING, START + STOP + VERIFY },
	      { LONE_TIME, START + STOP + VERIFY, LONE_NOTHING, LONE_STUCK, USEC_INFINITY },
	      { LONE_EMPTY, START + STOP + VERIFY, LONE_NOTHING, LONE_STUCK, USEC_INFINITY });
}

Test(lone, second_stop_kills_at_once)
{
	STORY({ LONE_STOP, START, LONE_TELL, LONE_STOPPING, START + STOP },
	      { LONE_STOP, START + 1, LONE_KILL_ALL, LONE_KILLING, START + 1 + VERIFY });
	STORY({ LONE_ENDED, START, LONE_TELL_ALL, LONE_ENDING, START + REST },
	      { LONE_STOP, START + 1, LONE_KILL_ALL, LONE_KILLING, START + 1 + VERIFY });
}

/* Whatever else comes before each alarm: who was asked to stop, and never gets empty, is known to be stuck in time. */
Test(lone, every_way_ends_in_time)
{
	static const enum lone_event others[] = { LONE_STOP, LONE_ENDED, LONE_OTHER, LONE_EVENT_INVALID };
	const size_t n = ARRAY_SIZE(others), alarms = 3;

	for (size_t way = 0; way < n * n * n; way++) {
		struct lone l = lone_begin(times);
		usec_t now = START;
		size_t rest = way;

		lone_step(&l, LONE_STOP, now);
		for (size_t i = 0; i < alarms && l.state != LONE_STUCK; i++, rest /= n) {
			lone_step(&l, others[rest % n], now);
			cr_assert(l.timer > now && l.timer != USEC_INFINITY, "way %zu", way);
			now = l.timer;
			lone_step(&l, LONE_TIME, now);
		}
		cr_assert_eq(l.state, LONE_STUCK, "way %zu", way);
		cr_assert_leq(now, START + STOP + VERIFY, "way %zu", way);
	}
}
