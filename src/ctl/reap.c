/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/reap.h"

#include <errno.h>
#include <fcntl.h>

#include "ctl/process.h"
#include "sys/kin.h"
#include "sys/pidfd.h"
#include "util/parse.h"

/* As docker stop and podman stop have it. */
#define TIMEOUT_DEFAULT (10 * USEC_PER_SEC)

/* How many names of processes an event carries, and how many survivors are told. */
#define NAMES_MAX     8
#define SURVIVORS_MAX 32

#define ANCESTRY_TRIES 8

/* ---- what is told ---- */

static json_t *add_event(struct reap *reap, const char *kind)
{
	json_t *event = json_pack("{s:s, s:I, s:I}", "kind", kind, "realUSec",
				  (json_int_t)clock_realtime(), "bootUSec", (json_int_t)clock_now());

	/* Without memory there is less to tell, and no less to do. */
	return json_array_append_new(reap->trail, event) < 0 ? NULL : event;
}

static void set_result(struct reap *reap, const char *result, const char *message)
{
	json_object_set_new(reap->outcome, "result", json_string(result));
	if (message)
		json_object_set_new(reap->outcome, "message", json_string(message));
}

struct names {
	json_t *list; /* of the first few */
	json_int_t n; /* of all */
};

static int collect_name(const struct cgkill_process *p, void *arg)
{
	struct names *names = arg;

	if (names->n++ == NAMES_MAX)
		return 1;
	json_array_append_new(names->list, json_string(p->comm));
	return 0;
}

static struct names find_names(const struct cgkill_cgroup *cg)
{
	struct names names = { .list = json_array() };
	size_t n;

	if (cgkill_list(cg, collect_name, &names) == 1 && cgkill_count(cg, &n) == 0)
		names.n = (json_int_t)n;
	return names;
}

/* Who is there right before the kill. */
static void add_kill(struct reap *reap)
{
	const struct names names = find_names(reap->cg);
	json_t *event = add_event(reap, "kill");

	json_object_set_new(event, "signal", json_string("KILL"));
	json_object_set_new(event, "count", json_integer(names.n));
	json_object_set_new(event, "names", names.list);
}

static void add_signal(struct reap *reap, const struct cgkill_stop *stop)
{
	struct cgkill_stop_result result = { .size = sizeof(result) };
	json_t *event = add_event(reap, "signal");

	cgkill_stop_result(stop, &result);
	json_object_set_new(event, "signal", json_string(signal_name(reap->options->signal)));
	json_object_set_new(event, "count", json_integer((json_int_t)result.signalled));
}

static void on_event(struct cgkill_stop *stop, enum cgkill_event event, void *arg)
{
	struct reap *reap = arg;

	switch (event) {
	case CGKILL_EVENT_SIGNALLED:
		add_signal(reap, stop);
		break;
	case CGKILL_EVENT_KILL:
		add_kill(reap);
		break;
	case CGKILL_EVENT_EMPTY:
		add_event(reap, "empty");
		break;
	case CGKILL_EVENT_STUCK:
		json_object_set_new(add_event(reap, "state"), "state", json_string("stuck"));
		break;
	}
}

static int add_survivor(const struct cgkill_process *p, void *arg)
{
	return json_array_append_new(arg, process_object(p)) < 0 ? -ENOMEM : 0;
}

static void add_survivors(struct reap *reap)
{
	json_t *survivors = json_array();

	(void)!cgkill_explain(reap->cg, SURVIVORS_MAX, NULL, add_survivor, survivors);
	json_object_set_new(reap->outcome, "survivors", survivors);
}

/* What an error comes to, in words that say what to do. */
static const struct failure {
	int error;
	const char *result, *message;
} failures[] = {
	{ -ENOENT, "not-found", "there is no such cgroup" },
	{ -EMEDIUMTYPE, "refused", "it is no cgroup of version 2" },
	{ -ENOTDIR, "refused", "it is no directory of a cgroup" },
	{ -ELOOP, "refused", "the path leads through a symbolic link: give the path that it stands for" },
	{ -EXDEV, "refused",
	  "it is seen through a mount of another cgroup namespace, or of none of ours, or another "
	  "cgroup is mounted there: "
	  "use our own cgroup2 mount" },
	{ -ESRCH, "refused", "the leader is no process of it" },
	{ -EOPNOTSUPP, "refused",
	  "it is the root, or threaded, and no domain: name the one that it is a part of" },
	{ -ENAMETOOLONG, "failed", "cgroups in it are nested too deep" },
	{ -ENOSYS, "failed", "no /proc is mounted, or no cgroup2 that shows our own cgroup" },
	{ -EPERM, "failed", "a process in it is not ours to signal: run this as root" },
	{ -EACCES, "failed", "permission denied: run this as root, or as who owns the cgroup" },
	{ -EROFS, "failed", "the cgroup file system is mounted read-only" },
};

static const struct failure *find_failure(int error)
{
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++)
		if (failures[i].error == error)
			return &failures[i];
	return NULL;
}

const char *reap_error(int error)
{
	const struct failure *f = find_failure(error);

	return f ? f->message : strerror(-error);
}

static void fail(struct reap *reap, int error)
{
	const struct failure *f = find_failure(error);

	set_result(reap, f ? f->result : "failed", reap_error(error));
}

/* ---- the guard ---- */

/* The parent's number; 0: none that we see. -ESRCH: it has ended. */
static pid_t parent_of(pid_t pid)
{
	pid_t parent = process_parent(pid);
	cleanup_close int pidfd = -1;

	if (parent != -ESRCH)
		return parent;
	pidfd = pidfd_open_pid(pid);
	return pidfd == -ESRCH ? -ESRCH : -EACCES; /* hidden, by hidepid= */
}

/*
 * One that we descend from. Its parent's number, as above; -EPERM: it is in cg. *harmless: the cgroup that the last one was
 * in, since most of them share theirs, and asking for its path is what takes long. Of one that has ended or moved by then the
 * path was nobody's, or of elsewhere, and says nothing of the cgroup.
 */
static pid_t guard_ancestor(const struct cgkill_cgroup *cg, pid_t pid, uint64_t *harmless)
{
	cleanup_close int pidfd = pidfd_open_pid(pid);
	uint64_t cgroup = 0, still = 0;
	pid_t parent = 0;
	bool told = pidfd >= 0 && pidfd_origin(pidfd, &parent, &cgroup) == 0;
	int r;

	if (told && cgroup == *harmless)
		return parent;
	r = cgkill_guard(cg, pid);
	if (r < 0)
		return r;
	if (!told)
		return parent_of(pid);
	if (pidfd_origin(pidfd, &parent, &still) < 0)
		return -ESRCH;
	*harmless = still == cgroup ? cgroup : 0;
	return parent;
}

/* Those that we descend from: the shell, the terminal, the one who logged in. *pid is the one that r is about. */
static int guard_ancestors(const struct cgkill_cgroup *cg, pid_t *pid)
{
	uint64_t harmless = 0; /* no cgroup's */
	pid_t next = getppid();

	while (next > 1) {
		*pid = next;
		next = guard_ancestor(cg, next, &harmless);
	}
	return MIN_OF(next, 0);
}

/* For r, the word of the guard on process pid, or on ourselves and PID 1 (0). */
static void refuse(struct reap *reap, int r, pid_t pid)
{
	char message[128];

	if (r != -EPERM) {
		snprintf(message, sizeof(message), "it cannot be told who is in it: %s", strerror(-r));
		set_result(reap, "refused", message);
	} else if (pid > 0) {
		snprintf(message, sizeof(message),
			 "it holds process %d, which cgkillctl was started by", (int)pid);
		set_result(reap, "refused", message);
	} else {
		set_result(reap, "refused", "it holds cgkillctl itself, or PID 1");
	}
}

/* True: it holds neither us nor PID 1. */
static bool spares_us(struct reap *reap)
{
	int r = cgkill_guard(reap->cg, 0);

	if (r < 0)
		refuse(reap, r, 0);
	return r == 0;
}

/* True: it holds nobody who waits for us. */
static bool spares_ancestors(struct reap *reap)
{
	pid_t pid = 0;
	int r = -ESRCH;

	/* One of them may end meanwhile; then we descend from another. */
	for (int i = 0; r == -ESRCH && i < ANCESTRY_TRIES; i++)
		r = guard_ancestors(reap->cg, &pid);
	if (r < 0 && spares_us(reap)) /* that is the worse news */
		refuse(reap, r, pid);
	return r == 0;
}

/* ---- the course ---- */

static int open_leader(struct reap *reap)
{
	if (reap->options->leader == 0)
		return 0;
	reap->leader = pidfd_open_pid(reap->options->leader);
	return reap->leader < 0 ? reap->leader : 0;
}

static int begin(struct reap *reap)
{
	const struct options *o = reap->options;
	const struct cgkill_stop_options options = {
		.size = sizeof(options),
		.signal = o->kill_only ? 0 : o->signal,
		.signal_flags = CGKILL_SIGNAL_CONT | CGKILL_SIGNAL_THAW,
		.timeout_usec = o->timeout == USEC_INFINITY ? TIMEOUT_DEFAULT : o->timeout,
		.leader_pidfd = reap->leader,
		.flags = reap->leader >= 0 ? CGKILL_STOP_LEADER : 0,
		.on_event = on_event,
		.arg = reap,
	};

	return cgkill_stop_begin(reap->cg, &options, &reap->stop);
}

/* What cannot be killed, and, where it was refused, not for reasons of its own. */
static void set_survivors(struct reap *reap, int error)
{
	char message[256];

	snprintf(message, sizeof(message), "processes live: %s", reap_error(error));
	set_result(reap, "survivors", error < 0 ? message : NULL);
	add_survivors(reap);
}

static void set_unremovable(struct reap *reap, int error)
{
	char message[256];

	snprintf(message, sizeof(message), "it is empty, and cannot be removed: %s",
		 error == -EXDEV ? "its mount begins with it" : reap_error(error));
	set_result(reap, "failed", message);
}

static void finish(struct reap *reap, int result)
{
	struct cgkill_stop_result course = { .size = sizeof(course) };
	int r = result;

	cgkill_stop_result(reap->stop, &course);
	cgkill_stop_end(TAKE_PTR(reap->stop));
	if (result == -ETIMEDOUT) {
		set_survivors(reap, course.error);
		return;
	}
	if (r == 0 && !reap->options->keep)
		r = cgkill_remove(reap->cg);
	if (r == 0)
		set_result(reap, "done", NULL);
	else if (result < 0)
		fail(reap, r);
	else if (r == -EBUSY)
		set_result(reap, "failed", "it was empty, and another process has joined it since");
	else
		set_unremovable(reap, r);
}

/* What would be done, for a person; nothing is. For a program: to how many, and who they are. */
static void pretend(struct reap *reap, const char *name)
{
	const struct options *o = reap->options;
	const struct names names = find_names(reap->cg);
	char span[SPAN_MAX];

	set_result(reap, "done", NULL);
	json_object_set_new(reap->outcome, "count", json_integer(names.n));
	json_object_set_new(reap->outcome, "names", names.list);
	if (o->json != JSON_OFF)
		return;
	print_printable(stdout, name);
	printf(": %lld process%s", (long long)names.n, names.n == 1 ? "" : "es");
	for (size_t i = 0; i < json_array_size(names.list); i++) {
		printf("%s", i ? ", " : " (");
		print_printable(stdout, json_string_value(json_array_get(names.list, i)));
	}
	printf("%s: ", names.n > NAMES_MAX ? ", ...)" : names.n > 0 ? ")" : "");
	if (!o->kill_only)
		printf("SIG%s to %s, ", signal_name(o->signal), o->leader ? "the leader" : "all");
	printf("SIGKILL to who is left");
	if (!o->kill_only)
		printf(" after %s",
		       format_span(o->timeout == USEC_INFINITY ? TIMEOUT_DEFAULT : o->timeout, span));
	puts(o->keep ? "" : ", then removed");
}

void reap_begin(struct reap *reap, const char *name, const struct options *options)
{
	json_t *event;
	int r;

	*reap = (struct reap){ .options = options, .leader = -1 };
	reap->trail = json_array();
	reap->outcome = json_pack("{s:o, s:O}", "unit", json_name(name), "trail", reap->trail);
	r = cgkill_open(name, &reap->cg);
	if (r == 0 && !spares_ancestors(reap))
		return;
	if (r == 0)
		r = open_leader(reap);
	if (r == 0 && reap->options->dry_run) {
		if (spares_us(reap))
			pretend(reap, name);
		return;
	}
	event = add_event(reap, "job");
	json_object_set_new(event, "state", json_string("reap"));
	json_object_set_new(event, "result", json_string("requested"));
	if (r == 0)
		r = begin(reap);
	/* EPERM: the library's guard, or the leader refuses the signal. */
	if (r < 0 && (r != -EPERM || !reap->cg || spares_us(reap)))
		fail(reap, r);
}

bool reap_step(struct reap *reap, int *fd)
{
	int r = reap->stop ? cgkill_stop_step(reap->stop) : 0;

	if (reap->stop && r == 1)
		*fd = cgkill_stop_fd(reap->stop);
	else if (reap->stop)
		finish(reap, r);
	return reap->stop;
}

void reap_end(struct reap *reap)
{
	cgkill_stop_end(reap->stop);
	cgkill_close(reap->cg);
	close_fd(reap->leader);
	json_decref(reap->trail);
}
