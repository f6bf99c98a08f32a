/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/init.h"

#include <cgkill/protocol.h>
#include <errno.h>
#include <sys/mman.h>

#include "core/initwords.h"
#include "daemon/guard.h"
#include "daemon/process.h"
#include "daemon/shutdown.h"
#include "daemon/supervisor.h"
#include "sys/pidfd.h"
#include "util/log.h"
#include "util/parse.h"

/* systemd-nspawn, LXC and podman ask an init for an orderly end by it: systemd(1), "SIGNALS". */
#define SIG_HALT (SIGNAL_RTMIN + 3)

struct init {
	struct manager *manager;
	char *const *units;
	struct deferred work;
	bool over;
	int status_fd; /* of a memfd with what we end with, and the guard after us; -1: not known */
};

/* ---- signals ---- */

bool init_is_end(int sig)
{
	return sig == SIGPWR || sig == SIG_HALT;
}

bool init_hears(int sig)
{
	static const int not_ours[] = { SIGKILL, SIGSTOP, SIGCHLD, SIGPIPE, SIGTTIN,
					SIGTTOU, SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,
					SIGABRT, SIGTRAP, SIGSYS };

	for (size_t i = 0; i < ARRAY_SIZE(not_ours); i++)
		if (sig == not_ours[i])
			return false;
	return sig < SIGSYS || sig >= SIGRTMIN; /* those between are glibc's own: nptl(7) */
}

/*
 * Process groups outside our PID namespace are 0 to us, all of them: then the kernel is asked for nothing to read, which it refuses
 * to who is not in the foreground (drivers/tty/tty_jobctrl.c, __tty_check_change(): EIO where SIGTTIN is blocked).
 */
bool init_has_foreground(void)
{
	const pid_t group = tcgetpgrp(STDIN_FILENO);
	char nothing;

	return group == getpgrp() && (group > 0 || read(STDIN_FILENO, &nothing, 0) == 0);
}

void init_add_signals(const struct init *i, sigset_t *set)
{
	if (!i)
		return;
	sigaddset(set, SIGPWR);
	sigaddset(set, SIG_HALT);
	for (int sig = 1; i->manager->command && sig <= SIGRTMAX; sig++)
		if (init_hears(sig))
			sigaddset(set, sig);
}

static void forward(const struct supervised *command, int sig)
{
	int r = command->main ? pidfd_signal(command->main->pidfd, sig) : -ESRCH;

	if (r < 0)
		log_info("the command does not get signal %d: %s", sig, strerror(-r));
}

int init_take_signal(struct init *i, int sig)
{
	struct supervised *command;

	if (i && init_is_end(sig))
		return SIGTERM;
	if (!i || !i->manager->command || sig == SIGTERM)
		return sig;
	command = manager_look_up(i->manager, INIT_COMMAND_UNIT);
	if (command && sig == SIGINT)
		command->unit->kill_signal = SIGINT; /* what came is what it is stopped by */
	else if (command)
		forward(command, sig);
	return sig == SIGINT ? sig : 0;
}

/* ---- the end ---- */

/* Of what never ran its job tells why. */
static bool has_failed(const struct supervised *sv)
{
	return sv->load_state != LOAD_LOADED || sv->machine.result != RESULT_SUCCESS ||
	       (sv->machine.main_exit.code == 0 && sv->last_job != JOB_RESULT_INVALID &&
		sv->last_job != JOB_DONE && sv->last_job != JOB_SKIPPED);
}

/* A command's status is its own, whatever became of who it has left behind. */
static int status_of(const struct supervised *sv)
{
	const struct exit_info *e = &sv->machine.main_exit;

	if (sv->machine.state == STATE_STUCK)
		return CGKILL_EXIT_SURVIVORS;
	if (e->code == CLD_KILLED || e->code == CLD_DUMPED)
		return 128 + e->status;
	if (e->code == CLD_EXITED && (e->status != 0 || sv->unit->foreground))
		return e->status;
	return has_failed(sv) ? CGKILL_EXIT_FAILED : CGKILL_EXIT_OK;
}

static bool is_over(const struct supervised *sv)
{
	return unit_kind_of(supervised_name(sv)) == UNIT_SERVICE && sv->node->n_jobs == 0 &&
	       (supervised_is_final(sv) || sv->machine.state == STATE_STUCK);
}

/* The one to end as; NULL: it is not over. */
static const struct supervised *find_ended(const struct init *i)
{
	const struct supervised *found = NULL;

	for (char *const *unit = i->units; *unit; unit++) {
		const struct supervised *sv = manager_get(i->manager, *unit);

		if (!sv || !is_over(sv))
			return NULL;
		if (!found || (has_failed(sv) && !has_failed(found)))
			found = sv;
	}
	return found;
}

/* Before anything is stopped for it, so that a crash on the way does not change how we end. */
static void keep_status(struct init *i, int status)
{
	i->status_fd = memfd_create(INIT_STATUS, MFD_CLOEXEC);
	if (i->status_fd < 0 ||
	    pwrite(i->status_fd, &status, sizeof(status), 0) != (ssize_t)sizeof(status) ||
	    guard_keep(i->manager->guard, INIT_STATUS, i->status_fd) < 0)
		log_error("the exit status %d is not told: %m", status);
}

int init_read_status(int fd, int otherwise)
{
	int status;

	return fd >= 0 && pread(fd, &status, sizeof(status), 0) == (ssize_t)sizeof(status) ? status
											   : otherwise;
}

void init_conclude(struct init *i)
{
	const struct supervised *ended = i && !i->over ? find_ended(i) : NULL;

	if (!ended)
		return;
	i->over = true;
	keep_status(i, status_of(ended));
}

static void on_work(struct deferred *d)
{
	struct init *i = container_of(d, struct init, work);

	init_conclude(i);
	if (i->over && !i->manager->shutdown)
		shutdown_by_unit(i->manager, i->units[0], false);
}

void init_note_state(struct init *i)
{
	if (i)
		loop_defer(i->manager->loop, &i->work);
}

/* ---- life ---- */

int init_new(struct init **out, struct manager *m, const struct options *o)
{
	struct init *i = o->init ? calloc(1, sizeof(*i)) : NULL;

	if (o->init && !i)
		return -ENOMEM;
	if (i) {
		*i = (struct init){ .manager = m,
				    .units = o->units,
				    .status_fd = inherit_take(INIT_STATUS) };
		i->over = i->status_fd >= 0;
		i->work.fn = on_work;
		list_init(&i->work.link);
	}
	*out = i;
	return 0;
}

void init_free(struct init *i)
{
	if (!i)
		return;
	list_remove(&i->work.link);
	close_fd(i->status_fd);
	free(i);
}
