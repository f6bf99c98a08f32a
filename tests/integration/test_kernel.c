/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ways around system calls that a kernel lacks, held against those calls: a child that may not make them gives the same
 * answers.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/cgtest.h"
#include "sys/kernel.h"
#include "util/macro.h"

static char top[] = "/tmp/cgkill-test.XXXXXX";

/* Below it. */
static const char *const paths[] = { "dir",	  "dir/", "dir/file",	"dir/file/", "dir/none",
				     "none/file", "link", "link/file",	"dir/link",  "dir/dead",
				     "file",	  ".",	  "dir//.",	"mount",     "mount/dir",
				     "dir/self",  "",	  "dir/./file", "dir/long",  "file/x" };

static const uint64_t flags[] = {
	O_RDONLY | O_CLOEXEC,
	O_RDONLY | O_DIRECTORY | O_CLOEXEC,
	O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
	O_PATH | O_NOFOLLOW | O_CLOEXEC,
	O_WRONLY | O_CLOEXEC,
};

static const uint64_t resolves[] = {
	0,
	RESOLVE_NO_XDEV,
	RESOLVE_NO_SYMLINKS,
	RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
};

enum { ANSWERS = ARRAY_SIZE(paths) * ARRAY_SIZE(flags) * ARRAY_SIZE(resolves) * 2 };

struct answer {
	int error;
	ino_t ino; /* of what was opened */
	dev_t dev;
};

/* An answer of each, relative to the directory and from the root. */
static void ask(struct answer *out)
{
	cleanup_close int dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char absolute[256];

	for (size_t p = 0; p < ARRAY_SIZE(paths); p++)
		for (size_t f = 0; f < ARRAY_SIZE(flags); f++)
			for (size_t r = 0; r < ARRAY_SIZE(resolves); r++)
				for (int from_root = 0; from_root < 2; from_root++, out++) {
					struct stat st;
					int fd;

					if (from_root && resolves[r] & RESOLVE_NO_XDEV)
						continue; /* nobody asks that */
					snprintf(absolute, sizeof(absolute), "%s/%s", top, paths[p]);
					fd = kernel_openat2(from_root ? AT_FDCWD : dir,
							    from_root ? absolute : paths[p],
							    flags[f], resolves[r]);
					*out = (struct answer){ .error = MIN_OF(fd, 0) };
					if (fd >= 0 && fstat(fd, &st) == 0) {
						out->ino = st.st_ino;
						out->dev = st.st_dev;
					}
					close_fd(fd);
				}
}

static void make_world(void)
{
	char path[256];

	if (!mkdtemp(top) || chdir(top) < 0 || mkdir("dir", 0755) < 0 || mkdir("mount", 0755) < 0 ||
	    symlink("dir", "link") < 0 || symlink("file", "dir/link") < 0 ||
	    symlink("nowhere", "dir/dead") < 0 || symlink(".", "dir/self") < 0)
		_exit(2);
	snprintf(path, sizeof(path), "%s/dir/file", top);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	/* of a mount that is the same file system elsewhere, only the number of the mount tells */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(top, "mount", NULL, MS_BIND, NULL) < 0)
		_exit(77);
}

static void lack(long call)
{
	if (cgtest_lack(call, ENOSYS) < 0)
		_exit(77);
}

static void remove_world(void)
{
	static const char *const made[] = { "dir/file", "dir/link", "dir/dead",
					    "dir/self", "link",	    "file" };

	(void)umount2("mount", MNT_DETACH);
	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		unlink(made[i]);
	rmdir("dir");
	rmdir("mount");
	(void)!chdir("/");
	rmdir(top);
}

static bool are_same(const struct answer *a, const struct answer *b)
{
	return a->error == b->error && a->ino == b->ino && a->dev == b->dev;
}

static _Noreturn void compare(void)
{
	static struct answer real[ANSWERS], by_hand[ANSWERS];
	int different = 0;

	make_world();
	ask(real);
	lack(SYS_openat2);
	ask(by_hand);
	for (size_t i = 0; i < ANSWERS; i++) {
		size_t n = i / 2;

		if (are_same(&real[i], &by_hand[i]))
			continue;
		different = 1;
		fprintf(stderr, "%s \"%s\" flags %#llo resolve %#llx: %s, not %s\n",
			i % 2 ? "from the root" : "below",
			paths[n / ARRAY_SIZE(resolves) / ARRAY_SIZE(flags)],
			(unsigned long long)flags[n / ARRAY_SIZE(resolves) % ARRAY_SIZE(flags)],
			(unsigned long long)resolves[n % ARRAY_SIZE(resolves)],
			strerror(-by_hand[i].error), strerror(-real[i].error));
	}
	remove_world();
	_exit(different);
}

static int status_of(void (*fn)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		fn();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect(void (*fn)(void))
{
	int status = status_of(fn);

	if (status == 77)
		cr_skip_test("no mount namespace or seccomp filter can be had here");
	cr_assert_eq(status, 0, "exit status %d", status);
}

Test(kernel, opens_by_hand_as_openat2_does, .timeout = 20)
{
	expect(compare);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void close_some(void)
{
	for (int fd = 3; fd < 200; fd++)
		(void)dup2(2, fd);
	lack(SYS_close_range);
	kernel_close_range(10, 19, 0);
	kernel_close_range(100, ~0U, CLOSE_RANGE_CLOEXEC);
	for (int fd = 3; fd < 200; fd++)
		if (is_open(fd) != (fd < 10 || fd > 19) ||
		    (is_open(fd) && (fcntl(fd, F_GETFD) == FD_CLOEXEC) != (fd >= 100)))
			_exit(1);
	kernel_close_range(3, ~0U, 0);
	for (int fd = 3; fd < 200; fd++)
		if (is_open(fd))
			_exit(1);
}

Test(kernel, closes_one_by_one, .timeout = 20)
{
	expect(close_some);
}
