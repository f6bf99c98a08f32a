/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/unitdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "util/buf.h"
#include "util/strv.h"

/* Links from one unit name to another; systemd's limit. */
#define ALIASES_MAX 8

static const char *const system_directories[] = {
	"/etc/cgkill/units",	   "/run/cgkill/units",	  "/usr/lib/cgkill/units",
	"/etc/systemd/system",	   "/run/systemd/system", "/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system", "/lib/systemd/system",
};

/*
 * Below a directory of the user's own, which a variable names or which is below $HOME; or absolute.
 */
static const struct {
	const char *variable, *below_home, *directory;
} user_directories[] = {
	{ "XDG_CONFIG_HOME", ".config", "cgkill/units" },
	{ "XDG_RUNTIME_DIR", NULL, "cgkill/units" },
	{ "XDG_DATA_HOME", ".local/share", "cgkill/units" },
	{ "XDG_CONFIG_HOME", ".config", "systemd/user" },
	{ NULL, NULL, "/etc/systemd/user" },
	{ "XDG_RUNTIME_DIR", NULL, "systemd/user" },
	{ NULL, NULL, "/run/systemd/user" },
	{ "XDG_DATA_HOME", ".local/share", "systemd/user" },
	{ NULL, NULL, "/usr/local/lib/systemd/user" },
	{ NULL, NULL, "/usr/lib/systemd/user" },
};

static char *join(const char *dir, const char *slash, const char *name, const char *suffix)
{
	char *path;

	return asprintf(&path, "%s%s%s%s", dir, slash, name, suffix) < 0 ? NULL : path;
}

static int push_user_directory(char ***path, size_t i)
{
	const char *directory = user_directories[i].directory, *variable = user_directories[i].variable;
	const char *below_home = user_directories[i].below_home, *base, *home = getenv("HOME");
	cleanup_free char *in_home = NULL;

	if (!variable)
		return strv_push(path, directory);
	base = getenv(variable);
	if (base && *base == '/')
		return strv_push_take(path, join(base, "/", directory, ""));
	if (!below_home || !home || *home != '/')
		return 0;
	in_home = join(home, "/", below_home, "/");
	return in_home ? strv_push_take(path, join(in_home, "", directory, "")) : -ENOMEM;
}

static int push_default_path(char ***path, bool user)
{
	size_t n = user ? ARRAY_SIZE(user_directories) : ARRAY_SIZE(system_directories);
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = user ? push_user_directory(path, i) : strv_push(path, system_directories[i]);
	return r;
}

char **unitdir_search_path(const char *unit_path, bool user)
{
	cleanup_strv char **path = NULL;
	int r = 0;

	while (r == 0 && unit_path && *unit_path) {
		size_t n = strcspn(unit_path, ":");

		if (n > 0)
			r = strv_push_take(&path, strndup(unit_path, n));
		if (unit_path[n] == '\0')
			return r == 0 ? TAKE_PTR(path) : NULL;
		unit_path += n + 1;
	}
	if (r == 0)
		r = push_default_path(&path, user);
	return r == 0 ? TAKE_PTR(path) : NULL;
}

static bool is_in(enum unitdir_part part, const char *dir)
{
	bool foreign = ends_with(dir, "/systemd/system") || ends_with(dir, "/systemd/user");

	return !foreign ||
	       (part == UNITDIR_ADMIN && !after_prefix(dir, "/usr/") && !after_prefix(dir, "/lib/"));
}

int unitdir_part(char *const *search_path, enum unitdir_part part, char ***out)
{
	cleanup_strv char **path = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && search_path && search_path[i]; i++)
		if (is_in(part, search_path[i]))
			r = strv_push(&path, search_path[i]);
	if (r == 0)
		*out = TAKE_PTR(path);
	return r;
}

static bool is_null_device(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3); /* null(4) */
}

/* By its text: below another root there may be no device. */
static bool is_link_to_null(const char *path)
{
	static const char null[] = "/dev/null";
	char target[sizeof(null)];

	return readlink(path, target, sizeof(target)) == (ssize_t)strlen(null) &&
	       memcmp(target, null, strlen(null)) == 0;
}

static int read_all(int fd, struct unit_file *out)
{
	cleanup_buf struct buf b = BUF_INIT;
	char chunk[4096];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (b.len + (size_t)n > UNIT_FILE_MAX)
			return -EFBIG;
		buf_append(&b, chunk, (size_t)n);
	}
	out->len = b.len;
	out->data = buf_take(&b);
	return out->data ? 0 : -ENOMEM;
}

/*
 * Reads a regular file. It is looked at before it is opened, since to open a device may act on it,
 * and again afterwards, since it may have been replaced; O_NONBLOCK, since a FIFO may be what
 * replaced it. An empty file or /dev/null gives data NULL. -EINVAL: not a regular file.
 */
static int read_file(const char *path, struct unit_file *out)
{
	cleanup_close int fd = -1;
	struct stat st;

	if (is_link_to_null(path))
		return 0;
	if (stat(path, &st) < 0)
		return -errno;
	if (is_null_device(&st))
		return 0;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return st.st_size == 0 ? 0 : read_all(fd, out);
}

static void tell_unreadable(struct diags *diags, enum diag_level level, const char *path, int error)
{
	const char *why = error == -EINVAL  ? "not a regular file"
			  : error == -EFBIG ? "larger than 1 MiB"
					    : strerror(-error);

	diag_add(diags, level, path, 0, "Cannot read the file, it is skipped: %s", why);
}

/* "foo@bar.service" → "foo", "bar", ".service"; pointers into the name. */
struct name_parts {
	const char *prefix, *instance, *suffix;
	int prefix_len, instance_len; /* instance_len 0: a template, or no '@' at all */
	bool at;
};

static struct name_parts split_name(const char *name)
{
	const char *suffix = strrchr(name, '.'), *at = strchr(name, '@');
	struct name_parts p = { .prefix = name, .suffix = suffix ? suffix : name + strlen(name) };

	p.at = at && at < p.suffix;
	p.prefix_len = (int)((p.at ? at : p.suffix) - name);
	p.instance = p.at ? at + 1 : p.suffix;
	p.instance_len = (int)(p.suffix - p.instance);
	return p;
}

/*
 * The path of the entry, whatever it is, in the first directory that has it. 0, -ENOENT, -ENOMEM.
 */
static int find_entry(char *const *search_path, const char *name, char **out)
{
	struct stat st;

	for (size_t i = 0; search_path && search_path[i]; i++) {
		cleanup_free char *path = join(search_path[i], "/", name, "");

		if (!path)
			return -ENOMEM;
		if (lstat(path, &st) == 0) {
			*out = TAKE_PTR(path);
			return 0;
		}
	}
	return -ENOENT;
}

/* The file for the name, or for the template of which it is an instance. */
static int find_fragment(char *const *search_path, const char *name, char **out)
{
	struct name_parts p = split_name(name);
	cleanup_free char *template = NULL;
	int r = find_entry(search_path, name, out);

	if (r != -ENOENT || p.instance_len == 0)
		return r;
	if (asprintf(&template, "%.*s@%s", p.prefix_len, p.prefix, p.suffix) < 0)
		return -ENOMEM;
	return find_entry(search_path, template, out);
}

static bool is_search_directory(char *const *search_path, const char *dir)
{
	struct stat wanted, st;

	if (stat(dir, &wanted) < 0)
		return false;
	for (size_t i = 0; search_path[i]; i++)
		if (stat(search_path[i], &st) == 0 && st.st_dev == wanted.st_dev &&
		    st.st_ino == wanted.st_ino)
			return true;
	return false;
}

/*
 * What the symlink at path points to, as a path; the caller frees it. NULL: no link, or no memory.
 */
static char *link_target(const char *path)
{
	char target[4096]; /* PATH_MAX */
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	const char *slash = strrchr(path, '/');
	char *joined;

	if (n < 0)
		return NULL;
	target[n] = '\0';
	if (*target == '/')
		return strdup(target);
	return asprintf(&joined, "%.*s/%s", (int)(slash - path), path, target) < 0 ? NULL : joined;
}

/*
 * Is the entry at path, found for name, a link that makes name an alias of another unit? That is a
 * link to another name in a directory of the search path; any other link only says where the file
 * of this unit lies. 1 with *id, 0, -ENOMEM.
 */
static int read_alias(char *const *search_path, const char *path, const char *name, char **id)
{
	cleanup_free char *target = link_target(path), *other = NULL;
	struct name_parts mine = split_name(name), its;
	char *slash;

	slash = target ? strrchr(target, '/') : NULL;
	if (!slash || !ends_with(slash, mine.suffix))
		return 0;
	its = split_name(slash + 1);
	if (its.at && its.instance_len == 0 && !mine.at)
		return 0;
	if (its.at && its.instance_len == 0) /* to a template: the instance remains */
		its.instance = mine.instance, its.instance_len = mine.instance_len;
	if (asprintf(&other, "%.*s%s%.*s%s", its.prefix_len, its.prefix, its.at ? "@" : "",
		     its.instance_len, its.instance, its.suffix) < 0)
		return -ENOMEM;
	*slash = '\0';
	if (streq(other, name) || !is_search_directory(search_path, target))
		return 0;
	*id = TAKE_PTR(other);
	return 1;
}

/*
 * Finds the fragment of the unit, through aliases; names gets every name on the way, the last is
 * the unit's own. 0 with *path, -ENOENT, -EBADMSG, -ENOMEM.
 */
static int resolve(char *const *search_path, const char *name, char ***names, char **path,
		   struct diags *diags)
{
	int r = strv_push(names, name);

	for (size_t links = 0; r == 0 && links <= ALIASES_MAX; links++) {
		cleanup_free char *found = NULL;
		char *id;

		r = find_fragment(search_path, (*names)[links], &found);
		if (r == -ENOENT && links > 0) {
			diag_add(diags, DIAG_ERROR, NULL, 0,
				 "%s is an alias of %s, which does not exist.", name, (*names)[links]);
			return -EBADMSG;
		}
		if (r < 0)
			return r;
		r = read_alias(search_path, found, (*names)[links], &id);
		if (r == 0) {
			*path = TAKE_PTR(found);
			return 0;
		}
		r = r > 0 ? strv_push_take(names, id) : r;
	}
	if (r < 0)
		return r;
	diag_add(diags, DIAG_ERROR, NULL, 0,
		 "%s is an alias that leads through too many others: %s", name, strerror(ELOOP));
	return -EBADMSG;
}

/* The directories that go with a unit's name: ".d", ".wants" or ".requires" behind it, in one directory of the path. */
struct dir_search {
	char ***dirs; /* are added to these */
	const char *in, *suffix;
	struct name_parts name;
};

static int push_dir(const struct dir_search *s, const char *at, int prefix_len, int instance_len)
{
	char *path;

	if (asprintf(&path, "%s/%.*s%s%.*s%s%s", s->in, prefix_len, s->name.prefix, at,
		     instance_len, s->name.instance, s->name.suffix, s->suffix) < 0)
		return -ENOMEM;
	return strv_push_take(s->dirs, path);
}

/* "foo-bar-baz" → "foo-bar-" → "foo-" → 0. */
static int chop(const char *prefix, int len)
{
	int dashes = (int)strspn(prefix, "-"); /* of dashes alone nothing is left */

	while (len > dashes && prefix[len - 1] == '-')
		len--;
	while (len > dashes && prefix[len - 1] != '-')
		len--;
	return len > dashes ? len : 0;
}

/*
 * For foo-bar@baz.service in one directory: foo-bar@baz.service.d, foo-bar@.service.d,
 * foo-.service.d, foo-@baz.service.d, foo-@.service.d: systemd.unit(5).
 */
static int push_dirs(const struct dir_search *s)
{
	const struct name_parts *p = &s->name;
	const char *at = p->at ? "@" : "";
	int r = push_dir(s, at, p->prefix_len, p->instance_len);

	if (r == 0 && p->instance_len > 0)
		r = push_dir(s, at, p->prefix_len, 0);
	for (int n = chop(p->prefix, p->prefix_len); r == 0 && n > 0; n = chop(p->prefix, n))
		r = push_dir(s, "", n, 0);
	for (int n = chop(p->prefix, p->prefix_len); r == 0 && n > 0 && p->at; n = chop(p->prefix, n)) {
		r = push_dir(s, at, n, p->instance_len);
		if (r == 0)
			r = push_dir(s, at, n, 0);
	}
	return r;
}

static int list_dirs(char *const *search_path, const char *name, const char *suffix, char ***dirs)
{
	struct dir_search s = { .dirs = dirs, .suffix = suffix, .name = split_name(name) };
	int r = 0;

	for (size_t i = 0; r == 0 && search_path && search_path[i]; i++) {
		s.in = search_path[i];
		r = push_dirs(&s);
	}
	return r;
}

/*
 * All directories for drop-ins, highest priority first: by name, own name first, then those of
 * every unit of the kind.
 */
static int list_dropin_dirs(char *const *search_path, char *const *names, char ***dirs)
{
	const char *kind = names[0] + strlen(names[0]);
	int r = 0;

	while (kind > names[0] && kind[-1] != '.')
		kind--;
	for (size_t n = strv_len(names); r == 0 && n > 0; n--)
		r = list_dirs(search_path, names[n - 1], ".d", dirs);
	for (size_t i = 0; r == 0 && search_path && search_path[i]; i++)
		r = strv_push_take(dirs, join(search_path[i], "/", kind, ".d"));
	return r;
}

static const char *file_name(const char *path)
{
	return strrchr(path, '/') + 1;
}

static bool has_file_name(char *const *paths, const char *name)
{
	for (size_t i = 0; paths && paths[i]; i++)
		if (streq(file_name(paths[i]), name))
			return true;
	return false;
}

/* Adds the files of dir whose names end so and are not there yet. 0 or -ENOMEM. */
static int push_entries(char ***paths, const char *dir, const char *ending, struct diags *diags)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int r = 0;

	if (!d) {
		if (errno != ENOENT && errno != ENOTDIR)
			diag_add(diags, DIAG_WARNING, dir, 0,
				 "Cannot read the directory, it is skipped: %s", strerror(errno));
		return 0;
	}
	while (r == 0 && (entry = readdir(d)))
		if (entry->d_name[0] != '.' && ends_with(entry->d_name, ending) &&
		    !has_file_name(*paths, entry->d_name))
			r = strv_push_take(paths, join(dir, "/", entry->d_name, ""));
	closedir(d);
	return r;
}

static int compare_file_names(const void *a, const void *b)
{
	return strcmp(file_name(*(char *const *)a), file_name(*(char *const *)b));
}

/*
 * Reads the file at path and appends it, unless it says nothing (data NULL): 1 when it was
 * appended, 0, -errno.
 */
static int push_file(struct unit_files *f, const char *path)
{
	struct unit_file file = { .path = NULL }, *grown;
	int r = read_file(path, &file);

	if (r < 0 || !file.data)
		return r;
	file.path = strdup(path);
	grown = file.path ? reallocarray(f->v, f->n + 1, sizeof(*grown)) : NULL;
	if (!grown) {
		free(file.path);
		free(file.data);
		return -ENOMEM;
	}
	f->v = grown;
	f->v[f->n++] = file;
	return 1;
}

/*
 * An empty drop-in, or a link to /dev/null, hides those of its name behind it and has no more to
 * say.
 */
static int read_dropins(char *const *search_path, char *const *names, struct unit_files *out,
			struct diags *diags)
{
	cleanup_strv char **dirs = NULL, **paths = NULL;
	int r = list_dropin_dirs(search_path, names, &dirs);

	for (size_t i = 0; r == 0 && dirs && dirs[i]; i++)
		r = push_entries(&paths, dirs[i], ".conf", diags);
	if (r < 0)
		return r;
	if (paths)
		qsort(paths, strv_len(paths), sizeof(*paths), compare_file_names);
	for (size_t i = 0; paths && paths[i]; i++) {
		r = push_file(out, paths[i]);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			tell_unreadable(diags, DIAG_WARNING, paths[i], r);
	}
	return 0;
}

static int read_fragment(const char *path, struct unit_files *out, struct diags *diags)
{
	int r = push_file(out, path);

	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		tell_unreadable(diags, DIAG_ERROR, path, r);
		return -EBADMSG;
	}
	out->has_fragment = r > 0;
	out->masked = r == 0;
	return 0;
}

int unitdir_read(char *const *search_path, const char *name, struct unit_files *out, struct diags *diags)
{
	struct unit_files files = { .v = NULL };
	cleanup_strv char **names = NULL;
	cleanup_free char *path = NULL;
	int r = resolve(search_path, name, &names, &path, diags);

	if (r < 0 && r != -ENOENT)
		return r;
	files.id = strdup(names[strv_len(names) - 1]);
	r = files.id ? 0 : -ENOMEM;
	if (r == 0 && path)
		r = read_fragment(path, &files, diags);
	if (r == 0 && !files.masked)
		r = read_dropins(search_path, names, &files, diags);
	if (r == 0 && !path && files.n == 0)
		r = -ENOENT;
	if (r < 0) {
		unit_files_deinit(&files);
		return r;
	}
	*out = files;
	return 0;
}

/* What is a link to /dev/null, or empty, hides those of its name behind it and means nobody. */
static bool is_masked(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 &&
	       (is_null_device(&st) || (S_ISREG(st.st_mode) && st.st_size == 0));
}

int unitdir_links(char *const *search_path, const char *name, const char *suffix, char ***out,
		  struct diags *diags)
{
	cleanup_strv char **dirs = NULL, **paths = NULL, **names = NULL;
	int r = list_dirs(search_path, name, suffix, &dirs);

	for (size_t i = 0; r == 0 && dirs && dirs[i]; i++)
		r = push_entries(&paths, dirs[i], "", diags);
	if (r == 0 && paths)
		qsort(paths, strv_len(paths), sizeof(*paths), compare_file_names);
	for (size_t i = 0; r == 0 && paths && paths[i]; i++)
		if (!is_masked(paths[i]))
			r = strv_push(&names, file_name(paths[i]));
	if (r == 0)
		*out = TAKE_PTR(names);
	return r;
}

void unit_files_deinit(struct unit_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].path);
		free(f->v[i].data);
	}
	free(f->v);
	free(f->id);
	*f = (struct unit_files){ .v = NULL };
}

/* A strv that grows by doubling: a host has hundreds of units. */
struct names {
	char **v;
	size_t n, cap;
};

static int push_name(struct names *names, const char *name)
{
	if (names->n + 1 >= names->cap) {
		size_t cap = names->cap ? 2 * names->cap : 64;
		char **grown = reallocarray(names->v, cap, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		names->v = grown;
		names->cap = cap;
	}
	names->v[names->n] = strdup(name);
	if (!names->v[names->n])
		return -ENOMEM;
	names->v[++names->n] = NULL;
	return 0;
}

static int list_directory(const char *dir, struct names *names)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int r = 0;

	if (!d)
		return 0;
	while (r == 0 && (entry = readdir(d)))
		if (entry->d_name[0] != '.' && entry->d_type != DT_DIR &&
		    (ends_with(entry->d_name, ".service") || ends_with(entry->d_name, ".socket") ||
		     ends_with(entry->d_name, ".target")))
			r = push_name(names, entry->d_name);
	closedir(d);
	return r;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void drop_repeated(struct names *names)
{
	size_t kept = 0;

	for (size_t i = 0; i < names->n; i++) {
		if (kept > 0 && streq(names->v[kept - 1], names->v[i]))
			free(names->v[i]);
		else
			names->v[kept++] = names->v[i];
	}
	names->n = kept;
	names->v[kept] = NULL;
}

int unitdir_list(char *const *search_path, char ***out)
{
	struct names names = { .v = NULL };
	int r = 0;

	for (size_t i = 0; r == 0 && search_path && search_path[i]; i++)
		r = list_directory(search_path[i], &names);
	if (r < 0) {
		strv_free(names.v);
		return r;
	}
	if (names.n > 0) {
		qsort(names.v, names.n, sizeof(*names.v), compare_names);
		drop_repeated(&names);
	}
	*out = names.v;
	return 0;
}
