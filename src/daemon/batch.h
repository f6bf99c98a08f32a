/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * One Start, Stop, Restart or Reload call over any number of units: one transaction; gathers the outcomes in the order
 * of the names, answers when the last one is there. A client that goes away takes back nothing: the jobs go on.
 */
#include <jansson.h>

#include "core/service.h"
#include "core/transaction.h"
#include "daemon/server.h"

struct manager;
struct supervised;

struct batch_request {
	enum job_type type; /* START, STOP, RESTART, RELOAD */
	usec_t deadline;    /* absolute */
	bool only_active;   /* what is not active is left alone */
	bool block;
};

/* names: as typed, globs included; borrowed. Answers c, now or later. */
void batch_run(struct manager *m, struct call *c, const struct batch_request *r, json_t *names);

/* What a person is told of an answer beside its word, static; NULL: the word is enough. */
const char *answer_text(enum answer a, const struct supervised *sv, enum request request);
