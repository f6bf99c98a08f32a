/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Time is an unsigned count of microseconds; USEC_INFINITY means never. An absolute time is on
 * CLOCK_BOOTTIME unless it says "real": it goes on through suspend, no one can step it, and it
 * means the same to the next process on this boot.
 */
#include <stdint.h>

typedef uint64_t usec_t;

#define USEC_INFINITY ((usec_t)UINT64_MAX)
#define USEC_PER_MSEC ((usec_t)1000)
#define USEC_PER_SEC  ((usec_t)1000000)

usec_t clock_now(void);	     /* CLOCK_BOOTTIME */
usec_t clock_realtime(void); /* CLOCK_REALTIME, for people */

/* A CLOCK_REALTIME as "2026-01-31T12:00:00.123456Z", which sorts by time. Returns buf. */
#define CLOCK_STAMP_SIZE 40
const char *clock_stamp(usec_t real, char buf[static CLOCK_STAMP_SIZE]);

/* Sum and difference that saturate: infinity stays infinity, nothing goes below 0. */
static inline usec_t usec_add(usec_t a, usec_t b)
{
	return a > USEC_INFINITY - b ? USEC_INFINITY : a + b;
}

static inline usec_t usec_sub(usec_t a, usec_t b)
{
	return a == USEC_INFINITY ? USEC_INFINITY : a > b ? a - b : 0;
}
