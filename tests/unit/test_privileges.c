/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <linux/capability.h>
#include <linux/securebits.h>

#include "core/privileges.h"
#include "lib/hostfacts.h"

TestSuite(privileges, .timeout = 20);

#define BIT(cap) (UINT64_C(1) << (cap))

/* A service with these lines; warnings: how many are to be told. */
static struct unit *load(const char *lines, size_t warnings)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_free char *text = NULL;
	struct unit_text file = { "/u/foo.service", NULL, 0 };
	struct unit *u = NULL;

	cr_assert_geq(asprintf(&text, "[Service]\nExecStart=/bin/true\n%s\n", lines), 0);
	file.data = text;
	file.len = strlen(text);
	cr_assert_eq(unit_load(&u, "foo.service", &file, 1, &test_host, &diags), 0, "%s", lines);
	cr_expect_eq(diags.n, warnings, "%s: %zu warnings, the first: %s", lines, diags.n,
		     diags.n > 0 ? diags.v[0].text : "none");
	return u;
}

Test(privileges, cost_nothing_where_none_is_set)
{
	cleanup_unit struct unit *u = load("", 0);

	cr_expect_null(u->privileges);
	cr_expect_eq(privileges_bounding(u), CAPABILITIES_ALL);
}

/* systemd.exec(5), CapabilityBoundingSet=, with its examples. */
Test(privileges, bounding_sets_merge)
{
	static const struct {
		const char *lines;
		uint64_t set;
	} rows[] = {
		{ "CapabilityBoundingSet=CAP_A CAP_B", 0 },
		{ "CapabilityBoundingSet=CAP_CHOWN", BIT(CAP_CHOWN) },
		{ "CapabilityBoundingSet=cap_chown 1", BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) },
		{ "CapabilityBoundingSet=~CAP_CHOWN", ~BIT(CAP_CHOWN) },
		{ "CapabilityBoundingSet=CAP_CHOWN CAP_KILL\nCapabilityBoundingSet=CAP_KILL "
		  "CAP_SYSLOG",
		  BIT(CAP_CHOWN) | BIT(CAP_KILL) | BIT(CAP_SYSLOG) },
		{ "CapabilityBoundingSet=CAP_CHOWN CAP_KILL\nCapabilityBoundingSet=~CAP_KILL "
		  "CAP_SYSLOG",
		  BIT(CAP_CHOWN) },
		{ "CapabilityBoundingSet=~CAP_CHOWN\nCapabilityBoundingSet=~CAP_KILL",
		  ~(BIT(CAP_CHOWN) | BIT(CAP_KILL)) },
		{ "CapabilityBoundingSet=CAP_CHOWN\nCapabilityBoundingSet=", 0 },
		{ "CapabilityBoundingSet=CAP_CHOWN\nCapabilityBoundingSet=~", CAPABILITIES_ALL },
		{ "CapabilityBoundingSet=CAP_CHOWN\nCapabilityBoundingSet=\nCapabilityBoundingSet="
		  "CAP_KILL",
		  BIT(CAP_KILL) },
		{ "CapabilityBoundingSet=CAP_CHECKPOINT_RESTORE", BIT(CAP_CHECKPOINT_RESTORE) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_unit struct unit *u = load(rows[i].lines, i == 0 ? 2 : 0);

		cr_expect_eq(privileges_bounding(u), rows[i].set, "%s: %#lx", rows[i].lines,
			     (unsigned long)privileges_bounding(u));
	}
}

Test(privileges, ambient_sets_merge)
{
	static const struct {
		const char *lines;
		uint64_t set;
	} rows[] = {
		{ "AmbientCapabilities=CAP_NET_BIND_SERVICE", BIT(CAP_NET_BIND_SERVICE) },
		{ "AmbientCapabilities=CAP_KILL\nAmbientCapabilities=CAP_CHOWN",
		  BIT(CAP_KILL) | BIT(CAP_CHOWN) },
		{ "AmbientCapabilities=CAP_KILL CAP_CHOWN\nAmbientCapabilities=~CAP_CHOWN",
		  BIT(CAP_KILL) },
		{ "AmbientCapabilities=CAP_KILL\nAmbientCapabilities=", 0 },
		{ "AmbientCapabilities=~CAP_KILL", ~BIT(CAP_KILL) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_unit struct unit *u = load(rows[i].lines, 0);

		cr_expect_eq(u->privileges->ambient, rows[i].set, "%s", rows[i].lines);
		cr_expect_eq(u->privileges->bounding, CAPABILITIES_ALL, "%s", rows[i].lines);
	}
}

Test(privileges, what_is_no_capability_is_told)
{
	static const char *const wrong[] = { "CHOWN", "CAP_CHOWN,CAP_KILL", "cap_", "63", "-1", "" };
	cleanup_unit struct unit *u = load("CapabilityBoundingSet=CAP_CHOWN CAP_NEW", 1);

	cr_expect_eq(privileges_bounding(u), BIT(CAP_CHOWN));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		cr_expect_eq(capability_find(wrong[i]), -1, "%s", wrong[i]);
	cr_expect_null(capability_name(-1));
	cr_expect_null(capability_name(41));
	cr_expect_str_eq(capability_name(40), "cap_checkpoint_restore");
}

Test(privileges, secure_bits_add_up)
{
	cleanup_unit struct unit *two =
		load("SecureBits=noroot\nSecureBits=keep-caps-locked noroot-locked", 0);
	cleanup_unit struct unit *reset = load("SecureBits=noroot\nSecureBits=", 0);
	cleanup_unit struct unit *wrong = load("SecureBits=noroot root", 1);

	cr_expect_eq(two->privileges->secure_bits,
		     SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED);
	cr_expect_eq(reset->privileges->secure_bits, 0);
	cr_expect_eq(wrong->privileges->secure_bits, SECBIT_NOROOT);
	cr_expect_eq(secure_bit("no-setuid-fixup"), SECBIT_NO_SETUID_FIXUP);
	cr_expect_eq(secure_bit("no-setuid-fixup-locked"), SECBIT_NO_SETUID_FIXUP_LOCKED);
	cr_expect_eq(secure_bit("keep-caps"), SECBIT_KEEP_CAPS);
}

static void collect(const char *key, const char *value, void *arg)
{
	buf_printf(arg, "%s=%s\n", key, value);
}

Test(privileges, are_shown)
{
	cleanup_unit struct unit *u = load(
		"CapabilityBoundingSet=CAP_KILL CAP_CHOWN\nSecureBits=noroot\nNoNewPrivileges=yes", 0);
	cleanup_unit struct unit *none = load("", 0);
	cleanup_buf struct buf b = BUF_INIT, all = BUF_INIT;

	privileges_show(u, &(struct showing){ collect, &b, BUF_INIT });
	cr_expect_str_eq(b.data, "CapabilityBoundingSet=cap_chown cap_kill\nAmbientCapabilities=\nSecureBits=1\nNoNewPrivileges=yes\n",
			 "%s", b.data);
	privileges_show(none, &(struct showing){ collect, &all, BUF_INIT });
	cr_expect(strstr(all.data, "CapabilityBoundingSet=cap_chown cap_dac_override "), "%s", all.data);
	cr_expect(strstr(all.data, " cap_bpf "
				   "cap_checkpoint_restore\nAmbientCapabilities=\nSecureBits="
				   "0\nNoNewPrivileges=no\n"),
		  "%s", all.data);
}
