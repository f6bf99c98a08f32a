/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a crash leaves behind: RUNTIME_DIR/crash/TIME.txt, readable by us only. The last CRASH_MAX are kept.
 */
#include "core/outcome.h"
#include "daemon/recorder.h"
#include "util/clock.h"

#define CRASH_MAX 8

struct crash {
	pid_t pid;
	struct exit_info exit;
	usec_t lived;
	const struct recorder *recorder;
};

/* "killed by signal 11/SEGV, core dumped", "exited with status 1". Writes to buf, returns buf. */
#define CRASH_CAUSE_SIZE 64
const char *crash_cause(struct exit_info e, char buf[static CRASH_CAUSE_SIZE]);

/* Writes the report, after the oldest were removed. 0 with *path, the caller's; or -errno. */
int crash_report(const char *runtime_dir, const struct crash *c, char **path) must_check;
