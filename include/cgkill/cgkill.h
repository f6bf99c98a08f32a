/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CGKILL_CGKILL_H
#define CGKILL_CGKILL_H
/*
 * libcgkill: ends what is in a cgroup v2, and proves it.
 *
 * For all functions, unless they say otherwise:
 * - The result is 0 or a negative errno. What *out gets is assigned last, and only on success. Besides what is named, any
 *   function may fail as what it calls does: -ENOMEM, -EMFILE, -EACCES and -EPERM (it is not ours), -EROFS (the cgroups are
 *   mounted read-only).
 * - Thread-safe: one struct cgkill_cgroup may be used by many threads at once, a struct cgkill_stop by one at a time. What
 *   closes or ends one must not run beside another use of it. No global state, no threads, no signal handlers, nothing that
 *   is printed; errno is left as it happens to be.
 * - A time is an unsigned count of microseconds; one of those that are kept is on CLOCK_BOOTTIME, which goes on through
 *   suspend, and which nobody can step.
 * - A descriptor that is returned is close-on-exec, and the caller's to close, unless it is said to be borrowed.
 * - Nothing ever signals a process by a number: signals go through a pidfd whose membership was verified after it was
 *   opened (pidfd_open(2)), and the kill is a write to cgroup.kill (Linux 5.14; before that the cgroup is frozen for it).
 * - A cgroup is never signalled or killed that holds this process or PID 1: -EPERM.
 *
 * Structures that a caller fills in begin with their size, as those of clone3(2) and openat2(2) do: a program built for an
 * older library goes on to work, and one that asks an older library for what it does not know gets -E2BIG. A field of 0
 * is the default, and flags that the library does not know give -EINVAL. Strings in what a function is given, or gives in a
 * callback, are borrowed for the call.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CGKILL_MUST_CHECK __attribute__((warn_unused_result))
#else
#define CGKILL_MUST_CHECK
#endif

/* "0.1.0", of the library that runs. */
const char *cgkill_version(void);

/* ---- a cgroup ----------------------------------------------------------------------------- */

/*
 * A cgroup as a handle: an open directory. Names get reused, handles do not: once the cgroup was removed, what is done with
 * its handle gives -ENODEV or -ENOENT, also when another has the name by now.
 */
struct cgkill_cgroup;

/*
 * Opens the cgroup of that path: a file path, or, where no cgroup2 is, a path as /proc/PID/cgroup shows it. The handle is the
 * caller's to close. -ELOOP: a component is a symlink (cgroupfs has none, so the path leads through somebody's directory);
 * -EMEDIUMTYPE: it is no cgroup of version 2; -ENOTDIR; -ENOENT; -EXDEV: its mount is another cgroup namespace's, or none
 * of this mount namespace, or where that cgroup was another is mounted; -ENAMETOOLONG: its path is longer than PATH_MAX;
 * -ENOSYS: no /proc is mounted, and it is needed (before Linux 6.8, for a cgroup path, and for a file path that is relative or
 * has ".", ".." or "//" in it); or for a cgroup path no cgroup2 that shows our own cgroup.
 */
int cgkill_open(const char *path, struct cgkill_cgroup **out) CGKILL_MUST_CHECK;
/* The same of a directory that is open, by any flags; fd stays the caller's. */
int cgkill_open_fd(int fd, struct cgkill_cgroup **out) CGKILL_MUST_CHECK;
/*
 * Makes a cgroup below parent, or opens one there. name is one component, else -EINVAL. -EEXIST and -ENOENT accordingly;
 * -EAGAIN: cgroup.max.depth or cgroup.max.descendants allows no more.
 */
int cgkill_create(const struct cgkill_cgroup *parent, const char *name,
		  struct cgkill_cgroup **out) CGKILL_MUST_CHECK;
int cgkill_open_child(const struct cgkill_cgroup *parent, const char *name,
		      struct cgkill_cgroup **out) CGKILL_MUST_CHECK;
/* Takes NULL. What is in the cgroup lives on. */
void cgkill_close(struct cgkill_cgroup *cg);

/* Borrowed: the directory, readable; and the path as /proc/PID/cgroup shows it, when it was opened. */
int cgkill_fd(const struct cgkill_cgroup *cg);
const char *cgkill_path(const struct cgkill_cgroup *cg);
/* The kernel's number of it, which is st_ino of its directory: no other cgroup of this boot has had it. */
uint64_t cgkill_id(const struct cgkill_cgroup *cg);

/*
 * Does a process live in it or below? 1 or 0, read from cgroup.events; one that was removed is empty. A zombie does not
 * count, whoever has to reap it. -EOPNOTSUPP: the root of all cgroups, which has no such file.
 */
int cgkill_is_populated(const struct cgkill_cgroup *cg) CGKILL_MUST_CHECK;
/* Waits until none does. -ETIMEDOUT; -EOPNOTSUPP as above. */
int cgkill_wait_empty(const struct cgkill_cgroup *cg, uint64_t timeout_usec) CGKILL_MUST_CHECK;
/*
 * Removes it with all cgroups below it. -EBUSY: a process lives in one of them; those that are empty are gone all the same.
 * -ENAMETOOLONG: they are nested deeper than 256; -EXDEV: it is what a mount begins with, and was opened through that. 0
 * also when it was gone already. The handle stays to be closed.
 */
int cgkill_remove(const struct cgkill_cgroup *cg) CGKILL_MUST_CHECK;

/*
 * May it be signalled and killed without harm to process pid? -EPERM: it holds that; 0 for pid: it holds this process or
 * PID 1, which functions that signal or kill ask by themselves. Another error: it cannot be told, which is a refusal, too
 * (before Linux 6.13 of who is hidden in /proc by hidepid=).
 */
int cgkill_guard(const struct cgkill_cgroup *cg, pid_t pid) CGKILL_MUST_CHECK;

/* ---- who is in it -------------------------------------------------------------------------- */

/*
 * A process, as far as the host shows it: "" where it does not, and in what was not asked for. Text is printable ASCII, with
 * other bytes as \xNN or '?'; only cgroup is as the host has it, of cgkill_explain() the first 127 bytes.
 */
struct cgkill_process {
	size_t size; /* of what the library knows: the last fields of a newer header are there only within it */
	pid_t pid; /* for people to read; 0: it has no number in our PID namespace */
	const char *comm;
	const char *cgroup; /* the path of its cgroup below the one that was asked about; "" = that one */

	/* cgkill_explain() only */
	char state;   /* 'R', 'S', 'D', 'Z', 'T', 't' …, '?' = unknown: /proc/PID/status */
	pid_t tracer; /* 0 = none */
	const char *cmdline;
	const char *wchan;     /* the kernel function that it sleeps in */
	const char *syscall;   /* by name or number */
	const char *file;      /* that the system call is about, as the process sees it */
	const char *mount;     /* that the file is on: "nfs4 server:/export on /mnt" */
	const char *stack;     /* the kernel's, "inner < outer" */
	const char *reason;    /* all of it in words: why it lives, and what would release it */
	uint64_t started_usec; /* 0 = unknown */
};

/* Not 0 ends the walk, and is passed on. */
typedef int (*cgkill_process_fn)(const struct cgkill_process *p, void *arg);

/*
 * All processes of it and of those below. What comes and goes meanwhile is seen or not. -ENOENT or -ENODEV: it was removed;
 * -EOPNOTSUPP: it is threaded, and its processes are those of its domain; -ENAMETOOLONG as above.
 */
int cgkill_list(const struct cgkill_cgroup *cg, cgkill_process_fn fn, void *arg) CGKILL_MUST_CHECK;
/* How many there are, without a look at each. Errors as above; *out is assigned on success. */
int cgkill_count(const struct cgkill_cgroup *cg, size_t *out) CGKILL_MUST_CHECK;
/*
 * The same of at most max, with why each of them does not die; *total (NULL: not asked for) is how many there are. Takes
 * a second at most: files below /proc can hang who reads them, so a short-lived process does that, which tells its end to
 * nobody but us (it has no exit signal). Of what could not be read in time only pid and comm are there, with state '?'.
 * Errors as above. It takes memory for max of them, some 2 KiB each.
 */
int cgkill_explain(const struct cgkill_cgroup *cg, size_t max, size_t *total, cgkill_process_fn fn,
		   void *arg) CGKILL_MUST_CHECK;
/* The same of one process by its number, wherever it lives. -ESRCH. */
int cgkill_explain_process(pid_t pid, cgkill_process_fn fn, void *arg) CGKILL_MUST_CHECK;

/* ---- a signal ------------------------------------------------------------------------------ */

enum cgkill_signal_flags {
	CGKILL_SIGNAL_CONT = 1 << 0, /* SIGCONT after it, so that a stopped process can act on it */
	CGKILL_SIGNAL_THAW = 1 << 1, /* thaws each cgroup after it, so that a frozen one can */
	CGKILL_SIGNAL_HUP = 1 << 2,  /* SIGHUP after it, for shells */
};

/*
 * To every process of it and of those below, each once: in passes, until one finds nobody new, at most ten. *reached (NULL:
 * not asked for; else assigned in any case) is how many got it. -EINVAL: no signal; -EPERM with nobody reached: the guard, see
 * above; -EPERM or another error with the others signalled: what a process refused.
 */
int cgkill_signal(const struct cgkill_cgroup *cg, int sig, unsigned flags,
		  size_t *reached) CGKILL_MUST_CHECK;
/* To one process, if it is a member. pidfd is borrowed. -ESRCH: it has ended, or is none; -EBADF: no pidfd; -EINVAL, -EPERM. */
int cgkill_signal_process(const struct cgkill_cgroup *cg, int pidfd, int sig,
			  unsigned flags) CGKILL_MUST_CHECK;

/* ---- a stop -------------------------------------------------------------------------------- */

enum cgkill_event {
	CGKILL_EVENT_SIGNALLED = 1, /* the signal was sent */
	CGKILL_EVENT_KILL, /* the time is over, or the leader has ended: SIGKILL to all comes next */
	CGKILL_EVENT_EMPTY, /* it was read that nobody is left */
	CGKILL_EVENT_STUCK, /* the kill has not ended all of them */
};

struct cgkill_stop;
/* Called from within the functions of a stop, which must not be stepped or ended in it. */
typedef void (*cgkill_event_fn)(struct cgkill_stop *stop, enum cgkill_event event, void *arg);

struct cgkill_stop_options {
	size_t size;
	int signal;	       /* 0: none, the kill comes at once; else, as a rule, SIGTERM */
	unsigned signal_flags; /* enum cgkill_signal_flags */
	uint64_t timeout_usec; /* from the signal to the kill */
	/*
	 * CGKILL_STOP_LEADER: the signal goes to this process alone, and the kill comes as soon as it has ended: "mixed" in
	 * systemd.kill(5). Borrowed for the stop. Not a member: -ESRCH.
	 */
	int leader_pidfd;
	unsigned flags;	      /* enum cgkill_stop_flags */
	uint64_t verify_usec; /* from the kill to CGKILL_EVENT_STUCK; 0 = 5 s */
	cgkill_event_fn on_event;
	void *arg;
};

enum cgkill_stop_flags {
	CGKILL_STOP_LEADER = 1 << 0,
};

struct cgkill_stop_result {
	size_t size;	  /* filled in by the caller; as much of the rest is given */
	size_t signalled; /* processes that got the signal */
	unsigned rounds;  /* of the kill; one is what nearly all take */
	size_t swept;	  /* killed by pidfd in further rounds */
	int error; /* the first that was not expected, of a signal or a kill: -EPERM, -EROFS …; 0 */
	uint64_t begun_usec;  /* when */
	uint64_t killed_usec; /* when the kill began; 0: there was none */
	uint64_t ended_usec;  /* when it was read that nobody is left; 0: not yet */
};

/*
 * Begins one: signals, or kills where there is no signal to wait for. cg is borrowed until cgkill_stop_end(), which *out is to
 * be given to. An error: nothing was begun: -EPERM, the guard; -EINVAL, -EBADF, -E2BIG; -ESRCH, the leader; -EOPNOTSUPP: it is
 * threaded, or the root. That a process refuses the signal is no error, but in struct cgkill_stop_result. An empty cgroup,
 * and one that was removed, is not touched.
 */
int cgkill_stop_begin(const struct cgkill_cgroup *cg, const struct cgkill_stop_options *options,
		      struct cgkill_stop **out) CGKILL_MUST_CHECK;
/*
 * To be called whenever cgkill_stop_fd() is readable, and as often besides as one likes. 1: it goes on. 0: it was read that
 * nobody is left. -ETIMEDOUT: some live on after the kill, and verify_usec; it may be gone on with, and may be 0 later.
 * It does not wait; the write that kills takes the kernel some 0.1 ms a process. Another error: the descriptor cannot be set,
 * and time alone says when to step it next.
 */
int cgkill_stop_step(struct cgkill_stop *stop) CGKILL_MUST_CHECK;
/*
 * Borrowed: a descriptor that is readable when there is something to do; made at the first call. -EMFILE and the like: who
 * steps it every few milliseconds needs none.
 */
int cgkill_stop_fd(struct cgkill_stop *stop) CGKILL_MUST_CHECK;
/* From now on it kills, without waiting for its time to be over. Step it. */
void cgkill_stop_hasten(struct cgkill_stop *stop);
void cgkill_stop_result(const struct cgkill_stop *stop, struct cgkill_stop_result *result);
/* Ends it in any state, with what it froze thawed. Takes NULL. */
void cgkill_stop_end(struct cgkill_stop *stop);

/* All of that, waited for: 0 or an error as above. result: NULL, or with its size filled in. */
int cgkill_stop(const struct cgkill_cgroup *cg, const struct cgkill_stop_options *options,
		struct cgkill_stop_result *result) CGKILL_MUST_CHECK;

/* ---- a process, born in it ------------------------------------------------------------------ */

enum cgkill_spawn_flags {
	CGKILL_SPAWN_SEARCH = 1 << 0, /* file is looked for in $PATH of the caller, as execvp(3) does */
	CGKILL_SPAWN_SESSION = 1 << 1, /* in a session of its own: setsid(2) */
	CGKILL_SPAWN_IGNORED = 1 << 2, /* what the caller ignores stays ignored, as after execve(2): nohup(1) */
};

struct cgkill_spawn_options {
	size_t size;
	const char *file; /* NULL = argv[0] */
	char *const *argv;
	char *const *envp; /* NULL = the caller's */
	unsigned flags;	   /* enum cgkill_spawn_flags */
	/*
	 * Run in the child right before execve(2): 0, or an errno with which the spawn fails. When the caller has other threads,
	 * it may do only what is async-signal-safe (signal-safety(7)).
	 */
	int (*prepare)(void *arg);
	void *arg;
};

/*
 * Starts a program as a member of cg from its first moment on: what kills the cgroup kills it. All signals are at their
 * defaults, and none is blocked; descriptors that are not close-on-exec are passed on. Returns when the program runs, or
 * or with the errno of what failed, execve(2) included: it waits for prepare, and for the file system that the program is on.
 * *pid is a child to be waited for, by who does not ignore SIGCHLD; *pidfd (NULL: not asked for) is the caller's to close.
 * -EBUSY, -EOPNOTSUPP: no process may be in that cgroup (cgroups(7), "no internal processes"; threaded); -EINVAL: no argv.
 */
int cgkill_spawn(const struct cgkill_cgroup *cg, const struct cgkill_spawn_options *options,
		 pid_t *pid, int *pidfd) CGKILL_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
