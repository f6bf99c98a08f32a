/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>

#include "core/load.h"
#include "core/wellknown.h"
#include "lib/hostfacts.h"
#include "util/strv.h"

/* Those of systemd.special(7) that Debian's units name in After=, Before=, Wants=, Requires= or WantedBy=. */
static const char *const names[] = {
	"basic.target",		"cryptsetup.target",	 "emergency.target",
	"final.target",		"getty.target",		 "graphical.target",
	"local-fs-pre.target",	"local-fs.target",	 "multi-user.target",
	"network-pre.target",	"network-online.target", "network.target",
	"nss-lookup.target",	"paths.target",		 "nss-user-lookup.target",
	"remote-fs-pre.target", "remote-fs.target",	 "rescue.target",
	"rpcbind.target",	"shutdown.target",	 "slices.target",
	"sockets.target",	"swap.target",		 "sysinit.target",
	"time-set.target",	"time-sync.target",	 "timers.target",
	"umount.target",
};

TestSuite(wellknown, .timeout = 10);

static struct unit *load(const char *name)
{
	const struct wellknown *w = wellknown_find(name);
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct unit *u = NULL;

	cr_assert_not_null(w, "%s", name);
	cr_assert_str_eq(w->name, name);
	cr_assert_not_null(w->text, "%s", name);
	cr_assert_eq(unit_load(&u, name, &(struct unit_text){ "built in", w->text, strlen(w->text) },
			       1, &test_host, &diags),
		     0, "%s", name);
	cr_assert_eq(diags.n, 0, "%s: %s", name, diags.n > 0 ? diags.v[0].text : "");
	return u;
}

Test(wellknown, texts_are_valid_units)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_unit struct unit *u = load(names[i]);

		cr_expect_eq(u->kind, UNIT_TARGET);
		cr_expect_str_neq(u->description, names[i], "%s has no description", names[i]);
	}
}

/* Whatever they pull in is there, too; but for the display manager, which is a host's own. */
Test(wellknown, pull_in_only_each_other)
{
	static const enum dependency pulls[] = { DEP_REQUIRES, DEP_WANTS };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_unit struct unit *u = load(names[i]);

		for (size_t k = 0; k < ARRAY_SIZE(pulls); k++)
			for (char **other = u->deps[pulls[k]]; other && *other; other++)
				cr_expect(wellknown_find(*other) ||
						  streq(*other, "display-manager.service"),
					  "%s pulls in %s", names[i], *other);
	}
}

Test(wellknown, multi_user_leads_to_sysinit)
{
	cleanup_unit struct unit *multi_user = load("multi-user.target"),
				 *basic = load("basic.target");

	cr_expect(strv_contains(multi_user->deps[DEP_REQUIRES], "basic.target"));
	cr_expect(strv_contains(multi_user->deps[DEP_AFTER], "basic.target"));
	cr_expect(strv_contains(basic->deps[DEP_REQUIRES], "sysinit.target"));
	cr_expect(strv_contains(basic->deps[DEP_AFTER], "sysinit.target"));
	cr_expect_not(wellknown_find("multi-user.target")->ours);
	cr_expect(wellknown_find("sysinit.target")->ours);
}

Test(wellknown, default_is_multi_user)
{
	cr_assert_str_eq(wellknown_find("default.target")->alias_of, "multi-user.target");
	cr_assert_null(wellknown_find("default.target")->text);
	cr_assert_null(wellknown_find("nginx.target"));
	cr_assert_null(wellknown_find("multi-user.service"));
}

Test(wellknown, parts_of_systemd)
{
	cr_assert(wellknown_is_systemds("systemd-logind.service"));
	cr_assert(wellknown_is_systemds("getty@tty1.service"));
	cr_assert(wellknown_is_systemds("console-getty.service"));
	cr_assert(wellknown_is_systemds("user@1000.service"));
	cr_assert_not(wellknown_is_systemds("ssh.service"));
	cr_assert_not(wellknown_is_systemds("getty.target"));
	cr_assert_not(wellknown_is_systemds("user.service"));
}
