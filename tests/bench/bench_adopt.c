/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a cgkilld takes that finds 1,000 running services of an earlier one, which was killed: from before its start to its
 * readiness (the shell that redirects its output is in the time). In turn with the least that anybody has to do who looks at
 * them: open, read and close cgroup.events and cgroup.procs of each.
 *
 * bench_adopt [PERCENT], as bench/table.h has it
 */
#include <fcntl.h>
#include <math.h>

#include "bench/stand.h"
#include "bench/table.h"

static double timed_start(const struct stand *s, struct program *p)
{
	double begin = now_us();

	*p = cgkilld_start(s);
	return now_us() - begin;
}

static size_t read_one(const struct stand *s, unsigned service, const char *file, char *text, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "services/many%u.service/%s", service, file);
	fd = openat(s->t.root.fd, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, size - 1);
	if (n <= 0)
		die(path);
	close(fd);
	text[n] = '\0';
	return (size_t)n;
}

/* The main process is in a leaf of its own. */
static double raw_look(const struct stand *s)
{
	double begin = now_us();
	char text[256];

	for (unsigned i = 0; i < MANY; i++) {
		read_one(s, i, "cgroup.events", text, sizeof(text));
		read_one(s, i, "main.1/cgroup.procs", text, sizeof(text));
	}
	return now_us() - begin;
}

/* A start is refused for strangers and makes another process of what has ended: it was an adoption that was measured. */
static void check_adopted(const struct stand *s, char (*pids)[16])
{
	char text[16];

	cgkillctl_many(s, "start", MANY);
	for (unsigned i = 0; i < MANY; i++) {
		read_one(s, i, "main.1/cgroup.procs", text, sizeof(text));
		if (pids[i][0] == '\0')
			strcpy(pids[i], text);
		else if (!streq(pids[i], text))
			die("a service has another process");
	}
}

int main(int argc, char **argv)
{
	static struct samples empty, adopt, raw, ratio;
	static char pids[MANY][16];
	struct program cgkilld;
	struct stand s;

	table_begin(argc, argv);
	stand_begin(&s, stand_shelter());
	write_many(&s, "[Service]\nExecStart=/bin/sleep infinity\n");
	for (unsigned i = 0; i < scaled(20); i++) {
		sample(&empty, "start", "empty", timed_start(&s, &cgkilld), "us");
		program_stop(&cgkilld);
	}
	cgkilld = cgkilld_start(&s);
	check_adopted(&s, pids);
	for (unsigned i = 0; i < scaled(20); i++) {
		double us[2];

		program_kill(&cgkilld);
		us[0] = raw_look(&s);
		us[1] = timed_start(&s, &cgkilld);
		check_adopted(&s, pids);
		sample(&raw, "look", "raw", us[0], "us");
		sample(&adopt, "start", "adopt", us[1], "us");
		sample(&ratio, "ratio", "adopt/raw", us[1] / us[0], "");
	}
	program_stop(&cgkilld);
	stand_end(&s);
	row(text_of("start over %d running services, to readiness", MANY), 200,
	    median(&adopt) / 1e3, "ms");
	row(text_of("  start over none"), NAN, median(&empty) / 1e3, "ms");
	row(text_of("  the difference, for each service"), NAN,
	    (median(&adopt) - median(&empty)) / MANY, "us");
	row(text_of("  raw: cgroup.events and cgroup.procs of all of them"), NAN,
	    median(&raw) / 1e3, "ms");
	row(text_of("  start / raw, median of the ratios in each round"), NAN, median(&ratio), "");
	table_end();
	return 0;
}
