/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The command lines of Exec*= (systemd.service(5), "COMMAND LINES") and the expansion of variables
 * in them.
 */
#include "core/env.h"
#include "core/load.h"
#include "core/specifier.h"
#include "core/unit.h"
#include "core/words.h"

/*
 * Splits the value of an Exec*= line into its commands and appends them to out; specifiers are
 * expanded for unit_name, word by word. As in systemd, a bad command is an error that makes the
 * unit unusable (-EINVAL, a diag that is an error, nothing appended), unless it has the prefix '-'
 * or its first word cannot be read: then it and the rest of the line are ignored with a warning. 0,
 * -EINVAL, -ENOMEM. An empty value is none of its business: it resets the list, which the caller
 * does.
 */
int cmdline_parse(struct exec_commands *out, const char *value, const char *unit_name,
		  const struct host_facts *host, const char *file, unsigned line,
		  struct diags *diags) must_check;
void exec_commands_clear(struct exec_commands *c);

/*
 * The argv to execute: ${X} becomes exactly one argument or part of one, a lone $X is split at
 * white space (its quotes hold words together) and may vanish, $$ is a dollar sign; unset variables
 * are empty. env is NAME=value, the last of a name counts. A command with no_env_expand is copied
 * as it is. argv[0] always exists: path, where nothing else is left. NULL without memory; the
 * caller frees it with strv_free().
 */
char **cmdline_expand(const struct exec_command *c, char *const *env) must_check;
