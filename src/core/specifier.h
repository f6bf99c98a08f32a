/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * %-specifiers: systemd.unit(5), "SPECIFIERS".
 */
#include "core/load.h"

/*
 * Expands the specifiers in s. A % before anything but a letter or digit stands for itself, as it
 * does at the end. 0; -EINVAL for a specifier that is unknown, not supported here, or has no value
 * for this name; -ENOMEM. The caller frees *out.
 */
int specifier_expand(const char *s, const char *unit_name, const struct host_facts *host,
		     char **out) must_check;
