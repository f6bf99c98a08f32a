/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Services as the interface's types (include/cgkill/io.cgkill.manager.varlink). All return new
 * references, NULL without memory.
 */
#include <jansson.h>

#include "daemon/supervisor.h"

json_t *render_row(struct supervised *sv);
json_t *render_stranger(const char *cgroup); /* the row of a cgroup in our subtree that is no unit's */
json_t *render_status(struct supervised *sv);
json_t *render_properties(struct supervised *sv);
json_t *render_progress(struct supervised *sv);
/* Outcome; result is a word of the interface, since the time of the request. */
json_t *render_outcome(struct supervised *sv, const char *result, const char *message, usec_t since,
		       bool with_trail);
/* Outcome of a name that no service was found for. */
/* A job, as list-jobs shows it. */
json_t *render_job(const struct jobs *q, const struct job *j);
json_t *render_problem(const char *name, const char *result, const char *message);
