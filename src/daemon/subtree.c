/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/subtree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>

#include "daemon/inherit.h"
#include "daemon/lacks.h"
#include "daemon/leaf.h"
#include "daemon/lock.h"
#include "daemon/logs.h"
#include "daemon/oom.h"
#include "sys/pidfd.h"
#include "sys/spawn.h"
#include "util/log.h"
#include "util/strv.h"

#define DEFAULT_NAME "cgkill"

/* An attribute of the root, so that whoever comes after a crash knows that it is to be removed at the end. */
#define MADE_BY_US "cgkill.made"

static int find_hierarchy(struct manager *m)
{
	int r = hierarchy_find(&m->hierarchy, NULL);

	if (r == -ENOENT)
		log_error("no cgroup2 is mounted here: run 'mount -t cgroup2 none /sys/fs/cgroup' "
			  "(or, where cgroup v1 is "
			  "there, on a directory of its own)");
	else if (r < 0)
		log_error("cannot find the cgroup2 mount in /proc/self/mountinfo: %s", strerror(-r));
	else if (m->hierarchy.read_only)
		log_error("the cgroup2 mount at %s is read-only: remount it with 'mount -o "
			  "remount,rw %s', or give the "
			  "container a writable cgroupfs",
			  m->hierarchy.mount_point, m->hierarchy.mount_point);
	return r < 0 ? r : m->hierarchy.read_only ? -EROFS : 0;
}

/* The file path of the root: from what was asked for, else below the cgroup that we were given. */
static int root_path(const struct manager *m, const char *root, const char *given, char **out)
{
	cleanup_free char *cgroup_path = NULL;

	if (root && cgroup_path_is_below(root, m->hierarchy.mount_point)) {
		*out = strdup(root);
		return *out ? 0 : -ENOMEM;
	}
	if (!root && asprintf(&cgroup_path, "%s/" DEFAULT_NAME, streq(given, "/") ? "" : given) < 0)
		return -ENOMEM;
	return hierarchy_file_path(&m->hierarchy, root ? root : cgroup_path, out);
}

/* Perhaps by one of us that crashed. */
static bool was_made_by_us(const struct cg *root)
{
	char value[1];

	return cg_attr_get(root, MADE_BY_US, value, sizeof(value)) == 1;
}

static int open_root(struct manager *m, const char *path)
{
	cleanup_free char *dir_copy = strdup(path), *base_copy = strdup(path);
	const char *name;
	int r;

	if (!dir_copy || !base_copy)
		return -ENOMEM;
	r = cg_open_path(&m->root_parent, dirname(dir_copy));
	if (r < 0)
		return r;
	name = basename(base_copy);
	r = cg_create(&m->root, &m->root_parent, name);
	if (r == 0)
		(void)!cg_attr_set(&m->root, MADE_BY_US, "1", 1); /* at worst a crash leaves it behind */
	else if (r == -EEXIST)
		r = cg_open(&m->root, &m->root_parent, name);
	else
		return r;
	if (r < 0 || !was_made_by_us(&m->root))
		return r;
	m->root_name = strdup(name);
	return m->root_name ? 0 : -ENOMEM;
}

/*
 * The lock is in the subtree itself: two that share it by different mounts or runtime directories see it too. Whoever can open
 * a file can lock it, and keep us from coming back: so it is on one that is not for everybody, where there is one (Linux 5.14;
 * not in the root of all cgroups).
 */
static int lock_root(struct manager *m)
{
	int fd = inherit_take("root-lock"), r;

	if (fd < 0)
		fd = openat(m->root.fd, "cgroup.kill", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		fd = fcntl(m->root.fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return -errno;
	m->root_lock_fd = fd;
	r = lock_take(fd);
	if (r != -EBUSY)
		return r;
	log_error("another cgkilld has the cgroup %s: stop it first, or give this one another with "
		  "--root",
		  m->root.path);
	free(TAKE_PTR(m->root_name)); /* not ours to remove */
	return -EBUSY;
}

static int probe(struct manager *m)
{
	int r = spawn_probe(&m->root, &m->spawn_method);

	/* cgroup_attach_permissions(): clone3 into a cgroup asks for the same as a move there */
	if (r == -EACCES || r == -EPERM)
		log_error("cannot start a process in a cgroup below %s: %s: it takes the right to "
			  "write cgroup.procs there and in the closest cgroup above both that and "
			  "our own: start cgkilld inside the subtree that was given to its user, "
			  "with that file ('chown USER CGROUP CGROUP/cgroup.procs "
			  "CGROUP/cgroup.subtree_control')",
			  m->root.path, strerror(-r));
	else if (r < 0)
		log_error("cannot start a process in a cgroup below %s: %s", m->root.path,
			  strerror(-r));
	else if (m->spawn_method == SPAWN_ATTACH)
		log_notice("clone3 into a cgroup does not work here: starting services by fork and "
			   "cgroup.procs");
	return r;
}

/* Extended attributes, for birth marks: not before Linux 5.7, but for root. */
static bool has_attributes(const struct cg *cg)
{
	return cg_attr_set(cg, "cgkill.probe", "1", 1) == 0 && cg_attr_remove(cg, "cgkill.probe") == 0;
}

/* What we were given is to have no process where services get what it has; a root elsewhere is as who named it wants it. */
static void make_room(struct manager *m, const char *root, const char *given)
{
	if (streq(m->root.path, given))
		leaf_enter(m, &m->root, false);
	else if (!root)
		leaf_enter(m, &m->root_parent, true);
}

/* Without it nobody can be taken over or signalled but our own children: the one thing that there is no way around. */
static int check_pidfds(void)
{
	cleanup_close int fd = pidfd_open_pid(getpid());

	if (fd != -ENOSYS && fd != -EPERM)
		return 0; /* whoever needs one learns of it */
	log_error("cannot use pidfd_open(2): %s: it takes Linux 5.4, and no seccomp filter that "
		  "keeps it from us",
		  strerror(-fd));
	return fd;
}

int subtree_open(struct manager *m, const char *root)
{
	cleanup_free char *path = NULL, *given = NULL;
	int r;

	r = check_pidfds();
	if (r == 0)
		r = find_hierarchy(m);
	if (r == 0)
		r = cgroup_path_of(0, &given);
	if (r != 0)
		return r;
	leaf_find_given(given);
	r = root_path(m, root, given, &path);
	if (r == 0)
		r = open_root(m, path);
	if (r == -EACCES || r == -EPERM)
		log_error("no permission to make the cgroup %s: run cgkilld as root, or give it a "
			  "delegated subtree with --root",
			  path);
	else if (r < 0)
		log_error("cannot use %s as the root of the services' cgroups: %s",
			  path	 ? path
			  : root ? root
				 : DEFAULT_NAME,
			  r == -EXDEV ? "it is not below the cgroup2 mount" : strerror(-r));
	if (r == 0)
		r = lock_root(m);
	if (r < 0)
		return r;
	make_room(m, root, given);
	m->birth_marks = has_attributes(&m->root);
	m->oom_told = oom_is_told(&m->root);
	r = probe(m);
	if (r == 0 && m->listen_fd <= 0) /* an earlier program of ours has told it */
		lacks_tell(m);
	return r;
}

int subtree_list(const struct manager *m, char ***out)
{
	return subtree_children(m, &m->root, out);
}

static bool is_somebodys(const struct manager *m, const struct cg *cg, const char *name)
{
	return !streq(name, ".") && !streq(name, "..") &&
	       !(cg->id == m->root.id && streq(name, LOGS_CGROUP)) &&
	       !(cg->id == m->root.id && m->given == &m->root && streq(name, LEAF_CGROUP));
}

int subtree_children(const struct manager *m, const struct cg *cg, char ***out)
{
	int fd = openat(cg->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char **names = NULL;
	struct dirent *de;
	int r = 0;

	if (!dir) {
		r = -errno;
		close_fd(fd);
		return r;
	}
	while (r == 0 && (de = readdir(dir)))
		if (de->d_type == DT_DIR && is_somebodys(m, cg, de->d_name))
			r = strv_push(&names, de->d_name);
	closedir(dir);
	if (r < 0) {
		strv_free(names);
		return r;
	}
	*out = names;
	return 0;
}

void subtree_close(struct manager *m, bool all_ended)
{
	if (m->root_name && !all_ended)
		(void)unlinkat(m->root_parent.fd, m->root_name, AT_REMOVEDIR);
	else if (m->root_name && cg_remove(&m->root_parent, m->root_name) == -EBUSY)
		log_warning("processes live on below %s", m->root.path);
	free(TAKE_PTR(m->root_name));
	if (all_ended)
		leaf_leave(m);
	cg_close(&m->root);
	cg_close(&m->root_parent);
	hierarchy_deinit(&m->hierarchy);
}
