/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/crash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "util/parse.h"

#define SUFFIX ".txt"

const char *crash_cause(struct exit_info e, char buf[static CRASH_CAUSE_SIZE])
{
	if (e.code == CLD_EXITED)
		snprintf(buf, CRASH_CAUSE_SIZE, "exited with status %d", e.status);
	else
		snprintf(buf, CRASH_CAUSE_SIZE, "killed by signal %d/%s%s", e.status,
			 signal_name(e.status), e.code == CLD_DUMPED ? ", core dumped" : "");
	return buf;
}

static int is_report(const struct dirent *de)
{
	return ends_with(de->d_name, SUFFIX);
}

/* Their names sort by time. Best effort: a report too many does less harm than one that is missing. */
static void remove_oldest(int dir_fd, int keep)
{
	struct dirent **v = NULL;
	char path[32];
	int n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir_fd);
	n = scandir(path, &v, is_report, alphasort);
	for (int i = 0; i < n; i++) {
		if (i < n - keep)
			(void)unlinkat(dir_fd, v[i]->d_name, 0);
		free(v[i]);
	}
	free(v);
}

static int open_dir(const char *path)
{
	int fd;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void print(const struct crash *c, const char *stamp, FILE *f)
{
	char cause[CRASH_CAUSE_SIZE], span[SPAN_MAX];

	fprintf(f, "cgkilld " PACKAGE_VERSION " crashed: %s\n", crash_cause(c->exit, cause));
	fprintf(f, "time: %s\n", stamp);
	fprintf(f, "process: %d, which had lived for %s\n", (int)c->pid, format_span(c->lived, span));
	recorder_print(c->recorder, f);
}

static int write_report(int dir_fd, const char *name, const char *stamp, const struct crash *c)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	int r;

	if (!f) {
		r = -errno;
		close_fd(fd);
		return r;
	}
	print(c, stamp, f);
	r = ferror(f) ? -EIO : 0;
	return fclose(f) == 0 ? r : -errno;
}

int crash_report(const char *runtime_dir, const struct crash *c, char **path)
{
	cleanup_free char *dir = NULL, *file = NULL;
	cleanup_close int fd = -1;
	char stamp[CLOCK_STAMP_SIZE];
	int r;

	clock_stamp(clock_realtime(), stamp);
	if (asprintf(&dir, "%s/crash", runtime_dir) < 0 ||
	    asprintf(&file, "%s/%s" SUFFIX, dir, stamp) < 0)
		return -ENOMEM;
	fd = open_dir(dir);
	if (fd < 0)
		return fd;
	remove_oldest(fd, CRASH_MAX - 1);
	r = write_report(fd, file + strlen(dir) + 1, stamp, c);
	if (r < 0 && r != -EEXIST)
		(void)unlinkat(fd, file + strlen(dir) + 1, 0);
	if (r == 0)
		*path = TAKE_PTR(file);
	return r;
}
