/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/mountplan.h"

#include <errno.h>
#include <sys/mount.h>

#include "core/credentials.h"
#include "core/directories.h"
#include "core/sandbox.h"
#include "util/buf.h"

/* ---- what systemd's words stand for: src/core/namespace.c of systemd 252 ---- */

struct place {
	const char *path;
	enum mount_kind kind;
	enum mount_access access;
	const char *options;
};

#define READ_ONLY(path)                                    \
	{                                                  \
		path, MOUNT_ITSELF, ACCESS_READ_ONLY, NULL \
	}
#define READ_WRITE(path)                                    \
	{                                                   \
		path, MOUNT_ITSELF, ACCESS_READ_WRITE, NULL \
	}
#define INACCESSIBLE(path)                                      \
	{                                                       \
		path, MOUNT_INACCESSIBLE, ACCESS_AS_IT_IS, NULL \
	}
#define EMPTY(path, mode)                                         \
	{                                                         \
		path, MOUNT_TMPFS, ACCESS_READ_ONLY, "mode=" mode \
	}

/* Where /usr is not merged, its other half. */
static const struct place system_yes[] = {
	READ_ONLY("/usr"),   READ_ONLY("/boot"),   READ_ONLY("/efi"),
	READ_ONLY("/lib"),   READ_ONLY("/lib64"),  READ_ONLY("/bin"),
	READ_ONLY("/lib32"), READ_ONLY("/libx32"), READ_ONLY("/sbin"),
};
static const struct place system_full[] = { READ_ONLY("/etc") };
static const struct place system_strict[] = {
	READ_ONLY("/"),	     READ_WRITE("/proc"),     READ_WRITE("/sys"),  READ_WRITE("/dev"),
	READ_WRITE("/home"), READ_WRITE("/run/user"), READ_WRITE("/root"),
};
static const struct place home_yes[] = { INACCESSIBLE("/home"), INACCESSIBLE("/run/user"),
					 INACCESSIBLE("/root") };
static const struct place home_read_only[] = { READ_ONLY("/home"), READ_ONLY("/run/user"),
					       READ_ONLY("/root") };
static const struct place home_tmpfs[] = { EMPTY("/home", "0755"), EMPTY("/run/user", "0755"),
					   EMPTY("/root", "0700") };
/* systemd leaves these out where ProcSubset=pid does. */
static const struct place tunables_proc[] = {
	READ_ONLY("/proc/acpi"),
	READ_ONLY("/proc/apm"),
	READ_ONLY("/proc/asound"),
	READ_ONLY("/proc/bus"),
	READ_ONLY("/proc/fs"),
	READ_ONLY("/proc/irq"),
	INACCESSIBLE("/proc/kallsyms"),
	INACCESSIBLE("/proc/kcore"),
	READ_ONLY("/proc/latency_stats"),
	READ_ONLY("/proc/mtrr"),
	READ_ONLY("/proc/scsi"),
	READ_ONLY("/proc/sys"),
	READ_ONLY("/proc/sysrq-trigger"),
	READ_ONLY("/proc/timer_stats"),
};
static const struct place tunables_sys[] = {
	READ_ONLY("/sys"),
	READ_ONLY("/sys/fs/bpf"),
	READ_WRITE("/sys/fs/cgroup"),
	READ_WRITE("/sys/fs/selinux"),
	READ_ONLY("/sys/kernel/debug"),
	READ_ONLY("/sys/kernel/tracing"),
};
static const struct place modules[] = { INACCESSIBLE("/lib/modules"),
					INACCESSIBLE("/usr/lib/modules") };
static const struct place logs_proc[] = { INACCESSIBLE("/proc/kmsg") };
static const struct place logs_dev[] = { INACCESSIBLE("/dev/kmsg") };
static const struct place control_groups[] = { READ_ONLY("/sys/fs/cgroup") };
static const struct place devices[] = { { "/dev", MOUNT_DEV, ACCESS_READ_ONLY, NULL } };
static const struct place queues[] = { { "/dev/mqueue", MOUNT_MQUEUE, ACCESS_READ_WRITE, NULL } };

/* ---- steps ---- */

static void clear_step(struct mount_step *s)
{
	free(s->path);
	free(s->source);
	free(s->options);
	close_fd(s->tree);
}

void mount_plan_deinit(struct mount_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		clear_step(&p->v[i]);
	free(p->v);
	*p = (struct mount_plan)MOUNT_PLAN_INIT;
}

void mount_plan_drop(struct mount_plan *p, size_t i)
{
	clear_step(&p->v[i]);
	memmove(&p->v[i], &p->v[i + 1], (--p->n - i) * sizeof(p->v[0]));
}

/* s with copies of these; source and options may be NULL. */
static int add(struct mount_plan *p, const char *path, const char *source, const char *options,
	       struct mount_step s)
{
	struct mount_step *grown = reallocarray(p->v, p->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	p->v = grown;
	s.tree = -1;
	s.path = strdup(path);
	s.source = source ? strdup(source) : NULL;
	s.options = options ? strdup(options) : NULL;
	grown[p->n++] = s;
	return s.path ? 0 : -ENOMEM;
}

static int add_places(struct mount_plan *p, const struct place *v, size_t n, const char *directive)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = add(p, v[i].path, NULL, v[i].options,
			(struct mount_step){ .kind = v[i].kind,
					     .access = v[i].access,
					     .flags = MS_NODEV | MS_NOSUID | MS_STRICTATIME,
					     .directive = directive,
					     .optional = true,
					     .top_only = v[i].kind == MOUNT_DEV });
	return r;
}

static int add_flags(struct mount_plan *p, const struct sandbox *s)
{
#define PLACES(array) (array), ARRAY_SIZE(array)
	const struct {
		bool set;
		const struct place *v;
		size_t n;
		const char *directive;
	} groups[] = {
		{ s->protect_system == PROTECT_SYSTEM_YES || s->protect_system == PROTECT_SYSTEM_FULL,
		  PLACES(system_yes), "ProtectSystem=" },
		{ s->protect_system == PROTECT_SYSTEM_FULL, PLACES(system_full), "ProtectSystem=full" },
		{ s->protect_system == PROTECT_SYSTEM_STRICT, PLACES(system_strict),
		  "ProtectSystem=strict" },
		{ s->protect_home == PROTECT_HOME_YES, PLACES(home_yes), "ProtectHome=yes" },
		{ s->protect_home == PROTECT_HOME_READ_ONLY, PLACES(home_read_only),
		  "ProtectHome=read-only" },
		{ s->protect_home == PROTECT_HOME_TMPFS, PLACES(home_tmpfs), "ProtectHome=tmpfs" },
		{ s->protect_kernel_tunables && s->proc_subset == PROC_SUBSET_ALL,
		  PLACES(tunables_proc), "ProtectKernelTunables=" },
		{ s->protect_kernel_tunables, PLACES(tunables_sys), "ProtectKernelTunables=" },
		{ s->protect_kernel_modules, PLACES(modules), "ProtectKernelModules=" },
		{ s->protect_kernel_logs && s->proc_subset == PROC_SUBSET_ALL, PLACES(logs_proc),
		  "ProtectKernelLogs=" },
		{ s->protect_kernel_logs && !s->private_devices, PLACES(logs_dev), "ProtectKernelLogs=" },
		{ s->protect_control_groups, PLACES(control_groups), "ProtectControlGroups=" },
		{ s->private_devices, PLACES(devices), "PrivateDevices=" },
		{ s->private_ipc || s->ipc_namespace, PLACES(queues), "PrivateIPC=" },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(groups); i++)
		if (groups[i].set)
			r = add_places(p, groups[i].v, groups[i].n, groups[i].directive);
	return r;
}

static int add_proc(struct mount_plan *p, const struct sandbox *s)
{
	char options[64];

	if (s->protect_proc == PROTECT_PROC_DEFAULT && s->proc_subset == PROC_SUBSET_ALL)
		return 0;
	snprintf(options, sizeof(options), "%s%s%s%s", s->protect_proc ? "hidepid=" : "",
		 s->protect_proc ? protect_proc_name(s->protect_proc) : "",
		 s->protect_proc && s->proc_subset ? "," : "", s->proc_subset ? "subset=pid" : "");
	return add(p, "/proc", NULL, options,
		   (struct mount_step){ .kind = MOUNT_PROC,
					.directive = s->protect_proc ? "ProtectProc=" : "ProcSubset=",
					.optional = true });
}

/* ---- the lists ---- */

/* What mount(2) takes as a flag and not as text: ro is a matter of access. */
static int read_options(struct mount_step *s, const char *text, struct buf *rest)
{
	static const struct {
		const char *word;
		unsigned long set, clear;
	} words[] = {
		{ "rw", 0, 0 },		  { "nosuid", MS_NOSUID, 0 },
		{ "suid", 0, MS_NOSUID }, { "nodev", MS_NODEV, 0 },
		{ "dev", 0, MS_NODEV },	  { "noexec", MS_NOEXEC, 0 },
		{ "exec", 0, MS_NOEXEC }, { "noatime", MS_NOATIME, MS_STRICTATIME },
	};

	s->flags = MS_NODEV | MS_STRICTATIME;
	buf_puts(rest, "mode=0755,size=10%,nr_inodes=1m");
	while (text && *text) {
		size_t len = strcspn(text, ","), i = 0;

		while (i < ARRAY_SIZE(words) &&
		       (strlen(words[i].word) != len || strncmp(words[i].word, text, len) != 0))
			i++;
		if (len == 2 && strncmp(text, "ro", 2) == 0)
			s->access = ACCESS_READ_ONLY;
		else if (i < ARRAY_SIZE(words))
			s->flags = (s->flags | words[i].set) & ~words[i].clear;
		else if (len > 0)
			buf_printf(rest, ",%.*s", (int)len, text);
		text += len + (text[len] == ',');
	}
	return buf_error(rest);
}

static int add_tmpfs(struct mount_plan *p, const struct sandbox_path *path)
{
	struct mount_step s = { .kind = MOUNT_TMPFS,
				.access = ACCESS_READ_WRITE,
				.directive = "TemporaryFileSystem=",
				.makes_path = true,
				.insist = true };
	cleanup_buf struct buf options = BUF_INIT;
	int r = read_options(&s, path->options, &options);

	return r < 0 ? r : add(p, path->path, NULL, options.data, s);
}

static int add_bind(struct mount_plan *p, const struct sandbox_path *path)
{
	bool read_only = path->list == SANDBOX_BIND_READ_ONLY;

	return add(p, path->path, path->source, NULL,
		   (struct mount_step){ .kind = MOUNT_BIND,
					.access = read_only ? ACCESS_READ_ONLY : ACCESS_READ_WRITE,
					.directive = sandbox_list_name(path->list),
					.optional = path->optional,
					.recursive = path->recursive,
					.makes_path = true,
					.insist = true });
}

/* Where it is below the root directory; NULL: nowhere. Without '+' paths are the host's. */
static const char *in_root(const struct sandbox *s, const struct sandbox_path *path)
{
	const char *rest;

	if (!s->root_directory || path->in_root)
		return path->path;
	rest = path_below(path->path, s->root_directory);
	return rest && !*rest ? "/" : rest;
}

static int add_access(struct mount_plan *p, const struct sandbox *s, const struct sandbox_path *path)
{
	const char *place = in_root(s, path);
	enum sandbox_list list = path->list;

	if (!place)
		return 0;
	return add(p, place, NULL, NULL,
		   (struct mount_step){ .kind = list == SANDBOX_INACCESSIBLE ? MOUNT_INACCESSIBLE
									     : MOUNT_ITSELF,
					.access = list == SANDBOX_READ_ONLY    ? ACCESS_READ_ONLY
						  : list == SANDBOX_READ_WRITE ? ACCESS_READ_WRITE
									       : ACCESS_AS_IT_IS,
					.exec = list == SANDBOX_NO_EXEC ? EXEC_NO
						: list == SANDBOX_EXEC	? EXEC_YES
									: EXEC_AS_IT_IS,
					.directive = sandbox_list_name(list),
					.optional = path->optional });
}

static int add_path(struct mount_plan *p, const struct sandbox *s, const struct sandbox_path *path)
{
	switch (path->list) {
	case SANDBOX_TMPFS:
		return add_tmpfs(p, path);
	case SANDBOX_BIND:
	case SANDBOX_BIND_READ_ONLY:
		return add_bind(p, path);
	case SANDBOX_READ_WRITE:
	case SANDBOX_READ_ONLY:
	case SANDBOX_INACCESSIBLE:
	case SANDBOX_EXEC:
	case SANDBOX_NO_EXEC:
	case SANDBOX_LIST_MAX:
		break;
	}
	return add_access(p, s, path);
}

/* ---- the rest ---- */

/* A service may write to its own directories, and has them below its root, too: systemd.exec(5), RuntimeDirectory=. */
static int add_directories(struct mount_plan *p, const struct unit *u, const struct host_facts *host)
{
	bool moved = u->sandbox->root_directory;
	int r = 0;

	for (enum directory_kind k = 0; u->directories && r == 0 && k < DIRECTORY_KIND_MAX; k++) {
		const struct directory_list *list = &u->directories->of[k];

		for (size_t i = 0; r == 0 && i < list->n && k != DIRECTORY_CONFIGURATION; i++) {
			cleanup_free char *path = NULL;

			if (asprintf(&path, "%s/%s", directory_kind_base(k, host), list->v[i].path) < 0)
				return -ENOMEM;
			r = add(p, path, moved ? path : NULL, NULL,
				(struct mount_step){ .kind = moved ? MOUNT_BIND : MOUNT_ITSELF,
						     .access = ACCESS_READ_WRITE,
						     .directive = directory_kind_name(k),
						     .recursive = moved,
						     .makes_path = moved,
						     .insist = moved });
		}
	}
	return r;
}

/* Its own alone, and in a root of its own, too. */
static int add_credentials(struct mount_plan *p, const struct unit *u, const struct host_facts *host)
{
	const struct mount_step own = { .kind = MOUNT_BIND,
					.access = ACCESS_READ_ONLY,
					.directive = "LoadCredential=",
					.makes_path = true,
					.insist = true };
	struct mount_step all = own;
	cleanup_free char *base = NULL, *path = NULL;
	int r;

	if (!u->credentials)
		return 0;
	if (asprintf(&base, "%s/" CREDENTIALS_BASE, host->runtime_dir) < 0 ||
	    asprintf(&path, "%s/%s", base, u->name) < 0)
		return -ENOMEM;
	all.kind = MOUNT_TMPFS;
	all.flags = MS_NODEV | MS_NOSUID | MS_NOEXEC;
	r = add(p, base, NULL, "mode=0755", all);
	return r < 0 ? r : add(p, path, path, NULL, own);
}

static int add_tmp(struct mount_plan *p, const char *path, const char *source)
{
	if (!source)
		return 0;
	return add(p, path, source, NULL,
		   (struct mount_step){ .kind = MOUNT_BIND,
					.access = ACCESS_READ_WRITE,
					.directive = "PrivateTmp=",
					.makes_path = true });
}

/* The directory and not the socket: the next cgkilld may have to make another one. */
static int add_notify(struct mount_plan *p, const struct unit *u, const char *dir)
{
	bool hidden = u->sandbox->root_directory;

	for (size_t i = 0; dir && i < p->n; i++)
		if ((p->v[i].kind == MOUNT_BIND || p->v[i].kind == MOUNT_TMPFS) &&
		    path_below(dir, p->v[i].path))
			hidden = true;
	if (!hidden || !dir)
		return 0;
	return add(p, dir, dir, NULL,
		   (struct mount_step){ .kind = MOUNT_BIND,
					.access = ACCESS_READ_ONLY,
					.directive = "NotifyAccess=",
					.optional = true,
					.makes_path = true,
					.insist = u->type == SERVICE_NOTIFY ||
						  u->type == SERVICE_NOTIFY_RELOAD });
}

int mount_plan_make(struct mount_plan *p, const struct unit *u, const struct host_facts *host,
		    const struct private_tmp *tmp, const char *notify_dir)
{
	const struct sandbox *s = u->sandbox;
	int r = add_flags(p, s);

	if (r == 0)
		r = add_proc(p, s);
	if (r == 0)
		r = add_tmp(p, "/tmp", tmp->tmp);
	if (r == 0)
		r = add_tmp(p, "/var/tmp", tmp->var_tmp);
	if (r == 0)
		r = add_directories(p, u, host);
	if (r == 0)
		r = add_credentials(p, u, host);
	for (size_t i = 0; r == 0 && i < s->n_paths; i++)
		r = add_path(p, s, &s->paths[i]);
	return r < 0 ? r : add_notify(p, u, notify_dir);
}

/* ---- the order ---- */

const char *path_below(const char *path, const char *top)
{
	const char *rest;

	if (streq(top, "/"))
		return streq(path, "/") ? "" : path;
	rest = after_prefix(path, top);
	return rest && (*rest == '\0' || *rest == '/') ? rest : NULL;
}

/* By component: what is below a path follows it at once. */
static int compare_paths(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (*a == '/' ? 1 : (unsigned char)*a) - (*b == '/' ? 1 : (unsigned char)*b);
}

static int compare_steps(const void *a, const void *b)
{
	const struct mount_step *x = a, *y = b;
	int order = compare_paths(x->path, y->path);

	return order ? order : (int)x->kind - (int)y->kind;
}

static bool is_hidden(const struct mount_plan *p, size_t i)
{
	for (size_t above = 0; above < i; above++)
		if (p->v[above].kind == MOUNT_INACCESSIBLE && path_below(p->v[i].path, p->v[above].path))
			return true;
	return false;
}

/* What only adds to the step before it, at the same path, becomes a part of that. */
static bool is_absorbed(struct mount_plan *p, size_t i)
{
	const struct mount_step *s = &p->v[i];
	struct mount_step *before = s > p->v ? &p->v[i - 1] : NULL;

	if (!before || s->kind != MOUNT_ITSELF || !streq(s->path, before->path))
		return false;
	if (s->access > before->access) {
		before->access = s->access;
		before->directive = s->directive;
	}
	before->exec = before->exec > s->exec ? before->exec : s->exec;
	before->top_only = before->top_only && s->access != ACCESS_READ_ONLY;
	before->optional = before->optional && s->optional;
	return true;
}

/* What the steps before it say of its path already. A rule on exec has to reach what another one has reached before. */
static bool is_idle(const struct mount_plan *p, size_t i)
{
	const struct mount_step *s = &p->v[i];
	const struct mount_plan above = { p->v, i };
	enum mount_access access = mount_plan_access(&above, s->path, NULL);

	return s->kind == MOUNT_ITSELF && s->exec == EXEC_AS_IT_IS &&
	       (access == ACCESS_READ_ONLY) == (s->access == ACCESS_READ_ONLY);
}

const struct mount_step *mount_plan_cover(const struct mount_plan *p, size_t i)
{
	const struct mount_step *found = NULL;

	for (size_t j = 0; j < p->n; j++) {
		const struct mount_step *s = &p->v[j];
		const char *rest = s->kind == MOUNT_BIND || s->kind == MOUNT_TMPFS
					   ? path_below(p->v[i].path, s->path)
					   : NULL;

		if (rest && *rest && (!found || path_below(found->path, s->path)))
			found = s;
	}
	return p->v[i].kind == MOUNT_INACCESSIBLE ? NULL : found;
}

void mount_plan_settle(struct mount_plan *p)
{
	if (p->n == 0)
		return;
	qsort(p->v, p->n, sizeof(p->v[0]), compare_steps);
	for (size_t i = 1; i < p->n;)
		if (is_hidden(p, i) || is_absorbed(p, i))
			mount_plan_drop(p, i);
		else
			i++;
	for (size_t i = 0; i < p->n;)
		if (is_idle(p, i))
			mount_plan_drop(p, i);
		else
			i++;
}

/* The steps are in the order of their paths, so that the last that fits is the most specific. */
enum mount_access mount_plan_access(const struct mount_plan *p, const char *path, const char **directive)
{
	enum mount_access access = ACCESS_AS_IT_IS;

	for (size_t i = 0; i < p->n; i++) {
		const struct mount_step *s = &p->v[i];
		const char *rest = s->access == ACCESS_AS_IT_IS ? NULL : path_below(path, s->path);

		if (!rest)
			continue;
		access = *rest && s->top_only ? ACCESS_READ_WRITE : s->access;
		if (directive)
			*directive = s->directive;
	}
	return access;
}

enum mount_exec mount_plan_exec(const struct mount_plan *p, const char *path)
{
	enum mount_exec exec = EXEC_AS_IT_IS;

	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].exec != EXEC_AS_IT_IS && path_below(path, p->v[i].path))
			exec = p->v[i].exec;
	return exec;
}
