/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Text of unit files → struct unit. Pure: the bytes come from sys/unitdir.h, facts about the host from the caller.
 */
#include "core/showing.h"
#include "core/unit.h"
#include "util/hostfacts.h"

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
 * Only what [Install] says, of a unit of whatever kind, or a template: what the unit does besides need not be
 * understood here. In a template with DefaultInstance= specifiers stand for that instance. Mistakes are warnings in
 * diags; errors are what makes a file unreadable. 0 or -ENOMEM.
 */
int unit_load_install(struct unit **out, const char *name, const struct unit_text *texts, size_t n,
		      const struct host_facts *host, struct diags *diags) must_check;

/*
 * One "Key=Value" list of what systemctl show would print for the settings of a unit, in a fixed order: KillMode,
 * KillSignal, TimeoutStopUSec, Environment, ExecStart … Calls fn for each.
 */
void unit_show(const struct unit *u, unit_show_fn fn, void *arg);
