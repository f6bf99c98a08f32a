/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mount namespace of a service. The sources of binds are taken hold of before anything hides them, and attributes come
 * last, from what is mounted by then: as it is with submounts that nobody has thought of, and nothing is read-only too early.
 */
#include "core/mountplan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "core/sandbox.h"
#include "exec/child.h"
#include "util/buf.h"

struct view {
	const struct child *c;
	struct mount_plan plan;
	int proc;	 /* the host's /proc, wherever our root is, and whatever hides it */
	int runtime_dir; /* where something can be mounted for a moment */
};

/* ---- what the host refuses ---- */

static void refused(const struct view *v, const struct mount_step *s, int error)
{
	if (s->insist)
		child_fail_at(v->c, STEP_NAMESPACE, error, s->path);
	child_protection_refused(v->c, STEP_NAMESPACE, error, s->directive);
}

/* No mount namespace at all. systemd goes on likewise, unless there is what is no protection. */
static void refused_all(const struct child *c, int error)
{
	const struct sandbox *s = c->x->unit->sandbox;
	const char *directive;

	for (size_t i = 0; i < s->n_paths; i++)
		if (s->paths[i].list >= SANDBOX_BIND)
			child_fail_at(c, STEP_NAMESPACE, error, sandbox_list_name(s->paths[i].list));
	for (size_t i = 0; (directive = sandbox_next_directive(s, &i));)
		child_protection_refused(c, STEP_NAMESPACE, error, directive);
	if (s->root_directory) /* enter_root(): root finds its way out of a plain chroot */
		child_protection_refused(c, STEP_NAMESPACE, error, "RootDirectory=");
}

/* Nothing that is mounted from now on is seen by anybody else: mount_namespaces(7). */
static int enter(const struct sandbox *s)
{
	static const unsigned long flags[] = {
		[MOUNT_FLAGS_UNSET] = MS_SLAVE,
		[MOUNT_FLAGS_SHARED] = MS_SHARED,
		[MOUNT_FLAGS_SLAVE] = MS_SLAVE,
		[MOUNT_FLAGS_PRIVATE] = MS_PRIVATE,
	};

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0 ||
	    mount(NULL, "/", NULL, flags[s->mount_flags] | MS_REC, NULL) < 0)
		return -errno;
	return 0;
}

/* ---- before anything is mounted ---- */

/* Units take for granted what every host with systemd has; without it nobody would hear what is sent there. */
static bool is_made_by_journald(const char *path)
{
	static const char own[] = "/run/systemd/journal/";

	return streq(path, "/dev/log") || strncmp(path, own, sizeof(own) - 1) == 0;
}

static void hold_sources(struct view *v)
{
	for (size_t i = 0; i < v->plan.n;) {
		struct mount_step *s = &v->plan.v[i];

		if (s->kind == MOUNT_BIND)
			s->tree = open_tree(AT_FDCWD, s->source,
					    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
						    (s->recursive ? AT_RECURSIVE : 0));
		if (s->kind != MOUNT_BIND || s->tree >= 0) {
			i++;
			continue;
		}
		if (errno == ENOENT && is_made_by_journald(s->source))
			child_warn(v->c, STEP_NAMESPACE, ENOENT, s->source);
		else if (errno == ENOENT && !s->optional)
			child_fail_at(v->c, STEP_NAMESPACE, ENOENT, s->source);
		else if (errno != ENOENT)
			refused(v, s, errno);
		mount_plan_drop(&v->plan, i);
	}
}

static void enter_root(const struct child *c)
{
	const char *root = c->x->unit->sandbox->root_directory;

	if (root && (chroot(root) < 0 || chdir("/") < 0))
		child_fail_at(c, STEP_CHROOT, errno, root);
}

static void resolve_paths(struct view *v)
{
	for (size_t i = 0; i < v->plan.n;) {
		struct mount_step *s = &v->plan.v[i];
		char *real = realpath(s->path, NULL);

		if (!real && !(errno == ENOENT && (s->makes_path || s->optional)))
			child_fail_at(v->c, STEP_NAMESPACE, errno, s->path);
		if (!real && !s->makes_path) {
			mount_plan_drop(&v->plan, i);
			continue;
		}
		if (real) {
			free(s->path);
			s->path = real;
		}
		i++;
	}
}

int mounts_make_tmpfs(unsigned attributes)
{
	cleanup_close int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "size", "4m", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = fsmount(fs, FSMOUNT_CLOEXEC, attributes);
	return fd < 0 ? -errno : fd;
}

static int attach(int tree, int at, const char *path)
{
	return move_mount(tree, "", at, path,
			  MOVE_MOUNT_F_EMPTY_PATH | (*path ? 0 : MOVE_MOUNT_T_EMPTY_PATH)) < 0
		       ? -errno
		       : 0;
}

/* What InaccessiblePaths= shows: a mode that lets nobody in, and for root, whom that does not stop, nothing to see or write. */
static int make_blanks(const struct view *v)
{
	cleanup_close int fd =
		mounts_make_tmpfs(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	struct mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY };
	int r;

	if (fd < 0)
		return fd;
	if (mkdirat(fd, "directory", 0) < 0 || mknodat(fd, "file", S_IFREG, 0) < 0 ||
	    mount_setattr(fd, "", AT_EMPTY_PATH, &read_only, sizeof(read_only)) < 0)
		return -errno;
	r = attach(fd, v->runtime_dir, ""); /* what is not mounted cannot be cloned: Linux before 6.15 */
	return r < 0 ? r : TAKE_FD(fd);
}

/* Each has a clone of one of the two; the two are gone from where they were mounted in between. */
static void hold_blanks(struct view *v)
{
	cleanup_close int blanks = -1;

	for (size_t i = 0; i < v->plan.n; i++) {
		struct mount_step *s = &v->plan.v[i];
		struct stat st;

		if (s->kind != MOUNT_INACCESSIBLE)
			continue;
		if (lstat(s->path, &st) < 0)
			st.st_mode = S_IFREG;
		if (blanks < 0)
			blanks = make_blanks(v);
		if (blanks >= 0)
			s->tree = open_tree(blanks, S_ISDIR(st.st_mode) ? "directory" : "file",
					    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		if (s->tree < 0)
			refused(v, s, blanks < 0 ? blanks : errno);
	}
	if (blanks >= 0 && (fchdir(blanks) < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0))
		child_fail_at(v->c, STEP_NAMESPACE, errno, "InaccessiblePaths=");
}

/* ---- mounting ---- */

static bool is_mount(const char *path)
{
	struct statx st;

	return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &st) == 0 &&
	       st.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

/* A place for a directory, or for a file. */
static void make_place(const char *path, bool is_directory)
{
	cleanup_free char *copy = strdup(path);

	for (char *slash = copy; slash && (slash = strchr(slash + 1, '/')); *slash = '/') {
		*slash = '\0';
		(void)!mkdir(copy, 0755);
	}
	if (is_directory)
		(void)!mkdir(path, 0755);
	else
		(void)!mknod(path, S_IFREG | 0644, 0);
}

static bool is_directory(const struct mount_step *s)
{
	struct stat st;

	return s->tree < 0 || fstat(s->tree, &st) < 0 || S_ISDIR(st.st_mode);
}

static int result(int r)
{
	return r < 0 ? -errno : 0;
}

static int apply(const struct mount_step *s)
{
	switch (s->kind) {
	case MOUNT_INACCESSIBLE:
	case MOUNT_BIND:
		return s->tree < 0 ? 0 /* told before */ : attach(s->tree, AT_FDCWD, s->path);
	case MOUNT_TMPFS:
		return result(mount("tmpfs", s->path, "tmpfs", s->flags, s->options));
	case MOUNT_PROC:
		return result(mount("proc", s->path, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
				    s->options));
	case MOUNT_MQUEUE:
		return result(mount("mqueue", s->path, "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
	case MOUNT_DEV:
		return devices_mount(s->path);
	case MOUNT_ITSELF:
		break;
	}
	if (is_mount(s->path) || streq(s->path, "/"))
		return 0;
	return result(mount(s->path, s->path, NULL, MS_BIND | MS_REC, NULL));
}

static void mount_all(const struct view *v)
{
	for (size_t i = 0; i < v->plan.n; i++) {
		const struct mount_step *s = &v->plan.v[i];
		int r;

		if (s->makes_path && access(s->path, F_OK) < 0)
			make_place(s->path, is_directory(s));
		r = apply(s);
		/* What was there is hidden by what contains it. */
		if (r < 0 && !(r == -ENOENT && !s->insist && access(s->path, F_OK) < 0))
			refused(v, s, r);
	}
}

/* ---- attributes ---- */

static const struct {
	const char *word;
	unsigned long flag;
} options[] = {
	{ "ro", MS_RDONLY },	     { "nosuid", MS_NOSUID },	{ "nodev", MS_NODEV },
	{ "noexec", MS_NOEXEC },     { "noatime", MS_NOATIME }, { "nodiratime", MS_NODIRATIME },
	{ "relatime", MS_RELATIME },
};

/* The sixth field of proc_pid_mountinfo(5). */
static unsigned long read_options(char *text)
{
	unsigned long flags = 0;
	char *word;

	while ((word = strsep(&text, ",")))
		for (size_t i = 0; i < ARRAY_SIZE(options); i++)
			if (streq(word, options[i].word))
				flags |= options[i].flag;
	return flags;
}

/* Space, tab, newline, backslash and '#' come as \\ooo. In place. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] && s[2] && s[3]) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static int set_flags(const char *path, unsigned long old, unsigned long new)
{
	struct mount_attr attr = {
		.attr_set = (new &MS_RDONLY ? MOUNT_ATTR_RDONLY : 0) |
			    (new &MS_NOEXEC ? MOUNT_ATTR_NOEXEC : 0),
		.attr_clr = old & MS_NOEXEC && !(new &MS_NOEXEC) ? MOUNT_ATTR_NOEXEC : 0,
	};

	if (mount_setattr(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, &attr, sizeof(attr)) == 0)
		return 0;
	if (errno == ENOSYS) /* Linux before 5.12 */
		return result(mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | new, NULL));
	return -errno;
}

static void set_attributes(const struct view *v, const char *path, unsigned long old)
{
	const char *directive = "NoExecPaths=";
	enum mount_exec exec = mount_plan_exec(&v->plan, path);
	unsigned long new = old;
	int r;

	if (mount_plan_access(&v->plan, path, &directive) == ACCESS_READ_ONLY)
		new |= MS_RDONLY;
	if (exec == EXEC_NO)
		new |= MS_NOEXEC;
	if (exec == EXEC_YES)
		new &= ~(unsigned long)MS_NOEXEC;
	if (new == old)
		return;
	r = set_flags(path, old, new);
	if (r < 0 && is_mount(path)) /* else something else hides it */
		child_protection_refused(v->c, STEP_NAMESPACE, r, directive);
}

static void set_all_attributes(const struct view *v, FILE *mountinfo)
{
	const char *directive = NULL;
	cleanup_free char *line = NULL;
	bool seen_root = false;
	size_t cap = 0;

	while (getline(&line, &cap, mountinfo) > 0) {
		char *rest = line, *path = NULL, *opts = NULL;

		for (int field = 0; field < 5; field++)
			path = strsep(&rest, " ");
		opts = strsep(&rest, " ");
		if (!path || !opts)
			continue;
		unescape(path);
		seen_root = seen_root || streq(path, "/");
		set_attributes(v, path, read_options(opts));
	}
	/* In somebody's chroot nothing is mounted at the root. */
	if (!seen_root && mount_plan_access(&v->plan, "/", &directive) == ACCESS_READ_ONLY)
		child_protection_refused(v->c, STEP_NAMESPACE, EINVAL, directive);
}

/* ---- all of it ---- */

/* Its root is where we are by now, so that its paths are ours; what it says is of the moment when it is read. */
static FILE *open_mountinfo(const struct view *v)
{
	int fd = openat(v->proc, "self/mountinfo", O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	if (!f)
		child_fail_at(v->c, STEP_NAMESPACE, errno, "/proc/self/mountinfo");
	return f;
}

static void build(struct view *v, const struct private_tmp *tmp)
{
	const struct exec_context *x = v->c->x;
	const char *root = x->unit->sandbox->root_directory;
	cleanup_free char *notify_dir = x->notify_socket ? strdup(x->notify_socket) : NULL;
	FILE *mountinfo;

	if (notify_dir)
		*strrchr(notify_dir, '/') = '\0';
	if ((x->notify_socket && !notify_dir) ||
	    mount_plan_make(&v->plan, x->unit, x->host, tmp, notify_dir) < 0)
		child_fail(v->c, STEP_MEMORY, ENOMEM);
	hold_sources(v);
	v->proc = open("/proc", O_PATH | O_CLOEXEC);
	v->runtime_dir = open(x->runtime_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root && mount(root, root, NULL, MS_BIND | MS_REC, NULL) < 0)
		child_fail_at(v->c, STEP_NAMESPACE, errno, root);
	enter_root(v->c);
	mountinfo = open_mountinfo(v);
	resolve_paths(v);
	mount_plan_settle(&v->plan);
	hold_blanks(v);
	mount_all(v);
	set_all_attributes(v, mountinfo);
	fclose(mountinfo);
	mount_plan_deinit(&v->plan);
	close_fd(v->proc);
	close_fd(v->runtime_dir);
}

void child_set_up_mounts(const struct child *c)
{
	const struct sandbox *s = c->x->unit->sandbox;
	struct view v = { .c = c, .plan = MOUNT_PLAN_INIT, .proc = -1, .runtime_dir = -1 };
	struct private_tmp tmp = { NULL, NULL };
	mode_t mask;
	int r;

	if (!s || c->x->command->privileged || (!sandbox_needs_mounts(s) && !s->root_directory))
		return;
	r = enter(s);
	if (r < 0) {
		refused_all(c, r);
		enter_root(c);
		return;
	}
	mask = umask(0);
	private_tmp_make(c, &tmp);
	build(&v, &tmp);
	free(tmp.tmp);
	free(tmp.var_tmp);
	umask(mask);
}
