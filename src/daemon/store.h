/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Where records (core/record.h) are kept: in an extended attribute of the service's cgroup, where it dies with the cgroup
 * and is replaced in one system call; and, for what has no cgroup (failed, waiting for its restart) or where there are no
 * such attributes, in RUNTIME_DIR/state/UNIT, replaced by rename(2). Of two records the one saved later is meant.
 */
#include "core/record.h"
#include "sys/cgroup.h"
#include "util/strv.h"

struct store {
	int dir_fd; /* RUNTIME_DIR/state */
	char *dir;  /* its path, for messages; owned */
	char *text; /* scratch, of RECORD_SIZE_MAX + 1 bytes; owned */
	char boot_id[BOOT_ID_LEN + 1];
};
#define STORE_INIT           \
	{                    \
		.dir_fd = -1 \
	}

/* Makes the directory (mode 0700). 0 or -errno. */
int store_open(struct store *s, const char *runtime_dir) must_check;
void store_close(struct store *s); /* removes the directory when it is empty */

/*
 * Saves r: into the attribute when cg is open and can take it, and removes an older file then if has_file says that there
 * may be one; else as a file, and *has_file is set. boot_id, cgroup_id and saved are filled in. 0 or -errno: the old record
 * stands.
 */
int store_save(const struct store *s, const struct cg *cg, struct record *r, bool *has_file) must_check;
/* The file only, with cgroup_id 0: for what is about to lose its cgroup. */
int store_save_file(const struct store *s, struct record *r) must_check;
/* Removes the file. */
void store_forget(const struct store *s, const char *unit);

/*
 * The record of a unit; cg may be closed. -ENOENT: none. A record that is damaged, of another version, of another boot, of
 * another unit or another cgroup than it lies in is never believed: moved to state/UNIT.quarantine (the attribute's text
 * too; one a unit, the newest stays), logged with the reason; a file of an earlier boot is just removed. *has_file: as above.
 * Another -errno: what there is could not be read now; nothing was changed.
 */
int store_load(const struct store *s, const struct cg *cg, const char *unit, struct record *out,
	       bool *has_file) must_check;
/* Names of all units that have a file (a strv, the caller's). 0 or -errno. Left-over temporary files are removed. */
int store_list(const struct store *s, char ***out) must_check;
