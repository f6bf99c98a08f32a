/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/pidfd.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "sys/hierarchy.h"
#include "sys/kernel.h"

int pidfd_open_pid(pid_t pid)
{
	int fd = kernel_pidfd_open(pid);

	/* A thread that leads no process is EINVAL, from 6.16 on ENOENT: pidfd_prepare(). */
	return fd == -EINVAL || fd == -ENOENT ? -ESRCH : fd;
}

int pidfd_signal(int pidfd, int sig)
{
	return kernel_pidfd_send_signal(pidfd, sig);
}

/*
 * 0 while the process behind pidfd has not been reaped: until then its number belongs to nobody
 * else, so what was read from /proc/PID before this call was about it. EPERM is the answer of a
 * living process: the kernel looks it up first.
 */
static int still_there(int pidfd)
{
	int r = pidfd_signal(pidfd, 0);

	return r == -EPERM ? 0 : r;
}

/* A field behind comm of proc_pid_stat(5); comm, field 2, may hold anything, so count from its last ')'. */
static int stat_field(pid_t pid, int wanted, uint64_t *out)
{
	cleanup_fclose FILE *f = NULL;
	char path[32], line[1024], *p;
	unsigned long long value;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? -ESRCH : -errno;
	if (!fgets(line, sizeof(line), f))
		return -ESRCH;
	p = strrchr(line, ')');
	for (int field = 2; p && field < wanted; field++)
		p = strchr(p + 1, ' ');
	if (!p || sscanf(p, "%llu", &value) != 1)
		return -EBADMSG;
	*out = value;
	return 0;
}

int pidfd_identity(int pidfd, pid_t pid, uint64_t *out)
{
	struct statfs fs;
	struct stat st;
	uint64_t ticks = 0;
	int r;

	if (fstatfs(pidfd, &fs) < 0 || fstat(pidfd, &st) < 0)
		return -errno;
	if (fs.f_type == PID_FS_MAGIC) {
		*out = st.st_ino;
		return 0;
	}
	r = stat_field(pid, 22, &ticks); /* its start */
	if (r >= 0)
		r = still_there(pidfd);
	if (r < 0)
		return r;
	*out = ticks << 22 | (uint64_t)pid; /* PID_MAX_LIMIT is 2^22 */
	return 0;
}

int pidfd_origin(int pidfd, pid_t *parent, uint64_t *cgroup_id)
{
	struct pidfd_info info = { .mask = PIDFD_INFO_CGROUPID };

	/*
	 * ENOTTY, EINVAL before 6.13; a seccomp filter has EPERM or ENOSYS; and up to 6.15 there was ESRCH of who lives, and has
	 * a parent outside of our PID namespace.
	 */
	if (ioctl(pidfd, PIDFD_GET_INFO, &info) < 0)
		return errno == ESRCH && still_there(pidfd) < 0 ? -ESRCH : -EOPNOTSUPP;
	if (!(info.mask & PIDFD_INFO_CGROUPID))
		return -EOPNOTSUPP;
	*parent = (pid_t)info.ppid;
	*cgroup_id = info.cgroupid;
	return 0;
}

/*
 * Membership by path. The path was this process's, since its number is not recycled; and it named
 * cg, since cg is not removed: both are asked after reading, and neither can come back once lost.
 */
static int in_path(int pidfd, pid_t pid, const struct cg *cg, bool subtree)
{
	cleanup_free char *path = NULL;
	int r = cgroup_path_of(pid, &path);

	if (r < 0)
		return r;
	r = still_there(pidfd);
	if (r < 0)
		return r;
	if (!cg_is_alive(cg))
		return 0;
	return subtree ? cgroup_path_is_below(path, cg->path) : streq(path, cg->path);
}

int pidfd_in_cgroup(int pidfd, pid_t pid, const struct cg *cg, enum verify_method method)
{
	uint64_t id = 0;
	pid_t parent;
	int r = method == VERIFY_PROCFS ? -EOPNOTSUPP : pidfd_origin(pidfd, &parent, &id);

	if (r == -EOPNOTSUPP && method != VERIFY_GET_INFO)
		return in_path(pidfd, pid, cg, false);
	return r < 0 ? r : id == cg->id;
}

int pidfd_in_subtree(int pidfd, pid_t pid, const struct cg *cg)
{
	return in_path(pidfd, pid, cg, true);
}

/* The walk ends where the cgroup is found. */
static int match_id(const struct cg *cg, void *arg)
{
	return cg->id == *(const uint64_t *)arg ? -EEXIST : 0;
}

int pidfd_was_in_subtree(int pidfd, pid_t pid, const struct cg *cg)
{
	const uint64_t mask = PIDFD_INFO_EXIT | PIDFD_INFO_CGROUPID;
	struct pidfd_info info = { .mask = mask };
	uint64_t id;
	int r = pidfd_in_subtree(pidfd, pid, cg);

	if (r != -ESRCH)
		return r;
	if (ioctl(pidfd, PIDFD_GET_INFO, &info) < 0 || (info.mask & mask) != mask)
		return -ESRCH;
	id = info.cgroupid;
	r = cg_walk(cg, match_id, &id);
	return r == -EEXIST ? 1 : r;
}

static int wait_for(int pidfd, int options, siginfo_t *out)
{
	siginfo_t info = { 0 };

	/* __WALL: also a child that has no exit signal. */
	if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | __WALL | options) < 0)
		return errno == EAGAIN ? 0 : -errno; /* EAGAIN: a pidfd made with PIDFD_NONBLOCK */
	if (info.si_pid == 0)
		return 0;
	*out = info;
	return 1;
}

int pidfd_reap(int pidfd, siginfo_t *out)
{
	return wait_for(pidfd, 0, out);
}

int pidfd_peek(int pidfd, siginfo_t *out)
{
	return wait_for(pidfd, WNOWAIT, out);
}

bool pidfd_has_ended(int pidfd)
{
	struct pollfd fd = { .fd = pidfd, .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

/* -ENODATA: it was not reaped, or this kernel does not keep it. */
static int kept_status(int pidfd, int *out)
{
	struct pidfd_info info = { .mask = PIDFD_INFO_EXIT };

	if (ioctl(pidfd, PIDFD_GET_INFO, &info) < 0 || !(info.mask & PIDFD_INFO_EXIT))
		return -ENODATA;
	*out = info.exit_code;
	return 0;
}

/*
 * May we trace the process (PTRACE_MODE_READ_FSCREDS)? proc_pid_readlink() asks the same as
 * do_task_stat(), and has EACCES for no; ENOENT is a yes, for a zombie has no root left.
 */
static bool may_trace(pid_t pid)
{
	char path[32], target[1];

	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	return readlink(path, target, sizeof(target)) >= 0 || errno == ENOENT;
}

/*
 * -ESRCH: no zombie any more. Field 52 reads 0 for whoever may not trace the process, so that only
 * another value, or a 0 with the permission, says something. Before Linux 5.17 it is the leader's
 * own, which may have gone before its threads did: a signal that ended those may then read 0.
 */
static int zombie_status(int pidfd, pid_t pid, int *out)
{
	uint64_t status = 0;
	int r = stat_field(pid, 52, &status);

	if (r == 0 && status == 0 && !may_trace(pid))
		r = -ENODATA;
	if (r == -ESRCH || still_there(pidfd) < 0)
		return -ESRCH;
	*out = (int)status;
	return r < 0 ? -ENODATA : 0;
}

siginfo_t siginfo_of_status(pid_t pid, int status)
{
	siginfo_t si = { .si_signo = SIGCHLD };

	si.si_pid = pid;
	if (WIFEXITED(status)) {
		si.si_code = CLD_EXITED;
		si.si_status = WEXITSTATUS(status);
	} else {
		si.si_code = WCOREDUMP(status) ? CLD_DUMPED : CLD_KILLED;
		si.si_status = WTERMSIG(status);
	}
	return si;
}

int pidfd_exit_status_by(int pidfd, pid_t pid, enum verify_method method, siginfo_t *out)
{
	int status = 0, r = pidfd_reap(pidfd, out);

	if (r != -ECHILD)
		return r;
	if (!pidfd_has_ended(pidfd))
		return 0;
	/* What is reaped between the two looks of the first round is known to the second. */
	for (int round = 0; round < 2; round++) {
		r = method == VERIFY_PROCFS ? -ENODATA : kept_status(pidfd, &status);
		if (r == -ENODATA && method != VERIFY_GET_INFO)
			r = zombie_status(pidfd, pid, &status);
		if (r != -ESRCH)
			break;
	}
	if (r < 0)
		return -ENODATA;
	*out = siginfo_of_status(pid, status);
	return 1;
}

int pidfd_exit_status(int pidfd, pid_t pid, siginfo_t *out)
{
	return pidfd_exit_status_by(pidfd, pid, VERIFY_AUTO, out);
}

static bool try_status_is_kept(void)
{
	pid_t pid = fork();
	cleanup_close int pidfd = -1;
	int status = 0;

	if (pid < 0)
		return false;
	if (pid == 0)
		_exit(0);
	pidfd = pidfd_open_pid(pid);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return pidfd >= 0 && kept_status(pidfd, &status) == 0;
}

bool pidfd_status_is_kept(void)
{
	static bool tried, kept;

	if (!tried)
		kept = try_status_is_kept();
	tried = true;
	return kept;
}
