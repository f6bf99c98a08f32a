/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/parse.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>

TestSuite(parse, .timeout = 10);

/* A text and what comes of it: r, and where r is 0 the value. */
struct number_case {
	const char *text;
	int r;
	int64_t value;
};

/* The parsers of small integers behind one signature. */
static int as_uint(const char *s, int64_t *out)
{
	unsigned v = 0;
	int r = parse_uint(s, &v);

	*out = v;
	return r;
}

static int as_int(const char *s, int64_t *out)
{
	int v = 0, r = parse_int(s, &v);

	*out = v;
	return r;
}

static int as_mode(const char *s, int64_t *out)
{
	unsigned v = 0;
	int r = parse_mode(s, &v);

	*out = v;
	return r;
}

static int as_pid(const char *s, int64_t *out)
{
	int v = 0, r = parse_pid(s, &v);

	*out = v;
	return r;
}

static int as_signal(const char *s, int64_t *out)
{
	int v = 0, r = parse_signal(s, &v);

	*out = v;
	return r;
}

static int as_error(const char *s, int64_t *out)
{
	int v = 0, r = parse_error_name(s, &v);

	*out = v;
	return r;
}

static int as_exit_status(const char *s, int64_t *out)
{
	int v = 0, r = parse_exit_status(s, &v);

	*out = v;
	return r;
}

static void check_numbers(int (*parse)(const char *, int64_t *), const struct number_case *cases,
			  size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int64_t value;
		int r = parse(cases[i].text, &value);

		cr_assert_eq(r, cases[i].r, "\"%s\" gave %d, expected %d", cases[i].text, r,
			     cases[i].r);
		cr_assert_eq(value, r == 0 ? cases[i].value : 0, "\"%s\" gave %" PRId64,
			     cases[i].text, value);
	}
}

Test(parse, uint)
{
	static const struct number_case cases[] = {
		{ "0", 0, 0 },
		{ "007", 0, 7 },
		{ "4294967295", 0, UINT_MAX },
		{ "4294967296", -ERANGE, 0 },
		{ "99999999999999999999999", -ERANGE, 0 },
		{ "99999999999999999999999x", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "0x1", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 },
	};

	check_numbers(as_uint, cases, ARRAY_SIZE(cases));
}

Test(parse, u64_limits)
{
	uint64_t v = 1;

	cr_assert_eq(parse_u64("18446744073709551616", &v), -ERANGE);
	cr_assert_eq(v, 1, "written though it failed");
	cr_assert_eq(parse_u64("18446744073709551615", &v), 0);
	cr_assert_eq(v, UINT64_MAX);
}

Test(parse, int)
{
	static const struct number_case cases[] = {
		{ "2147483647", 0, INT_MAX },
		{ "2147483648", -ERANGE, 0 },
		{ "-2147483648", 0, INT_MIN },
		{ "-2147483649", -ERANGE, 0 },
		{ "+5", 0, 5 },
		{ "-0", 0, 0 },
		{ "--1", -EINVAL, 0 },
		{ "+-1", -EINVAL, 0 },
		{ "-", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};

	check_numbers(as_int, cases, ARRAY_SIZE(cases));
}

Test(parse, mode)
{
	static const struct number_case cases[] = {
		{ "0022", 0, 022 },	 { "7777", 0, 07777 },	 { "0", 0, 0 },
		{ "10000", -ERANGE, 0 }, { "0009", -EINVAL, 0 }, { "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
	};

	check_numbers(as_mode, cases, ARRAY_SIZE(cases));
}

Test(parse, pid)
{
	static const struct number_case cases[] = {
		{ "1", 0, 1 },	      { "2147483647", 0, INT_MAX },
		{ "0", -ERANGE, 0 },  { "2147483648", -ERANGE, 0 },
		{ "-1", -EINVAL, 0 }, { "12a", -EINVAL, 0 },
	};

	check_numbers(as_pid, cases, ARRAY_SIZE(cases));
}

Test(parse, bool)
{
	static const char *const yes[] = { "1", "yes", "y", "true", "t", "on", "YES", "On", "tRuE" };
	static const char *const no[] = { "0", "no", "n", "false", "f", "off", "NO", "Off", "FALSE" };
	static const char *const bad[] = { "", "2", "yes ", " no", "enable", "00", "yess", "tr" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		bool v = false;

		cr_assert_eq(parse_bool(yes[i], &v), 0, "%s", yes[i]);
		cr_assert(v, "%s", yes[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(no); i++) {
		bool v = true;

		cr_assert_eq(parse_bool(no[i], &v), 0, "%s", no[i]);
		cr_assert_not(v, "%s", no[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		bool v;

		cr_assert_eq(parse_bool(bad[i], &v), -EINVAL, "%s", bad[i]);
	}
}

Test(parse, size)
{
	static const struct {
		const char *text;
		int r;
		uint64_t value;
	} cases[] = {
		{ "0", 0, 0 },
		{ "17", 0, 17 },
		{ "17B", 0, 17 },
		{ "64K", 0, 65536 },
		{ "1.5G", 0, 1610612736 },
		{ "0.5K", 0, 512 },
		{ "1.25K", 0, 1280 },
		{ "2M", 0, 2097152 },
		{ "1T", 0, 1ULL << 40 },
		{ "1P", 0, 1ULL << 50 },
		{ "15E", 0, 15ULL << 60 },
		{ "15.5E", 0, 31ULL << 59 },
		{ "16E", -ERANGE, 0 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "infinity", 0, UINT64_MAX },
		{ "infinityK", -EINVAL, 0 },
		{ "1KB", -EINVAL, 0 },
		{ "1k", -EINVAL, 0 },
		{ ".5K", -EINVAL, 0 },
		{ "1.K", -EINVAL, 0 },
		{ "1.2.3", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "K", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t v = 0;
		int r = parse_size(cases[i].text, &v);

		cr_assert_eq(r, cases[i].r, "\"%s\" gave %d", cases[i].text, r);
		cr_assert_eq(v, cases[i].value, "\"%s\" gave %" PRIu64, cases[i].text, v);
	}
}

Test(parse, signal)
{
	const struct number_case cases[] = {
		{ "SIGTERM", 0, SIGTERM },
		{ "TERM", 0, SIGTERM },
		{ "9", 0, SIGKILL },
		{ "64", 0, 64 },
		{ "RTMIN", 0, SIGRTMIN },
		{ "SIGRTMIN+3", 0, SIGRTMIN + 3 },
		{ "RTMAX-1", 0, SIGRTMAX - 1 },
		{ "RTMAX", 0, SIGRTMAX },
		{ "0", -ERANGE, 0 },
		{ "65", -ERANGE, 0 },
		{ "99999999999999999999", -ERANGE, 0 },
		{ "RTMIN+31", -ERANGE, 0 },
		{ "RTMIN-1", -EINVAL, 0 },
		{ "RTMAX+1", -EINVAL, 0 },
		{ "RTMIN+", -EINVAL, 0 },
		{ "RTMIN+-1", -EINVAL, 0 },
		{ "term", -EINVAL, 0 },
		{ "SIGSIGTERM", -EINVAL, 0 },
		{ "SIG", -EINVAL, 0 },
		{ "SIG15", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "TERM ", -EINVAL, 0 },
	};

	check_numbers(as_signal, cases, ARRAY_SIZE(cases));
}

Test(parse, every_signal_name_leads_back)
{
	for (int sig = 1; sig <= SIGRTMAX; sig++) {
		int back = 0;

		cr_assert_eq(parse_signal(signal_name(sig), &back), 0, "%d is \"%s\"", sig,
			     signal_name(sig));
		cr_assert_eq(back, sig, "%d is \"%s\", which is %d", sig, signal_name(sig), back);
	}
	cr_assert_str_eq(signal_name(SIGKILL), "KILL");
	cr_assert_str_eq(signal_name(SIGRTMIN + 1), "RTMIN+1");
	cr_assert_str_eq(signal_name(0), "0");
	cr_assert_str_eq(signal_name(INT_MIN), "-2147483648");
}

/* glibc has as many names; of 95 it takes the other one, which systemd does not print. */
Test(parse, every_error_name_leads_back)
{
	int back = 0;

	for (int error = -1; error <= 4095; error++) {
		const char *name = error_name(error), *known = error > 0 ? strerrorname_np(error) : NULL;

		cr_assert_eq(!name, !known, "%d", error);
		if (!name)
			continue;
		if (error != EOPNOTSUPP)
			cr_assert_str_eq(name, known);
		cr_assert_eq(parse_error_name(name, &back), 0, "%s", name);
		cr_assert_eq(back, error, "%s", name);
		if (error != EOPNOTSUPP)
			cr_assert_eq(parse_error_name(known, &back), 0, "%s", known);
	}
	cr_assert_str_eq(error_name(EOPNOTSUPP), "EOPNOTSUPP");
}

Test(parse, error_name)
{
	static const struct number_case cases[] = {
		{ "EPERM", 0, EPERM },	      { "ENOTSUP", 0, ENOTSUP },
		{ "EWOULDBLOCK", 0, EAGAIN }, { "EDEADLOCK", 0, EDEADLK },
		{ "eperm", -EINVAL, 0 },      { "PERM", -EINVAL, 0 },
		{ "EPERM ", -EINVAL, 0 },     { "", -EINVAL, 0 },
		{ "1", -EINVAL, 0 },
	};

	check_numbers(as_error, cases, ARRAY_SIZE(cases));
}

Test(parse, exit_status)
{
	static const struct number_case cases[] = {
		{ "0", 0, 0 },		 { "255", 0, 255 },	  { "256", -ERANGE, 0 },
		{ "SUCCESS", 0, 0 },	 { "EXEC", 0, 203 },	  { "CONFIG", 0, 78 },
		{ "EXCEPTION", 0, 255 }, { "exec", -EINVAL, 0 },  { "-1", -EINVAL, 0 },
		{ "", -EINVAL, 0 },	 { "EXEC ", -EINVAL, 0 },
	};
	int named = 0;

	check_numbers(as_exit_status, cases, ARRAY_SIZE(cases));
	for (int status = -1; status <= 256; status++) {
		const char *name = exit_status_name(status);
		int back = -1;

		if (!name)
			continue;
		named++;
		cr_assert_eq(parse_exit_status(name, &back), 0);
		cr_assert_eq(back, status, "%s", name);
	}
	cr_assert_gt(named, 50);
	cr_assert_null(exit_status_name(8));
	cr_assert_str_eq(exit_status_name(217), "USER");
}
