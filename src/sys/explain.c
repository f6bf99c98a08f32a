/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/explain.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>

#include "sys/blocker.h"

/* What usually blocks processes, by what sleeps in it or near it in the kernel stack; the first that matches counts. */
static const struct reason {
	const char *function; /* prefix of a kernel function's name */
	const char *what;     /* "waits in the kernel for …" */
	const char *release;  /* "until …" */
} reasons[] = {
	{ "request_wait_answer", "a FUSE server that does not answer",
	  "the server replies or the file system is aborted" },
	{ "fuse_", "a FUSE server", "the server replies or the file system is aborted" },
	{ "nfs", "an NFS server", "the server answers or it is unmounted with -f" },
	{ "rpc_", "an NFS server", "the server answers or it is unmounted with -f" },
	{ "cifs_", "an SMB server", "the server answers or it is unmounted with -f" },
	{ "p9_", "a 9P server", "the server answers" },
	{ "exit_signals", "a cgroup migration to end", "the kernel's cgroup lock is free" },
	{ "cgroup_", "a cgroup migration to end", "the kernel's cgroup lock is free" },
	{ "percpu_rwsem_wait", "a frozen file system", "that is thawed (fsfreeze -u)" },
	{ "do_freezer_trap", "its frozen cgroup to be thawed", "0 is written to cgroup.freeze" },
	{ "__refrigerator", "its frozen v1 cgroup or a resume", "freezer.state is THAWED" },
	{ "zap_pid_ns_processes", "the processes of its PID namespace to end", "the last is gone" },
	{ "coredump_", "its core dump to be written", "that is done" },
	{ "do_coredump", "its core dump to be written", "that is done" },
	{ "jbd2_", "the journal of a file system", "the disk has written it" },
	{ "io_schedule", "disk I/O", "the device answers" },
	{ "bit_wait_io", "disk I/O", "the device answers" },
	{ "folio_wait_", "disk I/O", "the device answers" },
	{ "wait_on_page_", "disk I/O", "the device answers" },
	{ "blk_", "disk I/O", "the device answers" },
	{ "submit_bio_wait", "disk I/O", "the device answers" },
	{ "mem_cgroup_", "memory, at the limit of its cgroup", "some is freed" },
	{ "rwsem_down_", "a lock in the kernel", "its holder lets go" },
	{ "__mutex_lock", "a lock in the kernel", "its holder lets go" },
	{ "futex_", "a futex", "another thread wakes it" },
};

/* The system calls that processes hang in, by what they are about. */
/* clang-format off */
#define CALL(name) { SYS_##name, #name, CALL_ABOUT_NOTHING }
#define FD(name)   { SYS_##name, #name, CALL_ABOUT_FD }
#define PATH(name) { SYS_##name, #name, CALL_ABOUT_PATH }
#define AT(name)   { SYS_##name, #name, CALL_ABOUT_AT }
static const struct call {
	long number;
	const char *name;
	enum call_subject about;
} calls[] = {
#ifdef SYS_open /* the old calls that newer architectures were spared */
	PATH(open), PATH(stat), PATH(lstat), PATH(access), PATH(mkdir), PATH(rmdir), PATH(unlink),
	PATH(rename), PATH(creat), CALL(poll), CALL(select), CALL(pause), CALL(fork), CALL(vfork),
	FD(getdents), PATH(readlink), PATH(chmod), CALL(epoll_wait),
#endif
	FD(read), FD(write), FD(readv), FD(writev), FD(pread64), FD(pwrite64), AT(openat), FD(close),
	AT(newfstatat), FD(fstat), AT(statx), AT(faccessat), AT(mkdirat), AT(unlinkat),
	AT(renameat2), FD(getdents64), PATH(chdir), FD(ioctl), FD(fsync), FD(fdatasync), CALL(sync),
	FD(syncfs), FD(fcntl), FD(flock), FD(ftruncate), FD(fallocate), CALL(mount), PATH(umount2),
	PATH(statfs), FD(fstatfs), PATH(execve), CALL(exit), CALL(exit_group), CALL(wait4),
	CALL(waitid), CALL(clone), CALL(clone3), CALL(futex), CALL(nanosleep),
	CALL(clock_nanosleep), CALL(ppoll), CALL(pselect6), CALL(epoll_pwait),
	CALL(rt_sigsuspend), CALL(rt_sigtimedwait), FD(accept), FD(accept4), FD(connect),
	FD(recvfrom), FD(recvmsg), FD(sendto), FD(sendmsg), CALL(mmap), CALL(munmap), CALL(msync),
	FD(io_uring_enter), CALL(io_getevents), FD(splice), FD(sendfile), CALL(restart_syscall),
};
/* clang-format on */

/* Copies src with everything that is not printable ASCII as \xNN; cut at a whole character. */
static void copy_printable(char *dst, size_t size, const char *src, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	size_t at = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)src[i];
		bool plain = c >= ' ' && c <= '~' && c != '\\';

		if (at + (plain ? 1 : 4) >= size)
			break;
		if (plain) {
			dst[at++] = (char)c;
			continue;
		}
		dst[at++] = '\\';
		dst[at++] = 'x';
		dst[at++] = hex[c >> 4];
		dst[at++] = hex[c & 15];
	}
	dst[at] = '\0';
}

/* Reads a small file of procfs, NUL-terminated. The length, or -errno; ENOENT is ESRCH here. */
static ssize_t read_proc(int dir_fd, const char *name, char *buf, size_t size)
{
	cleanup_close int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	buf[0] = '\0';
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read(fd, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return n;
}

/* The same for a file of one thread. */
static ssize_t read_thread(int dir_fd, pid_t tid, const char *name, char *buf, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "task/%d/%s", (int)tid, name);
	return read_proc(dir_fd, path, buf, size);
}

/* The value behind "\nKey:\t" in the text of proc_pid_status(5), whose Name: line, the first, cannot forge one. */
static const char *status_value(const char *status, const char *key)
{
	const char *p = strstr(status, key);

	return p ? p + strlen(key) : "";
}

/* What /proc/PID/status says of one thread. */
struct thread_status {
	char state;
	pid_t tracer;
	bool sigkill_pending;
};

static bool has_sigkill(const char *mask)
{
	return strtoull(mask, NULL, 16) >> (SIGKILL - 1) & 1;
}

static int read_status(int dir_fd, pid_t tid, struct thread_status *out)
{
	char text[4096];
	ssize_t n = read_thread(dir_fd, tid, "status", text, sizeof(text));

	if (n < 0)
		return (int)n;
	out->state = *status_value(text, "\nState:\t");
	if (out->state == '\0')
		out->state = '?';
	out->tracer = (pid_t)strtol(status_value(text, "\nTracerPid:\t"), NULL, 10);
	out->sigkill_pending = has_sigkill(status_value(text, "\nSigPnd:\t")) ||
			       has_sigkill(status_value(text, "\nShdPnd:\t"));
	return 0;
}

/* How much a thread in this state says about why its process does not end. */
static int interest(char state)
{
	switch (state) {
	case 'D':
		return 4;
	case 't':
	case 'T':
		return 3;
	case 'Z':
	case 'X':
		return 0;
	case '?':
		return 1;
	default:
		return 2;
	}
}

/* Field 3 of /proc/PID/task/TID/stat; the name before it may hold anything, ')' too. */
static char thread_state(int dir_fd, pid_t tid)
{
	char text[512];
	const char *p;

	if (read_thread(dir_fd, tid, "stat", text, sizeof(text)) < 0)
		return 'X';
	p = strrchr(text, ')');
	if (!p || p[1] != ' ' || p[2] == '\0')
		return '?';
	return p[2];
}

/* The thread to tell about: the main one, unless another one is of more interest. */
static pid_t pick_thread(int dir_fd, pid_t pid, char main_state)
{
	int fd = openat(dir_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int best = interest(main_state);
	pid_t picked = pid;

	if (!dir) {
		close_fd(fd);
		return pid;
	}
	for (const struct dirent *e; best < interest('D') && (e = readdir(dir));) {
		pid_t tid = (pid_t)strtol(e->d_name, NULL, 10);
		int found = tid > 0 && tid != pid ? interest(thread_state(dir_fd, tid)) : 0;

		if (found > best) {
			best = found;
			picked = tid;
		}
	}
	closedir(dir);
	return picked;
}

static void read_wchan(int dir_fd, struct process_facts *f)
{
	char text[sizeof(f->wchan)] = "";
	ssize_t n = read_thread(dir_fd, f->thread, "wchan", text, sizeof(text));

	if (n <= 0 || streq(text, "0")) /* 0: it runs, or we may not know */
		return;
	/* Which part of the function, as in ptrace_stop.part.0, is the compiler's doing. */
	copy_printable(f->wchan, sizeof(f->wchan), text, strcspn(text, "."));
}

static const struct call *find_call(long number)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].number == number)
			return &calls[i];
	return NULL;
}

/* proc_pid_syscall(5): the number and six arguments, or "running", or -1: blocked outside of a system call. */
static void read_syscall(int dir_fd, struct process_facts *f)
{
	const struct call *call;
	char text[256], *end;
	struct blocker blocker;
	uint64_t args[2];
	long number;

	if (read_thread(dir_fd, f->thread, "syscall", text, sizeof(text)) <= 0)
		return;
	number = strtol(text, &end, 10);
	if (end == text || number < 0)
		return;
	snprintf(f->syscall, sizeof(f->syscall), "%ld", number);
	call = find_call(number);
	if (!call)
		return;
	snprintf(f->syscall, sizeof(f->syscall), "%s", call->name);
	for (size_t i = 0; i < ARRAY_SIZE(args); i++)
		args[i] = strtoull(end, &end, 16);
	blocker_find(&blocker, dir_fd, call->about, args);
	copy_printable(f->file, sizeof(f->file), blocker.file, strlen(blocker.file));
	copy_printable(f->mount, sizeof(f->mount), blocker.mount, strlen(blocker.mount));
}

/* Lines of "[<0>] function+0x1/0x2 [module]" become "function < function". */
static void read_stack(int dir_fd, struct process_facts *f)
{
	char text[4096], *rest = text, *line;
	size_t at = 0;

	if (read_thread(dir_fd, f->thread, "stack", text, sizeof(text)) <= 0)
		return;
	while ((line = strsep(&rest, "\n"))) {
		const char *name = strstr(line, "] ");
		size_t n;

		if (!name)
			continue;
		name += 2;
		n = strcspn(name, "+ ");
		if (n == 0 || at + n + sizeof(" < ") > sizeof(f->stack))
			break;
		at += (size_t)sprintf(f->stack + at, "%s%.*s", at ? " < " : "", (int)n, name);
	}
}

/*
 * The reader of cmdline takes the target's mmap_lock. A thread in D, or one whose FUSE server is silent, may hold that, and
 * then whoever reads hangs with it (as ps does): such a process is told by its name alone.
 */
static bool may_hang_reader(const struct process_facts *f)
{
	return f->state == 'D' || streq(f->wchan, "request_wait_answer");
}

static void read_cmdline(int dir_fd, struct process_facts *f)
{
	char text[sizeof(f->cmdline)] = "";
	ssize_t n = 0;

	if (!may_hang_reader(f))
		n = read_proc(dir_fd, "cmdline", text, sizeof(text));
	while (n > 0 && text[n - 1] == '\0')
		n--;
	if (n <= 0) {
		snprintf(f->cmdline, sizeof(f->cmdline), "[%s]", f->comm);
		return;
	}
	for (ssize_t i = 0; i < n; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	copy_printable(f->cmdline, sizeof(f->cmdline), text, (size_t)n);
}

/* The name, without the newline that the kernel adds. */
static ssize_t read_comm(int dir_fd, char *buf, size_t size)
{
	ssize_t n = read_proc(dir_fd, "comm", buf, size);

	return n > 0 && buf[n - 1] == '\n' ? n - 1 : n;
}

/* Field 22 of /proc/PID/stat: clock ticks since boot. */
static usec_t start_time(int dir_fd)
{
	char text[1024], *p;
	long hz = sysconf(_SC_CLK_TCK);

	if (read_proc(dir_fd, "stat", text, sizeof(text)) <= 0 || hz <= 0)
		return 0;
	p = strrchr(text, ')');
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p, NULL, 10) * (USEC_PER_SEC / (usec_t)hz) : 0;
}

int explain_process(pid_t pid, struct process_facts *out)
{
	struct process_facts f = { .pid = pid, .thread = pid, .state = '?' };
	struct thread_status main_thread, thread;
	char path[32], comm[64];
	cleanup_close int fd = -1;
	ssize_t n;

	/* The directory stays the same process's, whatever becomes of the number. */
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read_comm(fd, comm, sizeof(comm));
	if (n < 0 || read_status(fd, pid, &main_thread) < 0)
		return -ESRCH;
	copy_printable(f.comm, sizeof(f.comm), comm, (size_t)n);

	f.thread = pick_thread(fd, pid, main_thread.state);
	if (f.thread == pid || read_status(fd, f.thread, &thread) < 0)
		thread = main_thread;
	f.state = thread.state;
	f.tracer = thread.tracer;
	f.sigkill_pending = thread.sigkill_pending || main_thread.sigkill_pending;
	f.leader_dead = main_thread.state == 'Z' && f.thread != pid;
	read_wchan(fd, &f);
	read_syscall(fd, &f);
	read_stack(fd, &f);
	f.started = start_time(fd);
	read_cmdline(fd, &f);
	*out = f;
	return 0;
}

/* Is a function whose name starts with prefix in the stack ("a < b < c")? */
static bool stack_has(const char *stack, const char *prefix)
{
	for (const char *p = stack; p; p = strstr(p, " < ")) {
		p += *p == ' ' ? strlen(" < ") : 0;
		if (after_prefix(p, prefix))
			return true;
	}
	return false;
}

static const struct reason *find_reason(const struct process_facts *f)
{
	/* Where do_freezer_trap() was inlined. In a stack it is on the way of all that a signal ends. */
	const char *wchan = streq(f->wchan, "get_signal") ? "do_freezer_trap" : f->wchan;

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (after_prefix(wchan, reasons[i].function) || stack_has(f->stack, reasons[i].function))
			return &reasons[i];
	return NULL;
}

/* For states that need no look into the kernel; NULL for the others. */
static const char *reason_of_state(const struct process_facts *f)
{
	if (f->pid == 0)
		return "lives in a PID namespace that cannot be seen from here";
	switch (f->state) {
	case 'T':
		return "is stopped until it gets SIGCONT";
	case 'Z':
	case 'X':
		return "has ended and waits for its parent to reap it";
	case 'R':
		return f->sigkill_pending ? "runs in the kernel and has not taken its SIGKILL yet"
					  : "runs";
	case '?':
		return "is in a state that cannot be read";
	default:
		return NULL;
	}
}

const char *explain_reason(const struct process_facts *f, char *buf, size_t size)
{
	const char *text = reason_of_state(f), *where = *f->wchan ? f->wchan : "hidden";
	const struct reason *reason = find_reason(f);

	if (f->state == 't' && f->tracer > 0)
		snprintf(buf, size, "is stopped by its tracer, PID %d, until that lets go or ends",
			 (int)f->tracer);
	else if (f->state == 't')
		snprintf(buf, size, "is stopped by a tracer outside our PID namespace");
	else if (text)
		snprintf(buf, size, "%s", text);
	else if (reason)
		snprintf(buf, size, "waits in the kernel for %s (%s) until %s", reason->what, where,
			 reason->release);
	else if (f->state == 'D')
		snprintf(buf, size, "waits in the kernel, uninterruptibly (%s)", where);
	else
		snprintf(buf, size, "sleeps (%s)", where);
	return buf;
}

/* A walk over the processes of a subtree. */
struct members {
	struct cg_pids pids;
	const struct cg *root, *at;
	bool (*add)(struct members *m, pid_t pid); /* false: it is gone */
	void *out;
	size_t n, max, total;
};

static int visit_members(const struct cg *cg, void *arg)
{
	struct members *m = arg;
	int r = cg_read_procs(cg, &m->pids);

	/* Removed meanwhile; threaded, with its processes listed at the domain's root. */
	if (cg != m->root && (cg_is_gone(r) || r == -EOPNOTSUPP))
		return 0;
	if (r < 0)
		return r;
	m->at = cg;
	for (size_t i = 0; i < m->pids.n; i++) {
		if (m->n == m->max)
			m->total++;
		else if (m->add(m, m->pids.v[i])) {
			m->n++;
			m->total++;
		}
	}
	return 0;
}

static ssize_t walk_members(struct members *m, const struct cg *cg, size_t *total)
{
	int r;

	m->root = cg;
	r = cg_walk(cg, visit_members, m);
	cg_pids_deinit(&m->pids);
	if (r < 0)
		return r;
	*total = m->total;
	return (ssize_t)m->n;
}

static bool add_facts(struct members *m, pid_t pid)
{
	struct process_facts *f = (struct process_facts *)m->out + m->n;
	const char *below;
	int r = pid > 0 ? explain_process(pid, f) : -ENODATA;

	if (r < 0 && r != -ESRCH)
		*f = (struct process_facts){ .pid = pid, .state = '?', .comm = "?", .cmdline = "[?]" };
	below = m->at->path + strlen(m->root->path);
	snprintf(f->cgroup, sizeof(f->cgroup), "%s", below + (*below == '/'));
	return r != -ESRCH;
}

ssize_t explain_members(const struct cg *cg, struct process_facts *out, size_t max, size_t *total)
{
	struct members m = { .add = add_facts, .out = out, .max = max };

	return walk_members(&m, cg, total);
}

bool name_process(pid_t pid, struct process_name *name)
{
	char path[32];
	ssize_t n;

	name->pid = pid;
	strcpy(name->comm, "?");
	if (pid == 0)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	n = read_proc(AT_FDCWD, path, name->comm, sizeof(name->comm));
	if (n < 0)
		return n != -ESRCH;
	for (ssize_t i = 0; i < n; i++)
		if (name->comm[i] < ' ' || name->comm[i] > '~')
			name->comm[i] = name->comm[i] == '\n' && i == n - 1 ? '\0' : '?';
	return true;
}

static bool add_name(struct members *m, pid_t pid)
{
	return name_process(pid, (struct process_name *)m->out + m->n);
}

ssize_t name_members(const struct cg *cg, struct process_name *out, size_t max, size_t *total)
{
	struct members m = { .add = add_name, .out = out, .max = max };

	return walk_members(&m, cg, total);
}
