/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as the files of a unit: up to a NUL NUL NUL the fragment, behind it a drop-in. They are read as a service, a
 * target, a socket, and for what they say about being enabled. Nothing but the sanitizers and the contract of unit_load() is watched.
 * What loads is also linted, and goes where cgkilld brings what it has loaded.
 */
#include <errno.h>

#include "core/defaults.h"
#include "core/graph.h"
#include "core/lint.h"
#include "core/stopbound.h"
#include "lib/hostfacts.h"

#define SEPARATOR "\0\0"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(const char *key unused, const char *value, void *arg)
{
	*(size_t *)arg += strlen(value);
}

static int find_nothing(const char *path unused)
{
	return -ENOENT;
}

/* Whatever loads can be judged, with remarks that have a line of these texts. */
static void lint(const struct unit *u, const struct unit_text *texts, size_t n, const struct diags *diags)
{
	cleanup_assignments struct assignments where = ASSIGNMENTS_INIT;
	cleanup_findings struct findings found = FINDINGS_INIT;

	if (assignments_read(&where, texts, n) < 0)
		abort();
	lint_diags(diags, u->name, &where, &found);
	lint_unit(&(struct lint_subject){ u, &where, &test_host, USEC_PER_SEC, find_nothing }, &found);
	findings_sort(&found);
	if (found.failed)
		abort();
}

/* Whatever depends on whom, it can be linked, and again, with others' links to it. */
static void put_in_graph(const struct unit *u)
{
	struct graph *g = graph_new();
	struct graph_node *n = g ? graph_node(g, u->name) : NULL, *other;
	uint32_t at = 0;

	if (!n || graph_set(g, n, u) < 0 || graph_set(g, n, u) < 0 || !n->loaded)
		abort();
	while ((other = graph_next(g, n, UINT32_MAX, &at, NULL)))
		if (other == n || other->alias_of)
			abort();
	graph_drop(g, n);
	graph_sweep(g);
	graph_free(g);
}

static void bound(const struct unit *u)
{
	struct stopbound b;
	usec_t fit;

	stopbound_of(u, &b);
	if ((b.costliest != STATE_INVALID) != (b.total > 0))
		abort();
	(void)stopbound_fit(u, b.total / 2, &fit);
}

static void load_whole(const char *name, const struct unit_text *texts, size_t n)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_unit struct unit *u = NULL;
	size_t shown = 0;

	if (unit_load(&u, name, texts, n, &test_host, &diags) < 0) {
		if (u || diags.errors == 0)
			abort();
		return;
	}
	if (!u || u->type == SERVICE_TYPE_INVALID || u->restart_kill_signal == 0)
		abort();
	unit_show(u, ignore, &shown);
	lint(u, texts, n, &diags);
	bound(u);
	if (defaults_add(u) < 0)
		abort();
	put_in_graph(u);
}

static void load_install(const char *name, const struct unit_text *texts, size_t n)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_unit struct unit *u = NULL;

	if (unit_load_install(&u, name, texts, n, &test_host, &diags) < 0 || !u)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *dropin = size > 0 ? memmem(text, size, SEPARATOR, sizeof(SEPARATOR)) : NULL;
	size_t first = dropin ? (size_t)(dropin - text) : size;
	struct unit_text texts[2] = { { "fragment", text, first } };
	size_t n = 1;

	if (dropin)
		texts[n++] = (struct unit_text){ "dropin", dropin + sizeof(SEPARATOR),
						 size - first - sizeof(SEPARATOR) };
	load_whole("foo-bar@baz.service", texts, n);
	load_whole("foo.target", texts, n);
	load_whole("foo.socket", texts, n);
	load_install("foo-bar@.service", texts, n);
	load_install("foo.socket", texts, n);
	return 0;
}
