/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What every test on real processes needs: a root cgroup of its own, members of many kinds, and the
 * certainty that both are gone afterwards, also when the test crashes or is killed. Knows no test
 * framework, so that a benchmark may use it.
 */
#include <signal.h>

#include "sys/cgroup.h"
#include "sys/hierarchy.h"
#include "util/clock.h"

struct cgtest {
	struct hierarchy hierarchy;
	struct cg mount; /* the root's parent: the cgroup that is mounted */
	struct cg root;	 /* "cgkill-test.<pid>" */
	char *root_file_path;
};

/*
 * 0 or -errno: a reason to skip the test. A guard process removes the root, with all that lives in
 * it, when the calling process ends in whatever way.
 */
int cgtest_begin(struct cgtest *t) must_check;
void cgtest_end(struct cgtest *t);

/* Calls fn in a process of its own as soon as the caller has ended, in whatever way. It gets a duplicate of fd (-1 = none). */
int cgtest_when_we_end(void (*fn)(const char *arg, int fd), const char *arg, int fd) must_check;

enum member {
	MEMBER_SLEEPER,
	MEMBER_TERM_IGNORER,
	MEMBER_ALL_BLOCKED, /* every signal that can be blocked is */
	MEMBER_STOPPED,	    /* by SIGSTOP */
	MEMBER_DEAD_LEADER, /* its main thread has exited, another lives: cgroup.kill misses it */
	MEMBER_FORK_CHAIN, /* forks a successor and exits, again and again: one cgroup.kill may miss it; ends by itself */
	MEMBER_VFORK_PARENT, /* sleeps uninterruptibly until its child calls execve or exits, which it never does */
	MEMBER_KINDS,
};
const char *cgtest_member_name(enum member kind);

/* Starts a member of cg, a child of the caller, and waits until it is what it shall be. The PID; the caller dies on failure. */
pid_t cgtest_start(const struct cg *cg, enum member kind);

/* The same with a body of the test's own, which writes one byte to ready_fd when it is ready, and never returns. */
typedef void (*member_fn)(int ready_fd, void *arg);
pid_t cgtest_start_fn(const struct cg *cg, member_fn body, void *arg);
/* For a body: says that it is ready, and sleeps for ever. */
_Noreturn void cgtest_ready_and_sleep(int ready_fd);

/*
 * A process of the domain cgroup of which one thread (and the main thread too, if leader_too) is in
 * `threads`, a threaded cgroup below it.
 */
pid_t cgtest_start_threaded(const struct cg *domain, const struct cg *threads, bool leader_too);

/*
 * From now on that system call fails with error in this process and its children, as on a kernel or in a container that does
 * not have it. 0, or -errno: no seccomp filters here.
 */
int cgtest_lack(long call, int error) must_check;

/* Children and orphans are reaped by the kernel from now on; waitpid(2) is of no use then. */
void cgtest_autoreap(void);

/* The process of pidfd has ended, at the latest after ms. */
bool cgtest_ended(int pidfd, int ms);
/* How many times slower this machine is than one that a test's times are meant for: see integration/lib.sh. At least 1. */
unsigned cgtest_slowness(void);
/* Its state as in proc_pid_stat(5); 0: there is no such process. */
char cgtest_state(pid_t pid);
/* The process is in one of these states of proc_pid_stat(5), at the latest after ms. */
bool cgtest_in_state(pid_t pid, const char *states, unsigned ms);
void cgtest_sleep_ms(unsigned ms);

/* A file of the cgroup: 0 or -errno; the text is cut at the buffer's end. */
int cgtest_write(const struct cg *cg, const char *name, const char *text) must_check;
int cgtest_read(const struct cg *cg, const char *name, char *text, size_t size) must_check;
