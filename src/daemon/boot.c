/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/boot.h"

#include <errno.h>
#include <fcntl.h>

#include "daemon/guard.h"
#include "daemon/inherit.h"
#include "daemon/manager.h"
#include "daemon/scheduler.h"
#include "util/buf.h"
#include "util/log.h"
#include "util/parse.h"

#define BOOTED	  "booted"
#define NAMES_MAX 8

struct boot {
	struct manager *manager;
	const char *target;
	struct wish wish;
	usec_t since;
	int booted_fd; /* of /dev/null: that there is one says that the boot is over; -1 */
};

int boot_new(struct boot **out, struct manager *m, const char *target)
{
	struct boot *b = malloc(sizeof(*b));

	if (!b)
		return -ENOMEM;
	*b = (struct boot){ .manager = m, .target = target, .booted_fd = inherit_take(BOOTED) };
	list_init(&b->wish.link);
	*out = b;
	return 0;
}

static void note_end(struct boot *b)
{
	b->booted_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (b->booted_fd < 0 || guard_keep(b->manager->guard, BOOTED, b->booted_fd) < 0)
		log_warning("after a crash of cgkilld %s would be started again", b->target);
}

/* "a.service b.service and 3 more"; "" = none has. */
static void name_failed(const struct manager *m, struct buf *names, size_t *n)
{
	const struct supervised *sv;

	*n = 0;
	list_for_each(&m->services, sv, struct supervised, link) {
		if (sv->machine.state != STATE_FAILED && sv->last_job != JOB_DEPENDENCY)
			continue;
		if ((*n)++ < NAMES_MAX)
			buf_printf(names, " %s", supervised_name(sv));
	}
	if (*n > NAMES_MAX)
		buf_printf(names, " and %zu more", *n - NAMES_MAX);
}

static void tell_end(const struct boot *b, const struct job *j)
{
	cleanup_buf struct buf names = BUF_INIT;
	usec_t spent = usec_sub(clock_now(), b->since);
	char took[SPAN_MAX];
	size_t n;

	format_span(spent - spent % USEC_PER_MSEC, took);
	if (j->result == JOB_DONE)
		log_notice("reached %s in %s", b->target, took);
	else
		log_error("%s was not reached: %s after %s", b->target, job_result_name(j->result),
			  took);
	name_failed(b->manager, &names, &n);
	if (n > 0 && buf_error(&names) == 0)
		log_warning("the boot is degraded: %zu unit%s failed:%s", n, n == 1 ? "" : "s",
			    names.data);
}

static void on_end(struct wish *w, const struct job *j)
{
	struct boot *b = container_of(w, struct boot, wish);

	tell_end(b, j);
	note_end(b);
}

void boot_begin(struct boot *b)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct anchor anchor = { .type = JOB_START };
	struct supervised *sv;
	int r = -ENOENT;

	if (b->booted_fd >= 0)
		return;
	b->since = clock_now();
	b->wish.fn = on_end;
	log_notice("starting %s", b->target);
	sv = manager_get(b->manager, b->target);
	if (sv && sv->load_state == LOAD_LOADED) {
		anchor.node = sv->node;
		r = scheduler_ask(b->manager->scheduler, &anchor, 1, USEC_INFINITY, NULL, &diags);
	}
	if (r == 0 && anchor.job) {
		list_append(&anchor.job->waiters, &b->wish.link);
		scheduler_run(b->manager->scheduler);
		return;
	}
	log_error("cannot start %s: %s", b->target,
		  sv && sv->load_error	   ? sv->load_error
		  : r == -ENOENT || r == 0 ? "it, or a unit that it requires, cannot be loaded"
					   : strerror(-r));
	note_end(b);
}

int boot_pass(const struct boot *b)
{
	return b && b->booted_fd >= 0 ? inherit_pass(BOOTED, b->booted_fd) : 0;
}

void boot_free(struct boot *b)
{
	if (!b)
		return;
	list_remove(&b->wish.link);
	close_fd(b->booted_fd);
	free(b);
}
