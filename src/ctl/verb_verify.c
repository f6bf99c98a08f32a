/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * verify: reads unit files, and those of the units that they pull in, and has them checked by core/lint.h. No cgkilld is
 * asked, and nothing is changed.
 */
#include <errno.h>
#include <sys/stat.h>

#include "core/defaults.h"
#include "core/lint.h"
#include "core/wellknown.h"
#include "ctl/manager.h"
#include "sys/host.h"
#include "sys/unitdir.h"
#include "util/strv.h"

/* A name and the unit behind it, as far as there is one. */
struct reading {
	char *name;
	enum lint_role role;
	bool exists;
	struct unit_files files;
	struct diags diags;
	struct assignments where;
	struct unit *unit;	 /* NULL: there is none, or it cannot be used */
	struct reading *same_as; /* the name is an alias of that one's */
};

struct verification {
	char **search_path;
	struct host_facts host;
	struct reading **v; /* they keep their addresses while more are added */
	size_t n;
	struct findings findings;
};

static void reading_free(struct reading *r)
{
	if (!r)
		return;
	free(r->name);
	unit_files_deinit(&r->files);
	diags_deinit(&r->diags);
	assignments_deinit(&r->where);
	unit_free(r->unit);
	free(r);
}

static void verification_deinit(struct verification *v)
{
	for (size_t i = 0; i < v->n; i++)
		reading_free(v->v[i]);
	free(v->v);
	strv_free(v->search_path);
	findings_deinit(&v->findings);
}

static struct reading *add_reading(struct verification *v, const char *name, enum lint_role role)
{
	struct reading *r = calloc(1, sizeof(*r)), **grown;

	if (!r || !(r->name = strdup(name)))
		goto fail;
	grown = reallocarray(v->v, v->n + 1, sizeof(*grown));
	if (!grown)
		goto fail;
	r->role = role;
	v->v = grown;
	v->v[v->n++] = r;
	return r;
fail:
	reading_free(r);
	return NULL;
}

/* --- one unit ---------------------------------------------------------------------------------- */

static int parse(struct verification *v, struct reading *r, const struct unit_text *texts, size_t n)
{
	int e = assignments_read(&r->where, texts, n);

	if (e == 0)
		e = unit_load(&r->unit, r->name, texts, n, &v->host, &r->diags);
	if (e == 0)
		e = defaults_add(r->unit);
	return e == -EBADMSG ? 0 : e;
}

static int parse_files(struct verification *v, struct reading *r)
{
	struct unit_text *texts = calloc(r->files.n + 1, sizeof(*texts));
	int e;

	if (!texts)
		return -ENOMEM;
	for (size_t i = 0; i < r->files.n; i++)
		texts[i] = (struct unit_text){ r->files.v[i].path, r->files.v[i].data,
					       r->files.v[i].len };
	e = parse(v, r, texts, r->files.n);
	free(texts);
	return e;
}

/* A target that every host has, with a file or without one. */
static int parse_wellknown(struct verification *v, struct reading *r)
{
	const struct wellknown *known = wellknown_find(r->name);

	if (!known)
		return 0;
	r->exists = true;
	return known->text
		       ? parse(v, r, &(struct unit_text){ r->name, known->text, strlen(known->text) }, 1)
		       : 0;
}

static int read_name(struct verification *v, const char *name, enum lint_role role,
		     struct reading **out) must_check;

/* 0, or -ENOMEM: what is wrong with the files is in r->diags. */
static int read_files(struct verification *v, struct reading *r)
{
	int e = unitdir_read(v->search_path, r->name, &r->files, &r->diags);

	if (e == -ENOENT || (e == 0 && !r->files.has_fragment && !r->files.masked))
		return parse_wellknown(v, r);
	r->exists = e != -ENOMEM;
	if (e < 0)
		return e == -EBADMSG ? 0 : e;
	if (r->files.masked)
		return 0;
	return streq(r->files.id, r->name) ? parse_files(v, r)
					   : read_name(v, r->files.id, r->role, &r->same_as);
}

/* Those that a start of the unit pulls in, and those that only have to be there: systemd.unit(5). */
static const struct {
	enum dependency dep;
	enum lint_role role;
} mentions[] = {
	{ DEP_REQUIRES, LINT_PULLED },	    { DEP_WANTS, LINT_PULLED },
	{ DEP_BINDS_TO, LINT_PULLED },	    { DEP_UPHOLDS, LINT_PULLED },
	{ DEP_REQUISITE, LINT_MENTIONED },  { DEP_ON_FAILURE, LINT_MENTIONED },
	{ DEP_ON_SUCCESS, LINT_MENTIONED },
};

static int read_mentioned(struct verification *v, const struct reading *r)
{
	struct reading *other;
	int e = 0;

	for (size_t i = 0; r->unit && i < ARRAY_SIZE(mentions); i++) {
		char **names = r->unit->deps[mentions[i].dep];

		for (size_t j = 0; e == 0 && names && names[j]; j++)
			if (unit_kind_of(names[j]) != UNIT_KIND_INVALID)
				e = read_name(v, names[j], mentions[i].role, &other);
	}
	return e;
}

/*
 * Of those that are read already none is read again, but what is only mentioned may turn out to be pulled in. 0 or -ENOMEM.
 */
static int read_name(struct verification *v, const char *name, enum lint_role role, struct reading **out)
{
	struct reading *r = NULL;
	int e = 0;

	for (size_t i = 0; i < v->n; i++)
		if (streq(v->v[i]->name, name))
			r = v->v[i];
	if (!r) {
		r = add_reading(v, name, role);
		e = r ? read_files(v, r) : -ENOMEM;
	} else if (r->role <= role) {
		*out = r;
		return 0;
	}
	if (e < 0)
		return e;
	r->role = role;
	*out = r;
	return role == LINT_MENTIONED ? 0 : read_mentioned(v, r);
}

/* --- what was asked for ------------------------------------------------------------------------ */

/* "foo@.service" is verified as an instance of it, as systemd-analyze(1) does. */
static char *unit_name_of(const char *file)
{
	const char *suffix = strrchr(file, '.');
	char *name;

	if (!suffix)
		return asprintf(&name, "%s.service", file) < 0 ? NULL : name;
	if (suffix == file || suffix[-1] != '@')
		return strdup(file);
	return asprintf(&name, "%.*si%s", (int)(suffix - file), file, suffix) < 0 ? NULL : name;
}

/* The directory of a file is looked in first, for what the file pulls in, too. */
static int push_directory(char ***dirs, const char *arg)
{
	const char *slash = strrchr(arg, '/');
	cleanup_free char *dir = NULL;

	if (!slash)
		return access(arg, F_OK) == 0 && !strv_contains(*dirs, ".") ? strv_push(dirs, ".") : 0;
	dir = strndup(arg, slash == arg ? 1 : (size_t)(slash - arg));
	if (!dir)
		return -ENOMEM;
	return strv_contains(*dirs, dir) ? 0 : strv_push_take(dirs, TAKE_PTR(dir));
}

static int find_directories(struct verification *v, const struct options *o, char *const *args)
{
	bool user = o->scope == SCOPE_USER;
	cleanup_strv char **rest = unitdir_search_path(o->unit_path, user);
	int e = rest ? host_facts_read(&v->host, user, "/run") : -ENOMEM;

	for (size_t i = 0; e == 0 && args[i]; i++)
		e = push_directory(&v->search_path, args[i]);
	for (size_t i = 0; e == 0 && rest[i]; i++)
		e = strv_push(&v->search_path, rest[i]);
	return e;
}

/* A file is found by its name: of two with the same the one in the first directory. */
static bool is_hidden(const struct reading *r, const char *arg)
{
	struct stat wanted, found;

	return !r->same_as && r->files.n > 0 && stat(arg, &wanted) == 0 &&
	       stat(r->files.v[0].path, &found) == 0 &&
	       (wanted.st_dev != found.st_dev || wanted.st_ino != found.st_ino);
}

/* The exit code, with what failed explained. */
static int read_argument(struct verification *v, const char *arg)
{
	const char *slash = strrchr(arg, '/');
	cleanup_free char *name = unit_name_of(slash ? slash + 1 : arg);
	struct reading *r;

	if (!name || !unit_name_valid(name) || unit_kind_of(name) == UNIT_KIND_INVALID) {
		complain("%s is not the name of a service or target.", arg);
		return CGKILL_EXIT_USAGE;
	}
	if (slash && access(arg, R_OK) < 0) {
		complain("%s: %m.", arg);
		return CGKILL_EXIT_USAGE;
	}
	if (read_name(v, name, LINT_GIVEN, &r) < 0) {
		complain("Out of memory.");
		return CGKILL_EXIT_FAILED;
	}
	if (!r->exists) {
		complain("Unit %s not found.", name);
		return CGKILL_EXIT_USAGE;
	}
	if (slash && is_hidden(r, arg)) {
		complain("%s is not verified together with %s, which has the same name.", arg,
			 r->files.v[0].path);
		return CGKILL_EXIT_USAGE;
	}
	return CGKILL_EXIT_OK;
}

/* --- checking ---------------------------------------------------------------------------------- */

/* What only root may look at is not judged. */
static int look_at_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == EACCES ? 0 : -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return st.st_mode & 0111 ? 0 : -EACCES;
}

/* A bare name is looked up on a fixed path: systemd.service(5), "COMMAND LINES". */
static int find_program(const char *path)
{
	static const char *const dirs[] = { "/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
					    "/usr/bin",	       "/sbin",		 "/bin" };

	if (*path == '/')
		return look_at_program(path);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		cleanup_free char *full = NULL;

		if (asprintf(&full, "%s/%s", dirs[i], path) < 0)
			return -(errno = ENOMEM);
		if (look_at_program(full) == 0)
			return 0;
	}
	return -ENOENT;
}

/* The unit whose [Install] gives it this name, once it is enabled. */
static const struct reading *find_alias(const struct verification *v, const char *name)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->v[i]->unit && strv_contains(v->v[i]->unit->alias, name))
			return v->v[i];
	return NULL;
}

/* Whose unit the name means: its own, or that of which it is an alias. */
static const struct reading *resolve(const struct verification *v, const struct reading *r)
{
	const struct reading *alias = r->exists ? r->same_as : find_alias(v, r->name);

	return alias ? alias : r;
}

static void check(struct verification *v, const struct options *o)
{
	struct lint_name *names = calloc(v->n + 1, sizeof(*names));
	size_t n = 0;

	if (!names)
		v->findings.failed = true;
	for (size_t i = 0; names && i < v->n; i++) {
		const struct reading *r = v->v[i], *unit = resolve(v, r);
		const struct lint_subject subject = { unit->unit, &unit->where, &v->host, o->budget,
						      find_program };

		if (r->role == LINT_GIVEN)
			lint_diags(&r->diags, r->name, &r->where, &v->findings);
		if (r->role == LINT_GIVEN && r->unit)
			lint_unit(&subject, &v->findings);
		if (unit->unit || !r->exists) /* what is masked or broken is there, and says nothing */
			names[n++] = (struct lint_name){ r->name, unit->unit, &unit->where, r->role };
	}
	if (names)
		lint_units(names, n, &v->findings);
	free(names);
	findings_sort(&v->findings);
}

/* --- telling ----------------------------------------------------------------------------------- */

static void print_finding(const struct style *s, const struct finding *f)
{
	static const enum colour colours[SEVERITY_MAX] = {
		[SEVERITY_HINT] = COLOUR_BLUE, [SEVERITY_WARNING] = COLOUR_YELLOW, [SEVERITY_ERROR] = COLOUR_RED
	};

	print_printable(stdout, f->file);
	if (f->line > 0)
		printf(":%u", f->line);
	printf(": %s%s%s: ", style_colour(s, colours[f->rule->severity]),
	       severity_name(f->rule->severity), style_colour(s, COLOUR_PLAIN));
	print_printable(stdout, f->text);
	printf(" [%s]\n    %s\n", f->rule->id, f->rule->remedy);
}

static json_t *finding_to_json(const struct finding *f)
{
	return json_pack("{s:s, s:I, s:s, s:s, s:s, s:s}", "file", f->file, "line",
			 (json_int_t)f->line, "severity", severity_name(f->rule->severity), "id",
			 f->rule->id, "text", f->text, "remedy", f->rule->remedy);
}

/* Those that count for the exit code; with --quiet no others are printed. */
static size_t print_findings(struct ctl *ctl, const struct findings *found)
{
	cleanup_json json_t *list = json_array();
	size_t counting = 0;

	for (size_t i = 0; i < found->n; i++) {
		const struct finding *f = &found->v[i];

		if (f->rule->severity >= ctl->options.severity)
			counting++;
		else if (ctl->options.quiet)
			continue;
		if (ctl->options.json == JSON_OFF)
			print_finding(&ctl->style, f);
		else
			json_array_append_new(list, finding_to_json(f));
	}
	manager_print_json(ctl, list);
	return counting;
}

/* Findings are told on standard output, with exit code 1; what could not be read counts more. */
int verb_verify(struct ctl *ctl, char **args)
{
	struct verification v = { .findings = FINDINGS_INIT };
	int code = CGKILL_EXIT_OK;

	ctl->style = style_detect();
	if (find_directories(&v, &ctl->options, args + 1) < 0)
		v.findings.failed = true;
	for (size_t i = 1; !v.findings.failed && args[i]; i++) {
		int r = read_argument(&v, args[i]);

		code = r > code ? r : code;
	}
	check(&v, &ctl->options);
	if (print_findings(ctl, &v.findings) > 0 && code == CGKILL_EXIT_OK)
		code = CGKILL_EXIT_FAILED;
	if (v.findings.failed) {
		complain("Out of memory.");
		code = CGKILL_EXIT_FAILED;
	}
	verification_deinit(&v);
	return code;
}
