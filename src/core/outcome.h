/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * How a process ended, what that means for its service, and whether the service is to be started again.
 */
#include <signal.h>

#include "core/unit.h"

enum service_result {
	RESULT_INVALID,
	RESULT_SUCCESS,
	RESULT_RESOURCES,
	RESULT_PROTOCOL,
	RESULT_TIMEOUT,
	RESULT_EXIT_CODE,
	RESULT_SIGNAL,
	RESULT_CORE_DUMP,
	RESULT_WATCHDOG,
	RESULT_START_LIMIT_HIT,
	RESULT_OOM_KILL,
	RESULT_EXEC_CONDITION,
	RESULT_TRIGGER_LIMIT_HIT,	/* a socket's service was started too often by traffic */
	RESULT_SERVICE_START_LIMIT_HIT, /* … and has failed for that */
	RESULT_EXIT_UNKNOWN,		/* ours: it ended, and nobody could see how */
	RESULT_MAX,
};

/* The end of a process, as waitid(2) tells it. */
#define EXIT_UNKNOWN (-1) /* a code: it was no child of ours, and ended while nobody looked */
struct exit_info {
	int code;   /* CLD_EXITED, CLD_KILLED, CLD_DUMPED, EXIT_UNKNOWN; 0 = none yet */
	int status; /* exit status or signal */
};

const char *service_result_name(enum service_result r); /* "exit-code"; systemd.service(5), $SERVICE_RESULT */
const char *exit_code_name(int code);			/* "exited", "killed", "dumped" */

/*
 * What an end means. A daemon may also end by HUP, INT, TERM or PIPE and is clean then; a command (Type=oneshot, and every
 * control process) may not. success: SuccessExitStatus=, or NULL for a control process.
 */
enum exit_kind { EXIT_KIND_INVALID, EXIT_OF_DAEMON, EXIT_OF_COMMAND };
enum service_result exit_result(struct exit_info e, enum exit_kind kind, const struct exit_set *success);

/*
 * Restart=, RestartPreventExitStatus= and RestartForceExitStatus= applied to how the service ended:
 * result as it stands, main as the main process ended (code 0 = it never ran, or is not known).
 */
bool restart_wanted(const struct unit *u, enum service_result result, struct exit_info main);

/*
 * How long after the end the start that follows n automatic ones is: RestartSec=, and with RestartSteps= in so many equal
 * ratios up to RestartMaxDelaySec=, where that is longer.
 */
usec_t restart_delay(const struct unit *u, unsigned n);
