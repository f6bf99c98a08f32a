/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/check.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "core/condition.h"
#include "daemon/child.h"
#include "daemon/conditions.h"
#include "daemon/manager.h"
#include "daemon/supervisor.h"
#include "util/log.h"

/* It is a few stat(2)s; but the disk may be busy, as it is at boot. */
#define CHECK_MAX (30 * USEC_PER_SEC)

struct check {
	struct supervised *owner;
	struct loop *loop;
	struct io_source io;
	struct timer timer;
	int pidfd; /* < 0: nobody is at work */
	enum verdict verdict;
	usec_t real;
	char *reason;
};

/* reason is taken over. */
static void conclude(struct supervised *sv, enum verdict verdict, char *reason)
{
	struct check *c = sv->check;

	c->verdict = verdict;
	c->real = clock_realtime();
	free(c->reason);
	c->reason = reason;
	if (verdict != VERDICT_MET)
		log_at(verdict == VERDICT_ASSERT ? LOG_ERROR_ : LOG_INFO_, "%s: not started: %s",
		       supervised_name(sv), reason ? reason : "a condition was not met");
	supervised_feed(sv, &(struct event){ .kind = EVENT_CHECKED,
					     .verdict = verdict,
					     .deadline = USEC_INFINITY });
}

/* Nobody knows, and so the start is skipped, as systemd does with any condition that cannot be checked. */
static void give_up(struct supervised *sv, const char *why)
{
	char *reason;

	log_error("%s: cannot check its conditions: %s", supervised_name(sv), why);
	if (asprintf(&reason, "its conditions cannot be checked: %s", why) < 0)
		reason = NULL;
	conclude(sv, VERDICT_UNMET, reason);
}

static void conclude_unmet(struct supervised *sv, const struct condition *unmet)
{
	cleanup_free char *text = condition_text(unmet);
	char *reason = NULL;

	if (text && asprintf(&reason, "%s was not met", text) < 0)
		reason = NULL;
	conclude(sv, unmet->is_assert ? VERDICT_ASSERT : VERDICT_UNMET, reason);
}

static void on_end(struct io_source *s, uint32_t events unused)
{
	struct check *c = container_of(s, struct check, io);
	struct supervised *sv = c->owner;
	const struct conditions *list = sv->unit->conditions;
	siginfo_t si = { 0 };
	size_t place;

	if (child_reap(c->pidfd, &si) == 0)
		return;
	io_unwatch(&c->io);
	timer_clear(&c->timer);
	c->pidfd = close_fd(c->pidfd);
	if (si.si_code == CLD_EXITED && si.si_status == 0) {
		conclude(sv, VERDICT_MET, NULL);
		return;
	}
	place = (size_t)si.si_status - 1;
	if (si.si_code == CLD_EXITED && list && place < list->n)
		conclude_unmet(sv, &list->v[place]);
	else
		give_up(sv, "the process that looks was killed");
}

static void on_timer(struct timer *t, usec_t now unused)
{
	struct check *c = container_of(t, struct check, timer);

	check_stop(c->owner);
	give_up(c->owner, "what they are about does not answer");
}

static int ask_child(struct check *c)
{
	const struct conditions *conditions = c->owner->unit->conditions;
	pid_t pid = child_fork(STDERR_FILENO, &c->pidfd);
	int r;

	if (pid < 0)
		return (int)pid;
	if (pid == 0)
		_exit((int)conditions_find_unmet(conditions, condition_test, NULL) + 1);
	r = io_watch(c->loop, &c->io, c->pidfd, EPOLLIN, on_end);
	if (r == 0)
		r = timer_set(c->loop, &c->timer, usec_add(clock_now(), CHECK_MAX), on_timer);
	if (r < 0)
		check_stop(c->owner);
	return r;
}

void check_start(struct supervised *sv)
{
	int r;

	if (!sv->check) {
		sv->check = calloc(1, sizeof(*sv->check));
		if (!sv->check) {
			log_error("%s: out of memory", supervised_name(sv));
			supervised_feed(sv, &(struct event){ .kind = EVENT_CHECKED,
							     .verdict = VERDICT_UNMET,
							     .deadline = USEC_INFINITY });
			return;
		}
		*sv->check = (struct check){ .owner = sv, .loop = sv->manager->loop, .pidfd = -1 };
	}
	check_stop(sv);
	r = ask_child(sv->check);
	if (r < 0)
		give_up(sv, strerror(-r));
}

void check_stop(struct supervised *sv)
{
	struct check *c = sv->check;

	if (!c || c->pidfd < 0)
		return;
	io_unwatch(&c->io);
	timer_clear(&c->timer);
	child_dismiss(c->loop, c->pidfd);
	c->pidfd = -1;
}

void check_free(struct check *c)
{
	if (!c)
		return;
	check_stop(c->owner);
	free(c->reason);
	free(c);
}

/* A daemon-reload may have taken away what the answer was about. */
static const struct check *last_check(const struct supervised *sv)
{
	return sv->unit->conditions && sv->check && sv->check->real > 0 ? sv->check : NULL;
}

usec_t check_time(const struct supervised *sv)
{
	const struct check *c = last_check(sv);

	return c ? c->real : 0;
}

bool check_conditions_met(const struct supervised *sv)
{
	const struct check *c = last_check(sv);

	return c ? c->verdict != VERDICT_UNMET : !sv->unit->conditions;
}

bool check_asserts_met(const struct supervised *sv)
{
	const struct check *c = last_check(sv);

	return c ? c->verdict == VERDICT_MET : !sv->unit->conditions;
}

const char *check_reason(const struct supervised *sv)
{
	const struct check *c = last_check(sv);

	return c ? c->reason : NULL;
}
