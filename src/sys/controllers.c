/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/controllers.h"

#include <errno.h>
#include <libcgroup.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include "sys/cgfile.h"
#include "util/strv.h"

/* ---- where ---- */

/* libcgroup's codes start at 50000; behind ECGOTHER is an errno. */
static int errno_of_libcgroup(int code)
{
	if (code == ECGROUPNOTMOUNTED || code == ECGEOF)
		return 0;
	return code == ECGOTHER && cgroup_get_last_errno() > 0 ? -cgroup_get_last_errno() : -EIO;
}

/* The mount that libcgroup would use for it. 1 found, 0 nowhere, or -errno. */
static int find_mount(const char *controller, struct cgroup_mount_point *mount)
{
	static bool initialised; /* it reads all mounts */
	void *iterator = NULL;
	int code = initialised ? 0 : cgroup_init();

	if (code != 0)
		return errno_of_libcgroup(code);
	initialised = true;
	/* It returns the mounted controllers of both versions, without a word on which is which. */
	for (code = cgroup_get_controller_begin(&iterator, mount); code == 0;
	     code = cgroup_get_controller_next(&iterator, mount))
		if (streq(mount->name, controller))
			break;
	cgroup_get_controller_end(&iterator);
	return code == 0 ? 1 : errno_of_libcgroup(code);
}

int controllers_version(const char *controller)
{
	struct cgroup_mount_point mount;
	struct statfs fs;
	int r = find_mount(controller, &mount);

	if (r <= 0)
		return r;
	if (statfs(mount.path, &fs) < 0)
		return -errno;
	return fs.f_type == CGROUP2_SUPER_MAGIC ? 2 : 1;
}

/* ---- what is there, and a file ---- */

static int read_words(const struct cg *cg, const char *file, char ***out)
{
	cleanup_strv char **list = NULL;
	char text[512], *rest = text, *word;
	ssize_t n = cgfile_text(cg->fd, file, text, sizeof(text));
	int r = 0;

	if (n < 0)
		return (int)n;
	while (r == 0 && (word = strsep(&rest, " \n")))
		if (*word)
			r = strv_push(&list, word);
	if (r == 0)
		*out = TAKE_PTR(list);
	return r;
}

int controllers_list(const struct cg *cg, char ***out)
{
	return read_words(cg, "cgroup.controllers", out);
}

int controllers_passed_on(const struct cg *cg, char ***out)
{
	return read_words(cg, "cgroup.subtree_control", out);
}

/* By libcgroup, which knows paths only: below the mount that it has found, if that is ours. -ENOTSUP: it cannot. */
static int write_by_libcgroup(const struct hierarchy *h, const struct cg *cg,
			      const char *controller, const char *file, const char *value)
{
	cleanup_free char *path = NULL;
	struct cgroup_mount_point mount;
	struct cgroup_controller *c;
	struct cgroup *group;
	int code = -1;

	if (find_mount(controller, &mount) <= 0 || !streq(mount.path, h->mount_point))
		return -ENOTSUP;
	if (!cg_is_alive(cg) || hierarchy_file_path(h, cg->path, &path) < 0)
		return -ENOTSUP;
	group = cgroup_new_cgroup(path + strlen(h->mount_point));
	if (!group)
		return -ENOMEM;
	c = cgroup_add_controller(group, controller);
	if (c)
		code = cgroup_add_value_string(c, file, value);
	if (code == 0)
		code = cgroup_modify_cgroup(group);
	cgroup_free(&group);
	return code == 0 ? 0 : -ENOTSUP;
}

/*
 * libcgroup opens for reading and writing, which who was delegated a file may not be able to, and does not say why it has
 * failed: where it fails the write by the handle decides, and has the error.
 */
int controllers_write(const struct hierarchy *h, const struct cg *cg, const char *controller,
		      const char *file, const char *value)
{
	if (write_by_libcgroup(h, cg, controller, file, value) == 0)
		return 0;
	return cgfile_write(cg->fd, file, value);
}
