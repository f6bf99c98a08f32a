/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/fdstore.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "core/notify.h"
#include "daemon/child.h"
#include "daemon/guard.h"
#include "daemon/inherit.h"
#include "daemon/manager.h"
#include "daemon/supervisor.h"
#include "sys/datagram.h"
#include "sys/kernel.h"
#include "util/buf.h"
#include "util/log.h"
#include "util/parse.h"

#define INDEX_PREFIX  "fds-" /* and the unit's hash: the list */
#define STORED_PREFIX "fd-"  /* and the unit's hash and a number in letters: one descriptor */
#define INDEX_MAX     ((size_t)1024 * 1024)

/* Of what can be handed over at all, so that one service's do not cost the others' theirs, nor their sockets. */
#define STORED_MAX (INHERIT_MAX / 2)

struct stored {
	struct list link;
	struct fdstore *store;
	char *name;
	int fd;
	unsigned serial;
	bool polled; /* dropped when the other end has gone; not with FDPOLL=0 */
	struct io_source io;
};

struct fdstore {
	struct supervised *owner;
	struct list list; /* in the order of their coming */
	size_t n;
	unsigned serial; /* of the newest */
	int index_fd;	 /* -1: it could not be written */
};

/* ---- names among what outlives us ---- */

static const char *index_name(const struct supervised *sv, char name[static INHERIT_NAME_SIZE])
{
	char hash[INHERIT_HASH_SIZE];

	snprintf(name, INHERIT_NAME_SIZE, INDEX_PREFIX "%s", inherit_hash(supervised_name(sv), hash));
	return name;
}

/* The number in letters, which are all that such a name may have. */
static const char *stored_name(const struct stored *e, char name[static INHERIT_NAME_SIZE])
{
	char hash[INHERIT_HASH_SIZE], letters[2 * sizeof(e->serial) + 1];
	unsigned rest = e->serial;

	for (size_t i = 0; i < sizeof(letters) - 1; i++, rest >>= 4)
		letters[i] = (char)('a' + (rest & 0xf));
	letters[sizeof(letters) - 1] = '\0';
	snprintf(name, INHERIT_NAME_SIZE, STORED_PREFIX "%s-%s",
		 inherit_hash(supervised_name(e->store->owner), hash), letters);
	return name;
}

static struct guard_link *guard_of(const struct fdstore *s)
{
	return s->owner->manager->guard;
}

static struct loop *loop_of(const struct fdstore *s)
{
	return s->owner->manager->loop;
}

/* ---- the list that goes with them ---- */

/* The unit, and a line for each: number, polled, name. */
static int make_index(const struct fdstore *s)
{
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_close int fd = memfd_create("cgkill-fdstore", MFD_CLOEXEC);
	const struct stored *e;

	if (fd < 0)
		return -errno;
	buf_printf(&text, "%s\n", supervised_name(s->owner));
	list_for_each(&s->list, e, struct stored, link)
		buf_printf(&text, "%u %d %s\n", e->serial, e->polled, e->name);
	if (buf_error(&text) < 0)
		return -ENOMEM;
	if (write(fd, text.data, text.len) != (ssize_t)text.len)
		return -EIO;
	return TAKE_FD(fd);
}

/* As a whole, in place of the last one. */
static void publish(struct fdstore *s)
{
	char name[INHERIT_NAME_SIZE];
	int fd = make_index(s);

	if (fd < 0 || guard_keep(guard_of(s), index_name(s->owner, name), fd) < 0)
		log_warning(
			"%s: its descriptors cannot be listed: a crash of cgkilld would lose them",
			supervised_name(s->owner));
	close_fd(s->index_fd);
	s->index_fd = fd;
}

/* ---- storing ---- */

static struct fdstore *store_of(struct supervised *sv)
{
	struct fdstore *s = sv->fdstore ? NULL : calloc(1, sizeof(*s));

	if (s) {
		s->owner = sv;
		s->index_fd = -1;
		list_init(&s->list);
		sv->fdstore = s;
	}
	return sv->fdstore;
}

static void stored_free(struct stored *e)
{
	list_remove(&e->link);
	io_unwatch(&e->io);
	close_fd(e->fd);
	free(e->name);
	free(e);
}

void fdstore_free(struct fdstore *s)
{
	struct stored *e;
	int held;

	if (!s)
		return;
	held = s->n > 0 ? child_hold() : -1;
	list_for_each(&s->list, e, struct stored, link)
		stored_free(e);
	child_dismiss_now(held);
	close_fd(s->index_fd);
	free(s);
}

/* Between child_hold() and child_dismiss(). The list is told by the caller, before; the last one takes the store with it. */
static void drop(struct stored *e)
{
	char name[INHERIT_NAME_SIZE];

	guard_drop(guard_of(e->store), stored_name(e, name));
	e->store->n--;
	stored_free(e);
}

static void free_if_empty(struct fdstore *s)
{
	char name[INHERIT_NAME_SIZE];

	if (s->n > 0)
		return;
	guard_drop(guard_of(s), index_name(s->owner, name));
	s->owner->fdstore = NULL;
	fdstore_free(s);
}

static void on_hangup(struct io_source *io, uint32_t events unused)
{
	struct stored *e = container_of(io, struct stored, io);
	struct fdstore *s = e->store;
	int held = child_hold();

	log_debug("%s: stored descriptor '%s' is of no use any more: closed",
		  supervised_name(s->owner), e->name);
	drop(e);
	child_dismiss(loop_of(s), held);
	publish(s);
	free_if_empty(s);
}

/* Owns fd. What cannot be polled (EPERM: a file) never hangs up. NULL without memory. */
static struct stored *append(struct fdstore *s, int fd, const char *name, unsigned serial, bool polled)
{
	struct stored *e = calloc(1, sizeof(*e));

	if (!e || !(e->name = strdup(name))) {
		free(e);
		close_fd(fd);
		return NULL;
	}
	e->store = s;
	e->fd = fd;
	e->serial = serial;
	e->polled = polled;
	if (polled)
		(void)!io_watch(s->owner->manager->loop, &e->io, fd, EPOLLHUP | EPOLLERR, on_hangup);
	list_append(&s->list, &e->link);
	s->serial = MAX_OF(s->serial, serial);
	s->n++;
	return e;
}

static bool has(const struct fdstore *s, int fd)
{
	const struct stored *e;

	list_for_each(&s->list, e, struct stored, link)
		if (kernel_same_file(e->fd, fd))
			return true;
	return false;
}

/* The list names them before the guard has them: else nobody would know whose they are. */
static void keep_from(struct fdstore *s, unsigned first)
{
	char name[INHERIT_NAME_SIZE];
	const struct stored *e;

	publish(s);
	list_for_each(&s->list, e, struct stored, link)
		if (e->serial >= first && guard_keep(guard_of(s), stored_name(e, name), e->fd) < 0)
			log_warning("%s: the guard cannot keep its descriptor '%s'",
				    supervised_name(s->owner), e->name);
}

/* FileDescriptorStoreMax=, if that leaves as many for others as it has. */
static size_t most_of(const struct fdstore *s)
{
	const struct supervised *sv;
	size_t others = 0;

	list_for_each(&s->owner->manager->services, sv, struct supervised, link)
		others += sv->fdstore && sv->fdstore != s ? sv->fdstore->n : 0;
	return MIN_OF((size_t)s->owner->unit->fdstore_max,
		      others < STORED_MAX ? (STORED_MAX - others) / 2 : 0);
}

/* False: there were more than may be. */
static bool add(struct fdstore *s, const struct notify_message *m, struct datagram *d)
{
	const char *name = m->tags & NOTIFY_FDNAME ? m->fd_name : "stored";
	const size_t most = most_of(s);
	unsigned first = s->serial + 1;
	bool full = false;

	for (unsigned i = 0; i < d->n_fds; i++) {
		if (has(s, d->fds[i]))
			continue;
		if (s->n >= most)
			full = true;
		else if (!append(s, TAKE_FD(d->fds[i]), name, s->serial + 1,
				 !(m->tags & NOTIFY_FDPOLL_OFF)))
			log_error("%s: no memory for its descriptors", supervised_name(s->owner));
	}
	if (s->serial >= first)
		keep_from(s, first);
	return !full;
}

static void remove_named(struct fdstore *s, const char *name)
{
	struct stored *e;
	int held = child_hold();

	list_for_each(&s->list, e, struct stored, link)
		if (streq(e->name, name))
			drop(e);
	child_dismiss(loop_of(s), held);
	publish(s);
	free_if_empty(s);
}

bool fdstore_take_message(struct supervised *sv, const struct notify_message *m, struct datagram *d)
{
	struct fdstore *s;
	bool stored;

	if ((m->tags & NOTIFY_FDSTOREREMOVE) && (m->tags & NOTIFY_FDNAME) && sv->fdstore)
		remove_named(sv->fdstore, m->fd_name);
	if ((m->tags & NOTIFY_FDSTORE) && sv->unit->fdstore_max == 0)
		return false;
	s = m->tags & NOTIFY_FDSTORE && d->n_fds > 0 ? store_of(sv) : NULL;
	if (!s)
		return true;
	stored = add(s, m, d);
	free_if_empty(s);
	return stored;
}

void fdstore_note_over(struct supervised *sv)
{
	enum fdstore_preserve preserve = sv->unit->fdstore_preserve;
	struct fdstore *s = sv->fdstore;
	struct stored *e;
	int held;

	if (!s || preserve == FDSTORE_PRESERVE_YES ||
	    (preserve == FDSTORE_PRESERVE_RESTART && !supervised_is_final(sv)))
		return;
	held = child_hold();
	list_for_each(&s->list, e, struct stored, link)
		drop(e);
	child_dismiss_now(held); /* we may be about to end ourselves */
	free_if_empty(s);
}

/* ---- handing them out ---- */

size_t fdstore_count(const struct fdstore *s)
{
	return s ? s->n : 0;
}

int fdstore_list(const struct fdstore *s, struct exec_fds *out)
{
	cleanup_buf struct buf names = BUF_INIT;
	cleanup_free int *v = NULL;
	const struct stored *e;
	size_t n = 0;

	*out = (struct exec_fds){ 0 };
	if (!s)
		return 0;
	v = calloc(s->n, sizeof(*v));
	if (!v)
		return -ENOMEM;
	list_for_each(&s->list, e, struct stored, link) {
		buf_printf(&names, "%s%s", n > 0 ? ":" : "", e->name);
		v[n++] = e->fd;
	}
	if (buf_error(&names) < 0)
		return -ENOMEM;
	*out = (struct exec_fds){ .v = TAKE_PTR(v), .n = n, .names = buf_take(&names) };
	return 0;
}

int fdstore_pass(const struct supervised *sv)
{
	const struct fdstore *s = sv->fdstore;
	char name[INHERIT_NAME_SIZE];
	const struct stored *e;
	int r;

	if (!s)
		return 0;
	r = s->index_fd < 0 ? -EBADF : inherit_pass(index_name(sv, name), s->index_fd);
	list_for_each(&s->list, e, struct stored, link)
		if (r == 0)
			r = inherit_pass(stored_name(e, name), e->fd);
	return r;
}

/* ---- after an earlier cgkilld ---- */

/* The text of a list; NULL: it cannot be read. */
static char *read_index(int fd)
{
	cleanup_free char *text = NULL;
	struct stat st;

	if (fstat(fd, &st) < 0 || (size_t)st.st_size > INDEX_MAX)
		return NULL;
	text = calloc(1, (size_t)st.st_size + 1);
	if (!text || pread(fd, text, (size_t)st.st_size, 0) != st.st_size)
		return NULL;
	return TAKE_PTR(text);
}

static void adopt_line(struct fdstore *s, char *line)
{
	const char *number = strsep(&line, " "), *polled = line ? strsep(&line, " ") : NULL;
	struct stored wanted = { .store = s };
	char name[INHERIT_NAME_SIZE];
	int fd;

	if (!line || parse_uint(number, &wanted.serial) < 0 || !notify_fd_name_valid(line))
		return;
	fd = inherit_take(stored_name(&wanted, name));
	if (fd >= 0)
		(void)!append(s, fd, line, wanted.serial, streq(polled, "1"));
}

/* lines: what stands behind the unit's. */
static void adopt_lines(struct supervised *sv, char *lines)
{
	struct fdstore *s = store_of(sv);
	char *line;

	while (s && (line = strsep(&lines, "\n")))
		adopt_line(s, line);
	if (s && s->n > 0)
		publish(s);
	if (s)
		free_if_empty(s);
}

void fdstore_adopt(struct supervised *sv)
{
	char name[INHERIT_NAME_SIZE];
	cleanup_close int fd = inherit_take(index_name(sv, name));
	cleanup_free char *text = fd >= 0 ? read_index(fd) : NULL;
	char *rest = text, *unit = text ? strsep(&rest, "\n") : NULL;

	if (unit && rest && streq(unit, supervised_name(sv)))
		adopt_lines(sv, rest);
}

void fdstore_adopt_rest(struct manager *m)
{
	const char *name;

	while ((name = inherit_find(INDEX_PREFIX))) {
		cleanup_close int fd = inherit_take(name);
		cleanup_free char *text = read_index(fd);
		char *rest = text, *unit = text ? strsep(&rest, "\n") : NULL;
		struct supervised *sv = rest && unit_name_valid(unit) ? manager_get_own(m, unit) : NULL;

		if (sv)
			adopt_lines(sv, rest);
	}
	guard_drop_rest(m->guard, STORED_PREFIX);
}
