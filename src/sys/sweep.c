/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/sweep.h"

#include <errno.h>

/* A signal that kills needs two passes, one that is ignored by a program that forks may need any number. */
#define DEFAULT_PASSES 10

/* Identities of the processes that were dealt with: open addressing, a power of two, never more than half full. */
struct set {
	uint64_t *v; /* 0 = free */
	size_t n, cap;
};

struct run {
	struct sweep *s;
	const struct cg *root;
	struct set seen;
	struct cg_pids pids;
	size_t fresh;	/* processes that this pass found and no earlier one */
	size_t foreign; /* processes of this pass that have no number here */
	size_t denied;
};

/* The place of key, or the free one where it belongs. The factor is 2^64 / golden ratio: Knuth's multiplicative hash. */
static uint64_t *set_slot(const struct set *set, uint64_t key)
{
	size_t i = (size_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> 32);

	while (set->v[i & (set->cap - 1)] != 0 && set->v[i & (set->cap - 1)] != key)
		i++;
	return &set->v[i & (set->cap - 1)];
}

static int set_grow(struct set *set)
{
	struct set bigger = { .n = set->n, .cap = set->cap ? set->cap * 2 : 64 };

	bigger.v = calloc(bigger.cap, sizeof(*bigger.v));
	if (!bigger.v)
		return -ENOMEM;
	for (size_t i = 0; i < set->cap; i++)
		if (set->v[i] != 0)
			*set_slot(&bigger, set->v[i]) = set->v[i];
	free(set->v);
	*set = bigger;
	return 0;
}

static bool set_has(const struct set *set, uint64_t key)
{
	return set->cap > 0 && *set_slot(set, key) == key;
}

static int set_add(struct set *set, uint64_t key)
{
	if (set->n >= set->cap / 2 && set_grow(set) < 0)
		return -ENOMEM;
	*set_slot(set, key) = key;
	set->n++;
	return 0;
}

static void note_error(struct sweep *s, int error)
{
	if (s->error == 0 && error != -ESRCH)
		s->error = error;
}

/*
 * 1, 0 or -errno. In the cgroup that listed it is proved cheaply. Elsewhere below the root is a member too: one that was
 * moved meanwhile, and one whose main thread lives in a threaded cgroup below the one that lists it.
 */
static int is_member(const struct run *run, int pidfd, pid_t pid, const struct cg *listed_in)
{
	int r = pidfd_in_cgroup(pidfd, pid, listed_in, run->s->verify);

	return r == 0 ? pidfd_in_subtree(pidfd, pid, run->root) : r;
}

static void deliver(struct run *run, int pidfd)
{
	struct sweep *s = run->s;
	int r = pidfd_signal(pidfd, s->signal);

	/* What follows the signal may find it dead already; what matters is that the signal was sent. */
	if (r == 0 && s->then_sigcont)
		note_error(s, pidfd_signal(pidfd, SIGCONT));
	if (r == 0 && s->then_sighup)
		note_error(s, pidfd_signal(pidfd, SIGHUP));
	if (r == 0)
		s->signalled++;
	else if (r != -ESRCH)
		run->denied++;
	note_error(s, r);
}

/* Negative: -ENOMEM, the run cannot go on, since it could not tell whom it has served. */
static int serve(struct run *run, pid_t pid, const struct cg *listed_in)
{
	cleanup_close int pidfd = pidfd_open_pid(pid);
	uint64_t id = 0;
	int r;

	if (pidfd < 0) {
		note_error(run->s, pidfd);
		return 0;
	}
	r = pidfd_identity(pidfd, pid, &id);
	if (r >= 0 && set_has(&run->seen, id))
		return 0;
	if (r >= 0)
		r = is_member(run, pidfd, pid, listed_in);
	note_error(run->s, r < 0 ? r : 0);
	if (r <= 0)
		return 0;
	if (set_add(&run->seen, id) < 0)
		return -ENOMEM;
	run->fresh++;
	deliver(run, pidfd);
	return 0;
}

static int visit(const struct cg *cg, void *arg)
{
	struct run *run = arg;
	int r;

	if (run->s->thaw)
		(void)!cg_freeze(cg, false); /* no such file before Linux 5.2: nothing is frozen */
	r = cg_read_procs(cg, &run->pids);

	if (cg_is_gone(r) || (r == -EOPNOTSUPP && cg != run->root))
		return 0; /* removed meanwhile; threaded, with its processes listed at the domain's root */
	for (size_t i = 0; r >= 0 && i < run->pids.n; i++) {
		if (run->pids.v[i] == 0)
			run->foreign++;
		else if (run->pids.v[i] != run->s->except)
			r = serve(run, run->pids.v[i], cg);
	}
	return r;
}

int sweep_run(struct sweep *s, const struct cg *cg)
{
	struct run run = { .s = s, .root = cg };
	unsigned passes = s->max_passes ? s->max_passes : DEFAULT_PASSES;
	int r = 0;

	s->signalled = s->unreachable = 0;
	s->error = 0;
	s->settled = false;
	while (passes-- > 0 && r >= 0 && !s->settled) {
		run.fresh = run.foreign = 0;
		r = cg_walk(cg, visit, &run);
		s->settled = r >= 0 && run.fresh == 0;
	}
	s->unreachable = run.foreign + run.denied;
	free(run.seen.v);
	cg_pids_deinit(&run.pids);
	return r;
}
