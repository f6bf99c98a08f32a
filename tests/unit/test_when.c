/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times as persons say them. */
#include <criterion/criterion.h>

#include "ctl/when.h"

/* 2026-01-31 12:00:00 UTC */
#define NOW  (UINT64_C(1769860800) * USEC_PER_SEC)
#define HOUR (3600 * USEC_PER_SEC)

static void in_utc(void)
{
	setenv("TZ", "UTC", 1);
}

TestSuite(when, .timeout = 10, .init = in_utc);

Test(when, forms)
{
	static const struct {
		const char *text;
		usec_t usec;
	} rows[] = {
		{ "now", NOW },
		{ "today", NOW - 12 * HOUR },
		{ "yesterday", NOW - 36 * HOUR },
		{ "tomorrow", NOW + 12 * HOUR },
		{ "2026-01-31 12:00:00", NOW },
		{ "2026-01-31T12:00:00", NOW },
		{ "2026-01-31 12:00:00.25", NOW + USEC_PER_SEC / 4 },
		{ "2026-01-31 11:00", NOW - HOUR },
		{ "2026-01-31", NOW - 12 * HOUR },
		{ "13:00", NOW + HOUR },
		{ "13:00:01", NOW + HOUR + USEC_PER_SEC },
		{ "-1h", NOW - HOUR },
		{ "1h ago", NOW - HOUR },
		{ "+1h", NOW + HOUR },
		{ "@1769860800", NOW },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		usec_t usec = 0;

		cr_assert_eq(parse_when(rows[i].text, NOW, &usec), 0, "%s", rows[i].text);
		cr_assert_eq(usec, rows[i].usec, "%s is %llu", rows[i].text, (unsigned long long)usec);
	}
}

Test(when, what_is_no_time)
{
	static const char *const texts[] = { "",  "noon", "2026-01-31 ", "5min",      "12:00x",
					     "@", "@x",	  "-",		 "2026-31-01" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		usec_t usec = 7;

		cr_assert_lt(parse_when(texts[i], NOW, &usec), 0, "%s", texts[i]);
		cr_assert_eq(usec, 7, "%s", texts[i]);
	}
}
