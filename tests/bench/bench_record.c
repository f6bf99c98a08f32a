/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What it costs a start that a crash may follow: the saves of the service's record by cgkilld, and the birth mark by its
 * child. In turn, so that load on the machine hits all:
 *
 *	start	`cgkillctl start` of one service, from its start to its end; and of a hundred, for each of them
 *	save	store_save(), the first one into a new cgroup, and the next ones, which replace it
 *	mark	birth_sign() in a child as cgkilld makes it, by its own clock: with the page faults that come with its
 *		being new, some of which would otherwise come a moment later
 *
 * How many saves a start makes is seen by ptrace(2).
 *
 * bench_record [PERCENT], as bench/table.h has it
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "bench/stand.h"
#include "bench/table.h"
#include "crash/trace.h"
#include "daemon/store.h"
#include "sys/birth.h"

enum { BATCH = 100 };

/* ---- the saves and the mark ---- */

static char unit_name[] = "many0.service", asked[] = "start", asked_comm[] = "cgkillctl";

/* What cgkilld has to say of a service that runs. */
static struct record typical_record(void)
{
	struct record r = {
		.unit = unit_name,
		.real_since = clock_realtime(),
		.spawns = 1,
		.main_spawn = 1,
		.asked = asked,
		.asked_pid = getpid(),
		.asked_comm = asked_comm,
	};

	service_init(&r.machine, NULL, clock_now());
	r.machine.state = STATE_RUNNING;
	r.machine.main_alive = r.machine.populated = true;
	return r;
}

static double timed_save(const struct store *store, const struct cg *cg)
{
	struct record r = typical_record();
	bool has_file = false;
	double begin = now_us();

	errno = -store_save(store, cg, &r, &has_file);
	begin = now_us() - begin;
	if (errno || has_file)
		die("a record");
	return begin;
}

struct signer {
	int unit_fd;
	volatile double us; /* 0 until it has signed */
};

static void sign(void *arg, int report_fd unused)
{
	struct signer *signer = arg;
	double begin;
	int r;

	(void)now_us(); /* the page faults of the clock itself */
	begin = now_us();
	r = birth_sign(signer->unit_fd, true, 1);
	if (r == 0)
		signer->us = now_us() - begin;
	_exit(r < 0);
}

static struct program start_signer(struct signer *signer, const struct cg *unit, const struct cg *leaf)
{
	enum spawn_method method = SPAWN_CLONE3;
	struct spawned child;

	*signer = (struct signer){ .unit_fd = unit->fd };
	errno = -spawn_into(&child, leaf, &method, sign, signer);
	if (errno)
		die("a child");
	close(child.report_fd);
	return (struct program){ child.pid, child.pidfd };
}

/* What a start of a service makes of them. */
struct cost {
	double first_save, mark, next_save;
};

/* In the order of a start: the second save is made when the child has just been born, and shares all memory with us. */
static struct cost save_and_sign(const struct stand *s, const struct store *store, struct signer *signer)
{
	struct cg unit, leaf;
	struct program child;
	struct cost us;

	if (cg_create(&unit, &s->t.root, "unit") < 0)
		die("mkdir");
	us.first_save = timed_save(store, &unit);
	if (cg_create(&leaf, &unit, "leaf") < 0)
		die("mkdir");
	child = start_signer(signer, &unit, &leaf);
	us.next_save = timed_save(store, &unit);
	program_reap(&child);
	us.mark = signer->us;
	if (us.mark == 0)
		die("a birth mark");
	cg_close(&leaf);
	cg_close(&unit);
	if (cg_remove(&s->t.root, "unit") < 0)
		die("rmdir");
	return us;
}

/* ---- what a start of cgkilld makes of them ---- */

struct watched {
	pid_t client;
	bool ended;
};

static bool has_started(void *arg)
{
	struct watched *w = arg;
	int status;

	if (!w->ended && waitpid(w->client, &status, WNOHANG) == w->client) {
		if (status != 0)
			die("a start");
		w->ended = true;
	}
	return w->ended;
}

static unsigned count_saves(const struct stand *s, const struct program *cgkilld)
{
	const usec_t limit = clock_now() + 10 * USEC_PER_SEC;
	enum trace_end end = TRACE_AT_POINT;
	struct watched watched = { 0 };
	unsigned saves = 0;
	struct trace t;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	errno = -trace_seize(&t, cgkilld->pid, false);
	if (errno)
		die("ptrace");
	watched.client = command_start((const char *const[]){ s->cgkillctl, "start", "many0", NULL });
	while ((end = trace_run(&t, t.calls + 1, has_started, &watched, limit)) == TRACE_AT_POINT)
		saves += t.last_call == SYS_fsetxattr;
	if (end != TRACE_OVER || saves == 0)
		die("a traced start");
	trace_kill(&t);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return saves;
}

/* ---- in turn ---- */

/* One service, and as many by one command: the caches are warm then, and the client's own time is shared. */
static struct way {
	const char *name;
	unsigned services;
	struct samples start, first, next, mark;
} ways[] = { { .name = "one", .services = 1 }, { .name = "many", .services = BATCH } };

static void measure(struct way *w, const struct stand *s, const struct store *store, struct signer *signer)
{
	const unsigned n = w->services;
	struct cost sum = { 0 };

	sample(&w->start, "start", w->name, cgkillctl_many(s, "start", n) / n, "us");
	cgkillctl(s, "stop", "many*");
	for (unsigned i = 0; i < n; i++) {
		struct cost us = save_and_sign(s, store, signer);

		sum.first_save += us.first_save;
		sum.mark += us.mark;
		sum.next_save += us.next_save;
	}
	sample(&w->first, "first-save", w->name, sum.first_save / n, "us");
	sample(&w->mark, "mark", w->name, sum.mark / n, "us");
	sample(&w->next, "next-save", w->name, sum.next_save / n, "us");
}

static void measure_all(const struct stand *s)
{
	struct store store = STORE_INIT;
	struct signer *signer = mmap(NULL, sizeof(*signer), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	errno = -store_open(&store, s->dir);
	if (errno || signer == MAP_FAILED)
		die("the records");
	for (unsigned i = 0; i < scaled(100); i++)
		for (size_t k = 0; k < ARRAY_SIZE(ways); k++)
			measure(&ways[k], s, &store, signer);
	munmap(signer, sizeof(*signer));
	store_close(&store);
}

static void tell(const struct way *w, unsigned saves)
{
	double start = median(&w->start), first = median(&w->first), next = median(&w->next);
	double record = first + (saves - 1) * next;

	row(text_of("%u saves and the birth mark / start, of %u by one command", saves, w->services),
	    5, 100 * (record + median(&w->mark)) / start, "%");
	row(text_of("  the saves alone"), NAN, 100 * record / start, "%");
	row(text_of("  a start"), NAN, start, "us");
	row(text_of("  the first save"), NAN, first, "us");
	row(text_of("  a save that replaces one, next to a new child"), NAN, next, "us");
	row(text_of("  the birth mark, in a new child"), NAN, median(&w->mark), "us");
}

int main(int argc, char **argv)
{
	struct program cgkilld;
	struct stand s;
	unsigned saves;

	table_begin(argc, argv);
	stand_begin(&s, stand_shelter());
	write_many(&s,
		   "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep infinity\n");
	cgkilld = cgkilld_start(&s);
	measure_all(&s);
	saves = count_saves(&s, &cgkilld);
	stand_end(&s);
	for (size_t k = 0; k < ARRAY_SIZE(ways); k++)
		tell(&ways[k], saves);
	table_end();
	return 0;
}
