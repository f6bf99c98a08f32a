/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The format of logs: what a service writes comes back byte for byte. */
#include <criterion/criterion.h>

#include "core/logging.h"
#include "core/logline.h"
#include "core/logwire.h"
#include "util/buf.h"

#define SIZE 5000

static const char stamp[] = "2026-01-31T12:00:00.123456Z";
static const usec_t stamp_usec = UINT64_C(1769860800123456);

TestSuite(logline, .timeout = 30);

/* All of in, as records, with that much room for each call. */
static void write_all(struct buf *b, const char *in, size_t len, size_t room)
{
	char *out = malloc(room);

	cr_assert_not_null(out);
	for (size_t used; len > 0; in += used, len -= used) {
		size_t n = logline_write(out, room, stamp, in, len, &used);

		cr_assert_gt(used, 0);
		cr_assert_leq(n, room);
		buf_append(b, out, n);
	}
	cr_assert_eq(buf_error(b), 0);
	free(out);
}

/* What the records hold, which all have to be records. */
static void read_all(struct buf *b, const char *data, size_t len)
{
	struct logline l;

	for (size_t at = 0, n; at < len; at += n) {
		n = logline_parse(data + at, len - at, &l);
		cr_assert_gt(n, 0, "every record has its newline");
		cr_assert_eq(l.real, stamp_usec);
		cr_assert_neq(l.mark, LOGLINE_EVENT);
		buf_append(b, l.text, l.len);
		if (l.mark == LOGLINE_WHOLE)
			buf_putc(b, '\n');
	}
}

static void check_round_trip(const char *in, size_t len, size_t room)
{
	struct buf records = BUF_INIT, back = BUF_INIT;

	write_all(&records, in, len, room);
	read_all(&back, records.data, records.len);
	cr_assert_eq(back.len, len, "%zu bytes in, %zu out, room %zu", len, back.len, room);
	cr_assert(len == 0 || memcmp(back.data, in, len) == 0, "room %zu", room);
	buf_deinit(&records);
	buf_deinit(&back);
}

Test(logline, a_record_is_one_line_of_text)
{
	struct buf b = BUF_INIT;

	write_all(&b, "one\n\ntwo", 8, 1000);
	cr_assert_str_eq(b.data, "2026-01-31T12:00:00.123456Z one\n"
				 "2026-01-31T12:00:00.123456Z \n"
				 "2026-01-31T12:00:00.123456Z+two\n");
	buf_deinit(&b);
}

Test(logline, every_byte_comes_back)
{
	static const char *const texts[] = { "\n",
					     "\n\n\n",
					     "a",
					     "a\n",
					     "\na",
					     "line\nline\n",
					     "2026-01-31T12:00:00.123456Z+fake\n" };
	char bytes[256];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		check_round_trip(texts[i], strlen(texts[i]), 100);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	check_round_trip(bytes, sizeof(bytes), 1000);
}

/* Any bytes, in any room: few newlines, and many. */
Test(logline, any_bytes_in_any_room)
{
	char data[SIZE];
	unsigned seed = 1;

	for (int round = 0; round < 2000; round++) {
		size_t len = (size_t)rand_r(&seed) % SIZE + 1;
		int newlines = rand_r(&seed) % 20 + 1;

		for (size_t i = 0; i < len; i++)
			data[i] = rand_r(&seed) % newlines == 0 ? '\n' : (char)rand_r(&seed);
		check_round_trip(data, len, LOGLINE_EXTRA + 1 + (size_t)rand_r(&seed) % 3000);
	}
}

Test(logline, a_line_without_its_end_is_waited_for)
{
	struct logline l;
	char text[] = "2026-01-31T12:00:00.123456Z hello\nnext";

	for (size_t n = 0; n < strlen("2026-01-31T12:00:00.123456Z hello\n"); n++)
		cr_assert_eq(logline_parse(text, n, &l), 0, "%zu bytes are no record", n);
	cr_assert_eq(logline_parse(text, sizeof(text) - 1, &l), 34);
	cr_assert_eq(l.len, 5);
	cr_assert_eq(l.mark, LOGLINE_WHOLE);
}

Test(logline, what_is_no_record_is_a_line_of_unknown_time)
{
	static const char *const texts[] = { "",
					     "hello",
					     "2026-01-31T12:00:00.123456Z",
					     "2026-01-31T12:00:00.123456Z?x",
					     "2026-13-31T12:00:00.123456Z x",
					     "2026-01-31 12:00:00.123456Z x",
					     "1969-12-31T12:00:00.123456Z x" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		char line[100];
		struct logline l;
		size_t n = (size_t)snprintf(line, sizeof(line), "%s\n", texts[i]);

		cr_assert_eq(logline_parse(line, n, &l), n, "%s", texts[i]);
		cr_assert_eq(l.real, 0, "%s", texts[i]);
		cr_assert_eq(l.len, n - 1);
		cr_assert_eq(l.mark, LOGLINE_WHOLE);
	}
}

/* clock_stamp() and the parser agree on every day, leap years and all. */
Test(logline, times_are_read_as_they_are_written)
{
	const usec_t day = 86400 * USEC_PER_SEC;

	for (usec_t t = day + 1; t < 60000 * day; t += day + 12345678901) {
		char text[CLOCK_STAMP_SIZE + 8];
		struct logline l;

		clock_stamp(t, text);
		strcat(text, "#\n");
		cr_assert_gt(logline_parse(text, strlen(text), &l), 0);
		cr_assert_eq(l.real, t, "%s", text);
		cr_assert_eq(l.mark, LOGLINE_EVENT);
	}
}

Test(logline, what_a_unit_says_of_its_log_is_read_again)
{
	char id[] = "a name", text[LOGWIRE_SETTINGS_MAX], small[40];
	const struct logging said[] = {
		{ .level = 3, .facility = 19, .no_prefix = true, .identifier = id },
		{ .level = 6, .facility = 3, .identifier = id },
		{ .level = 7, .facility = 3 },
	};
	struct logging l = logging_default;

	for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
		logging_head(&said[i], text, sizeof(text));
		logging_parse_head(&l, text, strlen(text));
		cr_assert_eq(l.level, said[i].level);
		cr_assert_eq(l.facility, said[i].facility);
		cr_assert_eq(l.no_prefix, said[i].no_prefix);
		cr_assert_str_eq(l.identifier ? l.identifier : "",
				 said[i].identifier ? said[i].identifier : "");
	}
	cr_assert_str_empty(logging_head(&logging_default, text, sizeof(text)));
	cr_assert_str_empty(logging_head(NULL, text, sizeof(text)));
	cr_assert_eq(strlen(logging_head(&said[0], small, sizeof(small))), sizeof(small) - 1);
	logging_parse_head(&l, "something else", 14);
	cr_assert_eq(l.level, logging_default.level);
	cr_assert_null(l.identifier);
	cr_assert_eq(logging_level("err"), 3);
	cr_assert_eq(logging_level("7"), 7);
	cr_assert_lt(logging_level("8"), 0);
	cr_assert_lt(logging_level("loud"), 0);
}
