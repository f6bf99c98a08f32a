/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kill engine against the kernel work alone, in interleaved pairs of one run, so that load on the machine hits both.
 *
 *	raw	 open cgroup.kill and cgroup.events, write "1", poll until populated 0
 *	best	 raw for one member whose pidfd is at hand: waits for its end and reads, so that the kernel's limit of one
 *		 notification in 10 ms does not bite; what can be had at best right after a spawn
 *	engine	 kill_wait(); of one process with its pidfd, which whoever started it has
 *
 * CSV on standard output (case,n,age_ms,pair,raw_us,engine_us); medians and ratios on standard error.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/cgtest.h"
#include "sys/kill.h"

enum { PAIRS_MAX = 1000, MEMBERS_MAX = 1000 };

struct sample {
	double raw, engine;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench_kill: %s: %s\n", what, strerror(errno));
	exit(1);
}

static bool is_empty(int events_fd)
{
	struct cg_events events;

	return cg_events_read(events_fd, &events) == 0 && !events.populated;
}

/* Both raw ways; pidfd -1 = poll only. */
static void kill_raw(const struct cg *cg, int pidfd)
{
	int kill_fd = openat(cg->fd, "cgroup.kill", O_WRONLY | O_CLOEXEC);
	int events_fd = openat(cg->fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	struct pollfd fds[] = {
		{ .fd = events_fd, .events = POLLPRI },
		{ .fd = pidfd, .events = POLLIN },
	};

	is_empty(events_fd); /* a poll tells of changes since the last read */
	if (write(kill_fd, "1", 1) != 1)
		die("cgroup.kill");
	while (!is_empty(events_fd))
		if (poll(fds, 2, 10000) == 0)
			die("the raw kill does not end");
	close(kill_fd);
	close(events_fd);
}

static void kill_engine(const struct cg *cg, int pidfd)
{
	struct kill_op op;

	errno = -kill_wait(cg, pidfd, 10 * USEC_PER_SEC, 0, &op);
	if (errno)
		die("kill_wait");
}

/* One kill of n fresh members of a fresh cgroup, age_ms after the last of them was born; µs. */
static double measure(struct cgtest *t, unsigned n, unsigned age_ms, bool with_pidfd,
		      void (*kill_cg)(const struct cg *, int))
{
	static pid_t pids[MEMBERS_MAX];
	int pidfd = -1;
	struct cg cg;
	usec_t begin, end;

	if (cg_create(&cg, &t->root, "victim") < 0)
		die("mkdir");
	for (unsigned i = 0; i < n; i++)
		pids[i] = cgtest_start(&cg, MEMBER_SLEEPER);
	if (with_pidfd)
		pidfd = (int)syscall(SYS_pidfd_open, pids[0], 0);
	cgtest_sleep_ms(age_ms);
	begin = clock_now();
	kill_cg(&cg, pidfd);
	end = clock_now();
	for (unsigned i = 0; i < n; i++)
		waitpid(pids[i], NULL, 0);
	close_fd(pidfd);
	cg_close(&cg);
	if (cg_remove(&t->root, "victim") < 0)
		die("rmdir");
	return (double)(end - begin);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), by_value);
	return v[n / 2];
}

static void report(const char *name, unsigned n, unsigned age_ms, const struct sample *s, unsigned pairs)
{
	static double raw[PAIRS_MAX], engine[PAIRS_MAX], ratio[PAIRS_MAX];

	for (unsigned i = 0; i < pairs; i++) {
		printf("%s,%u,%u,%u,%.0f,%.0f\n", name, n, age_ms, i, s[i].raw, s[i].engine);
		raw[i] = s[i].raw;
		engine[i] = s[i].engine;
		ratio[i] = s[i].engine / s[i].raw;
	}
	fprintf(stderr, "%-5s %5u %5u %6u %10.0f %10.0f %8.3f %8.3f\n", name, n, age_ms, pairs,
		median(raw, pairs), median(engine, pairs),
		median(engine, pairs) / median(raw, pairs), median(ratio, pairs));
}

static const struct {
	const char *name;
	unsigned n, age_ms, pairs;
	bool best;
} cases[] = {
	{ "raw", 1, 30, 200, false },	{ "raw", 100, 30, 40, false },
	{ "raw", 1000, 30, 12, false }, { "raw", 1, 2, 100, false },
	{ "best", 1, 2, 200, true },	{ "best", 1, 30, 200, true },
	{ "raw", 10, 30, 100, false },	{ "raw", 10, 2, 60, false },
};

int main(int argc, char **argv)
{
	static struct sample samples[PAIRS_MAX];
	unsigned percent = argc > 1 ? (unsigned)atoi(argv[1]) : 100;
	struct cgtest t;

	errno = -cgtest_begin(&t);
	if (errno)
		die("no test cgroup");
	printf("case,n,age_ms,pair,raw_us,engine_us\n");
	fprintf(stderr, "%-5s %5s %5s %6s %10s %10s %8s %8s\n", "vs", "n", "age", "pairs", "raw µs",
		"engine µs", "ratio", "paired");
	for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
		unsigned pairs = MAX_OF(cases[c].pairs * percent / 100, 1U);

		for (unsigned i = 0; i < pairs; i++) {
			/* Who goes first alternates. */
			for (unsigned turn = 0; turn < 2; turn++) {
				if ((turn ^ i) & 1)
					samples[i].engine = measure(&t, cases[c].n, cases[c].age_ms,
								    cases[c].n == 1, kill_engine);
				else
					samples[i].raw = measure(&t, cases[c].n, cases[c].age_ms,
								 cases[c].best, kill_raw);
			}
		}
		report(cases[c].name, cases[c].n, cases[c].age_ms, samples, pairs);
	}
	cgtest_end(&t);
	return 0;
}
