/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whole programs: what `cgkillctl stop` takes from its start to its end, and what cgkilld costs,
 * against the kernel work alone done in the same run, in turn. Where dinit is installed (or named by
 * DINIT and DINITCTL), against that too.
 *
 *	stop	  a sleeping daemon, 30 ms and about 1 ms after its start. raw = SIGTERM, wait for its
 *		  end and for the emptiness of its cgroup, rmdir; bare = start and end of a process that
 *		  does nothing; naive = raw, but waiting for cgroup.events only, which may tell up to
 *		  10 ms late
 *	deadline  a daemon that ignores SIGTERM: from its SIGTERM, as it saw it, to its empty cgroup,
 *		  beyond TimeoutStopSec=
 *	many	  1,000 services by one command
 *	memory	  and wake-ups
 *
 * bench_stop [PERCENT]: so much of the usual number of samples. CSV on standard output
 * (case,sample,way,value,unit), the table on standard error.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "bench/stand.h"
#include "bench/table.h"
#include "sys/pidfd.h"

enum { WAYS_MAX = 4, IDLE_FEW = 100, RESISTERS_MAX = 128 };

/* ---- the raw kernel work ---- */

static const char *const sleeper_argv[] = { "sleep", "infinity", NULL };

static bool is_empty(int events_fd)
{
	struct cg_events events;

	return cg_events_read(events_fd, &events) < 0 || !events.populated;
}

/* From the SIGTERM to the rmdir. */
static void raw_stop(struct stand *s, const struct cg *cg, const char *name, struct program *p, bool naive)
{
	cleanup_close int events_fd = cg_events_open(cg);
	struct pollfd fds[] = {
		{ .fd = events_fd, .events = POLLPRI },
		{ .fd = naive ? -1 : p->pidfd, .events = POLLIN },
	};
	siginfo_t si;

	is_empty(events_fd); /* a poll tells of changes since the last read */
	if (pidfd_signal(p->pidfd, SIGTERM) < 0)
		die("SIGTERM");
	while (!is_empty(events_fd))
		if (poll(fds, 2, 10000) == 0)
			die("the raw stop does not end");
	waitid(P_PIDFD, (id_t)p->pidfd, &si, WEXITED);
	close(p->pidfd);
	if (unlinkat(s->t.root.fd, name, AT_REMOVEDIR) < 0)
		die("rmdir");
}

/* ---- stop: one sleeping daemon ---- */

static double stop_raw_way(struct stand *s, unsigned age_ms, bool naive)
{
	struct cg cg;
	struct program p;
	double begin;

	if (cg_create(&cg, &s->t.root, "raw") < 0)
		die("mkdir");
	p = program_start(&cg, sleeper_argv);
	cgtest_sleep_ms(age_ms);
	begin = now_us();
	raw_stop(s, &cg, "raw", &p, naive);
	begin = now_us() - begin;
	cg_close(&cg);
	return begin;
}

static double stop_raw(struct stand *s, unsigned age_ms)
{
	return stop_raw_way(s, age_ms, false);
}

static double stop_naive(struct stand *s, unsigned age_ms)
{
	return stop_raw_way(s, age_ms, true);
}

/* After the same rest as the others: what runs on a CPU that has just slept is slower. */
static double stop_bare(struct stand *s unused, unsigned age_ms)
{
	cgtest_sleep_ms(age_ms);
	return command_run((const char *const[]){ "/bin/true", NULL });
}

static double stop_cgkill(struct stand *s, unsigned age_ms)
{
	cgkillctl(s, "start", "sleeper");
	cgtest_sleep_ms(age_ms);
	return cgkillctl(s, "stop", "sleeper");
}

enum { BARE, RAW, NAIVE, CGKILL };
static const struct {
	const char *name;
	double (*measure)(struct stand *s, unsigned age_ms);
} stop_ways[] = {
	[BARE] = { "bare", stop_bare },
	[RAW] = { "raw", stop_raw },
	[NAIVE] = { "naive", stop_naive },
	[CGKILL] = { "cgkill", stop_cgkill },
};

/* age: as cgkillctl's own end takes most of a millisecond, 0 is "right after the start", and 1 the same age for raw. */
static void bench_stop(struct stand *s, const char *name, const char *when, unsigned age_ms,
		       unsigned raw_age_ms)
{
	static struct samples ways[WAYS_MAX], ratio;
	unsigned n = scaled(200);

	memset(ways, 0, sizeof(ways));
	ratio.n = 0;
	for (unsigned i = 0; i < n; i++) {
		double us[ARRAY_SIZE(stop_ways)];

		for (size_t k = 0; k < ARRAY_SIZE(stop_ways); k++) {
			size_t w = (i + k) % ARRAY_SIZE(stop_ways); /* none is always first */

			us[w] = stop_ways[w].measure(s, w == CGKILL ? age_ms : raw_age_ms);
			sample(&ways[w], name, stop_ways[w].name, us[w], "us");
		}
		sample(&ratio, name, "ratio", us[CGKILL] / (us[RAW] + us[BARE]), "");
	}
	row(text_of("stop of a sleeper %s / (raw + bare process start)", when), 1.5,
	    median(&ways[CGKILL]) / (median(&ways[RAW]) + median(&ways[BARE])), "");
	row(text_of("  the same, median of the ratios in each round"), NAN, median(&ratio), "");
	row(text_of("  cgkillctl stop, from its start to its end"), NAN,
	    median(&ways[CGKILL]) / 1e3, "ms");
	row(text_of("  raw"), NAN, median(&ways[RAW]) / 1e3, "ms");
	row(text_of("  bare process start"), NAN, median(&ways[BARE]) / 1e3, "ms");
	row(text_of("  naive raw: cgroup.events only"), NAN, median(&ways[NAIVE]) / 1e3, "ms");
}

/* ---- deadline: daemons that ignore SIGTERM ---- */

/* What a resister tells, in a file that it shares with us: ns of CLOCK_MONOTONIC; 1 = it is ready. */
static volatile int64_t *told;

static void note_term(int sig unused)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	if (*told == 1)
		*told = ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static volatile int64_t *map_told(const char *path, int flags)
{
	cleanup_close int fd = open(path, O_RDWR | O_CLOEXEC | flags, 0600);
	const size_t size = RESISTERS_MAX * sizeof(*told);
	void *map;

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		die(path);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		die(path);
	return map;
}

/* What this program is as a daemon: bench_stop resist FILE INDEX. */
static _Noreturn void resist(const char *path, const char *index)
{
	told = map_told(path, 0) + strtoul(index, NULL, 10);
	signal(SIGTERM, note_term);
	*told = 1;
	for (;;)
		pause();
}

struct resister {
	char *name;
	struct cg cg;		/* of a raw one */
	struct program program; /* of a raw one */
	int events_fd, stopper_pidfd;
	pid_t stopper; /* the process that stops it */
	double empty_at, stopped_at;
};

/* The whole work with a deadline, as a process of its own. */
static pid_t start_raw_stopper(struct stand *s, const struct resister *r, double timeout_us)
{
	pid_t pid = fork();
	struct pollfd fds[] = { { .fd = -1, .events = POLLPRI },
				{ .fd = r->program.pidfd, .events = POLLIN } };
	struct timespec at;

	if (pid != 0)
		return pid;
	fds[0].fd = cg_events_open(&r->cg);
	is_empty(fds[0].fd);
	timeout_us += now_us();
	(void)!pidfd_signal(r->program.pidfd, SIGTERM);
	at.tv_sec = (time_t)(timeout_us / 1e6);
	at.tv_nsec = (long)((timeout_us - (double)at.tv_sec * 1e6) * 1e3);
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
	if (cg_kill_write(&r->cg) < 0)
		_exit(1);
	while (!is_empty(fds[0].fd))
		poll(fds, 2, 1000);
	_exit(unlinkat(s->t.root.fd, r->name, AT_REMOVEDIR) < 0);
}

static void launch(struct stand *s, struct resister *r, double timeout_us)
{
	if (cg_is_open(&r->cg))
		r->stopper = start_raw_stopper(s, r, timeout_us);
	else
		r->stopper =
			command_start((const char *const[]){ s->cgkillctl, "stop", r->name, NULL });
	r->stopper_pidfd = pidfd_open_pid(r->stopper);
	if (r->stopper_pidfd < 0)
		die("pidfd_open");
}

/* Notes which are empty, and whose stopper has ended: how many of both. */
static size_t look(struct resister *v, const struct pollfd *fds, size_t n)
{
	size_t ends = 0;

	for (size_t i = 0; i < n; i++) {
		struct resister *r = &v[i];

		if (fds[2 * i].revents && is_empty(r->events_fd)) {
			r->empty_at = now_us();
			r->events_fd = close_fd(r->events_fd);
			ends++;
		}
		if (fds[2 * i + 1].revents) {
			r->stopped_at = now_us();
			r->stopper_pidfd = close_fd(r->stopper_pidfd);
			ends++;
		}
	}
	return ends;
}

/* Stops them one after the other, as far apart as a stop may last, and watches all meanwhile. */
static void stop_and_watch(struct stand *s, struct resister *v, size_t n, double timeout_us)
{
	const double gap_us = 12e3, begin = now_us();
	struct pollfd fds[2 * RESISTERS_MAX];

	for (size_t launched = 0, ended = 0; ended < 2 * n;) {
		double due = begin + (double)launched * gap_us - now_us();

		if (launched < n && due <= 0) {
			launch(s, &v[launched++], timeout_us);
			continue;
		}
		for (size_t i = 0; i < n; i++) {
			fds[2 * i] = (struct pollfd){ .fd = v[i].events_fd, .events = POLLPRI };
			fds[2 * i + 1] = (struct pollfd){ .fd = v[i].stopper_pidfd, .events = POLLIN };
		}
		if (poll(fds, 2 * n, launched < n ? (int)(due / 1e3) + 1 : 30000) == 0 && launched == n)
			die("a stop does not end");
		ended += look(v, fds, n);
	}
}

static void start_resister(struct stand *s, struct resister *r, unsigned i, const char *file)
{
	cleanup_free char *events = NULL, *index = text_of("%u", i);

	r->cg = (struct cg)CG_INIT;
	r->stopper_pidfd = -1;
	if (i % 2) {
		r->name = text_of("raw%u", i);
		if (cg_create(&r->cg, &s->t.root, r->name) < 0)
			die("mkdir");
		r->program = program_start(&r->cg, (const char *const[]){ "/proc/self/exe", "resist",
									  file, index, NULL });
		events = text_of("%s/cgroup.events", r->name);
	} else {
		r->name = text_of("resist%u.service", i);
		cgkillctl(s, "start", r->name);
		events = text_of("services/%s/cgroup.events", r->name);
	}
	for (unsigned tries = 0; told[i] != 1; tries++) {
		if (tries == 10000)
			die("a resister does not become ready");
		sleep_us(1000);
	}
	r->events_fd = openat(s->t.root.fd, events, O_RDONLY | O_CLOEXEC);
	if (r->events_fd < 0 || is_empty(r->events_fd))
		die(events);
}

static void reap(struct resister *r)
{
	int status;

	if (waitpid(r->stopper, &status, 0) != r->stopper || status != 0)
		die("a stop failed");
	if (cg_is_open(&r->cg))
		program_reap(&r->program);
	cg_close(&r->cg);
	free(r->name);
}

static void bench_deadline(struct stand *s, unsigned timeout_ms, unsigned pairs)
{
	static struct resister v[RESISTERS_MAX];
	static struct samples late[2], returned[2];
	static const char *const ways[] = { "cgkill", "raw" };
	const unsigned n = 2 * MIN_OF(pairs, RESISTERS_MAX / 2U);
	const double timeout_us = timeout_ms * 1e3;
	cleanup_free char *file = text_of("%s/told%u", s->dir, timeout_ms),
			  *units = text_of("%s/units", s->dir);
	cleanup_free char *self = realpath("/proc/self/exe", NULL),
			  *name = text_of("deadline-%u", timeout_ms);

	told = map_told(file, O_CREAT);
	for (unsigned i = 0; i < n; i += 2) {
		cleanup_free char *unit = text_of("resist%u.service", i);
		cleanup_free char *text = text_of(
			"[Service]\nType=exec\nExecStart=%s resist %s %u\nTimeoutStopSec=%ums\n",
			self, file, i, timeout_ms);

		write_file(units, unit, text);
	}
	cgkillctl(s, "daemon-reload", NULL);
	for (unsigned i = 0; i < n; i++)
		start_resister(s, &v[i], i, file);
	stop_and_watch(s, v, n, timeout_us);
	late[0].n = late[1].n = returned[0].n = returned[1].n = 0;
	for (unsigned i = 0; i < n; i++) {
		double deadline = (double)told[i] / 1e3 + timeout_us;

		sample(&late[i % 2], name, ways[i % 2], v[i].empty_at - deadline, "us");
		sample(&returned[i % 2], name, i % 2 ? "raw-returns" : "cgkill-returns",
		       v[i].stopped_at - deadline, "us");
		reap(&v[i]);
	}
	row(text_of("TimeoutStopSec=%ums: empty, later than raw", timeout_ms), 1.0,
	    (median(&late[0]) - median(&late[1])) / 1e3, "ms");
	row(text_of("  beyond the deadline: cgkill"), NAN, median(&late[0]) / 1e3, "ms");
	row(text_of("  beyond the deadline: raw"), NAN, median(&late[1]) / 1e3, "ms");
	row(text_of("  the stopping process ends, later than raw's"), NAN,
	    (median(&returned[0]) - median(&returned[1])) / 1e3, "ms");
}

/* ---- many: 1,000 services by one command ---- */

struct cost {
	double us, cpu_us;
};

static struct cost many_raw(struct stand *s)
{
	static struct cg cgs[MANY];
	static struct program programs[MANY];
	static int events[MANY];
	struct rusage before, after;
	struct cost c;

	for (unsigned i = 0; i < MANY; i++) {
		cleanup_free char *name = text_of("many%u", i);

		if (cg_create(&cgs[i], &s->t.root, name) < 0)
			die("mkdir");
		programs[i] = program_start(&cgs[i], sleeper_argv);
	}
	getrusage(RUSAGE_SELF, &before);
	c.us = now_us();
	for (unsigned i = 0; i < MANY; i++)
		if (pidfd_signal(programs[i].pidfd, SIGTERM) < 0)
			die("SIGTERM");
	for (unsigned i = 0; i < MANY; i++) {
		char name[32];
		siginfo_t si;

		waitid(P_PIDFD, (id_t)programs[i].pidfd, &si, WEXITED);
		close(programs[i].pidfd);
		events[i] = cg_events_open(&cgs[i]);
		while (!is_empty(events[i]))
			poll(&(struct pollfd){ .fd = events[i], .events = POLLPRI }, 1, 100);
		close(events[i]);
		snprintf(name, sizeof(name), "many%u", i);
		if (unlinkat(s->t.root.fd, name, AT_REMOVEDIR) < 0)
			die("rmdir");
	}
	c.us = now_us() - c.us;
	getrusage(RUSAGE_SELF, &after);
	c.cpu_us = (double)(after.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_utime.tv_sec -
			    before.ru_stime.tv_sec) *
			   1e6 +
		   (double)(after.ru_utime.tv_usec + after.ru_stime.tv_usec -
			    before.ru_utime.tv_usec - before.ru_stime.tv_usec);
	for (unsigned i = 0; i < MANY; i++)
		cg_close(&cgs[i]);
	return c;
}

static struct cost many_cgkill(struct stand *s, const struct program *cgkilld)
{
	struct cost c;

	cgkillctl_many(s, "start", MANY);
	c.cpu_us = program_cpu_us(cgkilld);
	c.us = cgkillctl(s, "stop", "many*");
	c.cpu_us = program_cpu_us(cgkilld) - c.cpu_us;
	return c;
}

/* ---- dinit ---- */

struct dinit {
	struct program program;
	char *socket;
	const char *dinitctl; /* NULL: there is no dinit */
	double pss_few, pss_many;
};

static bool is_installed(const char *name)
{
	cleanup_free char *script = text_of("command -v '%s' >/dev/null", name);

	return system(script) == 0; /* NOLINT(cert-env33-c): a search of PATH, for a benchmark */
}

static const char *env_or(const char *variable, const char *otherwise)
{
	const char *value = getenv(variable);

	return value && *value ? value : otherwise;
}

static void dinitctl(const struct dinit *d, const char *verb, const char *service, const char *option)
{
	command_run((const char *const[]){ d->dinitctl, "-p", d->socket, verb, service, option, NULL });
}

/* Each service depends on "base": a forced stop of that is one command that stops them all and waits for it. */
static void write_dinit_services(const char *dir)
{
	write_file(dir, "boot", "type = internal\n");
	write_file(dir, "base", "type = internal\n");
	for (unsigned i = 0; i < MANY; i++) {
		cleanup_free char *name = text_of("many%u", i);

		write_file(dir, name,
			   "type = process\ncommand = /bin/sleep infinity\ndepends-on = base\n");
	}
	write_file(dir, "all", "type = internal\nwaits-for.d = all.d\n");
}

static void start_dinit(struct stand *s, struct dinit *d)
{
	const char *program = env_or("DINIT", "dinit"), *control = env_or("DINITCTL", "dinitctl");
	cleanup_free char *dir = text_of("%s/dinit", s->dir), *links = text_of("%s/all.d", dir),
			  *mkdirs = NULL;

	*d = (struct dinit){ 0 };
	if (!is_installed(program) || !is_installed(control)) {
		fprintf(stderr, "SKIP dinit: it is not installed (see DINIT and DINITCTL)\n");
		return;
	}
	d->dinitctl = control;
	d->socket = text_of("%s/dinit.socket", s->dir);
	mkdirs = text_of("mkdir -p %s && cd %s && seq -f many%%g 0 %d | xargs touch", links, links,
			 MANY - 1);
	command_run((const char *const[]){ "sh", "-c", mkdirs, NULL });
	write_dinit_services(dir);
	d->program = program_start(&s->home, (const char *const[]){ program, "-u", "-q", "-d", dir,
								    "-p", d->socket, NULL });
	for (unsigned tries = 0; access(d->socket, F_OK) < 0; tries++) {
		if (tries == 1000)
			die("dinit does not become ready");
		sleep_us(10000);
	}
	d->pss_few = program_pss(&d->program);
}

static struct cost many_dinit(struct dinit *d)
{
	struct cost c;

	dinitctl(d, "start", "all", NULL);
	d->pss_many = program_pss(&d->program);
	c.cpu_us = program_cpu_us(&d->program);
	c.us = now_us();
	dinitctl(d, "stop", "base", "--force");
	c.us = now_us() - c.us;
	c.cpu_us = program_cpu_us(&d->program) - c.cpu_us;
	dinitctl(d, "stop", "all",
		 "--ignore-unstarted"); /* it only waited for them, and would not start them again */
	return c;
}

/* ---- */

static void write_units(struct stand *s)
{
	static const char text[] = "[Unit]\nStartLimitIntervalSec=0\n"
				   "[Service]\nType=exec\nExecStart=/bin/sleep infinity\n";
	cleanup_free char *units = text_of("%s/units", s->dir);

	write_file(units, "sleeper.service", text);
	write_many(s, text);
}

static void bench_many(struct stand *s, const struct program *cgkilld)
{
	static struct samples us[3], cpu[3];
	static const char *const names[] = { "raw", "cgkill", "dinit" };
	const unsigned rounds = scaled(5);
	struct dinit d;

	start_dinit(s, &d);
	for (unsigned i = 0; i < rounds; i++)
		for (unsigned k = 0; k < 3; k++) {
			unsigned w = (i + k) % 3;
			struct cost c;

			if (w == 2 && !d.dinitctl)
				continue;
			c = w == 0   ? many_raw(s)
			    : w == 1 ? many_cgkill(s, cgkilld)
				     : many_dinit(&d);
			sample(&us[w], "many", names[w], c.us, "us");
			sample(&cpu[w], "many-cpu", names[w], c.cpu_us, "us");
		}
	if (d.dinitctl)
		program_stop(&d.program);
	free(d.socket);
	row(text_of("%d services by one command: returns (target: dinit's)", MANY),
	    d.dinitctl ? median(&us[2]) / 1e3 : 110, median(&us[1]) / 1e3, "ms");
	row(text_of("  CPU of the daemon (target: dinit's)"),
	    d.dinitctl ? median(&cpu[2]) / 1e3 : 28, median(&cpu[1]) / 1e3, "ms");
	row(text_of("  raw: time"), NAN, median(&us[0]) / 1e3, "ms");
	row(text_of("  raw: CPU"), NAN, median(&cpu[0]) / 1e3, "ms");
	row(text_of("  cgkill / raw: time"), NAN, median(&us[1]) / median(&us[0]), "");
	row(text_of("  cgkill / raw: CPU"), NAN, median(&cpu[1]) / median(&cpu[0]), "");
	if (d.dinitctl) {
		row(text_of("  dinit's memory with no service"), NAN, d.pss_few / 1024, "KiB");
		row(text_of("  dinit's memory with %d", MANY), NAN, d.pss_many / 1024, "KiB");
	}
}

/* ---- memory and wake-ups ---- */

static double wakeups(const struct program *p, double seconds)
{
	double before;

	sleep_us(500e3); /* what the start caused is over */
	before = program_switches(p);
	sleep_us(seconds * 1e6);
	return program_switches(p) - before;
}

/* A fresh cgkilld, before anything else was asked of it. */
static void bench_footprint(struct stand *s, struct program *cgkilld)
{
	static struct samples pss[2], woken[2];
	double seconds = MAX_OF(scaled(100) / 10.0, 1.0);

	sample(&woken[0], "wakeups", "0", wakeups(cgkilld, seconds), "");
	sample(&pss[0], "pss", "0", program_pss(cgkilld), "bytes");
	cgkillctl_many(s, "start", IDLE_FEW);
	sample(&woken[1], "wakeups", "100", wakeups(cgkilld, seconds), "");
	cgkillctl_many(s, "start", MANY);
	sample(&pss[1], "pss", "1000", program_pss(cgkilld), "bytes");
	cgkillctl(s, "stop", "many*");
	row(text_of("wake-ups in %.0f s with no service", seconds), 0, median(&woken[0]), "");
	row(text_of("wake-ups in %.0f s with %d running", seconds, IDLE_FEW), 0, median(&woken[1]), "");
	row(text_of("PSS with no service"), 2560, median(&pss[0]) / 1024, "KiB");
	row(text_of("PSS for each of %d services", MANY), 3072,
	    (median(&pss[1]) - median(&pss[0])) / MANY, "B");
	row(text_of("  PSS with %d running", MANY), NAN, median(&pss[1]) / 1024, "KiB");
}

int main(int argc, char **argv)
{
	struct program cgkilld;
	struct stand s;

	if (argc == 4 && streq(argv[1], "resist"))
		resist(argv[2], argv[3]);
	table_begin(argc, argv);
	stand_begin(&s, stand_shelter());
	write_units(&s);
	cgkilld = cgkilld_start(&s);
	bench_footprint(&s, &cgkilld);
	bench_stop(&s, "stop", "after 30 ms", 30, 30);
	bench_stop(&s, "stop-young", "right after its start", 0, 1);
	bench_deadline(&s, 300, scaled(60));
	bench_deadline(&s, 2000, scaled(24));
	bench_many(&s, &cgkilld);
	program_stop(&cgkilld);
	stand_end(&s);
	table_end();
	return 0;
}
