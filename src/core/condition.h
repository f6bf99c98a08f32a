/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Condition…= and Assert…= of systemd.unit(5), as data: what is to be looked at before a start, and what the answers mean
 * together. Who looks is daemon/check.h; nothing here does I/O.
 */
#include <sys/types.h>

#include "util/macro.h"

/* What is looked at. Those that are not here are warned about, and count as met: core/ignored.h. */
enum condition_kind {
	CONDITION_INVALID,
	CONDITION_PATH_EXISTS,
	CONDITION_PATH_EXISTS_GLOB,
	CONDITION_PATH_IS_DIRECTORY,
	CONDITION_PATH_IS_SYMBOLIC_LINK,
	CONDITION_PATH_IS_MOUNT_POINT,
	CONDITION_PATH_IS_READ_WRITE,
	CONDITION_DIRECTORY_NOT_EMPTY,
	CONDITION_FILE_NOT_EMPTY,
	CONDITION_FILE_IS_EXECUTABLE,
	CONDITION_NEEDS_UPDATE,
	CONDITION_FIRST_BOOT,
	CONDITION_AC_POWER,
	CONDITION_ARCHITECTURE,
	CONDITION_VIRTUALIZATION,
	CONDITION_HOST,
	CONDITION_KERNEL_COMMAND_LINE,
	CONDITION_KERNEL_VERSION,
	CONDITION_KERNEL_MODULE_LOADED,
	CONDITION_SECURITY,
	CONDITION_CAPABILITY,
	CONDITION_ENVIRONMENT,
	CONDITION_USER,
	CONDITION_GROUP,
	CONDITION_MEMORY,
	CONDITION_CPUS,
	CONDITION_FIRMWARE,
	CONDITION_CREDENTIAL,
	CONDITION_CPU_FEATURE,
	CONDITION_CGROUP_CONTROLLER,
	CONDITION_OS_RELEASE,
	CONDITION_KIND_MAX,
};

struct condition {
	uint8_t kind; /* enum condition_kind */
	bool is_assert;
	bool trigger; /* '|': of all that have it one must be met */
	bool negate;  /* '!' */
	char *value;  /* specifiers expanded */
};

/* In the order of the files, conditions and assertions alike. A unit without any has none of these. */
#define CONDITIONS_MAX 254
struct conditions {
	size_t n;
	struct condition v[];
};

const char *condition_kind_name(enum condition_kind k); /* "PathExists" */
/* Must the value be an absolute path? */
bool condition_takes_path(enum condition_kind k);
/* Can the value be met at all? */
bool condition_understands(enum condition_kind k, const char *value);
/* What a number is compared with, behind the operator: "8G" of ">= 8G". */
const char *condition_operand(const char *value);

/* Takes over c.value, also where it fails. 0, -ENOMEM, -ERANGE: there are CONDITIONS_MAX. */
int conditions_add(struct conditions **list, struct condition c) must_check;
/* An empty assignment: all conditions, of whatever kind, or all assertions are forgotten. */
void conditions_reset(struct conditions **list, bool asserts);
void conditions_free(struct conditions *list);

/*
 * The place in list, which may be NULL, of the first condition that stands against a start, or, where all of them are met, of such an assertion; -1:
 * nothing does. Those without '|' must all be met, and one of those with it: where none is, the first of them is named.
 * test: 1 it is so, 0 it is not, < 0 nobody knows, which counts as not met, with '!', too (systemd: "assuming failed").
 */
typedef int (*condition_test_fn)(enum condition_kind kind, const char *value, void *arg);
ssize_t conditions_find_unmet(const struct conditions *list, condition_test_fn test, void *arg);

/* "ConditionPathExists=|!/etc/foo"; NULL without memory. The caller frees it. */
char *condition_text(const struct condition *c);
