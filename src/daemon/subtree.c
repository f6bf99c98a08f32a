/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/subtree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/file.h>

#include "sys/spawn.h"
#include "util/log.h"

#define DEFAULT_NAME "cgkill"

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

/* The file path of the root: from what was asked for, else below our own cgroup. */
static int root_path(const struct manager *m, const char *root, char **out)
{
	cleanup_free char *own = NULL, *cgroup_path = NULL;
	int r;

	if (root && cgroup_path_is_below(root, m->hierarchy.mount_point)) {
		*out = strdup(root);
		return *out ? 0 : -ENOMEM;
	}
	if (!root) {
		r = cgroup_path_of(0, &own);
		if (r < 0)
			return r;
		if (asprintf(&cgroup_path, "%s/" DEFAULT_NAME, streq(own, "/") ? "" : own) < 0)
			return -ENOMEM;
	}
	return hierarchy_file_path(&m->hierarchy, root ? root : cgroup_path, out);
}

static int open_root(struct manager *m, const char *path)
{
	cleanup_free char *dir_copy = strdup(path), *base_copy = strdup(path);
	const char *name;
	int r;

	if (!dir_copy || !base_copy)
		return -ENOMEM;
	r = cg_open_path(&m->root_parent, &m->hierarchy, dirname(dir_copy));
	if (r < 0)
		return r;
	name = basename(base_copy);
	r = cg_create(&m->root, &m->root_parent, name);
	if (r == -EEXIST)
		return cg_open(&m->root, &m->root_parent, name);
	if (r < 0)
		return r;
	m->root_name = strdup(name);
	return m->root_name ? 0 : -ENOMEM;
}

/* The lock is on the directory itself: two that share a subtree by different mounts or runtime directories see it too. */
static int lock_root(struct manager *m)
{
	if (flock(m->root.fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return -errno;
	log_error("another cgkilld has the cgroup %s: stop it first, or give this one another with "
		  "--root",
		  m->root.path);
	free(TAKE_PTR(m->root_name)); /* not ours to remove */
	return -EBUSY;
}

/* Cgroups that an earlier cgkilld left: the empty ones go, the others are named. */
static void clear_leftovers(struct manager *m)
{
	int fd = openat(m->root.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	if (!dir) {
		close_fd(fd);
		return;
	}
	while ((de = readdir(dir))) {
		if (de->d_type != DT_DIR || de->d_name[0] == '.')
			continue;
		if (cg_remove(&m->root, de->d_name) != -EBUSY)
			continue;
		log_warning("processes live in %s/%s since an earlier run: 'cgkillctl status %s' "
			    "names them",
			    m->root.path, de->d_name, de->d_name);
		/* A service that is known is watched: its cgroup goes when they go. */
		if (unit_name_valid(de->d_name) && !manager_get(m, de->d_name))
			log_error("%s: out of memory", de->d_name);
	}
	closedir(dir);
}

static int probe(struct manager *m)
{
	int r = spawn_probe(&m->root, &m->spawn_method);

	if (r < 0)
		log_error("cannot start a process in a cgroup below %s: %s", m->root.path,
			  strerror(-r));
	else if (m->spawn_method == SPAWN_ATTACH)
		log_notice("clone3 into a cgroup does not work here: starting services by fork and "
			   "cgroup.procs");
	return r;
}

int subtree_open(struct manager *m, const char *root)
{
	cleanup_free char *path = NULL;
	int r;

	r = find_hierarchy(m);
	if (r < 0)
		return r;
	r = root_path(m, root, &path);
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
	clear_leftovers(m);
	return probe(m);
}

void subtree_close(struct manager *m)
{
	cg_close(&m->root);
	if (m->root_name && cg_remove(&m->root_parent, m->root_name) == -EBUSY)
		log_warning("processes live on below %s/%s", m->root_parent.path, m->root_name);
	free(TAKE_PTR(m->root_name));
	cg_close(&m->root_parent);
	hierarchy_deinit(&m->hierarchy);
}
