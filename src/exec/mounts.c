/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mount namespace of a service. The sources of binds are taken hold of before anything hides them, and attributes come
 * last, from what is mounted by then: as it is with submounts that nobody has thought of, and nothing is read-only too early.
 * Each place is taken hold of before something happens there, and never by a symlink that a service, or another user, can
 * have made: who has put one there would else choose what is shown to the next run, what is hidden, and what root makes.
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
#include "sys/beneath.h"
#include "sys/kernel.h"
#include "util/buf.h"
#include "util/compat.h"

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

/* ---- places ---- */

static int open_place(const char *path)
{
	cleanup_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return root < 0 ? -errno : beneath_open(root, path + 1);
}

/* Where what is at a path is mounted once more; *tree: not attached to anything. 0 or -errno. */
static int clone_tree(int place, bool recursive, int *tree)
{
	*tree = open_tree(place, "",
			  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH |
				  (recursive ? AT_RECURSIVE : 0));
	return *tree < 0 ? -errno : 0;
}

static int attach(int tree, int place)
{
	return move_mount(tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0
		       ? -errno
		       : 0;
}

/* ---- before anything is mounted ---- */

/* Units take for granted what every host with systemd has; without it nobody would hear what is sent there. */
static bool is_made_by_journald(const char *path)
{
	static const char own[] = "/run/systemd/journal/";

	return streq(path, "/dev/log") || strncmp(path, own, sizeof(own) - 1) == 0;
}

static int hold_source(struct mount_step *s)
{
	cleanup_close int place = open_place(s->source);

	return place < 0 ? place : clone_tree(place, s->recursive, &s->tree);
}

static void hold_sources(struct view *v)
{
	for (size_t i = 0; i < v->plan.n;) {
		struct mount_step *s = &v->plan.v[i];
		int r = s->kind == MOUNT_BIND ? hold_source(s) : 0;

		if (r == 0) {
			i++;
			continue;
		}
		if (r == -ENOENT && is_made_by_journald(s->source))
			child_warn(v->c, STEP_NAMESPACE, ENOENT, s->source);
		else if ((r == -ENOENT && !s->optional) || (r != -ENOENT && s->insist))
			child_fail_at(v->c, STEP_NAMESPACE, r, s->source);
		else if (r != -ENOENT)
			refused(v, s, r);
		mount_plan_drop(&v->plan, i);
	}
}

static void enter_root(const struct child *c, int root)
{
	if (fchdir(root) < 0 || chroot(".") < 0 || chdir("/") < 0)
		child_fail_at(c, STEP_CHROOT, errno, c->x->unit->sandbox->root_directory);
}

static int open_root(const struct child *c)
{
	const char *path = c->x->unit->sandbox->root_directory;
	int root = open_place(path);

	if (root < 0)
		child_fail_at(c, STEP_CHROOT, root, path);
	return root;
}

/* As something mounted, so that it has attributes; of which what is mounted in the namespace is a part. */
static void mount_root(const struct child *c)
{
	cleanup_close int place = open_root(c), tree = -1;
	int r = clone_tree(place, true, &tree);

	if (r == 0)
		r = attach(tree, place);
	if (r < 0)
		child_fail_at(c, STEP_NAMESPACE, r, c->x->unit->sandbox->root_directory);
	enter_root(c, tree);
}

static int resolve(const struct view *v, const char *path, char real[static PATH_MAX])
{
	cleanup_close int place = open_place(path);
	char link[32];
	ssize_t n;

	if (place < 0)
		return place;
	snprintf(link, sizeof(link), "self/fd/%d", place);
	n = readlinkat(v->proc, link, real, PATH_MAX - 1);
	if (n < 0)
		return -errno;
	real[n] = '\0';
	return 0;
}

/* What is below something that is yet to be mounted is no matter of what is there now. */
static int resolve_step(const struct view *v, size_t i, char **out)
{
	const struct mount_step *s = &v->plan.v[i], *cover = mount_plan_cover(&v->plan, i);
	char real[PATH_MAX];
	int r = resolve(v, cover ? cover->path : s->path, real);

	if (r == -ENOENT && (cover || s->makes_path))
		*out = strdup(s->path);
	else if (r < 0)
		return r;
	else if (asprintf(out, "%s%s", cover && streq(real, "/") ? "" : real,
			  cover ? path_below(s->path, cover->path) : "") < 0)
		*out = NULL;
	return *out ? 0 : -ENOMEM;
}

static void resolve_paths(struct view *v)
{
	size_t n = v->plan.n;
	char **real = calloc(n + 1, sizeof(*real));

	if (!real)
		child_fail(v->c, STEP_MEMORY, ENOMEM);
	for (size_t i = 0; i < n; i++) {
		const struct mount_step *s = &v->plan.v[i];
		int r = resolve_step(v, i, &real[i]);

		if (r < 0 && !s->optional)
			child_fail_at(v->c, STEP_NAMESPACE, r, s->path);
		if (r < 0 && r != -ENOENT)
			refused(v, s, r);
	}
	while (n-- > 0)
		if (real[n]) {
			free(v->plan.v[n].path);
			v->plan.v[n].path = real[n];
		} else {
			mount_plan_drop(&v->plan, n);
		}
	free(real);
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
	r = attach(fd, v->runtime_dir); /* what is not mounted cannot be cloned: Linux before 6.15 */
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

static bool is_directory(const struct mount_step *s)
{
	struct stat st;

	return s->tree < 0 || fstat(s->tree, &st) < 0 || S_ISDIR(st.st_mode);
}

/* A place for a directory, or for a file. */
static int make_place(const struct mount_step *s)
{
	const char *name = "";
	cleanup_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int parent = root < 0 ? -errno : beneath_parent(root, s->path + 1, true, &name);

	if (parent < 0)
		return parent;
	if ((is_directory(s) ? mkdirat(parent, name, 0755)
			     : mknodat(parent, name, S_IFREG | 0644, 0)) < 0 &&
	    errno != EEXIST)
		return -errno;
	return open_place(s->path);
}

static int mount_new(int place, const char *type, unsigned long flags, const char *options)
{
	if (fchdir(place) < 0 || mount(type, ".", type, flags, options) < 0)
		return -errno;
	return chdir("/") < 0 ? -errno : 0;
}

static int mount_itself(int place)
{
	cleanup_close int tree = -1;
	int r;

	if (beneath_is_mount(place))
		return 0;
	r = clone_tree(place, true, &tree);
	return r < 0 ? r : attach(tree, place);
}

static int apply(const struct mount_step *s, int place)
{
	static const unsigned long nothing = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	switch (s->kind) {
	case MOUNT_INACCESSIBLE:
	case MOUNT_BIND:
		return s->tree < 0 ? 0 /* told before */ : attach(s->tree, place);
	case MOUNT_TMPFS:
		return mount_new(place, "tmpfs", s->flags, s->options);
	case MOUNT_PROC:
		return mount_new(place, "proc", nothing, s->options);
	case MOUNT_MQUEUE:
		return mount_new(place, "mqueue", nothing, NULL);
	case MOUNT_DEV:
		return devices_mount(place);
	case MOUNT_ITSELF:
		break;
	}
	return streq(s->path, "/") ? 0 : mount_itself(place);
}

/* What is mounted at the root is above it, where only ".." leads: follow_dotdot() in fs/namei.c. */
static int enter_top(void)
{
	return chroot("/..") < 0 || chdir("/") < 0 ? -errno : 0;
}

static void mount_all(const struct view *v)
{
	for (size_t i = 0; i < v->plan.n; i++) {
		const struct mount_step *s = &v->plan.v[i];
		cleanup_close int place = open_place(s->path);
		int r;

		if (place == -ENOENT && s->makes_path)
			place = make_place(s);
		r = place < 0 ? place : apply(s, place);
		if (r == 0 && streq(s->path, "/") && (s->kind == MOUNT_TMPFS || s->kind == MOUNT_BIND))
			r = enter_top();
		/* What was there is hidden by what contains it. */
		if (r < 0 && !(r == -ENOENT && !s->insist))
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

static int result(int r)
{
	return r < 0 ? -errno : 0;
}

/* mountinfo tells paths without symlinks: one that is there by now is somebody's trick. */
static int set_flags(const char *path, unsigned long old, unsigned long new)
{
	struct mount_attr attr = {
		.attr_set = (new &MS_RDONLY ? MOUNT_ATTR_RDONLY : 0) |
			    (new &MS_NOEXEC ? MOUNT_ATTR_NOEXEC : 0),
		.attr_clr = old & MS_NOEXEC && !(new &MS_NOEXEC) ? MOUNT_ATTR_NOEXEC : 0,
	};

	cleanup_close int fd =
		kernel_openat2(AT_FDCWD, path, O_PATH | O_NOFOLLOW | O_CLOEXEC, RESOLVE_NO_SYMLINKS);

	if (fd < 0)
		return fd;
	if (mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0)
		return 0;
	if (errno == ENOSYS) /* Linux before 5.12 */
		return result(mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | new, NULL));
	return -errno;
}

static bool is_mount(const char *path)
{
	struct statx st;

	return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &st) == 0 &&
	       st.stx_attributes & STATX_ATTR_MOUNT_ROOT;
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
	if (r == -ELOOP || (r < 0 && is_mount(path))) /* else something else hides it */
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
	if (x->unit->sandbox->root_directory)
		mount_root(v->c);
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
		if (s->root_directory)
			enter_root(c, open_root(c)); /* the descriptor ends with execve */
		return;
	}
	mask = umask(0);
	private_tmp_make(c, &tmp);
	build(&v, &tmp);
	free(tmp.tmp);
	free(tmp.var_tmp);
	umask(mask);
}
