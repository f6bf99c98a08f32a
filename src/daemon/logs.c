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
#define END_MSEC      10000
#define LEAVE_MSEC    2000

/* Something that the logger is to know, or, of a FIFO, has not yet said that it knows. */
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

	int fd; /* the connection; -1: there is no logger */
	struct io_source io;
	struct list unsent, untaken; /* FIFOs stay in the second until the logger has them */
	unsigned n_events;	     /* messages in unsent that hold events */
	char *events; /* what happens in this round of the loop, of LOGWIRE_MAX bytes; to be sent at its end */
	size_t events_len;
	struct deferred round;
	bool waits_for_room;
	bool dropped; /* there were too many */
	unsigned epoch; /* of the connection: a unit's FIFO is known to the logger by one of its own */
	bool ending;

	int report_fd; /* of the one that we have started; -1: it is an earlier cgkilld's */
	bool poisoned; /* one was killed at birth: the manager learns that of a service, and tries that one again */
	usec_t started;
	struct timer restart;
};

/* ---- the logger ---- */

struct birth {
	const char *program;
	char *argv[8];
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

/* It has the listening socket from birth on, so that it can be connected to at once. */
static int spawn_logger(struct logs *l, int listen_fd)
{
	struct manager *m = l->manager;
	enum spawn_method method = l->poisoned ? SPAWN_ATTACH : m->spawn_method;
	struct birth b = { .program = l->program };
	struct spawned child;
	struct cg cg = CG_INIT;
	int n = 0, r;

	b.argv[n++] = l->program;
	r = asprintf(&b.argv[n++], "--log-dir=%s", l->config.dir) < 0		? -ENOMEM
	    : asprintf(&b.argv[n++], "--fifo-dir=%s", l->fifo_dir) < 0		? -ENOMEM
	    : asprintf(&b.argv[n++], "--listen-fd=%d", listen_fd) < 0		? -ENOMEM
	    : asprintf(&b.argv[n++], "--max-files=%u", l->config.max_files) < 0 ? -ENOMEM
										: 0;
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

static int send_message(const struct logs *l, struct message *msg)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { msg->data, msg->len };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (msg->fd >= 0) {
		h.msg_control = &control;
		h.msg_controllen = sizeof(control);
		control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
						   .cmsg_level = SOL_SOCKET,
						   .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.header), &msg->fd, sizeof(int));
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
		if (send_message(l, msg) < 0)
			break;
		list_remove(&msg->link);
		if (msg->fd >= 0) {
			list_append(&l->untaken, &msg->link);
		} else {
			l->n_events -= msg->data[0] == LOGWIRE_EVENTS;
			free_message(msg);
		}
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

/* Connected, to a logger that lives or a new one. */
static void ensure(struct logs *l)
{
	usec_t at = usec_add(l->started, RESTART_PAUSE);
	int r;

	if (l->fd >= 0 || l->restart.loop || l->ending)
		return;
	r = connect_to(l);
	if (nobody_listens(r) && l->started > 0 && clock_now() < at) {
		(void)!timer_set(l->manager->loop, &l->restart, at, on_restart);
		return;
	}
	if (nobody_listens(r))
		r = start_logger(l);
	if (r == 0) {
		announce_all(l);
		return;
	}
	log_error("cannot start %s: %s", l->program, strerror(-r));
	io_unwatch(&l->io);
	l->fd = close_fd(l->fd);
	(void)!timer_set(l->manager->loop, &l->restart, usec_add(clock_now(), RESTART_PAUSE),
			 on_restart);
}

static void on_restart(struct timer *t, usec_t now unused)
{
	struct logs *l = container_of(t, struct logs, restart);

	ensure(l);
	flush(l);
}

/* What it has not taken is for the next one. */
static void lose(struct logs *l)
{
	explain_end(l);
	io_unwatch(&l->io);
	l->fd = close_fd(l->fd);
	list_splice(&l->untaken, &l->unsent);
	list_splice(&l->unsent, &l->untaken);
	if (l->ending)
		return;
	log_warning("the logger has ended: starting another one");
	ensure(l);
	flush(l);
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
	if (data[0] == LOGWIRE_TAKEN && !list_empty(&l->untaken))
		free_message(container_of(l->untaken.next, struct message, link));
	else if (data[0] == LOGWIRE_WARNING)
		log_warning("%s", data + 1);
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

/* Takes fd over. False: there is no memory. */
static bool post(struct logs *l, char kind, const char *unit, int fd)
{
	size_t name = strlen(unit) + 1;
	struct message *msg = message_new(1 + name);

	if (!msg) {
		close_fd(fd);
		return false;
	}
	msg->fd = fd;
	msg->data[msg->len++] = kind;
	memcpy(msg->data + msg->len, unit, name);
	msg->len += name;
	list_append(&l->unsent, &msg->link);
	ensure(l);
	flush(l);
	return true;
}

static void close_events(struct logs *l)
{
	bool room = l->n_events < EVENTS_MAX;
	struct message *msg = l->events_len > 0 && room ? message_new(l->events_len) : NULL;

	if (msg) {
		memcpy(msg->data, l->events, l->events_len);
		msg->len = l->events_len;
		list_append(&l->unsent, &msg->link);
		l->n_events++;
	}
	if (!room && !l->dropped)
		log_warning("the logger does not keep up: events are missing in logs");
	l->dropped = !room;
	l->events_len = 0;
}

static void on_round(struct deferred *d)
{
	struct logs *l = container_of(d, struct logs, round);

	close_events(l);
	ensure(l);
	flush(l);
}

/* Opened without waiting for anybody, as it is opened for both; the flag is nobody else's. */
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

static bool wants_fifo(const struct supervised *sv)
{
	return sv->unit->std_out.kind == STDIO_LOG || sv->unit->std_err.kind == STDIO_LOG;
}

static int announce(struct logs *l, struct supervised *sv)
{
	int fd = open_fifo(l, supervised_name(sv));

	if (fd < 0) {
		log_warning("%s: cannot open its FIFO in %s, going on without: %s",
			    supervised_name(sv), l->fifo_dir, strerror(-fd));
		return fd;
	}
	if (!post(l, LOGWIRE_FIFO, supervised_name(sv), fd))
		return -ENOMEM;
	sv->log_epoch = l->epoch;
	return 0;
}

/* A new logger knows nothing. What it is told of twice does no harm. */
static void announce_all(struct logs *l)
{
	struct supervised *sv;

	list_for_each(&l->manager->services, sv, struct supervised, link)
		if (wants_fifo(sv) && sv->machine.populated)
			(void)!announce(l, sv);
}

void logs_resume(struct logs *l)
{
	if (!l->program)
		return;
	if (l->fd < 0 && access(l->address.sun_path, F_OK) == 0)
		ensure(l); /* one was killed, and may have left something to be written */
	announce_all(l);
}

const char *logs_prepare(struct logs *l, struct supervised *sv)
{
	if (!l || !l->program || !wants_fifo(sv))
		return NULL;
	close_events(l); /* "starting" stands before what the service says */
	ensure(l);
	flush(l);
	if (sv->log_epoch == l->epoch && l->fd >= 0)
		return l->fifo_dir;
	return announce(l, sv) == 0 ? l->fifo_dir : NULL;
}

/*
 * A thousand services are started in one round: as many messages as that would cost more than to write the records. It is
 * put together where no child gets it: util/ownmem.h.
 */
void logs_tell(struct logs *l, const char *unit, const char *fmt, ...)
{
	size_t name = strlen(unit) + 1;
	char *at;
	va_list ap;
	int n;

	if (!l || !l->program)
		return;
	if (l->events_len + name + LOGWIRE_EVENT_MAX > LOGWIRE_MAX)
		close_events(l);
	if (l->events_len == 0)
		l->events[l->events_len++] = LOGWIRE_EVENTS;
	at = l->events + l->events_len;
	memcpy(at, unit, name);
	va_start(ap, fmt);
	n = vsnprintf(at + name, LOGWIRE_EVENT_MAX, fmt, ap);
	va_end(ap);
	l->events_len += name + MIN_OF((size_t)MAX_OF(n, 0), (size_t)LOGWIRE_EVENT_MAX - 1) + 1;
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
	*l = (struct logs){ .manager = m, .config = *config, .fd = -1, .report_fd = -1 };
	l->address.sun_family = AF_UNIX;
	list_init(&l->unsent);
	list_init(&l->round.link);
	l->round.fn = on_round;
	l->events = own_alloc(LOGWIRE_MAX);
	list_init(&l->untaken);
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
	io_unwatch(&l->io);
	close_fd(l->fd);
	close_fd(l->report_fd);
	list_splice(&l->unsent, &l->untaken);
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

void logs_end(struct logs *l)
{
	if (!l)
		return;
	close_events(l);
	if (l->fd < 0 && !list_empty(&l->unsent)) { /* it has just ended */
		timer_clear(&l->restart);
		l->started = 0;
		ensure(l);
	}
	l->ending = true;
	if (l->fd >= 0) {
		(void)post(l, LOGWIRE_QUIT, "", -1);
		if (!await_end(l)) {
			log_warning("the logger has not finished within %d s: killing it",
				    END_MSEC / 1000);
			kill_it(l->manager);
		}
	}
	await_empty(l->manager);
	(void)!cg_remove(&l->manager->root, LOGS_CGROUP);
	(void)rmdir(l->fifo_dir);
}
