/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/unitlinks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "util/strv.h"

/* ---- where ---- */

/* The user's are below a directory that a variable names, or below $HOME. */
static char *below_variable(const char *variable, const char *below_home, const char *name)
{
	const char *base = getenv(variable), *home = getenv("HOME");
	char *path = NULL;
	int n = 0;

	if (base && *base == '/')
		n = asprintf(&path, "%s/%s", base, name);
	else if (below_home && home && *home == '/')
		n = asprintf(&path, "%s/%s/%s", home, below_home, name);
	return n < 0 ? NULL : path;
}

int unitlinks_dirs(bool user, bool runtime, struct unitlinks_dirs *out)
{
	const char *variable = runtime ? "XDG_RUNTIME_DIR" : "XDG_CONFIG_HOME";
	const char *below_home = runtime ? NULL : ".config";
	struct unitlinks_dirs d;

	if (user) {
		d.own = below_variable(variable, below_home, "cgkill/units");
		d.systemd = below_variable(variable, below_home, "systemd/user");
	} else {
		d.own = strdup(runtime ? "/run/cgkill/units" : "/etc/cgkill/units");
		d.systemd = strdup(runtime ? "/run/systemd/system" : "/etc/systemd/system");
	}
	if (!user && (!d.own || !d.systemd)) {
		unitlinks_dirs_deinit(&d);
		return -ENOMEM;
	}
	*out = d;
	return 0;
}

void unitlinks_dirs_deinit(struct unitlinks_dirs *d)
{
	free(d->own);
	free(d->systemd);
}

/* ---- what there is ---- */

static bool holds_links(const char *name)
{
	return ends_with(name, ".wants") || ends_with(name, ".requires") || ends_with(name, ".upholds");
}

/* Adds the links of dir, their names behind prefix; what is not there has none. */
static int list_directory(const char *dir, const char *prefix, char ***links, char ***subdirs)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	struct stat st;
	int r = 0;

	if (!d)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	while (r == 0 && (entry = readdir(d))) {
		char *link;

		if (entry->d_name[0] == '.' ||
		    fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISLNK(st.st_mode))
			r = asprintf(&link, "%s%s", prefix, entry->d_name) < 0
				    ? -ENOMEM
				    : strv_push_take(links, link);
		else if (subdirs && S_ISDIR(st.st_mode) && holds_links(entry->d_name))
			r = strv_push(subdirs, entry->d_name);
	}
	closedir(d);
	return r;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int unitlinks_list(const char *dir, char ***links)
{
	cleanup_strv char **found = NULL, **subdirs = NULL;
	int r = list_directory(dir, "", &found, &subdirs);

	for (size_t i = 0; r == 0 && subdirs && subdirs[i]; i++) {
		cleanup_free char *path = NULL, *prefix = NULL;

		if (asprintf(&path, "%s/%s", dir, subdirs[i]) < 0 ||
		    asprintf(&prefix, "%s/", subdirs[i]) < 0)
			return -ENOMEM;
		r = list_directory(path, prefix, &found, NULL);
	}
	if (r < 0)
		return r;
	if (found)
		qsort(found, strv_len(found), sizeof(*found), compare);
	*links = TAKE_PTR(found);
	return 0;
}

static char *read_link(const char *path)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	return n < 0 ? NULL : strndup(target, (size_t)n);
}

char *unitlinks_target(const char *dir, const char *link)
{
	cleanup_free char *path = NULL;

	return asprintf(&path, "%s/%s", dir, link) < 0 ? NULL : read_link(path);
}

/* ---- what changes ---- */

/* The directories that path lies in. */
static int make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int r;

		*slash = '\0';
		r = mkdir(path, 0755);
		*slash = '/';
		if (r < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

/* /lib may be /usr/lib; and a link that leads nowhere is known by its text only. */
static bool leads_to(const char *path, const char *target)
{
	cleanup_free char *written = read_link(path);
	struct stat here, there;

	if (written && streq(written, target))
		return true;
	return stat(path, &here) == 0 && stat(target, &there) == 0 && here.st_dev == there.st_dev &&
	       here.st_ino == there.st_ino;
}

/* By a name beside it, which no reader of units looks at. */
static int replace_link(const char *path, const char *target)
{
	const char *name = strrchr(path, '/') + 1;
	cleanup_free char *temporary = NULL;

	if (asprintf(&temporary, "%.*s.#%s.%d", (int)(name - path), path, name, (int)getpid()) < 0)
		return -ENOMEM;
	if (symlink(target, temporary) < 0)
		return -errno;
	if (rename(temporary, path) < 0) {
		int error = errno;

		unlink(temporary);
		return -error;
	}
	return 1;
}

int unitlinks_make(const char *dir, const char *link, const char *target, bool force)
{
	cleanup_free char *path = NULL;
	struct stat st;
	int r;

	if (asprintf(&path, "%s/%s", dir, link) < 0)
		return -ENOMEM;
	r = make_parents(path);
	if (r < 0)
		return r;
	if (symlink(target, path) == 0)
		return 1;
	if (errno != EEXIST)
		return -errno;
	if (lstat(path, &st) < 0)
		return -errno;
	if (!S_ISLNK(st.st_mode))
		return -EEXIST;
	if (leads_to(path, target))
		return 0;
	return force ? replace_link(path, target) : -EEXIST;
}

int unitlinks_remove(const char *dir, const char *link)
{
	cleanup_free char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, link) < 0)
		return -ENOMEM;
	if (unlink(path) < 0)
		return -errno;
	if (strchr(link, '/')) {
		*strrchr(path, '/') = '\0';
		(void)!rmdir(path); /* unless there are more */
	}
	return 0;
}
