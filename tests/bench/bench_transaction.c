/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What dependencies cost: 1,000 services of Type=simple are started by one target that wants them all, and stopped in one
 * transaction. The CPU that cgkilld takes for it, against that of a program which does only the kernel's part of it: mkdir
 * and clone3 into the cgroup, later SIGTERM, wait for the end and the emptiness, rmdir.
 *
 * Of both it is what the starting and stopping process itself takes: a child on its way to execve pays for itself.
 *
 * bench_transaction [PERCENT]: so much of the usual number of samples. CSV on standard output
 * (case,sample,way,value,unit), the table on standard error.
 */
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sys/wait.h>
#include <time.h>

#include "bench/stand.h"
#include "bench/table.h"
#include "sys/pidfd.h"
#include "util/buf.h"

/* CPU time of one round, µs. */
struct cost {
	double start, stop;
};

static double own_cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* ---- the kernel's part ---- */

static struct cg cgs[MANY];
static struct program programs[MANY];

static void raw_start(struct stand *s)
{
	static const char *const argv[] = { "sleep", "infinity", NULL };

	for (unsigned i = 0; i < MANY; i++) {
		char name[32];

		snprintf(name, sizeof(name), "raw%u", i);
		if (cg_create(&cgs[i], &s->t.root, name) < 0)
			die("mkdir");
		programs[i] = program_start(&cgs[i], argv);
	}
}

static void await_empty(const struct cg *cg)
{
	struct pollfd fd = { .fd = cg_events_open(cg), .events = POLLPRI };
	struct cg_events events;

	while (cg_events_read(fd.fd, &events) == 0 && events.populated)
		poll(&fd, 1, 100);
	close(fd.fd);
}

static void raw_stop(struct stand *s)
{
	for (unsigned i = 0; i < MANY; i++)
		if (pidfd_signal(programs[i].pidfd, SIGTERM) < 0)
			die("SIGTERM");
	for (unsigned i = 0; i < MANY; i++) {
		char name[32];

		program_reap(&programs[i]);
		await_empty(&cgs[i]);
		cg_close(&cgs[i]);
		snprintf(name, sizeof(name), "raw%u", i);
		if (unlinkat(s->t.root.fd, name, AT_REMOVEDIR) < 0)
			die("rmdir");
	}
}

static struct cost measure_raw(struct stand *s)
{
	struct cost c = { .start = -own_cpu_us() };

	raw_start(s);
	c.start += own_cpu_us();
	c.stop = -own_cpu_us();
	raw_stop(s);
	c.stop += own_cpu_us();
	return c;
}

/* ---- cgkilld ---- */

static void write_units(struct stand *s)
{
	cleanup_free char *units = text_of("%s/units", s->dir);
	cleanup_buf struct buf target = BUF_INIT;

	write_many(s,
		   "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep infinity\n");
	buf_puts(&target, "[Unit]\nDescription=All of them\n");
	for (unsigned i = 0; i < MANY; i++)
		buf_printf(&target, "Wants=many%u.service\n", i);
	if (buf_error(&target) < 0)
		die("the target");
	write_file(units, "many.target", target.data);
}

static struct cost measure_cgkill(struct stand *s, const struct program *cgkilld)
{
	struct cost c = { .start = -program_cpu_us(cgkilld) };

	cgkillctl(s, "start", "many.target");
	c.start += program_cpu_us(cgkilld);
	c.stop = -program_cpu_us(cgkilld);
	cgkillctl(s, "stop", "many*");
	c.stop += program_cpu_us(cgkilld);
	return c;
}

/* ---- */

static void tell(const char *what, double target, const struct samples *raw, const struct samples *cgkill)
{
	row(text_of("%s: CPU of cgkilld / raw", what), target, median(cgkill) / median(raw), "");
	row(text_of("  cgkilld, each"), NAN, median(cgkill) / MANY, "us");
	row(text_of("  raw, each"), NAN, median(raw) / MANY, "us");
}

int main(int argc, char **argv)
{
	static struct samples start[2], stop[2], both[2];
	static const char *const ways[] = { "raw", "cgkill" };
	struct program cgkilld;
	struct stand s;
	unsigned rounds;

	table_begin(argc, argv);
	rounds = scaled(8);
	stand_begin(&s, stand_shelter());
	write_units(&s);
	cgkilld = cgkilld_start(&s);
	measure_cgkill(&s, &cgkilld); /* which reads the units */
	for (unsigned i = 0; i < 2 * rounds; i++) {
		unsigned way = (i + i / 2) % 2; /* none is always first */
		struct cost c = way ? measure_cgkill(&s, &cgkilld) : measure_raw(&s);

		sample(&start[way], "start", ways[way], c.start, "us");
		sample(&stop[way], "stop", ways[way], c.stop, "us");
		sample(&both[way], "both", ways[way], c.start + c.stop, "us");
	}
	tell("1,000 services started by their target and stopped", 2, &both[0], &both[1]);
	tell("  the start", NAN, &start[0], &start[1]);
	tell("  the stop", NAN, &stop[0], &stop[1]);
	program_stop(&cgkilld);
	stand_end(&s);
	table_end();
	return 0;
}
