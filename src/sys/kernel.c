/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an older kernel lacks, by what it has. A seccomp filter that does not know a call is an older kernel to us: ENOSYS.
 */
#include "sys/kernel.h"

#include <dirent.h>
#include <limits.h>
#include <linux/close_range.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "util/macro.h"

/* ---- mounts ---- */

int kernel_mount_id(int fd, long *out)
{
	char path[48], text[256], *line;
	cleanup_close int info = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	n = info < 0 ? -1 : read(info, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	line = strstr(text, "mnt_id:\t");
	if (!line)
		return -EBADMSG;
	*out = strtol(line + strlen("mnt_id:\t"), NULL, 10);
	return 0;
}

/* Of statx(2) what is asked for here; musl's structure ends before it. */
struct statx_mount {
	uint32_t mask, before[35];
	uint64_t mnt_id, after[13];
};
_Static_assert(sizeof(struct statx_mount) == 256, "struct statx");
#define STATX_MOUNT_UNIQUE 0x4000 /* STATX_MNT_ID_UNIQUE, Linux 6.8 */

struct statmount_request {
	uint32_t size, spare;
	uint64_t mnt_id, mask;
};
_Static_assert(sizeof(struct statmount_request) == 24, "MNT_ID_REQ_SIZE_VER0");

/* As much of struct statmount of <linux/mount.h> as there was at first; the texts are counted from its end. */
struct statmount_head {
	uint32_t size, spare;
	uint64_t mask, skipped[11];
	uint32_t root, point;
	uint64_t more[50];
};
_Static_assert(sizeof(struct statmount_head) == 512, "struct statmount");
#define STATMOUNT_ROOT_AND_POINT UINT64_C(0x18)

#ifdef SYS_statmount
int kernel_statmount(int fd, struct kernel_mount *out)
{
	const struct statmount_head *head = (const void *)out->told;
	char *texts = (char *)out->told + sizeof(*head);
	struct statx_mount mount = { 0 };
	struct statmount_request request = { sizeof(request), 0, 0, STATMOUNT_ROOT_AND_POINT };

	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_MOUNT_UNIQUE, &mount) < 0)
		return -errno;
	if (!(mount.mask & STATX_MOUNT_UNIQUE))
		return -EOPNOTSUPP;
	request.mnt_id = mount.mnt_id;
	memset(out->told, 0, sizeof(out->told)); /* MemorySanitizer does not know the call */
	if (syscall(SYS_statmount, &request, out->told, sizeof(out->told), 0) < 0)
		return -errno;
	if ((head->mask & STATMOUNT_ROOT_AND_POINT) != STATMOUNT_ROOT_AND_POINT)
		return -EOPNOTSUPP;
	out->point = texts + head->point;
	out->root = texts + head->root;
	return 0;
}
#else
int kernel_statmount(int fd unused, struct kernel_mount *out unused)
{
	return -ENOSYS;
}
#endif

/* ---- openat2: Linux 5.6 ---- */

static int check_mount(int dirfd, int fd)
{
	long from = 0, to = 0;

	return kernel_mount_id(dirfd, &from) == 0 && kernel_mount_id(fd, &to) == 0 && from == to
		       ? 0
		       : -EXDEV;
}

/* A symlink is not followed, wherever it leads. */
static int open_component(int dirfd, const char *name, uint64_t flags)
{
	int fd = openat(dirfd, name, (int)flags | O_NOFOLLOW), r = -errno;
	struct stat st;

	if (fd >= 0)
		return fd;
	/* what O_DIRECTORY says of one, which is right where the caller wants that itself and no other */
	if (r == -ENOTDIR && !(flags & O_NOFOLLOW) &&
	    fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
		return -ELOOP;
	return r;
}

/* Takes dirfd over, if it is not to stay as it is (AT_FDCWD, or keep). */
static int step_into(int dirfd, int keep, const char *name, size_t len, uint64_t flags)
{
	char component[NAME_MAX + 1];
	int fd = -ENAMETOOLONG;

	if (len < sizeof(component)) {
		memcpy(component, name, len);
		component[len] = '\0';
		fd = open_component(dirfd, component, flags);
	}
	if (dirfd != keep)
		close_fd(dirfd);
	return fd;
}

static int walk(int dirfd, const char *path, uint64_t flags, bool beneath)
{
	const uint64_t on_the_way = O_PATH | O_DIRECTORY | O_CLOEXEC;
	int fd = dirfd;

	if (*path == '/') {
		fd = beneath ? -EXDEV : step_into(dirfd, dirfd, "/", 1, on_the_way);
		path += strspn(path, "/");
		if (fd >= 0 && *path == '\0')
			return step_into(fd, dirfd, ".", 1, flags);
	} else if (*path == '\0') {
		return -ENOENT;
	}
	while (fd >= 0 || fd == AT_FDCWD) {
		size_t len = strcspn(path, "/");
		const char *next = path + len + strspn(path + len, "/");
		bool is_last = *next == '\0', is_directory = path[len] == '/';

		if (beneath && len == 2 && strncmp(path, "..", 2) == 0) {
			if (fd != dirfd)
				close(fd);
			return -EXDEV;
		}
		fd = step_into(fd, dirfd, path, len,
			       is_last ? flags | (is_directory ? O_DIRECTORY : 0) : on_the_way);
		if (is_last)
			break;
		path = next;
	}
	return fd;
}

static int open_within(int dirfd, const char *path, uint64_t flags, uint64_t resolve)
{
	int fd;

	if (resolve & (RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH))
		return walk(dirfd, path, flags, resolve & RESOLVE_BENEATH);
	fd = openat(dirfd, path, (int)flags);
	return fd < 0 ? -errno : fd;
}

/* Opened is what is on the same mount: to open a file may do something to it. */
static int open_by_hand(int dirfd, const char *path, uint64_t flags, uint64_t resolve)
{
	cleanup_close int place = -1;
	int r;

	if (resolve & RESOLVE_NO_XDEV) {
		place = open_within(dirfd, path,
				    O_PATH | O_CLOEXEC | (flags & (O_NOFOLLOW | O_DIRECTORY)), resolve);
		r = place < 0 ? place : check_mount(dirfd, place);
		if (r < 0)
			return r;
	}
	return open_within(dirfd, path, flags, resolve);
}

int kernel_openat2(int dirfd, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = { .flags = flags, .resolve = resolve };
	long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	if (fd < 0 && (errno == ENOSYS || errno == EPERM)) /* EPERM: a seccomp filter of a container */
		return open_by_hand(dirfd, path, flags, resolve);
	return fd < 0 ? -errno : (int)fd;
}

/* ---- close_range: Linux 5.9 ---- */

static void close_one(int fd, unsigned first, unsigned last, unsigned flags)
{
	if ((unsigned)fd < first || (unsigned)fd > last)
		return;
	if (flags & CLOSE_RANGE_CLOEXEC)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	else
		close(fd);
}

/* Not by opendir(3), which takes memory, and locks that a child of fork(2) may never get. */
static void close_listed(int dir, unsigned first, unsigned last, unsigned flags)
{
	_Alignas(struct dirent64) char list[1024];
	const struct dirent64 *d;
	long n;

	while ((n = syscall(SYS_getdents64, dir, list, sizeof(list))) > 0)
		for (long at = 0; at < n; at += d->d_reclen) {
			d = (const void *)(list + at);
			if (d->d_name[0] != '.' && atoi(d->d_name) != dir)
				close_one(atoi(d->d_name), first, last, flags);
		}
}

void kernel_close_range(unsigned first, unsigned last, unsigned flags)
{
	struct rlimit limit = { 0 };
	int dir;

	if (syscall(SYS_close_range, first, last, flags) == 0 || errno != ENOSYS)
		return;
	dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0) {
		close_listed(dir, first, last, flags);
		close(dir);
		return;
	}
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	for (unsigned fd = first; fd <= last && fd < limit.rlim_cur; fd++)
		close_one((int)fd, first, last, flags);
}

/* ---- signals ---- */

/* As much as any architecture's struct sigaction, which glibc's is not. arch/mips/include/uapi/asm/signal.h has the flags first. */
struct disposition {
	uintptr_t word[64 / sizeof(uintptr_t)];
};
#ifdef __mips__
#define HANDLER_WORD 1
#else
#define HANDLER_WORD 0
#endif

bool kernel_is_ignored(int sig)
{
	struct disposition now = { 0 };

	return syscall(SYS_rt_sigaction, sig, NULL, &now, (size_t)_NSIG / 8) == 0 &&
	       now.word[HANDLER_WORD] == (uintptr_t)SIG_IGN;
}

void kernel_ignore(int sig, bool ignored)
{
	struct disposition wanted = { 0 }; /* SIG_DFL */

	if (ignored)
		wanted.word[HANDLER_WORD] = (uintptr_t)SIG_IGN;
	(void)syscall(SYS_rt_sigaction, sig, &wanted, NULL, (size_t)_NSIG / 8);
}
