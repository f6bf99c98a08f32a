/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>

#include "core/outcome.h"
#include "core/ratelimit.h"

TestSuite(outcome, .timeout = 10);

/* systemd.service(5): "clean" ends, the table at Restart=. */
#define EXITED(n)               \
	{                       \
		CLD_EXITED, (n) \
	}
#define KILLED(n)               \
	{                       \
		CLD_KILLED, (n) \
	}
#define DUMPED(n)               \
	{                       \
		CLD_DUMPED, (n) \
	}

Test(outcome, what_an_end_means)
{
	static const struct {
		struct exit_info e;
		enum service_result daemon, command;
	} cases[] = {
		{ EXITED(0), RESULT_SUCCESS, RESULT_SUCCESS },
		{ EXITED(1), RESULT_EXIT_CODE, RESULT_EXIT_CODE },
		{ EXITED(255), RESULT_EXIT_CODE, RESULT_EXIT_CODE },
		{ EXITED(SIGTERM), RESULT_EXIT_CODE, RESULT_EXIT_CODE },
		{ KILLED(SIGHUP), RESULT_SUCCESS, RESULT_SIGNAL },
		{ KILLED(SIGINT), RESULT_SUCCESS, RESULT_SIGNAL },
		{ KILLED(SIGTERM), RESULT_SUCCESS, RESULT_SIGNAL },
		{ KILLED(SIGPIPE), RESULT_SUCCESS, RESULT_SIGNAL },
		{ KILLED(SIGKILL), RESULT_SIGNAL, RESULT_SIGNAL },
		{ KILLED(SIGUSR1), RESULT_SIGNAL, RESULT_SIGNAL },
		{ DUMPED(SIGSEGV), RESULT_CORE_DUMP, RESULT_CORE_DUMP },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cr_expect_eq(exit_result(cases[i].e, EXIT_OF_DAEMON, NULL), cases[i].daemon, "%zu", i);
		cr_expect_eq(exit_result(cases[i].e, EXIT_OF_COMMAND, NULL), cases[i].command, "%zu", i);
	}
}

Test(outcome, success_exit_status)
{
	struct exit_set set = { .signals = UINT64_C(1) << (SIGUSR1 - 1) };

	set.status[42 / 8] = 1U << (42 % 8);
	cr_expect_eq(exit_result((struct exit_info)EXITED(42), EXIT_OF_COMMAND, &set), RESULT_SUCCESS);
	cr_expect_eq(exit_result((struct exit_info)EXITED(43), EXIT_OF_COMMAND, &set), RESULT_EXIT_CODE);
	cr_expect_eq(exit_result((struct exit_info)KILLED(SIGUSR1), EXIT_OF_COMMAND, &set),
		     RESULT_SUCCESS);
	cr_expect_eq(exit_result((struct exit_info)KILLED(SIGUSR2), EXIT_OF_COMMAND, &set),
		     RESULT_SIGNAL);
	/* a status is no signal, and the other way round */
	cr_expect_eq(exit_result((struct exit_info)EXITED(SIGUSR1), EXIT_OF_DAEMON, &set),
		     RESULT_EXIT_CODE);
}

/* Rows: causes. Columns: no, on-success, on-failure, on-abnormal, on-watchdog, on-abort, always. */
Test(outcome, restart_table)
{
	static const char *const table[RESULT_MAX] = {
		[RESULT_SUCCESS] = ".S....A",
		[RESULT_EXIT_CODE] = "..F...A",
		[RESULT_SIGNAL] = "..FB.RA",
		[RESULT_CORE_DUMP] = "..FB.RA",
		[RESULT_TIMEOUT] = "..FB..A",
		[RESULT_WATCHDOG] = "..FBW.A",
		[RESULT_OOM_KILL] = "..FB..A",
		[RESULT_RESOURCES] = "..FB..A",
		[RESULT_PROTOCOL] = "..FB..A",
		[RESULT_START_LIMIT_HIT] = "......A",
		[RESULT_EXEC_CONDITION] = ".......",
		[RESULT_EXIT_UNKNOWN] = "..F...A",
		[RESULT_TRIGGER_LIMIT_HIT] = "......A",
		[RESULT_SERVICE_START_LIMIT_HIT] = "......A",
	};

	for (enum service_result r = RESULT_SUCCESS; r < RESULT_MAX; r++)
		for (enum restart_policy p = RESTART_NO; p < RESTART_MAX; p++) {
			struct unit u = { .restart = p };

			cr_expect_eq(restart_wanted(&u, r, (struct exit_info){ 0 }),
				     table[r][p - RESTART_NO] != '.', "%s, policy %d",
				     service_result_name(r), p);
		}
}

/* RestartPreventExitStatus=, then RestartForceExitStatus=, then the table. */
Test(outcome, restart_by_status)
{
	struct exit_set seven = { { [0] = 1U << 7 }, UINT64_C(1) << (SIGTERM - 1) };
	struct exit_info status = EXITED(7), sig = KILLED(SIGTERM), other = EXITED(6);
	struct unit prevent = { .restart = RESTART_ALWAYS, .restart_prevent = &seven };
	struct unit force = { .restart = RESTART_NO, .restart_force = &seven };
	struct unit command = { .type = SERVICE_ONESHOT, .restart = RESTART_NO, .restart_force = &seven };
	struct unit both = { .restart = RESTART_ALWAYS, .restart_prevent = &seven, .restart_force = &seven };

	cr_expect_not(restart_wanted(&prevent, RESULT_EXIT_CODE, status));
	cr_expect_not(restart_wanted(&prevent, RESULT_SUCCESS, sig));
	cr_expect(restart_wanted(&prevent, RESULT_EXIT_CODE, other));
	cr_expect(restart_wanted(&prevent, RESULT_RESOURCES, (struct exit_info){ 0 }));
	cr_expect(restart_wanted(&force, RESULT_EXIT_CODE, status));
	cr_expect(restart_wanted(&force, RESULT_SUCCESS, sig));
	cr_expect_not(restart_wanted(&force, RESULT_EXIT_CODE, other));
	cr_expect_not(restart_wanted(&force, RESULT_RESOURCES, (struct exit_info){ 0 }));
	cr_expect(restart_wanted(&command, RESULT_EXIT_CODE, status));
	cr_expect_not(restart_wanted(&command, RESULT_SUCCESS, status)); /* SuccessExitStatus=7 */
	cr_expect_not(restart_wanted(&both, RESULT_EXIT_CODE, status));
	force.type = SERVICE_ONESHOT; /* what has done its work is not run again */
	cr_expect_not(restart_wanted(&force, RESULT_SUCCESS, sig));
	cr_expect(restart_wanted(&force, RESULT_EXIT_CODE, status));
}

/* RestartSec= at first, RestartMaxDelaySec= after RestartSteps=, equal ratios in between. */
Test(outcome, restart_delay)
{
	static const struct {
		usec_t first, last;
		unsigned steps, n;
		usec_t delay;
	} cases[] = {
		{ 100, USEC_INFINITY, 0, 5, 100 },
		{ 100, USEC_INFINITY, 3, 5, 100 },
		{ 100, 1000, 0, 5, 100 },
		{ 0, 1000, 3, 2, 0 },
		{ 1000, 100, 3, 2, 1000 },
		{ 100, 1000, 1, 0, 100 },
		{ 100, 1000, 1, 1, 1000 },
		{ USEC_PER_SEC, 8 * USEC_PER_SEC, 3, 0, USEC_PER_SEC },
		{ USEC_PER_SEC, 8 * USEC_PER_SEC, 3, 1, 2 * USEC_PER_SEC },
		{ USEC_PER_SEC, 8 * USEC_PER_SEC, 3, 2, 4 * USEC_PER_SEC },
		{ USEC_PER_SEC, 8 * USEC_PER_SEC, 3, 3, 8 * USEC_PER_SEC },
		{ USEC_PER_SEC, 8 * USEC_PER_SEC, 3, UINT32_MAX, 8 * USEC_PER_SEC },
		{ 100000, 60 * USEC_PER_SEC, 5, 2, 1291994 }, /* 0.1 · 600^(2/5) */
		{ 1, UINT64_C(1) << 60, 60, 59, UINT64_C(1) << 59 },
		{ 1, UINT64_C(1) << 60, 1 << 20, 1 << 19, UINT64_C(1) << 30 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct unit u = { .restart_delay = cases[i].first,
				  .restart_delay_max = cases[i].last,
				  .restart_steps = cases[i].steps };
		usec_t got = restart_delay(&u, cases[i].n);
		usec_t off = got > cases[i].delay ? got - cases[i].delay : cases[i].delay - got;

		cr_expect_leq(off, cases[i].delay / 1000000000, "case %zu: %llu", i,
			      (unsigned long long)got);
	}
}

Test(outcome, restart_delay_never_shrinks)
{
	struct unit u = { .restart_delay = 3, .restart_delay_max = 7000000, .restart_steps = 1000 };

	for (unsigned n = 0; n < 1100; n++)
		cr_assert_leq(restart_delay(&u, n), restart_delay(&u, n + 1), "%u", n);
}

Test(outcome, names)
{
	for (enum service_result r = RESULT_SUCCESS; r < RESULT_MAX; r++)
		cr_expect_not_null(service_result_name(r), "%d", r);
	cr_expect_null(service_result_name(RESULT_INVALID));
	cr_expect_null(service_result_name(RESULT_MAX));
	cr_expect_str_eq(exit_code_name(CLD_EXITED), "exited");
	cr_expect_str_eq(exit_code_name(CLD_KILLED), "killed");
	cr_expect_str_eq(exit_code_name(CLD_DUMPED), "dumped");
	cr_expect_null(exit_code_name(0));
}

Test(outcome, ratelimit)
{
	struct ratelimit r = { 0 };

	cr_expect(ratelimit_allows(&r, 10, 2, 100));
	cr_expect(ratelimit_allows(&r, 10, 2, 109));
	cr_expect_not(ratelimit_allows(&r, 10, 2, 109));
	cr_expect(ratelimit_allows(&r, 10, 2, 110)); /* counted from the first one */
	cr_expect(ratelimit_allows(&r, 10, 2, 110));
	cr_expect_not(ratelimit_allows(&r, 10, 2, 119));
	cr_expect(ratelimit_allows(&r, 0, 2, 119));
	cr_expect(ratelimit_allows(&r, 10, 0, 119));
	r = (struct ratelimit){ 0 };
	cr_expect(ratelimit_allows(&r, USEC_INFINITY, 1, 1000));
	cr_expect_not(ratelimit_allows(&r, USEC_INFINITY, 1, USEC_INFINITY - 1));
}
