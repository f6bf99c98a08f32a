/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/credentials.h"

#include <criterion/criterion.h>

TestSuite(credentials, .timeout = 10);

static const struct host_facts host = { .runtime_dir = "/run" };

static struct unit *load(const char *lines, struct diags *diags)
{
	struct unit *u = NULL;
	char text[1024];
	struct unit_text one = { "test", text, 0 };

	snprintf(text, sizeof(text), "[Service]\nExecStart=/bin/true\n%s\n", lines);
	one.len = strlen(text);
	cr_assert_eq(unit_load(&u, "a@b.service", &one, 1, &host, diags), 0);
	return u;
}

static void append(const char *key, const char *value, void *arg)
{
	buf_printf(arg, "%s=%s ", key, value);
}

/* What is shown, and whether anything was said. */
static void check(const char *lines, const char *expected, size_t told)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_unit struct unit *u = load(lines, &diags);
	cleanup_buf struct buf shown = BUF_INIT;

	credentials_show(u->credentials, &(struct showing){ append, &shown, BUF_INIT });
	cr_expect_str_eq(shown.data, expected, "%s gives %s", lines, shown.data);
	cr_expect_eq(diags.n, told, "%s: %zu told", lines, diags.n);
}

Test(credentials, lists)
{
	check("", "LoadCredential= SetCredential= ", 0);
	check("LoadCredential=a:/x//y/", "LoadCredential=a:/x/y SetCredential= ", 0);
	check("LoadCredential=a\nLoadCredential=b:", "LoadCredential=a:a b:b SetCredential= ", 0);
	check("LoadCredential=%i:/etc/%p", "LoadCredential=b:/etc/a SetCredential= ", 0);
	check("LoadCredential=a:/x\nLoadCredential=a:/y", "LoadCredential=a:/y SetCredential= ", 0);
	check("LoadCredential=a:/x\nSetCredential=a:v", "LoadCredential=a:/x SetCredential=a ", 0);
	check("LoadCredential=a:/x\nSetCredential=b:v\nLoadCredential=",
	      "LoadCredential= SetCredential=b ", 0);
	check("LoadCredential=a:/x\nSetCredential=b:v\nSetCredential=",
	      "LoadCredential=a:/x SetCredential= ", 0);
	check("LoadCredentialEncrypted=a:/x", "LoadCredential=a:/x SetCredential= ", 1);
}

Test(credentials, what_is_wrong_is_told_and_ignored)
{
	static const char *const lines[] = { "LoadCredential=a/b:/x",  "LoadCredential=:/x",
					     "LoadCredential=..:/x",   "LoadCredential=a:x/y",
					     "LoadCredential=a:/../x", "LoadCredential=ä:/x",
					     "LoadCredential=%z:/x",   "SetCredential=a",
					     "SetCredential=a:\\q",    "SetCredential=:v" };

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		check(lines[i], "LoadCredential= SetCredential= ", 1);
}

Test(credentials, values)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_unit struct unit *u =
		load("SetCredential=a: x\\t\\x41%i # y:z\nSetCredential=b:\nEnvironment=D=%d", &diags);

	cr_assert_eq(diags.n, 0);
	cr_assert_eq(u->credentials->n, 2);
	cr_expect_str_eq(u->credentials->v[0].data.data, " x\tA%i # y:z");
	cr_expect_eq(u->credentials->v[1].data.len, 0);
	cr_expect(credentials_set(u->credentials, "b"));
	cr_expect_not(credentials_set(u->credentials, "c"));
	cr_expect_str_eq(u->environment[0], "D=/run/credentials/a@b.service");
}
