/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/outcome.h"

static const char *const result_names[RESULT_MAX] = {
	[RESULT_SUCCESS] = "success",
	[RESULT_RESOURCES] = "resources",
	[RESULT_PROTOCOL] = "protocol",
	[RESULT_TIMEOUT] = "timeout",
	[RESULT_EXIT_CODE] = "exit-code",
	[RESULT_SIGNAL] = "signal",
	[RESULT_CORE_DUMP] = "core-dump",
	[RESULT_WATCHDOG] = "watchdog",
	[RESULT_START_LIMIT_HIT] = "start-limit-hit",
	[RESULT_OOM_KILL] = "oom-kill",
	[RESULT_EXEC_CONDITION] = "exec-condition",
	[RESULT_TRIGGER_LIMIT_HIT] = "trigger-limit-hit",
	[RESULT_SERVICE_START_LIMIT_HIT] = "service-start-limit-hit",
	[RESULT_EXIT_UNKNOWN] = "exit-unknown",
};

const char *service_result_name(enum service_result r)
{
	return (unsigned)r < RESULT_MAX ? result_names[r] : NULL;
}

const char *exit_code_name(int code)
{
	return code == CLD_EXITED     ? "exited"
	       : code == CLD_KILLED   ? "killed"
	       : code == CLD_DUMPED   ? "dumped"
	       : code == EXIT_UNKNOWN ? "unknown"
				      : NULL;
}

static bool signal_is_clean_for_daemon(int sig)
{
	return sig == SIGHUP || sig == SIGINT || sig == SIGTERM || sig == SIGPIPE;
}

enum service_result exit_result(struct exit_info e, enum exit_kind kind, const struct exit_set *success)
{
	if (e.code == EXIT_UNKNOWN)
		return RESULT_EXIT_UNKNOWN;
	if (e.code == CLD_EXITED) {
		if (e.status == 0 || exit_set_has_status(success, e.status))
			return RESULT_SUCCESS;
		return RESULT_EXIT_CODE;
	}
	if ((kind == EXIT_OF_DAEMON && signal_is_clean_for_daemon(e.status)) ||
	    exit_set_has_signal(success, e.status))
		return RESULT_SUCCESS;
	return e.code == CLD_DUMPED ? RESULT_CORE_DUMP : RESULT_SIGNAL;
}

static bool exit_in_set(struct exit_info e, const struct exit_set *set)
{
	if (e.code == CLD_EXITED)
		return exit_set_has_status(set, e.status);
	return (e.code == CLD_KILLED || e.code == CLD_DUMPED) && exit_set_has_signal(set, e.status);
}

/* systemd.service(5), the table at Restart=. Results that no column allows restart only under "always". */
#define BIT(policy) (1U << (policy))
static const unsigned restart_table[RESULT_MAX] = {
	[RESULT_SUCCESS] = BIT(RESTART_ON_SUCCESS),
	[RESULT_EXIT_CODE] = BIT(RESTART_ON_FAILURE),
	[RESULT_SIGNAL] = BIT(RESTART_ON_FAILURE) | BIT(RESTART_ON_ABNORMAL) | BIT(RESTART_ON_ABORT),
	[RESULT_CORE_DUMP] = BIT(RESTART_ON_FAILURE) | BIT(RESTART_ON_ABNORMAL) | BIT(RESTART_ON_ABORT),
	[RESULT_TIMEOUT] = BIT(RESTART_ON_FAILURE) | BIT(RESTART_ON_ABNORMAL),
	[RESULT_WATCHDOG] =
		BIT(RESTART_ON_FAILURE) | BIT(RESTART_ON_ABNORMAL) | BIT(RESTART_ON_WATCHDOG),
	[RESULT_OOM_KILL] = BIT(RESTART_ON_FAILURE) | BIT(RESTART_ON_ABNORMAL),
	[RESULT_RESOURCES] = BIT(RESTART_ON_FAILURE) | BIT(RESTART_ON_ABNORMAL),
	[RESULT_PROTOCOL] = BIT(RESTART_ON_FAILURE) | BIT(RESTART_ON_ABNORMAL),
	[RESULT_EXIT_UNKNOWN] = BIT(RESTART_ON_FAILURE),
};

bool restart_wanted(const struct unit *u, enum service_result result, struct exit_info main)
{
	if (result == RESULT_EXEC_CONDITION)
		return false;
	if (exit_in_set(main, u->restart_prevent))
		return false;
	/* A command that has done its work is not run again: systemd.service(5), RestartForceExitStatus=. */
	if (exit_in_set(main, u->restart_force))
		return u->type != SERVICE_ONESHOT || result != RESULT_SUCCESS;
	if (u->restart == RESTART_ALWAYS)
		return true;
	return restart_table[result] & BIT(u->restart);
}

static long double power(long double base, unsigned n)
{
	long double product = 1;

	for (; n > 0; n /= 2) {
		if (n % 2)
			product *= base;
		base *= base;
	}
	return product;
}

/* The n-th root of x >= 1, to the last bit or so, by halving: it is wanted once a restart, and libm is not for that. */
static long double root(long double x, unsigned n)
{
	long double low = 1, high = x;

	for (int i = 0; i < 128; i++) {
		long double middle = (low + high) / 2;

		if (power(middle, n) <= x)
			low = middle;
		else
			high = middle;
	}
	return low;
}

usec_t restart_delay(const struct unit *u, unsigned n)
{
	usec_t first = u->restart_delay, last = u->restart_delay_max;
	long double ratio;

	if (n == 0 || u->restart_steps == 0 || first == 0 || last == USEC_INFINITY || first >= last)
		return first;
	if (n >= u->restart_steps)
		return last;
	ratio = power(root((long double)last / (long double)first, u->restart_steps), n);
	return (usec_t)((long double)first * ratio + 0.5L);
}
