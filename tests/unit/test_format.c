/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

#include "ctl/format.h"

#define TIMEOUT 10

TestSuite(format, .timeout = TIMEOUT);

static void check_printable(const char *in, const char *out)
{
	cleanup_buf struct buf b = BUF_INIT;

	put_printable(&b, in);
	cr_assert_str_eq(b.data ? b.data : "", out);
}

Test(format, text_of_others_cannot_move_the_cursor)
{
	check_printable("", "");
	check_printable("sleep 5", "sleep 5");
	check_printable("\033[2J\033]0;x\a", "\\x1b[2J\\x1b]0;x\\x07");
	check_printable("a\nb\tc\rd\x7f", "a\\x0ab\\x09c\\x0dd\\x7f");
	check_printable("caf\xc3\xa9 \xe2\x97\x8f", "caf\xc3\xa9 \xe2\x97\x8f");
	/* U+009B is CSI to a terminal; U+00A0, its neighbour in the encoding, is a space */
	check_printable("\xc2\x9b"
			"2J \xc2\x80 \xc2\x9f \xc2\xa0",
			"\\x9b2J \\x80 \\x9f \xc2\xa0");
	check_printable("cut \xc2", "cut \xc2");
}

#define S USEC_PER_SEC

Test(format, relative_times_are_rounded_as_systemctl_does)
{
	static const struct {
		usec_t age;
		const char *past, *future;
	} cases[] = {
		{ 0, "now", "now" },
		{ 1, "1us ago", "in 1us" },
		{ 999, "999us ago", "in 999us" },
		{ 1000, "1ms ago", "in 1ms" },
		{ S - 1, "999ms ago", "in 999ms" },
		{ S, "1s ago", "in 1s" },
		{ 60 * S - 1, "59s ago", "in 59s" },
		{ 60 * S, "1min ago", "in 1min" },
		{ 90 * S, "1min 30s ago", "in 1min 30s" },
		{ 300 * S - 1, "4min 59s ago", "in 4min 59s" },
		{ 301 * S, "5min ago", "in 5min" },
		{ 3600 * S, "1h ago", "in 1h" },
		{ S * 3600 * 5 + 61 * S, "5h 1min ago", "in 5h 1min" },
		{ S * 3600 * 6 + 61 * S, "6h ago", "in 6h" },
		{ S * 3600 * 24, "24h ago", "in 24h" },
		{ S * 3600 * 25, "1 day 1h ago", "in 1 day 1h" },
		{ S * 3600 * 48, "2 days ago", "in 2 days" },
		{ S * 3600 * 24 * 8, "1 week 1 day ago", "in 1 week 1 day" },
		{ S * 3600 * 24 * 33, "1 month 2 days ago", "in 1 month 2 days" },
		{ (usec_t)31557600 * S * 2, "2 years ago", "in 2 years" },
	};
	const usec_t now = (usec_t)1 << 60;
	char b[TIME_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cr_assert_str_eq(format_relative(now - cases[i].age, now, b), cases[i].past);
		cr_assert_str_eq(format_relative(now + cases[i].age, now, b), cases[i].future);
	}
	format_relative(0, USEC_INFINITY, b);
	format_relative(USEC_INFINITY - 1, 0, b);
}

Test(format, times_of_day)
{
	const usec_t at = (usec_t)1767225600 * S + 42; /* 2026-01-01 00:00:00 UTC */
	char b[TIME_MAX];

	setenv("TZ", "UTC0", 1);
	tzset();
	cr_assert_str_eq(format_timestamp(at, b), "Thu 2026-01-01 00:00:00 UTC");
	cr_assert_str_eq(format_clock(at, b), "00:00:00.000042");
	setenv("TZ", "XYZ-2", 1);
	tzset();
	cr_assert_str_eq(format_timestamp(at, b), "Thu 2026-01-01 02:00:00 XYZ");
	cr_assert_str_eq(format_timestamp(USEC_INFINITY - 1, b), b); /* the year 586524: no crash */
}

/* What table_print_row() prints for each row, as one string. */
static char *print_table(const struct table *t)
{
	FILE *saved = stdout;
	char *text = NULL;
	size_t size;

	stdout = open_memstream(&text, &size);
	cr_assert_not_null(stdout);
	for (size_t row = 0; row < t->n / t->columns; row++) {
		table_print_row(t, row);
		putchar('\n');
	}
	fclose(stdout);
	stdout = saved;
	return text;
}

Test(format, columns_are_as_wide_as_their_widest_cell)
{
	static const char *const cells[] = { "UNIT",	     "SUB", "DESCRIPTION",	"a.service",
					     "stop-sigterm", "x",   "\xc3\xa9.service", "dead",
					     "evil\033[2J" };
	struct table t = { .columns = 3 };
	cleanup_free char *text = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(cells); i++)
		table_add(&t, cells[i]);
	cr_assert(!t.failed);
	text = print_table(&t);
	cr_assert_str_eq(text, "UNIT      SUB          DESCRIPTION\n"
			       "a.service stop-sigterm x\n"
			       "\xc3\xa9.service dead         evil\\x1b[2J\n");
	table_deinit(&t);
}

Test(format, many_rows)
{
	struct table t = { .columns = 2 };

	for (size_t i = 0; i < 5000; i++)
		table_add(&t, "cell");
	cr_assert_eq(t.n, 5000);
	table_deinit(&t);
	cr_assert_eq(t.n, 0);
}

Test(format, the_gravest_exit_code_wins)
{
	static const int mild_to_grave[] = { 0, 3, 5, 6, 4, 1, 8, 2 };

	for (size_t i = 0; i < ARRAY_SIZE(mild_to_grave); i++)
		for (size_t j = 0; j < ARRAY_SIZE(mild_to_grave); j++)
			cr_assert_eq(exit_worse(mild_to_grave[i], mild_to_grave[j]),
				     mild_to_grave[MAX_OF(i, j)]);
}

Test(format, colours_only_where_they_are_wanted)
{
	const struct style plain = { false, false }, colourful = { true, true };
	struct style s;

	cr_assert_str_eq(style_colour(&plain, COLOUR_RED), "");
	cr_assert_str_eq(style_colour(&colourful, COLOUR_RED), "\033[1;31m");
	cr_assert_eq(state_colour("failed"), COLOUR_RED);
	cr_assert_eq(state_colour("active"), COLOUR_GREEN);
	cr_assert_eq(state_colour("of a later version"), COLOUR_PLAIN);
	cr_assert_str_eq(state_dot(&plain, "active"), "*");
	setenv("LC_ALL", "C", 1);
	s = style_detect();
	cr_assert(!s.utf8);
	setenv("LC_ALL", "de_DE.UTF-8", 1);
	s = style_detect();
	cr_assert(s.utf8);
	unsetenv("LC_ALL");
	unsetenv("LC_CTYPE");
	unsetenv("LANG");
	s = style_detect();
	cr_assert(s.utf8);
}
