/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/capabilities.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/vfs.h>

#include "sys/cgfile.h"
#include "sys/cgroup.h"
#include "sys/hierarchy.h"
#include "sys/host.h"
#include "sys/kernel.h"
#include "sys/pidfd.h"
#include "sys/spawn.h"

struct host {
	struct hierarchy hierarchy;
	bool has_hierarchy;
	struct cg parent;  /* to try in; of the caller; not open: none */
	struct cg scratch; /* below it; or the same; not open: none can be made, with this error */
	int error;
	enum spawn_method method; /* once can_start() says yes */
	uint64_t capabilities;	  /* effective ones: 1 << CAP_… */
};

/* ---- probes: 1 yes, 0 no, or a negative errno that says why not; detail says more ---- */

static int has_cgroup2(struct host *h, struct buf *detail)
{
	if (h->has_hierarchy)
		buf_printf(detail, "%s%s", h->hierarchy.mount_point,
			   h->hierarchy.nsdelegate ? ", with nsdelegate" : "");
	return h->has_hierarchy;
}

static int is_writable(struct host *h, struct buf *detail unused)
{
	return h->has_hierarchy && !h->hierarchy.read_only;
}

static int can_make_cgroups(struct host *h, struct buf *detail)
{
	if (cg_is_open(&h->parent))
		buf_printf(detail, "below %s", h->parent.path);
	return cg_is_open(&h->scratch) ? 1 : h->error;
}

static int can_start(struct host *h, struct buf *detail unused)
{
	int r = cg_is_open(&h->scratch) ? spawn_probe(&h->parent, &h->method) : -ENODATA;

	return r == 0 ? 1 : r;
}

static int has_file(const struct host *h, const char *name)
{
	return cg_is_open(&h->scratch) ? faccessat(h->scratch.fd, name, F_OK, 0) == 0 : -ENODATA;
}

static int has_kill(struct host *h, struct buf *detail unused)
{
	return has_file(h, "cgroup.kill");
}

static int has_freeze(struct host *h, struct buf *detail unused)
{
	return has_file(h, "cgroup.freeze");
}

static int has_attributes(struct host *h, struct buf *detail unused)
{
	if (!cg_is_open(&h->scratch))
		return -ENODATA;
	return cg_attr_set(&h->scratch, "cgkill.probe", "1", 1) == 0 &&
	       cg_attr_remove(&h->scratch, "cgkill.probe") == 0;
}

/* Those that limits are made of; detail: which of all there are. */
static int has_controllers(struct host *h, struct buf *detail)
{
	static const char *const wanted[] = { " cpu ", " io ", " memory ", " pids " };
	char text[256] = " ";
	ssize_t n = -ENODATA;

	if (cg_is_open(&h->parent))
		n = cgfile_text(h->parent.fd, "cgroup.controllers", text + 1, sizeof(text) - 1);
	if (n <= 0)
		return (int)n;
	buf_printf(detail, "there is%.*s", (int)n, text);
	text[n] = ' '; /* for its newline */
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!strstr(text, wanted[i]))
			return 0;
	return 1;
}

static int are_born_there(struct host *h, struct buf *detail unused)
{
	return h->method == 0 ? -ENODATA : h->method == SPAWN_CLONE3;
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

static int has_proc(struct host *h unused, struct buf *detail unused)
{
	return access("/proc/self/cgroup", R_OK) == 0;
}

/* As a user without CAP_SYS_PTRACE, hidepid= hides all processes of others, of which PID 1 is one. */
static int shows_others(struct host *h unused, struct buf *detail unused)
{
	return access("/proc/1/status", R_OK) == 0;
}

static int shows_host(struct host *h unused, struct buf *detail unused)
{
	return access("/proc/sys/kernel/random/boot_id", R_OK) == 0;
}

/* Also its own: proc_pid_stack() asks for CAP_SYS_ADMIN. */
static int shows_stacks(struct host *h unused, struct buf *detail unused)
{
	cleanup_close int fd = open("/proc/self/stack", O_RDONLY | O_CLOEXEC);
	char c;

	return fd >= 0 && read(fd, &c, 1) >= 0;
}

static int has_capabilities(const struct host *h, uint64_t mask)
{
	return (h->capabilities & mask) == mask;
}

static int can_change_user(struct host *h, struct buf *detail)
{
	const uint64_t mask = UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETGID;

	buf_printf(detail, "we are uid %u%s", (unsigned)geteuid(),
		   host_in_initial_user_namespace() ? "" : " of a user namespace");
	return has_capabilities(h, mask);
}

static int can_mount(struct host *h, struct buf *detail unused)
{
	return has_capabilities(h, UINT64_C(1) << CAP_SYS_ADMIN);
}

/* The kernel asks for them in the initial user namespace: oom_score_adj_write(), set_one_prio_perm(). */
static int can_raise(struct host *h, struct buf *detail unused)
{
	const uint64_t mask = UINT64_C(1) << CAP_SYS_RESOURCE | UINT64_C(1) << CAP_SYS_NICE;

	return has_capabilities(h, mask) && host_in_initial_user_namespace();
}

/* The kernel ignores a message this short; where it has no connector, outside the initial network, nobody is there to. */
static int hears_of_processes(struct host *h, struct buf *detail unused)
{
	const struct nlmsghdr empty = { .nlmsg_len = NLMSG_HDRLEN };
	cleanup_close int fd = -1;

	if (!has_capabilities(h, UINT64_C(1) << CAP_NET_ADMIN) ||
	    !host_in_initial_user_namespace() || !host_in_initial_pid_namespace())
		return 0;
	fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR);
	return fd >= 0 && send(fd, &empty, sizeof(empty), 0) >= 0;
}

static const struct check {
	struct capability capability;
	int (*probe)(struct host *h, struct buf *detail);
} checks[] = {
	{ { "cgroup v2 is mounted", CAPABILITY_NEEDED, "there is nothing to work with",
	    "mount -t cgroup2 none /sys/fs/cgroup, or have the container runtime do it" },
	  has_cgroup2 },
	{ { "it is writable", CAPABILITY_NEEDED, "no cgroup can be made or killed",
	    "mount it read-write: podman run --security-opt unmask=/sys/fs/cgroup, docker run "
	    "--security-opt writable-cgroups=true (from version 28 on) or --privileged" },
	  is_writable },
	{ { "cgroups can be made", CAPABILITY_NEEDED, "no service and no command gets a cgroup of its own",
	    "be root, or use a delegated subtree: --parent=CGROUP here, --root=CGROUP of cgkilld; "
	    "systemd-run --user --scope -p Delegate=yes gives one" },
	  can_make_cgroups },
	{ { "processes can be started in them", CAPABILITY_NEEDED, "no service and no command can be started",
	    "start cgkilld inside the subtree that was delegated, of which cgroup.procs is ours, "
	    "too: nobody is moved across its border" },
	  can_start },
	{ { "pidfd_open (Linux 5.3)", CAPABILITY_NEEDED,
	    "no process can be signalled without the risk that it is another",
	    "a newer kernel; a seccomp filter that lets it through" },
	  has_pidfd },
	{ { "/proc shows processes", CAPABILITY_NEEDED, "it cannot be told who is in a cgroup",
	    "mount -t proc proc /proc, in our PID namespace" },
	  has_proc },
	{ { "cgroup.kill (Linux 5.14)", CAPABILITY_LOSS,
	    "a kill freezes the cgroup and signals each process: slower, and as final", "a newer kernel" },
	  has_kill },
	{ { "cgroup.freeze (Linux 5.2)", CAPABILITY_LOSS,
	    "what forks faster than it is killed may outrun a kill", "a newer kernel" },
	  has_freeze },
	{ { "attributes of cgroups (Linux 5.7)", CAPABILITY_LOSS,
	    "a service that was just being started when cgkilld crashed may be started twice",
	    "a newer kernel, or CAP_SYS_ADMIN" },
	  has_attributes },
	{ { "controllers cpu, io, memory, pids",
	    CAPABILITY_LOSS, "limits of those that are missing (CPUQuota=, IOWeight=, MemoryMax=, TasksMax=) only warn",
	    "boot with cgroup_no_v1=all; enable them in cgroup.subtree_control above, which "
	    "Delegate=yes of systemd's unit does" },
	  has_controllers },
	{ { "CAP_SETUID and CAP_SETGID", CAPABILITY_LOSS,
	    "no User=, Group=, DynamicUser=, AmbientCapabilities= but our own", "be root" },
	  can_change_user },
	{ { "CAP_SYS_ADMIN", CAPABILITY_LOSS,
	    "no mounts and namespaces: ProtectSystem=, PrivateTmp= and their like only warn",
	    "be root; in a container, have this capability added" },
	  can_mount },
	{ { "CAP_SYS_RESOURCE and CAP_SYS_NICE", CAPABILITY_LOSS,
	    "no OOMScoreAdjust=, Nice=, Limit…= beyond our own",
	    "be root, outside of user namespaces; in a container, have these capabilities added" },
	  can_raise },
	{ { "events of processes", CAPABILITY_LOSS, "no EscapePolicy=",
	    "be root, with CAP_NET_ADMIN, in the network and the PID namespace of the host" },
	  hears_of_processes },
	{ { "/proc shows processes of others", CAPABILITY_LOSS,
	    "nothing can be told of who is of another user, in ps, status and explain",
	    "mount /proc without hidepid=, or with gid= for our group" },
	  shows_others },
	{ { "/proc shows the host", CAPABILITY_LOSS,
	    "no conditions and specifiers about it (%b, ConditionKernelCommandLine=), and what "
	    "was recorded before a boot is believed after it",
	    "mount /proc without subset=pid" },
	  shows_host },
	{ { "processes are born in their cgroup (clone3, Linux 5.7)", CAPABILITY_SPEED,
	    "a process moves itself there first, which takes a lock of the whole kernel",
	    "a newer kernel; a seccomp filter that lets clone3 through; a subtree that was never "
	    "killed" },
	  are_born_there },
	{ { "processes have numbers that are never used again (pidfs, Linux 6.9)", CAPABILITY_SPEED,
	    "they are told apart by their start times", "a newer kernel" },
	  has_pidfs },
	{ { "membership by pidfd (PIDFD_GET_INFO, Linux 6.13)", CAPABILITY_SPEED,
	    "it is read from /proc, some 20 microseconds a process", "a newer kernel" },
	  has_pidfd_info },
	{ { "exit statuses are kept (PIDFD_INFO_EXIT, Linux 6.15)", CAPABILITY_SPEED,
	    "that of a process that is not our child, and was reaped, may stay unknown",
	    "a newer kernel, or cgkilld --guard" },
	  keeps_exit_status },
	{ { "/proc shows what the kernel does", CAPABILITY_SPEED,
	    "survivors are explained without their stacks", "be root, with CAP_SYS_ADMIN" },
	  shows_stacks },
};

/* ---- all of them ---- */

static uint64_t effective_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	if (syscall(SYS_capget, &header, data) < 0)
		return 0;
	return (uint64_t)data[1].effective << 32 | data[0].effective;
}

static void prepare(struct host *h, unsigned weights, char name[static 32])
{
	int fd = h->parent.fd;

	h->has_hierarchy = hierarchy_find(&h->hierarchy, NULL) == 0;
	h->capabilities = effective_capabilities();
	snprintf(name, 32, "cgkill-check.%d", (int)getpid());
	if (fd >= 0 && weights & CAPABILITY_NEEDED)
		h->error = cg_create(&h->scratch, &h->parent, name);
	else if (fd >= 0)
		h->scratch.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

void capabilities_each(int cgroup, const char *path, unsigned weights, capability_fn fn, void *arg)
{
	struct host host = { .parent = { .fd = cgroup, .path = strdupa(path) }, .scratch = CG_INIT };
	char name[32];

	prepare(&host, weights, name);
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		cleanup_buf struct buf detail = BUF_INIT;

		if (checks[i].capability.weight & weights)
			fn(&checks[i].capability, checks[i].probe(&host, &detail), &detail, arg);
	}
	if (cg_is_open(&host.parent) && weights & CAPABILITY_NEEDED)
		(void)!cg_remove(&host.parent, name);
	cg_close(&host.scratch);
	if (host.has_hierarchy)
		hierarchy_deinit(&host.hierarchy);
}
