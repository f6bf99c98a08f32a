/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * systemd 252 as the judge of what unit files mean: "systemd --test" dumps what it makes of them.
 */
#include "core/load.h"
#include "util/buf.h"

/* Only what systemd 252 does was looked at when the comparison was made. */
bool oracle_is_there(void);
/* What it prints of the unit in dir, and of all that it wants; NULL: it cannot be run. The caller frees it. */
char *oracle_ask(const char *dir, const char *unit);
/* The lines about one unit; NULL: it is not in the dump. The caller frees them. */
char *oracle_block(const char *dump, const char *name);
bool oracle_loaded(const char *block);
/* Our own reading. As unit_load(), and -ENOENT also for what is masked. */
int oracle_load(char *const *search_path, const char *name, const struct host_facts *host,
		struct unit **u, struct diags *diags);
/* Adds a line for everything that the two do not agree about. */
void oracle_compare(const struct unit *u, const char *block, char *const *search_path,
		    struct buf *wrong);
