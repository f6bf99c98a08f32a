/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include "ctl/manager.h"
#include "ctl/outcome.h"
#include "ctl/reap.h"

/* To be told of by a descriptor: what ends us must not leave a cgroup frozen. -1: it cannot be. */
static int catch_signals(void)
{
	static const int ending[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	struct sigaction now;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		if (sigaction(ending[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaddset(&set, ending[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Each of them takes some five descriptors. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit); /* without it there is less to begin with */
	}
}

/* Where one has none for its stop there is nothing but to look again soon. */
#define LOOK_MSEC 10

/* Until all are over, or a signal has come, whose number it is; else 0. */
static int drive(struct reap *reaps, size_t n, struct pollfd *fds, int signal_fd)
{
	struct signalfd_siginfo caught;
	nfds_t waiting;
	bool blind;

	for (;;) {
		waiting = 0;
		blind = false;
		for (size_t i = 0; i < n; i++) {
			int fd = -1;

			if (!reap_step(&reaps[i], &fd))
				continue;
			blind |= fd < 0;
			fds[waiting++] = (struct pollfd){ .fd = fd, .events = POLLIN };
		}
		if (waiting == 0)
			return 0;
		fds[waiting] = (struct pollfd){ .fd = signal_fd, .events = POLLIN };
		/* Each of them has its own end. */
		(void)poll(fds, waiting + 1, blind ? LOOK_MSEC : -1);
		if (read(signal_fd, &caught, sizeof(caught)) == sizeof(caught))
			return (int)caught.ssi_signo;
	}
}

/* As if it had never been caught. */
static void die_of(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int reap_all(struct ctl *ctl, char **names, size_t n, struct reap *reaps, struct pollfd *fds)
{
	cleanup_close int signal_fd = catch_signals();
	json_t *outcomes = json_array();
	json_t *reply = json_pack("{s:o}", "outcomes", outcomes);
	int r, sig;

	raise_limit();
	for (size_t i = 0; i < n; i++)
		reap_begin(&reaps[i], names[i], &ctl->options);
	sig = drive(reaps, n, fds, signal_fd);
	for (size_t i = 0; i < n; i++) {
		reap_end(&reaps[i]);
		json_array_append_new(outcomes, reaps[i].outcome);
	}
	if (sig != 0)
		die_of(sig);
	r = tell_outcomes(ctl, "reap", reply);
	json_decref(reply);
	return r;
}

int verb_reap(struct ctl *ctl, char **args)
{
	size_t n = 0;
	struct reap *reaps;
	struct pollfd *fds;
	int r = CGKILL_EXIT_FAILED;

	while (args[n + 1])
		n++;
	if (n > 1 && ctl->options.leader) {
		complain("reap: --leader= is a process of one cgroup, and several are named.");
		return CGKILL_EXIT_USAGE;
	}
	reaps = calloc(n + 1, sizeof(*reaps));
	fds = calloc(n + 1, sizeof(*fds));
	if (reaps && fds)
		r = reap_all(ctl, args + 1, n, reaps, fds);
	else
		complain("Out of memory.");
	free(reaps);
	free(fds);
	return r;
}
