/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/facts.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "sys/kernel.h"
#include "sys/pidfd.h"

/* What the child has found so far, in memory that it shares with us. */
struct report {
	ssize_t n; /* the result, valid once the child has ended */
	size_t total;
	struct process_facts facts[];
};

/* What it is asked: of a cgroup's members, or where that is NULL of one process. */
struct question {
	const struct cg *cg;
	pid_t pid;
	size_t max;
	usec_t wait;
};

static void only_name(const struct process_name *name, struct process_facts *out)
{
	*out = (struct process_facts){ .pid = name->pid, .thread = name->pid, .state = '?' };
	snprintf(out->comm, sizeof(out->comm), "%s", name->comm);
	snprintf(out->cmdline, sizeof(out->cmdline), "[%s]", name->comm);
}

/* /proc/PID/comm takes no lock that is ever held across anything that blocks. */
ssize_t facts_names(const struct cg *cg, struct process_facts *out, size_t max, size_t *total)
{
	struct process_name *names = calloc(max, sizeof(*names));
	ssize_t n = names ? name_members(cg, names, max, total) : -ENOMEM;

	for (ssize_t i = 0; i < n; i++)
		only_name(&names[i], &out[i]);
	free(names);
	return n;
}

static void answer(const struct question *q, struct report *report)
{
	if (q->cg) {
		report->n = explain_members(q->cg, report->facts, q->max, &report->total);
		return;
	}
	report->n = explain_process(q->pid, report->facts);
	report->n += report->n == 0;
}

/* No lock of ours and no client may depend on its end; nor may it go on after us. */
_Noreturn static void run_child(const struct question *q, struct report *report)
{
	int keep = q->cg ? q->cg->fd : 2;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	kernel_close_range((unsigned)keep + 1, ~0U, 0);
	if (keep > 3)
		kernel_close_range(3, (unsigned)keep - 1, 0);
	answer(q, report);
	_exit(0);
}

/* A signal handler of the caller's may interrupt it, but not for ever. */
static bool ends_in_time(int pidfd, usec_t wait)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	usec_t end = usec_add(clock_now(), wait), now;
	int r = -1;

	while (r < 0 && (now = clock_now()) < end)
		r = poll(&p, 1, (int)((end - now) / USEC_PER_MSEC) + 1);
	return r == 1;
}

/* True when the child has ended, with its report complete. */
static bool ask_child(const struct question *q, struct report *report, int *hanging)
{
	int pidfd = -1;
	pid_t pid = kernel_fork_quietly(&pidfd);
	siginfo_t si;
	bool ended;

	if (pid < 0)
		return false;
	if (pid == 0)
		run_child(q, report);
	ended = ends_in_time(pidfd, q->wait);
	(void)!pidfd_signal(pidfd, SIGKILL);
	if (pidfd_reap(pidfd, &si) == 0)
		*hanging = pidfd;
	else
		close_fd(pidfd);
	return ended;
}

static ssize_t ask(const struct question *q, struct process_facts *out, size_t *total, int *hanging)
{
	size_t size = sizeof(struct report) + q->max * sizeof(*out);
	struct report *report =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ssize_t n = -EAGAIN;

	*hanging = -1;
	if (report == MAP_FAILED)
		return -ENOMEM;
	report->n = -EAGAIN; /* until it has answered: it may be killed */
	if (ask_child(q, report, hanging)) {
		n = report->n;
		*total = report->total;
		memcpy(out, report->facts, n > 0 ? (size_t)n * sizeof(*out) : 0);
	}
	munmap(report, size);
	return n;
}

ssize_t facts_read(const struct cg *cg, struct process_facts *out, size_t max, size_t *total,
		   usec_t wait, int *hanging)
{
	const struct cg copy = *cg; /* the caller may keep it in memory that no child gets */
	const struct question q = { .cg = &copy, .max = max, .wait = wait };
	ssize_t n = ask(&q, out, total, hanging);

	return n < 0 ? facts_names(cg, out, max, total) : n;
}

int facts_of_process(pid_t pid, struct process_facts *out, usec_t wait, int *hanging)
{
	const struct question q = { .pid = pid, .max = 1, .wait = wait };
	struct process_name name;
	size_t total;
	ssize_t n = ask(&q, out, &total, hanging);

	if (n == 1 || n == -ESRCH)
		return n == 1 ? 0 : -ESRCH;
	if (!name_process(pid, &name))
		return -ESRCH;
	only_name(&name, out);
	return 0;
}
