/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The dependencies that a unit has without writing them: DefaultDependencies= of systemd.service(5) and systemd.target(5),
 * and what Slice= means.
 */
#include "core/unit.h"

/*
 * Those that the unit has by itself: a service comes after the targets of an early boot, unless DefaultDependencies=no; it
 * requires, and comes after, its slice, as a slice does the one that it is in.
 * There is none with shutdown.target, which takes no part in a shutdown here. 0 or -ENOMEM.
 */
int defaults_add(struct unit *u) must_check;

/*
 * A target comes after what it pulls in, unless one of both says the contrary, or has DefaultDependencies=no: is that so for
 * this target and a unit that it wants or requires?
 */
bool defaults_order(const struct unit *target, const struct unit *wanted);
