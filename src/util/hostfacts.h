/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Facts about a host, for those who read unit files: sys/host.h finds them out.
 */
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
	unsigned long long memory,
		tasks; /* what percentages of a resource are of: bytes, and how many there can be */
};
