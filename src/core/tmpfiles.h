/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * tmpfiles.d(5), as far as it says what a package takes for granted. Nothing is made here.
 */
#include "util/macro.h"

/*
 * The path that a line of tmpfiles.d promises to be there, in *out, for the caller to free; 0. -ENOENT: it promises none (it
 * cleans or changes something, is a comment, or its path has specifiers). -ENOMEM.
 */
int tmpfiles_promise(const char *line, char **out) must_check;

/* Is NAME.conf likely to be the unit's? "mariadb.conf" and "postgresql-common.conf" are those of mariadb.service and postgresql@15-main.service. */
bool tmpfiles_concerns(const char *conf, const char *unit);
