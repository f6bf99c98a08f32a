/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Finds and reads the files of a unit: fragment, template, aliases by symlink, drop-ins in systemd's order. No parsing.
 */
#include "util/diag.h"
#include "util/macro.h"

struct unit_file {
	char *path;
	char *data; /* NUL-terminated behind len bytes */
	size_t len;
};

struct unit_files {
	struct unit_file *v; /* the fragment first (when has_fragment), then the drop-ins in the order in which they apply */
	size_t n;
	bool has_fragment;
	bool masked; /* the fragment is empty or a link to /dev/null; n is 0 */
	char *id; /* the name that the fragment really has, when name is an alias of it; else equal to name */
};

/*
 * The search path: NULL-terminated, highest priority first. With unit_path (colon-separated; an empty last entry appends
 * the default) NULL the default: cgkill's /etc /run /usr/lib units directories, then systemd's.
 */
char **unitdir_search_path(const char *unit_path, bool user) must_check;

/* Those directories of the path that are not systemd's; with ADMIN also those of systemd that no package writes to. */
enum unitdir_part { UNITDIR_OWN, UNITDIR_ADMIN };
int unitdir_part(char *const *search_path, enum unitdir_part part, char ***out) must_check;

/*
 * Reads all files of the unit. A file that is no regular file, is larger than UNIT_FILE_MAX, or
 * cannot be read, is told in diags (an error when it is the fragment) and never blocks. 0, -ENOENT
 * (no fragment and no drop-in), -EBADMSG (diags has errors), -ENOMEM. name must be valid
 * (core/unit.h); it is only ever used as a file name.
 */
#define UNIT_FILE_MAX ((size_t)1024 * 1024)
int unitdir_read(char *const *search_path, const char *name, struct unit_files *out,
		 struct diags *diags) must_check;
void unit_files_deinit(struct unit_files *f);

/*
 * The names of the entries of NAME.wants (suffix ".wants") or NAME.requires on the path, and of those directories that go with
 * its template or a prefix of its name, as for drop-ins: sorted, each once, without those that are masked. An entry is known
 * by its name alone, whatever it links to. A directory that cannot be read is told in diags. 0 or -ENOMEM.
 */
int unitdir_links(char *const *search_path, const char *name, const char *suffix, char ***out,
		  struct diags *diags) must_check;

/* The names of all *.service and *.target files on the path, sorted, each once (templates included). 0 or -ENOMEM. */
int unitdir_list(char *const *search_path, char ***out) must_check;
