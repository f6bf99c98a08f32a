/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/inotify.h>

#include "ctl/logdir.h"
#include "ctl/logview.h"
#include "ctl/manager.h"
#include "ctl/when.h"
#include "util/strv.h"

#define FOLLOW_LINES 10

/* ---- what is asked for ---- */

static int parse_form(const char *name, enum log_form *out)
{
	static const char *const names[LOG_FORM_MAX] = { "short", "cat", "json" };

	*out = LOG_FORM_SHORT;
	for (size_t i = 0; name && i < ARRAY_SIZE(names); i++)
		if (streq(names[i], name)) {
			*out = (enum log_form)i;
			return CGKILL_EXIT_OK;
		}
	if (!name)
		return CGKILL_EXIT_OK;
	complain("\"%s\" is not a value of --output=: short, cat or json.", name);
	return CGKILL_EXIT_USAGE;
}

static int parse_bound(const char *option, const char *text, usec_t *out)
{
	if (!text || parse_when(text, clock_realtime(), out) == 0)
		return CGKILL_EXIT_OK;
	complain("\"%s\" is not a value of %s: a time such as \"2026-01-31 12:00\", \"12:00\", "
		 "yesterday "
		 "or -5min.",
		 text, option);
	return CGKILL_EXIT_USAGE;
}

/* PRIORITY, with what is worse, or FROM..TO. */
static int parse_levels(char *const *values, int *min, int *max)
{
	const char *text = values ? values[strv_len(values) - 1] : "debug";
	const char *dots = strstr(text, "..");
	cleanup_free char *from = dots ? strndup(text, (size_t)(dots - text)) : strdup("emerg");
	int a = from ? logging_level(from) : -ENOMEM, b = logging_level(dots ? dots + 2 : text);

	if (a < 0 || b < 0) {
		complain("\"%s\" is not a value of --priority=: emerg, alert, crit, err, warning, "
			 "notice, info or debug, or 0 to 7, or two of them with \"..\" between "
			 "them.",
			 text);
		return CGKILL_EXIT_USAGE;
	}
	*min = MIN_OF(a, b);
	*max = MAX_OF(a, b);
	return CGKILL_EXIT_OK;
}

static int open_log_dir(const struct options *o, char **path)
{
	int fd = logdir_open(o, path);

	if (fd == -ENOKEY)
		complain("XDG_RUNTIME_DIR is not set: say with --runtime-dir where cgkilld is, or "
			 "--system for the one of the host.");
	else if (fd < 0)
		complain("Cannot read logs in %s: %s.", *path ? *path : "?", strerror(-fd));
	return fd;
}

static int push_unit(char ***units, const char *typed)
{
	char *name = NULL;

	if (asprintf(&name, "%s%s", typed, manager_wants_suffix(typed) ? ".service" : "") < 0)
		return -ENOMEM;
	return strv_push_take(units, name);
}

static bool is_log(const char *name, const char *suffix, size_t *stem)
{
	*stem = strlen(name) - MIN_OF(strlen(name), strlen(suffix));
	return *stem > 0 && ends_with(name, suffix);
}

/* All that have a log. */
static int list_units(int dir_fd, char ***units)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return -errno;
	for (const struct dirent *e; r == 0 && (e = readdir(dir));) {
		cleanup_free char *name = NULL;
		size_t n;

		if (is_log(e->d_name, ".log", &n) || is_log(e->d_name, ".raw", &n))
			name = strndup(e->d_name, n);
		if (name && !strv_contains(*units, name))
			r = strv_push(units, name);
	}
	closedir(dir);
	return r;
}

/* ---- reading ---- */

static int explain(int error, const char *unit)
{
	if (unit)
		complain("Cannot read the log of %s: %s.", unit, strerror(-error));
	return CGKILL_EXIT_FAILED;
}

/* Two a unit: what the logger has written, and what the service itself has, where there was none. */
static int open_readers(struct logview *v, int dir_fd, char *const *units, bool pieces)
{
	v->readers = calloc(2 * strv_len(units) + 1, sizeof(*v->readers));
	if (!v->readers)
		return -ENOMEM;
	for (size_t i = 0; units && i < 2 * strv_len(units); i++) {
		int r = logreader_init(&v->readers[v->n++], dir_fd, units[i / 2], i % 2 > 0);

		if (r < 0)
			return r;
		v->readers[i].pieces = pieces;
	}
	return 0;
}

/* To where the last lines begin: each unit's, and then so many are passed over that all of them together are no more. */
static int seek_last(struct logview *v, size_t lines)
{
	uint64_t found = 0;

	for (size_t i = 0; i < v->n; i++) {
		ssize_t n = logreader_seek_last(&v->readers[i], lines);

		if (n < 0)
			return explain((int)n, v->readers[i].unit);
		found += (uint64_t)n;
	}
	v->skip = found > lines ? found - lines : 0;
	return CGKILL_EXIT_OK;
}

/* Where which lines are the last ones is not known by their number from the end: they are counted first. */
static int count_first(struct logview *v, int dir_fd, char *const *units, size_t lines)
{
	const char *whose;
	int r;

	v->silent = true;
	r = logview_show(v, true, &whose);
	if (r < 0)
		return explain(r, whose);
	v->silent = false;
	v->skip = v->passed > lines ? v->passed - lines : 0;
	v->passed = 0;
	logview_deinit(v);
	r = open_readers(v, dir_fd, units, false);
	return r < 0 ? explain(r, "all units") : CGKILL_EXIT_OK;
}

static int skip_to_last(struct logview *v, const struct options *o, int dir_fd, char *const *units)
{
	size_t lines = o->has_lines ? o->lines : FOLLOW_LINES;

	if (!o->has_lines && !(o->force && v->since == 0))
		return CGKILL_EXIT_OK;
	if (v->until != USEC_INFINITY || v->form == LOG_FORM_CAT || v->since > 0 || o->properties)
		return count_first(v, dir_fd, units, lines);
	return seek_last(v, lines);
}

/* Told by inotify of anything in the directory; what was there before the watch is shown after it was made. */
static int follow(struct logview *v, int dir_fd)
{
	cleanup_close int fd = inotify_init1(IN_CLOEXEC);
	char path[64], events[4096];
	const char *whose;
	int r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir_fd);
	if (fd < 0 ||
	    inotify_add_watch(fd, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM) < 0) {
		complain("Cannot watch the directory of logs: %m.");
		return CGKILL_EXIT_FAILED;
	}
	while ((r = logview_show(v, false, &whose)) == 0) {
		if (fflush(stdout) != 0)
			return CGKILL_EXIT_FAILED;
		if (read(fd, events, sizeof(events)) < 0 && errno != EINTR)
			return CGKILL_EXIT_FAILED;
	}
	return r < 0 ? explain(r, whose) : CGKILL_EXIT_OK;
}

static int show_all(struct logview *v, const struct options *o, int dir_fd, char *const *units)
{
	const char *whose;
	int r = skip_to_last(v, o, dir_fd, units);

	if (r > 0)
		return r;
	if (o->force)
		return follow(v, dir_fd);
	r = logview_show(v, true, &whose);
	if (r >= 0 && v->reverse)
		r = logview_tell_backwards(v);
	return r < 0 ? explain(r, whose) : CGKILL_EXIT_OK;
}

/* A unit that has none is told of, and the others are shown. */
static int check_units(const struct logview *v, const char *dir, bool follow_it)
{
	int code = CGKILL_EXIT_OK;

	for (size_t i = 0; i < v->n; i += 2) {
		int r = logreader_exists(&v->readers[i]), raw = logreader_exists(&v->readers[i + 1]);

		if (r < 0)
			return explain(r, v->readers[i].unit);
		if (r > 0 || raw > 0 || follow_it)
			continue;
		complain("There is no log of %s in %s.", v->readers[i].unit, dir);
		code = CGKILL_EXIT_DENIED;
	}
	return code;
}

static int collect_units(const struct options *o, char **args, int dir_fd, char ***out)
{
	int r = 0;

	for (size_t i = 1; r == 0 && args[i]; i++)
		r = push_unit(out, args[i]);
	for (size_t i = 0; r == 0 && i < strv_len(o->units); i++)
		r = push_unit(out, o->units[i]);
	if (r == 0 && !*out)
		r = list_units(dir_fd, out);
	return r;
}

/* What there is to be said about how; the units come later. */
static int parse_view(struct logview *v, const struct options *o)
{
	int code = parse_form(o->output, &v->form);

	if (code == 0)
		code = parse_bound("--since=", o->since, &v->since);
	if (code == 0)
		code = parse_bound("--until=", o->until, &v->until);
	if (code == 0)
		code = parse_levels(o->properties, &v->level_min, &v->level_max);
	if (code == 0 && o->reverse && o->force) {
		complain("--reverse has no end to begin at with --follow.");
		code = CGKILL_EXIT_USAGE;
	}
	if (code == 0 && o->reverse) {
		v->reverse = true;
		v->out = tmpfile();
		if (!v->out) {
			complain("Cannot make a temporary file: %m.");
			code = CGKILL_EXIT_FAILED;
		}
	}
	return code;
}

int verb_logs(struct ctl *ctl, char **args)
{
	const struct options *o = &ctl->options;
	struct logview v = { .until = USEC_INFINITY,
			     .style = style_detect(),
			     .terminal = isatty(STDOUT_FILENO),
			     .out = stdout };
	cleanup_strv char **units = NULL;
	cleanup_close int dir_fd = -1;
	cleanup_free char *dir = NULL;
	int code = parse_view(&v, o), r;

	if (code > 0)
		return code;
	dir_fd = open_log_dir(o, &dir);
	if (dir_fd < 0)
		return CGKILL_EXIT_FAILED;
	r = collect_units(o, args, dir_fd, &units);
	if (r == 0)
		r = open_readers(&v, dir_fd, units,
				 v.form == LOG_FORM_CAT && !o->has_lines && !o->force &&
					 !o->reverse && !o->properties);
	if (r < 0) {
		complain("Cannot read logs in %s: %s.", dir, strerror(-r));
		code = CGKILL_EXIT_FAILED;
	}
	if (code == 0)
		code = check_units(&v, dir, o->force);
	if (code == 0 || code == CGKILL_EXIT_DENIED)
		code = exit_worse(code, show_all(&v, o, dir_fd, units));
	logview_deinit(&v);
	return code;
}
