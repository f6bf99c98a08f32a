/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/inherit.h"

#include <errno.h>
#include <fcntl.h>

#include "util/buf.h"
#include "util/checksum.h"
#include "util/log.h"
#include "util/parse.h"

#define VARIABLE "CGKILL_FDS"

struct named_fd {
	char name[INHERIT_NAME_SIZE];
	int fd; /* -1 = taken */
};

struct named_fds {
	struct named_fd v[INHERIT_MAX];
	size_t n;
};

static struct named_fds received, passed;

static struct named_fd *find(struct named_fds *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (streq(all->v[i].name, name))
			return &all->v[i];
	return NULL;
}

static bool is_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz-");

	return n > 0 && n < INHERIT_NAME_SIZE && s[n] == '\0';
}

static int add(struct named_fds *all, const char *name, int fd)
{
	if (!is_name(name))
		return -EINVAL;
	if (find(all, name))
		return -EEXIST;
	if (all->n == INHERIT_MAX)
		return -ENOSPC;
	all->v[all->n].fd = fd;
	strcpy(all->v[all->n++].name, name);
	return 0;
}

static int set_cloexec(int fd, bool on)
{
	return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0 ? -errno : 0;
}

/* One "name:number". Descriptors 0 to 2 are nobody's to take. */
static int receive(char *entry)
{
	const char *name = strsep(&entry, ":");
	int fd, r = entry ? parse_int(entry, &fd) : -EINVAL;

	if (r < 0)
		return r;
	for (size_t i = 0; i < received.n; i++)
		if (received.v[i].fd == fd)
			return -EEXIST;
	if (fd <= STDERR_FILENO || fcntl(fd, F_GETFD) < 0)
		return -EBADF;
	r = add(&received, name, fd);
	return r < 0 ? r : set_cloexec(fd, true);
}

bool inherit_read(void)
{
	const char *value = getenv(VARIABLE);
	cleanup_free char *copy = NULL;
	char *rest, *entry;
	int r = 0;

	received.n = 0;
	if (!value)
		return false;
	rest = copy = strdup(value);
	if (!copy)
		r = -ENOMEM;
	unsetenv(VARIABLE);
	while (r == 0 && (entry = strsep(&rest, ",")))
		r = receive(entry);
	if (r < 0) {
		received.n = 0; /* whose the others are is not known either, so they are not closed */
		log_warning("ignoring %s: %s", VARIABLE, strerror(-r));
	}
	return true;
}

int inherit_take(const char *name)
{
	struct named_fd *f = find(&received, name);

	return f ? TAKE_FD(f->fd) : -1;
}

const char *inherit_find(const char *prefix)
{
	for (size_t i = 0; i < received.n; i++)
		if (received.v[i].fd >= 0 && after_prefix(received.v[i].name, prefix))
			return received.v[i].name;
	return NULL;
}

const char *inherit_hash(const char *text, char buf[static INHERIT_HASH_SIZE])
{
	uint64_t sum = checksum64(text, strlen(text));

	for (int i = 0; i < INHERIT_HASH_SIZE - 1; i++, sum >>= 4)
		buf[i] = (char)('a' + (sum & 0xf));
	buf[INHERIT_HASH_SIZE - 1] = '\0';
	return buf;
}

void inherit_close_rest(void)
{
	for (size_t i = 0; i < received.n; i++)
		close_fd(received.v[i].fd);
	received.n = 0;
}

int inherit_pass(const char *name, int fd)
{
	int r = add(&passed, name, fd);

	if (r < 0)
		return r;
	r = set_cloexec(fd, false);
	if (r < 0)
		passed.n--;
	return r;
}

int inherit_write(void)
{
	struct buf b = BUF_INIT;
	cleanup_free char *value = NULL;

	if (passed.n == 0)
		return 0;
	for (size_t i = 0; i < passed.n; i++)
		buf_printf(&b, "%s%s:%d", i > 0 ? "," : "", passed.v[i].name, passed.v[i].fd);
	value = buf_take(&b);
	if (!value)
		return -ENOMEM;
	return setenv(VARIABLE, value, 1) < 0 ? -errno : 0;
}

void inherit_take_back(void)
{
	for (size_t i = 0; i < passed.n; i++)
		(void)!set_cloexec(passed.v[i].fd, true);
	passed.n = 0;
	unsetenv(VARIABLE);
}
