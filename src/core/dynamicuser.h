/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * DynamicUser=: a user that no database knows. Its number is found by exec/dynamicuser.c; here is what else the directive means.
 */
#include "core/load.h"

/* Of a unit that has it: the user's name, if it has none, and what is implied, whatever the unit says. 0 or -ENOMEM. */
int dynamic_user_imply(struct unit *u) must_check;
