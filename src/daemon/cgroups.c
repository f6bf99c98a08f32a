/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/cgroups.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "util/parse.h"

#define LEAF_NAME_MAX 32

static const char *leaf_name(char name[static LEAF_NAME_MAX], const char *kind, unsigned serial)
{
	snprintf(name, LEAF_NAME_MAX, "%s.%u", kind, serial);
	return name;
}

int cgroups_open(struct cgroups *c, const struct cg *root, const char *unit)
{
	int r;

	if (cg_is_open(&c->unit))
		return 0;
	r = cg_create(&c->unit, root, unit);
	return r == -EEXIST ? cg_open(&c->unit, root, unit) : r;
}

bool cgroups_find(struct cgroups *c, const struct cg *root, const char *unit)
{
	if (cg_open(&c->unit, root, unit) < 0)
		return false;
	if (cg_populated(&c->unit) != 0)
		return true;
	cg_close(&c->unit);
	return false;
}

static bool parse_leaf(const char *name, bool *is_main, unsigned *serial)
{
	const char *number = after_prefix(name, "main.");

	*is_main = number;
	if (!number)
		number = after_prefix(name, "control.");
	return number && parse_uint(number, serial) == 0 && *serial > 0;
}

int cgroups_each_leaf(const struct cgroups *c, leaf_fn fn, void *arg)
{
	int fd = openat(c->unit.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	if (!dir) {
		r = -errno;
		close_fd(fd);
		return r;
	}
	while (r == 0 && (de = readdir(dir))) {
		struct cg leaf = CG_INIT;
		unsigned serial;
		bool is_main;

		if (de->d_type != DT_DIR || !parse_leaf(de->d_name, &is_main, &serial))
			continue;
		r = cg_open(&leaf, &c->unit, de->d_name);
		if (r == 0)
			r = fn(&leaf, is_main, serial, arg);
		else if (r == -ENOENT || r == -ENODEV) /* removed meanwhile */
			r = 0;
		cg_close(&leaf);
	}
	closedir(dir);
	return r;
}

static int learn_leaf(const struct cg *leaf, bool is_main, unsigned serial, void *arg)
{
	struct cgroups *c = arg;

	(void)leaf;
	c->serial = MAX_OF(c->serial, serial);
	*(is_main ? &c->main_serial : &c->control_serial) =
		MAX_OF(is_main ? c->main_serial : c->control_serial, serial);
	return 0;
}

int cgroups_adopt(struct cgroups *c, const struct cg *root, const char *unit)
{
	int r = cg_is_open(&c->unit) ? 0 : cg_open(&c->unit, root, unit);

	return r < 0 ? r : cgroups_each_leaf(c, learn_leaf, c);
}

/* Names of leaves that survivors hold are passed over. */
static int make_leaf(struct cgroups *c, const char *kind, struct cg *out, unsigned *serial)
{
	char name[LEAF_NAME_MAX];
	int r;

	do {
		r = cg_create(out, &c->unit, leaf_name(name, kind, ++c->serial));
	} while (r == -EEXIST);
	if (r == 0)
		*serial = c->serial;
	return r;
}

int cgroups_main_leaf(struct cgroups *c, struct cg *out)
{
	return make_leaf(c, "main", out, &c->main_serial);
}

static int open_leaf(const struct cgroups *c, const char *kind, unsigned serial, struct cg *out)
{
	char name[LEAF_NAME_MAX];

	return serial == 0 ? -ENOENT : cg_open(out, &c->unit, leaf_name(name, kind, serial));
}

int cgroups_open_main(const struct cgroups *c, struct cg *out)
{
	return open_leaf(c, "main", c->main_serial, out);
}

int cgroups_open_control(const struct cgroups *c, struct cg *out)
{
	return open_leaf(c, "control", c->control_serial, out);
}

bool cgroups_remove_leaf(struct cgroups *c, bool is_main, unsigned serial)
{
	char name[LEAF_NAME_MAX];

	return cg_remove(&c->unit, leaf_name(name, is_main ? "main" : "control", serial)) != -EBUSY;
}

/* True when the leaf is gone, or cannot hold anybody any more. */
static bool remove_last(struct cgroups *c, bool is_main)
{
	unsigned *serial = is_main ? &c->main_serial : &c->control_serial;

	if (*serial > 0 && !cgroups_remove_leaf(c, is_main, *serial))
		return false;
	*serial = 0;
	return true;
}

/* One a process, as for main processes: none is launched into that may have been killed. The last one's is empty by now. */
int cgroups_control_leaf(struct cgroups *c, struct cg *out)
{
	(void)remove_last(c, false);
	return make_leaf(c, "control", out, &c->control_serial);
}

bool cgroups_seal(struct cgroups *c)
{
	return !cg_is_open(&c->unit) || (remove_last(c, true) && remove_last(c, false));
}

int cgroups_remove(struct cgroups *c, const struct cg *root, const char *unit)
{
	cgroups_close(c);
	c->main_serial = c->control_serial = 0;
	return cg_remove(root, unit);
}

void cgroups_close(struct cgroups *c)
{
	cg_close(&c->unit);
}
