/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/notify.h"

#include <errno.h>

#include "core/text.h"
#include "util/parse.h"

#define FD_NAME_MAX 255
#define ERRNO_MAX   4095 /* MAX_ERRNO, include/linux/err.h */

/* A key, and how its value is taken: 0, or -EINVAL for one that cannot be. */
struct key {
	const char *name;
	enum notify_tag tag;
	int (*take)(struct notify_message *m, const char *value);
	const char *word; /* without take(): the one value that says it; others say nothing */
};

bool notify_fd_name_valid(const char *name)
{
	size_t n = 0;

	for (; name[n]; n++)
		if (name[n] < ' ' || name[n] > '~' || name[n] == ':')
			return false;
	return n > 0 && n <= FD_NAME_MAX;
}

static int take_main_pid(struct notify_message *m, const char *value)
{
	return parse_pid(value, &m->main_pid);
}

/* Infinity is no moment, and not a time that can be waited for. */
static int take_usec(usec_t *out, const char *value)
{
	uint64_t usec = 0;

	if (parse_u64(value, &usec) < 0 || usec == USEC_INFINITY)
		return -EINVAL;
	*out = usec;
	return 0;
}

static int take_monotonic(struct notify_message *m, const char *value)
{
	return take_usec(&m->monotonic, value);
}

static int take_extend(struct notify_message *m, const char *value)
{
	return take_usec(&m->extend, value);
}

static int take_watchdog_usec(struct notify_message *m, const char *value)
{
	return take_usec(&m->watchdog, value);
}

static int take_status(struct notify_message *m, const char *value)
{
	m->status = value;
	return text_is_utf8(value) ? 0 : -EINVAL;
}

static int take_bus_error(struct notify_message *m, const char *value)
{
	m->bus_error = value;
	/* Names of D-Bus errors have no other letters; nothing: there is no error any more. */
	return !*value || notify_fd_name_valid(value) ? 0 : -EINVAL;
}

static int take_errno(struct notify_message *m, const char *value)
{
	unsigned error = 0;

	if (parse_uint(value, &error) < 0 || error > ERRNO_MAX)
		return -EINVAL;
	m->error = (int)error;
	return 0;
}

static int take_access(struct notify_message *m, const char *value)
{
	for (enum notify_access a = NOTIFY_ACCESS_NONE; a < NOTIFY_ACCESS_MAX; a++)
		if (streq(value, notify_access_name(a))) {
			m->access = a;
			return 0;
		}
	return -EINVAL;
}

static int take_fd_name(struct notify_message *m, const char *value)
{
	m->fd_name = value;
	return notify_fd_name_valid(value) ? 0 : -EINVAL;
}

static const struct key keys[] = {
	{ "READY", NOTIFY_READY, NULL, "1" },
	{ "STOPPING", NOTIFY_STOPPING, NULL, "1" },
	{ "RELOADING", NOTIFY_RELOADING, NULL, "1" },
	{ "MONOTONIC_USEC", NOTIFY_MONOTONIC_USEC, take_monotonic, NULL },
	{ "STATUS", NOTIFY_STATUS, take_status, NULL },
	{ "ERRNO", NOTIFY_ERRNO, take_errno, NULL },
	{ "BUSERROR", NOTIFY_BUSERROR, take_bus_error, NULL },
	{ "MAINPID", NOTIFY_MAINPID, take_main_pid, NULL },
	{ "WATCHDOG", NOTIFY_WATCHDOG, NULL, "1" },
	{ "WATCHDOG", NOTIFY_WATCHDOG_TRIGGER, NULL, "trigger" },
	{ "WATCHDOG_USEC", NOTIFY_WATCHDOG_USEC, take_watchdog_usec, NULL },
	{ "EXTEND_TIMEOUT_USEC", NOTIFY_EXTEND, take_extend, NULL },
	{ "NOTIFYACCESS", NOTIFY_ACCESS, take_access, NULL },
	{ "FDSTORE", NOTIFY_FDSTORE, NULL, "1" },
	{ "FDSTOREREMOVE", NOTIFY_FDSTOREREMOVE, NULL, "1" },
	{ "FDNAME", NOTIFY_FDNAME, take_fd_name, NULL },
	{ "FDPOLL", NOTIFY_FDPOLL_OFF, NULL, "0" },
};

/* seen: the keys that had a value before, right or wrong. */
static void take_line(struct notify_message *m, char *line, unsigned *seen)
{
	char *value = strchr(line, '=');

	if (!value)
		return;
	*value++ = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct key *k = &keys[i];

		if (!streq(line, k->name) || (*seen & k->tag) || (k->word && !streq(value, k->word)))
			continue;
		*seen |= k->tag;
		if (!k->take || k->take(m, value) == 0)
			m->tags |= k->tag;
		else if (!m->bad)
			m->bad = k->name;
	}
}

int notify_parse(struct notify_message *out, char *text, size_t len)
{
	struct notify_message m = { 0 };
	unsigned seen = 0;
	char *line;

	if (len > 0 && text[len - 1] == '\0')
		len--;
	if (len > NOTIFY_SIZE_MAX || memchr(text, '\0', len))
		return -EBADMSG;
	text[len] = '\0';
	while ((line = strsep(&text, "\n")))
		take_line(&m, line, &seen);
	*out = m;
	return 0;
}
