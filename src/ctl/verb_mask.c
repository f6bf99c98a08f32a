/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mask, unmask: a link to /dev/null in the place of a unit's file.
 */
#include "ctl/install.h"

#define MASK "/dev/null"

static bool is_mask(const char *dir, const char *name)
{
	cleanup_free char *target = unitlinks_target(dir, name);

	return target && streq(target, MASK);
}

static void mask(struct install *in, const char *name)
{
	cleanup_installed struct installed f = install_look_up(in, name, true);

	if (is_mask(in->dirs->own, name) || is_mask(in->dirs->systemd, name))
		return;
	if (f.state == INSTALL_NOT_FOUND && !in->ctl->options.quiet)
		complain("%s does not exist: masked all the same.", name);
	install_link(in, install_dir_for(in, f.unit ? f.unit->fragment_path : NULL), name, MASK,
		     in->ctl->options.force);
}

static void unmask(struct install *in, const char *name)
{
	if (is_mask(in->dirs->own, name))
		install_unlink(in, in->dirs->own, name);
	if (is_mask(in->dirs->systemd, name))
		install_unlink(in, in->dirs->systemd, name);
}

static int for_each(struct ctl *ctl, char *const *args,
		    void (*what)(struct install *in, const char *name), const char *job)
{
	struct install in;
	int r = install_begin(&in, ctl);

	if (r > 0)
		return r;
	for (char *const *arg = args; *arg; arg++) {
		cleanup_free char *name = install_name(&in, *arg);

		if (name)
			what(&in, name);
	}
	return install_finish(&in, job, args);
}

int verb_mask(struct ctl *ctl, char **args)
{
	return for_each(ctl, args + 1, mask, "stop");
}

int verb_unmask(struct ctl *ctl, char **args)
{
	return for_each(ctl, args + 1, unmask, NULL);
}
