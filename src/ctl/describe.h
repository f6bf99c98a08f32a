/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Objects of the protocol as clauses for a person. What is appended may hold text of any process:
 * print it with print_printable().
 */
#include <jansson.h>

#include "util/buf.h"
#include "util/clock.h"

/*
 * "SIGKILL to 2 processes: stubborn-daemon, sleep", "stop asked by uid 0 pid 4242 (cgkillctl)",
 * "stop-sigterm" …
 */
void describe_event(struct buf *b, const json_t *event);
void print_event(const json_t *event); /* to standard output, printable, without a newline */
/*
 * Whether it belongs into the short account of a stop: what was done to processes, not through
 * which states it went.
 */
bool event_is_key(const json_t *event);
/* Whether it shows that the polite way was not enough: SIGKILL, or a process that outlived it. */
bool event_is_escalation(const json_t *event);

/* "4242 (dd), state D, waits in folio_wait_bit, for 12s: reason" */
void describe_survivor(struct buf *b, const json_t *survivor, usec_t now);

/* "code=exited, status=203/EXEC", "code=killed, signal=KILL" */
void describe_end(struct buf *b, const char *code, int status);

/* "1 process", "2 processes" */
void describe_count(struct buf *b, json_int_t n);
