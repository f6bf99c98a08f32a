/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is removed leaves its name by a rename in cgkilld itself, so that no start can come in between. But a base may be on a
 * network that does not answer: so a child looks at them first, for as long as it takes.
 */
#include "daemon/clean.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "core/directories.h"
#include "daemon/child.h"
#include "daemon/directories.h"
#include "daemon/manager.h"
#include "daemon/render.h"
#include "daemon/resolve.h"
#include "daemon/supervisor.h"
#include "sys/beneath.h"

struct cleaning {
	struct call *call;
	struct manager *manager;
	json_t *names;
	unsigned kinds;
	int pidfd; /* of the child that looks */
	struct io_source io;
};

static void cleaning_free(struct cleaning *x)
{
	io_unwatch(&x->io);
	child_dismiss(x->manager->loop, x->pidfd);
	json_decref(x->names);
	free(x);
}

/* ---- one unit ---- */

static json_t *clean_one(struct supervised *sv, unsigned kinds)
{
	usec_t since = clock_now();
	int r;

	if (sv->load_state == LOAD_NOT_FOUND)
		return render_outcome(sv, "not-found", NULL, since, false);
	if (!service_state_is_over(sv->machine.state) || sv->machine.populated || sv->node->job)
		return render_outcome(sv, "refused", "it runs, or has a job", since, false);
	r = directories_clean(sv, kinds);
	if (r == -ENODATA)
		return render_outcome(sv, "failed", "it has no directories of these kinds", since,
				      false);
	if (r < 0)
		return render_outcome(sv, "failed", strerror(-r), since, false);
	return render_outcome(sv, "done", NULL, since, false);
}

static void clean_all(struct cleaning *x)
{
	struct resolved_list targets = { 0 };
	json_t *outcomes = json_array();
	struct call *c = TAKE_PTR(x->call);

	if (!outcomes || resolve_units(x->manager, x->names, true, &targets) < 0) {
		json_decref(outcomes);
		call_error(c, "io.cgkill.manager.OutOfMemory", NULL);
	} else {
		for (size_t i = 0; i < targets.n; i++) {
			const struct resolved *t = &targets.v[i];

			json_array_append_new(outcomes, t->service ? clean_one(t->service, x->kinds)
								   : render_problem(t->name, t->result,
										    t->problem));
			manager_drop_unused(x->manager, t->service);
		}
		call_reply(c, json_pack("{s:o}", "outcomes", outcomes), false);
	}
	resolved_list_deinit(&targets);
}

/* ---- the request ---- */

static _Noreturn void look(const struct host_facts *host, unsigned kinds)
{
	for (enum directory_kind k = 0; k < DIRECTORY_KIND_MAX; k++) {
		const char *path = kinds & 1U << k ? directory_kind_base(k, host) : NULL;
		struct stat st;

		if (path)
			(void)!stat(path, &st);
	}
	_exit(0);
}

static void on_end(struct io_source *s, uint32_t events unused)
{
	struct cleaning *x = container_of(s, struct cleaning, io);
	siginfo_t si;

	if (child_reap(x->pidfd, &si) == 0)
		return;
	io_unwatch(&x->io);
	x->pidfd = close_fd(x->pidfd);
	clean_all(x);
	cleaning_free(x);
}

static void on_cancel(struct call *c unused, void *arg)
{
	cleaning_free(arg);
}

/* Bits by enum directory_kind; 0: not a word. */
static unsigned read_word(const char *word)
{
	unsigned kinds = 0;

	for (enum directory_kind k = 0; k < DIRECTORY_KIND_MAX; k++)
		if (streq(word, "all") || streq(word, directory_kind_word(k)))
			kinds |= 1U << k;
	return kinds;
}

/* Without words what the next run makes anew by itself. */
static unsigned read_words(json_t *words)
{
	unsigned kinds = 0;
	json_t *item;
	size_t i;

	if (!json_is_array(words))
		return 1U << DIRECTORY_RUNTIME | 1U << DIRECTORY_CACHE;
	json_array_foreach(words, i, item) {
		unsigned more = read_word(json_string_value(item));

		if (!more)
			return 0;
		kinds |= more;
	}
	return kinds;
}

void clean_units(struct call *c, struct manager *m, json_t *units, json_t *what)
{
	unsigned kinds = read_words(what);
	struct cleaning *x;
	pid_t pid;

	if (!kinds) {
		call_invalid(c, "what");
		return;
	}
	x = calloc(1, sizeof(*x));
	if (!x) {
		call_error(c, "io.cgkill.manager.OutOfMemory", NULL);
		return;
	}
	*x = (struct cleaning){ .call = c, .manager = m, .names = json_incref(units), .kinds = kinds };
	pid = child_fork(STDERR_FILENO, &x->pidfd);
	if (pid == 0)
		look(&m->host, kinds);
	if (pid < 0)
		x->pidfd = -1;
	if (pid > 0 && io_watch(m->loop, &x->io, x->pidfd, EPOLLIN, on_end) == 0) {
		call_on_cancel(c, on_cancel, x);
		return;
	}
	cleaning_free(x);
	call_error(c, "io.cgkill.manager.OutOfMemory", NULL);
}
