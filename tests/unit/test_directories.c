/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/directories.h"

#include <criterion/criterion.h>

#include "util/buf.h"

TestSuite(directories, .timeout = 30);

static const struct host_facts host = { .runtime_dir = "/run",
					.state_dir = "/var/lib",
					.host_name = "here" };

struct asked {
	const char *key;
	struct buf value;
};

static void note(const char *key, const char *value, void *arg)
{
	struct asked *a = arg;

	if (streq(key, a->key))
		buf_puts(&a->value, value);
}

/* What is shown as key of these lines, and what is said first of them; NULL = nothing is. */
static void check(const char *lines, const char *key, const char *expected, const char *said)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_unit struct unit *u = NULL;
	cleanup_free char *text = NULL, *shown = NULL;
	struct asked asked = { key, BUF_INIT };

	cr_assert_geq(asprintf(&text, "[Service]\nExecStart=/bin/true\n%s\n", lines), 0);
	cr_assert_eq(unit_load(&u, "a@b.service",
			       &(struct unit_text){
				       .path = "a@.service", .data = text, .len = strlen(text) },
			       1, &host, &diags),
		     0);
	unit_show(u, note, &asked);
	shown = buf_take(&asked.value);
	cr_expect_str_eq(shown, expected, "%s\n gave %s\n  not %s", lines, shown, expected);
	if (!said)
		cr_expect_eq(diags.n, 0, "%s: %s", lines, diags.n ? diags.v[0].text : "");
	else
		cr_expect(diags.n == 1 && strstr(diags.v[0].text, said), "%s: %s", lines,
			  diags.n ? diags.v[0].text : "nothing is said");
}

Test(directories, names)
{
	static const char key[] = "RuntimeDirectory";

	check("", key, "", NULL);
	check("RuntimeDirectory=b a", key, "a b", NULL);
	check("RuntimeDirectory=a/b a-b a a.b a/a", key, "a a/a a/b a-b a.b", NULL);
	check("RuntimeDirectory=a\nRuntimeDirectory=b a", key, "a b", NULL);
	check("RuntimeDirectory=a\nRuntimeDirectory=", key, "", NULL);
	check("RuntimeDirectory=%p-%i %N", key, "a-b a@b", NULL);
	check("RuntimeDirectory=./x//y/", key, "x/y", NULL);
	check("RuntimeDirectory=\"with space\"", key, "with space", NULL);
	check("RuntimeDirectory=/abs ok", key, "ok",
	      "RuntimeDirectory= path is absolute, ignoring: /abs");
	check("RuntimeDirectory=%t/x ok", key, "ok", "path is absolute, ignoring: /run/x");
	check("RuntimeDirectory=a/../b ok", key, "ok",
	      "RuntimeDirectory= path is not normalized, ignoring: a/../b");
	check("RuntimeDirectory=.. ok", key, "ok", "path is not normalized");
	check("RuntimeDirectory=. ok", key, "ok", "path is not normalized");
	check("RuntimeDirectory=\"\" ok", key, "ok", "path is not normalized");
	check("RuntimeDirectory=%Z ok", key, "ok", "Failed to resolve unit specifiers in \"%Z\"");
	check("RuntimeDirectory=private/x privateer", key, "privateer",
	      "RuntimeDirectory= path can't be 'private', ignoring assignment: private/x");
	check("RuntimeDirectory=a \"b", key, "", "Invalid syntax in RuntimeDirectory=");
}

Test(directories, links)
{
	static const char key[] = "StateDirectorySymlink";

	check("StateDirectory=a", key, "", NULL);
	check("StateDirectory=a:b a:c/d a:b b:e", key, "a:b a:c/d b:e", NULL);
	check("StateDirectory=a:/b", key, "", "path is absolute");
	check("StateDirectory=a:../b", key, "", "path is not normalized");
	check("StateDirectory=a:", key, "", NULL);
	check("StateDirectory=a:b:ro", key, "a:b", "with :ro is known but not supported");
	check("StateDirectory=a::ro", "StateDirectory", "a", "with :ro is known but not supported");
	check("StateDirectory=a:b:rw", "StateDirectory", "", "Invalid syntax in StateDirectory=");
	check("ConfigurationDirectory=a:b c", "ConfigurationDirectory", "c",
	      "Destination parameter is not supported for ConfigurationDirectory");
}

Test(directories, modes)
{
	check("", "StateDirectoryMode", "0755", NULL);
	check("StateDirectoryMode=2750", "StateDirectoryMode", "2750", NULL);
	check("StateDirectoryMode=2750", "CacheDirectoryMode", "0755", NULL);
	check("StateDirectoryMode=9", "StateDirectoryMode", "0755", "Failed to parse");
	check("", "RuntimeDirectoryPreserve", "no", NULL);
	check("RuntimeDirectoryPreserve=restart", "RuntimeDirectoryPreserve", "restart", NULL);
	check("RuntimeDirectoryPreserve=on", "RuntimeDirectoryPreserve", "yes", NULL);
	check("RuntimeDirectoryPreserve=x", "RuntimeDirectoryPreserve", "no", "Failed to parse");
}

Test(directories, kinds)
{
	cr_expect_str_eq(directory_kind_variable(DIRECTORY_CONFIGURATION),
			 "CONFIGURATION_DIRECTORY");
	cr_expect_str_eq(directory_kind_base(DIRECTORY_STATE, &host), "/var/lib");
	cr_expect_null(directory_kind_base(DIRECTORY_CACHE, &host));
}
