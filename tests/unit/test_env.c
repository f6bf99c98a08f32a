/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/env.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/mman.h>

#include "util/buf.h"
#include "util/strv.h"

TestSuite(env, .timeout = 30);

static void check_env(char *const *env, const char *expected, const char *about)
{
	cleanup_buf struct buf b = BUF_INIT;

	for (size_t i = 0; env && env[i]; i++)
		buf_printf(&b, "<%s>", env[i]);
	cr_assert_str_eq(b.data ? b.data : "", expected, "%s\n gave %s\n  not %s", about,
			 b.data ? b.data : "", expected);
}

Test(env, names)
{
	static const char *const good[] = { "A", "_", "a1_B", "PATH" };
	static const char *const bad[] = { "", "1", "1A", "A-B", "A B", "A=", "é", "A." };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		cr_assert(env_name_valid(good[i], strlen(good[i])), "%s", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		cr_assert_not(env_name_valid(bad[i], strlen(bad[i])), "%s", bad[i]);
	cr_assert(env_name_valid("A-B", 1));
}

Test(env, assignments)
{
	static const char *const good[] = {
		"A=", "A=b=c", "A=\t\n\x1b", "A=é€😀", "A=\xf4\x8f\xbf\xbf", "A=\xed\x9f\xbf",
	};
	static const char *const bad[] = {
		"",
		"A",
		"=x",
		"1=x",
		"A =x",
		"A=\x80",
		"A=\xc3",
		"A=\xc3x",
		"A=\xc0\x80",
		"A=\xe0\x80\x80",
		"A=\xed\xa0\x80",
		"A=\xf4\x90\x80\x80",
		"A=\xf8\x88",
		"A=\xff",
		"A=\xe2\x82",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		cr_assert(env_assignment_valid(good[i]), "case %zu", i);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		cr_assert_not(env_assignment_valid(bad[i]), "case %zu", i);
}

Test(env, get)
{
	char *env[] = { (char[]){ "A=1" }, (char[]){ "AB=2" }, (char[]){ "A=3" }, (char[]){ "E=" },
			NULL };

	cr_assert_str_eq(env_get(env, "A"), "3", "the last one counts");
	cr_assert_str_eq(env_get(env, "AB"), "2");
	cr_assert_str_eq(env_get(env, "E"), "");
	cr_assert_str_eq(env_get_n(env, "ABx", 2), "2");
	cr_assert_null(env_get(env, "B"));
	cr_assert_null(env_get(env, ""));
	cr_assert_null(env_get(NULL, "A"));
}

Test(env, set_and_unset)
{
	cleanup_strv char **env = NULL;

	env_unset(env, "A");
	cr_assert_eq(env_set(&env, "A"), -EINVAL);
	cr_assert_eq(env_set(&env, "A=1"), 0);
	cr_assert_eq(env_set(&env, "AB=2"), 0);
	cr_assert_eq(env_set(&env, "A=3"), 0);
	check_env(env, "<A=3><AB=2>", "replaced in its place");
	cr_assert_eq(strv_push(&env, "A=4"), 0);
	cr_assert_eq(strv_push(&env, "C=5"), 0);
	cr_assert_eq(env_set(&env, "A=6"), 0);
	check_env(env, "<A=6><AB=2><C=5>", "one of a name is left");
	env_unset(env, "AB=3");
	check_env(env, "<A=6><AB=2><C=5>", "another value");
	env_unset(env, "AB=2");
	check_env(env, "<A=6><C=5>", "this value");
	env_unset(env, "A");
	check_env(env, "<C=5>", "whatever value");
	env_unset(env, "C");
	check_env(env, "", "the last one");
}

/* As systemd.exec(5), "EnvironmentFile=", and systemd's parser have it. */
static const struct {
	const char *text;
	const char *expected;
	unsigned diag_line; /* of the only diagnostic; 0: none */
} files[] = {
	{ "", "", 0 },
	{ "A=1", "<A=1>", 0 },
	{ "A=1\nB=2\n", "<A=1><B=2>", 0 },
	{ "A=1\r\nB=2\r\n", "<A=1><B=2>", 0 },
	{ "A=1\nA=2\n", "<A=2>", 0 },
	{ "# c\n; d\n \t# e\n\n  A=1\n", "<A=1>", 0 },
	{ "# c \\\nA=1\n", "<A=1>", 0 },
	{ "  A \t=  1 2  \t\nB=\n", "<A=1 2><B=>", 0 },
	{ "A=1 # no comment\n", "<A=1 # no comment>", 0 },
	{ "A='1 # \"x\" \\ y'\n", "<A=1 # \"x\" \\ y>", 0 },
	{ "A=\"a \\\" \\\\ \\` \\$ \\n 'q'\"\n", "<A=a \" \\ ` $ \\n 'q'>", 0 },
	{ "A='l1\nl2'\nB=2\n", "<A=l1\nl2><B=2>", 0 },
	{ "A=\"l1\\\nl2\nl3\"\n", "<A=l1l2\nl3>", 0 },
	{ "A=a \\\n  b\nB=2", "<A=a   b><B=2>", 0 },
	{ "A=\\\n b\n", "<A= b>", 0 },
	{ "A=a\\ \\\\ \\x\\  \n", "<A=a \\ x >", 0 },
	{ "A=it's \"fine\"\n", "<A=it's \"fine\">", 0 },
	{ "A='a' \"b\" c 'd'\n", "<A=abc 'd'>", 0 },
	{ "A=${B} $C %i\n", "<A=${B} $C %i>", 0 },
	{ "A=b=c\n", "<A=b=c>", 0 },
	{ "A='open\nB=2\n", "<A=open\nB=2\n>", 0 },
	{ "A=\"open\\", "<A=open>", 0 },
	{ "A=x\\", "<A=x>", 0 },
	{ "A=1\nnothing\nB=2\n", "<A=1><B=2>", 2 },
	{ "A=1\n\n\nexport B=2\nC=3\n", "<A=1><C=3>", 4 },
	{ "A='1\n\n'\n1B=2\nC=3\n", "<A=1\n\n><C=3>", 4 },
	{ "A=1\\\n2\n=x\n", "<A=12>", 3 },
	{ "A=\xff\nB=2\n", "<B=2>", 1 },
	{ "last", "", 1 },
};

Test(env, file)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		cleanup_diags struct diags diags = DIAGS_INIT;
		cleanup_strv char **env = NULL;
		const char *text = files[i].text;

		cr_assert_eq(env_file_parse(&env, text, strlen(text), "f", &diags), 0);
		check_env(env, files[i].expected, text);
		cr_assert_eq(diags.errors, 0);
		cr_assert_eq(diags.n, files[i].diag_line ? 1 : 0, "%s: %zu diagnostics", text, diags.n);
		if (diags.n > 0)
			cr_assert_eq(diags.v[0].line, files[i].diag_line, "%s: line %u", text,
				     diags.v[0].line);
	}
}

Test(env, file_with_nul_bytes)
{
	static const char text[] = "A\0=1\nB=2\0\nC='\0'\nD=4\n\0";
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_strv char **env = NULL;

	cr_assert_eq(env_file_parse(&env, text, sizeof(text) - 1, "f", &diags), 0);
	check_env(env, "<D=4>", "NUL");
	cr_assert_eq(diags.n, 4);
}

Test(env, file_adds_to_what_is_there)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_strv char **env = NULL;

	cr_assert_eq(env_set(&env, "A=1"), 0);
	cr_assert_eq(env_set(&env, "B=2"), 0);
	cr_assert_eq(env_file_parse(&env, "A=3\nC=4", 7, "f", &diags), 0);
	check_env(env, "<A=3><B=2><C=4>", "merged");
}

/* Any bytes: nothing behind the end is read, and only valid assignments, each name once, come out. */
Test(env, random_files)
{
	static const char special[] = "A=\\\\\"'\n\n\r \t#;B$`";
	size_t page = (size_t)sysconf(_SC_PAGESIZE), good = 0;
	char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t state = 1;

	cr_assert_neq(map, MAP_FAILED);
	cr_assert_eq(mprotect(map + page, page, PROT_NONE), 0);
	for (int round = 0; round < 100000; round++) {
		cleanup_diags struct diags diags = DIAGS_INIT;
		cleanup_strv char **env = NULL;
		size_t len = (state >> 33) % 32;
		char *text = map + page - len;

		for (size_t i = 0; i < len; i++) {
			state = state * 6364136223846793005 + 1442695040888963407;
			text[i] = state >> 60 ? special[(state >> 33) % (sizeof(special) - 1)]
					      : (char)(state >> 40);
		}
		state = state * 6364136223846793005 + 1442695040888963407;
		cr_assert_eq(env_file_parse(&env, text, len, "f", &diags), 0);
		for (size_t i = 0; env && env[i]; i++, good++) {
			cr_assert(env_assignment_valid(env[i]));
			cr_assert_eq(env_get_n(env, env[i], strcspn(env[i], "=")),
				     strchr(env[i], '=') + 1);
		}
	}
	cr_assert_gt(good, 1000);
}
