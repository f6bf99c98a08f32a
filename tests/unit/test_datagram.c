/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/datagram.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define CAP 64

static char dir[] = "/tmp/cgkill-test-datagram.XXXXXX";
static struct sockaddr_un sa = { .sun_family = AF_UNIX };
static int fd;

static void set_up(void)
{
	cr_assert(mkdtemp(dir));
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/socket", dir);
	umask(077);
	fd = datagram_bind(sa.sun_path);
	cr_assert_geq(fd, 0);
}

static void tear_down(void)
{
	close(fd);
	(void)unlink(sa.sun_path);
	(void)rmdir(dir);
}

TestSuite(datagram, .timeout = 10, .init = set_up, .fini = tear_down);

static void send_fds(const char *text, size_t len, size_t n_fds)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(4 * sizeof(int))];
	} control = { .head = { .cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS,
				.cmsg_len = CMSG_LEN(n_fds * sizeof(int)) } };
	char copy[CAP + 1];
	struct iovec iov = { memcpy(copy, text, len), len };
	struct msghdr msg = {
		.msg_name = &sa, .msg_namelen = sizeof(sa), .msg_iov = &iov, .msg_iovlen = 1
	};
	int from = socket(AF_UNIX, SOCK_DGRAM, 0), v[4] = { 0, 0, 0, 0 };

	memcpy(CMSG_DATA(&control.head), v, n_fds * sizeof(int));
	if (n_fds > 0) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
	}
	if (sendmsg(from, &msg, 0) < 0)
		abort();
	close(from);
}

static int count_fds(void)
{
	int n = 0;

	for (int i = 0; i < 1024; i++)
		n += fcntl(i, F_GETFD) >= 0;
	return n;
}

Test(datagram, anybody_may_send)
{
	struct stat st;

	cr_assert_eq(stat(sa.sun_path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0666);
}

Test(datagram, the_sender_is_named)
{
	struct datagram d;
	char text[CAP];
	pid_t pid;

	cr_assert_eq(datagram_receive(fd, true, text, CAP, &d), -EAGAIN);
	pid = fork();
	if (pid == 0) {
		send_fds("hello", 5, 0);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	cr_assert_eq(datagram_receive(fd, true, text, CAP, &d), 0);
	cr_assert_eq(d.len, 5);
	cr_assert_eq(memcmp(text, "hello", 5), 0);
	cr_assert_eq(d.pid, pid);
	cr_assert_eq(d.uid, getuid());
	cr_assert_eq(d.n_fds, 0);
	datagram_deinit(&d);
}

Test(datagram, descriptors_come_and_go)
{
	int before = count_fds();
	struct datagram d;
	char text[CAP];

	send_fds("x", 1, 3);
	cr_assert_eq(datagram_receive(fd, true, text, CAP, &d), 0);
	cr_assert_eq(d.n_fds, 3);
	for (unsigned i = 0; i < 3; i++)
		cr_assert(fcntl(d.fds[i], F_GETFD) & FD_CLOEXEC);
	close_fd(TAKE_FD(d.fds[1]));
	datagram_deinit(&d);
	cr_assert_eq(count_fds(), before);
}

Test(datagram, what_is_too_long_leaves_nothing)
{
	int before = count_fds();
	char text[CAP], longer[CAP + 1] = "";
	struct datagram d;

	send_fds(longer, CAP + 1, 2);
	send_fds(longer, CAP, 0);
	cr_assert_eq(datagram_receive(fd, true, text, CAP, &d), -EBADMSG);
	cr_assert_eq(count_fds(), before);
	cr_assert_eq(datagram_receive(fd, true, text, CAP, &d), 0);
	cr_assert_eq(d.len, CAP);
	datagram_deinit(&d);
}

Test(datagram, a_path_is_replaced_or_refused)
{
	char path[200];
	int other = datagram_bind(sa.sun_path);

	cr_assert_geq(other, 0, "whatever an earlier one has left");
	close(other);
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	cr_assert_eq(datagram_bind(path), -ENAMETOOLONG);
	cr_assert_eq(datagram_bind("/nowhere/socket"), -ENOENT);
}

Test(datagram, descriptors_may_be_left_out)
{
	int before = count_fds();
	struct datagram d;
	char text[CAP];

	send_fds("x", 1, 4);
	cr_assert_eq(datagram_receive(fd, false, text, CAP, &d), 0);
	cr_assert_eq(d.pid, getpid());
	cr_assert_eq(d.n_fds, 0);
	cr_assert(d.stays);
	datagram_deinit(&d);
	cr_assert_eq(count_fds(), before);
	cr_assert_eq(datagram_receive(fd, true, text, CAP, &d), 0);
	cr_assert_eq(d.n_fds, 4, "it was still there");
	cr_assert(!d.stays);
	datagram_deinit(&d);
	send_fds("x", 1, 4);
	datagram_drop(fd);
	cr_assert_eq(datagram_receive(fd, false, text, CAP, &d), -EAGAIN);
	send_fds("x", 1, 0);
	cr_assert_eq(datagram_receive(fd, false, text, CAP, &d), 0);
	cr_assert(d.stays && !d.brings_fds);
	datagram_deinit(&d);
	cr_assert_eq(datagram_receive(fd, false, text, CAP, &d), 0, "it was only looked at");
	cr_assert_geq(d.pidfd, -1);
	datagram_drop(fd);
	datagram_deinit(&d);
	cr_assert_eq(datagram_receive(fd, false, text, CAP, &d), -EAGAIN);
	cr_assert_eq(count_fds(), before);
}

/* A file of an overlayfs, in a mount namespace of our own. < 0: this is not for us to make. */
static int open_on_overlay(void)
{
	char options[256], path[64];

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", dir, "tmpfs", 0, NULL) < 0)
		return -1;
	for (const char *name = "luwm"; *name; name++) {
		snprintf(path, sizeof(path), "%s/%c", dir, *name);
		if (mkdir(path, 0700) < 0)
			return -1;
	}
	snprintf(options, sizeof(options), "lowerdir=%s/l,upperdir=%s/u,workdir=%s/w", dir, dir, dir);
	if (mount("none", path, "overlay", 0, options) < 0)
		return -1;
	strcat(path, "/file");
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

Test(datagram, files_that_may_hold_us_up_are_told)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), file, before;

	dup2(null, STDIN_FILENO);
	before = count_fds();
	send_fds("x", 1, 3);
	cr_assert(datagram_fds_are_harmless(fd));
	cr_assert(datagram_fds_are_harmless(fd), "it is only looked at");
	cr_assert_eq(count_fds(), before);
	datagram_drop(fd);
	file = open_on_overlay();
	if (file < 0)
		cr_skip_test("SKIP: an overlayfs cannot be mounted: %s", strerror(errno));
	umount2(dir, MNT_DETACH); /* our socket is below it */
	dup2(file, STDIN_FILENO);
	send_fds("x", 1, 2);
	cr_assert_not(datagram_fds_are_harmless(fd));
}
