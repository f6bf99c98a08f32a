/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "libcgkill/handle.h"
#include "sys/facts.h"

/* ---- who ---- */

struct list_walk {
	const struct cg *root;
	struct cg_pids pids;
	cgkill_process_fn fn;
	void *arg;
	int result; /* of fn */
};

/* Below the root, without a slash in front. */
static const char *path_below(const struct cg *root, const struct cg *cg)
{
	const char *below = cg->path + strlen(root->path);

	return below + (*below == '/');
}

static int list_visit(const struct cg *cg, void *arg)
{
	struct list_walk *walk = arg;
	struct cgkill_process p = { .size = sizeof(p), .cgroup = path_below(walk->root, cg) };
	int r = cg_read_procs(cg, &walk->pids);

	p.cmdline = p.wchan = p.syscall = p.file = p.mount = p.stack = p.reason = "";
	/* Removed meanwhile; threaded, with its processes listed at the domain's root. */
	if (cg != walk->root && (cg_is_gone(r) || r == -EOPNOTSUPP))
		return 0;
	for (size_t i = 0; r == 0 && walk->result == 0 && i < walk->pids.n; i++) {
		struct process_name name;

		if (!name_process(walk->pids.v[i], &name))
			continue;
		p.pid = name.pid;
		p.comm = name.comm;
		walk->result = walk->fn(&p, walk->arg);
	}
	return walk->result != 0 ? -ECANCELED : r;
}

PUBLIC int cgkill_list(const struct cgkill_cgroup *cg, cgkill_process_fn fn, void *arg)
{
	struct list_walk walk = { .root = &cg->cg, .fn = fn, .arg = arg };
	int r = cg_walk(&cg->cg, list_visit, &walk);

	cg_pids_deinit(&walk.pids);
	return walk.result != 0 ? walk.result : r;
}

PUBLIC int cgkill_count(const struct cgkill_cgroup *cg, size_t *out)
{
	ssize_t n = cg_count(&cg->cg);

	if (n < 0)
		return (int)n;
	*out = (size_t)n;
	return 0;
}

/* ---- why ---- */

/* Nothing that answers takes so long; what does not, would not in any time. */
#define READING_TIME USEC_PER_SEC

static int give(const struct process_facts *f, cgkill_process_fn fn, void *arg)
{
	char reason[512];
	const struct cgkill_process p = {
		.size = sizeof(p),
		.pid = f->pid,
		.comm = f->comm,
		.cgroup = f->cgroup,
		.state = f->state,
		.tracer = f->tracer,
		.cmdline = f->cmdline,
		.wchan = f->wchan,
		.syscall = f->syscall,
		.file = f->file,
		.mount = f->mount,
		.stack = f->stack,
		.reason = explain_reason(f, reason, sizeof(reason)),
		.started_usec = f->started,
	};

	return fn(&p, arg);
}

PUBLIC int cgkill_explain(const struct cgkill_cgroup *cg, size_t max, size_t *total,
			  cgkill_process_fn fn, void *arg)
{
	struct process_facts *facts = calloc(max ? max : 1, sizeof(*facts));
	int hanging = -1, r = 0;
	size_t all = 0;
	ssize_t n;

	if (!facts)
		return -ENOMEM;
	n = facts_read(&cg->cg, facts, max, &all, READING_TIME, &hanging);
	close_fd(hanging); /* killed, it ends with what holds it; who reaps it then is our reaper */
	for (ssize_t i = 0; r == 0 && i < n; i++)
		r = give(&facts[i], fn, arg);
	free(facts);
	if (n >= 0 && total)
		*total = all;
	return n < 0 ? (int)n : r;
}

PUBLIC int cgkill_explain_process(pid_t pid, cgkill_process_fn fn, void *arg)
{
	struct process_facts facts;
	int hanging = -1, r = facts_of_process(pid, &facts, READING_TIME, &hanging);

	close_fd(hanging);
	return r < 0 ? r : give(&facts, fn, arg);
}
