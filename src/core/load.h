/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Text of unit files → struct unit. Pure: the bytes come from sys/unitdir.h, facts about the host from the caller.
 */
#include "core/unit.h"

/* What specifiers stand for; see systemd.unit(5), "SPECIFIERS". Borrowed strings, none NULL. */
struct host_facts {
	const char *machine_id;	 /* %m, "" = none */
	const char *boot_id;	 /* %b */
	const char *host_name;	 /* %H, %q alike */
	const char *short_host;	 /* %l */
	const char *kernel;	 /* %v */
	const char *arch;	 /* %a */
	const char *runtime_dir; /* %t: /run or $XDG_RUNTIME_DIR */
	const char *state_dir, *cache_dir, *logs_dir, *config_dir; /* %S %C %L %E */
	const char *tmp_dir, *var_tmp_dir;			   /* %T %V */
	const char *user, *group, *home, *shell; /* %u %g %h %s: of the manager, as in systemd */
	unsigned uid, gid;			 /* %U %G */
};

/* One file of a unit: the fragment first, then the drop-ins in the order in which they apply. */
struct unit_text {
	const char *path;
	const char *data; /* len bytes; NUL bytes in it are an error, told with its line */
	size_t len;
};

/*
 * Builds the unit name from its texts. What is wrong with single lines goes to diags as warnings, as systemd words it;
 * what makes the unit unusable (no ExecStart, Type=oneshot with Restart=always, …) goes there as errors.
 * 0 with *out set; -EBADMSG when diags got an error (and *out stays unset); -ENOMEM.
 */
int unit_load(struct unit **out, const char *name, const struct unit_text *texts, size_t n,
	      const struct host_facts *host, struct diags *diags) must_check;

/*
 * One "Key=Value" list of what systemctl show would print for the settings of a unit, in a fixed order: KillMode,
 * KillSignal, TimeoutStopUSec, Environment, ExecStart … Calls emit for each; the value is valid during the call only.
 */
typedef void (*unit_show_fn)(const char *key, const char *value, void *arg);
void unit_show(const struct unit *u, unit_show_fn emit, void *arg);
