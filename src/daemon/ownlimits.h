/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What cgkilld allows itself beyond what it was started with, and what its services get instead: as it was.
 */
#include "daemon/manager.h"

/* Raises the number of descriptors and the priority; the ones before are in m->no_file and m->nice. Best effort. */
void ownlimits_raise(struct manager *m);
/* As before: for a program that is to raise them itself. */
void ownlimits_restore(const struct manager *m);
