/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A datagram of sd_notify(3): whatever arrives is refused or understood, and what was understood can be what it is held
 * for. libFuzzer's entry.
 */
#include <assert.h>
#include <errno.h>

#include "core/notify.h"
#include "core/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_within(const char *s, const char *text, size_t len)
{
	return s >= text && s + strlen(s) <= text + len;
}

static void check(const struct notify_message *m, const char *text, size_t len)
{
	assert(!(m->tags & NOTIFY_MAINPID) || m->main_pid > 0);
	assert(!(m->tags & NOTIFY_EXTEND) || m->extend != USEC_INFINITY);
	assert(!(m->tags & NOTIFY_WATCHDOG_USEC) || m->watchdog != USEC_INFINITY);
	assert(!(m->tags & NOTIFY_MONOTONIC_USEC) || m->monotonic != USEC_INFINITY);
	assert(!(m->tags & NOTIFY_ERRNO) || (m->error >= 0 && m->error < 4096));
	assert(!(m->tags & NOTIFY_ACCESS) || notify_access_name(m->access));
	if (m->tags & NOTIFY_STATUS)
		assert(is_within(m->status, text, len) && text_is_utf8(m->status));
	if (m->tags & NOTIFY_BUSERROR)
		assert(is_within(m->bus_error, text, len) && text_is_utf8(m->bus_error));
	if (m->tags & NOTIFY_FDNAME)
		assert(is_within(m->fd_name, text, len) && notify_fd_name_valid(m->fd_name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = malloc(size + 1); /* just as long, for the sanitizer to notice */
	struct notify_message m;
	int r;

	assert(text);
	if (size > 0)
		memcpy(text, data, size);
	r = notify_parse(&m, text, size);
	assert(r == 0 || r == -EBADMSG);
	if (r == 0)
		check(&m, text, size);
	return 0;
}
