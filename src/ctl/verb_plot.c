/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fnmatch.h>

#include "core/plot.h"
#include "ctl/manager.h"
#include "ctl/member.h"
#include "util/parse.h"

/* What goes on within this time of something else belongs to the same stop or boot. */
#define TOGETHER USEC_PER_SEC

struct bar {
	struct plot_bar plot;
	struct plot_event *events; /* the plot's, owned */
	usec_t begin, end, real;
};

struct bars {
	struct bar *v;
	size_t n;
};

/* ---- from JSON ---- */

static enum service_state parse_state(const char *name)
{
	enum service_state s = STATE_MAX;

	while (--s > STATE_INVALID && !streq(service_state_name(s), name))
		;
	return s;
}

static struct plot_event parse_mark(const json_t *mark, usec_t begin)
{
	const char *state = member_text(mark, "state"), *sig = member_text(mark, "signal");
	struct plot_event e = { .at = usec_add(begin, (usec_t)member_number_or(mark, "atUSec", 0)),
				.kill = json_is_true(json_object_get(mark, "kill")),
				.count = (unsigned)member_number_or(mark, "count", 0) };

	if (state)
		e.state = parse_state(state);
	else if (sig)
		(void)!parse_signal(sig, &e.signal);
	return e;
}

/* False without memory. */
static bool parse_timeline(const json_t *o, struct bar *out)
{
	const json_t *marks = json_object_get(o, "marks");
	size_t n = json_array_size(marks);
	struct plot_event *events = calloc(n + 1, sizeof(*events));

	if (!events)
		return false;
	out->begin = out->end = (usec_t)member_number_or(o, "beginUSec", 0);
	out->real = (usec_t)member_number_or(o, "beginRealUSec", 0);
	for (size_t i = 0; i < n; i++) {
		events[i] = parse_mark(json_array_get(marks, i), out->begin);
		out->end = MAX_OF(out->end, events[i].at);
	}
	out->events = events;
	out->plot = (struct plot_bar){ .unit = member_text_or(o, "unit", "?"),
				       .events = events,
				       .n = n,
				       .over = json_is_true(json_object_get(o, "over")),
				       .partial = json_is_true(json_object_get(o, "partial")) };
	return true;
}

static void bars_deinit(struct bars *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->v[i].events);
	free(b->v);
	*b = (struct bars){ 0 };
}

/* Without patterns all are. */
static bool is_wanted(const json_t *patterns, const char *unit)
{
	const json_t *p;
	size_t i;

	json_array_foreach(patterns, i, p)
		if (fnmatch(json_string_value(p), unit, 0) == 0)
			return true;
	return !patterns;
}

static bool parse_timelines(const json_t *list, const json_t *patterns, const char *kind,
			    struct bars *out)
{
	const json_t *o;
	size_t i;

	out->v = calloc(json_array_size(list) + 1, sizeof(*out->v));
	json_array_foreach(list, i, o) {
		if (!member_is(o, "kind", kind) || !is_wanted(patterns, member_text_or(o, "unit", "")))
			continue;
		if (!out->v || !parse_timeline(o, &out->v[out->n]))
			return false;
		out->n++;
	}
	return out->v;
}

/* ---- which of them belong together ---- */

static int compare_bars(const void *a, const void *b)
{
	const struct bar *x = a, *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	return strcmp(x->plot.unit, y->plot.unit);
}

/* The last stop of all, or the first start, out of what is sorted by its beginning. */
static void keep_one_group(struct bars *b, bool first)
{
	usec_t end = b->n > 0 ? b->v[0].end : 0;
	size_t from = 0, i;

	for (i = 1; i < b->n; i++) {
		if (b->v[i].begin > usec_add(end, TOGETHER)) {
			if (first)
				break;
			from = i;
		}
		end = MAX_OF(end, b->v[i].end);
	}
	for (size_t k = 0; k < b->n; k++)
		if (k < from || k >= i)
			free(b->v[k].events);
	memmove(b->v, b->v + from, (i - from) * sizeof(*b->v));
	b->n = b->n > 0 ? i - from : 0;
}

/* ---- the picture ---- */

static unsigned count_killed(const struct bars *b, unsigned *processes)
{
	unsigned units = 0;

	*processes = 0;
	for (size_t i = 0; i < b->n; i++) {
		unsigned before = *processes;

		for (size_t k = 0; k < b->v[i].plot.n; k++)
			*processes += b->v[i].plot.events[k].kill ? b->v[i].plot.events[k].count : 0;
		units += *processes > before;
	}
	return units;
}

static void describe(const struct bars *b, struct buf *out)
{
	char when[TIME_MAX], span[SPAN_MAX];
	unsigned processes, units = count_killed(b, &processes);
	usec_t end = 0;

	for (size_t i = 0; i < b->n; i++)
		end = MAX_OF(end, b->v[i].end);
	buf_printf(out, "%s: %zu unit%s in %s", format_timestamp(b->v[0].real, when), b->n,
		   b->n == 1 ? "" : "s", format_span_short(end - b->v[0].begin, span));
	if (units > 0)
		buf_printf(out, "; %u process%s killed, of %u unit%s", processes,
			   processes == 1 ? "" : "es", units, units == 1 ? "" : "s");
	else
		buf_puts(out, "; nothing was killed");
}

static int draw(const struct bars *b, bool boot)
{
	cleanup_buf struct buf subtitle = BUF_INIT, svg = BUF_INIT;
	cleanup_free struct plot_bar *v = calloc(b->n + 1, sizeof(*v));
	char host[256] = "", title[300];
	struct plot p = { .title = title, .bars = v, .n = b->n };

	for (size_t i = 0; v && i < b->n; i++)
		v[i] = b->v[i].plot;
	(void)!gethostname(host, sizeof(host) - 1);
	snprintf(title, sizeof(title), "%s on %s", boot ? "Boot" : "Stop", host);
	describe(b, &subtitle);
	p.subtitle = subtitle.data;
	if (v && buf_error(&subtitle) == 0)
		plot_render(&p, &svg);
	if (!v || buf_error(&subtitle) < 0 || buf_error(&svg) < 0) {
		complain("Out of memory.");
		return CGKILL_EXIT_FAILED;
	}
	fwrite(svg.data, 1, svg.len, stdout);
	return CGKILL_EXIT_OK;
}

/* ---- where it comes from ---- */

/* What the last cgkilld has left, when none runs, or the one that does has stopped nothing yet. */
static json_t *read_last_stop(const struct options *o)
{
	cleanup_buf struct buf path = BUF_INIT;
	json_t *all = NULL;

	if (manager_runtime_path(o, CGKILL_LAST_STOP, &path))
		all = json_load_file(path.data, 0, NULL);
	return all;
}

/* Sorted by their beginning; of units that were named all, else those that belong together. */
static int find_bars(const json_t *reply, const json_t *patterns, bool boot, struct bars *out)
{
	if (!parse_timelines(json_object_get(reply, "timelines"), patterns, boot ? "start" : "stop",
			     out)) {
		complain("Out of memory.");
		return CGKILL_EXIT_FAILED;
	}
	qsort(out->v, out->n, sizeof(*out->v), compare_bars);
	if (!patterns)
		keep_one_group(out, boot);
	return CGKILL_EXIT_OK;
}

/* From a cgkilld that runs, if it knows any; *reply is what they are of, and stays. */
static int look_for_bars(struct ctl *ctl, const json_t *patterns, json_t **reply, struct bars *out)
{
	bool boot = ctl->options.boot;
	json_t *left;
	int r;

	if (manager_is_running(ctl)) {
		r = manager_call(ctl, "GetTimelines", json_object(), reply);
		if (r == 0)
			r = find_bars(*reply, patterns, boot, out);
		if (r > 0 || out->n > 0 || boot)
			return r;
	}
	left = boot ? NULL : read_last_stop(&ctl->options);
	if (!left) /* without a cgkilld this says so */
		return *reply ? CGKILL_EXIT_OK
			      : manager_call(ctl, "GetTimelines", json_object(), reply);
	bars_deinit(out);
	json_decref(*reply);
	*reply = left;
	return find_bars(left, patterns, boot, out);
}

int verb_plot(struct ctl *ctl, char **args)
{
	cleanup_json json_t *units = manager_units(args + 1), *reply = NULL;
	const json_t *patterns = args[1] ? json_object_get(units, "units") : NULL;
	struct bars bars = { 0 };
	int r;

	if (!units)
		return CGKILL_EXIT_USAGE;
	if (ctl->options.boot && ctl->options.last_stop) {
		complain("--boot or --last-stop, not both.");
		return CGKILL_EXIT_USAGE;
	}
	r = look_for_bars(ctl, patterns, &reply, &bars);
	if (r == 0 && bars.n == 0) {
		complain(ctl->options.boot ? "No start is known that could be drawn."
					   : "No stop is known that could be drawn.");
		r = CGKILL_EXIT_FAILED;
	} else if (r == 0 && !manager_print_json(ctl, reply)) {
		r = draw(&bars, ctl->options.boot);
	}
	bars_deinit(&bars);
	return r;
}
