/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/sandbox.h"

#include <errno.h>
#include <inttypes.h>

#include "util/buf.h"

#define NAME_IN(table, value) ((size_t)(value) < ARRAY_SIZE(table) ? (table)[value] : NULL)

const char *protect_system_name(enum protect_system p)
{
	static const char *const names[] = { "no", "yes", "full", "strict" };

	return NAME_IN(names, p);
}

const char *protect_home_name(enum protect_home p)
{
	static const char *const names[] = { "no", "yes", "read-only", "tmpfs" };

	return NAME_IN(names, p);
}

const char *protect_proc_name(enum protect_proc p)
{
	static const char *const names[] = { "default", "noaccess", "invisible", "ptraceable" };

	return NAME_IN(names, p);
}

const char *proc_subset_name(enum proc_subset p)
{
	static const char *const names[] = { "all", "pid" };

	return NAME_IN(names, p);
}

const char *mount_flags_name(enum mount_flags f)
{
	static const char *const names[] = { "", "shared", "slave", "private" };

	return NAME_IN(names, f);
}

const char *sandbox_list_name(enum sandbox_list list)
{
	static const char *const names[SANDBOX_LIST_MAX] = {
		[SANDBOX_READ_WRITE] = "ReadWritePaths",
		[SANDBOX_READ_ONLY] = "ReadOnlyPaths",
		[SANDBOX_INACCESSIBLE] = "InaccessiblePaths",
		[SANDBOX_EXEC] = "ExecPaths",
		[SANDBOX_NO_EXEC] = "NoExecPaths",
		[SANDBOX_BIND] = "BindPaths",
		[SANDBOX_BIND_READ_ONLY] = "BindReadOnlyPaths",
		[SANDBOX_TMPFS] = "TemporaryFileSystem",
	};

	return NAME_IN(names, list);
}

/* ---- life ---- */

struct sandbox *sandbox_get(struct sandbox **s)
{
	if (!*s)
		*s = calloc(1, sizeof(**s));
	return *s;
}

static void clear_path(struct sandbox_path *p)
{
	free(p->path);
	free(p->source);
	free(p->options);
}

void sandbox_free(struct sandbox *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_paths; i++)
		clear_path(&s->paths[i]);
	free(s->paths);
	free(s->root_directory);
	free(s->network_namespace);
	free(s->ipc_namespace);
	free(s);
}

int sandbox_add_path(struct sandbox *s, struct sandbox_path p)
{
	struct sandbox_path *grown = reallocarray(s->paths, s->n_paths + 1, sizeof(*grown));

	if (!grown) {
		clear_path(&p);
		return -ENOMEM;
	}
	s->paths = grown;
	grown[s->n_paths++] = p;
	return 0;
}

static bool is_bind(enum sandbox_list list)
{
	return list == SANDBOX_BIND || list == SANDBOX_BIND_READ_ONLY;
}

void sandbox_clear_list(struct sandbox *s, enum sandbox_list list)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n_paths; i++)
		if (s->paths[i].list == list || (is_bind(list) && is_bind(s->paths[i].list)))
			clear_path(&s->paths[i]);
		else
			s->paths[kept++] = s->paths[i];
	s->n_paths = kept;
}

/* ---- what it takes ---- */

/* The flags, with the names that they have in a unit and whether they take a mount namespace. */
static const struct flag {
	const char *name;
	size_t offset;
	bool mounts;
} flags[] = {
	{ "PrivateTmp", offsetof(struct sandbox, private_tmp), true },
	{ "PrivateDevices", offsetof(struct sandbox, private_devices), true },
	{ "ProtectClock", offsetof(struct sandbox, protect_clock), false },
	{ "ProtectKernelTunables", offsetof(struct sandbox, protect_kernel_tunables), true },
	{ "ProtectKernelModules", offsetof(struct sandbox, protect_kernel_modules), true },
	{ "ProtectKernelLogs", offsetof(struct sandbox, protect_kernel_logs), true },
	{ "ProtectControlGroups", offsetof(struct sandbox, protect_control_groups), true },
	{ "PrivateNetwork", offsetof(struct sandbox, private_network), false },
	{ "PrivateUsers", offsetof(struct sandbox, private_users), false },
	{ "PrivateMounts", offsetof(struct sandbox, private_mounts), true },
	{ "PrivateIPC", offsetof(struct sandbox, private_ipc), true }, /* a new /dev/mqueue */
	{ "ProtectHostname", offsetof(struct sandbox, protect_hostname), false },
};

/* What has words. */
static const char *next_word(const struct sandbox *s, size_t i)
{
	switch (i) {
	case 0:
		return s->protect_system ? "ProtectSystem" : NULL;
	case 1:
		return s->protect_home ? "ProtectHome" : NULL;
	case 2:
		return s->protect_proc ? "ProtectProc" : NULL;
	case 3:
		return s->proc_subset ? "ProcSubset" : NULL;
	default: /* MountFlags=shared alone asks for what is there anyway: systemd does as little */
		return s->mount_flags > MOUNT_FLAGS_SHARED ? "MountFlags" : NULL;
	}
}

#define N_WORDS 5

static const char *directive_at(const struct sandbox *s, size_t i)
{
	if (i < N_WORDS)
		return next_word(s, i);
	i -= N_WORDS;
	if (i >= ARRAY_SIZE(flags))
		return sandbox_list_name(s->paths[i - ARRAY_SIZE(flags)].list);
	return flags[i].mounts && *(const bool *)((const char *)s + flags[i].offset) ? flags[i].name
										     : NULL;
}

const char *sandbox_next_directive(const struct sandbox *s, size_t *i)
{
	while (*i < N_WORDS + ARRAY_SIZE(flags) + s->n_paths) {
		const char *directive = directive_at(s, (*i)++);

		if (directive)
			return directive;
	}
	return NULL;
}

bool sandbox_needs_mounts(const struct sandbox *s)
{
	size_t i = 0;

	return sandbox_next_directive(s, &i) != NULL;
}

void private_tmp_name(char name[static PRIVATE_TMP_NAME_MAX], const char *unit,
		      const struct host_facts *host, uint64_t run)
{
	snprintf(name, PRIVATE_TMP_NAME_MAX, "cgkill-private-%.32s-%.150s-%" PRIx64, host->boot_id,
		 unit, run);
}

/* ---- showing ---- */

static void show_list(const struct sandbox *s, enum sandbox_list list, struct showing *out)
{
	struct buf *b = &out->text;

	for (size_t i = 0; i < s->n_paths; i++) {
		const struct sandbox_path *p = &s->paths[i];

		if (p->list != list)
			continue;
		buf_printf(b, "%s%s%s", b->len > 0 ? " " : "", p->optional ? "-" : "",
			   p->in_root ? "+" : "");
		if (is_bind(list))
			buf_printf(b, "%s:%s:%s", p->source, p->path,
				   p->recursive ? "rbind" : "norbind");
		else
			buf_printf(b, "%s%s%s", p->path, p->options ? ":" : "",
				   p->options ? p->options : "");
	}
	show_gathered(out, sandbox_list_name(list));
}

void sandbox_show(const struct sandbox *s, struct showing *out)
{
	static const struct sandbox none;

	if (!s)
		s = &none;
	show_text(out, "ProtectSystem", protect_system_name(s->protect_system));
	show_text(out, "ProtectHome", protect_home_name(s->protect_home));
	show_text(out, "ProtectProc", protect_proc_name(s->protect_proc));
	show_text(out, "ProcSubset", proc_subset_name(s->proc_subset));
	show_text(out, "MountFlags", mount_flags_name(s->mount_flags));
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		show_bool(out, flags[i].name, *(const bool *)((const char *)s + flags[i].offset));
	show_text(out, "RootDirectory", s->root_directory);
	show_text(out, "NetworkNamespacePath", s->network_namespace);
	show_text(out, "IPCNamespacePath", s->ipc_namespace);
	for (enum sandbox_list list = 0; list < SANDBOX_LIST_MAX; list++)
		show_list(s, list, out);
}
