/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "core/limit.h"
#include "exec/child.h"
#include "util/compat.h"

void child_set_up_limits(const struct child *c)
{
	const struct unit *u = c->x->unit;

	if (!(u->limits && u->limits[RLIMIT_NOFILE].set) && setrlimit(RLIMIT_NOFILE, c->x->no_file) < 0)
		child_warn(c, STEP_LIMITS, errno, "LimitNOFILE=");
	for (int i = 0; u->limits && i < RLIM_NLIMITS; i++) {
		struct rlimit want = { u->limits[i].soft, u->limits[i].hard }, have;

		if (!u->limits[i].set || setrlimit((__rlimit_resource_t)i, &want) == 0)
			continue;
		if (errno != EPERM)
			child_fail(c, STEP_LIMITS, errno);
		/* Above the hard limit, without the privilege to raise it: as near as it can be. */
		child_warn(c, STEP_LIMITS, EPERM, limit_name(i));
		if (getrlimit((__rlimit_resource_t)i, &have) < 0)
			child_fail(c, STEP_LIMITS, errno);
		want.rlim_cur = MIN_OF(want.rlim_cur, have.rlim_max);
		want.rlim_max = MIN_OF(want.rlim_max, have.rlim_max);
		if (setrlimit((__rlimit_resource_t)i, &want) < 0)
			child_fail(c, STEP_LIMITS, errno);
	}
}

void child_set_up_oom_score(const struct child *c)
{
	cleanup_close int fd = -1;
	char text[16];
	int n;

	if (!c->x->unit->oom_score_adjust_set)
		return;
	n = snprintf(text, sizeof(text), "%d", c->x->unit->oom_score_adjust);
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, text, (size_t)n) == n)
		return;
	if (errno != EPERM && errno != EACCES)
		child_fail(c, STEP_OOM_ADJUST, errno);
	child_warn(c, STEP_OOM_ADJUST, errno, "OOMScoreAdjust=");
}

void child_set_up_nice(const struct child *c)
{
	int nice = c->x->unit->nice_set ? c->x->unit->nice : c->x->nice;

	if (getpriority(PRIO_PROCESS, 0) == nice || setpriority(PRIO_PROCESS, 0, nice) == 0)
		return;
	if (errno != EACCES && errno != EPERM)
		child_fail(c, STEP_NICE, errno);
	child_warn(c, STEP_NICE, errno, "Nice=");
}
