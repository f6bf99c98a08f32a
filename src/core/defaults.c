/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/defaults.h"

#include <errno.h>

#include "core/resources.h"
#include "core/socket.h"
#include "util/strv.h"

static int add_once(char ***list, const char *name)
{
	return strv_contains(*list, name) ? 0 : strv_push(list, name);
}

/* Whoever is in a slice needs it, and is stopped before it: systemd.slice(5), "Implicit Dependencies". */
static int add_slice(struct unit *u)
{
	cleanup_free char *above = u->kind == UNIT_SLICE ? slice_parent(u->name) : NULL;
	const char *slice = above ? above : u->resources ? u->resources->slice : NULL;
	int r;

	if (!slice)
		return 0;
	r = add_once(&u->deps[DEP_REQUIRES], slice);
	return r == 0 ? add_once(&u->deps[DEP_AFTER], slice) : r;
}

static int add_targets(struct unit *u)
{
	static const char *const targets[] = { "sysinit.target", "basic.target" };
	char ***after = &u->deps[DEP_AFTER];
	int r = 0;

	if (u->kind != UNIT_SERVICE || !u->default_dependencies)
		return 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(targets); i++)
		r = add_once(after, targets[i]);
	return r;
}

/* systemd.socket(5), "AUTOMATIC DEPENDENCIES". */
static int add_socket_targets(struct unit *u)
{
	int r = add_once(&u->deps[DEP_REQUIRES], "sysinit.target");

	if (r == 0)
		r = add_once(&u->deps[DEP_AFTER], "sysinit.target");
	return r == 0 ? add_once(&u->deps[DEP_BEFORE], "sockets.target") : r;
}

/* Wants= where systemd has Requires=: the bus may be somebody else's, who has no unit here. */
static int add_bus(struct unit *u)
{
	int r;

	if (u->kind != UNIT_SERVICE || u->type != SERVICE_DBUS)
		return 0;
	r = add_once(&u->deps[DEP_WANTS], "dbus.socket");
	return r == 0 ? add_once(&u->deps[DEP_AFTER], "dbus.socket") : r;
}

/* A socket comes before its service, and a service after the Sockets= that it wants. */
static int add_sockets(struct unit *u)
{
	char **names = u->socket ? u->socket->names : NULL;
	int r = 0;

	if (u->kind == UNIT_SOCKET) {
		cleanup_free char *service = socket_service_name(u);

		r = service ? add_once(&u->deps[DEP_BEFORE], service) : -ENOMEM;
		return r == 0 && u->default_dependencies ? add_socket_targets(u) : r;
	}
	for (; r == 0 && names && *names; names++) {
		r = add_once(&u->deps[DEP_WANTS], *names);
		if (r == 0)
			r = add_once(&u->deps[DEP_AFTER], *names);
	}
	return r;
}

int defaults_add(struct unit *u)
{
	int r = add_slice(u);

	if (r == 0)
		r = add_targets(u);
	if (r == 0)
		r = add_bus(u);
	return r == 0 ? add_sockets(u) : r;
}

bool defaults_order(const struct unit *target, const struct unit *wanted)
{
	return target->default_dependencies && wanted->default_dependencies &&
	       !strv_contains(target->deps[DEP_BEFORE], wanted->name) &&
	       !strv_contains(wanted->deps[DEP_AFTER], target->name);
}
