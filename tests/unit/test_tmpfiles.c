/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/tmpfiles.h"

#include <criterion/criterion.h>
#include <errno.h>

TestSuite(tmpfiles, .timeout = 10);

static const struct {
	const char *line;
	const char *path; /* NULL: none */
} lines[] = {
	{ "d /run/mysqld 0755 mysql root -\n", "/run/mysqld" },
	{ "    d\t/run/php   0755 www-data www-data -   -\n", "/run/php" },
	{ "D!\t/run/rpcbind\t0755", "/run/rpcbind" },
	{ "L+ /run/x - - - - /run/y", "/run/x" },
	{ "f+=/run/x", NULL },
	{ "C /run/dir", "/run/dir" },
	{ "d /run/user/%U 0700", NULL },
	{ "d", NULL },
	{ "d relative", NULL },
	{ "# d /run/x", NULL },
	{ "", NULL },
	{ "x /tmp/dir", NULL },
	{ "r! /run/x", NULL },
	{ "z /run/x 0755", NULL },
	{ "dx /run/x", NULL },
};

Test(tmpfiles, promises)
{
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		cleanup_free char *path = NULL;
		int r = tmpfiles_promise(lines[i].line, &path);

		cr_expect_eq(r, lines[i].path ? 0 : -ENOENT, "%s: %d", lines[i].line, r);
		if (lines[i].path)
			cr_expect_str_eq(path, lines[i].path);
	}
}

Test(tmpfiles, whose_they_are)
{
	cr_expect(tmpfiles_concerns("mariadb.conf", "mariadb.service"));
	cr_expect(tmpfiles_concerns("postgresql-common.conf", "postgresql@15-main.service"));
	cr_expect(tmpfiles_concerns("php8.2-fpm.conf", "php8.2-fpm.service"));
	cr_expect(tmpfiles_concerns("lighttpd.tmpfile.conf", "lighttpd.service"));
	cr_expect_not(tmpfiles_concerns("systemd.conf", "mariadb.service"));
	cr_expect_not(tmpfiles_concerns("sshd.conf", "ssh.service"));
	cr_expect_not(tmpfiles_concerns("mariadb", "mariadb.service"));
	cr_expect_not(tmpfiles_concerns(".conf", ".service"));
}
