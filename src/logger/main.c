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
#include "util/list.h"
#include "util/parse.h"

#define LOSS_RETRY_MSEC 1000
#define LOCK_SECONDS	10
#define MESSAGES_MAX	64 /* in a row, before FIFOs have their turn */

/* What epoll tells of. */
enum source_kind { SOURCE_LISTEN, SOURCE_PEER, SOURCE_FIFO };

struct source {
	enum source_kind kind;
	int fd;
	struct stream *stream; /* FIFO */
	struct list link;      /* PEER: in peers */
};

static struct streams streams = { .log_dir = -1, .fifo_dir = -1, .limits = { UINT64_MAX, 1 } };
static struct list peers = LIST_INIT(peers);
static int epoll_fd = -1;
static bool quitting;

/* NULL without memory. */
static struct source *watch(enum source_kind kind, int fd, struct stream *st)
{
	struct source *src = malloc(sizeof(*src));
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = src };

	if (!src)
		return NULL;
	*src = (struct source){ .kind = kind, .fd = fd, .stream = st };
	list_init(&src->link);
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0) {
		free(src);
		return NULL;
	}
	if (kind == SOURCE_PEER)
		list_append(&peers, &src->link);
	return src;
}

/* ---- cgkilld ---- */

static void warn(const char *text)
{
	char message[LOGWIRE_MAX];
	int n = snprintf(message, sizeof(message), "%c%s", LOGWIRE_WARNING, text);
	struct source *p;

	list_for_each(&peers, p, struct source, link)
		(void)!send(p->fd, message, MIN_OF((size_t)n, sizeof(message)),
			    MSG_DONTWAIT | MSG_NOSIGNAL);
}

static bool same_file(int a, int b)
{
	struct stat x, y;

	return a >= 0 && b >= 0 && fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* Another FIFO takes the first one's place, which has lost its name: what is in it comes first. Its number stays the same. */
static void replace_fifo(struct stream *st, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = st->watcher };

	stream_drain(&streams, st);
	if (dup3(fd, st->fifo, O_CLOEXEC) >= 0) /* the end of the old one takes it out of the epoll */
		(void)!epoll_ctl(epoll_fd, EPOLL_CTL_ADD, st->fifo, &ev);
	close_fd(fd);
}

/* A descriptor for which there is no number is lost in recvmsg(2); and one is needed to write a log. */
static bool has_room(void)
{
	int fd = fcntl(epoll_fd, F_DUPFD_CLOEXEC, 0);

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

static void warn_of_room(void)
{
	warn("cgkill-logger has no descriptor left: what some services write is not logged, and "
	     "they may "
	     "have to wait: raise RLIMIT_NOFILE of cgkilld");
}

static void take_fifo(const char *unit, int fd)
{
	struct stream *st = streams_get(&streams, unit);

	if (fd < 0 || !make_room()) {
		warn_of_room();
		close_fd(fd);
		return;
	}
	if (st && st->fifo >= 0 && !same_file(st->fifo, fd)) {
		replace_fifo(st, fd);
		return;
	}
	if (st && st->fifo < 0 && (st->watcher = watch(SOURCE_FIFO, fd, st)))
		st->fifo = fd;
	else
		close_fd(fd);
}

static int sent_descriptor(struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* Pairs of a unit's name and a text, each with its NUL; what is cut off is left out. */
static void tell_events(const char *data, size_t len)
{
	const char *end = data + len;

	while (data < end) {
		const char *text = data + strlen(data) + 1;
		struct stream *st = text < end ? streams_get(&streams, data) : NULL;

		if (st)
			stream_tell(&streams, st, text);
		data = text < end ? text + strlen(text) + 1 : end;
	}
}

/* data is NUL-terminated. */
static void act(const struct source *peer, char kind, const char *data, size_t len, int fd)
{
	switch (kind) {
	case LOGWIRE_FIFO:
		take_fifo(data, fd);
		(void)!send(peer->fd, &(char){ LOGWIRE_TAKEN }, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		return;
	case LOGWIRE_EVENTS:
		tell_events(data, len);
		break;
	case LOGWIRE_QUIT:
		quitting = true;
		break;
	default:
		break;
	}
	close_fd(fd);
}

/* False: there is none. */
static bool take_message(const struct source *peer, bool *gone)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char data[LOGWIRE_MAX + 1];
	struct iovec iov = { data, LOGWIRE_MAX };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t n;

	(void)make_room();
	n = recvmsg(peer->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*gone = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
	if (n <= 0)
		return false;
	data[n] = '\0';
	act(peer, data[0], data + 1, (size_t)n - 1, sent_descriptor(&msg));
	return true;
}

static void on_peer(struct source *peer)
{
	bool gone = false;

	for (int i = 0; i < MESSAGES_MAX && !quitting; i++)
		if (!take_message(peer, &gone))
			break;
	if (!gone)
		return;
	list_remove(&peer->link);
	close_fd(peer->fd);
	free(peer);
}

static void on_event(struct source *src)
{
	int fd;

	switch (src->kind) {
	case SOURCE_LISTEN:
		(void)make_room(); /* one that cannot be accepted would be told again and again */
		fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0 && !watch(SOURCE_PEER, fd, NULL))
			close_fd(fd);
		break;
	case SOURCE_PEER:
		on_peer(src);
		break;
	case SOURCE_FIFO:
		(void)stream_pump(&streams, src->stream);
		break;
	}
}

/* All that is in the directory is ours: FIFOs, also of an earlier logger, our socket, our lock. */
static void clean_up(void)
{
	int fd = openat(streams.fifo_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		close_fd(fd);
		return;
	}
	for (const struct dirent *e; (e = readdir(dir));)
		unlinkat(streams.fifo_dir, e->d_name, 0);
	closedir(dir);
}

static int run(void)
{
	struct epoll_event ev[64];
	usec_t tell_at = 0;

	while (!quitting) {
		usec_t now;
		int n = epoll_wait(epoll_fd, ev, ARRAY_SIZE(ev),
				   streams.n_with_loss > 0 ? LOSS_RETRY_MSEC : -1);

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n && !quitting; i++)
			on_event(ev[i].data.ptr);
		now = clock_now();
		if (streams.n_with_loss > 0 && now >= tell_at) {
			streams_tell_losses(&streams);
			tell_at = usec_add(now, LOSS_RETRY_MSEC * USEC_PER_MSEC);
		}
	}
	streams_end(&streams);
	clean_up();
	return 0;
}

/* ---- the beginning ---- */

enum { OPT_LOG_DIR = 256, OPT_FIFO_DIR, OPT_LISTEN_FD, OPT_MAX_SIZE, OPT_MAX_FILES, OPT_VERSION };

static const struct option long_options[] = {
	{ "log-dir", required_argument, NULL, OPT_LOG_DIR },
	{ "fifo-dir", required_argument, NULL, OPT_FIFO_DIR },
	{ "listen-fd", required_argument, NULL, OPT_LISTEN_FD },
	{ "max-size", required_argument, NULL, OPT_MAX_SIZE },
	{ "max-files", required_argument, NULL, OPT_MAX_FILES },
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

static int set_up(int listen_fd)
{
	int r;

	raise_limit();
	umask(027);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	fcntl(listen_fd, F_SETFD, FD_CLOEXEC);
	r = lock();
	if (r < 0)
		return r;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		return -errno;
	streams.warn = warn;
	r = streams_begin(&streams);
	return r == 0 && !watch(SOURCE_LISTEN, listen_fd, NULL) ? -ENOMEM : r;
}

int main(int argc, char **argv)
{
	int c, listen_fd = -1, r;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) >= 0)
		if (!take(c, &listen_fd))
			return 2;
	if (optind < argc || listen_fd < 0 || streams.log_dir < 0 || streams.fifo_dir < 0) {
		fputs("cgkill-logger is started by cgkilld: see cgkill-logger(8)\n", stderr);
		return 2;
	}
	r = set_up(listen_fd);
	if (r == 0)
		r = run();
	if (r < 0)
		fprintf(stderr, "cgkill-logger: %s\n", strerror(-r));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
