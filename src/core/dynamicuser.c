/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/dynamicuser.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>

#include "core/filter.h"
#include "core/privileges.h"
#include "core/sandbox.h"
#include "util/checksum.h"

#define NAME_LEN_MAX 31 /* of a user: utmp(5) */

static bool is_user_name(const char *s)
{
	size_t len = 0;

	for (; s[len]; len++)
		if (!isalnum((unsigned char)s[len]) && s[len] != '_' && (len == 0 || s[len] != '-'))
			return false;
	return len > 0 && len <= NAME_LEN_MAX && !isdigit((unsigned char)*s);
}

/* What stands before '@', or the ending; or where that is no name, one made of it. NULL without memory. */
static char *make_name(const char *unit)
{
	const char *end = strchr(unit, '@');
	char *name, *hashed;

	end = end ? end : strrchr(unit, '.');
	name = end ? strndup(unit, (size_t)(end - unit)) : strdup(unit);
	if (!name || is_user_name(name))
		return name;
	if (asprintf(&hashed, "_du%016" PRIx64, checksum64(name, strlen(name))) < 0)
		hashed = NULL;
	free(name);
	return hashed;
}

/* unit_patch_contexts() of systemd 252. */
int dynamic_user_imply(struct unit *u)
{
	struct sandbox *s = sandbox_get(&u->sandbox);
	struct privileges *p = privileges_get(&u->privileges);
	struct filter *f = filter_get(&u->filter);

	if (!u->user)
		u->user = make_name(u->name);
	if (!u->group && u->user)
		u->group = strdup(u->user);
	if (!s || !p || !f || !u->group)
		return -ENOMEM;
	s->private_tmp = true;
	s->protect_system = PROTECT_SYSTEM_STRICT;
	if (s->protect_home == PROTECT_HOME_NO)
		s->protect_home = PROTECT_HOME_READ_ONLY;
	p->no_new_privileges = true;
	f->restrict_suid_sgid = true;
	return 0;
}
