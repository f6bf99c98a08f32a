/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <cgkill/protocol.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "daemon/adopt.h"
#include "daemon/boot.h"
#include "daemon/deathwatch.h"
#include "daemon/guard.h"
#include "daemon/history.h"
#include "daemon/inherit.h"
#include "daemon/init.h"
#include "daemon/ledger.h"
#include "daemon/lock.h"
#include "daemon/logs.h"
#include "daemon/lone.h"
#include "daemon/mainpid.h"
#include "daemon/manager.h"
#include "daemon/methods.h"
#include "daemon/options.h"
#include "daemon/ownlimits.h"
#include "daemon/ready.h"
#include "daemon/reexec.h"
#include "daemon/removals.h"
#include "daemon/scheduler.h"
#include "daemon/shutdown.h"
#include "daemon/slicekill.h"
#include "daemon/subtree.h"
#include "daemon/supervisor.h"
#include "sys/host.h"
#include "sys/kernel.h"
#include "sys/unitdir.h"
#include "util/strv.h"

#define CONNECTIONS_MAX 256
#define BACKLOG_MAX	(4UL * 1024 * 1024)
#define LAST_WORDS	USEC_PER_SEC /* for clients to take their replies at the end */

/* The interface description, made from include/cgkill/io.cgkill.manager.varlink at build time. */
extern const char manager_interface_text[];

/* Descriptors 0 to 2 are taken, so that no descriptor of ours ever gets one of these numbers. */
static int fill_stdio(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= 2);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int make_dir(const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno != EEXIST || stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
		log_error("cannot make the directory %s: %s", path, strerror(errno));
		return -errno;
	}
	return 0;
}

/* The descriptor holds the lock for as long as we live, and longer where we become another program. */
static int lock_runtime_dir(const char *path)
{
	int fd = inherit_take("runtime-lock"), r;
	struct stat st;

	if (fd >= 0)
		return fd;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		r = -errno;
		log_error("cannot open %s: %s", path, strerror(-r));
		close_fd(fd);
		return r;
	}
	/* Who can open it can lock it, and keep us from coming back; nobody else has to list it. */
	(void)!fchmod(fd, st.st_mode & 0711);
	r = lock_take(fd);
	if (r == 0)
		return fd;
	close(fd);
	if (r == -EBUSY)
		log_error("another cgkilld serves %s: stop it first, or give this one another "
			  "--runtime-dir",
			  path);
	else
		log_error("cannot lock %s: %s", path, strerror(-r));
	return r;
}

static int open_server(struct manager *m, const struct options *o)
{
	struct server_config cfg = { .socket_path = o->socket_path,
				     .listen_fd = m->listen_fd,
				     .methods = manager_methods,
				     .arg = m,
				     .vendor = "cgkill",
				     .product = "cgkilld",
				     .version = PACKAGE_VERSION,
				     .url = PACKAGE_URL,
				     .interface = CGKILL_INTERFACE,
				     .description = manager_interface_text,
				     .control_group = o->control_group,
				     .max_connections = CONNECTIONS_MAX,
				     .max_request = CGKILL_REQUEST_MAX,
				     .max_backlog = BACKLOG_MAX };
	int r = server_new(&m->server, m->loop, &cfg);

	if (r < 0)
		log_error("cannot listen on %s: %s", o->socket_path, strerror(-r));
	return r;
}

static void on_signal(const struct signalfd_siginfo *si, void *arg)
{
	struct manager *m = arg;
	json_t *warnings;

	switch (init_take_signal(m->init, (int)si->ssi_signo)) {
	case SIGHUP:
		warnings = json_array();
		manager_reload(m, warnings);
		json_decref(warnings);
		break;
	case SIGTERM:
	case SIGINT:
		ready_notify("STOPPING=1");
		shutdown_by_signal(m);
		break;
	case SIGUSR2:
		reexec_begin(m, NULL);
		break;
	default:
		break;
	}
}

static int set_up_loop(struct manager *m)
{
	sigset_t set;

	m->loop = loop_new();
	if (!m->loop)
		return -errno;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR2);
	init_add_signals(m->init, &set);
	return loop_signals(m->loop, &set, on_signal, m);
}

/*
 * What an earlier program of ours has handed over. The command line was meant for the first one: the number of its
 * --ready-fd is another descriptor's now, and --adopt=no was about what it would find, not about what it has left.
 */
static void take_over(struct manager *m, struct options *o)
{
	int listen_fd = inherit_take("listen");
	int r = guard_connect(&m->guard);

	if (r < 0)
		log_warning("cannot use the link to the guard, going on without: %s", strerror(-r));
	o->ready_fd = inherit_take("ready");
	if (listen_fd >= 0) {
		m->listen_fd = listen_fd;
		o->adopt = true;
	}
}

/*
 * The lock on it is never handed on, neither by a guard nor by execve: who holds it beside us is a child of an earlier
 * program, on its way to its birth mark. What is recorded can be judged once they all have got there.
 */
static int open_store(struct manager *m)
{
	int r = store_open(&m->store, m->runtime_dir);

	if (r < 0)
		log_error("cannot keep records of services in %s: %s", m->runtime_dir, strerror(-r));
	else if (lock_take(m->store.dir_fd) < 0)
		log_warning("a child of an earlier cgkilld, on its way to become a service, still "
			    "has the "
			    "lock of %s: going on, since it is known by its cgroup",
			    m->store.dir);
	return r;
}

/* Where logs are is known to cgkillctl by the runtime directory: they are in it, or there is a link. */
static int open_logs(struct manager *m, const struct options *o)
{
	const struct logs_config config = { o->log_dir, o->log_max_size, o->log_max_files,
					    o->syslog_path };
	cleanup_free char *path = NULL, *usual = NULL;

	if (asprintf(&path, "%s/logs", m->runtime_dir) < 0 ||
	    asprintf(&usual, "%s/log", m->runtime_dir) < 0)
		return -ENOMEM;
	(void)unlink(path);
	if (!streq(o->log_dir, usual) && symlink(o->log_dir, path) < 0)
		log_warning("cannot make %s a link to %s, so cgkillctl does not find logs: %m",
			    path, o->log_dir);
	return logs_new(&m->logs, m, &config);
}

static int find_units(struct manager *m, const struct options *o)
{
	int r;

	m->unit_path = unitdir_search_path(o->unit_path, o->user);
	r = m->unit_path ? unitdir_part(m->unit_path, UNITDIR_OWN, &m->own_unit_path) : -ENOMEM;
	return r == 0 ? unitdir_part(m->unit_path, UNITDIR_ADMIN, &m->admin_unit_path) : r;
}

static int set_up(struct manager *m, const struct options *o)
{
	int r;

	ownlimits_raise(m);
	m->runtime_dir = o->runtime_dir;
	m->log_dir = o->log_dir;
	m->log_target = o->log_target;
	m->shutdown_budget = o->shutdown_budget;
	m->strict = o->strict;
	m->command = o->init_command ? o->init_words : NULL;
	m->umask = o->umask;
	m->scheduler = scheduler_new(m);
	r = m->scheduler ? find_units(m, o) : -ENOMEM;
	if (r == 0 && o->units)
		r = boot_new(&m->boot, m, o->units);
	if (r == 0)
		r = init_new(&m->init, m, o);
	if (r == 0)
		r = host_facts_read(&m->host, o->user, o->user ? getenv("XDG_RUNTIME_DIR") : "/run");
	if (r == 0)
		r = make_dir(o->runtime_dir, 0755);
	if (r == 0)
		r = m->lock_fd = lock_runtime_dir(o->runtime_dir);
	if (r >= 0)
		r = make_dir(o->log_dir, 0755);
	if (r == 0)
		r = set_up_loop(m);
	if (r == 0)
		r = guard_watch(m->guard, m->loop);
	if (r == 0)
		r = open_store(m);
	if (r == 0)
		r = open_logs(m, o);
	if (r == 0)
		r = subtree_open(m, o->root);
	if (r == 0 && !o->adopt)
		r = adopt_refuse(m);
	if (r == 0)
		r = adopt_all(m);
	if (r == 0)
		logs_resume(m->logs);
	if (r == 0)
		r = open_server(m, o);
	if (r == 0)
		removals_resume(m);
	return r;
}

/* After a crash clients wait for the next worker, and nobody else takes our place meanwhile. */
static void let_guard_keep(struct manager *m)
{
	int r = guard_keep(m->guard, "runtime-lock", m->lock_fd);

	if (r == 0)
		r = guard_keep(m->guard, "root-lock", m->root_lock_fd);
	if (r == 0)
		r = guard_keep(m->guard, "listen", server_listen_fd(m->server));
	if (r < 0)
		log_warning("the guard cannot keep our locks and our socket: %s", strerror(-r));
}

static void save_history(struct manager *m)
{
	int r = history_save(m);

	if (r < 0)
		log_warning("cannot keep the time line of this stop in %s: %s", m->runtime_dir,
			    strerror(-r));
}

/* 0: all that ran has ended; CGKILL_EXIT_SURVIVORS: something outlived SIGKILL. */
static int run(struct manager *m, const struct options *o)
{
	struct supervised *sv;
	int r;

	log_notice("ready: services in %s, requests on %s", m->root.path, o->socket_path);
	ready_notify("READY=1");
	ready_newline(o->ready_fd);
	let_guard_keep(m);
	if (m->boot)
		boot_begin(m->boot);
	init_note_state(m->init);
	r = loop_run(m->loop);
	while (r == 0 && m->reexec_due && !(m->shutdown && m->live == 0)) {
		reexec_now(m);
		r = loop_run(m->loop);
	}
	init_conclude(m->init);
	if (r == 0) { /* before anybody learns that it is over */
		save_history(m);
		logs_end(m->logs);
	}
	server_drain(m->server, usec_add(clock_now(), LAST_WORDS));
	if (r < 0) {
		log_error("the event loop failed: %s", strerror(-r));
		return CGKILL_EXIT_FAILED;
	}
	list_for_each(&m->services, sv, struct supervised, link) {
		if (sv->machine.populated)
			r = CGKILL_EXIT_SURVIVORS;
		else
			ledger_forget(sv);
	}
	return r;
}

/* By its name, and not by what has it now: after an upgrade that is the new one. NULL: not known, and not exchanged. */
static char *program_path(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));

	return n > 0 && n < (ssize_t)sizeof(path) ? strndup(path, (size_t)n) : NULL;
}

/* The daemon itself, be it a guard's worker. */
static int work(struct options *o, char **argv, bool inherited)
{
	struct manager m = { .root = CG_INIT,
			     .root_parent = CG_INIT,
			     .store = STORE_INIT,
			     .lock_fd = -1,
			     .root_lock_fd = -1,
			     .argv = argv,
			     .program = program_path() };
	int r;

	list_init(&m.services);
	list_init(&m.slices);
	list_init(&m.sockets);
	list_init(&m.monitors);
	if (inherited)
		take_over(&m, o);
	r = set_up(&m, o);
	inherit_close_rest();
	r = r < 0 ? CGKILL_EXIT_FAILED : run(&m, o);
	server_free(m.server);
	reexec_cancel(&m);
	shutdown_free(m.shutdown);
	boot_free(m.boot);
	init_free(m.init);
	manager_free_services(&m);
	logs_free(m.logs);
	slicekill_free(m.slicekill);
	scheduler_free(m.scheduler);
	store_close(&m.store);
	deathwatch_free(m.deathwatch);
	pid_files_free(m.pid_files);
	removals_finish(m.removals);
	subtree_close(&m, r != CGKILL_EXIT_FAILED);
	guard_disconnect(m.guard);
	loop_free(m.loop);
	strv_free(m.unit_path);
	strv_free(m.own_unit_path);
	strv_free(m.admin_unit_path);
	free(m.program);
	free(m.own_path);
	free(m.init_path);
	close_fd(m.lock_fd);
	close_fd(m.root_lock_fd);
	return r;
}

int main(int argc, char **argv)
{
	struct options o;
	bool inherited;
	int r;

	if (fill_stdio() < 0)
		return CGKILL_EXIT_FAILED;
	kernel_close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC); /* what our starter left open is no service's business */
	r = options_parse(&o, argc, argv);
	if (r != 0)
		return r > 0	      ? CGKILL_EXIT_OK
		       : r == -EINVAL ? CGKILL_EXIT_USAGE
				      : CGKILL_EXIT_FAILED;
	log_setup("cgkilld", o.log_level,
		  getenv("JOURNAL_STREAM") ? LOG_FORMAT_PRIORITY : LOG_FORMAT_STAMP);
	o.umask = umask(022);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL); /* ignored, as our starter may have left it, it would take our children's status away */
	inherited = inherit_read();
	if (o.can_read > 0) /* a trial of what daemon-reexec would become */
		r = o.can_read == RECORD_VERSION ? CGKILL_EXIT_OK : CGKILL_EXIT_FAILED;
	else if (o.init && !inherited && lone_is_needed(&o))
		r = lone_run(&o);
	else if (o.guard && !inherited)
		r = guard_run(&o, argv);
	else
		r = work(&o, argv, inherited);
	options_deinit(&o);
	return r;
}
