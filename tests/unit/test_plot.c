/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The picture of a stop: what is in it, and where; not how it is written. That it is XML says tests/integration/chain.test.
 */
#include <criterion/criterion.h>

#include "core/plot.h"

TestSuite(plot, .timeout = 60);

#define MSEC USEC_PER_MSEC

static char *render(const struct plot_bar *bars, size_t n)
{
	struct plot p = { "Stop on <host> & \"co\"", "2 units\x01", bars, n };
	struct buf b = BUF_INIT;
	char *text;

	plot_render(&p, &b);
	cr_assert_eq(buf_error(&b), 0);
	text = buf_take(&b);
	cr_assert_not_null(text);
	return text;
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, what)); p += strlen(what))
		n++;
	return n;
}

/* The x and width of the first stage of a class that is in a bar: those have a title. */
static void find_stage(const char *text, const char *class, double *x, double *width)
{
	char key[64];
	const char *p = text;

	snprintf(key, sizeof(key), "<rect class=\"%s\" x=\"", class);
	while ((p = strstr(p, key))) {
		double y, height;
		int used = 0;

		p += strlen(key);
		if (sscanf(p, "%lf\" y=\"%lf\" width=\"%lf\" height=\"%lf\"><title>%n", x, &y,
			   width, &height, &used) == 4 &&
		    used > 0)
			return;
	}
	cr_assert_fail("no stage %s in %s", class, text);
}

Test(plot, has_a_bar_in_stages_to_scale)
{
	const struct plot_event events[] = {
		{ .at = 5000 * MSEC, .state = STATE_STOP },
		{ .at = 5100 * MSEC, .state = STATE_STOP_SIGTERM },
		{ .at = 5100 * MSEC, .signal = SIGTERM, .count = 3 },
		{ .at = 5900 * MSEC, .state = STATE_STOP_SIGKILL },
		{ .at = 5900 * MSEC, .signal = SIGKILL, .kill = true, .count = 1 },
		{ .at = 5900 * MSEC, .state = STATE_STOP_POST },
		{ .at = 6000 * MSEC, .state = STATE_FAILED },
	};
	const struct plot_bar bar = { "a.service", events, ARRAY_SIZE(events), true, false };
	double stop, stop_width, term, term_width, kill, kill_width, post, post_width;
	char *text = render(&bar, 1);

	find_stage(text, "stop", &stop, &stop_width);
	find_stage(text, "term", &term, &term_width);
	find_stage(text, "kill", &kill, &kill_width);
	find_stage(text, "clean", &post, &post_width);
	cr_assert_float_eq(term, stop + stop_width, 0.2);
	cr_assert_float_eq(term_width, 8 * stop_width, 0.6);
	cr_assert_float_eq(kill, term + term_width, 0.2);
	cr_assert_geq(kill_width, 1, "what took no time is seen all the same");
	cr_assert_float_eq(post_width, stop_width, 0.2);
	cr_assert_eq(count(text, "SIGTERM to 3 processes after 100ms"), 1);
	cr_assert_eq(count(text, "SIGKILL to 1 process, by cgroup.kill, after 900ms"), 1);
	cr_assert_eq(count(text, ">1s, 1 killed</text>"), 1);
	cr_assert_eq(count(text, ">start</text>"), 0, "the legend has what there is");
	cr_assert_eq(count(text, ">stop-post</text>"), 1);
	free(text);
}

Test(plot, escapes_whatever_it_is_given)
{
	const struct plot_event event = { .at = 1, .state = STATE_STOP };
	const struct plot_bar bar = { "a<b>&\"c.service", &event, 1, false, true };
	char *text = render(&bar, 1);

	cr_assert_eq(count(text, "a&lt;b&gt;&amp;&quot;c.service"), 2);
	cr_assert_eq(count(text, "a<b"), 0);
	cr_assert_eq(count(text, "&lt;host&gt; &amp; &quot;co&quot;"), 2);
	cr_assert_eq(count(text, "\x01"), 0);
	cr_assert_eq(count(text, "goes on, not all known"), 1);
	free(text);
}

Test(plot, needs_nothing_from_elsewhere)
{
	char *text = render(NULL, 0);

	cr_assert_eq(count(text, "<script"), 0);
	cr_assert_eq(count(text, "href"), 0);
	cr_assert_eq(count(text, "url("), 0);
	cr_assert_eq(count(text, "http"), 1, "the name of the format");
	cr_assert_eq(count(text, "prefers-color-scheme:dark"), 1);
	cr_assert_eq(count(text, "</svg>"), 1);
	free(text);
}

/* From a microsecond to a year: some ticks, but never many; the first one is 0. */
Test(plot, has_sensible_ticks)
{
	for (usec_t span = 1; span < 366 * 86400 * USEC_PER_SEC; span += span / 3 + 1) {
		const struct plot_event events[] = { { .at = 7, .state = STATE_STOP },
						     { .at = 7 + span, .state = STATE_DEAD } };
		const struct plot_bar bar = { "a.service", events, 2, true, false };
		char *text = render(&bar, 1);
		unsigned ticks = count(text, "<line class=\"grid\"");

		cr_assert(ticks >= 2 && ticks <= 11, "%u ticks for %llu", ticks,
			  (unsigned long long)span);
		cr_assert_not_null(strstr(text, ">0</text>"));
		free(text);
	}
}

Test(plot, shortens_long_names_and_counts_rows)
{
	enum { N = 500 };
	const struct plot_event events[] = { { .at = 1, .state = STATE_START },
					     { .at = 2, .state = STATE_RUNNING } };
	struct plot_bar *bars = calloc(N, sizeof(*bars));
	char name[UNIT_NAME_MAX + 1];
	char *text;

	memset(name, 'x', UNIT_NAME_MAX);
	memcpy(name + UNIT_NAME_MAX - 8, ".service", 9);
	cr_assert_not_null(bars);
	for (size_t i = 0; i < N; i++)
		bars[i] = (struct plot_bar){ name, events, 2, true, false };
	text = render(bars, N);
	cr_assert_eq(count(text, "…xxxxxxxxxxxxxx.service"), N);
	cr_assert_eq(count(text, name), N, "the whole of it can be asked for");
	cr_assert_eq(count(text, "<title>start: 1us</title>"), N);
	free(text);
	free(bars);
}
