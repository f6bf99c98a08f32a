/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What cgkilld has to do with logs: it keeps a cgkill-logger running, tells it which FIFOs there are, and what happens to
 * units. Nothing of a service's output goes through cgkilld, and nothing here ever waits, but for the end.
 */
#include "daemon/manager.h"
#include "util/macro.h"

/* The logger's cgroup below our root: no name of a unit. */
#define LOGS_CGROUP "logger"

struct logs;

struct logs_config {
	const char *dir; /* of the logs */
	uint64_t max_size;
	unsigned max_files;
	const char *syslog_path; /* where syslog(3) sends, to be provided where nobody else does; NULL = not */
};

/*
 * Finds the logger of an earlier cgkilld, if one lives; else one is started when something is to be logged. All of config
 * is borrowed. 0 or -errno, with what is wrong logged.
 */
int logs_new(struct logs **out, struct manager *m, const struct logs_config *config) must_check;
void logs_free(struct logs *l); /* the logger lives on; takes NULL */

/* After adoption: what runs is known to the logger, which may have died, too. */
void logs_resume(struct logs *l);
/*
 * Before a process of the unit is started: the logger has its FIFO, or will have. The directory of FIFOs, where it is by the
 * unit's name; NULL: there is no logger to be had, and the child is to write to a file itself.
 */
const char *logs_prepare(struct logs *l, struct supervised *sv);
/* Something happened to the unit: to its log, if there is a logger. l may be NULL. */
void logs_tell(struct logs *l, const struct supervised *sv, const char *fmt, ...) printf_like(3, 4);
/* A run is over: its FIFO will be let go, unless it is started again soon. l may be NULL. */
void logs_note_over(struct logs *l);
/* At the end: the logger empties all FIFOs and ends. Waits for that, bounded. l may be NULL. */
void logs_end(struct logs *l);
