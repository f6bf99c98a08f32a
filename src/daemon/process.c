/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/process.h"

#include <errno.h>
#include <sys/epoll.h>

#include "daemon/child.h"
#include "sys/pidfd.h"
#include "util/ownmem.h"

static void close_report(struct process *p)
{
	io_unwatch(&p->report_io);
	p->report_fd = close_fd(p->report_fd);
}

static void take_report(struct process *p, const struct spawn_report *r)
{
	if (r->step == SPAWN_STEP_ALIVE) {
		p->born = true;
		return;
	}
	if (!(r->step & EXEC_STEP_WARNING))
		p->failed = true;
	if (p->owner)
		p->on_report(p, r);
}

/* End of file is a program that runs, unless it never lived or said that it failed. */
static void drain_reports(struct process *p)
{
	struct spawn_report r;
	ssize_t n;

	if (p->report_fd < 0)
		return;
	while ((n = read(p->report_fd, &r, sizeof(r))) == (ssize_t)sizeof(r)) {
		r.what[sizeof(r.what) - 1] = '\0';
		take_report(p, &r);
	}
	if (n < 0)
		return; /* -EAGAIN: it is still on its way */
	close_report(p);
	if (!p->born || p->failed)
		return;
	p->execed = true;
	if (p->owner)
		p->on_exec(p);
}

static void on_report_ready(struct io_source *s, uint32_t events)
{
	(void)events;
	drain_reports(container_of(s, struct process, report_io));
}

static int take_status(const struct process *p, siginfo_t *out)
{
	int r = p->guarded ? pidfd_peek(p->pidfd, out) : pidfd_reap(p->pidfd, out);

	return r == -ECHILD && p->adopted ? pidfd_exit_status(p->pidfd, p->pid, out) : r;
}

static void on_exit_ready(struct io_source *s, uint32_t events)
{
	struct process *p = container_of(s, struct process, exit_io);
	siginfo_t si = { 0 };
	int r;

	(void)events;
	drain_reports(p); /* what it said comes before its end */
	r = take_status(p, &si);
	if (r == 0)
		return; /* a tracer withholds it, and lets go with another edge: do_notify_pidfd() */
	if (r < 0)
		si = (siginfo_t){ .si_code = EXIT_UNKNOWN };
	if (p->owner)
		p->on_exit(p, (struct exit_info){ .code = si.si_code, .status = si.si_status });
	if (p->guarded)
		(void)!pidfd_reap(p->pidfd, &si);
	process_free(p);
}

int process_start(struct process *p, struct loop *l, const struct cg *cg, enum spawn_method *method,
		  struct exec_context *x)
{
	struct spawned child;
	int r;

	r = spawn_into(&child, cg, method, exec_child, x);
	if (r < 0)
		return r;
	p->pid = child.pid;
	p->cgroup_id = cg->id;
	p->pidfd = child.pidfd;
	p->report_fd = child.report_fd;
	r = io_watch(l, &p->exit_io, p->pidfd, EPOLLIN | EPOLLET, on_exit_ready);
	if (r == 0)
		r = io_watch(l, &p->report_io, p->report_fd, EPOLLIN, on_report_ready);
	if (r == 0)
		return 0;
	/* It lives and cannot be watched (no memory): better no process than one that nobody reaps. */
	io_unwatch(&p->exit_io);
	child_dismiss(l, TAKE_FD(p->pidfd));
	p->report_fd = close_fd(p->report_fd);
	return r;
}

int process_adopt(struct process *p, struct loop *l)
{
	p->adopted = p->born = p->execed = true;
	p->report_fd = -1;
	return io_watch(l, &p->exit_io, p->pidfd, EPOLLIN | EPOLLET, on_exit_ready);
}

bool process_has_ended(const struct process *p)
{
	return pidfd_has_ended(p->pidfd);
}

void process_abandon(struct process *p)
{
	if (p)
		p->owner = NULL;
}

void process_free(struct process *p)
{
	if (!p)
		return;
	io_unwatch(&p->exit_io);
	close_report(p);
	close_fd(p->pidfd);
	own_free(p, sizeof(*p));
}
