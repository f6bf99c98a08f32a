/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <linux/fuse.h> /* has members called "unused": before our macro of that name */

#include "lib/unkillable.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define IMAGE_SIZE	(8 << 20)
#define START_WAIT_MSEC 10000

/* Where the helper mounts, in its own namespace: a directory that every host has and no test needs. */
static const char mount_dir[] = "/mnt";

/* What the helper holds while it blocks. */
struct block {
	int fd;	      /* /dev/fuse, or the frozen file system's root */
	bool frozen;  /* thaw fd */
	bool mounted; /* mount_dir */
};

static int own_mounts(void)
{
	if (unshare(CLONE_NEWNS) < 0)
		return -errno;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	return 0;
}

static int block_fuse(struct block *b)
{
	char options[96];

	b->fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (b->fd < 0)
		return -errno;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other",
		 b->fd);
	if (mount("unkillable", mount_dir, "fuse", MS_NOSUID | MS_NODEV, options) < 0)
		return -errno;
	b->mounted = true;
	return 0;
}

static void reply_fuse(int fd, uint64_t unique, const void *body, size_t size)
{
	struct fuse_out_header head = { .len = (unsigned)(sizeof(head) + size), .unique = unique };
	const struct iovec v[] = { { &head, sizeof(head) }, { (void *)(uintptr_t)body, size } };

	if (writev(fd, v, ARRAY_SIZE(v)) < 0)
		perror("unkillable: FUSE");
}

static void reply_init(int fd, uint64_t unique)
{
	const struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION,
					    .minor = FUSE_KERNEL_MINOR_VERSION,
					    .max_write = 4096 };

	reply_fuse(fd, unique, &init, sizeof(init));
}

static void reply_lookup(int fd, uint64_t unique)
{
	const struct fuse_entry_out entry = {
		.nodeid = 2,
		.entry_valid = UINT_MAX,
		.attr_valid = UINT_MAX,
		.attr = { .ino = 2, .mode = S_IFREG | 0666, .nlink = 1 },
	};

	reply_fuse(fd, unique, &entry, sizeof(entry));
}

static void reply_open(int fd, uint64_t unique)
{
	const struct fuse_open_out opened = { 0 };

	reply_fuse(fd, unique, &opened, sizeof(opened));
}

/*
 * Takes one request from the kernel and answers INIT; where an open is to succeed, also what makes
 * one. Nothing else: the FUSE_FLUSH of a close(2) waits for ever, and begin_new_exec() closes under
 * exec_update_lock (fs/exec.c).
 */
static void serve_fuse(int fd, enum unkillable_kind kind)
{
	static union {
		struct fuse_in_header head;
		char room[FUSE_MIN_READ_BUFFER + (1 << 20)];
	} request;
	bool opens = kind == UNKILLABLE_EXEC;

	if (read(fd, &request, sizeof(request)) < (ssize_t)sizeof(request.head))
		return;
	if (request.head.opcode == FUSE_INIT)
		reply_init(fd, request.head.unique);
	else if (opens && request.head.opcode == FUSE_LOOKUP)
		reply_lookup(fd, request.head.unique);
	else if (opens && request.head.opcode == FUSE_OPEN)
		reply_open(fd, request.head.unique);
}

static int make_ext4(int fd)
{
	char path[64];
	int status;
	pid_t pid;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fd);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		execlp("mkfs.ext4", "mkfs.ext4", "-q", "-F", "-O", "^has_journal", path, (char *)NULL);
		execl("/sbin/mkfs.ext4", "mkfs.ext4", "-q", "-F", "-O", "^has_journal", path,
		      (char *)NULL);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return status == 0 ? 0 : -ENOPKG;
}

/* Attaches image to a free loop device, which detaches itself with the last user. The descriptor, or -errno. */
static int attach_loop(int image, char path[static 32])
{
	const struct loop_config config = {
		.fd = (unsigned)image,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR,
	};
	cleanup_close int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (control < 0)
		return -errno;
	for (int tries = 0; tries < 20; tries++) { /* others take free devices as well */
		int number = ioctl(control, LOOP_CTL_GET_FREE), fd;

		if (number < 0)
			return -errno;
		snprintf(path, 32, "/dev/loop%d", number);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		if (ioctl(fd, LOOP_CONFIGURE, &config) == 0)
			return fd;
		close_fd(fd);
		if (errno != EBUSY)
			return -errno;
	}
	return -EBUSY;
}

static int block_freeze(struct block *b)
{
	cleanup_close int image = memfd_create("unkillable", MFD_CLOEXEC), loop = -1;
	char device[32];
	int r;

	if (image < 0 || ftruncate(image, IMAGE_SIZE) < 0)
		return -errno;
	r = make_ext4(image);
	if (r < 0)
		return r;
	loop = attach_loop(image, device);
	if (loop < 0)
		return loop;
	if (mount(device, mount_dir, "ext4", 0, NULL) < 0)
		return -errno;
	b->mounted = true;
	b->fd = open(mount_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->fd < 0 || ioctl(b->fd, FIFREEZE, 0) < 0)
		return -errno;
	b->frozen = true;
	return 0;
}

/* Ends what blocks. Order matters: a frozen file system that is unmounted stays frozen, out of reach. */
static void unblock(struct block *b)
{
	if (b->frozen)
		(void)ioctl(b->fd, FITHAW, 0);
	b->fd = close_fd(b->fd);
	if (b->mounted)
		(void)umount2(mount_dir, MNT_DETACH);
}

static int block_kind(struct block *b, enum unkillable_kind kind, pid_t victim)
{
	unsigned long options = kind == UNKILLABLE_PTRACE ? PTRACE_O_TRACEEXIT : 0;
	int r;

	if (unkillable_traces(kind)) /* let go by our own end */
		return ptrace(PTRACE_SEIZE, victim, NULL, options) < 0 ? -errno : 0;
	r = own_mounts();
	if (r < 0)
		return r;
	return kind == UNKILLABLE_FREEZE ? block_freeze(b) : block_fuse(b);
}

/* Serves until a signal or the end of watch_fd. */
static void wait_for_release(const struct block *b, enum unkillable_kind kind, int signal_fd, int watch_fd)
{
	bool is_fuse = kind == UNKILLABLE_FUSE || kind == UNKILLABLE_EXEC;
	struct pollfd p[] = {
		{ .fd = signal_fd, .events = POLLIN },
		{ .fd = watch_fd, .events = POLLIN },
		{ .fd = is_fuse ? b->fd : -1, .events = POLLIN },
	};
	char c;

	for (;;) {
		if (poll(p, ARRAY_SIZE(p), -1) < 0)
			return;
		if (p[0].revents || (p[1].revents && read(watch_fd, &c, 1) <= 0))
			return;
		if (p[2].revents & POLLIN)
			serve_fuse(b->fd, kind);
		else if (p[2].revents)
			return;
	}
}

int unkillable_serve(enum unkillable_kind kind, pid_t victim, int ready_fd, int watch_fd)
{
	struct block b = { .fd = -1 };
	cleanup_close int signal_fd = -1;
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (signal_fd < 0)
		return -errno;
	r = block_kind(&b, kind, victim);
	if (r == 0) {
		if (unkillable_traces(kind))
			dprintf(ready_fd, "ready\n");
		else
			dprintf(ready_fd, "ready /proc/%d/root%s/victim\n", (int)getpid(), mount_dir);
		wait_for_release(&b, kind, signal_fd, watch_fd);
	}
	unblock(&b);
	return r;
}

_Noreturn static void run_helper(enum unkillable_kind kind, pid_t victim, int ready_fd, pid_t parent)
{
	int r;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	r = unkillable_serve(kind, victim, ready_fd, -1);
	if (r < 0)
		dprintf(ready_fd, "error %d\n", -r);
	_exit(r < 0);
}

/* Takes "ready PATH" or "error N" from the helper. */
static int read_ready(struct unkillable *u, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char line[160];
	const char *error;
	ssize_t n;

	if (poll(&p, 1, START_WAIT_MSEC) <= 0)
		return -ETIMEDOUT;
	n = read(fd, line, sizeof(line) - 1);
	if (n <= 0)
		return -EPIPE;
	line[n] = '\0';
	error = after_prefix(line, "error ");
	if (error)
		return -(int)strtol(error, NULL, 10);
	if (!after_prefix(line, "ready"))
		return -EPROTO;
	(void)!sscanf(line, "ready %127s", u->path); /* the tracer has no path */
	return 0;
}

int unkillable_start(struct unkillable *u, enum unkillable_kind kind, pid_t victim)
{
	pid_t parent = getpid();
	int fds[2], r;

	*u = (struct unkillable){ 0 };
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	u->helper = fork();
	if (u->helper == 0)
		run_helper(kind, victim, fds[1], parent);
	close_fd(fds[1]);
	r = u->helper < 0 ? -EAGAIN : read_ready(u, fds[0]);
	close_fd(fds[0]);
	if (r < 0)
		unkillable_release(u);
	return r;
}

void unkillable_release(struct unkillable *u)
{
	if (u->helper <= 0)
		return;
	kill(u->helper, SIGUSR1);
	waitpid(u->helper, NULL, 0);
	*u = (struct unkillable){ 0 };
}

enum unkillable_kind unkillable_kind_of(const char *name)
{
	static const char *const names[] = {
		[UNKILLABLE_FUSE] = "fuse",	    [UNKILLABLE_FREEZE] = "freeze",
		[UNKILLABLE_EXEC] = "exec",	    [UNKILLABLE_PTRACE] = "ptrace",
		[UNKILLABLE_WITHHELD] = "withheld",
	};

	for (size_t i = UNKILLABLE_FUSE; i < ARRAY_SIZE(names); i++)
		if (streq(name, names[i]))
			return (enum unkillable_kind)i;
	return UNKILLABLE_INVALID;
}

bool unkillable_traces(enum unkillable_kind kind)
{
	return kind == UNKILLABLE_PTRACE || kind == UNKILLABLE_WITHHELD;
}
