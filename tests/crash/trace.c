/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "crash/trace.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "daemon/logs.h"
#include "sys/hierarchy.h"

/* glibc's header has the struct under a name that depends on its version. */
#define syscall_info __ptrace_syscall_info

#define REST	   (60 * USEC_PER_MSEC) /* cgkilld looks again for 31 ms after a change; then it sleeps */
#define STOP_LIMIT (2 * USEC_PER_SEC)

/* The pause ends as soon as a child changes state. */
static void pause_ms(long ms)
{
	const struct timespec limit = { .tv_nsec = ms * 1000000 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	(void)sigtimedwait(&set, NULL, &limit);
}

static bool is_gone(int status)
{
	return WIFEXITED(status) || WIFSIGNALED(status);
}

/* Its next stop or end, at most STOP_LIMIT away. */
static int await_stop(pid_t pid, int *status)
{
	usec_t end = clock_now() + STOP_LIMIT;
	pid_t r;

	do {
		r = waitpid(pid, status, WNOHANG | __WALL);
		if (r != 0)
			return r < 0 ? -errno : is_gone(*status) ? -ESRCH : 0;
		pause_ms(2);
	} while (clock_now() < end);
	return -ETIME;
}

/* Stopped before a call? Its number, else -1. */
static long entered_call(pid_t pid, int status)
{
	struct syscall_info info;

	if (WSTOPSIG(status) != (SIGTRAP | 0x80) ||
	    ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return -1;
	return (long)info.entry.nr;
}

static bool is_rest(long call)
{
#ifdef SYS_epoll_wait
	if (call == SYS_epoll_wait)
		return true;
#endif
	return call == SYS_epoll_pwait;
}

/* Goes on to the next stop; a signal that it was stopped for is delivered. */
static int resume(pid_t pid, int status)
{
	int sig = WSTOPSIG(status);
	bool is_ours = sig == (SIGTRAP | 0x80) || sig == SIGTRAP || status >> 16 != 0;

	return ptrace(PTRACE_SYSCALL, pid, NULL, is_ours ? 0L : (long)sig) < 0 ? -errno : 0;
}

static bool is_call(long call, long wanted)
{
	return wanted < 0 ? is_rest(call) : call == wanted;
}

/* To the entry of the call of that number, of the one that it rests in when it is -1. */
static int run_to_call(pid_t pid, int status, long number)
{
	long call;
	int r;

	do {
		r = resume(pid, status);
		if (r == 0)
			r = await_stop(pid, &status);
		if (r < 0)
			return r;
		call = entered_call(pid, status);
	} while (!is_call(call, number));
	return 0;
}

int trace_seize(struct trace *t, pid_t pid, bool follow)
{
	long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
	int status, r;

	if (follow)
		options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
	*t = (struct trace){ .pid = pid, .follow = follow, .last_call = SYS_epoll_pwait };
	if (ptrace(PTRACE_SEIZE, pid, NULL, options) < 0 || ptrace(PTRACE_INTERRUPT, pid, NULL, 0L) < 0)
		return -errno;
	r = await_stop(pid, &status);
	if (r == 0)
		r = run_to_call(pid, status, -1);
	t->calls = !follow;
	return r;
}

int trace_adopt(struct trace *t, pid_t pid, long first_call)
{
	int status, r;

	*t = (struct trace){ .pid = pid, .calls = 1, .last_call = first_call };
	r = await_stop(pid, &status);
	if (r < 0)
		return r;
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, (long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) < 0)
		return -errno;
	return run_to_call(pid, status, first_call);
}

/* A stop of the process. True when it counts. */
static bool note_call(struct trace *t, long call)
{
	if (call < 0)
		return false;
	t->last_call = call;
	t->calls++;
	return true;
}

/* A stop of the followed child, which is let go at its execve. True when it counts. */
static bool take_child_stop(struct trace *t, int status)
{
	if (is_gone(status)) {
		t->child = 0;
		return false;
	}
	if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8)) {
		ptrace(PTRACE_DETACH, t->child, NULL, 0L);
		t->child = 0;
		return false;
	}
	return note_call(t, entered_call(t->child, status));
}

/* The logger is born before the first service, in a cgroup of its own. */
static bool is_logger(pid_t pid)
{
	cleanup_free char *path = NULL;

	return cgroup_path_of(pid, &path) == 0 && ends_with(path, "/" LOGS_CGROUP);
}

/* Only the first child of a service is followed; others are let go at once. */
static void take_fork(struct trace *t, int status)
{
	unsigned long pid;
	int event = status >> 16, child_status;

	if ((event != PTRACE_EVENT_FORK && event != PTRACE_EVENT_CLONE) ||
	    ptrace(PTRACE_GETEVENTMSG, t->pid, NULL, &pid) < 0 ||
	    await_stop((pid_t)pid, &child_status) < 0)
		return;
	if (t->child != 0 || t->calls > 0 || is_logger((pid_t)pid)) {
		ptrace(PTRACE_DETACH, (pid_t)pid, NULL, 0L);
		return;
	}
	t->child = (pid_t)pid;
	(void)!resume(t->child, child_status);
}

/* 1: at the point; 0: there was something; -EAGAIN: nothing; -ESRCH: gone. */
static int step(struct trace *t, unsigned point, bool *rests)
{
	int status;

	if (t->child && waitpid(t->child, &status, WNOHANG | __WALL) > 0) {
		if (take_child_stop(t, status) && t->calls == point) {
			t->child_is_held = true;
			return 1;
		}
		return t->child && resume(t->child, status) < 0 ? -errno : 0;
	}
	if (waitpid(t->pid, &status, WNOHANG | __WALL) <= 0)
		return -EAGAIN;
	if (is_gone(status))
		return -ESRCH;
	if (t->follow) {
		take_fork(t, status);
		*rests = is_rest(entered_call(t->pid, status));
	} else {
		long call = entered_call(t->pid, status);

		*rests = is_rest(call);
		if (note_call(t, call) && t->calls == point)
			return 1;
	}
	return resume(t->pid, status);
}

enum trace_end trace_run(struct trace *t, unsigned point, bool (*over)(void *arg), void *arg, usec_t limit)
{
	usec_t last = clock_now();
	bool rests = true;
	int r;

	if (point > 0 && t->calls == point)
		return TRACE_AT_POINT;
	if (ptrace(PTRACE_SYSCALL, t->pid, NULL, 0L) < 0)
		return TRACE_BROKEN;
	for (;;) {
		r = step(t, point, &rests);
		if (r == 1)
			return TRACE_AT_POINT;
		if (r < 0 && r != -EAGAIN)
			return r == -ESRCH ? TRACE_GONE : TRACE_BROKEN;
		if (r == 0) {
			last = clock_now();
			continue;
		}
		if (rests && clock_now() > last + REST && over(arg))
			return TRACE_OVER;
		if (clock_now() > limit)
			return TRACE_LATE;
		pause_ms(5);
	}
}

void trace_kill(struct trace *t)
{
	int status;

	/* A child that is just being born is traced from birth on, and would stand still for ever. */
	if (t->follow && ptrace(PTRACE_INTERRUPT, t->pid, NULL, 0L) == 0 &&
	    await_stop(t->pid, &status) == 0)
		take_fork(t, status);
	kill(t->pid, SIGKILL);
	while (waitpid(t->pid, &status, __WALL) == t->pid && !is_gone(status))
		;
	if (t->child && !t->child_is_held)
		trace_release_child(t);
}

void trace_reap_child(struct trace *t)
{
	int status;

	if (t->child && waitpid(t->child, &status, WNOHANG | __WALL) == t->child && is_gone(status))
		t->child = 0;
}

void trace_release_child(struct trace *t)
{
	int status;

	if (t->child == 0)
		return;
	/* One that runs can only be let go where it stops. */
	if (ptrace(PTRACE_DETACH, t->child, NULL, 0L) < 0 &&
	    ptrace(PTRACE_INTERRUPT, t->child, NULL, 0L) == 0 && await_stop(t->child, &status) == 0)
		ptrace(PTRACE_DETACH, t->child, NULL, 0L);
	trace_reap_child(t);
	t->child = 0;
}

/* clang-format off */
const char *trace_call_name(long number)
{
#define NAME(call) { SYS_##call, #call }
	static const struct {
		long number;
		const char *name;
	} names[] = {
#ifdef SYS_epoll_wait /* newer architectures do without these */
		NAME(epoll_wait), NAME(getdents64), NAME(getxattr), NAME(lseek), NAME(mkdir), NAME(newfstatat), NAME(poll),
		NAME(readlink), NAME(rename), NAME(rmdir), NAME(unlink),
#endif
		NAME(accept4), NAME(clone), NAME(clone3), NAME(close), NAME(close_range), NAME(connect), NAME(epoll_create1),
		NAME(epoll_ctl), NAME(epoll_pwait), NAME(exit_group), NAME(fchmod), NAME(fcntl), NAME(fgetxattr), NAME(flock),
		NAME(fremovexattr), NAME(fsetxattr), NAME(fstat), NAME(geteuid), NAME(getpid), NAME(getpriority), NAME(getsockopt),
		NAME(getuid), NAME(ioctl), NAME(listen), NAME(mkdirat), NAME(mmap), NAME(munmap), NAME(openat), NAME(openat2),
		NAME(pidfd_open), NAME(pidfd_send_signal), NAME(pipe2), NAME(ppoll), NAME(prctl), NAME(pread64), NAME(prlimit64),
		NAME(read), NAME(readlinkat), NAME(recvfrom), NAME(recvmsg), NAME(renameat), NAME(renameat2), NAME(rt_sigaction),
		NAME(rt_sigprocmask), NAME(sendmsg), NAME(sendto), NAME(setpriority), NAME(setsid), NAME(signalfd4), NAME(socket),
		NAME(statx), NAME(timerfd_create), NAME(timerfd_settime), NAME(umask), NAME(unlinkat), NAME(waitid), NAME(write),
	};
#undef NAME
	static char other[32];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].number == number)
			return names[i].name;
	snprintf(other, sizeof(other), "call %ld", number);
	return other;
}
/* clang-format on */
