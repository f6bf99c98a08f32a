/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * check-host: what this host, and who we are on it, lets cgkill do; what is lost where something is missing, and what to do
 * about it. It tries things out, in a cgroup of its own that is gone afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "cgkill/cgkill.h"
#include "ctl/manager.h"
#include "sys/hierarchy.h"
#include "sys/kernel.h"
#include "sys/pidfd.h"

struct host {
	const struct options *options;
	struct hierarchy hierarchy;
	bool has_hierarchy;
	char *own;		       /* our cgroup's path; NULL: it cannot be told */
	struct cgkill_cgroup *parent;  /* --parent=, or our own; NULL: it cannot be opened */
	struct cgkill_cgroup *scratch; /* below it; NULL: none can be made */
	char name[sizeof("cgkill-check.") + 3 * sizeof(pid_t)];
};

/* ---- probes: 1 yes, 0 no, or a negative errno that says why not; detail says more ---- */

static int has_cgroup2(struct host *h, struct buf *detail)
{
	if (h->has_hierarchy)
		buf_printf(detail, "%s", h->hierarchy.mount_point);
	return h->has_hierarchy;
}

static int is_writable(struct host *h, struct buf *detail unused)
{
	return h->has_hierarchy && !h->hierarchy.read_only;
}

static int can_make_cgroups(struct host *h, struct buf *detail)
{
	if (h->parent)
		buf_printf(detail, "below %s", cgkill_path(h->parent));
	return h->scratch != NULL;
}

/* The root has less than others, and says nothing. */
static int has_file(const struct host *h, const char *name)
{
	if (!h->scratch)
		return -ENODATA;
	return faccessat(cgkill_fd(h->scratch), name, F_OK, 0) == 0;
}

static int has_kill(struct host *h, struct buf *detail unused)
{
	return has_file(h, "cgroup.kill");
}

static int has_freeze(struct host *h, struct buf *detail unused)
{
	return has_file(h, "cgroup.freeze");
}

/* cgroup.controllers, without its newline. */
static int has_controllers(struct host *h, struct buf *detail)
{
	cleanup_close int fd =
		h->parent ? openat(cgkill_fd(h->parent), "cgroup.controllers", O_RDONLY | O_CLOEXEC)
			  : -1;
	char text[256];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n <= 1)
		return 0;
	text[n - 1] = '\0';
	buf_puts(detail, text);
	return 1;
}

/* A child that is born there: it lives, or the kernel has killed it because a cgroup on the way was once killed. */
static int has_clone_into(struct host *h, struct buf *detail)
{
	struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
	int status = 0;
	long pid;

	if (!h->scratch)
		return -ENODATA;
	args.cgroup = (unsigned)cgkill_fd(h->scratch);
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(0);
	if (waitpid((pid_t)pid, &status, 0) < 0)
		return -errno;
	if (WIFEXITED(status))
		return 1;
	buf_puts(detail, "a cgroup on the way was once killed");
	return 0;
}

static int has_pidfd(struct host *h unused, struct buf *detail unused)
{
	cleanup_close int fd = pidfd_open_pid(getpid());

	return fd < 0 ? fd : 1;
}

static int has_pidfs(struct host *h unused, struct buf *detail unused)
{
	cleanup_close int fd = pidfd_open_pid(getpid());
	struct statfs fs;

	return fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == PID_FS_MAGIC;
}

static int has_pidfd_info(struct host *h unused, struct buf *detail unused)
{
	cleanup_close int fd = pidfd_open_pid(getpid());
	struct pidfd_info info = { .mask = PIDFD_INFO_CGROUPID };

	return fd >= 0 && ioctl(fd, PIDFD_GET_INFO, &info) == 0 && info.mask & PIDFD_INFO_CGROUPID;
}

static int keeps_exit_status(struct host *h unused, struct buf *detail unused)
{
	return pidfd_status_is_kept();
}

/* hidepid= hides them, and subset=pid what is no process. */
static int shows_processes(struct host *h unused, struct buf *detail unused)
{
	return access("/proc/1/status", R_OK) == 0 && access("/proc/self/mountinfo", R_OK) == 0;
}

/* Also its own: proc_pid_stack() asks for CAP_SYS_ADMIN. */
static int shows_stacks(struct host *h unused, struct buf *detail unused)
{
	cleanup_close int fd = open("/proc/self/stack", O_RDONLY | O_CLOEXEC);
	char c;

	return fd >= 0 && read(fd, &c, 1) >= 0;
}

static int is_root(struct host *h unused, struct buf *detail)
{
	buf_printf(detail, "uid %u", (unsigned)geteuid());
	return geteuid() == 0;
}

static const struct check {
	const char *what;
	int (*probe)(struct host *h, struct buf *detail);
	bool needed; /* nothing works without it */
	const char *without, *remedy;
} checks[] = {
	{ "cgroup v2 is mounted", has_cgroup2, true, "there is nothing to work with",
	  "mount -t cgroup2 none /sys/fs/cgroup, or have the container runtime do it" },
	{ "it is writable", is_writable, true, "no cgroup can be made or killed",
	  "mount it read-write: podman run --security-opt unmask=/sys/fs/cgroup, docker run "
	  "--cgroupns=private "
	  "with a writable mount" },
	{ "cgroups can be made", can_make_cgroups, true,
	  "no service and no command gets a cgroup of its own",
	  "be root, or use a delegated subtree: --parent=CGROUP here, --root=CGROUP of cgkilld; "
	  "systemd-run --user "
	  "--scope -p Delegate=yes gives one" },
	{ "cgroup.kill (Linux 5.14)", has_kill, false,
	  "a kill freezes the cgroup and signals each process: slower, and as final", "a newer kernel" },
	{ "cgroup.freeze (Linux 5.2)", has_freeze, false,
	  "what forks faster than it is killed may outrun a kill", "a newer kernel" },
	{ "processes are born in their cgroup (clone3, Linux 5.7)", has_clone_into, false,
	  "a process moves itself there first, which takes a lock of the whole kernel", "a newer kernel; a seccomp filter that lets clone3 through; a subtree that was never killed" },
	{ "pidfd_open (Linux 5.3)", has_pidfd, true,
	  "no process can be signalled without the risk that it is another",
	  "a newer kernel; a seccomp filter that lets it through" },
	{ "processes have numbers that are never used again (pidfs, Linux 6.9)", has_pidfs, false,
	  "they are told apart by their start times", "a newer kernel" },
	{ "membership by pidfd (PIDFD_GET_INFO, Linux 6.13)", has_pidfd_info, false,
	  "it is read from /proc, some 20 microseconds a process", "a newer kernel" },
	{ "exit statuses are kept (PIDFD_INFO_EXIT, Linux 6.15)", keeps_exit_status,
	  false, "that of a process that is not our child, and was reaped, may stay unknown: run cgkilld with --guard",
	  "a newer kernel" },
	{ "/proc shows all processes", shows_processes, true, "it cannot be told who is in a cgroup",
	  "mount /proc without hidepid= and subset=pid, or with gid= for our group" },
	{ "/proc shows what the kernel does", shows_stacks, false,
	  "survivors are explained without their stacks", "be root, with CAP_SYS_ADMIN" },
	{ "controllers", has_controllers, false, "no limits: MemoryMax=, TasksMax=, CPUQuota= only warn",
	  "boot with cgroup_no_v1=all, or enable them in cgroup.subtree_control above" },
	{ "we are root", is_root, false, "no User=, no sandbox, no service but our own user's",
	  "run as root" },
};

/* ---- the answer ---- */

static void prepare(struct host *h)
{
	const char *path = h->options->parent;

	h->has_hierarchy = hierarchy_find(&h->hierarchy, NULL) == 0;
	if (!path && cgroup_path_of(0, &h->own) == 0)
		path = h->own;
	if (!path || cgkill_open(path, &h->parent) < 0)
		return;
	snprintf(h->name, sizeof(h->name), "cgkill-check.%d", (int)getpid());
	(void)!cgkill_create(h->parent, h->name, &h->scratch);
}

static void clean_up(struct host *h)
{
	if (h->scratch)
		(void)!cgkill_remove(h->scratch);
	cgkill_close(h->scratch);
	cgkill_close(h->parent);
	if (h->has_hierarchy)
		hierarchy_deinit(&h->hierarchy);
	free(h->own);
}

static json_t *answer(const struct check *check, int result, const struct buf *detail)
{
	json_t *o = json_pack("{s:s, s:b, s:b}", "what", check->what, "present", result > 0,
			      "needed", check->needed);

	if (detail->len > 0)
		json_object_set_new(o, "detail", json_string(detail->data));
	if (result < 0)
		json_object_set_new(o, "error", json_string(strerror(-result)));
	if (result <= 0) {
		json_object_set_new(o, "without", json_string(check->without));
		json_object_set_new(o, "remedy", json_string(check->remedy));
	}
	return o;
}

static void print_answer(const struct style *style, const struct check *check, int result,
			 const struct buf *detail)
{
	bool unknown = result == -ENODATA;
	enum colour c = result > 0	? COLOUR_GREEN
			: unknown	? COLOUR_PLAIN
			: check->needed ? COLOUR_RED
					: COLOUR_YELLOW;
	const char *word = result > 0 ? "yes" : unknown ? "?" : check->needed ? "NO" : "no";

	printf("%s%-7s%s %s", style_colour(style, c), word, style_colour(style, COLOUR_PLAIN),
	       check->what);
	if (detail->len > 0)
		printf(": ");
	if (detail->len > 0)
		print_printable(stdout, detail->data);
	if (result < 0)
		printf(" (%s)", unknown ? "it could not be tried out" : strerror(-result));
	putchar('\n');
	if (result <= 0 && !unknown)
		printf("        without it: %s\n        remedy: %s\n", check->without, check->remedy);
}

int verb_check_host(struct ctl *ctl, char **args unused)
{
	struct host host = { .options = &ctl->options };
	cleanup_json json_t *reply = json_pack("{s:[]}", "checks");
	json_t *list = json_object_get(reply, "checks");
	struct utsname kernel;
	int code = CGKILL_EXIT_OK;

	ctl->style = style_detect();
	prepare(&host);
	if (uname(&kernel) == 0 && ctl->options.json == JSON_OFF && !ctl->options.quiet)
		printf("Linux %s, %s\n", kernel.release, kernel.machine);
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		cleanup_buf struct buf detail = BUF_INIT;
		int result = checks[i].probe(&host, &detail);

		if (result <= 0 && checks[i].needed)
			code = CGKILL_EXIT_FAILED;
		if (ctl->options.json != JSON_OFF)
			json_array_append_new(list, answer(&checks[i], result, &detail));
		else if (!ctl->options.quiet || (result <= 0 && checks[i].needed))
			print_answer(&ctl->style, &checks[i], result, &detail);
	}
	clean_up(&host);
	manager_print_json(ctl, reply);
	return code;
}
