/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/clock.h"

#include <stdio.h>
#include <time.h>

static usec_t read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts); /* cannot fail for the two clocks used here: clock_gettime(2) */
	return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}

usec_t clock_now(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

usec_t clock_realtime(void)
{
	return read_clock(CLOCK_REALTIME);
}

const char *clock_stamp(usec_t real, char buf[static CLOCK_STAMP_SIZE])
{
	time_t seconds = (time_t)(real / USEC_PER_SEC);
	struct tm tm;
	size_t len;

	buf[0] = '\0';
	if (!gmtime_r(&seconds, &tm))
		return buf;
	len = strftime(buf, CLOCK_STAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + len, CLOCK_STAMP_SIZE - len, ".%06uZ", (unsigned)(real % USEC_PER_SEC));
	return buf;
}
