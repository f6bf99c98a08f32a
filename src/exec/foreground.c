/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command of cgkilld --init, which takes our place for whoever has started us: what he has given us it has.
 */
#include <errno.h>
#include <signal.h>

#include "exec/child.h"

/* What a shell says of a command: POSIX, "2.8.2 Exit Status for Commands". */
#define EXIT_CANNOT_RUN 126
#define EXIT_NOT_FOUND	127

/*
 * In our session, as the terminal is the session's, but in a process group of its own, for its terminal to tell it of ^C and not
 * us; in the foreground if we are there. Who is not must ignore SIGTTOU to get there: tcsetpgrp(3).
 */
static void enter_foreground(const struct child *c)
{
	const bool foreground = tcgetpgrp(STDIN_FILENO) == getpgrp();

	if (setpgid(0, 0) < 0)
		child_fail(c, STEP_SETSID, errno);
	if (!foreground)
		return;
	signal(SIGTTOU, SIG_IGN);
	(void)tcsetpgrp(STDIN_FILENO, getpgrp());
	signal(SIGTTOU, SIG_DFL);
}

void child_set_up_session(const struct child *c)
{
	if (c->x->unit->foreground)
		enter_foreground(c);
	else if (setsid() < 0)
		child_fail(c, STEP_SETSID, errno);
}

_Noreturn void child_execute_foreground(const struct child *c, char **argv)
{
	if (!c->x->unit->ignore_sigpipe)
		signal(SIGPIPE, SIG_DFL);
	execvpe(argv[0], argv, c->env);
	spawn_fail(c->report_fd, STEP_EXEC, errno, errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN);
}
