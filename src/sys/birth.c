/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/birth.h"

#include <errno.h>

#include "sys/pidfd.h"
#include "util/checksum.h"

#define ATTR_MAIN    "cgkill.birth.main"
#define ATTR_CONTROL "cgkill.birth.control"

/* The attribute's data. It is read on the boot that it was written on, so the machine's byte order will do. */
struct mark {
	char magic[8];
	uint64_t spawn, pid, identity;
	uint64_t sum; /* of all before it */
};

static const char magic[8] = "birth 1";

static uint64_t sum_of(const struct mark *m)
{
	return checksum64(m, offsetof(struct mark, sum));
}

static const char *attr_of(bool is_main)
{
	return is_main ? ATTR_MAIN : ATTR_CONTROL;
}

int birth_sign(int unit_fd, bool is_main, uint64_t spawn)
{
	const struct cg unit = { .fd = unit_fd };
	struct mark m = { .spawn = spawn, .pid = (uint64_t)getpid() };
	cleanup_close int pidfd = pidfd_open_pid((pid_t)m.pid);
	int r = pidfd < 0 ? pidfd : pidfd_identity(pidfd, (pid_t)m.pid, &m.identity);

	if (r < 0)
		return r;
	memcpy(m.magic, magic, sizeof(magic));
	m.sum = sum_of(&m);
	return cg_attr_set(&unit, attr_of(is_main), &m, sizeof(m));
}

int birth_read(const struct cg *unit, bool is_main, struct birth_mark *out)
{
	struct mark m;
	ssize_t n = cg_attr_get(unit, attr_of(is_main), &m, sizeof(m));

	if (n < 0)
		return n == -ERANGE ? -EBADMSG : (int)n;
	if (n != sizeof(m) || memcmp(m.magic, magic, sizeof(magic)) != 0 || m.sum != sum_of(&m))
		return -EBADMSG;
	*out = (struct birth_mark){ .spawn = m.spawn, .pid = (pid_t)m.pid, .identity = m.identity };
	return 0;
}
