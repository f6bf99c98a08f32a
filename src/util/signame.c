/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/parse.h"

#include <errno.h>
#include <signal.h>

/*
 * Spelled out because sigabbrev_np() says "POLL" and "IOT" on some architectures, and knows no
 * real-time signals.
 */
static const char *const names[] = {
	[SIGHUP] = "HUP",	[SIGINT] = "INT",	[SIGQUIT] = "QUIT", [SIGILL] = "ILL",
	[SIGTRAP] = "TRAP",	[SIGABRT] = "ABRT",	[SIGBUS] = "BUS",   [SIGFPE] = "FPE",
	[SIGKILL] = "KILL",	[SIGUSR1] = "USR1",	[SIGSEGV] = "SEGV", [SIGUSR2] = "USR2",
	[SIGPIPE] = "PIPE",	[SIGALRM] = "ALRM",	[SIGTERM] = "TERM",
#ifdef SIGSTKFLT /* not on every architecture */
	[SIGSTKFLT] = "STKFLT",
#endif
	[SIGCHLD] = "CHLD",	[SIGCONT] = "CONT",	[SIGSTOP] = "STOP", [SIGTSTP] = "TSTP",
	[SIGTTIN] = "TTIN",	[SIGTTOU] = "TTOU",	[SIGURG] = "URG",   [SIGXCPU] = "XCPU",
	[SIGXFSZ] = "XFSZ",	[SIGVTALRM] = "VTALRM", [SIGPROF] = "PROF", [SIGWINCH] = "WINCH",
	[SIGIO] = "IO",		[SIGPWR] = "PWR",	[SIGSYS] = "SYS",
};

/* "" or SIGN followed by digits → how far from the end of the real-time range. */
static int parse_realtime_offset(const char *s, char sign, int *out)
{
	unsigned offset = 0;
	int r;

	if (*s) {
		if (*s != sign)
			return -EINVAL;
		r = parse_uint(s + 1, &offset);
		if (r < 0)
			return r;
	}
	if (offset > (unsigned)(SIGRTMAX - SIGNAL_RTMIN))
		return -ERANGE;
	*out = (int)offset;
	return 0;
}

static int parse_realtime(const char *s, int *out)
{
	const char *from_min = after_prefix(s, "RTMIN"), *from_max = after_prefix(s, "RTMAX");
	int offset, r;

	if (from_min)
		r = parse_realtime_offset(from_min, '+', &offset);
	else if (from_max)
		r = parse_realtime_offset(from_max, '-', &offset);
	else
		r = -EINVAL;
	if (r < 0)
		return r;
	*out = from_min ? SIGNAL_RTMIN + offset : SIGRTMAX - offset;
	return 0;
}

int parse_signal(const char *s, int *out)
{
	const char *name = after_prefix(s, "SIG");
	uint64_t number;
	int r = parse_u64(s, &number);

	if (r == 0) {
		if (number < 1 || number > (uint64_t)SIGRTMAX)
			return -ERANGE;
		*out = (int)number;
		return 0;
	}
	if (r == -ERANGE)
		return r;
	if (!name)
		name = s;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (streq_null(names[i], name)) {
			*out = (int)i;
			return 0;
		}
	return parse_realtime(name, out);
}

const char *signal_name(int sig)
{
	static _Thread_local char buf[sizeof("RTMIN+-2147483648")];

	if (sig > 0 && (size_t)sig < ARRAY_SIZE(names) && names[sig])
		return names[sig];
	if (sig >= SIGNAL_RTMIN && sig <= SIGRTMAX)
		snprintf(buf, sizeof(buf), "RTMIN+%d", sig - SIGNAL_RTMIN);
	else
		snprintf(buf, sizeof(buf), "%d", sig);
	return buf;
}
