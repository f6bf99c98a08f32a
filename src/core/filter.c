/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/filter.h"

#include <errno.h>
#include <linux/sched.h>
#include <sys/socket.h>

#include "util/buf.h"
#include "util/parse.h"

#define ERROR_MAX 4095 /* MAX_ERRNO of the kernel */

#ifndef AF_MCTP /* not in musl 1.2.5 */
#define AF_MCTP 45
#endif
enum { FAMILIES = MAX_OF(AF_MAX, AF_MCTP + 1) };

#define FAMILY(name) [AF_##name] = "AF_" #name
/* clang-format off */
static const char *const families[FAMILIES] = {
	FAMILY(UNIX), FAMILY(INET), FAMILY(AX25), FAMILY(IPX), FAMILY(APPLETALK), FAMILY(NETROM), FAMILY(BRIDGE),
	FAMILY(ATMPVC), FAMILY(X25), FAMILY(INET6), FAMILY(ROSE), FAMILY(DECnet), FAMILY(NETBEUI), FAMILY(SECURITY),
	FAMILY(KEY), FAMILY(NETLINK), FAMILY(PACKET), FAMILY(ASH), FAMILY(ECONET), FAMILY(ATMSVC), FAMILY(RDS),
	FAMILY(SNA), FAMILY(IRDA), FAMILY(PPPOX), FAMILY(WANPIPE), FAMILY(LLC), FAMILY(IB), FAMILY(MPLS), FAMILY(CAN),
	FAMILY(TIPC), FAMILY(BLUETOOTH), FAMILY(IUCV), FAMILY(RXRPC), FAMILY(ISDN), FAMILY(PHONET), FAMILY(IEEE802154),
	FAMILY(CAIF), FAMILY(ALG), FAMILY(NFC), FAMILY(VSOCK), FAMILY(KCM), FAMILY(QIPCRTR), FAMILY(SMC), FAMILY(XDP),
	FAMILY(MCTP),
};
/* clang-format on */
_Static_assert(FAMILIES <= 64, "a family is a bit of struct family_list");

static const struct {
	const char *alias;
	int family;
} family_aliases[] = { { "AF_LOCAL", AF_LOCAL }, { "AF_FILE", AF_FILE }, { "AF_ROUTE", AF_ROUTE } };

static const char *const architectures[] = {
	"native", "x86",     "x86-64",	  "x32",	"arm",		 "arm64",  "mips",
	"mips64", "mips-le", "mips64-le", "mips64-n32", "mips64-le-n32", "parisc", "parisc64",
	"ppc",	  "ppc64",   "ppc64-le",  "riscv64",	"s390",		 "s390x",
};

/* In the order in which systemd prints them. */
static const struct {
	const char *name;
	int flag;
} namespaces[] = {
	{ "cgroup", CLONE_NEWCGROUP }, { "ipc", CLONE_NEWIPC }, { "net", CLONE_NEWNET },
	{ "mnt", CLONE_NEWNS },	       { "pid", CLONE_NEWPID }, { "user", CLONE_NEWUSER },
	{ "uts", CLONE_NEWUTS },
};

const int namespaces_all = CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS |
			   CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWUTS;

struct filter *filter_get(struct filter **f)
{
	if (!*f) {
		*f = calloc(1, sizeof(**f));
		if (!*f)
			return NULL;
		(*f)->error = SYSCALL_KILL;
		(*f)->namespaces = NAMESPACES_UNSET;
	}
	return *f;
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	free(f->calls);
	free(f->log);
	free(f);
}

/* ---- system calls ---- */

struct syscall_list *syscall_list_new(bool allow)
{
	struct syscall_list *list = malloc(sizeof(*list));

	if (!list)
		return NULL;
	list->allow = allow;
	for (size_t i = 0; i < SYSCALL_COUNT; i++)
		list->action[i] = SYSCALL_UNLISTED;
	return list;
}

/* In a list of what is allowed "~name" strikes off; "~name:EPERM" stays on it, with an error of its own. */
static void apply_one(struct syscall_list *list, size_t index, bool invert, int action)
{
	bool lists = invert != list->allow || action != SYSCALL_LISTED;

	list->action[index] = (int16_t)(lists ? action : SYSCALL_UNLISTED);
}

int syscall_list_apply(struct syscall_list *list, const char *name, bool invert, int action)
{
	const char *members = syscall_group(name);
	int index = members ? -1 : syscall_find(name);
	int r = 0;

	if (index >= 0)
		apply_one(list, (size_t)index, invert, action);
	else if (!members)
		return -ENOENT;
	if (streq(name, "@known"))
		for (size_t i = 0; i < SYSCALL_COUNT; i++)
			apply_one(list, i, invert, action);
	while (members && *members && r == 0) {
		size_t n = strcspn(members, " ");
		char member[64];

		snprintf(member, sizeof(member), "%.*s", (int)n, members);
		r = syscall_list_apply(list, member, invert, action);
		members += n + strspn(members + n, " ");
	}
	return r;
}

bool syscall_list_matters(const struct syscall_list *list)
{
	for (size_t i = 0; list && i < SYSCALL_COUNT; i++)
		if (list->allow || list->action[i] != SYSCALL_UNLISTED)
			return true;
	return false;
}

int syscall_action_parse(const char *text, int *out)
{
	unsigned number;
	int r = parse_uint(text, &number);

	if (r == 0 && number > ERROR_MAX)
		r = -ERANGE;
	if (r != -EINVAL) {
		if (r == 0)
			*out = (int)number;
		return r;
	}
	if (!streq(text, "kill"))
		return parse_error_name(text, out);
	*out = SYSCALL_KILL;
	return 0;
}

/* ---- the rest ---- */

int family_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(family_aliases); i++)
		if (streq(name, family_aliases[i].alias))
			return family_aliases[i].family;
	for (int i = 0; i < FAMILIES; i++)
		if (families[i] && streq(name, families[i]))
			return i;
	return -1;
}

const char *family_name(int family)
{
	return family >= 0 && family < FAMILIES ? families[family] : NULL;
}

int architecture_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(architectures); i++)
		if (streq(name, architectures[i]))
			return (int)i;
	return -1;
}

const char *architecture_name(size_t index)
{
	return index < ARRAY_SIZE(architectures) ? architectures[index] : NULL;
}

int namespace_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++)
		if (streq(name, namespaces[i].name))
			return namespaces[i].flag;
	return 0;
}

/* ---- as systemctl show prints them ---- */

static void put_separated(struct buf *b, size_t start, const char *word)
{
	buf_printf(b, "%s%s", b->len > start ? " " : "", word);
}

static void put_calls(struct buf *b, const struct filter *f)
{
	const struct syscall_list *list = f->calls;
	size_t start;

	if (list && !list->allow)
		buf_putc(b, '~');
	start = b->len;
	for (size_t i = 0; list && i < SYSCALL_COUNT; i++) {
		int action = list->action[i];

		/* What is on a list of the allowed with an error is refused all the same. */
		if (action == SYSCALL_UNLISTED || (list->allow && action != SYSCALL_LISTED))
			continue;
		put_separated(b, start, syscall_name(i));
		if (action == SYSCALL_KILL)
			buf_puts(b, ":kill");
		else if (error_name(action))
			buf_printf(b, ":%s", error_name(action));
		else if (action >= 0)
			buf_printf(b, ":%d", action);
	}
}

static void put_log(struct buf *b, const struct filter *f)
{
	put_calls(b, &(struct filter){ .calls = f->log });
}

static void put_error(struct buf *b, const struct filter *f)
{
	if (f->error != SYSCALL_KILL)
		buf_printf(b, "%d", f->error);
}

static void put_architectures(struct buf *b, const struct filter *f)
{
	size_t start = b->len;

	for (size_t i = 0; i < ARRAY_SIZE(architectures); i++)
		if (f->architectures >> i & 1)
			put_separated(b, start, architectures[i]);
}

static void put_families(struct buf *b, const struct filter *f)
{
	const struct family_list *list = &f->families;
	size_t start;

	if (list->set && !list->allow)
		buf_putc(b, '~');
	start = b->len;
	if (list->allow && list->families == 0)
		buf_puts(b, "none");
	for (int i = 0; i < FAMILIES; i++)
		if (list->families >> i & 1)
			put_separated(b, start, families[i]);
}

static void put_namespaces(struct buf *b, const struct filter *f)
{
	size_t start = b->len;

	if (f->namespaces == NAMESPACES_UNSET || f->namespaces == namespaces_all)
		buf_puts(b, "no");
	else if (f->namespaces == 0)
		buf_puts(b, "yes");
	else
		for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++)
			if (f->namespaces & namespaces[i].flag)
				put_separated(b, start, namespaces[i].name);
}

void filter_show(const struct filter *f, struct showing *out)
{
	static const struct {
		const char *key;
		void (*put)(struct buf *b, const struct filter *f);
	} texts[] = {
		{ "SystemCallFilter", put_calls },
		{ "SystemCallLog", put_log },
		{ "SystemCallErrorNumber", put_error },
		{ "SystemCallArchitectures", put_architectures },
		{ "RestrictAddressFamilies", put_families },
		{ "RestrictNamespaces", put_namespaces },
	};
	static const struct filter none = { .error = SYSCALL_KILL, .namespaces = NAMESPACES_UNSET };

	if (!f)
		f = &none;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		texts[i].put(&out->text, f);
		show_gathered(out, texts[i].key);
	}
	show_bool(out, "RestrictRealtime", f->restrict_realtime);
	show_bool(out, "RestrictSUIDSGID", f->restrict_suid_sgid);
	show_bool(out, "MemoryDenyWriteExecute", f->memory_deny_write_execute);
	show_bool(out, "LockPersonality", f->lock_personality);
}
