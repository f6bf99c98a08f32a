/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The names of Linux' system calls on all architectures, and the groups of them that unit files may name: "@default",
 * "@system-service" … of systemd.exec(5), SystemCallFilter=. The groups are those of systemd 252.
 */
#include "util/macro.h"

#define SYSCALL_COUNT 554

/* Where the name stands in the table, 0 to SYSCALL_COUNT - 1; -1: nobody has heard of it. */
int syscall_find(const char *name);
const char *syscall_name(size_t index);

/*
 * The members of a group, separated by spaces, groups ("@chown") among them; NULL: there is none of this name. name: with
 * its '@'. "@known" is every name, and no member of another group: it has none to list and "" here.
 */
const char *syscall_group(const char *name);
