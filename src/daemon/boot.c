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
#include "util/strv.h"

#define BOOTED	  "booted"
#define NAMES_MAX 8

struct start {
	struct boot *boot;
	const char *unit;
	struct wish wish;
};

struct boot {
	struct manager *manager;
	usec_t since;
	int booted_fd; /* of /dev/null: that there is one says that the boot is over; -1 */
	size_t pending, n;
	struct start v[];
};

int boot_new(struct boot **out, struct manager *m, char *const *units)
{
	size_t n = strv_len(units);
	struct boot *b = calloc(1, sizeof(*b) + n * sizeof(b->v[0]));

	if (!b)
		return -ENOMEM;
	b->manager = m;
	b->booted_fd = inherit_take(BOOTED);
	b->n = b->pending = n;
	for (size_t i = 0; i < n; i++) {
		b->v[i] = (struct start){ .boot = b, .unit = units[i] };
		list_init(&b->v[i].wish.link);
	}
	*out = b;
	return 0;
}

static void note_end(struct boot *b)
{
	if (--b->pending > 0)
		return;
	b->booted_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (b->booted_fd < 0 || guard_keep(b->manager->guard, BOOTED, b->booted_fd) < 0)
		log_warning("after a crash of cgkilld %s would be started again", b->v[0].unit);
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

static void tell_end(const struct start *s, const struct job *j)
{
	const struct boot *b = s->boot;
	cleanup_buf struct buf names = BUF_INIT;
	usec_t spent = usec_sub(clock_now(), b->since);
	char took[SPAN_MAX];
	size_t n;

	format_span(spent - spent % USEC_PER_MSEC, took);
	if (j->result == JOB_DONE)
		log_notice("reached %s in %s", s->unit, took);
	else
		log_error("%s was not reached: %s after %s", s->unit, job_result_name(j->result), took);
	name_failed(b->manager, &names, &n);
	if (n > 0 && buf_error(&names) == 0)
		log_warning("the boot is degraded: %zu unit%s failed:%s", n, n == 1 ? "" : "s",
			    names.data);
}

static void on_end(struct wish *w, const struct job *j)
{
	struct start *s = container_of(w, struct start, wish);

	if (!s->boot->manager->command) /* which has told it by itself */
		tell_end(s, j);
	note_end(s->boot);
}

static void begin(struct start *s)
{
	struct manager *m = s->boot->manager;
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct anchor anchor = { .type = JOB_START };
	struct supervised *sv;
	int r = -ENOENT;

	s->wish.fn = on_end;
	log_notice("starting %s", s->unit);
	sv = manager_get(m, s->unit);
	if (sv && sv->load_state == LOAD_LOADED) {
		anchor.node = sv->node;
		r = scheduler_ask(m->scheduler, &anchor, 1, USEC_INFINITY, NULL, &diags);
	}
	if (r == 0 && anchor.job) {
		list_append(&anchor.job->waiters, &s->wish.link);
		return;
	}
	log_error("cannot start %s: %s", s->unit,
		  sv && sv->load_error	   ? sv->load_error
		  : r == -ENOENT || r == 0 ? "it, or a unit that it requires, cannot be loaded"
					   : strerror(-r));
	if (sv)
		sv->last_job = JOB_FAILED; /* that it never had */
	note_end(s->boot);
}

void boot_begin(struct boot *b)
{
	if (b->booted_fd >= 0)
		return;
	b->since = clock_now();
	for (size_t i = 0; i < b->n; i++)
		begin(&b->v[i]);
	scheduler_run(b->manager->scheduler);
}

int boot_pass(const struct boot *b)
{
	return b && b->booted_fd >= 0 ? inherit_pass(BOOTED, b->booted_fd) : 0;
}

void boot_free(struct boot *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n; i++)
		list_remove(&b->v[i].wish.link);
	close_fd(b->booted_fd);
	free(b);
}
