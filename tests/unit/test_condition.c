/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/condition.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "core/ignored.h"
#include "core/load.h"
#include "util/buf.h"

TestSuite(condition, .timeout = 30);

static const struct host_facts host = {
	"", "", "", "here", "", "", "/run", "", "", "", "", "", "", "", "", "", "", 0, 0, 0, 0,
};

static struct unit *load(const char *lines, struct diags *diags)
{
	cleanup_free char *text = NULL;
	struct unit *u = NULL;

	cr_assert_geq(asprintf(&text, "[Unit]\n%s\n[Service]\nExecStart=/bin/true\n", lines), 0);
	cr_assert_eq(unit_load(&u, "a@b.service",
			       &(struct unit_text){
				       .path = "a@.service", .data = text, .len = strlen(text) },
			       1, &host, diags),
		     0);
	return u;
}

/* What is said first of the lines, and what they are. */
static void check(const char *lines, const char *expected, const char *said)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_unit struct unit *u = load(lines, &diags);
	cleanup_buf struct buf shown = BUF_INIT;

	for (size_t i = 0; u->conditions && i < u->conditions->n; i++) {
		cleanup_free char *text = condition_text(&u->conditions->v[i]);

		buf_printf(&shown, "%s%s", i > 0 ? "; " : "", text);
	}
	cr_expect_str_eq(shown.data ? shown.data : "", expected, "%s\n gave %s\n  not %s", lines,
			 shown.data ? shown.data : "", expected);
	if (!said)
		cr_expect_eq(diags.n, 0, "%s: %s", lines, diags.n ? diags.v[0].text : "");
	else
		cr_expect(diags.n == 1 && strstr(diags.v[0].text, said), "%s: %s", lines,
			  diags.n ? diags.v[0].text : "nothing is said");
}

Test(condition, values)
{
	check("", "", NULL);
	check("ConditionPathExists=/a", "ConditionPathExists=/a", NULL);
	check("ConditionPathExists=|/a", "ConditionPathExists=|/a", NULL);
	check("ConditionPathExists=!/a", "ConditionPathExists=!/a", NULL);
	check("ConditionPathExists=|!/a", "ConditionPathExists=|!/a", NULL);
	check("ConditionHost=| ! a", "ConditionHost=|!a", NULL);
	check("ConditionPathExists=/a b #c", "ConditionPathExists=/a b #c", NULL);
	check("AssertPathExists=//a/./b/", "AssertPathExists=/a/b", NULL);
	check("ConditionPathExists=/etc/%i", "ConditionPathExists=/etc/b", NULL);
	check("ConditionHost=!%l", "ConditionHost=!here", NULL);
	check("ConditionMemory=>= 1G", "ConditionMemory=>= 1G", NULL);
	check("ConditionPathExists=/a\nAssertUser=root\nConditionACPower=yes",
	      "ConditionPathExists=/a; AssertUser=root; ConditionACPower=yes", NULL);
}

Test(condition, bad_values)
{
	check("ConditionPathExists=a", "", "not absolute");
	check("ConditionPathExists=!|/a", "", "not absolute");
	check("ConditionPathExists=| /a", "", "not absolute");
	check("ConditionPathExists=/a/../b", "", "not normalized");
	check("ConditionPathExists=/a%y", "", "specifiers");
	/* no start may go ahead because nobody understands what stands against it */
	check("ConditionACPower=perhaps", "ConditionACPower=perhaps", "never met");
	check("ConditionCPUs=>many", "ConditionCPUs=>many", "never met");
	check("ConditionMemory=!>1X", "ConditionMemory=!>1X", "never met");
	check("ConditionUser=!", "ConditionUser=!", "never met");
}

Test(condition, reset)
{
	check("ConditionPathExists=/a\nConditionUser=", "", NULL);
	check("ConditionPathExists=/a\nAssertPathExists=/b\nConditionUser=\nConditionHost=c",
	      "AssertPathExists=/b; ConditionHost=c", NULL);
	check("ConditionPathExists=/a\nAssertPathExists=/b\nAssertUser=", "ConditionPathExists=/a",
	      NULL);
}

Test(condition, only_so_many)
{
	struct conditions *list = NULL;

	for (int i = 0; i < CONDITIONS_MAX; i++)
		cr_assert_eq(conditions_add(&list, (struct condition){ .kind = CONDITION_USER,
								       .value = strdup("0") }),
			     0);
	cr_expect_eq(conditions_add(&list, (struct condition){ .kind = CONDITION_USER,
							       .value = strdup("0") }),
		     -ERANGE);
	cr_expect_eq(list->n, CONDITIONS_MAX);
	conditions_free(list);
}

/* Each is either acted upon, or told to be ignored. */
Test(condition, all_are_known)
{
	for (enum condition_kind k = 1; k < CONDITION_KIND_MAX; k++) {
		char key[64];

		snprintf(key, sizeof(key), "Condition%s", condition_kind_name(k));
		cr_expect_eq(ignored_lookup("Unit", key), IGNORED_NOT_KNOWN, "%s", key);
		check(condition_takes_path(k)	? "AssertPathExists=/a"
		      : k == CONDITION_AC_POWER ? "AssertACPower=no"
						: "",
		      condition_takes_path(k)	? "AssertPathExists=/a"
		      : k == CONDITION_AC_POWER ? "AssertACPower=no"
						: "",
		      NULL);
	}
}

/* ---- together ---- */

/* The value is the answer: '1', '0' or '?'. */
static int answer(enum condition_kind kind, const char *value, void *arg)
{
	unsigned *asked = arg;

	(void)kind;
	++*asked;
	return *value == '?' ? -EIO : *value == '1';
}

/* "|!1 0 a1": a condition a word, 'a' an assertion. */
static struct conditions *build(const char *text)
{
	struct conditions *list = NULL;

	for (const char *p = text; *p; p += *p == ' ') {
		struct condition c = { .kind = CONDITION_USER };

		for (; strchr("a|!", *p); p++) {
			c.is_assert |= *p == 'a';
			c.trigger |= *p == '|';
			c.negate |= *p == '!';
		}
		c.value = strndup(p++, 1);
		cr_assert_eq(conditions_add(&list, c), 0);
	}
	return list;
}

Test(condition, together)
{
	static const struct {
		const char *list;
		ssize_t unmet;
	} cases[] = {
		{ "", -1 },	  { "1", -1 },	       { "0", 0 },
		{ "!1", 0 },	  { "!0", -1 },	       { "?", 0 },
		{ "!?", 0 }, /* nobody knows: neither it nor its opposite */
		{ "1 1 0 0", 2 }, { "|1", -1 },	       { "|0", 0 },
		{ "|0 |1", -1 },  { "1 |0 |0", 1 },    { "|!1 |!0", -1 },
		{ "|1 0", 1 },	  { "|0 0", 1 },       { "0 |1", 0 },
		{ "|? |1", -1 },  { "a0", 0 },	       { "a0 0", 1 }, /* conditions first */
		{ "a|0 |1", 0 },				      /* each kind for itself */
		{ "a|1 |0", 1 },  { "a|0 a|1 1", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct conditions *list = build(cases[i].list);
		unsigned asked = 0;

		cr_expect_eq(conditions_find_unmet(list, answer, &asked), cases[i].unmet, "%s: %zd",
			     cases[i].list, conditions_find_unmet(list, answer, &asked));
		conditions_free(list);
	}
}

/* To look costs something. */
Test(condition, nothing_is_looked_at_in_vain)
{
	struct conditions *list = build("|1 |1 1 0 1");
	unsigned asked = 0;

	cr_expect_eq(conditions_find_unmet(list, answer, &asked), 3);
	cr_expect_eq(asked, 3);
	conditions_free(list);
}
