/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/directories.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "core/credentials.h"
#include "core/directories.h"
#include "daemon/manager.h"
#include "daemon/removals.h"
#include "daemon/supervisor.h"
#include "sys/beneath.h"
#include "util/compat.h"
#include "util/log.h"

/* 1: it is in the trash; 0: there is nothing; -errno. A link is the administrator's, and leads to what is not ours. */
static int remove_directory(int base, const char *path)
{
	const char *name;
	cleanup_close int parent = beneath_parent(base, path, false, &name);
	struct statx st;
	int r;

	if (parent < 0)
		return parent == -ENOENT ? 0 : parent;
	/* Without asking a file system that the service has mounted there, and that may never answer: statx(2). */
	if (statx(parent, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC,
		  STATX_TYPE, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISLNK(st.stx_mode))
		return -ELOOP;
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
		return 0;
	r = removals_move(base, parent, name);
	return r < 0 ? r : 1;
}

static void remove_link(int base, const char *path)
{
	const char *name;
	cleanup_close int parent = beneath_parent(base, path, false, &name);
	struct statx st;

	if (parent >= 0 &&
	    statx(parent, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC,
		  STATX_TYPE, &st) == 0 &&
	    S_ISLNK(st.stx_mode))
		(void)unlinkat(parent, name, 0);
}

/* 0 or -errno, told. */
static int take_away(struct supervised *sv, enum directory_kind kind, int base, const char *path)
{
	int r = remove_directory(base, path);

	if (r > 0)
		removals_begin(sv->manager, 1U << kind);
	if (r < 0)
		log_warning("%s: cannot remove %s/%s: %s", supervised_name(sv),
			    directory_kind_base(kind, &sv->manager->host), path, strerror(-r));
	return r < 0 ? r : 0;
}

static int take_away_all(struct supervised *sv, enum directory_kind kind)
{
	const struct directory_list *list = &sv->unit->directories->of[kind];
	const char *base_path = directory_kind_base(kind, &sv->manager->host);
	cleanup_close int base = base_path ? beneath_open_base(base_path, false) : -1;
	int result = 0;

	for (size_t i = 0; base >= 0 && i < list->n; i++) {
		int r = take_away(sv, kind, base, list->v[i].path);

		result = result < 0 ? result : r;
		for (char **link = list->v[i].links; link && *link; link++)
			remove_link(base, *link);
	}
	return result;
}

static void take_away_credentials(struct supervised *sv)
{
	static const char *const endings[] = { "", CREDENTIALS_UNFINISHED };
	cleanup_close int base = beneath_open_base(sv->manager->host.runtime_dir, false);

	for (size_t i = 0; base >= 0 && i < ARRAY_SIZE(endings); i++) {
		cleanup_free char *path = NULL;

		if (asprintf(&path, CREDENTIALS_BASE "/%s%s", supervised_name(sv), endings[i]) >= 0)
			(void)take_away(sv, DIRECTORY_RUNTIME, base, path);
	}
}

void directories_note_over(struct supervised *sv)
{
	const struct directories *d = sv->unit->directories;

	if (sv->unit->credentials && sv->manager->host.runtime_dir)
		take_away_credentials(sv);
	if (!d || d->of[DIRECTORY_RUNTIME].n == 0 || d->preserve == FDSTORE_PRESERVE_YES ||
	    (d->preserve == FDSTORE_PRESERVE_RESTART && !supervised_is_final(sv)))
		return;
	(void)take_away_all(sv, DIRECTORY_RUNTIME);
}

int directories_clean(struct supervised *sv, unsigned kinds)
{
	const struct directories *d = sv->unit->directories;
	bool any = false;
	int result = 0;

	for (enum directory_kind k = 0; d && k < DIRECTORY_KIND_MAX; k++) {
		int r = 0;

		if (!(kinds & 1U << k) || d->of[k].n == 0)
			continue;
		any = true;
		r = take_away_all(sv, k);
		result = result < 0 ? result : r;
	}
	return any ? result : -ENODATA;
}
