/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * How units fared, told to a person: what failed, what was left alive, and what it took to stop
 * them.
 */
#include "ctl/ctl.h"

/* Tells the "outcomes" of a reply to verb; returns the gravest exit code among them. */
int tell_outcomes(const struct ctl *ctl, const char *verb, json_t *reply);
