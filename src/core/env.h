/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * An environment: a string vector of NAME=value. Where a name occurs twice the last one counts.
 */
#include "util/diag.h"
#include "util/macro.h"

/* Letters, digits and "_", no digit first. */
bool env_name_valid(const char *name, size_t len);
/* NAME=value with a valid name, and a value in UTF-8 (systemd.exec(5)). */
bool env_assignment_valid(const char *assignment);

/* The value; NULL when unset. The same for a name of len bytes. */
const char *env_get(char *const *env, const char *name);
const char *env_get_n(char *const *env, const char *name, size_t len);
/*
 * Sets NAME=value, in the place of any other value that the name had. 0, -EINVAL (no '=') or
 * -ENOMEM.
 */
int env_set(char ***env, const char *assignment) must_check;
/* Drops a variable: whatever its value is (NAME), or only with this one (NAME=value). */
void env_unset(char **env, const char *name_or_assignment);

/*
 * The text of an EnvironmentFile= → assignments set in env, as systemd.exec(5) has it. Bad ones are
 * skipped and told. 0 or -ENOMEM.
 */
int env_file_parse(char ***env, const char *text, size_t len, const char *path,
		   struct diags *diags) must_check;
