/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <cgkill/protocol.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "daemon/host.h"
#include "daemon/manager.h"
#include "daemon/methods.h"
#include "daemon/options.h"
#include "daemon/ready.h"
#include "daemon/subtree.h"
#include "daemon/supervisor.h"
#include "sys/unitdir.h"
#include "util/strv.h"

#define CONNECTIONS_MAX 256
#define BACKLOG_MAX	(4UL * 1024 * 1024)

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

/* Each service costs descriptors; the services themselves get the limit as it was. */
static void raise_file_limit(struct manager *m)
{
	struct rlimit raised;

	getrlimit(RLIMIT_NOFILE, &m->no_file);
	raised = m->no_file;
	raised.rlim_cur = raised.rlim_max;
	setrlimit(RLIMIT_NOFILE, &raised);
}

/*
 * A deadline is kept also while those that are to be killed use up all processors. Where it is not allowed, it is not: then
 * we are as good as anybody.
 */
#define OWN_NICE (-10)

static void raise_priority(struct manager *m)
{
	m->nice = getpriority(PRIO_PROCESS, 0);
	if (m->nice > OWN_NICE)
		(void)setpriority(PRIO_PROCESS, 0, OWN_NICE);
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

/* The descriptor holds the lock for as long as we live. */
static int lock_runtime_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		log_error("cannot open %s: %s", path, strerror(errno));
		return -errno;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	close(fd);
	log_error(
		"another cgkilld serves %s: stop it first, or give this one another --runtime-dir",
		path);
	return -EBUSY;
}

static int open_server(struct manager *m, const struct options *o)
{
	struct server_config cfg = { .socket_path = o->socket_path,
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

	switch (si->ssi_signo) {
	case SIGHUP:
		warnings = json_array();
		manager_reload(m, warnings);
		json_decref(warnings);
		break;
	case SIGTERM:
	case SIGINT:
		ready_notify("STOPPING=1");
		manager_shutdown(m);
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
	return loop_signals(m->loop, &set, on_signal, m);
}

static int set_up(struct manager *m, const struct options *o, int *lock_fd)
{
	int r;

	raise_file_limit(m);
	raise_priority(m);
	m->unit_path = unitdir_search_path(o->unit_path, o->user);
	m->runtime_dir = o->runtime_dir;
	m->log_dir = o->log_dir;
	r = m->unit_path
		    ? host_facts_read(&m->host, o->user, o->user ? getenv("XDG_RUNTIME_DIR") : "/run")
		    : -ENOMEM;
	if (r == 0)
		r = make_dir(o->runtime_dir, 0755);
	if (r == 0)
		r = *lock_fd = lock_runtime_dir(o->runtime_dir);
	if (r >= 0)
		r = make_dir(o->log_dir, 0755);
	if (r == 0)
		r = set_up_loop(m);
	if (r == 0)
		r = subtree_open(m, o->root);
	if (r == 0)
		r = open_server(m, o);
	return r;
}

/* 0: all that ran has ended; CGKILL_EXIT_SURVIVORS: something outlived SIGKILL. */
static int run(struct manager *m, const struct options *o)
{
	struct supervised *sv;
	int r;

	log_notice("ready: services in %s, requests on %s", m->root.path, o->socket_path);
	ready_notify("READY=1");
	ready_newline(o->ready_fd);
	r = loop_run(m->loop);
	if (r < 0) {
		log_error("the event loop failed: %s", strerror(-r));
		return CGKILL_EXIT_FAILED;
	}
	list_for_each(&m->services, sv, struct supervised, link)
		if (sv->machine.populated)
			r = CGKILL_EXIT_SURVIVORS;
	return r;
}

int main(int argc, char **argv)
{
	struct manager m = { .root = CG_INIT, .root_parent = CG_INIT };
	struct options o;
	int lock_fd = -1, r;

	if (fill_stdio() < 0)
		return CGKILL_EXIT_FAILED;
	(void)!close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC); /* what our starter left open is no service's business */
	r = options_parse(&o, argc, argv);
	if (r != 0)
		return r > 0	      ? CGKILL_EXIT_OK
		       : r == -EINVAL ? CGKILL_EXIT_USAGE
				      : CGKILL_EXIT_FAILED;
	log_setup("cgkilld", o.log_level,
		  getenv("JOURNAL_STREAM") ? LOG_FORMAT_PRIORITY : LOG_FORMAT_STAMP);
	umask(022);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL); /* ignored, as our starter may have left it, it would take our children's status away */
	list_init(&m.services);
	list_init(&m.monitors);
	r = set_up(&m, &o, &lock_fd);
	r = r < 0 ? CGKILL_EXIT_FAILED : run(&m, &o);
	server_free(m.server);
	manager_free_services(&m);
	subtree_close(&m);
	loop_free(m.loop);
	strv_free(m.unit_path);
	free(m.own_path);
	free(m.init_path);
	close_fd(lock_fd);
	options_deinit(&o);
	return r;
}
