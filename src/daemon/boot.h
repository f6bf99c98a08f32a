/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * cgkilld --target= and --init: the units that are started once requests are served, with all that they pull in. A boot that is over, well
 * or not, is never done again by a later program of the same life (a guard's new worker, daemon-reexec): who has stopped
 * something since meant it.
 */
#include "util/macro.h"

struct boot;
struct manager;

/* To be called before the descriptors that nobody took are closed. units: a strv, borrowed. -ENOMEM */
int boot_new(struct boot **out, struct manager *m, char *const *units) must_check;
/* Asks for each of them, unless an earlier program of ours has come to the end of it. */
void boot_begin(struct boot *b);
/* For the program that we are about to become. NULL: there is nothing to boot. */
int boot_pass(const struct boot *b) must_check;
void boot_free(struct boot *b); /* takes NULL */
