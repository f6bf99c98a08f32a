/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/wait.h>

TestSuite(log, .timeout = 10);

/* Standard error as a pipe that nobody else reads. */
static int capture(void)
{
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	close(ends[1]);
	return ends[0];
}

/* What is in the pipe; there must be something. */
static char *take(int fd)
{
	static char text[1 << 17];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	cr_assert_gt(n, 0);
	text[n] = '\0';
	return text;
}

Test(log, formats)
{
	int fd = capture();
	char *line;
	int year, consumed = 0;

	log_setup("cgkilld", LOG_INFO_, LOG_FORMAT_PLAIN);
	log_info("hello %d", 3);
	cr_assert_str_eq(take(fd), "cgkilld: hello 3\n");
	log_setup("cgkilld", LOG_INFO_, LOG_FORMAT_PRIORITY);
	log_error("bad");
	cr_assert_str_eq(take(fd), "<3>bad\n");
	log_setup("cgkilld", LOG_INFO_, LOG_FORMAT_STAMP);
	log_info("now");
	line = take(fd);
	sscanf(line, "%d-%*2d-%*2dT%*2d:%*2d:%*2d.%*6dZ now\n%n", &year, &consumed);
	cr_assert_eq((size_t)consumed, strlen(line), "%s", line);
}

Test(log, levels)
{
	int fd = capture();

	log_setup("x", LOG_WARNING_, LOG_FORMAT_PLAIN);
	cr_assert(log_wants(LOG_WARNING_));
	cr_assert_not(log_wants(LOG_NOTICE_));
	log_debug("no");
	log_notice("no");
	log_warning("yes");
	cr_assert_str_eq(take(fd), "x: yes\n");
}

Test(log, one_entry_is_one_harmless_line)
{
	int fd = capture();
	char *line;

	log_setup("x", LOG_INFO_, LOG_FORMAT_PLAIN);
	log_info("a\nb\x1b[1m\x7f é");
	cr_assert_str_eq(take(fd), "x: a?b?[1m? é\n");
	log_info("%010000d", 0);
	line = take(fd);
	cr_assert_leq(strlen(line), PIPE_BUF);
	cr_assert_eq(line[strlen(line) - 1], '\n');
}

Test(log, a_full_pipe_does_not_block_and_losses_are_told)
{
	int fd = capture();

	log_setup("x", LOG_INFO_, LOG_FORMAT_PLAIN);
	errno = ENOTTY;
	for (int i = 0; i < 1000; i++)
		log_info("%04000d", 0);
	cr_assert_eq(errno, ENOTTY);
	take(fd);
	log_info("after");
	cr_assert_not_null(strstr(take(fd), " messages lost: nobody read the log\nx: after\n"));
	log_info("again");
	cr_assert_str_eq(take(fd), "x: again\n");
}

static char copied[64];

static void copy(enum log_level level, const char *text)
{
	snprintf(copied, sizeof(copied), "%d %s", (int)level, text);
}

Test(log, a_copy_gets_also_what_is_not_printed)
{
	int fd = capture();

	log_setup("x", LOG_WARNING_, LOG_FORMAT_PLAIN);
	log_copy_to(copy);
	cr_assert(log_wants(LOG_DEBUG_));
	log_debug("no %d", 1);
	cr_assert_str_eq(copied, "7 no 1");
	log_warning("yes");
	cr_assert_str_eq(copied, "4 yes");
	cr_assert_str_eq(take(fd), "x: yes\n");
	log_copy_to(NULL);
	cr_assert_not(log_wants(LOG_DEBUG_));
	log_debug("no %d", 2);
	cr_assert_str_eq(copied, "4 yes");
}

/* What is in the pipe now; "" = nothing. */
static const char *take_now(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1 ? take(fd) : "";
}

/* What a child does with the log of its parent, until its end. */
static void in_child(void (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		fn();
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
}

Test(log, held_entries_wait_and_keep_their_order)
{
	int fd = capture();

	log_setup("x", LOG_INFO_, LOG_FORMAT_PLAIN);
	log_hold(true);
	log_info("a");
	log_notice("b");
	cr_assert_str_eq(take_now(fd), "");
	errno = ENOTTY;
	log_flush();
	cr_assert_eq(errno, ENOTTY);
	cr_assert_str_eq(take_now(fd), "x: a\nx: b\n");
	log_flush();
	cr_assert_str_eq(take_now(fd), "");
	log_info("c");
	log_warning("d");
	cr_assert_str_eq(take_now(fd), "x: c\nx: d\n");
	log_info("e");
	log_hold(false);
	log_info("f");
	cr_assert_str_eq(take_now(fd), "x: e\nx: f\n");
}

Test(log, held_entries_have_the_time_at_which_they_were_made)
{
	int fd = capture(), consumed = 0;
	long first, second;
	char *text;

	log_setup("x", LOG_INFO_, LOG_FORMAT_STAMP);
	log_hold(true);
	log_info("a");
	usleep(2000);
	log_info("b");
	log_flush();
	text = take(fd);
	cr_assert_eq(sscanf(text, "%*d-%*d-%*dT%*d:%*d:%*d.%6ldZ a\n%*d-%*d-%*dT%*d:%*d:%*d.%6ldZ b\n%n",
			    &first, &second, &consumed),
		     2);
	cr_assert_eq((size_t)consumed, strlen(text), "%s", text);
	cr_assert_geq((second - first + 1000000) % 1000000, 2000);
}

Test(log, what_does_not_fit_with_the_held_is_written_after_them)
{
	int fd = capture();
	const char *text;

	log_setup("x", LOG_INFO_, LOG_FORMAT_PLAIN);
	log_hold(true);
	log_info("a%0*d", PIPE_BUF / 2, 0);
	log_info("b%0*d", PIPE_BUF / 2, 0);
	text = take_now(fd);
	cr_assert_eq(strncmp(text, "x: a", 4), 0);
	cr_assert_leq(strlen(text), PIPE_BUF);
	cr_assert_null(strstr(text, "x: b"));
	log_flush();
	cr_assert_eq(strncmp(take_now(fd), "x: b", 4), 0);
}

Test(log, held_entries_that_nobody_reads_are_counted)
{
	int fd = capture();

	log_setup("x", LOG_INFO_, LOG_FORMAT_PLAIN);
	for (int i = 0; i < 1000; i++)
		log_info("%04000d", 0);
	take(fd);
	for (int i = 0; i < 1000; i++)
		log_info("%04000d", 0);
	log_hold(true);
	log_info("lost 1");
	log_info("lost 2");
	log_flush();
	take(fd);
	log_info("found");
	log_flush();
	cr_assert_not_null(strstr(take(fd), " messages lost: nobody read the log\nx: found\n"));
}

static void flush_only(void)
{
	log_flush();
}

static void log_own(void)
{
	log_info("own");
	log_flush();
}

static void log_own_error(void)
{
	log_error("own");
}

Test(log, a_child_does_not_write_what_its_parent_holds)
{
	int fd = capture();

	log_setup("x", LOG_INFO_, LOG_FORMAT_PLAIN);
	log_hold(true);
	log_info("once");
	in_child(flush_only);
	cr_assert_str_eq(take_now(fd), "");
	in_child(log_own);
	cr_assert_str_eq(take_now(fd), "x: own\n");
	in_child(log_own_error);
	cr_assert_str_eq(take_now(fd), "x: own\n");
	log_flush();
	cr_assert_str_eq(take_now(fd), "x: once\n");
}

static void hold_and_exit(void)
{
	log_hold(true);
	log_info("last words");
	exit(0);
}

Test(log, held_entries_are_written_at_exit)
{
	int fd = capture();

	log_setup("x", LOG_INFO_, LOG_FORMAT_PLAIN);
	in_child(hold_and_exit);
	cr_assert_str_eq(take_now(fd), "x: last words\n");
}

Test(log, on_a_terminal_nothing_is_held)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		cr_skip_test("no pseudo-terminal here");
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	cr_assert_geq(slave, 0);
	cr_assert_eq(dup2(slave, STDERR_FILENO), STDERR_FILENO);
	log_setup("x", LOG_INFO_, LOG_FORMAT_PLAIN);
	log_hold(true);
	log_info("at once");
	cr_assert_str_eq(take_now(master), "x: at once\r\n");
}
