/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/parse.h"

#include <errno.h>
#include <limits.h>
#include <strings.h>

#define DIGITS "0123456789"

/* The whole of s in base (at most 10) as a number up to max. */
static int parse_digits(const char *s, unsigned base, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (!*s)
		return -EINVAL;
	if (s[strspn(s, DIGITS)] != '\0')
		return -EINVAL;
	for (; *s; s++) {
		unsigned digit = (unsigned)(*s - '0');

		if (digit >= base)
			return -EINVAL;
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value) || value > max)
			return -ERANGE;
	}
	*out = value;
	return 0;
}

int parse_u64(const char *s, uint64_t *out)
{
	return parse_digits(s, 10, UINT64_MAX, out);
}

int parse_uint(const char *s, unsigned *out)
{
	uint64_t value;
	int r = parse_digits(s, 10, UINT_MAX, &value);

	if (r < 0)
		return r;
	*out = (unsigned)value;
	return 0;
}

int parse_int(const char *s, int *out)
{
	bool negative = *s == '-';
	uint64_t value;
	int r;

	if (*s == '-' || *s == '+')
		s++;
	r = parse_digits(s, 10, (uint64_t)INT_MAX + negative, &value);
	if (r < 0)
		return r;
	*out = (int)(negative ? -(int64_t)value : (int64_t)value);
	return 0;
}

int parse_mode(const char *s, unsigned *out)
{
	uint64_t value;
	int r = parse_digits(s, 8, 07777, &value);

	if (r < 0)
		return r;
	*out = (unsigned)value;
	return 0;
}

int parse_pid(const char *s, int *out)
{
	uint64_t value;
	int r = parse_digits(s, 10, INT_MAX, &value);

	if (r < 0)
		return r;
	if (value == 0)
		return -ERANGE;
	*out = (int)value;
	return 0;
}

int parse_bool(const char *s, bool *out)
{
	static const char *const words[][2] = {
		{ "0", "1" },	     { "no", "yes" }, { "n", "y" },
		{ "false", "true" }, { "f", "t" },    { "off", "on" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		for (int value = 0; value < 2; value++)
			if (strcasecmp(s, words[i][value]) == 0) {
				*out = value;
				return 0;
			}
	return -EINVAL;
}

/* digits × 10^-n_digits × unit, rounded down. */
static uint64_t fraction_of(const char *digits, size_t n_digits, uint64_t unit)
{
	uint64_t numerator = 0, denominator = 1;

	/* 18 digits fit into 64 bits and are finer than a byte of an exabyte's 2^60. */
	for (size_t i = 0; i < MIN_OF(n_digits, 18U); i++) {
		numerator = numerator * 10 + (uint64_t)(digits[i] - '0');
		denominator *= 10;
	}
	return (uint64_t)((unsigned __int128)numerator * unit / denominator);
}

int parse_size(const char *s, uint64_t *out)
{
	static const char suffixes[] = "BKMGTPE";
	size_t n_whole = strspn(s, DIGITS), n_fraction = 0;
	const char *fraction = NULL, *p = s + n_whole, *suffix;
	uint64_t whole = 0, unit = 1;

	if (streq(s, "infinity")) {
		*out = UINT64_MAX;
		return 0;
	}
	if (n_whole == 0)
		return -EINVAL;
	if (*p == '.') {
		fraction = ++p;
		n_fraction = strspn(p, DIGITS);
		if (n_fraction == 0)
			return -EINVAL;
		p += n_fraction;
	}
	if (*p) {
		suffix = strchr(suffixes, *p);
		if (!suffix || p[1])
			return -EINVAL;
		unit <<= 10 * (suffix - suffixes);
	}
	for (; n_whole > 0; s++, n_whole--)
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, (uint64_t)(*s - '0'), &whole))
			return -ERANGE;
	if (__builtin_mul_overflow(whole, unit, &whole) ||
	    __builtin_add_overflow(whole, fraction_of(fraction, n_fraction, unit), &whole))
		return -ERANGE;
	*out = whole;
	return 0;
}
