/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/install.h"

#include <errno.h>

#include "util/strv.h"

static const struct {
	const char *key, *directory;
	size_t names; /* offset in struct unit */
} wishes[] = {
	{ "WantedBy", ".wants", offsetof(struct unit, wanted_by) },
	{ "RequiredBy", ".requires", offsetof(struct unit, required_by) },
	{ "UpheldBy", ".upholds", offsetof(struct unit, upheld_by) },
};

static char *const *wishes_of(const struct unit *u, size_t kind)
{
	return *(char *const *const *)((const char *)u + wishes[kind].names);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "foo@bar.service" is of "foo@.service". */
static bool is_instance_of(const char *name, const char *template)
{
	cleanup_free char *its = unit_name_template(name);

	return its && streq(its, template);
}

/* ---- the plan ---- */

static void refuse(struct diags *diags, const struct unit *u, const char *key, const char *value,
		   const char *why)
{
	diag_add(diags, DIAG_ERROR, u->fragment_path, 0,
		 "%s=%s in [Install] of %s is not acted on: %s", key, value, u->name, why);
}

enum shape { SHAPE_NONE, SHAPE_PLAIN, SHAPE_INSTANCE, SHAPE_TEMPLATE };

static enum shape shape_of(const char *name)
{
	if (unit_name_is_template(name))
		return SHAPE_TEMPLATE;
	if (!unit_name_valid(name))
		return SHAPE_NONE;
	return strchr(name, '@') ? SHAPE_INSTANCE : SHAPE_PLAIN;
}

/*
 * Why alias cannot be another name of the unit; NULL if it can. As systemd.unit(5), "Alias=", and
 * unit_validate_alias_symlink_or_warn() of systemd have it.
 */
static const char *alias_fault(const char *alias, const char *name)
{
	enum shape its = shape_of(alias), of = shape_of(name);

	if (its == SHAPE_NONE)
		return "this is no name of a unit.";
	if (!streq(strrchr(alias, '.'), strrchr(name, '.')))
		return "an alias must have the suffix of the unit.";
	if (its == SHAPE_INSTANCE && of == SHAPE_INSTANCE &&
	    !streq(strchr(alias, '@'), strchr(name, '@')))
		return "an alias of an instance must be of the same instance.";
	if (its != of && !(its == SHAPE_INSTANCE && of == SHAPE_TEMPLATE))
		return "a unit, an instance and a template can only be aliases of their like.";
	return NULL;
}

static int plan_alias(const struct unit *u, const char *alias, char ***links, struct diags *diags)
{
	cleanup_free char *template = unit_name_template(u->name), *of_instance = NULL;
	const char *fault;

	if (template && unit_name_is_template(alias)) { /* a template for all, an instance for one */
		const char *at = strchr(u->name, '@') + 1;
		cleanup_free char *instance = strndup(at, (size_t)(strrchr(at, '.') - at));

		of_instance = instance ? unit_name_instantiate(alias, instance) : NULL;
		if (!of_instance)
			return -ENOMEM;
		alias = of_instance;
	}
	fault = alias_fault(alias, u->name);
	if (!fault)
		return streq(alias, u->name) ? 0 : strv_push(links, alias);
	refuse(diags, u, "Alias", alias, fault);
	return 0;
}

/* name is what is wanted: the unit, or the default instance of a template. */
static int plan_wish(const struct unit *u, const char *name, size_t kind, const char *by,
		     char ***links, struct diags *diags)
{
	char *link;

	if (shape_of(by) == SHAPE_NONE) {
		refuse(diags, u, wishes[kind].key, by, "this is no name of a unit.");
		return 0;
	}
	if (unit_name_is_template(by) != unit_name_is_template(name)) {
		refuse(diags, u, wishes[kind].key, by,
		       unit_name_is_template(by)
			       ? "a template cannot want anything, only its instances can."
			       : "a template cannot be wanted: enable an instance of it.");
		return 0;
	}
	if (asprintf(&link, "%s%s/%s", by, wishes[kind].directory, name) < 0)
		return -ENOMEM;
	return strv_push_take(links, link);
}

int install_links(const struct unit *u, char ***links, struct diags *diags)
{
	bool by_default = unit_name_is_template(u->name) && u->default_instance;
	cleanup_free char *name =
		by_default ? unit_name_instantiate(u->name, u->default_instance) : strdup(u->name);
	cleanup_strv char **planned = NULL;
	int r = name ? 0 : -ENOMEM;

	if (name && shape_of(name) == SHAPE_NONE) {
		refuse(diags, u, "DefaultInstance", u->default_instance,
		       "this is no name of an instance.");
		return 0;
	}
	for (size_t i = 0; r == 0 && u->alias && u->alias[i]; i++)
		r = plan_alias(u, u->alias[i], &planned, diags);
	for (size_t kind = 0; kind < ARRAY_SIZE(wishes); kind++) {
		char *const *by = wishes_of(u, kind);

		for (size_t i = 0; r == 0 && by && by[i]; i++)
			r = plan_wish(u, name, kind, by[i], &planned, diags);
	}
	if (r == 0)
		*links = TAKE_PTR(planned);
	return r;
}

bool install_has_rules(const struct unit *u)
{
	for (size_t kind = 0; kind < ARRAY_SIZE(wishes); kind++)
		if (wishes_of(u, kind))
			return true;
	return u->alias != NULL;
}

/* ---- what there is ---- */

const char *install_state_name(enum install_state s)
{
	static const char *const names[INSTALL_STATE_MAX] = {
		[INSTALL_NOT_FOUND] = "not-found",
		[INSTALL_BAD] = "bad",
		[INSTALL_STATIC] = "static",
		[INSTALL_DISABLED] = "disabled",
		[INSTALL_INDIRECT] = "indirect",
		[INSTALL_LINKED_RUNTIME] = "linked-runtime",
		[INSTALL_LINKED] = "linked",
		[INSTALL_STATIC_INSTANCE] = "static",
		[INSTALL_ENABLED_RUNTIME] = "enabled-runtime",
		[INSTALL_ENABLED] = "enabled",
		[INSTALL_ALIAS] = "alias",
		[INSTALL_MASKED_RUNTIME] = "masked-runtime",
		[INSTALL_MASKED] = "masked",
	};

	return (size_t)s < ARRAY_SIZE(names) ? names[s] : NULL;
}

bool install_state_is_enabled(enum install_state s)
{
	static const bool enabled[INSTALL_STATE_MAX] = {
		[INSTALL_STATIC] = true,	  [INSTALL_INDIRECT] = true,
		[INSTALL_STATIC_INSTANCE] = true, [INSTALL_ENABLED_RUNTIME] = true,
		[INSTALL_ENABLED] = true,	  [INSTALL_ALIAS] = true,
	};

	return (size_t)s < ARRAY_SIZE(enabled) && enabled[s];
}

/* Would [Install] of u, or its name, give this name to a link? */
static bool is_known_name(const struct unit *u, const char *name)
{
	cleanup_free char *instance = NULL;

	if (streq(name, u->name) || strv_contains(u->alias, name))
		return true;
	if (unit_name_is_template(u->name) && u->default_instance)
		instance = unit_name_instantiate(u->name, u->default_instance);
	return instance && streq(name, instance);
}

/* As find_symlinks_in_scope() of systemd judges it; INSTALL_NOT_FOUND: nothing. */
static enum install_state state_by(const struct unit *u, const struct install_fact *f)
{
	const char *name = base_name(f->link);
	bool wish = name != f->link;

	if (wish ? !streq(name, u->name) && !is_instance_of(name, u->name)
		 : !streq(base_name(f->target), u->name))
		return INSTALL_NOT_FOUND;
	if (!wish && streq(name, u->name)) /* a link of the same name says where the file is */
		return f->place == INSTALL_BY_ADMIN	? INSTALL_LINKED
		       : f->place == INSTALL_UNTIL_BOOT ? INSTALL_LINKED_RUNTIME
							: INSTALL_NOT_FOUND;
	if (f->place == INSTALL_BY_PACKAGE)
		return strchr(u->name, '@') && !unit_name_is_template(u->name) ? INSTALL_STATIC_INSTANCE
									       : INSTALL_NOT_FOUND;
	if (!is_known_name(u, name))
		return INSTALL_INDIRECT;
	return f->place == INSTALL_BY_ADMIN ? INSTALL_ENABLED : INSTALL_ENABLED_RUNTIME;
}

enum install_state install_state_of(const struct unit *u, const struct install_fact *facts, size_t n)
{
	enum install_state state = install_has_rules(u) ? INSTALL_DISABLED
				   : u->also		? INSTALL_INDIRECT
							: INSTALL_STATIC;

	for (size_t i = 0; i < n; i++) {
		enum install_state by = state_by(u, &facts[i]);

		state = MAX_OF(state, by);
	}
	return state;
}

bool install_link_leads_to(char *const *names, const char *target)
{
	return strv_contains(names, base_name(target));
}

bool install_link_is_of(char *const *names, const char *link, const char *target)
{
	const char *name = base_name(link);

	if (install_link_leads_to(names, target))
		return true;
	for (; names && *names; names++)
		if (streq(name, *names) ||
		    (unit_name_is_template(*names) && is_instance_of(name, *names)))
			return true;
	return false;
}
