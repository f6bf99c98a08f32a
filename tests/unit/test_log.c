/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>

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
