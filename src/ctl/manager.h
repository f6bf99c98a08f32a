/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Calls to cgkilld, for verbs: every failure is explained on standard error here, once. Functions
 * that return int return 0, or the exit code that the failure deserves.
 */
#include "ctl/ctl.h"

/* From manager_send() and manager_receive(), not explained: the connection has ended. */
#define MANAGER_LOST (-1)

/*
 * method without its interface; parameters are stolen, NULL = without memory, which is a failure
 * like any other.
 */
int manager_send(struct ctl *ctl, const char *method, json_t *parameters, bool more) must_check;

/*
 * The next reply, or *out = NULL when it is later than until. *continues: another one follows it.
 */
int manager_receive(struct ctl *ctl, usec_t until, json_t **out, bool *continues) must_check;

/*
 * After MANAGER_LOST: connects again, ever more seldom, for RECONNECT_FOR altogether since the last
 * reply. What was asked has to be asked again.
 */
#define RECONNECT_FOR (10 * USEC_PER_SEC)
int manager_reconnect(struct ctl *ctl) must_check;
/* Or explains it. */
int manager_explain_lost(void);

/* Where a file of cgkilld's runtime directory is, appended to path; false: it cannot be told. */
bool manager_runtime_path(const struct options *o, const char *file, struct buf *path);
/* Can it be connected to? Nothing is explained if it cannot. */
bool manager_is_running(struct ctl *ctl);

/* One call, one reply. */
int manager_call(struct ctl *ctl, const char *method, json_t *parameters, json_t **out) must_check;

/*
 * A method that takes the units named by args: {"units": […]}, NULL after an explanation. "foo"
 * becomes "foo.service".
 */
json_t *manager_units(char *const *args) must_check;
/* ".service" is appended, unless there is a suffix; a glob stays as it is, so that "foo.*" means what it says. */
bool manager_wants_suffix(const char *name);
/* The same reply, when it has an array called key of objects that have a string called id. */
int manager_array(json_t *reply, const char *key, const char *id, json_t **out) must_check;
/* The units that these patterns (none: all) and that type (NULL: any) name, as List gives them; *units is in *reply. */
int manager_list(struct ctl *ctl, char *const *patterns, const char *type, json_t **reply,
		 json_t **units) must_check;

/* With --json: prints the reply, and true. */
bool manager_print_json(const struct ctl *ctl, const json_t *reply);
