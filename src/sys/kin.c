/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/kin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "sys/pidfd.h"
#include "util/parse.h"

/*
 * What stands behind key in proc_pid_status(5), in text, NULL if it cannot be told. Not /proc/PID/stat: Linux 6.18 has its
 * reader wait for exec_update_lock, and a process that hangs in execve holds that. status takes no such lock.
 */
static const char *status_of(pid_t pid, const char *key, char *text, size_t cap)
{
	char path[32];
	cleanup_close int fd = -1;
	const char *line;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, cap - 1);
	text[MAX_OF(n, 0)] = '\0';
	line = strstr(text, key);
	return line ? line + strlen(key) : NULL;
}

pid_t process_parent(pid_t pid)
{
	char text[1024];
	const char *parent = status_of(pid, "\nPPid:\t", text, sizeof(text));

	return parent ? (pid_t)strtol(parent, NULL, 10) : -ESRCH;
}

bool process_is_zombie(pid_t pid)
{
	char text[1024];
	const char *state = status_of(pid, "\nState:\t", text, sizeof(text));

	return state && (*state == 'Z' || *state == 'X');
}

/* In a procfs of another PID namespace "self" has another number there, or none: proc(5). */
static bool shows_us(void)
{
	char self[16] = "";
	int pid = 0;

	return readlink("/proc/self", self, sizeof(self) - 1) > 0 && parse_pid(self, &pid) == 0 &&
	       pid == getpid();
}

static int add(struct kin *k, size_t *room, struct relative r)
{
	if (k->n == *room) {
		size_t more = MAX_OF(2 * *room, (size_t)64);
		struct relative *v = reallocarray(k->v, more, sizeof(*v));

		if (!v)
			return -ENOMEM;
		k->v = v;
		*room = more;
	}
	k->v[k->n++] = r;
	return 0;
}

/* All of them but us, and none of them held. */
static int list(struct kin *k)
{
	DIR *dir = shows_us() ? opendir("/proc") : NULL;
	const pid_t self = getpid();
	size_t room = 0;
	int r = 0;

	if (!dir)
		return -ENOENT;
	for (const struct dirent *e; r == 0 && (e = readdir(dir));) {
		struct relative one = { .pidfd = -1 };

		if (parse_pid(e->d_name, &one.pid) < 0 || one.pid == self)
			continue;
		one.parent = process_parent(one.pid);
		if (one.parent >= 0)
			r = add(k, &room, one);
	}
	closedir(dir);
	return r;
}

static bool hold(struct relative *r)
{
	r->pidfd = pidfd_open_pid(r->pid);
	return r->pidfd >= 0;
}

/* Is the process that parent is about, or are we if it is NULL, still there as the parent of the one that r holds? */
static bool is_child(const struct relative *r, const struct relative *parent)
{
	return process_parent(r->pid) == r->parent &&
	       (!parent || pidfd_signal(parent->pidfd, 0) != -ESRCH);
}

/*
 * From k->v[from] on, all children of parent (NULL: ours) are taken hold of and moved to the front. Where they end. A parent
 * that is asked after its child is not reaped yet, so that its number, read before, was its own all the time: a child of a
 * descendant.
 */
static size_t take_children(struct kin *k, size_t from, const struct relative *parent)
{
	const pid_t pid = parent ? parent->pid : getpid();

	for (size_t i = from; i < k->n; i++) {
		struct relative r = k->v[i];

		if (r.parent != pid || !hold(&r))
			continue;
		if (!is_child(&r, parent)) {
			close_fd(r.pidfd);
			continue;
		}
		k->v[i] = k->v[from];
		k->v[from++] = r;
	}
	return from;
}

static void keep_descendants(struct kin *k)
{
	size_t known = take_children(k, 0, NULL);

	for (size_t i = 0; i < known; i++)
		known = take_children(k, known, &k->v[i]);
	k->n = known;
}

static void keep_held(struct kin *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++)
		if (hold(&k->v[i]))
			k->v[n++] = k->v[i];
	k->n = n;
}

int kin_find(struct kin *out, enum kin_scope scope)
{
	struct kin k = KIN_INIT;
	int r = list(&k);

	if (r < 0) {
		kin_free(&k);
		return r;
	}
	if (scope == KIN_DESCENDANTS)
		keep_descendants(&k);
	else
		keep_held(&k);
	*out = k;
	return 0;
}

void kin_free(struct kin *k)
{
	for (size_t i = 0; i < k->n; i++)
		close_fd(k->v[i].pidfd);
	free(k->v);
	*k = (struct kin)KIN_INIT;
}
