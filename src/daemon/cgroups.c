/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/cgroups.h"

#include <errno.h>
#include <fcntl.h>

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

int cgroups_open_control(const struct cgroups *c, struct cg *out)
{
	char name[LEAF_NAME_MAX];

	if (c->control_serial == 0)
		return -ENOENT;
	return cg_open(out, &c->unit, leaf_name(name, "control", c->control_serial));
}

int cgroups_control_leaf(struct cgroups *c, struct cg *out)
{
	int r = cgroups_open_control(c, out);

	return r == -ENOENT ? make_leaf(c, "control", out, &c->control_serial) : r;
}

void cgroups_retire_control(struct cgroups *c)
{
	c->control_serial = 0;
}

/* True when the leaf is gone, or cannot hold anybody any more. */
static bool remove_leaf(struct cgroups *c, const char *kind, unsigned *serial)
{
	char name[LEAF_NAME_MAX];

	if (*serial > 0 && cg_remove(&c->unit, leaf_name(name, kind, *serial)) == -EBUSY)
		return false;
	*serial = 0;
	return true;
}

bool cgroups_seal(struct cgroups *c)
{
	return !cg_is_open(&c->unit) || (remove_leaf(c, "main", &c->main_serial) &&
					 remove_leaf(c, "control", &c->control_serial));
}

int cgroups_remove(struct cgroups *c, const struct cg *root, const char *unit)
{
	cgroups_close(c);
	c->serial = c->main_serial = c->control_serial = 0;
	return cg_remove(root, unit);
}

void cgroups_close(struct cgroups *c)
{
	cg_close(&c->unit);
}
