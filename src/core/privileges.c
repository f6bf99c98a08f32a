/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/privileges.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <strings.h>

#include "core/sandbox.h"
#include "util/parse.h"

#define BIT(capability) (UINT64_C(1) << (capability))

/* By number: linux/capability.h, up to Linux 5.9; none has come since. */
/* clang-format off */
static const char *const names[] = {
	"cap_chown", "cap_dac_override", "cap_dac_read_search", "cap_fowner", "cap_fsetid", "cap_kill", "cap_setgid",
	"cap_setuid", "cap_setpcap", "cap_linux_immutable", "cap_net_bind_service", "cap_net_broadcast",
	"cap_net_admin", "cap_net_raw", "cap_ipc_lock", "cap_ipc_owner", "cap_sys_module", "cap_sys_rawio",
	"cap_sys_chroot", "cap_sys_ptrace", "cap_sys_pacct", "cap_sys_admin", "cap_sys_boot", "cap_sys_nice",
	"cap_sys_resource", "cap_sys_time", "cap_sys_tty_config", "cap_mknod", "cap_lease", "cap_audit_write",
	"cap_audit_control", "cap_setfcap", "cap_mac_override", "cap_mac_admin", "cap_syslog", "cap_wake_alarm",
	"cap_block_suspend", "cap_audit_read", "cap_perfmon", "cap_bpf", "cap_checkpoint_restore",
};
/* clang-format on */

static const struct {
	const char *word;
	int bit;
} secure_words[] = {
	{ "keep-caps", SECBIT_KEEP_CAPS },
	{ "keep-caps-locked", SECBIT_KEEP_CAPS_LOCKED },
	{ "no-setuid-fixup", SECBIT_NO_SETUID_FIXUP },
	{ "no-setuid-fixup-locked", SECBIT_NO_SETUID_FIXUP_LOCKED },
	{ "noroot", SECBIT_NOROOT },
	{ "noroot-locked", SECBIT_NOROOT_LOCKED },
};

struct privileges *privileges_get(struct privileges **p)
{
	if (!*p) {
		*p = calloc(1, sizeof(**p));
		if (!*p)
			return NULL;
		(*p)->bounding = CAPABILITIES_ALL;
	}
	return *p;
}

int capability_find(const char *name)
{
	unsigned number;

	if (parse_uint(name, &number) == 0)
		return number <= 62 ? (int)number : -1;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return (int)i;
	return -1;
}

const char *capability_name(int capability)
{
	return capability >= 0 && (size_t)capability < ARRAY_SIZE(names) ? names[capability] : NULL;
}

void capabilities_text(uint64_t set, struct buf *b)
{
	const char *separator = "";

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!(set >> i & 1))
			continue;
		buf_printf(b, "%s%s", separator, names[i]);
		separator = " ";
	}
}

void capabilities_merge(uint64_t *set, uint64_t initial, bool invert, uint64_t listed)
{
	if (listed == 0 || *set == initial)
		*set = invert ? ~listed : listed;
	else if (invert)
		*set &= ~listed;
	else
		*set |= listed;
}

int secure_bit(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(secure_words); i++)
		if (streq(word, secure_words[i].word))
			return secure_words[i].bit;
	return 0;
}

void secure_bits_text(int bits, struct buf *b)
{
	const char *separator = "";

	for (size_t i = 0; i < ARRAY_SIZE(secure_words); i++) {
		if (!(bits & secure_words[i].bit))
			continue;
		buf_printf(b, "%s%s", separator, secure_words[i].word);
		separator = " ";
	}
}

void privileges_show(const struct unit *u, struct showing *out)
{
	const struct privileges *p = u->privileges;

	capabilities_text(privileges_bounding(u), &out->text);
	show_gathered(out, "CapabilityBoundingSet");
	capabilities_text(p ? p->ambient : 0, &out->text);
	show_gathered(out, "AmbientCapabilities");
	show_format(out, "SecureBits", "%d", p ? p->secure_bits : 0);
	show_bool(out, "NoNewPrivileges", p && p->no_new_privileges);
}

uint64_t privileges_bounding(const struct unit *u)
{
	uint64_t set = u->privileges ? u->privileges->bounding : CAPABILITIES_ALL;
	const struct sandbox *s = u->sandbox;

	if (s && s->protect_kernel_modules)
		set &= ~BIT(CAP_SYS_MODULE);
	if (s && s->protect_kernel_logs)
		set &= ~BIT(CAP_SYSLOG);
	if (s && s->protect_clock)
		set &= ~(BIT(CAP_SYS_TIME) | BIT(CAP_WAKE_ALARM));
	if (s && s->private_devices)
		set &= ~(BIT(CAP_MKNOD) | BIT(CAP_SYS_RAWIO));
	return set;
}
