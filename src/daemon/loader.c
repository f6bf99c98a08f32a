/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the files of a unit to the unit of a service: supervised_load().
 */
#include <errno.h>

#include "daemon/manager.h"
#include "daemon/supervisor.h"
#include "sys/unitdir.h"
#include "util/log.h"
#include "util/strv.h"

/* What this version accepts and does not act on yet, said once per load. */
static void warn_of_type(const struct unit *u, struct diags *diags)
{
	static const char *const texts[SERVICE_TYPE_MAX] = {
		[SERVICE_FORKING] = "Type=forking: the main process is not tracked; the service is "
				    "its whole cgroup",
		[SERVICE_NOTIFY] = "Type=notify: started when its program is executed; readiness "
				   "is not waited for",
		[SERVICE_NOTIFY_RELOAD] = "Type=notify-reload: started when its program is "
					  "executed; readiness is not waited for",
		[SERVICE_DBUS] = "Type=dbus: started when its program is executed; its bus name is "
				 "not waited for",
		[SERVICE_IDLE] = "Type=idle: started without delay, as Type=simple",
	};

	if (texts[u->type])
		diag_add(diags, DIAG_WARNING, u->fragment_path, 0, "%s", texts[u->type]);
}

static int parse(struct supervised *sv, const struct unit_files *files, struct unit **out,
		 struct diags *diags)
{
	const char *name = supervised_name(sv);
	struct unit_text *texts = calloc(files->n + 1, sizeof(*texts));
	int r;

	if (!texts)
		return -ENOMEM;
	for (size_t i = 0; i < files->n; i++)
		texts[i] = (struct unit_text){ files->v[i].path, files->v[i].data, files->v[i].len };
	r = unit_load(out, name, texts, files->n, &sv->manager->host, diags);
	free(texts);
	if (r == 0)
		warn_of_type(*out, diags);
	return r;
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
	unit_free(sv->unit);
	sv->unit = u;
	sv->machine.unit = u;
}

int supervised_load(struct supervised *sv)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct unit_files files = { 0 };
	struct unit *u = NULL;
	int r;

	r = unitdir_read(sv->manager->unit_path, supervised_name(sv), &files, &diags);
	if (r == 0 && !files.masked && files.has_fragment)
		r = parse(sv, &files, &u, &diags);
	if (r == -ENOMEM)
		goto finish;
	keep_diags(sv, &diags);
	sv->load_state = files.masked	       ? LOAD_MASKED
			 : r == -ENOENT	       ? LOAD_NOT_FOUND
			 : r < 0	       ? LOAD_ERROR
			 : !files.has_fragment ? LOAD_NOT_FOUND
					       : LOAD_LOADED;
	if (u)
		exchange(sv, u);
	free(TAKE_PTR(sv->alias_of));
	if (r == 0 && files.id && !streq(files.id, supervised_name(sv)))
		sv->alias_of = TAKE_PTR(files.id);
	r = 0;
finish:
	unit_files_deinit(&files);
	return r;
}
