/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "core/directive.h"
#include "core/ignored.h"
#include "core/limit.h"
#include "core/resources.h"
#include "ctl/format.h"
#include "sys/cgfile.h"
#include "sys/host.h"
#include "util/compat.h"
#include "util/strv.h"

/* ---- reading ---- */

/* What can be asked for, by how it is read. */
static bool is_limit(const struct value_type *type)
{
	const struct value_type *const limits[] = { &value_resource, &value_cpus, &value_limit,
						    &value_nice_level, &value_oom_score_adjust };

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (type == limits[i])
			return true;
	return false;
}

/* Where to say it instead. */
static void explain_other(const char *name, bool is_known)
{
	static const struct {
		const char *name, *instead;
	} others[] = {
		{ "RuntimeMaxSec", "--runtime-max=" },
		{ "TimeoutStopSec", "--timeout-stop=" },
		{ "Slice", "--parent=" },
		{ "User", "setpriv(1) in front of the command" },
		{ "Group", "setpriv(1) in front of the command" },
		{ "Environment", "env(1) in front of the command" },
		{ "WorkingDirectory", "env(1) in front of the command" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (streq(name, others[i].name)) {
			complain("-p %s= is not for run: use %s.", name, others[i].instead);
			return;
		}
	complain(is_known ? "-p %s= is for services: write it into a unit file, and have cgkilld "
			    "start that."
			  : "-p %s= is nothing that is known: see \"run\" in cgkillctl(1).",
		 name);
}

static int out_of_memory(void)
{
	complain("Out of memory.");
	return -ENOMEM;
}

static int read_one(struct loading *l, const char *name, char *value)
{
	const struct value_type *type = directive_type("Service", name);

	if (!is_limit(type)) {
		explain_other(name, type || ignored_lookup("Service", name) != IGNORED_NOT_KNOWN);
		return -EINVAL;
	}
	if (directive_apply(l, "Service", name, value) < 0)
		return out_of_memory();
	if (l->diags->n == 0)
		return 0;
	complain("\"%s\" is not a value of -p %s=: see systemd.resource-control(5) and "
		 "systemd.exec(5).",
		 value, name);
	return -EINVAL;
}

static int read_property(struct loading *l, const char *property)
{
	cleanup_free char *name = strdup(property);
	char *value = name ? strchr(name, '=') : NULL;

	if (!name)
		return out_of_memory();
	if (!value) {
		complain("-p %s has no value: -p %s=VALUE.", name, name);
		return -EINVAL;
	}
	*value = '\0';
	return read_one(l, name, value + 1);
}

int limits_read(char *const *properties, struct limits *out)
{
	cleanup_unit struct unit *u = properties ? unit_new("run.service") : NULL;
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct host_facts host;
	struct loading l = { .unit = u, .host = &host, .diags = &diags };
	int r = 0;

	if (properties && (!u || host_facts_read(&host, false, "/run") < 0))
		return out_of_memory();
	for (size_t i = 0; r == 0 && properties && properties[i]; i++)
		r = read_property(&l, properties[i]);
	if (r == 0)
		*out = (struct limits){ .unit = TAKE_PTR(u) };
	return r;
}

/* ---- controllers ---- */

/*
 * 1: the controller is bound to cgroup v1; 0: it is none of this kernel's; 2: else. By /proc/cgroups, since libcgroup, which
 * cgkilld asks (sys/controllers.h), is too much for a client that is linked statically.
 */
static int version_of(const char *controller)
{
	cleanup_fclose FILE *f = fopen("/proc/cgroups", "re");
	const char *v1_name = controller_v1_name(controller);
	char line[128], name[32];
	int hierarchy, enabled;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%31s %d %*d %d", name, &hierarchy, &enabled) == 3 &&
		    streq(name, v1_name))
			return hierarchy > 0 ? 1 : enabled ? 2 : 0;
	return 2;
}

static void explain_missing(const struct cgkill_cgroup *parent, const struct resource_write *w, int error)
{
	const char *controller = controller_name(w->controller);
	cleanup_buf struct buf why = BUF_INIT;

	controller_put_missing(&why, controller, cgkill_path(parent), version_of(controller), error);
	if (error == -EBUSY)
		buf_puts(&why, ", or give run another one by --parent=");
	else if (error == -EPERM)
		buf_printf(&why, ": write '+%s' to its cgroup.subtree_control", controller);
	complain("-p %s= cannot be had: %s.", w->directive, why.data ? why.data : "out of memory");
}

/*
 * What has processes cannot pass controllers on, or its children become such that cannot have any: cgroup-v2.rst, "No Internal
 * Process Constraint" and "Threads". If those are we alone we live in a cgroup below until the end, as cgkilld does
 * (daemon/leaf.h).
 */
static int make_room(struct limits *l, const struct cgkill_cgroup *parent)
{
	char own[16], text[32];
	ssize_t n = cgfile_text(cgkill_fd(parent), "cgroup.procs", text, sizeof(text));
	int r;

	snprintf(own, sizeof(own), "%d\n", (int)getpid());
	if (n <= 0)
		return (int)n;
	if (!streq(text, own))
		return -EBUSY;
	r = cgkill_create(parent, "init.scope", &l->leaf);
	return r < 0 ? r : cgfile_write(cgkill_fd(l->leaf), "cgroup.procs", "0");
}

static void come_back(struct limits *l)
{
	cleanup_close int above = openat(cgkill_fd(l->leaf), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t n = 0;
	char text[32];

	/* Whoever is beside the leaf by now may be limited by them. */
	(void)!cgfile_key(above, "cgroup.stat", "nr_descendants", &n);
	for (enum controller c = 0; n == 1 && c < CONTROLLER_MAX; c++) {
		snprintf(text, sizeof(text), "-%s", controller_name(c));
		if (l->passed_on & (1U << c))
			(void)!cgfile_write(above, "cgroup.subtree_control", text);
	}
	(void)!cgfile_write(above, "cgroup.procs", "0");
	(void)!cgkill_remove(l->leaf);
	cgkill_close(l->leaf);
}

static bool has(int cgroup, const char *controller)
{
	char text[512], *rest = text, *word;

	if (cgfile_text(cgroup, "cgroup.controllers", text, sizeof(text)) < 0)
		return false;
	while ((word = strsep(&rest, " \n")))
		if (streq(word, controller))
			return true;
	return false;
}

/* The root of all cgroups, which alone has no type, is whoever's who set up the host. */
static int pass_on(struct limits *l, const struct cgkill_cgroup *parent, enum controller c)
{
	const int fd = cgkill_fd(parent);
	int r = !has(fd, controller_name(c))		    ? -ENODEV
		: faccessat(fd, "cgroup.type", F_OK, 0) < 0 ? -EPERM
							    : make_room(l, parent);

	if (r == 0)
		r = cgfile_pass_on(fd, controller_name(c));
	if (r == 0)
		l->passed_on |= 1U << c;
	return r;
}

/* ---- the cgroup ---- */

struct target {
	struct limits *limits;
	const struct cgkill_cgroup *parent, *cg;
};

/* Its file is there when its controller is. */
static int write_one(const struct resource_write *w, void *arg)
{
	const struct target *t = arg;
	int r = cgfile_write(cgkill_fd(t->cg), w->file, w->value);

	if (r == -ENOENT) {
		r = pass_on(t->limits, t->parent, w->controller);
		if (r < 0) {
			explain_missing(t->parent, w, r);
			return r;
		}
		r = cgfile_write(cgkill_fd(t->cg), w->file, w->value);
	}
	if (r < 0)
		complain("-p %s= cannot be had: cannot write '%s' to %s/%s: %s.", w->directive,
			 w->value, cgkill_path(t->cg), w->file,
			 r == -ENOENT ? "this kernel has no such file" : strerror(-r));
	return r;
}

int limits_set(struct limits *l, const struct cgkill_cgroup *parent, const struct cgkill_cgroup *cg)
{
	struct target t = { l, parent, cg };

	if (!l->unit || !l->unit->resources)
		return 0;
	return resources_each_write(l->unit->resources, NULL, write_one, &t);
}

void limits_deinit(struct limits *l)
{
	if (l->leaf)
		come_back(l);
	unit_free(l->unit);
}

/* ---- the process ---- */

static int refused(const char *prefix, const char *name)
{
	complain("-p %s%s= cannot be had: %m.", prefix, name);
	return -ECANCELED;
}

static int set_process_limits(const struct limit *limits)
{
	for (int i = 0; limits && i < RLIM_NLIMITS; i++) {
		const struct rlimit wanted = { limits[i].soft, limits[i].hard };

		if (limits[i].set && setrlimit((__rlimit_resource_t)i, &wanted) < 0)
			return refused("Limit", limit_name(i));
	}
	return 0;
}

static int set_oom_score(int score)
{
	cleanup_close int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	return fd < 0 || dprintf(fd, "%d", score) < 0 ? -1 : 0;
}

int limits_take_on(void *limits)
{
	const struct unit *u = ((const struct limits *)limits)->unit;

	if (u->nice_set && setpriority(PRIO_PROCESS, 0, u->nice) < 0)
		return refused("", "Nice");
	if (u->oom_score_adjust_set && set_oom_score(u->oom_score_adjust) < 0)
		return refused("", "OOMScoreAdjust");
	return set_process_limits(u->limits);
}
