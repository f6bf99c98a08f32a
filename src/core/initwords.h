/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What stands behind the options of cgkilld --init: names of units, or a command, which is a unit of its own then.
 */
#include "core/unit.h"
#include "core/wellknown.h"

#define INIT_COMMAND_UNIT "main.service"

/* All of them are valid names of units, with a suffix and not of templates; no words are none. words: NULL = none. */
bool init_words_are_units(char *const *words);

/* The text of INIT_COMMAND_UNIT, but for what init_command_set() has to say. */
extern const struct wellknown init_command_unit;
/*
 * What a unit file cannot say: that the words are run as they are, that what they run shares with us what unit.h says of
 * foreground, with that umask, and how long they and who is left of them have to stop. 0 or -ENOMEM.
 */
int init_command_set(struct unit *u, char *const *words, unsigned umask, usec_t timeout_stop) must_check;
