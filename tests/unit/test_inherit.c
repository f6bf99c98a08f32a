/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/inherit.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>

#define VARIABLE "CGKILL_FDS"

TestSuite(inherit, .timeout = 10);

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static bool is_cloexec(int fd)
{
	return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

/* A descriptor that would survive execve, and one that would not. */
static int open_one(int flags)
{
	int fd = open("/dev/null", O_RDONLY | flags);

	cr_assert_gt(fd, 2);
	return fd;
}

static void set_variable(const char *fmt, int a, int b)
{
	char text[128];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), fmt, a, b);
#pragma GCC diagnostic pop
	setenv(VARIABLE, text, 1);
}

Test(inherit, takes_by_name_once)
{
	int a = open_one(0), b = open_one(0);

	set_variable("listen:%d,root-lock:%d", a, b);
	cr_assert(inherit_read());
	cr_assert_null(getenv(VARIABLE));
	cr_assert(is_cloexec(a));
	cr_assert_eq(inherit_take("root-lock"), b);
	cr_assert_eq(inherit_take("root-lock"), -1);
	cr_assert_eq(inherit_take("other"), -1);
	cr_assert_eq(inherit_take(""), -1);
	inherit_close_rest();
	cr_assert_not(is_open(a));
	cr_assert(is_open(b));
	cr_assert_eq(inherit_take("listen"), -1);
}

Test(inherit, nothing_is_nothing)
{
	unsetenv(VARIABLE);
	cr_assert_not(inherit_read());
	cr_assert_eq(inherit_take("listen"), -1);
	inherit_close_rest();
}

/* What is wrong anywhere is not believed anywhere, and nobody's descriptor is closed for it. */
Test(inherit, refuses_what_is_wrong)
{
	static const char *const wrong[] = {
		"",
		"listen",
		"listen:",
		":%d",
		"listen:%d,",
		"listen:%d,root-lock",
		"listen:%d,listen:%d",
		"listen:+%d,",
		"listen:%dx",
		"listen: %d",
		"Listen:%d",
		"li_sten:%d",
		"listen:%d:%d",
		"listen:%d,root:1",
		"listen:%d,root:-1",
		"listen:%d,root:99999",
		"listen:%d,root:99999999999999999999",
		"listen:%d;root:%d",
		"abcdefghijklmnopqrstuvwxyz-abcdef:%d",
	};
	int a = open_one(0), b = open_one(0);

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		set_variable(wrong[i], a, b);
		cr_assert(inherit_read(), "%s", wrong[i]);
		cr_assert_null(getenv(VARIABLE), "%s", wrong[i]);
		cr_assert_eq(inherit_take("listen"), -1, "%s", wrong[i]);
		inherit_close_rest();
		cr_assert(is_open(a) && is_open(b), "%s", wrong[i]);
	}
	set_variable("listen:%d,root:%d", a, a);
	inherit_read();
	cr_assert_eq(inherit_take("listen"), -1, "one descriptor by two names");
}

Test(inherit, passes_and_takes_back)
{
	int a = open_one(O_CLOEXEC), b = open_one(O_CLOEXEC);
	char wanted[64];

	unsetenv(VARIABLE);
	cr_assert_eq(inherit_write(), 0);
	cr_assert_null(getenv(VARIABLE), "nothing was passed");
	cr_assert_eq(inherit_pass("listen", a), 0);
	cr_assert_eq(inherit_pass("listen", b), -EEXIST);
	cr_assert_eq(inherit_pass("no_name", b), -EINVAL);
	cr_assert_eq(inherit_pass("gone", 9999), -EBADF);
	cr_assert_eq(inherit_pass("root-lock", b), 0);
	cr_assert_not(is_cloexec(a) || is_cloexec(b));
	cr_assert_eq(inherit_write(), 0);
	snprintf(wanted, sizeof(wanted), "listen:%d,root-lock:%d", a, b);
	cr_assert_str_eq(getenv(VARIABLE), wanted);

	inherit_take_back();
	cr_assert(is_cloexec(a) && is_cloexec(b));
	cr_assert_null(getenv(VARIABLE));
	cr_assert_eq(inherit_pass("listen", a), 0, "the names are free again");
}

Test(inherit, has_an_end)
{
	char name[4] = "aaa";
	int fd;

	for (int i = 0; i < INHERIT_MAX; i++) {
		name[0] = (char)('a' + i / (26 * 26));
		name[1] = (char)('a' + i / 26 % 26);
		name[2] = (char)('a' + i % 26);
		cr_assert_eq(inherit_pass(name, open_one(O_CLOEXEC)), 0);
	}
	fd = open_one(O_CLOEXEC);
	cr_assert_eq(inherit_pass("more", fd), -ENOSPC);
	cr_assert(is_cloexec(fd));
	cr_assert_eq(inherit_write(), 0);
	cr_assert(inherit_read(), "what one writes the other reads");
	cr_assert_gt(inherit_take(name), 2);
}

Test(inherit, find_by_prefix)
{
	int a = open_one(0), b = open_one(0);

	set_variable("fd-x:%d,fds-y:%d", a, b);
	cr_assert(inherit_read());
	cr_assert_str_eq(inherit_find("fd-"), "fd-x");
	cr_assert_str_eq(inherit_find("fds-"), "fds-y");
	cr_assert_null(inherit_find("listen"));
	close(inherit_take("fd-x"));
	cr_assert_null(inherit_find("fd-"), "what was taken is not there any more");
	inherit_close_rest();
	cr_assert(!is_open(b));
}

Test(inherit, hashes_are_names)
{
	char one[INHERIT_HASH_SIZE], two[INHERIT_HASH_SIZE];

	cr_assert_eq(strspn(inherit_hash("a.service", one), "abcdefghijklmnop"), INHERIT_HASH_SIZE - 1);
	cr_assert_str_neq(one, inherit_hash("b.service", two));
	cr_assert_str_eq(one, inherit_hash("a.service", two));
}
