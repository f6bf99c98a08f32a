/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>

#include "core/script.h"
#include "util/buf.h"

TestSuite(script, .timeout = 10);

/* "kill|-9|$X ; echo": words with "|" between them, commands with what stands between them. */
static char *render(const struct script *s)
{
	static const char *const joints[] = { "", " ; ", " && ", " || ", " PIPE ", " & " };
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < s->n; i++) {
		for (size_t j = 0; s->v[i].argv[j]; j++)
			buf_printf(&b, "%s%s", j ? "|" : "", s->v[i].argv[j]);
		buf_puts(&b, joints[s->v[i].after]);
	}
	return buf_take(&b);
}

static const struct {
	const char *text, *commands;
	bool loops;
} scripts[] = {
	{ "", "", false },
	{ "kill -9 $X", "kill|-9|$X", false },
	{ "a 'b c' \"d  e\" f\\ g", "a|b c|d  e|f g", false },
	{ "a;b && c||d|e & f\ng", "a ; b && c || d PIPE e & f ; g", false },
	{ "daemon &", "daemon & ", false },
	{ "daemon & wait", "daemon & wait", false },
	{ "a;", "a", false },
	{ "kill $(cat /run/a; echo) `b c`", "kill|$(cat /run/a; echo)|`b c`", false },
	{ "kill \"$(pidof \"x y\")\"", "kill|$(pidof \"x y\")", false },
	{ "rm ${A:-b c}/d", "rm|${A:-b c}/d", false },
	{ "a >/dev/null 2>&1 <b; c &>d e", "a ; c|e", false },
	{ "a 2 >b", "a|2", false },
	{ "if a; then b; else c; fi", "a ; b ; c", false },
	{ "while a; do b; done", "a ; b", true },
	{ "for i in 1 2; do a $i; done", "for|i|in|1|2 ; a|$i", true },
	{ "( a; { b; } )", "a ; b", false },
	{ "a # b; c\nd", "a ; d", false },
	{ "a#b", "a#b", false },
	{ "a 'open", "a|open", false },
	{ "a $(open", "a|$(open", false },
	{ "a \\", "a|\\", false },
	{ "echo while", "echo|while", false },
};

Test(script, commands)
{
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		cleanup_script struct script s = SCRIPT_INIT;
		cleanup_free char *got = NULL;

		cr_assert_eq(script_read(&s, scripts[i].text), 0);
		got = render(&s);
		cr_assert_str_eq(got, scripts[i].commands, "%s → %s", scripts[i].text, got);
		cr_assert_eq(s.loops, scripts[i].loops, "%s", scripts[i].text);
	}
}

Test(script, program)
{
	static const char *const cases[][2] = {
		{ "kill 1", "kill" },
		{ "A=1 B=2 kill 1", "kill" },
		{ "/usr/bin/sudo kill 1", "kill" },
		{ "exec env A=1 daemon", "daemon" },
		{ "A=1", NULL },
		{ "a=b=c", NULL },
		{ "1=2", "1=2" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_script struct script s = SCRIPT_INIT;

		cr_assert_eq(script_read(&s, cases[i][0]), 0);
		cr_assert(streq_null(*script_program(&s.v[0]), cases[i][1]), "%s", cases[i][0]);
	}
}

Test(script, assigns)
{
	cleanup_script struct script s = SCRIPT_INIT;

	cr_assert_eq(script_read(&s, "A=1; for B in 1; do read -r C; done; echo D=1"), 0);
	cr_assert(script_assigns(&s, "A", 1));
	cr_assert(script_assigns(&s, "B", 1));
	cr_assert(script_assigns(&s, "C", 1));
	cr_assert_not(script_assigns(&s, "D", 1));
	cr_assert_not(script_assigns(&s, "AB", 2));
}

static char *of(const char *path, char **argv, bool no_env_expand, bool *shell)
{
	cleanup_script struct script s = SCRIPT_INIT;
	const struct exec_command c = { .path = (char[]){ 0 },
					.argv = argv,
					.no_env_expand = no_env_expand };
	struct exec_command with_path = c;

	with_path.path = strdupa(path);
	cr_assert_eq(script_of(&s, &with_path), 0);
	*shell = s.shell;
	return render(&s);
}

Test(script, of_a_command)
{
	char *direct[] = { (char[]){ "other" }, (char[]){ "a; b" }, NULL };
	char *shell[] = { (char[]){ "sh" }, (char[]){ "-ec" }, (char[]){ "a $$b; c" }, NULL };
	char *file[] = { (char[]){ "sh" }, (char[]){ "/usr/bin/x" }, (char[]){ "-c" }, NULL };
	bool is_shell;
	cleanup_free char *one = of("/bin/kill", direct, false, &is_shell), *two, *three, *four;

	cr_assert_str_eq(one, "/bin/kill|a; b");
	cr_assert_not(is_shell);
	two = of("/bin/sh", shell, false, &is_shell);
	cr_assert_str_eq(two, "a|$b ; c");
	cr_assert(is_shell);
	three = of("/bin/sh", shell, true, &is_shell);
	cr_assert_str_eq(three, "a|$$b ; c");
	four = of("/bin/sh", file, false, &is_shell);
	cr_assert_str_eq(four, "/bin/sh|/usr/bin/x|-c");
	cr_assert_not(is_shell);
	free(TAKE_PTR(two));
	free(TAKE_PTR(three));
	free(TAKE_PTR(four));
}
