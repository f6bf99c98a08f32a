/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/facts.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>

#include "daemon/child.h"

/* What the child has found so far, in memory that it shares with us. */
struct report {
	ssize_t n; /* the result, valid once the child has ended */
	size_t total;
	struct process_facts facts[];
};

/* The safe part: /proc/PID/comm takes no lock that is ever held across anything that blocks. */
static ssize_t read_names(const struct cg *cg, struct process_facts *out, size_t max, size_t *total)
{
	struct process_name *names = calloc(max, sizeof(*names));
	ssize_t n = names ? name_members(cg, names, max, total) : -ENOMEM;

	for (ssize_t i = 0; i < n; i++) {
		out[i] = (struct process_facts){ .pid = names[i].pid,
						 .thread = names[i].pid,
						 .state = '?' };
		snprintf(out[i].comm, sizeof(out[i].comm), "%s", names[i].comm);
		snprintf(out[i].cmdline, sizeof(out[i].cmdline), "[%s]", names[i].comm);
	}
	free(names);
	return n;
}

/* True when the child has ended, with its report complete. */
static bool ask_child(struct loop *l, const struct cg *cg, struct report *report, size_t max)
{
	const struct cg copy = *cg; /* what that is a part of is in memory that no child gets */
	struct pollfd p = { .events = POLLIN };
	pid_t pid = child_fork(copy.fd, &p.fd);
	bool ended;

	if (pid < 0)
		return false;
	if (pid == 0) {
		report->n = explain_members(&copy, report->facts, max, &report->total);
		_exit(0);
	}
	ended = poll(&p, 1, FACTS_WAIT_MSEC) == 1;
	child_dismiss(l, p.fd);
	return ended;
}

ssize_t facts_read(struct loop *l, const struct cg *cg, struct process_facts *out, size_t max,
		   size_t *total, bool *hangs)
{
	size_t size = sizeof(struct report) + max * sizeof(*out);
	struct report *report;
	ssize_t n = -EAGAIN;

	if (*hangs)
		return read_names(cg, out, max, total);
	report = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED)
		return read_names(cg, out, max, total);
	report->n = -EAGAIN;
	*hangs = !ask_child(l, cg, report, max);
	if (!*hangs) {
		n = report->n;
		*total = report->total;
		memcpy(out, report->facts, n > 0 ? (size_t)n * sizeof(*out) : 0);
	}
	munmap(report, size);
	return n < 0 ? read_names(cg, out, max, total) : n;
}
