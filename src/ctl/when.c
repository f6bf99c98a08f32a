/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/when.h"

#include <errno.h>
#include <time.h>

#include "util/parse.h"

static int from_tm(struct tm *tm, usec_t fraction, usec_t *out)
{
	time_t t;

	tm->tm_isdst = -1;
	t = mktime(tm);
	if (t < 0)
		return -EINVAL;
	*out = (usec_t)t * USEC_PER_SEC + fraction;
	return 0;
}

/* The beginning of today, and so many days from it. */
static int day(usec_t now, int days, usec_t *out)
{
	time_t t = (time_t)(now / USEC_PER_SEC);
	struct tm tm;

	if (!localtime_r(&t, &tm))
		return -EINVAL;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_mday += days;
	return from_tm(&tm, 0, out);
}

static int parse_word(const char *text, usec_t now, usec_t *out)
{
	static const struct {
		const char *word;
		int days;
	} words[] = { { "today", 0 }, { "yesterday", -1 }, { "tomorrow", 1 } };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (streq(words[i].word, text))
			return day(now, words[i].days, out);
	if (!streq(text, "now"))
		return -EINVAL;
	*out = now;
	return 0;
}

/* "-5min", "+1h", "5min ago" */
static int parse_relative(const char *text, usec_t now, usec_t *out)
{
	cleanup_free char *span = strdup(text + (*text == '-' || *text == '+'));
	bool ago = *text == '-';
	usec_t distance;

	if (!span)
		return -EINVAL;
	if (ends_with(span, " ago") && *text != '-' && *text != '+') {
		span[strlen(span) - strlen(" ago")] = '\0';
		ago = true;
	} else if (*text != '-' && *text != '+') {
		return -EINVAL;
	}
	if (parse_span(span, &distance) < 0)
		return -EINVAL;
	*out = ago ? usec_sub(now, MIN_OF(distance, now)) : usec_add(now, distance);
	return 0;
}

/* What is not said is 0, or of a time without a date today. */
static int parse_date(const char *text, usec_t now, usec_t *out)
{
	static const char *const forms[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
					     "%Y-%m-%d %H:%M",	  "%Y-%m-%d",
					     "%H:%M:%S",	  "%H:%M" };
	time_t t = (time_t)(now / USEC_PER_SEC);

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		usec_t fraction = 0;
		struct tm tm;
		char *end;

		if (!localtime_r(&t, &tm))
			return -EINVAL;
		tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
		end = strptime(text, forms[i], &tm);
		if (end && *end == '.' && ends_with(forms[i], "%S"))
			for (usec_t digit = USEC_PER_SEC / 10; *++end >= '0' && *end <= '9'; digit /= 10)
				fraction += digit * (usec_t)(*end - '0');
		if (end && *end == '\0')
			return from_tm(&tm, fraction, out);
	}
	return -EINVAL;
}

int parse_when(const char *text, usec_t now, usec_t *out)
{
	uint64_t seconds;

	if (*text == '@') {
		if (parse_u64(text + 1, &seconds) < 0 || seconds > USEC_INFINITY / USEC_PER_SEC)
			return -EINVAL;
		*out = seconds * USEC_PER_SEC;
		return 0;
	}
	if (parse_word(text, now, out) == 0 || parse_relative(text, now, out) == 0)
		return 0;
	return parse_date(text, now, out);
}
