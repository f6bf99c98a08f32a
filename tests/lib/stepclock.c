/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * To be preloaded: in this process the wall clock is off by so many seconds as the file $CGKILL_TEST_CLOCK says at that
 * moment, as if somebody had set the clock; nobody else notices. ld.so(8), "LD_PRELOAD". util/clock.c asks in no other way.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long offset(void)
{
	const char *path = getenv("CGKILL_TEST_CLOCK");
	int saved = errno, fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	char text[32] = "";
	long seconds = fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 ? strtol(text, NULL, 10) : 0;

	if (fd >= 0)
		close(fd);
	errno = saved;
	return seconds;
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): glibc's names are its own */
int clock_gettime(clockid_t id, struct timespec *ts)
{
	int r = (int)syscall(SYS_clock_gettime, id, ts);

	if (r == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ts->tv_sec += offset();
	return r;
}
