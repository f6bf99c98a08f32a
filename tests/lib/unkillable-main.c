/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * unkillable fuse|freeze|exec|ptrace PID|withheld PID
 *
 * Prints "ready PATH" once it blocks ("ready" alone where PID is the victim): see unkillable.h.
 * Lets go at SIGUSR1, SIGTERM, SIGINT, SIGHUP, and when its standard input ends. Exit status: 0; 77
 * when the machine refuses.
 */
#include <stdio.h>

#include "lib/unkillable.h"
#include "util/macro.h"
#include "util/parse.h"

#define EXIT_SKIP 77 /* automake's word for a test that was skipped */

int main(int argc, char *argv[])
{
	enum unkillable_kind kind = argc > 1 ? unkillable_kind_of(argv[1]) : UNKILLABLE_INVALID;
	int victim = 0, r;

	if (kind == UNKILLABLE_INVALID || argc != (unkillable_traces(kind) ? 3 : 2) ||
	    (argc == 3 && parse_pid(argv[2], &victim) < 0)) {
		fputs("usage: unkillable fuse|freeze|exec|ptrace PID|withheld PID\n", stderr);
		return 2;
	}
	r = unkillable_serve(kind, victim, STDOUT_FILENO, STDIN_FILENO);
	if (r < 0) {
		fprintf(stderr, "unkillable: %s\n", strerror(-r));
		return EXIT_SKIP;
	}
	return EXIT_SUCCESS;
}
