/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What every host of systemd has and a host without it lacks: the targets of systemd.special(7), as texts of unit files that
 * are built in, so that units that are ordered by them or enabled in them work. And which units are parts of systemd itself,
 * of no use without it.
 */
#include "util/macro.h"

struct wellknown {
	const char *name;
	/*
	 * What packages put below systemd's own targets boots a machine (mounts, devices, consoles): nothing of it is wanted
	 * here. Of these targets a file counts only in cgkill's own directories, and what is enabled in them only where the
	 * administrator has done it.
	 */
	bool ours;
	const char *alias_of; /* where no file says otherwise it is that unit; text is NULL then */
	const char *text;
};

/* NULL: none of them. */
const struct wellknown *wellknown_find(const char *name);

/* A service of systemd's own, such as systemd-logind.service: started when somebody asks for it, not as a dependency. */
bool wellknown_is_systemds(const char *name);
