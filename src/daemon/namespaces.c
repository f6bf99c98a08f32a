/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/namespaces.h"

#include <errno.h>
#include <sys/socket.h>

#include "core/sandbox.h"
#include "daemon/guard.h"
#include "daemon/inherit.h"
#include "daemon/manager.h"
#include "daemon/supervisor.h"
#include "util/log.h"

/* By an array, in the order of the pair. */
static const char *const prefixes[2] = { "ns-put-", "ns-get-" };

static const char *kept_name(const struct supervised *sv, unsigned i,
			     char name[static INHERIT_NAME_SIZE])
{
	char hash[INHERIT_HASH_SIZE];

	snprintf(name, INHERIT_NAME_SIZE, "%s%s", prefixes[i], inherit_hash(supervised_name(sv), hash));
	return name;
}

static int make_pair(struct supervised *sv)
{
	char name[INHERIT_NAME_SIZE];
	int r = 0, *pair = malloc(2 * sizeof(*pair));

	if (!pair)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0) {
		r = -errno;
		free(pair);
		return r;
	}
	sv->namespaces = pair;
	for (unsigned i = 0; r == 0 && i < 2; i++)
		r = guard_keep(sv->manager->guard, kept_name(sv, i, name), pair[i]);
	if (r < 0)
		log_warning(
			"%s: the guard cannot keep its namespaces: after a crash of cgkilld its "
			"commands may be in new ones",
			supervised_name(sv));
	return 0;
}

int namespaces_list(struct supervised *sv, struct exec_fds *fds)
{
	const struct sandbox *s = sv->unit->sandbox;
	int *grown, r = 0;

	if (!s || !(s->private_network || s->private_ipc))
		return 0;
	if (!sv->namespaces)
		r = make_pair(sv);
	grown = r < 0 ? NULL : reallocarray(fds->v, fds->n + 2, sizeof(*grown));
	if (!grown)
		return r < 0 ? r : -ENOMEM;
	memcpy(grown + fds->n, sv->namespaces, 2 * sizeof(*grown));
	fds->v = grown;
	fds->n_own = 2;
	return 0;
}

void namespaces_close(struct supervised *sv)
{
	char name[INHERIT_NAME_SIZE];

	for (unsigned i = 0; sv->namespaces && i < 2; i++)
		guard_drop(sv->manager->guard, kept_name(sv, i, name));
	namespaces_free(TAKE_PTR(sv->namespaces));
}

void namespaces_free(int *pair)
{
	if (!pair)
		return;
	close(pair[0]);
	close(pair[1]);
	free(pair);
}

void namespaces_adopt(struct supervised *sv)
{
	char name[INHERIT_NAME_SIZE];
	int pair[2];

	for (unsigned i = 0; i < 2; i++)
		pair[i] = inherit_take(kept_name(sv, i, name));
	if (pair[0] >= 0 && pair[1] >= 0)
		sv->namespaces = malloc(sizeof(pair));
	if (sv->namespaces) {
		memcpy(sv->namespaces, pair, sizeof(pair));
		return;
	}
	close_fd(pair[0]);
	close_fd(pair[1]);
}

int namespaces_pass(const struct supervised *sv)
{
	char name[INHERIT_NAME_SIZE];
	int r = 0;

	for (unsigned i = 0; sv->namespaces && r == 0 && i < 2; i++)
		r = inherit_pass(kept_name(sv, i, name), sv->namespaces[i]);
	return r;
}
