/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "core/logging.h"
#include "exec/child.h"
#include "util/buf.h"

/*
 * O_NONBLOCK only for the open itself: a FIFO without a peer must not hold the child for ever. The
 * flag is dropped again, since most programs do not expect it on their standard descriptors.
 */
static int open_stdio(const char *path, int flags)
{
	int fd = open(path, flags | O_NOCTTY | O_CLOEXEC | O_NONBLOCK, 0666);

	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_SETFL, flags & O_APPEND) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

/*
 * For both: with a read end of its own a service goes on when the logger has died, until the FIFO is full, and what is in
 * it stays there for the next logger.
 */
static int open_fifo(const struct child *c)
{
	cleanup_free char *path = NULL;

	if (asprintf(&path, "%s/%s", c->x->fifo_dir, c->x->unit->name) < 0)
		return -ENOMEM;
	return open_stdio(path, O_RDWR);
}

/*
 * journald takes a stream with a few lines ahead of it: identifier, unit, priority, whether "<N>" counts, and whether it is to
 * be passed on to syslogd, the kernel's log and the console; src/journal/journald-stream.c, setup_state() and what follows.
 */
static int open_journal(const struct child *c)
{
	static const struct sockaddr_un journald = { AF_UNIX, "/run/systemd/journal/stdout" };
	const struct unit *u = c->x->unit;
	const struct logging *g = u->logging ? u->logging : &logging_default;
	const char *slash = strrchr(c->x->command->path, '/');
	const char *command = slash ? slash + 1 : c->x->command->path;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&journald, sizeof(journald)) < 0 ||
	    shutdown(fd, SHUT_RD) < 0 ||
	    dprintf(fd, "%s\n%s\n%d\n%d\n0\n0\n0\n", g->identifier ? g->identifier : command,
		    u->name, g->facility << 3 | g->level, !g->no_prefix) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

/* Not UNIT.log: what a service writes by itself could look like a record of the logger's, or of cgkilld's. */
static int open_log(const struct child *c)
{
	cleanup_free char *path = NULL;
	int fd = c->x->log_target == LOG_TARGET_JOURNAL ? open_journal(c) : -1;

	if (fd >= 0)
		return fd;
	if (c->x->fifo_dir)
		return open_fifo(c);
	if (asprintf(&path, "%s/%s.raw", c->x->log_dir, c->x->unit->name) < 0)
		return -ENOMEM;
	return open_stdio(path, O_WRONLY | O_CREAT | O_APPEND);
}

/* Read-only to the service, and as often as it likes: its memory is the kernel's from now on. */
static int open_data(const struct child *c)
{
	const struct buf *data = c->x->unit->stdin_data;
	int fd = memfd_create("StandardInputData", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t done = 0;

	if (fd < 0)
		return -errno;
	while (data && done < data->len) {
		ssize_t n = write(fd, data->data + done, data->len - done);

		if (n < 0) {
			int r = -errno;

			close(fd);
			return r;
		}
		done += (size_t)n;
	}
	(void)lseek(fd, 0, SEEK_SET);
	(void)fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	return fd;
}

static int open_target(const struct child *c, const struct stdio_target *t, bool input)
{
	int out = input ? O_RDONLY : O_WRONLY;

	switch (t->kind) {
	case STDIO_LOG:
		return open_log(c);
	case STDIO_FILE:
		return open_stdio(t->path, input ? O_RDONLY : O_WRONLY | O_CREAT);
	case STDIO_APPEND:
		return open_stdio(t->path, out | O_CREAT | O_APPEND);
	case STDIO_TRUNCATE:
		return open_stdio(t->path, out | O_CREAT | O_TRUNC);
	case STDIO_DATA:
		return open_data(c);
	case STDIO_NULL:
	case STDIO_INHERIT:
	case STDIO_INVALID:
	case STDIO_MAX:
		break;
	}
	return open_stdio("/dev/null", out);
}

static bool is_to_console(const struct child *c)
{
	return c->x->log_target == LOG_TARGET_CONSOLE;
}

void child_set_up_stdio(const struct child *c)
{
	const struct unit *u = c->x->unit;
	const struct {
		const struct stdio_target *target;
		enum exec_step step;
	} wanted[3] = { { &u->std_in, STEP_STDIN },
			{ &u->std_out, STEP_STDOUT },
			{ &u->std_err, STEP_STDERR } };

	if (u->foreground)
		return;
	for (int fd = 0; fd < 3; fd++) {
		enum stdio_kind kind = wanted[fd].target->kind;
		int from = fd > 0 && kind == STDIO_INHERIT ? fd - 1
			   : kind == STDIO_LOG && is_to_console(c)
				   ? fd
				   : open_target(c, wanted[fd].target, fd == 0);

		if (from < 0)
			child_fail(c, wanted[fd].step, from);
		if (from == fd ? fcntl(fd, F_SETFD, 0) < 0 : dup2(from, fd) < 0)
			child_fail(c, wanted[fd].step, errno);
		if (from > 2)
			close(from);
	}
}

void child_own_stdio(const struct child *c)
{
	const struct unit *u = c->x->unit;

	if (!c->x->fifo_dir || c->uid == (uid_t)-1)
		return;
	if (u->std_out.kind == STDIO_LOG)
		(void)!fchown(STDOUT_FILENO, c->uid, c->gid);
	if (u->std_err.kind == STDIO_LOG)
		(void)!fchown(STDERR_FILENO, c->uid, c->gid);
}
