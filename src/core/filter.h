/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a service may ask the kernel for: the directives of systemd.exec(5) that a seccomp filter enforces. Here is only what
 * is wanted; exec/filter.c makes a filter of it.
 */
#include "core/load.h"
#include "core/syscalls.h"

/* What happens to a system call that is listed; numbers from 0 on are errors that it fails with. */
enum { SYSCALL_UNLISTED = -1, SYSCALL_LISTED = -2, SYSCALL_KILL = -3 };

/* SystemCallFilter= or SystemCallLog=. */
struct syscall_list {
	bool allow; /* all that is not listed is refused (not logged); else all that is listed */
	int16_t action[SYSCALL_COUNT];
};

/* RestrictAddressFamilies=. */
struct family_list {
	bool set, allow;
	uint64_t families; /* a bit each, 1 << AF_* */
};

/* Of a unit that sets one of these; the others have none. */
struct filter {
	struct syscall_list *calls; /* NULL = none is given */
	struct syscall_list *log;
	int error;		/* SystemCallErrorNumber=, or SYSCALL_KILL */
	uint32_t architectures; /* SystemCallArchitectures=, a bit for each of architecture_name(); 0 = all */
	struct family_list families;
	int namespaces; /* RestrictNamespaces=: the CLONE_NEW* that are allowed; NAMESPACES_UNSET */
	bool memory_deny_write_execute;
	bool restrict_realtime;
	bool restrict_suid_sgid;
	bool lock_personality;
};

#define NAMESPACES_UNSET (-1)

/* *f, made with every default where there is none. NULL without memory. */
struct filter *filter_get(struct filter **f) must_check;
void filter_free(struct filter *f);

struct syscall_list *syscall_list_new(bool allow) must_check;
/*
 * name, or where it is a group all its members, from a line with or without '~': is listed, or struck off, whatever the kind
 * of the list makes of it. action: an error, SYSCALL_KILL, or SYSCALL_LISTED for what the whole list does. 0; -ENOENT:
 * there is no such name.
 */
int syscall_list_apply(struct syscall_list *list, const char *name, bool invert, int action) must_check;
/* Is there anything that it refuses (or logs)? list may be NULL. */
bool syscall_list_matters(const struct syscall_list *list);

/* "EPERM", "1", "kill": the error, or SYSCALL_KILL. -EINVAL, -ERANGE. */
int syscall_action_parse(const char *text, int *out) must_check;

/* "AF_INET" and 2; -1 and NULL: there is none. */
int family_find(const char *name);
const char *family_name(int family);

/* "native", "x86-64": its bit number; -1: there is none. NULL behind the last. */
int architecture_find(const char *name);
const char *architecture_name(size_t index);

/* "net" and CLONE_NEWNET; 0: there is none. */
int namespace_find(const char *name);
extern const int namespaces_all; /* all that systemd 252 knows */

/* The rows of unit_show(); f may be NULL. */
void filter_show(const struct filter *f, struct showing *out);
