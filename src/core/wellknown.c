/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/wellknown.h"

#include <stdlib.h>

/* A target that neither wants anything nor comes after anything, for others to be ordered by. */
#define UNIT(description, more) \
	"[Unit]\nDescription=" description "\nDocumentation=man:systemd.special(7)\n" more
#define BARE	"DefaultDependencies=no\n"
#define PASSIVE "RefuseManualStart=yes\n"

/* Sorted by name. What they say is what systemd's files of these names say, as far as it concerns services. */
static const struct wellknown targets[] = {
	{ "basic.target", true, NULL,
	  UNIT("Basic System",
	       "Requires=sysinit.target\n"
	       "Wants=sockets.target timers.target paths.target slices.target\n"
	       "After=sysinit.target sockets.target paths.target slices.target\n") },
	{ "cryptsetup.target", true, NULL, UNIT("Local Encrypted Volumes", BARE) },
	{ "default.target", false, "multi-user.target", NULL },
	{ "emergency.target", true, NULL, UNIT("Emergency Mode", "") },
	{ "final.target", true, NULL,
	  UNIT("Late Shutdown Services",
	       "DefaultDependencies=no\n" PASSIVE "After=shutdown.target umount.target\n") },
	{ "getty.target", true, NULL, UNIT("Login Prompts", "") },
	{ "graphical.target", false, NULL,
	  UNIT("Graphical Interface", "Requires=multi-user.target\n"
				      "Wants=display-manager.service\n"
				      "After=multi-user.target display-manager.service\n"
				      "Conflicts=rescue.target\n") },
	{ "local-fs-pre.target", true, NULL,
	  UNIT("Preparation for Local File Systems", "DefaultDependencies=no\n" PASSIVE) },
	{ "local-fs.target", true, NULL, UNIT("Local File Systems", BARE "After=local-fs-pre.target\n") },
	{ "multi-user.target", false, NULL,
	  UNIT("Multi-User System", "Requires=basic.target\nAfter=basic.target rescue.target\n"
				    "Conflicts=rescue.target\n") },
	{ "network-online.target", false, NULL, UNIT("Network is Online", "After=network.target\n") },
	{ "network-pre.target", false, NULL, UNIT("Preparation for Network", PASSIVE) },
	{ "network.target", false, NULL, UNIT("Network", PASSIVE "After=network-pre.target\n") },
	{ "nss-lookup.target", false, NULL, UNIT("Host and Network Name Lookups", PASSIVE) },
	{ "nss-user-lookup.target", false, NULL, UNIT("User and Group Name Lookups", PASSIVE) },
	{ "paths.target", true, NULL, UNIT("Path Units", BARE) },
	{ "remote-fs-pre.target", true, NULL, UNIT("Preparation for Remote File Systems", PASSIVE) },
	{ "remote-fs.target", false, NULL,
	  UNIT("Remote File Systems", BARE "After=remote-fs-pre.target\n") },
	{ "rescue.target", true, NULL,
	  UNIT("Rescue Mode", "Requires=sysinit.target\nAfter=sysinit.target\n") },
	{ "rpcbind.target", false, NULL, UNIT("RPC Port Mapper", PASSIVE) },
	{ "shutdown.target", true, NULL, UNIT("System Shutdown", "DefaultDependencies=no\n" PASSIVE) },
	{ "slices.target", true, NULL, UNIT("Slice Units", BARE) },
	{ "sockets.target", true, NULL, UNIT("Socket Units", BARE) },
	{ "swap.target", true, NULL, UNIT("Swaps", BARE) },
	{ "sysinit.target", true, NULL,
	  UNIT("System Initialization", BARE "Wants=local-fs.target swap.target\n"
					     "After=local-fs.target swap.target\n") },
	{ "time-set.target", true, NULL, UNIT("System Time Set", PASSIVE) },
	{ "time-sync.target", false, NULL,
	  UNIT("System Time Synchronized",
	       PASSIVE "Wants=time-set.target\nAfter=time-set.target\n") },
	{ "timers.target", true, NULL, UNIT("Timer Units", BARE) },
	{ "umount.target", true, NULL,
	  UNIT("Unmount All Filesystems", "DefaultDependencies=no\n" PASSIVE) },
};

static int compare(const void *key, const void *member)
{
	return strcmp(key, ((const struct wellknown *)member)->name);
}

const struct wellknown *wellknown_find(const char *name)
{
	return bsearch(name, targets, ARRAY_SIZE(targets), sizeof(targets[0]), compare);
}

bool wellknown_is_systemds(const char *name)
{
	/* how their names begin; syslog.socket is between its journald and a syslog daemon */
	static const char *const services[] = {
		"autovt@",
		"console-getty.service",
		"container-getty@",
		"debug-shell.service",
		"emergency.service",
		"getty@",
		"initrd-",
		"kmod-static-nodes.service",
		"ldconfig.service",
		"modprobe@",
		"quotaon",
		"rescue.service",
		"serial-getty@",
		"syslog.socket",
		"systemd-",
		"user-runtime-dir@",
		"user@",
	};

	for (size_t i = 0; i < ARRAY_SIZE(services); i++)
		if (after_prefix(name, services[i]))
			return true;
	return false;
}
