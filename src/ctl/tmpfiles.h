/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Tells, on standard error, what the tmpfiles.d(5) of the unit's package promises and is not there: a machine that does not
 * boot with systemd-tmpfiles lacks it, and daemons say little when they miss it.
 */
void tell_missing_tmpfiles(const char *unit);
