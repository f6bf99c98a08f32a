/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "core/logging.h"
#include "core/logwire.h"
#include "daemon/child.h"
#include "daemon/supervisor.h"
#include "sys/spawn.h"
#include "util/log.h"
#include "util/ownmem.h"

#define PROGRAM	      "cgkill-logger"
#define FIFO_SIZE     (1 << 20) /* /proc/sys/fs/pipe-max-size, unless somebody has changed it */
#define EVENTS_MAX    128	/* messages full of them, that wait for a logger */
#define RESTART_PAUSE USEC_PER_SEC
#define SWEEP_PAUSE   (2 * USEC_PER_SEC)
#define END_MSEC      10000
#define LEAVE_MSEC    2000

/* Something that the logger is to know. */
struct message {
	struct list link;
	int fd; /* -1: none */
	size_t len;
	char data[];
};

struct logs {
	struct manager *manager;
	struct logs_config config;
	char *program;	/* the logger's; NULL: there is none */
	char *fifo_dir; /* RUNTIME-DIR/output */
	struct sockaddr_un address;

	int syslog_fd; /* kept, so that what is sent waits for the next logger; -1: it is not provided, or by an earlier cgkilld */
	int fd;	       /* the connection; -1: there is no logger */
	struct io_source io;
	struct list unsent;
	unsigned n_events; /* messages in unsent that hold events */
	char *events; /* what happens in this round of the loop, of LOGWIRE_MAX bytes; to be sent at its end */
	size_t events_len;
	struct deferred round;
	bool waits_for_room;
	bool dropped; /* there were too many */
	bool refused; /* FIFOs, for want of descriptors: to be sent again */
	unsigned epoch; /* of the connection: a unit's FIFO is known to the logger by one of its own */
	bool ending;

	int report_fd; /* of the one that we have started; -1: it is an earlier cgkilld's */
	bool poisoned; /* one was killed at birth: the manager learns that of a service, and tries that one again */
	usec_t started;
	struct timer restart;
	struct timer sweep; /* runs are over, or FIFOs were refused */
};

/* ---- the logger ---- */

struct birth {
	const char *program;
	int syslog_fd;
	char *argv[10];
};

/* Its standard descriptors are not ours, for it may outlive us, and who waits for the end of our output shall not wait for it. */
_Noreturn static void become_logger(void *arg, int report_fd)
{
	struct birth *b = arg;

	(void)!setsid();
	(void)!chdir("/");
	for (int fd = 0; fd < 3; fd++) {
		int null = open("/dev/null", O_RDWR);

		if (null >= 0 && null != fd) {
			dup2(null, fd);
			close(null);
		}
	}
	if (b->syslog_fd >= 0)
		(void)!fcntl(b->syslog_fd, F_SETFD, 0);
	execv(b->program, b->argv);
	spawn_fail(report_fd, SPAWN_STEP_FIRST, errno, EXIT_FAILURE);
}

static int listen_on(const struct logs *l)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0), r = 0;
	mode_t mask = umask(077);

	if (fd < 0) {
		r = -errno;
	} else {
		unlink(l->address.sun_path);
		if (bind(fd, (const struct sockaddr *)&l->address, sizeof(l->address)) < 0 ||
		    listen(fd, SOMAXCONN) < 0)
			r = -errno;
	}
	umask(mask);
	if (r == 0)
		return fd;
	close_fd(fd);
	return r;
}

/* Is there a syslogd, or a logger of an earlier cgkilld? */
static bool is_served(const char *path)
{
	cleanup_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	return connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0 || errno == EPROTOTYPE;
}

/* Who sends must not wait for ever: the kernel lets a few messages wait, and then the sender, and the next logger is soon. */
static void provide_syslog(struct logs *l)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const char *path = l->config.syslog_path;
	mode_t mask;
	int fd;

	if (!path || l->syslog_fd >= 0 || is_served(path))
		return;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	mask = umask(0111);
	unlink(a.sun_path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int)) < 0) {
		log_warning("cannot provide %s: %m", a.sun_path);
		fd = close_fd(fd);
	}
	umask(mask);
	l->syslog_fd = fd;
}

/* It has the listening socket from birth on, so that it can be connected to at once. */
static int spawn_logger(struct logs *l, int listen_fd)
{
	struct manager *m = l->manager;
	enum spawn_method method = l->poisoned ? SPAWN_ATTACH : m->spawn_method;
	struct birth b = { .program = l->program, .syslog_fd = l->syslog_fd };
	struct spawned child;
	struct cg cg = CG_INIT;
	int n = 0, r;

	b.argv[n++] = l->program;
	r = asprintf(&b.argv[n++], "--log-dir=%s", l->config.dir) < 0		? -ENOMEM
	    : asprintf(&b.argv[n++], "--fifo-dir=%s", l->fifo_dir) < 0		? -ENOMEM
	    : asprintf(&b.argv[n++], "--listen-fd=%d", listen_fd) < 0		? -ENOMEM
	    : asprintf(&b.argv[n++], "--max-files=%u", l->config.max_files) < 0 ? -ENOMEM
										: 0;
	if (r == 0 && l->syslog_fd >= 0 &&
	    (asprintf(&b.argv[n++], "--syslog-fd=%d", l->syslog_fd) < 0 ||
	     asprintf(&b.argv[n++], "--root=%s", m->root.path) < 0))
		r = -ENOMEM;
	if (r == 0 && l->config.max_size != UINT64_MAX &&
	    asprintf(&b.argv[n++], "--max-size=%llu", (unsigned long long)l->config.max_size) < 0)
		r = -ENOMEM;
	if (r == 0)
		r = cg_create(&cg, &m->root, LOGS_CGROUP);
	if (r == -EEXIST)
		r = cg_open(&cg, &m->root, LOGS_CGROUP);
	if (r == 0)
		r = spawn_into(&child, &cg, &method, become_logger, &b);
	cg_close(&cg);
	for (int i = 1; i < n; i++)
		free(b.argv[i]);
	if (r < 0)
		return r;
	child_await(m->loop, child.pidfd);
	close_fd(l->report_fd);
	l->report_fd = child.report_fd;
	return 0;
}

/* Killed by the kernel at birth, as a service may be: daemon/processes.c, spawn_again(). */
static void explain_end(struct logs *l)
{
	struct spawn_report r;
	bool alive = false;

	if (l->report_fd < 0)
		return;
	while (read(l->report_fd, &r, sizeof(r)) == sizeof(r)) {
		alive = true;
		if (r.step != SPAWN_STEP_ALIVE)
			log_error("cannot execute %s: %s", l->program, strerror((int)r.error));
	}
	if (!alive)
		l->poisoned = true;
	l->report_fd = close_fd(l->report_fd);
}

/* ---- the connection ---- */

static void on_io(struct io_source *s, uint32_t events);
static void on_restart(struct timer *t, usec_t now);
static void on_sweep(struct timer *t, usec_t now);

static int connect_to(struct logs *l)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&l->address, sizeof(l->address)) < 0)
		r = -errno;
	else
		r = io_watch(l->manager->loop, &l->io, fd, EPOLLIN, on_io);
	if (r < 0) {
		close_fd(fd);
		return r;
	}
	l->fd = fd;
	l->waits_for_room = false;
	l->epoch++;
	return 0;
}

/* Connected before it is born, so that whatever becomes of it is told by the end of the connection. */
static int start_logger(struct logs *l)
{
	int listen_fd = listen_on(l), r;

	if (listen_fd < 0)
		return listen_fd;
	provide_syslog(l);
	l->started = clock_now();
	r = connect_to(l);
	if (r == 0)
		r = spawn_logger(l, listen_fd);
	close(listen_fd);
	return r;
}

static void free_message(struct message *msg)
{
	list_remove(&msg->link);
	close_fd(msg->fd);
	free(msg);
}

static int send_one(const struct logs *l, char *data, size_t len, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { data, len };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		h.msg_control = &control;
		h.msg_controllen = sizeof(control);
		control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
						   .cmsg_level = SOL_SOCKET,
						   .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	}
	return sendmsg(l->fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* What is refused for another reason than want of room is told by the end of the connection. */
static void flush(struct logs *l)
{
	struct message *msg;

	if (l->fd < 0)
		return;
	list_for_each(&l->unsent, msg, struct message, link) {
		if (send_one(l, msg->data, msg->len, msg->fd) < 0)
			break;
		l->n_events -= msg->data[0] == LOGWIRE_EVENTS;
		free_message(msg);
	}
	if (l->waits_for_room == list_empty(&l->unsent)) {
		l->waits_for_room = !l->waits_for_room;
		(void)!io_change(&l->io, l->waits_for_room ? EPOLLIN | EPOLLOUT : EPOLLIN);
	}
}

static void announce_all(struct logs *l);

static bool nobody_listens(int r)
{
	return r == -ECONNREFUSED || r == -ENOENT;
}

static void set_sweep(struct logs *l)
{
	if (!l->sweep.loop)
		(void)!timer_set(l->manager->loop, &l->sweep, usec_add(clock_now(), SWEEP_PAUSE),
				 on_sweep);
}

/* Connected, to a logger that lives or a new one. */
static int connect_or_start(struct logs *l)
{
	int r = connect_to(l);

	if (nobody_listens(r))
		r = start_logger(l);
	if (r < 0) {
		log_error("cannot start %s: %s", l->program, strerror(-r));
		io_unwatch(&l->io);
		l->fd = close_fd(l->fd);
	} else {
		announce_all(l);
		set_sweep(l);
	}
	return r;
}

/* The same, but not too often; what is to be sent waits meanwhile. */
static void ensure(struct logs *l)
{
	usec_t now = clock_now(), at = usec_add(l->started, RESTART_PAUSE);

	if (l->fd >= 0 || l->restart.loop || l->ending)
		return;
	if (l->started > 0 && now < at)
		(void)!timer_set(l->manager->loop, &l->restart, at, on_restart);
	else if (connect_or_start(l) < 0)
		(void)!timer_set(l->manager->loop, &l->restart, usec_add(now, RESTART_PAUSE),
				 on_restart);
}

static void on_restart(struct timer *t, usec_t now unused)
{
	struct logs *l = container_of(t, struct logs, restart);

	ensure(l);
	flush(l);
}

/* What was not sent is for the next one, and what it has not read is in the FIFOs. */
static void lose(struct logs *l)
{
	explain_end(l);
	io_unwatch(&l->io);
	l->fd = close_fd(l->fd);
	if (l->ending)
		return;
	log_warning("the logger has ended: starting another one");
	ensure(l);
	flush(l);
}

/* All that was written to its FIFO is read. If it has been started again meanwhile, the logger knows that FIFO anew. */
static void on_released(struct supervised *sv)
{
	if (!supervised_is_final(sv))
		return;
	sv->log_fifo = close_fd(sv->log_fifo);
	sv->log_epoch = 0;
}

static void take_message(struct logs *l, const char *data)
{
	struct supervised *sv =
		data[0] == LOGWIRE_WARNING ? NULL : manager_look_up(l->manager, data + 1);

	if (data[0] == LOGWIRE_WARNING) {
		log_warning("%s", data + 1);
	} else if (sv && data[0] == LOGWIRE_RELEASED) {
		on_released(sv);
	} else if (sv && data[0] == LOGWIRE_REFUSED) {
		sv->log_epoch = 0;
		l->refused = true;
		set_sweep(l);
	}
}

static bool take_word(struct logs *l)
{
	char data[LOGWIRE_MAX + 1];
	ssize_t n = recv(l->fd, data, LOGWIRE_MAX, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		lose(l);
		return false;
	}
	data[n] = '\0';
	take_message(l, data);
	return true;
}

static void on_io(struct io_source *s, uint32_t events)
{
	struct logs *l = container_of(s, struct logs, io);

	if (events & EPOLLOUT)
		flush(l);
	while (l->fd >= 0 && take_word(l))
		;
}

/* ---- what the logger is told ---- */

static struct message *message_new(size_t cap)
{
	struct message *msg = malloc(sizeof(*msg) + cap);

	if (msg) {
		*msg = (struct message){ .fd = -1 };
		list_init(&msg->link);
	}
	return msg;
}

static size_t put_text(char *at, const char *text)
{
	size_t n = strlen(text) + 1;

	memcpy(at, text, n);
	return n;
}

/* "" for a unit that is as all are. */
static const char *settings_of(const struct supervised *sv, char buf[static LOGWIRE_SETTINGS_MAX])
{
	const struct logging *g = sv->unit->logging;
	int n;

	*buf = '\0';
	if (!g)
		return buf;
	n = snprintf(buf, LOGWIRE_SETTINGS_MAX, "%llu %u ", (unsigned long long)g->max_size,
		     g->max_files);
	logging_head(g, buf + n, LOGWIRE_SETTINGS_MAX - (size_t)n);
	return buf;
}

/* Takes fd over. 0 or -ENOMEM. */
static int post(struct logs *l, char kind, const char *unit, const char *settings, int fd)
{
	struct message *msg = message_new(1 + strlen(unit) + 1 + strlen(settings) + 1);

	if (!msg) {
		close_fd(fd);
		return -ENOMEM;
	}
	msg->fd = fd;
	msg->data[msg->len++] = kind;
	msg->len += put_text(msg->data + msg->len, unit);
	msg->len += put_text(msg->data + msg->len, settings);
	list_append(&l->unsent, &msg->link);
	return 0;
}

/* What happened in this round of the loop is sent, or kept as a message. */
static void close_events(struct logs *l)
{
	size_t len = l->events_len;
	struct message *msg;

	l->events_len = 0;
	if (len == 0 || (l->fd >= 0 && list_empty(&l->unsent) && send_one(l, l->events, len, -1) == 0))
		return;
	msg = l->n_events < EVENTS_MAX ? message_new(len) : NULL;
	if (msg) {
		memcpy(msg->data, l->events, len);
		msg->len = len;
		list_append(&l->unsent, &msg->link);
		l->n_events++;
	} else if (!l->dropped) {
		log_warning("the logger does not keep up: events are missing in logs");
	}
	l->dropped = !msg;
}

static void on_round(struct deferred *d)
{
	struct logs *l = container_of(d, struct logs, round);

	close_events(l);
	ensure(l);
	flush(l);
}

/*
 * Whoever has it open for both keeps it from its end, and what is in it from being lost. Opened without waiting for anybody;
 * the flag is nobody else's.
 */
static int open_fifo(const struct logs *l, const char *unit)
{
	cleanup_free char *path = NULL;
	struct stat st;
	int fd, r;

	if (asprintf(&path, "%s/%s", l->fifo_dir, unit) < 0)
		return -ENOMEM;
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT && mkfifo(path, 0600) == 0)
		fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	r = fstat(fd, &st) < 0 ? -errno : S_ISFIFO(st.st_mode) ? 0 : -EEXIST;
	if (r < 0) {
		close(fd);
		return r;
	}
	(void)!fcntl(fd, F_SETPIPE_SZ,
		     FIFO_SIZE); /* EPERM beyond pipe-user-pages-soft: as large as it is, then */
	return fd;
}

/* The same FIFO, whatever has its name, for reading: what is in it is kept, and its end is seen. */
static int open_reader(int fifo)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fifo);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool wants_fifo(const struct supervised *sv)
{
	return sv->manager->log_target != LOG_TARGET_CONSOLE &&
	       (sv->unit->std_out.kind == STDIO_LOG || sv->unit->std_err.kind == STDIO_LOG);
}

/* As long as it runs, whatever becomes of loggers. */
static int hold(const struct logs *l, struct supervised *sv)
{
	int fd = open_fifo(l, supervised_name(sv));

	if (fd < 0) {
		log_warning("%s: cannot open its FIFO in %s, going on without: %s",
			    supervised_name(sv), l->fifo_dir, strerror(-fd));
		return fd;
	}
	close_fd(sv->log_fifo);
	sv->log_fifo = fd;
	return 0;
}

static int announce(struct logs *l, struct supervised *sv)
{
	char settings[LOGWIRE_SETTINGS_MAX];
	int fd = open_reader(sv->log_fifo);
	int r = fd < 0 ? fd : post(l, LOGWIRE_FIFO, supervised_name(sv), settings_of(sv, settings), fd);

	if (r == 0)
		sv->log_epoch = l->epoch;
	else
		log_warning("%s: its output is not logged: %s", supervised_name(sv), strerror(-r));
	return r;
}

/* A new logger knows nothing. What it is told of twice does no harm. */
static void announce_all(struct logs *l)
{
	struct supervised *sv;

	list_for_each(&l->manager->services, sv, struct supervised, link) {
		if (sv->log_fifo < 0 && wants_fifo(sv) && sv->machine.populated)
			(void)!hold(l, sv);
		if (sv->log_fifo >= 0 && sv->log_epoch != l->epoch)
			(void)!announce(l, sv);
		if (supervised_is_final(sv))
			sv->log_epoch = 0; /* it may be released at once */
	}
}

/* What is in it is kept until the logger has read that; but its end is to be seen. */
static void let_go(struct supervised *sv)
{
	int fd = open_reader(sv->log_fifo);

	close_fd(sv->log_fifo);
	sv->log_fifo = MAX_OF(fd, -1);
	sv->log_epoch = 0;
}

static void let_go_all(const struct logs *l)
{
	struct supervised *sv;

	list_for_each(&l->manager->services, sv, struct supervised, link)
		if (sv->log_fifo >= 0 && supervised_is_final(sv) &&
		    (fcntl(sv->log_fifo, F_GETFL) & O_ACCMODE) == O_RDWR)
			let_go(sv);
}

static void on_sweep(struct timer *t, usec_t now unused)
{
	struct logs *l = container_of(t, struct logs, sweep);

	if (l->fd < 0)
		return; /* the next logger is to have them first: announce_all() */
	if (l->refused)
		announce_all(l);
	l->refused = false;
	let_go_all(l);
	flush(l);
}

void logs_note_over(struct logs *l)
{
	if (l && l->program)
		set_sweep(l);
}

void logs_resume(struct logs *l)
{
	if (!l->program)
		return;
	/* one was killed, and may have left something to be written */
	if (l->fd < 0 && (l->config.syslog_path || access(l->address.sun_path, F_OK) == 0))
		ensure(l);
	announce_all(l);
	flush(l);
}

const char *logs_prepare(struct logs *l, struct supervised *sv)
{
	if (!l || !l->program || !wants_fifo(sv))
		return NULL;
	close_events(l); /* "starting" stands before what the service says */
	if ((sv->log_fifo < 0 || sv->log_epoch == 0) && hold(l, sv) < 0)
		return NULL;
	ensure(l);
	if (l->fd >= 0 && sv->log_epoch != l->epoch)
		(void)!announce(l, sv);
	flush(l);
	return l->fifo_dir;
}

/*
 * A thousand services are started in one round: as many messages as that would cost more than to write the records. It is
 * put together where no child gets it: util/ownmem.h.
 */
void logs_tell(struct logs *l, const struct supervised *sv, const char *fmt, ...)
{
	char settings[LOGWIRE_SETTINGS_MAX];
	size_t room;
	va_list ap;
	int n;

	if (!l || !l->program)
		return;
	settings_of(sv, settings);
	room = strlen(supervised_name(sv)) + 1 + strlen(settings) + 1 + LOGWIRE_EVENT_MAX;
	if (l->events_len + room > LOGWIRE_MAX)
		close_events(l);
	if (l->events_len == 0)
		l->events[l->events_len++] = LOGWIRE_EVENTS;
	l->events_len += put_text(l->events + l->events_len, supervised_name(sv));
	l->events_len += put_text(l->events + l->events_len, settings);
	va_start(ap, fmt);
	n = vsnprintf(l->events + l->events_len, LOGWIRE_EVENT_MAX, fmt, ap);
	va_end(ap);
	l->events_len += MIN_OF((size_t)MAX_OF(n, 0), (size_t)LOGWIRE_EVENT_MAX - 1) + 1;
	loop_defer(l->manager->loop, &l->round);
}

/* ---- beginning and end ---- */

/* It is installed where cgkilld is, and upgraded with it. */
static char *find_program(const struct manager *m)
{
	cleanup_free char *copy = m->program ? strdup(m->program) : NULL;
	char *path = NULL;

	if (!copy || asprintf(&path, "%s/" PROGRAM, dirname(copy)) < 0)
		return NULL;
	if (access(path, X_OK) == 0)
		return path;
	log_warning(
		"there is no %s, so services write to files in the log directory by themselves, "
		"without times, and without a bound",
		path);
	free(path);
	return NULL;
}

static int make_fifo_dir(const struct logs *l)
{
	return mkdir(l->fifo_dir, 0700) == 0 || errno == EEXIST ? 0 : -errno;
}

int logs_new(struct logs **out, struct manager *m, const struct logs_config *config)
{
	struct logs *l = own_alloc(sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	*l = (struct logs){ .manager = m, .config = *config, .fd = -1, .report_fd = -1, .syslog_fd = -1 };
	l->address.sun_family = AF_UNIX;
	list_init(&l->unsent);
	list_init(&l->round.link);
	l->round.fn = on_round;
	l->events = own_alloc(LOGWIRE_MAX);
	r = !l->events || asprintf(&l->fifo_dir, "%s/output", m->runtime_dir) < 0 ? -ENOMEM
										  : make_fifo_dir(l);
	if (r == 0 && snprintf(l->address.sun_path, sizeof(l->address.sun_path),
			       "%s/" LOGWIRE_SOCKET, l->fifo_dir) >= (int)sizeof(l->address.sun_path))
		r = -ENAMETOOLONG;
	if (r < 0) {
		log_error("cannot make FIFOs for logs in %s: %s", m->runtime_dir, strerror(-r));
		logs_free(l);
		return r;
	}
	l->program = find_program(m);
	if (l->program)
		(void)!connect_to(l);
	*out = l;
	return 0;
}

void logs_free(struct logs *l)
{
	if (!l)
		return;
	if (l->events)
		close_events(l);
	flush(l); /* what we are about to become would not know of it */
	list_remove(&l->round.link);
	own_free(l->events, LOGWIRE_MAX);
	timer_clear(&l->restart);
	timer_clear(&l->sweep);
	io_unwatch(&l->io);
	close_fd(l->fd);
	close_fd(l->report_fd);
	close_fd(l->syslog_fd);
	while (!list_empty(&l->unsent))
		free_message(container_of(l->unsent.next, struct message, link));
	free(l->program);
	free(l->fifo_dir);
	own_free(l, sizeof(*l));
}

/* Until it has closed the connection, which it does with its end. False: it has not. */
static bool await_end(struct logs *l)
{
	usec_t end = usec_add(clock_now(), END_MSEC * USEC_PER_MSEC), now;

	while (l->fd >= 0 && (now = clock_now()) < end) {
		struct pollfd p = { .fd = l->fd, .events = POLLIN };

		if (!list_empty(&l->unsent))
			p.events |= POLLOUT;
		(void)poll(&p, 1, (int)((end - now) / USEC_PER_MSEC) + 1);
		on_io(&l->io, p.revents & POLLOUT ? EPOLLOUT : 0);
	}
	return l->fd < 0;
}

/* Its end is a moment before it has left its cgroup. */
static void await_empty(const struct manager *m)
{
	usec_t end = usec_add(clock_now(), LEAVE_MSEC * USEC_PER_MSEC);
	struct cg_events events;
	struct cg cg = CG_INIT;
	int fd;

	if (cg_open(&cg, &m->root, LOGS_CGROUP) < 0)
		return;
	fd = cg_events_open(&cg);
	while (fd >= 0 && cg_events_read(fd, &events) == 0 && events.populated && clock_now() < end)
		(void)poll(&(struct pollfd){ .fd = fd, .events = POLLPRI }, 1, 10);
	close_fd(fd);
	cg_close(&cg);
}

static void kill_it(const struct manager *m)
{
	struct cg cg = CG_INIT;

	if (cg_open(&cg, &m->root, LOGS_CGROUP) == 0)
		(void)!cg_kill_write(&cg);
	cg_close(&cg);
}

/* Something is to be logged still, or may be. */
static bool has_unread(const struct logs *l)
{
	struct supervised *sv;

	list_for_each(&l->manager->services, sv, struct supervised, link)
		if (sv->log_fifo >= 0)
			return true;
	return !list_empty(&l->unsent);
}

void logs_end(struct logs *l)
{
	if (!l)
		return;
	close_events(l);
	timer_clear(&l->restart);
	if (l->fd < 0 && has_unread(l)) /* it has just ended: now, and not in a while */
		(void)!connect_or_start(l);
	l->ending = true;
	if (l->fd >= 0) {
		let_go_all(l);
		(void)!post(l, LOGWIRE_QUIT, "", "", -1);
		flush(l);
		if (!await_end(l)) {
			log_warning("the logger has not finished within %d s: killing it",
				    END_MSEC / 1000);
			kill_it(l->manager);
		}
	}
	await_empty(l->manager);
	if (l->syslog_fd >= 0) {
		l->syslog_fd = close_fd(l->syslog_fd);
		if (!is_served(l->config.syslog_path)) /* by a syslogd that has come later */
			(void)unlink(l->config.syslog_path);
	}
	(void)!cg_remove(&l->manager->root, LOGS_CGROUP);
	(void)rmdir(l->fifo_dir);
}
