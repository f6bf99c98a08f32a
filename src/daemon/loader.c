/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the files of a unit to the unit of a service: supervised_load().
 */
#include <errno.h>

#include "core/defaults.h"
#include "core/initwords.h"
#include "core/resources.h"
#include "core/wellknown.h"
#include "daemon/check.h"
#include "daemon/manager.h"
#include "daemon/resources.h"
#include "daemon/supervisor.h"
#include "sys/unitdir.h"
#include "util/log.h"
#include "util/strv.h"

/* What this version accepts and does not act on yet, said once per load. */
static void warn_of_type(const struct unit *u, struct diags *diags)
{
	if (u->type == SERVICE_DBUS)
		diag_add(diags, DIAG_WARNING, u->fragment_path, 0,
			 "Type=dbus: started when its program is executed; its bus name is not "
			 "waited for");
}

/* Sockets, mounts and the like are taken for active: what cannot do without them should be told so. */
static void warn_of_kinds(const struct unit *u, struct diags *diags)
{
	static const enum dependency strong[] = { DEP_REQUIRES, DEP_REQUISITE, DEP_BINDS_TO };

	for (size_t i = 0; i < ARRAY_SIZE(strong); i++)
		for (char **name = u->deps[strong[i]]; name && *name; name++)
			if (unit_kind_of(*name) == UNIT_KIND_INVALID)
				diag_add(diags, DIAG_WARNING, u->fragment_path,
					 0, "%s=%s: there are no units of this kind here, it is taken for active.",
					 dependency_name(strong[i]), *name);
}

/* What NAME.wants, NAME.requires or NAME.upholds says, as if it stood in the unit. */
static int add_links(struct unit *u, char *const *path, const char *suffix, enum dependency dep,
		     struct diags *diags)
{
	cleanup_strv char **names = NULL;
	int r = unitdir_links(path, u->name, suffix, &names, diags);

	for (size_t i = 0; r == 0 && names && names[i]; i++) {
		if (!unit_name_valid(names[i]))
			diag_add(diags, DIAG_WARNING, u->fragment_path, 0,
				 "'%s' in %s%s is no name of a unit, ignoring.", names[i], u->name,
				 suffix);
		else if (!strv_contains(u->deps[dep], names[i]))
			r = strv_push(&u->deps[dep], names[i]);
	}
	return r;
}

/* The files, or in place of a fragment that there is not the text that is built in. */
static struct unit_text *gather_texts(const struct unit_files *files,
				      const struct wellknown *built_in, size_t *n)
{
	struct unit_text *texts = calloc(files->n + 2, sizeof(*texts));

	*n = 0;
	if (!texts)
		return NULL;
	if (built_in)
		texts[(*n)++] =
			(struct unit_text){ "built in", built_in->text, strlen(built_in->text) };
	for (size_t i = 0; i < files->n; i++)
		texts[(*n)++] =
			(struct unit_text){ files->v[i].path, files->v[i].data, files->v[i].len };
	return texts;
}

/* Who wants to be protected, or not to run, has to know what to take out of the unit. */
static int refuse_unprotected(const struct manager *m, const struct unit *u, struct diags *diags)
{
	size_t n = m->strict || u->require_protections ? diags->n : 0, errors = diags->errors;

	for (size_t i = 0; i < n; i++) {
		const struct diag *d = &diags->v[i];
		const char *name = d->unprotected;

		if (!name && d->id && streq(d->id, "unprotected"))
			name = d->text;
		if (name)
			diag_add_id(diags, DIAG_ERROR, "refused", d->file,
				    d->line, "%.*s= is not %s, and %s allows for no unit that runs without. Refusing.",
				    (int)strcspn(name, "="), name,
				    d->unprotected ? "understood as it is written" : "supported",
				    m->strict ? "--strict" : "RequireProtections=yes");
	}
	return diags->errors > errors ? -EBADMSG : 0;
}

/* built_in: NULL where there is a fragment. */
static int parse(struct supervised *sv, const struct unit_files *files,
		 const struct wellknown *built_in, struct unit **out, struct diags *diags)
{
	const struct wellknown *known = wellknown_find(supervised_name(sv));
	const struct manager *m = sv->manager;
	char *const *path = known && known->ours ? m->admin_unit_path : m->unit_path;
	cleanup_unit struct unit *u = NULL;
	size_t n;
	struct unit_text *texts = gather_texts(files, built_in, &n);
	int r;

	if (!texts)
		return -ENOMEM;
	r = unit_load(&u, supervised_name(sv), texts, n, &m->host, diags);
	free(texts);
	if (r == 0)
		r = refuse_unprotected(m, u, diags);
	if (r == 0 && built_in)
		free(TAKE_PTR(u->fragment_path));
	if (r == 0)
		r = add_links(u, path, ".wants", DEP_WANTS, diags);
	if (r == 0)
		r = add_links(u, path, ".requires", DEP_REQUIRES, diags);
	if (r == 0)
		r = add_links(u, path, ".upholds", DEP_UPHOLDS, diags);
	if (r == 0)
		r = defaults_add(u);
	if (r < 0)
		return r;
	warn_of_type(u, diags);
	warn_of_kinds(u, diags);
	*out = TAKE_PTR(u);
	return 0;
}

static void keep_diags(struct supervised *sv, const struct diags *diags)
{
	strv_free(TAKE_PTR(sv->warnings));
	free(TAKE_PTR(sv->load_error));
	for (size_t i = 0; i < diags->n; i++) {
		cleanup_free char *text = diag_format(&diags->v[i]);

		if (!text)
			continue;
		log_at(diags->v[i].level == DIAG_ERROR ? LOG_ERROR_ : LOG_WARNING_, "%s", text);
		if (diags->v[i].level == DIAG_ERROR && !sv->load_error)
			sv->load_error = TAKE_PTR(text);
		else
			(void)!strv_push(&sv->warnings, text);
	}
}

/* The new unit takes the place of the old one, in whatever state the service is. */
static void exchange(struct supervised *sv, struct unit *u)
{
	struct unit *before = sv->unit;

	sv->unit = u;
	sv->machine.unit = u;
	resources_reloaded(sv, before->resources);
	unit_free(before);
	if (sv->machine.state == STATE_CHECK)
		check_start(sv); /* who looks has the list of before */
}

static void note_alias(struct supervised *sv, const char *id)
{
	free(TAKE_PTR(sv->alias_of));
	if (id && !streq(id, supervised_name(sv)))
		sv->alias_of = strdup(id);
}

/* The command of --init is no file's, and no file's of that name counts. */
static bool is_command(const struct supervised *sv)
{
	return sv->manager->command && streq(supervised_name(sv), INIT_COMMAND_UNIT);
}

/* A slice needs no file: systemd.slice(5). */
static const struct wellknown any_slice = { .text = "[Unit]\nDefaultDependencies=no\n" };

int supervised_load(struct supervised *sv)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	const struct wellknown *known =
		is_command(sv) ? &init_command_unit : wellknown_find(supervised_name(sv));
	const struct manager *m = sv->manager;
	struct unit_files files = { 0 };
	struct unit *u = NULL;
	bool missing;
	int r;

	r = is_command(sv) ? -ENOENT
			   : unitdir_read(known && known->ours ? m->own_unit_path : m->unit_path,
					  supervised_name(sv), &files, &diags);
	missing = r == -ENOENT || (r == 0 && !files.has_fragment && !files.masked);
	if (r == 0 && files.has_fragment)
		r = parse(sv, &files, NULL, &u, &diags);
	else if (missing && known && known->text)
		r = parse(sv, &files, known, &u, &diags);
	else if (missing && slice_name_valid(supervised_name(sv)))
		r = parse(sv, &files, &any_slice, &u, &diags);
	if (r == 0 && u && is_command(sv))
		r = init_command_set(u, m->command, m->umask, m->shutdown_budget);
	if (r == -ENOMEM)
		goto finish;
	keep_diags(sv, &diags);
	sv->load_state = u		? LOAD_LOADED
			 : files.masked ? LOAD_MASKED
			 : missing	? LOAD_NOT_FOUND
					: LOAD_ERROR;
	if (u)
		exchange(sv, u);
	note_alias(sv, missing && known ? known->alias_of : files.id);
	r = 0;
finish:
	unit_files_deinit(&files);
	return r;
}
