/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a client of cgkilld needs to know beside the interface description (io.cgkill.manager.varlink).
 */

#define CGKILL_INTERFACE "io.cgkill.manager"

/* The socket is RUNTIME_DIR/CGKILL_SOCKET; the directory is CGKILL_RUNTIME_DIR_SYSTEM, or below $XDG_RUNTIME_DIR. */
#define CGKILL_RUNTIME_DIR_SYSTEM "/run/cgkill"
#define CGKILL_RUNTIME_DIR_USER	  "cgkill"
#define CGKILL_RUNTIME_DIR_ENV	  "CGKILL_RUNTIME_DIR"
#define CGKILL_SOCKET		  "io.cgkill.manager"
/* Beside the socket: the reply of GetTimelines as it was when the last cgkilld had stopped everything, and ended. */
#define CGKILL_LAST_STOP	  "last-stop.json"

/* A message (JSON text without its NUL) may not be longer: the other side closes. */
#define CGKILL_MESSAGE_MAX (16UL * 1024 * 1024) /* server to client */
#define CGKILL_REQUEST_MAX (256UL * 1024)	/* client to server */

/* Exit codes of cgkillctl: systemctl's, and one that it lacks. */
enum cgkill_exit {
	CGKILL_EXIT_OK = 0,
	CGKILL_EXIT_FAILED = 1,		/* a job failed, timed out or was canceled; no connection */
	CGKILL_EXIT_USAGE = 2,		/* bad arguments */
	CGKILL_EXIT_NOT_APPLICABLE = 3, /* e.g. reload of a unit without ExecReload; status: not active */
	CGKILL_EXIT_DENIED = 4,		/* status and is-active: no such unit */
	CGKILL_EXIT_NO_UNIT = 5,
	CGKILL_EXIT_LOAD = 6,	   /* the unit's file cannot be used */
	CGKILL_EXIT_SURVIVORS = 8, /* the stop ended and processes live: they are named */
};
