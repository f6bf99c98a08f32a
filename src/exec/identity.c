/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <grp.h>
#include <pwd.h>

#include "exec/child.h"
#include "util/parse.h"

/* Who is not root can be nobody but himself. error: why there is no such user. */
static void make_user(struct child *c, const char *name, int error)
{
	unsigned number;
	int r;

	if (!c->x->unit->dynamic_user || error == EINTR || error == EIO || error == EMFILE ||
	    error == ENFILE)
		child_fail(c, STEP_USER, error);
	r = geteuid() == 0 ? dynamic_user_number(c, name, &number) : -EPERM;
	if (r < 0) {
		child_protection_refused(c, STEP_USER, r, "DynamicUser=");
		return;
	}
	c->uid = number;
	c->gid = number;
	c->user = strdup(name);
	c->home = strdup("/");
	c->shell = strdup("/usr/sbin/nologin");
	if (!c->user || !c->home || !c->shell)
		child_fail(c, STEP_MEMORY, ENOMEM);
}

static void look_up_user(struct child *c, const char *name)
{
	unsigned number;
	struct passwd *pw;

	errno = 0;
	pw = parse_uint(name, &number) == 0 ? getpwuid(number) : getpwnam(name);
	if (pw) {
		c->uid = pw->pw_uid;
		c->gid = pw->pw_gid;
		c->user = strdup(pw->pw_name);
		c->home = strdup(pw->pw_dir);
		c->shell = strdup(pw->pw_shell);
		if (!c->user || !c->home || !c->shell)
			child_fail(c, STEP_MEMORY, ENOMEM);
	} else if (parse_uint(name, &number) == 0) {
		c->uid = number;
		c->gid = number;
	} else {
		make_user(c, name, errno ? errno : ESRCH);
	}
}

static gid_t look_up_group(const struct child *c, const char *name)
{
	unsigned number;
	struct group *gr;

	if (parse_uint(name, &number) == 0)
		return number;
	errno = 0;
	gr = getgrnam(name);
	if (gr)
		return gr->gr_gid;
	if (c->x->unit->dynamic_user && c->x->unit->user && streq(name, c->x->unit->user))
		return c->gid; /* that of the user, static or not */
	if (c->x->unit->dynamic_user && dynamic_user_number(c, name, &number) == 0)
		return number;
	child_fail(c, STEP_GROUP, errno ? errno : ESRCH);
}

static void add_group(struct child *c, gid_t gid)
{
	gid_t *grown = reallocarray(c->groups, (size_t)c->n_groups + 1, sizeof(gid_t));

	if (!grown)
		child_fail(c, STEP_MEMORY, ENOMEM);
	c->groups = grown;
	c->groups[c->n_groups++] = gid;
}

static void look_up_names(struct child *c)
{
	if (c->x->unit->user)
		look_up_user(c, c->x->unit->user);
	if (c->x->unit->group)
		c->gid = look_up_group(c, c->x->unit->group);
}

void child_look_up_owner(const struct child *c, uid_t *uid, gid_t *gid)
{
	struct child who = { .x = c->x, .report_fd = c->report_fd };

	look_up_names(&who);
	*uid = who.uid;
	*gid = who.gid;
	free(who.user);
	free(who.home);
	free(who.shell);
}

void child_look_up_identity(struct child *c)
{
	const struct unit *u = c->x->unit;

	c->uid = (uid_t)-1;
	c->gid = (gid_t)-1;
	if (c->x->command->privileged || c->x->command->no_setuid)
		return;
	look_up_names(c);
	if (c->user) {
		int n = 64;

		c->groups = calloc((size_t)n, sizeof(gid_t));
		if (c->groups && getgrouplist(c->user, c->gid, c->groups, &n) < 0) {
			free(c->groups);
			c->groups = calloc((size_t)n, sizeof(gid_t));
			if (c->groups)
				getgrouplist(c->user, c->gid, c->groups, &n);
		}
		if (!c->groups)
			child_fail(c, STEP_MEMORY, ENOMEM);
		c->n_groups = n;
	}
	for (size_t i = 0; u->supplementary_groups && u->supplementary_groups[i]; i++)
		add_group(c, look_up_group(c, u->supplementary_groups[i]));
}

/* Someone who is not root may name himself in his units; there is nothing to change then. */
static bool is_already(const struct child *c)
{
	return geteuid() != 0 && (c->uid == (uid_t)-1 || c->uid == geteuid()) &&
	       (c->gid == (gid_t)-1 || c->gid == getegid());
}

void child_join_groups(const struct child *c)
{
	bool set_groups = c->gid != (gid_t)-1 || c->n_groups > 0;

	if (is_already(c))
		return;
	if (set_groups && setgroups((size_t)c->n_groups, c->groups) < 0)
		child_fail(c, STEP_GROUP, errno);
	if (c->gid != (gid_t)-1 && setresgid(c->gid, c->gid, c->gid) < 0)
		child_fail(c, STEP_GROUP, errno);
}

void child_become(const struct child *c)
{
	if (!is_already(c) && c->uid != (uid_t)-1 && setresuid(c->uid, c->uid, c->uid) < 0)
		child_fail(c, STEP_USER, errno);
}
