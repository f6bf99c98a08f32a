/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/scheduling.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "exec/child.h"

/* What needs a privilege that is not there the service can do without; what can never work it cannot. */
static void refused(const struct child *c, enum exec_step step, int error, const char *directive)
{
	if (error == EPERM || error == EACCES || error == ENOSYS)
		child_warn(c, step, error, directive);
	else
		child_fail_at(c, step, error, directive);
}

static void set_cpu_policy(const struct child *c, const struct scheduling *s)
{
	const struct sched_param param = { .sched_priority = s->priority };

	if (sched_setscheduler(0, s->policy | (s->reset_on_fork ? SCHED_RESET_ON_FORK : 0), &param) < 0)
		refused(c, STEP_SETSCHEDULER, errno, "CPUSchedulingPolicy=");
}

/* The mask of the kernel's interface is the same array of words. */
static void set_affinity(const struct child *c, const struct cpu_list *cpus)
{
	if (syscall(SYS_sched_setaffinity, 0, sizeof(cpus->bits), cpus->bits) < 0)
		refused(c, STEP_CPUAFFINITY, errno, "CPUAffinity=");
}

/* /sys/devices/system/node/has_memory and its like cost a file to parse; the kernel leaves out nodes that are not there. */
static void set_memory_policy(const struct child *c, const struct scheduling *s)
{
	bool takes_nodes = s->numa_policy != MPOL_DEFAULT && s->numa_policy != MPOL_LOCAL;
	struct cpu_list all;

	memset(&all, 0xff, sizeof(all));
	if (syscall(SYS_set_mempolicy, s->numa_policy,
		    !takes_nodes   ? NULL
		    : s->all_nodes ? all.bits
		    : s->nodes	   ? s->nodes->bits
				   : NULL,
		    takes_nodes ? sizeof(all.bits) * 8 + 1 : 0UL) < 0)
		refused(c, STEP_NUMA_POLICY, errno, "NUMAPolicy=");
}

static void set_io_priority(const struct child *c, const struct scheduling *s)
{
	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
		    IOPRIO_PRIO_VALUE(s->io_class, s->io_priority)) < 0)
		refused(c, STEP_IOPRIO, errno, "IOSchedulingClass=");
}

static void set_coredump_filter(const struct child *c, unsigned filter)
{
	cleanup_close int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
	char text[16];
	int n = snprintf(text, sizeof(text), "0x%x", filter);

	if (fd < 0 || write(fd, text, (size_t)n) != n)
		refused(c, STEP_LIMITS, errno, "CoredumpFilter=");
}

void child_set_up_scheduling(const struct child *c)
{
	const struct scheduling *s = c->x->unit->scheduling;

	if (!s)
		return;
	if (s->coredump_filter_set)
		set_coredump_filter(c, s->coredump_filter);
	if (s->cpu_set)
		set_cpu_policy(c, s);
	if (s->cpus)
		set_affinity(c, s->cpus);
	if (s->numa_set)
		set_memory_policy(c, s);
	if (s->io_set)
		set_io_priority(c, s);
	if (s->timer_slack_set && prctl(PR_SET_TIMERSLACK, (unsigned long)s->timer_slack) < 0)
		refused(c, STEP_TIMERSLACK, errno, "TimerSlackNSec=");
	if (s->personality_set && personality(s->personality) < 0)
		refused(c, STEP_PERSONALITY, errno, "Personality=");
}
