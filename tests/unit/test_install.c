/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>

#include "core/install.h"
#include "core/load.h"
#include "lib/hostfacts.h"
#include "util/strv.h"

TestSuite(install, .timeout = 20);

static struct unit *load(const char *name, const char *text)
{
	const struct unit_text texts[] = { { "/u/file", text, strlen(text) } };
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct unit *u = NULL;

	cr_assert_eq(unit_load_install(&u, name, texts, 1, &test_host, &diags), 0);
	cr_assert_eq(diags.n, 0, "%s", diags.n > 0 ? diags.v[0].text : "");
	return u;
}

/* The links that [Install] of a unit asks for, "a b c"; and how much of it is refused. */
static char *plan(const char *name, const char *text, size_t *refused)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_unit struct unit *u = load(name, text);
	cleanup_strv char **links = NULL;
	char *all = strdup("");

	cr_assert_eq(install_links(u, &links, &diags), 0);
	for (size_t i = 0; links && links[i]; i++) {
		char *longer;

		cr_assert_geq(asprintf(&longer, "%s%s%s", all, i > 0 ? " " : "", links[i]), 0);
		free(all);
		all = longer;
	}
	*refused = diags.errors;
	return all;
}

Test(install, plan)
{
	static const struct {
		const char *name, *text, *links;
		size_t refused;
	} cases[] = {
		{ "a.service", "", "", 0 },
		{ "a.service", "[Service]\nWantedBy=x.target\n[Install]\n", "", 0 },
		{ "a.service", "[Install]\nWantedBy=x.target y.target\nRequiredBy=z.service\nUpheldBy=u.target\n",
		  "x.target.wants/a.service y.target.wants/a.service z.service.requires/a.service "
		  "u.target.upholds/a.service",
		  0 },
		{ "a.service", "[Install]\nWantedBy=x.target\nWantedBy=\nWantedBy=y.target\n",
		  "y.target.wants/a.service", 0 },
		{ "a.socket", "[Socket]\nListenStream=/x\n[Install]\nWantedBy=sockets.target\n",
		  "sockets.target.wants/a.socket", 0 },
		/* hostile or mistaken */
		{ "a.service", "[Install]\nWantedBy=../../x.target x/y.target x ok.target\n",
		  "ok.target.wants/a.service", 3 },
		{ "a.service", "[Install]\nWantedBy=x@.target\n", "", 1 },
		{ "a.service", "[Install]\nAlias=b.service a.service c.target ../d.service e/f.service g h@.service h@x.service\n",
		  "b.service", 6 },
		/* templates */
		{ "a@.service", "[Install]\nWantedBy=x.target\n", "", 1 },
		{ "a@.service", "[Install]\nWantedBy=x@%i.target\n", "x@.target.wants/a@.service", 0 },
		{ "a@.service", "[Install]\nWantedBy=x.target %i.target\nDefaultInstance=d\n",
		  "x.target.wants/a@d.service d.target.wants/a@d.service", 0 },
		{ "a@.service", "[Install]\nWantedBy=x.target\nDefaultInstance=d/../e\n", "", 1 },
		{ "a@b.service", "[Install]\nWantedBy=x.target %i.target\nDefaultInstance=d\n",
		  "x.target.wants/a@b.service b.target.wants/a@b.service", 0 },
		{ "a@b.service", "[Install]\nAlias=c@.service d@b.service d@c.service e.service\n",
		  "c@b.service d@b.service", 2 },
		{ "a@.service", "[Install]\nAlias=c@.service d@x.service e.service\n",
		  "c@.service d@x.service", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t refused;
		cleanup_free char *links = plan(cases[i].name, cases[i].text, &refused);

		cr_expect_str_eq(links, cases[i].links, "%s: %s: %s", cases[i].name, cases[i].text,
				 links);
		cr_expect_eq(refused, cases[i].refused, "%s: %s: %zu", cases[i].name, cases[i].text,
			     refused);
	}
}

#define RULES "[Install]\nWantedBy=x.target\nAlias=alias.service\n"

Test(install, state)
{
	static const struct {
		const char *name, *text;
		enum install_place place;
		const char *link, *target, *state;
	} cases[] = {
		{ "a.service", RULES, INSTALL_BY_ADMIN, "x.target.wants/b.service", "/u/b.service",
		  "disabled" },
		{ "a.service", "", INSTALL_BY_ADMIN, "b.service", "/u/b.service", "static" },
		{ "a.service", "[Install]\nAlso=b.service\n", INSTALL_BY_ADMIN, "b.service",
		  "/u/b.service", "indirect" },
		{ "a.service", RULES, INSTALL_BY_ADMIN, "x.target.wants/a.service", "/u/a.service",
		  "enabled" },
		{ "a.service", RULES, INSTALL_UNTIL_BOOT, "x.target.wants/a.service",
		  "/u/a.service", "enabled-runtime" },
		{ "a.service", RULES, INSTALL_BY_PACKAGE, "x.target.wants/a.service",
		  "/u/a.service", "disabled" },
		{ "a.service", "", INSTALL_BY_ADMIN, "y.target.wants/a.service", "gone", "enabled" },
		{ "a.service", RULES, INSTALL_BY_ADMIN, "alias.service", "/u/a.service", "enabled" },
		{ "a.service", RULES, INSTALL_BY_ADMIN, "other.service", "/u/a.service", "indirect" },
		{ "a.service", RULES, INSTALL_BY_ADMIN, "a.service", "/srv/a.service", "linked" },
		{ "a.service", RULES, INSTALL_UNTIL_BOOT, "a.service", "/srv/a.service",
		  "linked-runtime" },
		{ "a@.service", RULES, INSTALL_BY_ADMIN, "x.target.wants/a@b.service",
		  "/u/a@.service", "indirect" },
		{ "a@.service", "[Install]\nWantedBy=x.target\nDefaultInstance=b\n",
		  INSTALL_BY_ADMIN, "x.target.wants/a@b.service", "/u/a@.service", "enabled" },
		{ "a@b.service", RULES, INSTALL_BY_ADMIN, "x.target.wants/a@c.service",
		  "/u/a@.service", "disabled" },
		{ "a@b.service", RULES, INSTALL_BY_PACKAGE, "x.target.wants/a@b.service",
		  "/u/a@.service", "static" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_unit struct unit *u = load(cases[i].name, cases[i].text);
		cleanup_free char *link = strdup(cases[i].link), *target = strdup(cases[i].target);
		struct install_fact fact = { cases[i].place, link, target };
		const char *state = install_state_name(install_state_of(u, &fact, 1));

		cr_expect_str_eq(state, cases[i].state, "%zu: %s: %s", i, cases[i].name, state);
	}
}

Test(install, the_stronger_fact_counts)
{
	static char alias[] = "other.service", file[] = "/u/a.service",
		    wish[] = "x.target.wants/a.service";
	cleanup_unit struct unit *u = load("a.service", RULES);
	const struct install_fact facts[] = {
		{ INSTALL_BY_ADMIN, alias, file },
		{ INSTALL_BY_ADMIN, wish, file },
		{ INSTALL_UNTIL_BOOT, wish, file },
	};

	cr_expect_eq(install_state_of(u, facts, 1), INSTALL_INDIRECT);
	cr_expect_eq(install_state_of(u, facts, 2), INSTALL_ENABLED);
	cr_expect_eq(install_state_of(u, facts, 3), INSTALL_ENABLED);
}

Test(install, what_disable_removes)
{
	static char a[] = "a.service", t[] = "t@.service", i[] = "i@x.service";
	char *const names[] = { a, t, i, NULL };
	static const struct {
		const char *link, *target;
		bool ours;
	} cases[] = {
		{ "x.target.wants/a.service", "/anywhere", true },
		{ "alias.service", "/lib/a.service", true },
		{ "alias.service", "a.service", true },
		{ "x.target.wants/t@1.service", "/lib/t@.service", true },
		{ "x.target.wants/t@1.service", "/dangling", true },
		{ "x.target.wants/i@x.service", "/lib/i@.service", true },
		{ "x.target.wants/i@y.service", "/lib/i@.service", false },
		{ "b.service", "/lib/b.service", false },
		{ "a.service.wants/b.service", "/lib/b.service", false },
		{ "x.target.wants/aa.service", "/lib/aa.service", false },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++)
		cr_expect_eq(install_link_is_of(names, cases[n].link, cases[n].target),
			     cases[n].ours, "%s → %s", cases[n].link, cases[n].target);
}

Test(install, every_state_has_a_word)
{
	for (enum install_state s = INSTALL_NOT_FOUND; s < INSTALL_STATE_MAX; s++)
		cr_expect_not_null(install_state_name(s), "%d", (int)s);
	cr_expect_not(install_state_is_enabled(INSTALL_LINKED));
	cr_expect_not(install_state_is_enabled(INSTALL_MASKED));
	cr_expect(install_state_is_enabled(INSTALL_STATIC));
}
