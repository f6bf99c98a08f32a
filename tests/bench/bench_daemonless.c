/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What needs no cgkilld, as whole programs, against the kernel work alone done in the same run, in turn.
 *
 *	version	 start and end of cgkillctl, the bare process start of what follows, against a static program that does
 *		 nothing, if STATIC names one
 *	run	 `cgkillctl run -- true`. bare = that process start, and one of true by posix_spawn(3)
 *	reap	 `cgkillctl reap` of 1 and 1,000 sleeping processes. raw = find them, SIGTERM through a pidfd to each, wait
 *		 for the emptiness, rmdir
 *		 guarded = the same, once it is known that neither this process, nor PID 1, nor who waits for this process is in
 *		 the cgroup; and each process is known to be in it once its pidfd is open. raw reaps whoever it is told to
 *	kill	 the same with --kill-only. raw = write cgroup.kill, wait for the emptiness, rmdir
 *
 * Raw work is done by a fresh process, too, this program, as cgkillctl is one: on cold caches, by code that has still to be
 * mapped. Of both the start and end of a process of theirs that does nothing is taken off.
 *
 * bench_daemonless [PERCENT]: so much of the usual number of samples. CSV on standard output
 * (case,sample,way,value,unit), the table on standard error.
 */
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/stand.h"
#include "bench/table.h"
#include "sys/pidfd.h"

/* What a process takes from its start to its end that is as large as cgkillctl, and does nothing. */
static double bare(const struct stand *s)
{
	return command_run((const char *const[]){ s->cgkillctl, "--version", NULL });
}

/* ---- version ---- */

static void bench_version(const struct stand *s)
{
	static struct samples ways[2];
	const char *program = getenv("STATIC");

	for (unsigned i = 0; i < scaled(400); i++) {
		sample(&ways[1], "version", "cgkillctl", bare(s), "us");
		if (program)
			sample(&ways[0], "version", "static",
			       command_run((const char *const[]){ program, NULL }), "us");
	}
	row(text_of("cgkillctl --version, from its start to its end"), 2, median(&ways[1]) / 1e3, "ms");
	if (program)
		row(text_of("  / a static program that does nothing"), NAN,
		    median(&ways[1]) / median(&ways[0]), "");
}

/* ---- run ---- */

static void bench_run(const struct stand *s)
{
	static struct samples ways[2], ratio;

	for (unsigned i = 0; i < scaled(300); i++) {
		double us[2] = { 0 };

		for (unsigned k = 0; k < 2; k++) {
			unsigned way = (i + k) % 2; /* none is always first */

			us[way] = way ? command_run((const char *const[]){ s->cgkillctl, "run",
									   "true", NULL })
				      : bare(s) + command_run((const char *const[]){ "true", NULL });
			sample(&ways[way], "run", way ? "cgkill" : "bare", us[way], "us");
		}
		sample(&ratio, "run", "ratio", us[1] / us[0], "");
	}
	row(text_of("cgkillctl run true / (bare process start + true)"), 1.5,
	    median(&ways[1]) / median(&ways[0]), "");
	row(text_of("  the same, median of the ratios in each round"), NAN, median(&ratio), "");
	row(text_of("  cgkillctl run true"), NAN, median(&ways[1]) / 1e3, "ms");
}

/* ---- reap ---- */

static bool is_empty(int events_fd)
{
	struct cg_events events;

	return cg_events_read(events_fd, &events) < 0 || !events.populated;
}

/* That none of those lives in it who must not be killed. */
static void guard(struct cg *cg, const char *path)
{
	const char *who;
	uint64_t id;

	if (cg_open_fd(cg, TAKE_FD(cg->fd), path) < 0)
		die("the cgroup");
	if (cg_guard(cg, getppid(), &who) < 0)
		die("it holds one of us");
	for (pid_t pid = getppid(); pid > 1;) {
		cleanup_close int pidfd = pidfd_open_pid(pid);

		if (pidfd_origin(pidfd, &pid, &id) < 0)
			break; /* Linux before 6.13: /proc would have to be asked */
		if (id == cg->id)
			die("it holds an ancestor");
	}
}

static void raw_term(const struct cg *cg)
{
	struct cg_pids pids = { 0 };

	if (cg_read_procs(cg, &pids) < 0)
		die("cgroup.procs");
	for (size_t i = 0; i < pids.n; i++) {
		cleanup_close int pidfd = pidfd_open_pid(pids.v[i]);

		if (cg->path && pidfd_in_cgroup(pidfd, pids.v[i], cg, VERIFY_AUTO) != 1)
			die("a stranger");
		if (pidfd_signal(pidfd, SIGTERM) < 0)
			die("SIGTERM");
	}
	cg_pids_deinit(&pids);
}

/* What this program is as a process of its own: bench_daemonless raw|guarded reap|kill CGROUP. */
static int raw_reap(bool guarded, const char *name, const char *path)
{
	struct cg cg = { .fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	struct pollfd p = { .events = POLLPRI };

	if (guarded)
		guard(&cg, path);
	p.fd = cg_events_open(&cg);
	is_empty(p.fd); /* a poll tells of changes since the last read */
	if (streq(name, "reap"))
		raw_term(&cg);
	else if (cg_kill_write(&cg) < 0)
		die("cgroup.kill");
	while (!is_empty(p.fd))
		if (poll(&p, 1, 10000) == 0)
			die("the raw reap does not end");
	if (rmdir(path) < 0)
		die("rmdir");
	return 0;
}

enum { RAW_BARE, RAW, GUARDED, BARE, CGKILL, WAYS };
static const char *const way_names[] = { "raw-bare", "raw", "guarded", "bare", "cgkill" };

static double run_way(const struct stand *s, const char *name, unsigned way, const char *path)
{
	const char *const argv[WAYS][5] = {
		[RAW_BARE] = { "/proc/self/exe", "bare" },
		[RAW] = { "/proc/self/exe", "raw", name, path },
		[GUARDED] = { "/proc/self/exe", "guarded", name, path },
		[BARE] = { s->cgkillctl, "--version" },
		[CGKILL] = { s->cgkillctl, "reap", path, streq(name, "kill") ? "--kill-only" : NULL },
	};

	return command_run(argv[way]);
}

/* Of n fresh members of a fresh cgroup, after a rest in which the kernel may tell of its emptiness again; µs. */
static double reap_once(struct stand *s, const char *name, unsigned n, unsigned way)
{
	cleanup_free char *path = text_of("%s/victim", s->t.root_file_path);
	static pid_t pids[MANY];
	struct cg cg;
	double us;

	if (cg_create(&cg, &s->t.root, "victim") < 0)
		die("mkdir");
	for (unsigned i = 0; i < n; i++)
		pids[i] = cgtest_start(&cg, MEMBER_SLEEPER);
	cgtest_sleep_ms(30);
	us = run_way(s, name, way, path);
	for (unsigned i = 0; i < n; i++) {
		if (way == RAW_BARE || way == BARE)
			kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	cg_close(&cg);
	if (cg_remove(&s->t.root, "victim") < 0)
		die("rmdir");
	return us;
}

static void bench_reap(struct stand *s, const char *name, unsigned n, unsigned rounds)
{
	static struct samples ways[WAYS], raw, guarded, cgkill;
	cleanup_free char *sampled = text_of("%s-%u", name, n);

	memset(ways, 0, sizeof(ways));
	raw.n = guarded.n = cgkill.n = 0;
	for (unsigned i = 0; i < rounds; i++) {
		double us[WAYS] = { 0 };

		for (unsigned k = 0; k < WAYS; k++) {
			unsigned way = (i + k) % WAYS; /* none is always first */

			us[way] = reap_once(s, name, n, way);
			sample(&ways[way], sampled, way_names[way], us[way], "us");
		}
		sample(&raw, sampled, "raw-net", us[RAW] - us[RAW_BARE], "us");
		sample(&guarded, sampled, "guarded-net", us[GUARDED] - us[RAW_BARE], "us");
		sample(&cgkill, sampled, "cgkill-net", us[CGKILL] - us[BARE], "us");
	}
	row(text_of("reap%s of %u / raw, less bare process starts",
		    streq(name, "kill") ? " --kill-only" : "", n),
	    1.1, median(&cgkill) / median(&raw), "");
	row(text_of("  the same / guarded"), NAN, median(&cgkill) / median(&guarded), "");
	for (unsigned way = 0; way < WAYS; way++)
		row(text_of("  %s", way_names[way]), NAN, median(&ways[way]) / 1e3, "ms");
}

int main(int argc, char **argv)
{
	struct stand s;

	if (argc == 4 && (streq(argv[1], "raw") || streq(argv[1], "guarded")))
		return raw_reap(streq(argv[1], "guarded"), argv[2], argv[3]);
	if (argc == 2 && streq(argv[1], "bare"))
		return 0;
	table_begin(argc, argv);
	stand_begin(&s, stand_shelter());
	bench_version(&s);
	bench_run(&s);
	bench_reap(&s, "reap", 1, scaled(200));
	bench_reap(&s, "kill", 1, scaled(200));
	bench_reap(&s, "reap", MANY, scaled(12));
	bench_reap(&s, "kill", MANY, scaled(12));
	stand_end(&s);
	table_end();
	return 0;
}
