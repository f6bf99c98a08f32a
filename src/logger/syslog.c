/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "logger/syslog.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>

#include "core/unit.h"
#include "util/parse.h"

#define MESSAGES_MAX 64	   /* before others have their turn */
#define MESSAGE_MAX  65536 /* of a message; what is longer is cut off */
#define LEVEL_NOTICE 5	   /* of a message that does not say: user.notice, as syslogd(8) has it */

/* The first component of the path below our root that is the name of a unit with processes. */
static bool unit_in(const char *path, const char *root, char name[static NAME_MAX + 1])
{
	const char *rest = after_prefix(path, streq(root, "/") ? "" : root);

	while (rest && *rest == '/') {
		size_t n = strcspn(++rest, "/");

		if (n <= NAME_MAX) {
			memcpy(name, rest, n);
			name[n] = '\0';
			if (unit_name_valid(name) && unit_kind_of(name) != UNIT_SLICE)
				return true;
		}
		rest += n;
	}
	return false;
}

/* Whoever has sent it may have ended since. */
static const char *unit_of(pid_t pid, const char *root, char name[static NAME_MAX + 1])
{
	char text[PATH_MAX + 64], *line, *rest = text;
	cleanup_close int fd = -1;
	ssize_t n;

	snprintf(text, sizeof(text), "/proc/%d/cgroup", (int)pid);
	fd = open(text, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	text[MAX_OF(n, (ssize_t)0)] = '\0';
	while ((line = strsep(&rest, "\n"))) {
		const char *path = after_prefix(line, "0::");

		if (path && unit_in(path, root, name))
			return name;
	}
	return SYSLOG_STRANGERS;
}

/* "<30>" of facility and level; the rest. */
static const char *take_level(const char *text, int *level)
{
	unsigned long n;
	char *end;

	*level = LEVEL_NOTICE;
	if (*text != '<')
		return text;
	n = strtoul(text + 1, &end, 10);
	if (*end != '>' || n > 1023)
		return text;
	*level = (int)(n & 7);
	return end + 1;
}

/* "Jan 31 12:00:00 ", of which the log has a better one. */
static const char *skip_time(const char *text)
{
	bool is_time = strlen(text) > 15 && text[3] == ' ' && text[6] == ' ' && text[9] == ':' &&
		       text[12] == ':' && text[15] == ' ';

	return is_time ? text + 16 : text;
}

static void log_message(struct syslog *y, struct streams *s, const char *text, pid_t pid)
{
	char name[NAME_MAX + 1];
	struct stream *st = streams_get(s, unit_of(pid, y->root, name), NULL);
	cleanup_buf struct buf b = BUF_INIT;
	int level;

	text = skip_time(take_level(text, &level));
	buf_printf(&b, "<%d>%s", level, text);
	while (b.len > 3 && (b.data[b.len - 1] == '\n' || b.data[b.len - 1] == '\r'))
		buf_truncate(&b, b.len - 1);
	buf_putc(&b, '\n');
	if (st && buf_error(&b) == 0)
		stream_say(s, st, b.data, b.len);
}

static pid_t sender_of(struct msghdr *msg)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	struct ucred sender = { 0 };

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
		memcpy(&sender, CMSG_DATA(c), sizeof(sender));
	return sender.pid;
}

void syslog_read(struct syslog *y, struct streams *s)
{
	static char data[MESSAGE_MAX + 1];

	for (int i = 0; i < MESSAGES_MAX; i++) {
		union {
			struct cmsghdr align;
			char room[CMSG_SPACE(sizeof(struct ucred))];
		} control;
		struct iovec iov = { data, MESSAGE_MAX };
		struct msghdr msg = { .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = &control,
				      .msg_controllen = sizeof(control) };
		ssize_t n = recvmsg(y->source.fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (n < 0)
			return;
		data[n] = '\0';
		if (n > 0)
			log_message(y, s, data, sender_of(&msg));
	}
}
