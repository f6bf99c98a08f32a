/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>

#include "core/varlink.h"
#include "ctl/progress.h"

#define TIMEOUT 10

TestSuite(progress, .timeout = TIMEOUT);

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *j = json_loads(text, 0, &error);

	cr_assert_not_null(j, "%s: %s", error.text, text);
	return j;
}

static void update(struct progress *p, const char *text)
{
	cleanup_json json_t *j = parse(text);

	cr_assert(progress_update(p, j));
}

static void check_line(const struct progress *p, usec_t now, const char *expected)
{
	cleanup_buf struct buf b = BUF_INIT;

	progress_describe(p, now, &b);
	cr_assert_str_eq(b.data ? b.data : "", expected);
}

Test(progress, tells_the_slowest_of_those_that_are_waited_for)
{
	struct progress p = { 0 };

	check_line(&p, 0, "");
	update(&p,
	       "{\"unit\":\"a.service\",\"subState\":\"stop-sigterm\",\"stageEndsUSec\":2000000,"
	       "\"processes\":1}");
	check_line(&p, 450000, "a.service: stop-sigterm, 1.5 s left, 1 process");
	check_line(&p, 3000000, "a.service: stop-sigterm, 0.0 s left, 1 process");
	update(&p, "{\"unit\":\"b.service\",\"subState\":\"stop\",\"stageEndsUSec\":9000000,"
		   "\"deadlineUSec\":4000000,\"processes\":3}");
	check_line(&p, 1000000,
		   "2 of 2 units left, the slowest: b.service: stop, 3.0 s left, 3 processes");
	update(&p, "{\"unit\":\"c\\u001b.service\",\"subState\":\"stop\",\"stageEndsUSec\":null,"
		   "\"processes\":2}");
	check_line(
		&p, 1000000,
		"3 of 3 units left, the slowest: c\\x1b.service: stop, no time limit, 2 processes");
	update(&p, "{\"unit\":\"c\\u001b.service\",\"subState\":\"dead\",\"processes\":0}");
	update(&p, "{\"unit\":\"b.service\",\"subState\":\"failed\",\"processes\":0}");
	check_line(
		&p, 1000000,
		"1 of 3 units left, the slowest: a.service: stop-sigterm, 1.0 s left, 1 process");
	update(&p, "{\"unit\":\"a.service\",\"subState\":\"stuck\",\"processes\":1}");
	check_line(&p, 1000000, "");
	progress_deinit(&p);
}

Test(progress, what_is_malformed_is_refused)
{
	struct progress p = { 0 };
	cleanup_json json_t *no_state = parse("{\"unit\":\"a\"}"), *no_object = parse("[]");

	cr_assert(!progress_update(&p, no_state));
	cr_assert(!progress_update(&p, no_object));
	cr_assert(!progress_update(&p, NULL));
	progress_deinit(&p);
}
