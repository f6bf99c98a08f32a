/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/unitfile.h"

TestSuite(unitfile, .timeout = 10);

/*
 * "LINE[NAME]" for a section and "LINE:KEY=VALUE|" for an assignment, in a row; then " E" for
 * -EBADMSG.
 */
static char *lex(const char *data, size_t len, struct diags *diags)
{
	cleanup_unitfile struct unitfile f;
	cleanup_buf struct buf b = BUF_INIT;
	struct unitfile_item item;
	int r;

	unitfile_init(&f, "file", data, len);
	while ((r = unitfile_next(&f, &item, diags)) > 0) {
		if (item.kind == UNITFILE_SECTION)
			buf_printf(&b, "%u[%s]", item.line, item.name);
		else
			buf_printf(&b, "%u:%s=%s|", item.line, item.name, item.value);
	}
	if (r < 0) {
		cr_assert_eq(r, -EBADMSG);
		buf_puts(&b, " E");
	}
	return buf_take(&b);
}

struct lexer_case {
	const char *text, *items;
	size_t warnings, errors;
};

Test(unitfile, syntax)
{
	static const struct lexer_case cases[] = {
		{ "", "", 0, 0 },
		{ "\n\n  \n", "", 0, 0 },
		{ "[A]\nk=v\n", "1[A]2:k=v|", 0, 0 },
		{ "[A]\nk=v", "1[A]2:k=v|", 0, 0 },
		{ "\n [A] \n\t k \t=\t v w \t\n", "2[A]3:k=v w|", 0, 0 },
		{ "k=a=b\n", "1:k=a=b|", 0, 0 },
		{ "k=\n", "1:k=|", 0, 0 },
		{ "# c\n ; c\nk=v # data\n", "3:k=v # data|", 0, 0 },
		{ "k=a\\\nb\nl=c\n", "1:k=a b|3:l=c|", 0, 0 },
		{ "k=a \\\n# gone\n; gone too \\\n b\nl=c\n", "1:k=a   b|5:l=c|", 0, 0 },
		{ "k=a\\\n\nl=b\n", "1:k=a|3:l=b|", 0, 0 },
		{ "k=a\\\\\nl=b\n", "1:k=a\\\\|2:l=b|", 0, 0 },
		{ "k=a\\\\\\\nb\n", "1:k=a\\\\ b|", 0, 0 },
		{ "k=a\\", "1:k=a|", 0, 0 },
		{ "k=a\\\n", "1:k=a|", 0, 0 },
		{ "[A\\\n]\n", "1[A ]", 0, 0 },
		{ "[A]\r\nk=v\r\n\r\nl=w\r\n", "1[A]2:k=v|4:l=w|", 0, 0 },
		{ "k=a\\\r\nb\r\n", "1:k=a b|", 0, 0 },
		{ "k=a\rl=b\r", "1:k=a|2:l=b|", 0, 0 },
		{ "\xef\xbb\xbf[A]\n", "1[A]", 0, 0 },
		{ "[A]\nnonsense\n=v\nk=v\n", "1[A]4:k=v|", 2, 0 },
		{ "[A]\nk=v\n[B\nl=w\n", "1[A]2:k=v| E", 0, 1 },
		{ "[", " E", 0, 1 },
		{ "[]\n", "1[]", 0, 0 },
		{ "k=\xc3\xa4\n", "1:k=\xc3\xa4|", 0, 0 },
		{ "k=\xe4\n", " E", 0, 1 },
		{ "k=\xed\xa0\x80\n", " E", 0, 1 }, /* a surrogate */
		{ "k=\xc0\xaf\n", " E", 0, 1 },	    /* an overlong '/' */
		{ "k=\xf0\x9f\x98", " E", 0, 1 },   /* cut off */
		{ "# \xe4 in a comment\nk=v\n", "2:k=v|", 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_diags struct diags diags = DIAGS_INIT;
		cleanup_free char *items = lex(cases[i].text, strlen(cases[i].text), &diags);

		cr_assert_str_eq(items, cases[i].items, "case %zu: '%s'", i, items);
		cr_assert_eq(diags.errors, cases[i].errors, "case %zu", i);
		cr_assert_eq(diags.n - diags.errors, cases[i].warnings, "case %zu", i);
	}
}

Test(unitfile, nul_byte_is_told_with_its_line)
{
	static const char text[] = "[A]\nk=v\nl=a\0b\nm=c\n";
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_free char *items = lex(text, sizeof(text) - 1, &diags);

	cr_assert_str_eq(items, "1[A]2:k=v| E");
	cr_assert_eq(diags.errors, 1);
	cr_assert_eq(diags.v[0].line, 3);
}

Test(unitfile, line_length_is_bounded)
{
	static char text[2 * UNITFILE_LINE_MAX];
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_free char *fits = NULL, *too_long = NULL, *continued = NULL;

	memset(text, 'a', sizeof(text));
	memcpy(text, "k=", 2);
	fits = lex(text, UNITFILE_LINE_MAX, &diags);
	cr_assert_eq(strlen(fits), strlen("1:") + UNITFILE_LINE_MAX + strlen("|"));
	cr_assert_eq(diags.n, 0);
	too_long = lex(text, UNITFILE_LINE_MAX + 1, &diags);
	cr_assert_str_eq(too_long, " E");
	for (size_t i = 1024; i < sizeof(text); i += 1024)
		memcpy(text + i - 2, "\\\n", 2);
	continued = lex(text, sizeof(text), &diags);
	cr_assert_str_eq(continued, " E");
	cr_assert_eq(diags.errors, 2);
}
