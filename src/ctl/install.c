/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/install.h"

#include <errno.h>
#include <stdarg.h>

#include "core/load.h"
#include "ctl/manager.h"
#include "sys/host.h"
#include "sys/unitdir.h"
#include "util/strv.h"

/* ---- begin and end ---- */

void install_fail(struct install *in, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	complain("%s", text ? text : "Out of memory.");
	in->code = exit_worse(in->code, CGKILL_EXIT_FAILED);
}

static bool is_user(const struct options *o)
{
	return o->scope == SCOPE_USER || (o->scope == SCOPE_UNSET && geteuid() != 0 && !o->root);
}

/* Inside, every absolute path and link means what it will mean there. */
static int enter_root(const char *root)
{
	if (!root || (chroot(root) == 0 && chdir("/") == 0))
		return CGKILL_EXIT_OK;
	complain("Cannot enter %s: %s.%s", root, strerror(errno),
		 errno == EPERM ? " --root= needs root." : "");
	return CGKILL_EXIT_FAILED;
}

int install_begin(struct install *in, struct ctl *ctl)
{
	const struct options *o = &ctl->options;
	bool user = is_user(o);
	int r;

	*in = (struct install){ .ctl = ctl };
	if (o->root && o->now) {
		complain("--now is about units that run, and with --root= there are none.");
		return CGKILL_EXIT_USAGE;
	}
	if (enter_root(o->root) != CGKILL_EXIT_OK)
		return CGKILL_EXIT_FAILED;
	in->search_path = unitdir_search_path(NULL, user);
	in->changes = json_array();
	in->dirs = o->runtime ? &in->fleeting : &in->lasting;
	r = unitlinks_dirs(user, false, &in->lasting);
	if (r == 0)
		r = unitlinks_dirs(user, true, &in->fleeting);
	if (r == 0)
		r = host_facts_read(&in->host, user, user ? getenv("XDG_RUNTIME_DIR") : "/run");
	if (!in->host.runtime_dir) /* %t of a user without a session has no meaning */
		in->host.runtime_dir = "";
	if (in->search_path && in->changes && r == 0 && in->dirs->own && in->dirs->systemd)
		return CGKILL_EXIT_OK;
	if (r == 0 && in->search_path && in->changes)
		complain("%s is not set: where the unit files of the user are is not known.",
			 o->runtime ? "XDG_RUNTIME_DIR" : "HOME");
	else
		complain("%s.", strerror(r < 0 ? -r : ENOMEM));
	in->code = CGKILL_EXIT_FAILED;
	return install_end(in);
}

int install_end(struct install *in)
{
	unitlinks_dirs_deinit(&in->lasting);
	unitlinks_dirs_deinit(&in->fleeting);
	strv_free(in->search_path);
	json_decref(in->changes);
	return in->code;
}

/* Is the verb only half done without cgkilld? Then it complains if that does not run. */
static int tell_manager(struct ctl *ctl, bool needed)
{
	cleanup_json json_t *reply = NULL;

	if (ctl->options.no_reload || ctl->options.root || (!needed && !manager_is_running(ctl)))
		return CGKILL_EXIT_OK;
	return manager_call(ctl, "DaemonReload", json_object(), &reply);
}

/* A template has no processes, and is passed over. */
static int run_job(struct install *in, const char *job, char *const *args)
{
	cleanup_strv char **words = NULL;
	int r = strv_push(&words, job);

	for (; r == 0 && *args; args++) {
		cleanup_free char *name = install_name(in, *args);

		if (name && unit_name_valid(name))
			r = strv_push(&words, name);
	}
	if (r < 0) {
		complain("Out of memory.");
		return CGKILL_EXIT_FAILED;
	}
	return words[1] ? verb_job(in->ctl, words) : CGKILL_EXIT_OK;
}

int install_finish(struct install *in, const char *job, char *const *args)
{
	const struct options *o = &in->ctl->options;
	cleanup_json json_t *reply = json_pack("{s:O}", "changes", in->changes);

	if (reply)
		manager_print_json(in->ctl, reply);
	if (json_array_size(in->changes) > 0 || o->now)
		in->code = exit_worse(in->code, tell_manager(in->ctl, o->now));
	if (o->now && job && in->code == CGKILL_EXIT_OK)
		in->code = run_job(in, job, args);
	return install_end(in);
}

/* ---- names and files ---- */

char *install_name(struct install *in, const char *arg)
{
	const char *base = strrchr(arg, '/');
	char *name = NULL;

	base = *arg == '/' ? base + 1 : arg; /* only an absolute path is one */
	if (asprintf(&name, "%s%s", base, manager_wants_suffix(base) ? ".service" : "") < 0) {
		install_fail(in, "Out of memory.");
		return NULL;
	}
	if (unit_name_valid(name) || unit_name_is_template(name))
		return name;
	install_fail(in, "\"%s\" is not the name of a unit%s.", arg,
		     strchr(base, '/') ? ", and a path has to be absolute" : "");
	free(name);
	return NULL;
}

static void tell_diags(struct install *in, const struct diags *diags)
{
	for (size_t i = 0; i < diags->n; i++) {
		cleanup_free char *text = diag_format(&diags->v[i]);

		if (diags->v[i].level == DIAG_ERROR)
			install_fail(in, "%s", text ? text : "Out of memory.");
		else if (text && !in->ctl->options.quiet)
			complain("%s", text);
	}
}

static int read_install(struct install *in, const char *name, const struct unit_files *files,
			struct unit **out, struct diags *diags)
{
	struct unit_text *texts = calloc(files->n + 1, sizeof(*texts));
	int r;

	if (!texts)
		return -ENOMEM;
	for (size_t i = 0; i < files->n; i++)
		texts[i] = (struct unit_text){ files->v[i].path, files->v[i].data, files->v[i].len };
	r = unit_load_install(out, name, texts, files->n, &in->host, diags);
	free(texts);
	return r;
}

static bool has_link(const struct unitlinks_dirs *dirs, const char *link)
{
	cleanup_free char *own = dirs->own ? unitlinks_target(dirs->own, link) : NULL;
	cleanup_free char *systemd = dirs->systemd ? unitlinks_target(dirs->systemd, link) : NULL;

	return own || systemd;
}

/* What a package masks is masked for good, too. */
static enum install_state mask_state(const struct install *in, const char *name)
{
	return has_link(&in->fleeting, name) && !has_link(&in->lasting, name) ? INSTALL_MASKED_RUNTIME
									      : INSTALL_MASKED;
}

struct installed install_look_up(struct install *in, const char *name, bool quietly)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct unit_files files = { .v = NULL };
	struct installed f = { .state = INSTALL_BAD };
	int r = unitdir_read(in->search_path, name, &files, &diags);

	if (r == 0)
		f.id = TAKE_PTR(files.id);
	if (r == 0 && files.masked)
		f.state = mask_state(in, name);
	else if (r == -ENOENT || (r == 0 && !files.has_fragment))
		f.state = INSTALL_NOT_FOUND;
	else if (r == 0)
		r = read_install(in, f.id, &files, &f.unit, &diags);
	if (f.unit)
		f.state = INSTALL_STATIC;
	unit_files_deinit(&files);
	if (!quietly)
		tell_diags(in, &diags);
	if (r < 0 && r != -ENOENT && (r != -EBADMSG || diags.errors == 0))
		install_fail(in, "%s: %s.", name, strerror(-r));
	return f;
}

void installed_deinit(struct installed *f)
{
	free(f->id);
	unit_free(f->unit);
}

/* ---- changes ---- */

const char *install_dir_for(const struct install *in, const char *fragment_path)
{
	cleanup_free char *dir = fragment_path ? strdup(fragment_path) : NULL;
	char *slash = dir ? strrchr(dir, '/') : NULL;

	if (!slash)
		return in->dirs->systemd;
	*slash = '\0';
	return ends_with(dir, "/systemd/system") || ends_with(dir, "/systemd/user") ? in->dirs->systemd
										    : in->dirs->own;
}

static const char *root_of(const struct install *in)
{
	return in->ctl->options.root ? in->ctl->options.root : "";
}

/* target NULL: removed. */
static void tell_change(struct install *in, const char *dir, const char *link, const char *target)
{
	const char *root = root_of(in);
	json_t *change = target ? json_pack("{s:s, s:s++, s:s}", "change", "symlink", "file", dir,
					    "/", link, "target", target)
				: json_pack("{s:s, s:s++}", "change", "unlink", "file", dir, "/", link);

	if (json_array_append_new(in->changes, change) < 0)
		install_fail(in, "Out of memory.");
	if (in->ctl->options.quiet || in->ctl->options.json != JSON_OFF)
		return;
	if (target)
		printf("Created symlink %s%s/%s → %s.\n", root, dir, link, target);
	else
		printf("Removed \"%s%s/%s\".\n", root, dir, link);
}

void install_link(struct install *in, const char *dir, const char *link, const char *target, bool force)
{
	cleanup_free char *found = NULL;
	int r = unitlinks_make(dir, link, target, force);

	if (r > 0)
		tell_change(in, dir, link, target);
	if (r >= 0)
		return;
	found = unitlinks_target(dir, link);
	if (r == -EEXIST && found)
		install_fail(in, "Failed to create symlink %s%s/%s → %s: it exists and points to %s. Use --force to replace it.",
			     root_of(in), dir, link, target, found);
	else if (r == -EEXIST)
		install_fail(in, "Failed to create symlink %s%s/%s → %s: a file of this name exists. Move it away first.",
			     root_of(in), dir, link, target);
	else
		install_fail(in, "Failed to create symlink %s%s/%s → %s: %s.", root_of(in), dir,
			     link, target, strerror(-r));
}

void install_unlink(struct install *in, const char *dir, const char *link)
{
	int r = unitlinks_remove(dir, link);

	if (r < 0)
		install_fail(in, "Failed to remove %s%s/%s: %s.", root_of(in), dir, link, strerror(-r));
	else
		tell_change(in, dir, link, NULL);
}

/* ---- states ---- */

static bool is_one_of(const struct unitlinks_dirs *dirs, const char *dir)
{
	return (dirs->own && streq(dir, dirs->own)) || (dirs->systemd && streq(dir, dirs->systemd));
}

static enum install_place place_of(const struct install *in, const char *dir)
{
	return is_one_of(&in->lasting, dir) || after_prefix(dir, "/etc/")    ? INSTALL_BY_ADMIN
	       : is_one_of(&in->fleeting, dir) || after_prefix(dir, "/run/") ? INSTALL_UNTIL_BOOT
									     : INSTALL_BY_PACKAGE;
}

static int push_fact(struct install_facts *facts, struct install_fact fact)
{
	if (facts->n == facts->cap) {
		size_t cap = facts->cap ? 2 * facts->cap : 64;
		struct install_fact *grown = reallocarray(facts->v, cap, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		facts->v = grown;
		facts->cap = cap;
	}
	facts->v[facts->n++] = fact;
	return 0;
}

static int read_facts(const struct install *in, const char *dir, struct install_facts *facts)
{
	cleanup_strv char **links = NULL;
	int r = unitlinks_list(dir, &links);

	for (size_t n = strv_len(links); r == 0 && n > 0; n--) {
		cleanup_free char *link = TAKE_PTR(links[n - 1]); /* from the end: it stays a strv */
		cleanup_free char *target = unitlinks_target(dir, link);

		if (!target) /* it is gone again */
			continue;
		r = push_fact(facts, (struct install_fact){ place_of(in, dir), link, target });
		if (r == 0)
			link = target = NULL;
	}
	return r;
}

void install_facts_read(struct install *in, struct install_facts *facts)
{
	*facts = (struct install_facts){ .v = NULL };
	for (size_t i = 0; in->search_path[i]; i++) {
		int r = read_facts(in, in->search_path[i], facts);

		if (r < 0)
			install_fail(in, "Failed to read %s%s: %s.", root_of(in),
				     in->search_path[i], strerror(-r));
	}
}

void install_facts_deinit(struct install_facts *facts)
{
	for (size_t i = 0; i < facts->n; i++) {
		free(facts->v[i].link);
		free(facts->v[i].target);
	}
	free(facts->v);
}

enum install_state install_state(struct install *in, const char *name, const struct install_facts *facts)
{
	cleanup_installed struct installed f = install_look_up(in, name, true);
	bool instance = strchr(name, '@') && !unit_name_is_template(name);

	if (!f.unit)
		return f.state;
	if (!streq(f.id, name) && !instance)
		return INSTALL_ALIAS;
	return install_state_of(f.unit, facts->v, facts->n);
}

void install_push_state(struct install *in, json_t *units, const char *name, enum install_state state)
{
	json_t *unit = json_pack("{s:s, s:s}", "unit", name, "state", install_state_name(state));

	if (json_array_append_new(units, unit) < 0)
		install_fail(in, "Out of memory.");
}
