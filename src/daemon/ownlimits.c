/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/ownlimits.h"

#include <fcntl.h>

/*
 * A deadline is kept also while those that are to be killed use up all processors. Where it is not allowed, it is not: then
 * we are as good as anybody.
 */
#define OWN_NICE (-10)

/* Each service costs descriptors. */
static void raise_file_limit(struct manager *m)
{
	struct rlimit raised;

	getrlimit(RLIMIT_NOFILE, &m->no_file);
	raised = m->no_file;
	raised.rlim_cur = raised.rlim_max;
	setrlimit(RLIMIT_NOFILE, &raised);
}

/*
 * sched(7), "The autogroup feature": between sessions the groups' own nice values count, and each service is a session.
 * Ours is only ours to change where we lead it: else it is our starter's, too.
 */
static void set_autogroup_nice(int nice)
{
	cleanup_close int fd = -1;

	if (getsid(0) != getpid())
		return;
	fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)!dprintf(fd, "%d", nice);
}

static void raise_priority(struct manager *m)
{
	m->nice = getpriority(PRIO_PROCESS, 0);
	if (m->nice <= OWN_NICE)
		return;
	(void)setpriority(PRIO_PROCESS, 0, OWN_NICE);
	set_autogroup_nice(OWN_NICE);
}

void ownlimits_raise(struct manager *m)
{
	raise_file_limit(m);
	raise_priority(m);
}

void ownlimits_restore(const struct manager *m)
{
	setrlimit(RLIMIT_NOFILE, &m->no_file);
	(void)setpriority(PRIO_PROCESS, 0, m->nice);
	if (m->nice > OWN_NICE)
		set_autogroup_nice(0);
}
