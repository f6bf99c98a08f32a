/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/tmpfiles.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "core/tmpfiles.h"
#include "ctl/manager.h"

/* The first one that has a file of some name hides it in the others. */
static const char *const directories[] = { "/etc/tmpfiles.d", "/run/tmpfiles.d",
					   "/usr/local/lib/tmpfiles.d", "/usr/lib/tmpfiles.d" };

static bool is_missing(const char *path)
{
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

static void tell_missing_of(const char *file, const char *conf)
{
	FILE *f = fopen(file, "re");
	cleanup_free char *line = NULL;
	size_t size = 0;

	if (!f)
		return;
	while (getline(&line, &size, f) >= 0) {
		cleanup_free char *path = NULL;

		if (tmpfiles_promise(line, &path) == 0 && is_missing(path))
			complain("%s is missing, which %s promises: try 'systemd-tmpfiles --create "
				 "%s'.",
				 path, file, conf);
	}
	fclose(f);
}

static bool is_hidden(size_t level, const char *conf)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < level; i++) {
		snprintf(path, sizeof(path), "%s/%s", directories[i], conf);
		if (!is_missing(path))
			return true;
	}
	return false;
}

void tell_missing_tmpfiles(const char *unit)
{
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
		DIR *d = opendir(directories[i]);
		const struct dirent *e;

		while (d && (e = readdir(d))) {
			char path[PATH_MAX];

			if (!tmpfiles_concerns(e->d_name, unit) || is_hidden(i, e->d_name))
				continue;
			snprintf(path, sizeof(path), "%s/%s", directories[i], e->d_name);
			tell_missing_of(path, e->d_name);
		}
		if (d)
			closedir(d);
	}
}
