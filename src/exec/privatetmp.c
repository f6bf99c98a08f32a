/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a run has its /tmp and /var/tmp. The first of its processes makes them, the others find them by their name, which
 * is the same for the whole life of the unit's cgroup, and for no other: core/sandbox.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "core/mountplan.h"
#include "core/sandbox.h"
#include "exec/child.h"

#define TRIES 16

/* The directory that nobody else enters. Somebody who has guessed its name may have put something in its place: that goes aside. */
static int open_own(int base, const char *name)
{
	char aside[64];
	uint64_t random;
	struct stat st;

	for (unsigned i = 0; i < TRIES; i++) {
		int fd;

		if (mkdirat(base, name, 0700) < 0 && errno != EEXIST)
			return -errno;
		fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 077) == 0)
			return fd;
		close_fd(fd);
		if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0) /* nor does he guess that one */
			return -errno;
		snprintf(aside, sizeof(aside), ".cgkill-foreign-%016" PRIx64, random);
		if (renameat(base, name, base, aside) < 0 && errno != ENOENT)
			return -errno;
	}
	return -EEXIST;
}

/* Both may be in one $TMPDIR. */
static int make(const char *base_path, const char *name, const char *what, char **out)
{
	cleanup_close int base = open(base_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int own = base < 0 ? -errno : open_own(base, name);

	if (own < 0)
		return own;
	if (mkdirat(own, what, 0) < 0 && errno != EEXIST)
		return -errno;
	if (fchmodat(own, what, 01777, 0) < 0) /* whatever the umask */
		return -errno;
	return asprintf(out, "%s/%s/%s", base_path, name, what) < 0 ? -ENOMEM : 0;
}

void private_tmp_make(const struct child *c, struct private_tmp *out)
{
	const struct exec_context *x = c->x;
	char name[PRIVATE_TMP_NAME_MAX], *tmp = NULL, *var_tmp = NULL;
	int r;

	if (!x->unit->sandbox->private_tmp)
		return;
	private_tmp_name(name, x->unit->name, x->host, x->unit_id);
	r = make(x->host->tmp_dir, name, "tmp", &tmp);
	if (r == 0)
		r = make(x->host->var_tmp_dir, name, "var-tmp", &var_tmp);
	if (r == -ENOENT && tmp) /* a host without /var/tmp */
		r = 0;
	if (r < 0)
		child_fail_at(c, STEP_NAMESPACE, r, "PrivateTmp=");
	*out = (struct private_tmp){ tmp, var_tmp };
}
