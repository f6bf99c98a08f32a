/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/lock.h"

#include <errno.h>
#include <sys/file.h>
#include <time.h>

#include "util/clock.h"

#define PATIENCE (1 * USEC_PER_SEC)
#define PAUSE	 (2 * USEC_PER_MSEC)

int lock_take(int fd)
{
	const struct timespec pause = { .tv_nsec = (long)(PAUSE * 1000) };
	usec_t end = clock_now() + PATIENCE;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (clock_now() > end)
			return -EBUSY;
		nanosleep(&pause, NULL);
	}
	return 0;
}
