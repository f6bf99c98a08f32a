/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cgkill-logger: takes the output of services from FIFOs to their logs. Started by cgkilld, and needed by nobody else; it
 * outlives a cgkilld that crashes, and a next one finds it by its socket.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "core/logwire.h"
#include "logger/stream.h"
#include "logger/syslog.h"
#include "util/list.h"
#include "util/parse.h"

#define LOCK_SECONDS 10
#define MESSAGES_MAX 64 /* in a row, before FIFOs have their turn */

struct peer {
	struct source source;
	struct list link;
};

static struct streams streams = {
	.epoll_fd = -1, .log_dir = -1, .fifo_dir = -1, .limits = { UINT64_MAX, 1 }
};
static struct syslog syslog_socket = { .source = { SOURCE_SYSLOG, -1 } };
static struct list peers = LIST_INIT(peers);
static bool quitting, looked_around, warned_of_room;

static int watch(struct source *src)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = src };

	return epoll_ctl(streams.epoll_fd, EPOLL_CTL_ADD, src->fd, &ev) < 0 ? -errno : 0;
}

/* ---- cgkilld ---- */

/* True: nobody is left who is to know it. */
static bool tell(char what, const char *text)
{
	char message[LOGWIRE_MAX];
	int n = snprintf(message, sizeof(message), "%c%s", what, text);
	bool told = true;
	struct peer *p;

	list_for_each(&peers, p, struct peer, link)
		if (send(p->source.fd, message, MIN_OF((size_t)n, sizeof(message)),
			 MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
		    errno == EAGAIN)
			told = false;
	return told;
}

static void warn(const char *text)
{
	(void)tell(LOGWIRE_WARNING, text);
}

/* A descriptor for which there is no number is lost in recvmsg(2); and one is needed to write a log. */
static bool has_room(void)
{
	int fd = fcntl(streams.epoll_fd, F_DUPFD_CLOEXEC, 0);

	close_fd(fd);
	return fd >= 0;
}

static bool make_room(void)
{
	if (has_room())
		return true;
	streams_save_descriptors(&streams);
	return has_room();
}

/* Cgkilld sends it again in a while; until then its FIFO keeps what is written, and the service waits when that is full. */
static void refuse(struct stream *st)
{
	if (!warned_of_room)
		warn("cgkill-logger has no descriptor left: what some services write is not logged "
		     "until there is one, and they may have to wait: raise RLIMIT_NOFILE of "
		     "cgkilld");
	warned_of_room = true;
	if (st)
		stream_refuse(&streams, st);
}

static void take_fifo(struct stream *st, int fd)
{
	if (st && fd >= 0 && make_room()) {
		if (stream_add_fifo(&streams, st, fd) < 0)
			refuse(st);
		else
			warned_of_room = false;
		return;
	}
	close_fd(fd);
	refuse(st);
}

static int sent_descriptor(struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* The next text up to its NUL; NULL: it is cut off. */
static const char *next_text(const char **data, const char *end)
{
	const char *text = *data;

	if (text >= end || !memchr(text, '\0', (size_t)(end - text)))
		return NULL;
	*data += strlen(text) + 1;
	return text;
}

static void take_events(const char *data, const char *end)
{
	const char *unit, *settings, *text;

	while ((unit = next_text(&data, end)) && (settings = next_text(&data, end)) &&
	       (text = next_text(&data, end))) {
		struct stream *st = streams_get(&streams, unit, settings);

		if (st)
			stream_tell(&streams, st, text);
	}
}

static void act(char kind, const char *data, const char *end, int fd)
{
	const char *unit, *settings;

	if (kind == LOGWIRE_FIFO && (unit = next_text(&data, end)) &&
	    (settings = next_text(&data, end))) {
		take_fifo(streams_get(&streams, unit, settings), fd);
		return;
	}
	if (kind == LOGWIRE_EVENTS)
		take_events(data, end);
	quitting = quitting || kind == LOGWIRE_QUIT;
	close_fd(fd);
}

/* False: there is none. */
static bool take_message(const struct peer *peer, bool *gone)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char data[LOGWIRE_MAX];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t n;

	(void)make_room();
	n = recvmsg(peer->source.fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*gone = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
	if (n <= 0)
		return false;
	act(data[0], data + 1, data + n, sent_descriptor(&msg));
	return true;
}

static void on_peer(struct peer *peer)
{
	bool gone = false;
	int i = 0;

	while (i < MESSAGES_MAX && !quitting && take_message(peer, &gone))
		i++;
	if (i < MESSAGES_MAX && !looked_around) {
		streams_look_around(&streams);
		looked_around = true;
	}
	if (!gone)
		return;
	list_remove(&peer->link);
	close_fd(peer->source.fd);
	free(peer);
}

/* One that cannot be accepted would be told again and again. */
static void on_listen(const struct source *src)
{
	struct peer *peer = make_room() ? malloc(sizeof(*peer)) : NULL;
	int fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (peer && fd >= 0) {
		*peer = (struct peer){ .source = { SOURCE_PEER, fd } };
		list_append(&peers, &peer->link);
		if (watch(&peer->source) == 0)
			return;
		list_remove(&peer->link);
	}
	close_fd(fd);
	free(peer);
}

static void on_event(struct source *src)
{
	switch (src->kind) {
	case SOURCE_LISTEN:
		on_listen(src);
		break;
	case SOURCE_PEER:
		on_peer(container_of(src, struct peer, source));
		break;
	case SOURCE_FIFO:
		stream_on_fifo(&streams, container_of(src, struct fifo, source));
		break;
	case SOURCE_SYSLOG:
		syslog_read(&syslog_socket, &streams);
		break;
	}
}

/* All that is in the directory is ours: FIFOs, our socket, our lock. What somebody may write to still is for the next logger. */
static void clean_up(void)
{
	int fd = openat(streams.fifo_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		close_fd(fd);
		return;
	}
	for (const struct dirent *e; (e = readdir(dir));)
		if (!streams_has_writers(&streams, e->d_name))
			unlinkat(streams.fifo_dir, e->d_name, 0);
	closedir(dir);
}

static int run(void)
{
	struct epoll_event ev[64];
	usec_t retry_at = 0;
	int wait = 0;

	while (!quitting) {
		int n = epoll_wait(streams.epoll_fd, ev, ARRAY_SIZE(ev), wait);
		usec_t now;

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n && !quitting; i++)
			on_event(ev[i].data.ptr);
		streams_tidy(&streams);
		now = clock_now();
		if (list_empty(&streams.troubled) || now >= retry_at) {
			wait = streams_retry(&streams);
			retry_at = usec_add(now, (usec_t)MAX_OF(wait, 0) * USEC_PER_MSEC);
		}
	}
	streams_end(&streams);
	clean_up();
	return 0;
}

/* ---- the beginning ---- */

enum {
	OPT_LOG_DIR = 256,
	OPT_FIFO_DIR,
	OPT_LISTEN_FD,
	OPT_MAX_SIZE,
	OPT_MAX_FILES,
	OPT_SYSLOG_FD,
	OPT_ROOT,
	OPT_VERSION
};

static const struct option long_options[] = {
	{ "log-dir", required_argument, NULL, OPT_LOG_DIR },
	{ "fifo-dir", required_argument, NULL, OPT_FIFO_DIR },
	{ "listen-fd", required_argument, NULL, OPT_LISTEN_FD },
	{ "max-size", required_argument, NULL, OPT_MAX_SIZE },
	{ "max-files", required_argument, NULL, OPT_MAX_FILES },
	{ "syslog-fd", required_argument, NULL, OPT_SYSLOG_FD },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static int open_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		fprintf(stderr, "cgkill-logger: %s: %m\n", path);
	return fd;
}

static bool take(int option, int *listen_fd)
{
	switch (option) {
	case OPT_LOG_DIR:
		streams.log_dir = open_dir(optarg);
		return streams.log_dir >= 0;
	case OPT_FIFO_DIR:
		streams.fifo_dir = open_dir(optarg);
		return streams.fifo_dir >= 0;
	case OPT_LISTEN_FD:
		return parse_int(optarg, listen_fd) == 0 && *listen_fd >= 0;
	case OPT_MAX_SIZE:
		return parse_size(optarg, &streams.limits.max_size) == 0;
	case OPT_MAX_FILES:
		return parse_uint(optarg, &streams.limits.max_files) == 0 &&
		       streams.limits.max_files > 0;
	case OPT_SYSLOG_FD:
		return parse_int(optarg, &syslog_socket.source.fd) == 0 && syslog_socket.source.fd >= 0;
	case OPT_ROOT:
		syslog_socket.root = optarg;
		return true;
	case OPT_VERSION:
		puts("cgkill-logger " PACKAGE_VERSION);
		exit(EXIT_SUCCESS);
	default:
		return false;
	}
}

/* Two descriptors a service, and there may be many of them. */
static void raise_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		(void)!setrlimit(RLIMIT_NOFILE, &l);
	}
}

/* An earlier logger that has just been killed, or told to end, has a moment to be gone. */
static int lock(void)
{
	int fd = openat(streams.fifo_dir, LOGWIRE_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	alarm(LOCK_SECONDS);
	if (flock(fd, LOCK_EX) < 0)
		return -errno;
	alarm(0);
	return 0; /* held as long as we live */
}

static int set_up(struct source *listen)
{
	int r;

	raise_limit();
	umask(027);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	fcntl(listen->fd, F_SETFD, FD_CLOEXEC);
	r = lock();
	if (r < 0)
		return r;
	streams.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (streams.epoll_fd < 0)
		return -errno;
	streams.warn = warn;
	streams.tell = tell;
	r = streams_begin(&streams);
	if (r == 0)
		r = watch(listen);
	if (r == 0 && syslog_socket.source.fd >= 0 && syslog_socket.root) {
		fcntl(syslog_socket.source.fd, F_SETFD, FD_CLOEXEC);
		r = watch(&syslog_socket.source);
	}
	return r;
}

int main(int argc, char **argv)
{
	struct source listen = { SOURCE_LISTEN, -1 };
	int c, r;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) >= 0)
		if (!take(c, &listen.fd))
			return 2;
	if (optind < argc || listen.fd < 0 || streams.log_dir < 0 || streams.fifo_dir < 0) {
		fputs("cgkill-logger is started by cgkilld: see cgkill-logger(8)\n", stderr);
		return 2;
	}
	r = set_up(&listen);
	if (r == 0)
		r = run();
	if (r < 0)
		fprintf(stderr, "cgkill-logger: %s\n", strerror(-r));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
