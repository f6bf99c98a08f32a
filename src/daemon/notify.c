/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/notify.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <time.h>

#include "core/notify.h"
#include "daemon/child.h"
#include "daemon/fdstore.h"
#include "daemon/guard.h"
#include "daemon/inherit.h"
#include "daemon/mainpid.h"
#include "daemon/manager.h"
#include "daemon/process.h"
#include "daemon/supervisor.h"
#include "sys/datagram.h"
#include "sys/pidfd.h"
#include "util/log.h"

/* Messages that are read before others have their turn; whoever sends more waits, since the queue is short. */
#define AT_ONCE	  16
/* The longest that the queue may be: net.unix.max_dgram_qlen is 10, and what systemd raises it to is this. */
#define QUEUE_MAX 512

/* What to drop the descriptors of a message may take, and the pause that follows if it takes longer. */
#define DROP_MAX_MS 20
#define DROP_PAUSE  (200 * USEC_PER_MSEC)

/* What to find out what would be stored may take. */
#define ASK_MAX_MS 250

/* What the service said last is kept in its cgroup as a message of its own, for a later cgkilld. */
#define ATTR "cgkill.said"

#define INHERIT_PREFIX "notify-"

/* ---- the socket ---- */

static enum notify_access access_of(const struct supervised *sv)
{
	const struct notify *n = sv->notify;

	return n && n->access != NOTIFY_ACCESS_INVALID ? n->access : sv->unit->notify_access;
}

static bool is_open(const struct supervised *sv)
{
	return sv->notify && sv->notify->path;
}

static const char *kept_name(const struct supervised *sv, char name[static INHERIT_NAME_SIZE])
{
	char hash[INHERIT_HASH_SIZE];

	snprintf(name, INHERIT_NAME_SIZE, INHERIT_PREFIX "%s", inherit_hash(supervised_name(sv), hash));
	return name;
}

/* It is kept before anybody knows of it: no message is lost with us. */
static int bind_socket(const struct supervised *sv, const char *path)
{
	cleanup_free char *dir = strndup(path, (size_t)(strrchr(path, '/') - path));
	char name[INHERIT_NAME_SIZE];
	int fd;

	if (!dir)
		return -ENOMEM;
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = datagram_bind(path);
	if (fd >= 0 && guard_keep(sv->manager->guard, kept_name(sv, name), fd) < 0)
		log_warning("%s: the guard cannot keep its notification socket: a crash may lose "
			    "what the service says",
			    supervised_name(sv));
	return fd;
}

static void forget_words(struct notify *n)
{
	free(TAKE_PTR(n->status));
	free(TAKE_PTR(n->bus_error));
	n->error = 0;
	n->access = NOTIFY_ACCESS_INVALID;
}

static void on_readable(struct io_source *s, uint32_t events);

static struct notify *notify_of(struct supervised *sv)
{
	if (!sv->notify)
		sv->notify = calloc(1, sizeof(*sv->notify));
	if (!sv->notify)
		return NULL;
	sv->notify->owner = sv;
	return sv->notify;
}

/*
 * A new socket, or fd, which an earlier cgkilld has handed over. Its name is a hash, since those of units are longer than
 * that of a socket may be: unix(7).
 */
static int start_listening(struct supervised *sv, int fd)
{
	struct notify *n = notify_of(sv);
	char hash[INHERIT_HASH_SIZE], *path = NULL;
	int r = -ENOMEM;

	if (n && asprintf(&path, "%s/notify/%s", sv->manager->runtime_dir,
			  inherit_hash(supervised_name(sv), hash)) >= 0) {
		if (fd < 0)
			fd = bind_socket(sv, path);
		r = fd < 0 ? fd : io_watch(sv->manager->loop, &n->io, fd, EPOLLIN, on_readable);
	}
	if (r < 0) {
		close_fd(fd);
		free(path);
		return r;
	}
	forget_words(n);
	n->told = 0;
	n->fd = fd;
	n->path = path;
	return 0;
}

int notify_open(struct supervised *sv)
{
	if (is_open(sv) || sv->unit->notify_access == NOTIFY_ACCESS_NONE)
		return 0;
	return start_listening(sv, -1);
}

void notify_close(struct supervised *sv)
{
	struct notify *n = sv->notify;
	char name[INHERIT_NAME_SIZE];

	if (!is_open(sv))
		return;
	io_unwatch(&n->io);
	timer_clear(&n->pause);
	n->fd = close_fd(n->fd);
	n->access = NOTIFY_ACCESS_INVALID;
	n->run++;
	guard_drop(sv->manager->guard, kept_name(sv, name));
	(void)unlink(n->path);
	*strrchr(n->path, '/') = '\0';
	(void)rmdir(n->path); /* it was the last one */
	free(TAKE_PTR(n->path));
}

void notify_free(struct notify *n)
{
	if (!n)
		return;
	io_unwatch(&n->io);
	timer_clear(&n->pause);
	if (n->path)
		close_fd(n->fd);
	free(n->path);
	forget_words(n);
	free(n);
}

const char *notify_socket_for(const struct supervised *sv, bool is_main)
{
	bool may = is_main || access_of(sv) != NOTIFY_ACCESS_MAIN;

	return is_open(sv) && may ? sv->notify->path : NULL;
}

int notify_pass(const struct supervised *sv)
{
	char name[INHERIT_NAME_SIZE];

	return is_open(sv) ? inherit_pass(kept_name(sv, name), sv->notify->fd) : 0;
}

/* ---- who says it ---- */

/* A number is enough where it is all that there is; of a process that we have not reaped it is nobody else's. */
static bool is_from(const struct datagram *d, const struct process *p)
{
	uint64_t sender = 0, identity = p ? p->identity : 0;

	if (!p || d->pid != p->pid)
		return false;
	if (d->pidfd < 0)
		return true;
	if (pidfd_identity(d->pidfd, d->pid, &sender) < 0)
		return false;
	return identity ? sender == identity
			: p->pidfd >= 0 && pidfd_identity(p->pidfd, p->pid, &identity) == 0 &&
				  sender == identity;
}

static bool is_from_member(const struct supervised *sv, const struct datagram *d)
{
	cleanup_close int opened = d->pidfd < 0 ? pidfd_open_pid(d->pid) : -1;
	int pidfd = d->pidfd < 0 ? opened : d->pidfd;

	return pidfd >= 0 && cg_is_open(&sv->cgroups.unit) &&
	       pidfd_was_in_subtree(pidfd, d->pid, &sv->cgroups.unit) == 1;
}

/*
 * Whom NotifyAccess= means: the levels include each other. dead: the process whose end is about to be told, which is
 * nobody's by now perhaps; may be NULL.
 */
static bool may_speak(const struct supervised *sv, const struct datagram *d, const struct process *dead)
{
	enum notify_access access = access_of(sv);

	if (is_from(d, sv->main) || (dead && dead->is_main && is_from(d, dead)))
		return access >= NOTIFY_ACCESS_MAIN;
	if (access >= NOTIFY_ACCESS_EXEC && (is_from(d, sv->control) || is_from(d, dead)))
		return true;
	return access == NOTIFY_ACCESS_ALL && is_from_member(sv, d);
}

/* ---- what is said ---- */

enum complaint {
	COMPLAINT_DAMAGED = 1,
	COMPLAINT_SENDER = 2,
	COMPLAINT_VALUE = 4,
	COMPLAINT_STORE = 8,
	COMPLAINT_MAIN_PID = 16,
	COMPLAINT_HARMFUL = 32, /* and nothing is stored any more */
};

/* Once a run each: what may be sent by anybody must not fill the log. */
static bool is_news(struct notify *n, enum complaint c)
{
	bool news = !(n->told & c);

	n->told |= c;
	return news;
}

/* True when it is another one. */
static bool set_text(char **text, const char *value)
{
	if (streq(*text ? *text : "", value))
		return false;
	free(*text);
	*text = *value ? strdup(value) : NULL;
	return true;
}

/* True when something has changed. */
static bool take_words(struct notify *n, const struct notify_message *m)
{
	bool news = false;

	if (m->tags & NOTIFY_STATUS)
		news |= set_text(&n->status, m->status);
	if (m->tags & NOTIFY_BUSERROR)
		news |= set_text(&n->bus_error, m->bus_error);
	if (m->tags & NOTIFY_ERRNO) {
		news |= n->error != m->error;
		n->error = m->error;
	}
	if (m->tags & NOTIFY_ACCESS) {
		news |= n->access != m->access;
		n->access = m->access;
	}
	return news;
}

/* Where it cannot be kept a later cgkilld does not know it until it is said again. */
static void keep_words(const struct supervised *sv)
{
	const struct notify *n = sv->notify;
	cleanup_buf struct buf text = BUF_INIT;

	buf_printf(&text, "ERRNO=%d\n", n->error);
	if (n->access != NOTIFY_ACCESS_INVALID)
		buf_printf(&text, "NOTIFYACCESS=%s\n", notify_access_name(n->access));
	if (n->status)
		buf_printf(&text, "STATUS=%s\n", n->status);
	if (n->bus_error)
		buf_printf(&text, "BUSERROR=%s\n", n->bus_error);
	if (buf_error(&text) == 0 && text.len <= NOTIFY_SIZE_MAX && cg_is_open(&sv->cgroups.unit))
		(void)!cg_attr_set(&sv->cgroups.unit, ATTR, text.data, text.len);
}

static void recall_words(struct supervised *sv)
{
	char text[NOTIFY_SIZE_MAX + 1];
	struct notify_message m;
	ssize_t n = cg_attr_get(&sv->cgroups.unit, ATTR, text, NOTIFY_SIZE_MAX);

	if (n > 0 && notify_parse(&m, text, (size_t)n) == 0)
		(void)take_words(sv->notify, &m);
}

void notify_adopt(struct supervised *sv)
{
	char name[INHERIT_NAME_SIZE];
	int r;

	if (!service_hears(&sv->machine))
		return;
	r = start_listening(sv, inherit_take(kept_name(sv, name)));
	if (r < 0)
		log_error("%s: cannot listen to what it says: %s", supervised_name(sv), strerror(-r));
	else if (cg_is_open(&sv->cgroups.unit))
		recall_words(sv);
}

void notify_drop_rest(struct manager *m)
{
	guard_drop_rest(m->guard, INHERIT_PREFIX);
}

/* On our clock, which goes on through suspend: CLOCK_BOOTTIME. */
static usec_t from_monotonic(usec_t monotonic)
{
	struct timespec ts;
	usec_t now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
	return usec_sub(clock_now(), usec_sub(now, monotonic));
}

static usec_t usec_of(const struct notify_message *m, enum event_kind event)
{
	if (event == EVENT_EXTEND)
		return m->extend;
	if (event == EVENT_WATCHDOG_USEC)
		return m->watchdog;
	return event == EVENT_RELOADING && (m->tags & NOTIFY_MONOTONIC_USEC)
		       ? from_monotonic(m->monotonic)
		       : USEC_INFINITY;
}

static void feed(struct supervised *sv, enum event_kind kind, usec_t usec)
{
	supervised_feed(sv, &(struct event){ .kind = kind, .deadline = USEC_INFINITY, .usec = usec });
}

static void tell_main_pid(struct supervised *sv, pid_t pid)
{
	int r = mainpid_told(sv, pid);

	if (r < 0 && is_news(sv->notify, COMPLAINT_MAIN_PID))
		log_warning("%s: MAINPID=%d cannot be the main process: %s", supervised_name(sv),
			    (int)pid,
			    r == -EPERM ? "it is the control process, or not in its cgroup"
					: strerror(-r));
}

/* One message may say a lot, in this order; unless it ends the run that it is about. */
static void tell_machine(struct supervised *sv, const struct notify_message *m)
{
	static const struct {
		enum notify_tag tag;
		enum event_kind event;
	} events[] = {
		{ NOTIFY_STOPPING, EVENT_STOPPING },
		{ NOTIFY_RELOADING, EVENT_RELOADING },
		{ NOTIFY_READY, EVENT_READY },
		{ NOTIFY_EXTEND, EVENT_EXTEND },
		{ NOTIFY_WATCHDOG_USEC, EVENT_WATCHDOG_USEC },
		{ NOTIFY_WATCHDOG, EVENT_WATCHDOG },
		{ NOTIFY_WATCHDOG_TRIGGER, EVENT_WATCHDOG_TRIGGER },
	};
	unsigned run = sv->notify->run;

	if (m->tags & NOTIFY_MAINPID)
		tell_main_pid(sv, m->main_pid);
	for (size_t i = 0; i < ARRAY_SIZE(events) && run == sv->notify->run; i++)
		if (m->tags & events[i].tag)
			feed(sv, events[i].event, usec_of(m, events[i].event));
}

static void take_message(struct supervised *sv, const struct notify_message *m, struct datagram *d)
{
	if (m->bad && is_news(sv->notify, COMPLAINT_VALUE))
		log_warning("%s: process %d says %s= what cannot be: ignored", supervised_name(sv),
			    (int)d->pid, m->bad);
	if (take_words(sv->notify, m))
		keep_words(sv);
	if (!fdstore_take_message(sv, m, d) && is_news(sv->notify, COMPLAINT_STORE))
		log_warning(
			"%s: more descriptors than FileDescriptorStoreMax=%u, or than its share of "
			"what all services can store: not stored",
			supervised_name(sv), sv->unit->fdstore_max);
	tell_machine(sv, m);
}

static void read_message(struct supervised *sv, const struct notify_message *m, struct datagram *d,
			 const struct process *dead)
{
	if (may_speak(sv, d, dead))
		take_message(sv, m, d);
	else if (m->tags && is_news(sv->notify, COMPLAINT_SENDER)) /* BARRIER=1 is nothing said */
		log_warning("%s: ignoring notifications of process %d, uid %u, which "
			    "NotifyAccess=%s leaves out",
			    supervised_name(sv), (int)d->pid, d->uid,
			    notify_access_name(access_of(sv)));
}

static void on_pause_over(struct timer *t, usec_t now unused)
{
	struct notify *n = container_of(t, struct notify, pause);

	if (io_watch(n->owner->manager->loop, &n->io, n->fd, EPOLLIN, on_readable) < 0)
		log_error("%s: cannot listen to what it says any more", supervised_name(n->owner));
}

/*
 * One with descriptors in a child, for that may take as long as who has sent them likes. False: it did, and was ended; the
 * others have their turn, and this socket a pause, so that little of our time can be wasted so.
 */
static bool drop_message(struct notify *n, bool brings_fds)
{
	struct loop *loop = n->owner->manager->loop;
	struct pollfd end = { .events = POLLIN };
	pid_t pid = brings_fds ? child_fork(n->fd, &end.fd) : -1;

	if (pid == 0) {
		datagram_drop(n->fd);
		_exit(0);
	}
	if (pid < 0)
		datagram_drop(n->fd); /* or no process to be had: then it has to be us */
	if (pid < 0 || poll(&end, 1, DROP_MAX_MS) == 1) {
		child_dismiss(loop, pid < 0 ? -1 : end.fd);
		return true;
	}
	child_dismiss(loop, end.fd);
	if (timer_set(loop, &n->pause, usec_add(clock_now(), DROP_PAUSE), on_pause_over) == 0)
		io_unwatch(&n->io);
	return false;
}

/* As datagram_receive(), of what can be understood; text is taken apart. */
static int receive(const struct supervised *sv, bool take_fds, char text[static NOTIFY_SIZE_MAX + 1],
		   struct notify_message *m, struct datagram *d)
{
	int r = datagram_receive(sv->notify->fd, take_fds, text, NOTIFY_SIZE_MAX, d);

	if (r < 0 || notify_parse(m, text, d->len) == 0)
		return r;
	datagram_deinit(d);
	return -EBADMSG;
}

/* Asked in a child, for to ask may take for ever; which a service can do to us once a run. */
static bool are_harmless(const struct supervised *sv)
{
	struct notify *n = sv->notify;
	struct pollfd end = { .events = POLLIN };
	siginfo_t si = { 0 };
	pid_t pid = n->told & COMPLAINT_HARMFUL ? -EPERM : child_fork(n->fd, &end.fd);
	bool harmless;

	if (pid == 0)
		_exit(datagram_fds_are_harmless(n->fd) ? EXIT_SUCCESS : EXIT_FAILURE);
	if (pid < 0)
		return false;
	harmless = poll(&end, 1, ASK_MAX_MS) == 1 && pidfd_peek(end.fd, &si) == 1 &&
		   si.si_code == CLD_EXITED && si.si_status == EXIT_SUCCESS;
	child_dismiss(sv->manager->loop, end.fd);
	if (!harmless && is_news(n, COMPLAINT_HARMFUL))
		log_warning(
			"%s: it stores a file of FUSE or overlayfs, or one that does not answer, "
			"which could hold us up: until it is started again nothing is stored",
			supervised_name(sv));
	return harmless;
}

/* Who may store descriptors, and does, has them taken into our hands; of nobody else are they ours to close. */
static bool stores(const struct supervised *sv, const struct notify_message *m,
		   const struct datagram *d, const struct process *dead)
{
	return d->brings_fds && sv->unit->fdstore_max > 0 && (m->tags & NOTIFY_FDSTORE) &&
	       may_speak(sv, d, dead) && are_harmless(sv);
}

/* Of what came along is ours what was not stored. */
static void let_go(struct loop *loop, struct datagram *d)
{
	int held = d->n_fds > 0 ? child_hold() : -1;

	datagram_deinit(d);
	child_dismiss(loop, held);
}

/* False: no more for now. A message goes once it has been done: a crash loses none, and that of BARRIER=1 asks for just that. */
static bool read_one(struct supervised *sv, const struct process *dead)
{
	struct notify *n = sv->notify;
	const unsigned run = n->run;
	char text[NOTIFY_SIZE_MAX + 1];
	struct notify_message m;
	struct datagram d = { .stays = false };
	int r = receive(sv, false, text, &m, &d);

	if (r == 0 && stores(sv, &m, &d, dead)) {
		datagram_deinit(&d);
		r = receive(sv, true, text, &m, &d);
	}
	if (r == 0) {
		read_message(sv, &m, &d, dead);
		let_go(sv->manager->loop, &d);
	} else if (r != -EBADMSG) {
		return false;
	} else if (is_news(n, COMPLAINT_DAMAGED)) {
		log_warning("%s: a notification was damaged, too long, or from nobody: ignored",
			    supervised_name(sv));
	}
	return n->run == run && (!d.stays || drop_message(n, d.brings_fds));
}

static void read_some(struct supervised *sv, unsigned most, const struct process *dead)
{
	while (most-- > 0 && is_open(sv) && read_one(sv, dead))
		;
}

static void on_readable(struct io_source *s, uint32_t events unused)
{
	read_some(container_of(s, struct notify, io)->owner, AT_ONCE, NULL);
}

void notify_drain(struct supervised *sv, const struct process *dead)
{
	read_some(sv, QUEUE_MAX, dead);
}
