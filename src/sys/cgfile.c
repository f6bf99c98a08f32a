/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/cgfile.h"

#include <errno.h>
#include <fcntl.h>

#include "util/parse.h"

ssize_t cgfile_text(int cgroup, const char *file, char *text, size_t cap)
{
	cleanup_close int fd = openat(cgroup, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, cap - 1);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	return n;
}

static int parse_number(const char *s, uint64_t *out)
{
	if (streq(s, "max")) {
		*out = UINT64_MAX;
		return 0;
	}
	return parse_u64(s, out) < 0 ? -EBADMSG : 0;
}

int cgfile_number(int cgroup, const char *file, uint64_t *out)
{
	char text[32];
	ssize_t n = cgfile_text(cgroup, file, text, sizeof(text));

	if (n < 0)
		return (int)n;
	text[strcspn(text, "\n")] = '\0';
	return parse_number(text, out);
}

int cgfile_key(int cgroup, const char *file, const char *key, uint64_t *out)
{
	char text[1024], *rest = text, *line;
	ssize_t n = cgfile_text(cgroup, file, text, sizeof(text));

	if (n < 0)
		return (int)n;
	while ((line = strsep(&rest, "\n"))) {
		const char *value = after_prefix(line, key);

		if (value && *value == ' ')
			return parse_number(value + 1, out);
	}
	return -ENODATA;
}

int cgfile_write(int cgroup, const char *file, const char *value)
{
	cleanup_close int fd = openat(cgroup, file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 || write(fd, value, strlen(value)) < 0 ? -errno : 0;
}

int cgfile_pass_on(int cgroup, const char *controller)
{
	char text[64];
	int r;

	if (snprintf(text, sizeof(text), "+%s", controller) >= (int)sizeof(text))
		return -ENODEV;
	r = cgfile_write(cgroup, "cgroup.subtree_control", text);
	/* EINVAL: a name that it does not know; ENOENT: one that is not in its cgroup.controllers (cgroup_subtree_control_write()) */
	return r == -EINVAL || r == -ENOENT ? -ENODEV : r;
}
