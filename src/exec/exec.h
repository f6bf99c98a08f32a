/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The child's side of a start: from a fresh process in its cgroup to execve of the unit's command. Runs in an address
 * space of its own, so that it may allocate, look users up and block without harm to cgkilld.
 */
#include <sys/resource.h>
#include <sys/types.h>

#include "core/logging.h"
#include "core/outcome.h"
#include "core/unit.h"
#include "sys/spawn.h"

/* What its sockets have open, and what it has given us to keep, for $LISTEN_FDS and its like: sd_listen_fds(3). */
struct exec_fds {
	int *v; /* the child puts them behind standard error, in this order */
	size_t n;
	size_t n_own; /* how many follow in v that are for the child alone: 0, or the pair of daemon/namespaces.h */
	size_t n_sockets; /* the first ones are of its sockets: NonBlocking= is about them */
	char *names;	  /* $LISTEN_FDNAMES */
};

struct exec_context {
	const struct unit *unit;
	const struct exec_command *command;
	const struct host_facts *host; /* where the bases of its directories are */
	const char *fifo_dir; /* STDIO_LOG goes to the FIFO that is there by the unit's name; NULL: there is no logger */
	enum log_target log_target; /* … if it is for us */
	const char *log_dir;	    /* … and then to LOG_DIR/UNIT.raw */
	int nice;		    /* as cgkilld found it, before it raised its own priority */
	const struct rlimit *no_file; /* RLIMIT_NOFILE as cgkilld found it, before it raised its own */
	pid_t main_pid;		      /* $MAINPID; 0 = unset */
	/* ExecStop= and ExecStopPost=: $SERVICE_RESULT, $EXIT_CODE, $EXIT_STATUS; RESULT_INVALID = unset */
	enum service_result result;
	struct exit_info main_exit;
	int unit_fd;	  /* the unit's cgroup, for the birth mark */
	uint64_t unit_id; /* … and its id: private_tmp_name() */
	bool is_main;	  /* … which of the two marks */
	uint64_t spawn;	  /* … and the number in it */
	const char *delegated; /* Delegate=: the directory of the cgroup that is the user's; NULL = none */
	bool strict;	       /* cgkilld --strict: what protects must work */
	const char *notify_socket; /* $NOTIFY_SOCKET; NULL = unset */
	usec_t watchdog;	   /* $WATCHDOG_USEC, $WATCHDOG_PID; 0 or USEC_INFINITY = unset */
	struct exec_fds fds;	   /* $LISTEN_FDS, $LISTEN_PID, $LISTEN_FDNAMES */
	const char *runtime_dir; /* $CGKILL_RUNTIME_DIR, so that cgkillctl in a unit's commands finds its manager */
};

/* A spawn_fn; arg is a struct exec_context. */
void exec_child(void *arg, int report_fd);

/* Reports of exec_child. A step with EXEC_STEP_WARNING set did not stop it. */
#define EXEC_STEP_WARNING 0x80000000U
const char *exec_step_name(uint32_t step); /* "USER", "EXEC" as systemd names them; "?" */
