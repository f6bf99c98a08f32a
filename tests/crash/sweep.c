/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sweep [OPTION...]: kills cgkilld by SIGKILL before every single system call of each scenario, starts it again, and looks
 * whether anything was lost. Prints TAP; the last line counts.
 *
 *	--scenario=NAME   only this one; --list names them
 *	--point=N, --from=N, --to=N, --every=K   only these points
 *	--jobs=J          so many stages at once (2)
 *	--guard=yes|no    only where cgkilld runs under its guard, which starts it again, or only where it does not
 *	-v                what cgkilld and the service said, at each failure
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "crash/scenario.h"
#include "crash/trace.h"
#include "util/parse.h"

#define FAILURES_MAX	20
#define JOBS_MAX	8
#define PLAY_LIMIT	(5 * USEC_PER_SEC)
#define SUCCESSOR_LIMIT (4 * USEC_PER_SEC)
#define HELD_AFTER	(20 * USEC_PER_MSEC) /* a held child stays so, once the successor is ready */
#define HELD_MAX	(200 * USEC_PER_MSEC)
#define EXIT_SKIP	77

struct options {
	const char *scenario;
	unsigned from, to, every, jobs;
	bool without_guard, with_guard, verbose;
};

/* Of all jobs. */
struct tally {
	atomic_uint points, failures, scenario_points, scenario_failures;
	atomic_int skip; /* -errno */
};

static struct options options = {
	.from = 1, .to = UINT32_MAX, .every = 1, .jobs = 2, .without_guard = true, .with_guard = true
};
static struct tally *tally;

/* ---- one point ---- */

static bool take_over(struct stage *s)
{
	return stage_launch(s, false) && stage_await_ready(s);
}

static bool set_up(struct stage *s, const struct scenario *sc, struct trace *t)
{
	int r;

	stage_set(s, sc->service);
	if (sc->watched != WATCH_FIRST && (!take_over(s) || (sc->prepare && !sc->prepare(s))))
		return complain(s, "the scenario cannot be set up");
	if (sc->watched == WATCH_SUCCESSOR) {
		stage_kill_cgkilld(s);
		stage_note_death(s);
	}
	if (sc->watched == WATCH_FIRST || sc->watched == WATCH_SUCCESSOR) {
		if (!stage_launch(s, true))
			return false;
		r = trace_adopt(t, s->cgkilld, SYS_close_range); /* what comes before is the dynamic linker's */
	} else {
		r = trace_seize(t, s->cgkilld, sc->watched == WATCH_CHILD);
	}
	if (r < 0)
		return complain(s, "ptrace: %s", strerror(-r));
	return !sc->trigger || sc->trigger(s) || complain(s, "nothing was triggered");
}

/*
 * A child that is held stands still while the successor looks around. It may hold what that one waits for (a lock, by a
 * descriptor that is not closed yet), as a slow child does: so it is let go in the end in any case.
 */
static bool await_successor(struct stage *s, struct trace *t)
{
	usec_t begin = clock_now();

	if (!stage_launch(s, false))
		return false;
	while (!stage_is_ready(s) || t->child) {
		usec_t now = clock_now();

		if (now > begin + SUCCESSOR_LIMIT)
			return complain(s, "the successor does not become ready");
		if (now > (s->ready ? s->ready + HELD_AFTER : begin + HELD_MAX))
			trace_release_child(t);
		trace_reap_child(t);
		cgtest_sleep_ms(1);
	}
	return true;
}

static const char *end_name(enum trace_end end)
{
	static const char *const names[] = {
		[TRACE_AT_POINT] = "at the point", [TRACE_OVER] = "at rest", [TRACE_GONE] = "after its end", [TRACE_LATE] = "late", [TRACE_BROKEN] = "lost"
	};

	return names[end];
}

/* Plays the scenario up to the point (0: to its end), kills, takes over and checks. */
static bool play(struct stage *s, const struct scenario *sc, unsigned point, struct trace *t,
		 enum trace_end *end)
{
	bool ok;

	*t = (struct trace){ .last_call = -1 };
	*end = TRACE_BROKEN;
	if (!set_up(s, sc, t))
		return false;
	*end = trace_run(t, point, sc->over, s, clock_now() + PLAY_LIMIT);
	if (*end != TRACE_GONE)
		trace_kill(t);
	stage_note_death(s);
	if (sc->watched == WATCH_FIRST)
		stage_forgive_root(s);
	if (*end == TRACE_LATE || *end == TRACE_BROKEN)
		return complain(s, "the scenario does not come to its end");
	ok = await_successor(s, t) && sc->check(s) && stage_bystander_unharmed(s) &&
	     scenario_end(sc, s) && stage_bystander_unharmed(s);
	trace_release_child(t);
	return ok;
}

static void print_file(const struct stage *s, const char *name)
{
	char path[128], line[512];
	cleanup_fclose FILE *f = NULL;

	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		printf("#     %s: %s", name, line);
}

static void report(struct stage *s, const struct scenario *sc, unsigned point,
		   const struct trace *t, enum trace_end end)
{
	char where[64];

	snprintf(where, sizeof(where), end == TRACE_AT_POINT ? "before %s" : "%s",
		 end == TRACE_AT_POINT ? trace_call_name(t->last_call) : end_name(end));
	printf("# %s, point %u, %s: %s\n", sc->name, point, where, s->complaint);
	if (options.verbose) {
		print_file(s, "journal");
		print_file(s, "log/cgkilld");
	}
	fflush(stdout);
	atomic_fetch_add(&tally->failures, 1);
	atomic_fetch_add(&tally->scenario_failures, 1);
}

/* The number of system calls when it was played to its end, which is a point too: the last. */
static unsigned one_point(struct stage *s, const struct scenario *sc, unsigned point)
{
	enum trace_end end;
	struct trace t;

	if (!play(s, sc, point, &t, &end))
		report(s, sc, point ? point : t.calls + 1, &t, end);
	atomic_fetch_add(&tally->points, 1);
	atomic_fetch_add(&tally->scenario_points, 1);
	stage_clear(s);
	return t.calls;
}

/* ---- all of them ---- */

_Noreturn static void run_job(const struct scenario *sc, bool guarded, unsigned job)
{
	struct stage s;
	sigset_t set;
	unsigned n, point = options.from + job * options.every;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL); /* see crash/trace.h */
	r = stage_open(&s, guarded);
	if (r < 0) {
		atomic_store(&tally->skip, r);
		_exit(0);
	}
	n = one_point(&s, sc, 0);
	for (; point <= MIN_OF(n, options.to); point += options.jobs * options.every)
		if (atomic_load(&tally->failures) < FAILURES_MAX)
			one_point(&s, sc, point);
	stage_close(&s);
	_exit(0);
}

static void sweep(const struct scenario *sc, bool guarded, unsigned number)
{
	unsigned failed;

	atomic_store(&tally->scenario_points, 0);
	atomic_store(&tally->scenario_failures, 0);
	fflush(stdout);
	for (unsigned job = 0; job < options.jobs; job++)
		if (fork() == 0)
			run_job(sc, guarded, job);
	while (wait(NULL) > 0)
		;
	failed = atomic_load(&tally->scenario_failures);
	printf("%sok %u - %s%s: %u points, %u failures\n", failed ? "not " : "", number, sc->name,
	       guarded ? " (guarded)" : "", atomic_load(&tally->scenario_points), failed);
}

static void sweep_each(bool guarded, unsigned *n)
{
	for (size_t i = 0; i < n_scenarios && atomic_load(&tally->skip) == 0; i++) {
		const struct scenario *sc = &scenarios[i];

		if ((!options.scenario || streq(options.scenario, sc->name)) &&
		    (!guarded || scenario_suits_guard(sc)))
			sweep(sc, guarded, ++*n);
	}
}

static int sweep_all(void)
{
	unsigned n = 0;

	if (options.without_guard)
		sweep_each(false, &n);
	if (options.with_guard)
		sweep_each(true, &n);
	if (atomic_load(&tally->skip) < 0) {
		printf("1..0 # SKIP no cgroup of its own: %s\n", strerror(-atomic_load(&tally->skip)));
		return EXIT_SKIP;
	}
	printf("1..%u\n# swept %u points in %u scenarios, %u failures\n", n,
	       atomic_load(&tally->points), n, atomic_load(&tally->failures));
	return n == 0 || atomic_load(&tally->failures) > 0;
}

static int list(void)
{
	for (size_t i = 0; i < n_scenarios; i++)
		puts(scenarios[i].name);
	return 0;
}

static bool take_option(int c)
{
	switch (c) {
	case 's':
		options.scenario = optarg;
		return true;
	case 'f':
		return parse_uint(optarg, &options.from) == 0 && options.from > 0;
	case 't':
		return parse_uint(optarg, &options.to) == 0;
	case 'e':
		return parse_uint(optarg, &options.every) == 0 && options.every > 0;
	case 'p':
		options.jobs = 1;
		return parse_uint(optarg, &options.from) == 0 && options.from > 0 &&
		       parse_uint(optarg, &options.to) == 0;
	case 'j':
		return parse_uint(optarg, &options.jobs) == 0 && options.jobs > 0 &&
		       options.jobs <= JOBS_MAX;
	case 'g':
		options.without_guard = streq(optarg, "no");
		options.with_guard = streq(optarg, "yes");
		return options.without_guard || options.with_guard;
	case 'v':
		options.verbose = true;
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "scenario", required_argument, NULL, 's' },
		{ "from", required_argument, NULL, 'f' },
		{ "to", required_argument, NULL, 't' },
		{ "every", required_argument, NULL, 'e' },
		{ "point", required_argument, NULL, 'p' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "guard", required_argument, NULL, 'g' },
		{ "list", no_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "v", longs, NULL)) >= 0) {
		if (c == 'l')
			return list();
		if (!take_option(c)) {
			fputs("usage: sweep [--scenario=NAME] [--point=N] [--from=N] [--to=N] "
			      "[--every=K] "
			      "[--jobs=J] [--guard=yes|no] [--list] [-v]\n",
			      stderr);
			return 2;
		}
	}
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tally == MAP_FAILED)
		return 1;
	return sweep_all();
}
