/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Strict parsing and formatting of small values. Every parser takes the whole string (no trailing
 * bytes, no sign where none belongs) and returns 0, -EINVAL (not of this form) or -ERANGE; *out is
 * written only on success.
 */
#include "util/clock.h"
#include "util/macro.h"

int parse_u64(const char *s, uint64_t *out) must_check;	 /* decimal */
int parse_uint(const char *s, unsigned *out) must_check; /* decimal */
int parse_int(const char *s, int *out) must_check;	 /* decimal, one leading '-' or '+' */
int parse_mode(const char *s, unsigned *out) must_check; /* octal, at most 07777 */
int parse_pid(const char *s, int *out) must_check;	 /* decimal, > 0 */
/* systemd's words, in any case: systemd.syntax(7). */
int parse_bool(const char *s, bool *out) must_check;
/* Bytes: "64K", "1.5G" (B K M G T P E, powers of 1024), "infinity". */
int parse_size(const char *s, uint64_t *out) must_check;

/*
 * A time span as systemd.time(7) has it: "2min 200ms", "1.5h", "infinity"; a bare number is in
 * seconds. Unlike the other parsers these pass over white space and take a '+'. Negative spans are
 * -ERANGE. The same with another unit for bare numbers (1 = µs).
 */
int parse_span(const char *s, usec_t *out) must_check;
int parse_span_unit(const char *s, usec_t unit, usec_t *out) must_check;

/*
 * "1min 30s", "2s", "1.500000s", "infinity", as systemctl show prints them. Writes to buf (SPAN_MAX
 * bytes), returns buf.
 */
#define SPAN_MAX 96
const char *format_span(usec_t span, char buf[static SPAN_MAX]);
/* The same for a look: three digits, or whole seconds from a minute on. "1.25s", "312ms", "1min 30s" */
const char *format_span_short(usec_t span, char buf[static SPAN_MAX]);

/* glibc's SIGRTMIN, and so what everybody means by "RTMIN+3": signal(7). musl keeps one more for itself. */
#define SIGNAL_RTMIN 34
/* "SIGTERM", "TERM", "15", "SIGRTMIN+3", "RTMAX-1" → number. Names are case-sensitive. */
int parse_signal(const char *s, int *out) must_check;
/*
 * The name without SIG ("TERM", "RTMIN+3"), or the number in digits; static or per-thread storage.
 */
const char *signal_name(int sig);

/* "EPERM", by errno(3), to its number. 0 or -EINVAL. Names are case-sensitive. */
int parse_error_name(const char *s, int *out) must_check;
/* Static; NULL for what no error has as its number. */
const char *error_name(int error);

/*
 * The names of exit codes as systemd.exec(5) lists them (SUCCESS, FAILURE, EXEC, USER …), and
 * numbers 0 to 255.
 */
int parse_exit_status(const char *s, int *out) must_check;
/* The name ("SUCCESS", "EXEC"), NULL when there is none. */
const char *exit_status_name(int status);
