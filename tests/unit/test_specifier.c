/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/specifier.h"

#include <criterion/criterion.h>
#include <errno.h>

TestSuite(specifier, .timeout = 10);

static const struct host_facts host = {
	.machine_id = "m1",
	.boot_id = "b1",
	.host_name = "host.example",
	.short_host = "host",
	.kernel = "6.1",
	.arch = "x86-64",
	.runtime_dir = "/run",
	.state_dir = "/var/lib",
	.cache_dir = "/var/cache",
	.logs_dir = "/var/log",
	.config_dir = "/etc",
	.tmp_dir = "/tmp",
	.var_tmp_dir = "/var/tmp",
	.user = "root",
	.group = "wheel",
	.home = "/root",
	.shell = "/bin/sh",
	.uid = 0,
	.gid = 10,
};

Test(specifier, expand)
{
	static const struct {
		const char *unit, *text;
		const char *expected; /* NULL: -EINVAL */
	} cases[] = {
		{ "a.service", "", "" },
		{ "a.service", "plain", "plain" },
		{ "a.b.service", "%n %N %p", "a.b.service a.b a.b" },
		{ "foo-bar.service", "%i|%I|%j|%J|%P", "||bar|bar|foo/bar" },
		{ "a-b@c-d.service", "%n %N %p %P", "a-b@c-d.service a-b@c-d a-b a/b" },
		{ "a-b@c-d.service", "%i %I %j %J", "c-d c/d b b" },
		{ "a-b@c@d.service", "%p %i", "a-b c@d" },
		{ "a@1.2.service", "%i", "1.2" },
		{ "t@a\\x2db-c\\x20d.service", "%i %I", "a\\x2db-c\\x20d a-b/c d" },
		{ "t@a\\x2.service", "%I", NULL },
		{ "a-b-c.service", "%j", "c" },
		{ "t@a\\n.service", "%I", NULL },
		{ "t@a\\xZZ.service", "%I", NULL },
		{ "t@a\\x00.service", "%I", NULL },
		{ "a-\\x2d.service", "%j %J", "\\x2d -" },
		{ "t@foo-bar.service", "%f", "/foo/bar" },
		{ "foo-bar.service", "%f", "/foo/bar" },
		{ "t@-.service", "%f", "/" },
		{ "t@-foo.service", "%f", NULL },
		{ "t@foo-.service", "%f", NULL },
		{ "a.service", "%m %b %H %q %l", "m1 b1 host.example host.example host" },
		{ "a.service", "%v %a %t", "6.1 x86-64 /run" },
		{ "a.service", "%S %C %L %E", "/var/lib /var/cache /var/log /etc" },
		{ "a.service", "%T %V", "/tmp /var/tmp" },
		{ "a.service", "%u %g %U %G %h %s", "root wheel 0 10 /root /bin/sh" },
		{ "a.service", "%%", "%" },
		{ "a.service", "%%n %%%p", "%n %a" },
		{ "a.service", "100% %- %", "100% %- %" },
		{ "a.service", "%p%p", "aa" },
		{ "a.service", "%z", NULL },
		{ "a.service", "%1", NULL },
		{ "a.service", "%y", NULL },
		{ "a.service", "x%", "x%" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *out = NULL;
		int r = specifier_expand(cases[i].text, cases[i].unit, &host, &out);

		cr_assert_eq(r, cases[i].expected ? 0 : -EINVAL, "%s in %s gave %d", cases[i].text,
			     cases[i].unit, r);
		if (r < 0)
			cr_assert_null(out, "written though it failed");
		else
			cr_assert_str_eq(out, cases[i].expected, "%s in %s gave %s", cases[i].text,
					 cases[i].unit, out);
	}
}
