/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/deathwatch.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include "sys/pidfd.h"
#include "sys/procevents.h"
#include "util/list.h"

struct deathwatch {
	struct procevents *events;
	struct io_source io;
	struct list expected;
};

struct expected {
	struct list link;
	pid_t pid;
	int pidfd;
	bool told;
	bool over; /* what is told from now on is about a later owner of its number */
	int status;
};

static struct expected *find(const struct deathwatch *w, pid_t pid)
{
	struct expected *x;

	list_for_each(&w->expected, x, struct expected, link)
		if (x->pid == pid && !x->over)
			return x;
	return NULL;
}

/* Threads end one by one; the last word is the process's. */
static void on_event(const struct procevent *ev, void *arg)
{
	struct expected *x = find(arg, ev->pid);

	if (!x)
		return;
	x->told = true;
	x->status = ev->status;
}

/* An overrun loses what it loses: then the end stays unknown. */
static void take_in(struct deathwatch *w)
{
	struct expected *x;

	while (procevents_read(w->events, on_event, w) == 1)
		;
	list_for_each(&w->expected, x, struct expected, link)
		x->over = x->over || (x->told && pidfd_has_ended(x->pidfd));
}

static void on_readable(struct io_source *s, uint32_t events)
{
	(void)events;
	take_in(container_of(s, struct deathwatch, io));
}

static struct deathwatch *deathwatch_new(struct loop *l)
{
	struct deathwatch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	list_init(&w->expected);
	if (procevents_open(&w->events, PROCEVENT_EXIT, 0) == 0 &&
	    io_watch(l, &w->io, procevents_fd(w->events), EPOLLIN, on_readable) == 0)
		return w;
	deathwatch_free(w);
	return NULL;
}

void deathwatch_expect(struct deathwatch **w, struct loop *l, int pidfd, pid_t pid)
{
	struct expected *x;

	if (!*w)
		*w = deathwatch_new(l);
	x = *w ? calloc(1, sizeof(*x)) : NULL;
	if (!x)
		return;
	x->pid = pid;
	x->pidfd = fcntl(pidfd, F_DUPFD_CLOEXEC, 3);
	list_append(&(*w)->expected, &x->link);
}

static void expected_free(struct expected *x)
{
	list_remove(&x->link);
	close_fd(x->pidfd);
	free(x);
}

bool deathwatch_told(struct deathwatch **wp, pid_t pid, struct exit_info *out)
{
	struct deathwatch *w = *wp;
	struct expected *x;
	bool told = false;

	if (!w)
		return false;
	take_in(w);
	list_for_each(&w->expected, x, struct expected, link) {
		siginfo_t si;

		if (x->pid != pid)
			continue;
		told = x->told;
		si = siginfo_of_status(pid, x->status);
		if (told)
			*out = (struct exit_info){ .code = si.si_code, .status = si.si_status };
		expected_free(x);
		break;
	}
	if (list_empty(&w->expected))
		deathwatch_free(TAKE_PTR(*wp));
	return told;
}

void deathwatch_free(struct deathwatch *w)
{
	struct expected *x;

	if (!w)
		return;
	list_for_each(&w->expected, x, struct expected, link)
		expected_free(x);
	io_unwatch(&w->io);
	procevents_close(w->events);
	free(w);
}
