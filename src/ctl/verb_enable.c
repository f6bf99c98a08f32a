/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * enable, disable, reenable: the links that [Install] of units asks for.
 */
#include "core/wellknown.h"
#include "core/words.h"
#include "ctl/install.h"
#include "util/strv.h"

#define NO_RULES                                                                                 \
	"There is nothing to enable: the unit files have no WantedBy=, RequiredBy=, UpheldBy=, " \
	"Alias= or Also= in [Install]. Such a unit is there for others that want it."

/* The units named, and behind them what their Also= names. */
struct todo {
	struct words names;
	size_t named;
	bool keep_files; /* a link that says where the file of a unit is stays */
};

static void push(struct install *in, struct todo *todo, char *name)
{
	if (!name || strv_contains(todo->names.v, name))
		free(name);
	else if (words_push_take(&todo->names, name) < 0)
		install_fail(in, "Out of memory.");
}

static void push_also(struct install *in, struct todo *todo, const struct unit *u)
{
	for (size_t i = 0; u->also && u->also[i]; i++)
		push(in, todo, install_name(in, u->also[i]));
}

/* A file outside of the directories for units is linked into cgkill's. */
static bool link_file(struct install *in, const char *path, const char *name)
{
	cleanup_free char *dir = strndup(path, (size_t)(strrchr(path, '/') - path));

	if (access(path, R_OK) < 0) {
		install_fail(in, "Failed to enable %s: %m.", path);
		return false;
	}
	if (dir && !strv_contains(in->search_path, dir))
		install_link(in, in->dirs->own, name, path, in->ctl->options.force);
	return true;
}

static void read_args(struct install *in, char *const *args, struct todo *todo, bool link_files)
{
	*todo = (struct todo){ .names = WORDS_INIT };
	for (; *args; args++) {
		char *name = install_name(in, *args);

		if (name && **args == '/' && link_files && !link_file(in, *args, name))
			free(TAKE_PTR(name));
		push(in, todo, name);
	}
	todo->named = todo->names.n;
}

/* ---- enable ---- */

/* As a rule it is misspelt. */
static void warn_of_missing(struct install *in, const char *unit, const char *link)
{
	cleanup_free char *by = strndup(link, strcspn(link, "/"));

	if (!by || in->ctl->options.quiet)
		return;
	*strrchr(by, '.') = '\0'; /* .wants */
	if (!wellknown_find(by)) {
		cleanup_installed struct installed f = install_look_up(in, by, true);

		if (f.state == INSTALL_NOT_FOUND)
			complain("%s is to be started with %s, which does not exist.", unit, by);
	}
}

static void make_links(struct install *in, const struct unit *u)
{
	const char *dir = install_dir_for(in, u->fragment_path);
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_strv char **links = NULL;

	if (install_links(u, &links, &diags) < 0)
		install_fail(in, "Out of memory.");
	for (size_t i = 0; i < diags.n; i++)
		install_fail(in, "%s", diags.v[i].text);
	for (size_t i = 0; links && links[i]; i++) {
		/* Whither a wish leads has no meaning: one that is out of date is nobody else's. */
		bool wish = strchr(links[i], '/') != NULL;

		install_link(in, dir, links[i], u->fragment_path, wish || in->ctl->options.force);
		if (wish)
			warn_of_missing(in, u->name, links[i]);
	}
}

/* Has the unit anything to enable? One that cannot be had has been explained. */
static bool enable_one(struct install *in, struct todo *todo, size_t i)
{
	const char *name = todo->names.v[i];
	cleanup_installed struct installed f = install_look_up(in, name, false);

	if (f.unit) {
		make_links(in, f.unit);
		push_also(in, todo, f.unit);
		return f.unit->also || install_has_rules(f.unit);
	}
	if (f.state == INSTALL_BAD)
		return true;
	if (i >= todo->named && !in->ctl->options.quiet)
		complain("%s, which Also= names, %s: passed over.", name,
			 f.state == INSTALL_NOT_FOUND ? "does not exist" : "is masked");
	if (i >= todo->named)
		return true;
	if (f.state == INSTALL_NOT_FOUND)
		install_fail(in, "Failed to enable %s: there is no such unit file. \"cgkillctl list-unit-files\" shows which there are.",
			     name);
	else
		install_fail(in, "Failed to enable %s: it is masked. \"cgkillctl unmask %s\" undoes that.",
			     name, name);
	return true;
}

static void enable(struct install *in, char *const *args)
{
	struct todo todo;
	bool rules = false;

	read_args(in, args, &todo, true);
	for (size_t i = 0; i < todo.names.n; i++)
		rules |= enable_one(in, &todo, i);
	if (!rules && todo.names.n > 0 && !in->ctl->options.quiet)
		complain(NO_RULES);
	words_deinit(&todo.names);
}

/* ---- disable ---- */

/* All links of the units, also those that [Install] knows nothing of; gone: what was removed. */
static bool remove_links_once(struct install *in, const char *dir, const struct todo *todo,
			      struct words *gone)
{
	cleanup_strv char **links = NULL;
	size_t before = gone->n;
	int r = unitlinks_list(dir, &links);

	if (r < 0)
		install_fail(in, "Failed to read %s: %s.", dir, strerror(-r));
	for (size_t i = 0; links && links[i]; i++) {
		cleanup_free char *target = unitlinks_target(dir, links[i]);
		const char *slash = strrchr(links[i], '/');

		if (!target || streq(target, "/dev/null") ||
		    (todo->keep_files && strv_contains(todo->names.v, links[i])))
			continue;
		if (!install_link_is_of(todo->names.v, links[i], target) &&
		    !install_link_leads_to(gone->v, target))
			continue;
		install_unlink(in, dir, links[i]);
		if (words_push_take(gone, strdup(slash ? slash + 1 : links[i])) < 0)
			install_fail(in, "Out of memory.");
	}
	return gone->n > before && in->code == CGKILL_EXIT_OK;
}

/* A link to a link that was removed leads nowhere: it goes too. */
static void remove_links(struct install *in, const struct todo *todo)
{
	const char *const dirs[] = { in->dirs->own, in->dirs->systemd };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		cleanup_words struct words gone = WORDS_INIT;

		while (remove_links_once(in, dirs[i], todo, &gone))
			;
	}
}

/* What does not exist any more may have left links. */
static void disable(struct install *in, char *const *args, bool keep_files)
{
	struct todo todo;
	size_t missing = 0;

	read_args(in, args, &todo, false);
	todo.keep_files = keep_files;
	for (size_t i = 0; i < todo.names.n; i++) {
		cleanup_installed struct installed f = install_look_up(in, todo.names.v[i], true);

		missing += f.state == INSTALL_NOT_FOUND && i < todo.named;
		if (f.id)
			push(in, &todo, strdup(f.id));
		if (f.unit)
			push_also(in, &todo, f.unit);
	}
	remove_links(in, &todo);
	if (missing > 0 && missing == todo.named && json_array_size(in->changes) == 0)
		install_fail(in, "Failed to disable %s: there is no such unit file, nor a link to it.",
			     todo.names.v[0]);
	words_deinit(&todo.names);
}

/* ---- the verbs ---- */

int verb_enable(struct ctl *ctl, char **args)
{
	struct install in;
	int r = install_begin(&in, ctl);

	if (r > 0)
		return r;
	enable(&in, args + 1);
	return install_finish(&in, "start", args + 1);
}

int verb_disable(struct ctl *ctl, char **args)
{
	struct install in;
	int r = install_begin(&in, ctl);

	if (r > 0)
		return r;
	disable(&in, args + 1, false);
	return install_finish(&in, "stop", args + 1);
}

int verb_reenable(struct ctl *ctl, char **args)
{
	struct install in;
	int r = install_begin(&in, ctl);

	if (r > 0)
		return r;
	disable(&in, args + 1, true);
	if (in.code == CGKILL_EXIT_OK)
		enable(&in, args + 1);
	return install_finish(&in, "start", args + 1);
}
