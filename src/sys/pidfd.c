/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/pidfd.h"

#include <errno.h>
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

/*
 * Not /proc/PID/stat: Linux 6.18 has its reader wait for exec_update_lock, and a process that hangs
 * in execve holds that. status takes no such lock.
 */
bool process_is_zombie(pid_t pid)
{
	cleanup_fclose FILE *f = NULL;
	char path[32], line[128];
	const char *state = NULL;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && !state && fgets(line, sizeof(line), f))
		state = after_prefix(line, "State:\t");
	return state && (*state == 'Z' || *state == 'X');
}

/* Field 22 of proc_pid_stat(5); comm, field 2, may hold anything, so count from its last ')'. */
static int start_time(pid_t pid, uint64_t *out)
{
	cleanup_fclose FILE *f = NULL;
	char path[32], line[1024], *p;
	unsigned long long ticks;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? -ESRCH : -errno;
	if (!fgets(line, sizeof(line), f))
		return -ESRCH;
	p = strrchr(line, ')');
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (!p || sscanf(p, "%llu", &ticks) != 1)
		return -EBADMSG;
	*out = ticks;
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
	r = start_time(pid, &ticks);
	if (r >= 0)
		r = still_there(pidfd);
	if (r < 0)
		return r;
	*out = ticks << 22 | (uint64_t)pid; /* PID_MAX_LIMIT is 2^22 */
	return 0;
}

/* -EOPNOTSUPP: this kernel does not tell (ENOTTY, EINVAL before 6.13). */
static int cgroup_id(int pidfd, uint64_t *out)
{
	struct pidfd_info info = { .mask = PIDFD_INFO_CGROUPID };

	if (ioctl(pidfd, PIDFD_GET_INFO, &info) < 0)
		return errno == ENOTTY || errno == EINVAL ? -EOPNOTSUPP : -errno;
	if (!(info.mask & PIDFD_INFO_CGROUPID))
		return -EOPNOTSUPP;
	*out = info.cgroupid;
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
	int r = method == VERIFY_PROCFS ? -EOPNOTSUPP : cgroup_id(pidfd, &id);

	if (r == -EOPNOTSUPP && method != VERIFY_GET_INFO)
		return in_path(pidfd, pid, cg, false);
	return r < 0 ? r : id == cg->id;
}

int pidfd_in_subtree(int pidfd, pid_t pid, const struct cg *cg)
{
	return in_path(pidfd, pid, cg, true);
}

int pidfd_reap(int pidfd, siginfo_t *out)
{
	siginfo_t info = { 0 };

	if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) < 0)
		return errno == EAGAIN ? 0 : -errno; /* EAGAIN: a pidfd made with PIDFD_NONBLOCK */
	if (info.si_pid == 0)
		return 0;
	*out = info;
	return 1;
}
