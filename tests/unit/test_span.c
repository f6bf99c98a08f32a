/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/parse.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/wait.h>

#include "util/buf.h"

TestSuite(span, .timeout = 60);

#define S     USEC_PER_SEC
#define MONTH (2629800 * S)
#define YEAR  (31557600 * S)

Test(span, parse)
{
	static const struct {
		const char *text;
		int r;
		usec_t value;
	} cases[] = {
		{ "0", 0, 0 },
		{ "90", 0, 90 * S },
		{ "2min 200ms", 0, 120200000 },
		{ "1h30m", 0, 5400 * S },
		{ "1.5h", 0, 5400 * S },
		{ ".5", 0, S / 2 },
		{ "+5s", 0, 5 * S },
		{ "1 2", 0, 3 * S },
		{ "1s2", 0, 3 * S },
		{ "1.2 .3", 0, 1500000 },
		{ "1.2s.3", 0, 1500000 },
		{ "1 \t s \r\n", 0, S },
		{ "infinity", 0, USEC_INFINITY },
		{ "  infinity\t", 0, USEC_INFINITY },
		{ "1.5us", 0, 1 },
		{ "0.0000019", 0, 1 },
		{ "0.33333333333y", 0, 10519199999889 },
		{ "9223372036854775807us", 0, INT64_MAX },
		{ "9223372036854775807us 9223372036854775807us", 0, UINT64_MAX - 1 },
		{ "9223372036854775807us 9223372036854775807us 1us", -ERANGE, 0 },
		{ "9223372036854775808us", -ERANGE, 0 },
		{ "99999999999999999999", -ERANGE, 0 },
		{ "584542y", 0, 584542 * YEAR },
		{ "584543y", -ERANGE, 0 },
		{ "584542.99y", -ERANGE, 0 },
		{ "-1", -ERANGE, 0 },
		{ "-0", -ERANGE, 0 },
		{ "1s -1", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "  ", -EINVAL, 0 },
		{ ".", -EINVAL, 0 },
		{ "5.", -EINVAL, 0 },
		{ "1.s", -EINVAL, 0 },
		{ "1.2.3", -EINVAL, 0 },
		{ "1x", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ "1m s", -EINVAL, 0 },
		{ "1mon", -EINVAL, 0 },
		{ "1 . 5", -EINVAL, 0 },
		{ "+ 5", -EINVAL, 0 },
		{ "+.5", -EINVAL, 0 },
		{ "++5", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "10e3", -EINVAL, 0 },
		{ "1S", -EINVAL, 0 },
		{ "INFINITY", -EINVAL, 0 },
		{ "infinity 1s", -EINVAL, 0 },
		{ "1s infinity", -EINVAL, 0 },
		{ "2s # Maximum wait", -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		usec_t v = 0;
		int r = parse_span(cases[i].text, &v);

		cr_assert_eq(r, cases[i].r, "\"%s\" gave %d", cases[i].text, r);
		cr_assert_eq(v, cases[i].value, "\"%s\" gave %" PRIu64, cases[i].text, v);
	}
}

Test(span, every_unit)
{
	static const struct {
		const char *names[4];
		usec_t usec;
	} units[] = {
		{ { "us", "usec", "\xc2\xb5s", "\xce\xbcs" }, 1 },
		{ { "ms", "msec" }, 1000 },
		{ { "s", "sec", "second", "seconds" }, S },
		{ { "m", "min", "minute", "minutes" }, 60 * S },
		{ { "h", "hr", "hour", "hours" }, 3600 * S },
		{ { "d", "day", "days" }, 86400 * S },
		{ { "w", "week", "weeks" }, 604800 * S },
		{ { "M", "month", "months" }, MONTH },
		{ { "y", "year", "years" }, YEAR },
	};
	static const char *const formats[] = { "3%s", "3 %s", "1%s2%s", "1%s 2 %s" };

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		for (size_t j = 0; j < 4 && units[i].names[j]; j++)
			for (size_t k = 0; k < ARRAY_SIZE(formats); k++) {
				const char *name = units[i].names[j];
				struct buf text = BUF_INIT;
				usec_t v = 0;

				for (const char *f = formats[k]; *f; f++)
					if (f[0] == '%')
						buf_puts(&text, name), f++;
					else
						buf_putc(&text, *f);
				cr_assert_eq(parse_span(text.data, &v), 0, "%s", text.data);
				cr_assert_eq(v, 3 * units[i].usec, "%s", text.data);
				buf_deinit(&text);
			}
}

Test(span, other_unit)
{
	usec_t v;

	cr_assert_eq(parse_span_unit("1500", 1, &v), 0);
	cr_assert_eq(v, 1500);
	cr_assert_eq(parse_span_unit("1.5", USEC_PER_MSEC, &v), 0);
	cr_assert_eq(v, 1500);
	cr_assert_eq(parse_span_unit("2s 7", 1, &v), 0);
	cr_assert_eq(v, 2 * S + 7);
}

Test(span, format)
{
	static const struct {
		usec_t span;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 1, "1us" },
		{ 999, "999us" },
		{ 1001, "1.001ms" },
		{ 100000, "100ms" },
		{ 1500000, "1.500000s" },
		{ 59500000, "59.500000s" },
		{ 60500000, "1min 500ms" },
		{ 90 * S, "1min 30s" },
		{ 5 * 60 * S + 1, "5min 1us" },
		{ 3 * YEAR + YEAR / 4, "3y 3month" },
		{ 10519199999889, "3month 4w 2d 10h 29min 59.999889s" },
		{ INT64_MAX, "292271y 1w 1d 10h 54.775807s" },
		{ USEC_INFINITY, "infinity" },
	};
	char buf[SPAN_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		cr_assert_str_eq(format_span(cases[i].span, buf), cases[i].text);
}

/* Random spans of every magnitude, the same in each run. */
static usec_t next_span(uint64_t *state)
{
	*state = *state * 6364136223846793005 + 1442695040888963407;
	return *state >> 1 >> (*state >> 33) % 63;
}

Test(span, what_is_formatted_is_parsed)
{
	uint64_t state = 1;

	for (int i = 0; i < 200000; i++) {
		usec_t span = next_span(&state), back = 0;
		char buf[SPAN_MAX];

		format_span(span, buf);
		cr_assert_eq(parse_span(buf, &back), 0, "%s", buf);
		cr_assert_eq(back, span, "%" PRIu64 " became \"%s\" became %" PRIu64, span, buf, back);
	}
}

/* What `systemd-analyze timespan -- ARGS` says: one "μs:" and one "Human:" line for each argument. */
static FILE *ask_systemd(const struct buf *args)
{
	struct buf command = BUF_INIT;
	FILE *f;

	buf_printf(&command, "LC_ALL=C.UTF-8 exec systemd-analyze timespan --%s 2>/dev/null",
		   args->data);
	f = popen(command.data, "r");
	buf_deinit(&command);
	return f;
}

/* Compares n answers of systemd with ours; texts are what it was asked about. */
static void compare_with_systemd(char (*texts)[SPAN_MAX], size_t n)
{
	struct buf args = BUF_INIT;
	char line[256], ours[SPAN_MAX];
	usec_t theirs = 0, parsed;
	size_t answers = 0;
	FILE *f;

	for (size_t i = 0; i < n; i++)
		buf_printf(&args, " '%s'", texts[i]);
	f = ask_systemd(&args);
	cr_assert_not_null(f);
	while (fgets(line, sizeof(line), f)) {
		char *colon = strchr(line, ':');

		if (!colon || answers >= n)
			continue;
		line[strcspn(line, "\n")] = '\0';
		if (strstr(line, "s: ") && sscanf(colon + 1, "%" SCNu64, &theirs) == 1 &&
		    !strstr(line, "Original"))
			continue;
		if (!strstr(line, "Human: "))
			continue;
		cr_assert_eq(parse_span(texts[answers], &parsed), 0, "%s", texts[answers]);
		cr_assert_eq(parsed, theirs, "\"%s\": %" PRIu64 ", systemd says %" PRIu64,
			     texts[answers], parsed, theirs);
		cr_assert_str_eq(format_span(parsed, ours), colon + 2);
		answers++;
	}
	pclose(f);
	buf_deinit(&args);
	cr_assert_eq(answers, n, "systemd-analyze answered %zu of %zu", answers, n);
}

static bool have_systemd_analyze(void)
{
	return system("systemd-analyze timespan 1s >/dev/null 2>&1") == 0;
}

Test(span, good_ones_as_systemd)
{
	static const char *const units[] = { "",  "us", "ms", "s", " min", "m",
					     "h", "d",	" w", "M", "y" };
	static char texts[500][SPAN_MAX];
	uint64_t state = 2;

	if (!have_systemd_analyze())
		cr_skip_test("SKIP: no systemd-analyze here to compare with");
	for (int round = 0; round < 4; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
			usec_t a = next_span(&state) % 100000, b = next_span(&state) % 10000000;

			if (round == 0)
				format_span(next_span(&state), texts[i]);
			else
				snprintf(texts[i], SPAN_MAX, "%" PRIu64 ".%0*" PRIu64 "%s %" PRIu64 "%s",
					 a, (int)(b % 8), b, units[a % ARRAY_SIZE(units)], b % 1000,
					 units[b % ARRAY_SIZE(units)]);
		}
		compare_with_systemd(texts, ARRAY_SIZE(texts));
	}
}

/* systemd-analyze stops at the first bad argument: one start for each. */
Test(span, bad_ones_as_systemd)
{
	static const char *const texts[] = {
		"",
		"5.",
		"1.2.3",
		"1x",
		"1mon",
		"1 . 5",
		"+ 5",
		"+.5",
		"-0",
		"1S",
		"INFINITY",
		"1m s",
		"infinityx",
		"++5",
		".",
		"1s infinity",
		"584543y",
		"9223372036854775808us",
		"1,5",
		"1s;",
		"2s # Maximum wait",
	};

	if (!have_systemd_analyze())
		cr_skip_test("SKIP: no systemd-analyze here to compare with");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct buf args = BUF_INIT;
		usec_t v;
		int status;
		FILE *f;

		buf_printf(&args, " '%s'", texts[i]);
		f = ask_systemd(&args);
		cr_assert_not_null(f);
		while (fgetc(f) != EOF)
			;
		status = pclose(f);
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) != 0, "systemd takes \"%s\"",
			  texts[i]);
		cr_assert_lt(parse_span(texts[i], &v), 0, "we take \"%s\"", texts[i]);
		buf_deinit(&args);
	}
}

Test(span, short_ones_have_three_digits)
{
	static const struct {
		usec_t span;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 7, "7us" },
		{ 1250, "1.25ms" },
		{ 312 * USEC_PER_MSEC + 400, "312ms" },
		{ 1250 * USEC_PER_MSEC, "1.25s" },
		{ 24900 * USEC_PER_MSEC, "24.9s" },
		{ 90 * USEC_PER_SEC + 7, "1min 30s" },
		{ USEC_INFINITY, "infinity" },
	};
	char text[SPAN_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		cr_assert_str_eq(format_span_short(rows[i].span, text), rows[i].text);
}
