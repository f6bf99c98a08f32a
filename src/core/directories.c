/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/directories.h"

#include <errno.h>

#include "core/specifier.h"
#include "core/text.h"
#include "core/value.h"
#include "util/buf.h"
#include "util/strv.h"

#define DEFAULT_MODE 0755

static const struct {
	const char *name, *variable, *word;
	size_t base; /* in struct host_facts */
} kinds[DIRECTORY_KIND_MAX] = {
	[DIRECTORY_RUNTIME] = { "RuntimeDirectory", "RUNTIME_DIRECTORY", "runtime",
				offsetof(struct host_facts, runtime_dir) },
	[DIRECTORY_STATE] = { "StateDirectory", "STATE_DIRECTORY", "state",
			      offsetof(struct host_facts, state_dir) },
	[DIRECTORY_CACHE] = { "CacheDirectory", "CACHE_DIRECTORY", "cache",
			      offsetof(struct host_facts, cache_dir) },
	[DIRECTORY_LOGS] = { "LogsDirectory", "LOGS_DIRECTORY", "logs",
			     offsetof(struct host_facts, logs_dir) },
	[DIRECTORY_CONFIGURATION] = { "ConfigurationDirectory", "CONFIGURATION_DIRECTORY",
				      "configuration", offsetof(struct host_facts, config_dir) },
};

const char *directory_kind_name(enum directory_kind kind)
{
	return kinds[kind].name;
}

const char *directory_kind_variable(enum directory_kind kind)
{
	return kinds[kind].variable;
}

const char *directory_kind_word(enum directory_kind kind)
{
	return kinds[kind].word;
}

const char *directory_kind_base(enum directory_kind kind, const struct host_facts *host)
{
	return *(const char *const *)((const char *)host + kinds[kind].base);
}

/* ---- life ---- */

struct directories *directories_new(void)
{
	struct directories *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	for (enum directory_kind k = 0; k < DIRECTORY_KIND_MAX; k++)
		d->of[k].mode = DEFAULT_MODE;
	d->preserve = FDSTORE_PRESERVE_NO;
	return d;
}

static void clear(struct directory_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->v[i].path);
		strv_free(list->v[i].links);
	}
	free(list->v);
	list->v = NULL;
	list->n = 0;
}

void directories_free(struct directories *d)
{
	if (!d)
		return;
	for (enum directory_kind k = 0; k < DIRECTORY_KIND_MAX; k++)
		clear(&d->of[k]);
	free(d);
}

/* By component: "a" and "a/b" are neighbours, though "a-b" sorts between them as text. */
static int compare_paths(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (*a == '/' ? 1 : (unsigned char)*a) - (*b == '/' ? 1 : (unsigned char)*b);
}

/* The entry of that path, made if need be. NULL without memory. */
static struct directory *intern(struct directory_list *list, const char *path)
{
	struct directory *grown;
	size_t at = 0;
	char *copy;

	while (at < list->n && compare_paths(list->v[at].path, path) < 0)
		at++;
	if (at < list->n && streq(list->v[at].path, path))
		return &list->v[at];
	copy = strdup(path);
	grown = copy ? reallocarray(list->v, list->n + 1, sizeof(*grown)) : NULL;
	if (!grown) {
		free(copy);
		return NULL;
	}
	list->v = grown;
	memmove(&grown[at + 1], &grown[at], (list->n++ - at) * sizeof(*grown));
	grown[at] = (struct directory){ .path = copy };
	return &grown[at];
}

/* ---- reading ---- */

static int get(struct directories **field, struct directories **out)
{
	if (!*field)
		*field = directories_new();
	*out = *field;
	return *out ? 0 : -ENOMEM;
}

/* Specifiers expanded, and normalized: 0; -EINVAL, told; -ENOMEM. */
static int read_path(struct loading *l, const char *key, const char *word, char **out)
{
	cleanup_free char *expanded = NULL, *rooted = NULL, *path = NULL;
	int r = specifier_expand(word, l->unit->name, l->host, &expanded);

	if (r == -EINVAL)
		value_tell(l, DIAG_WARNING, "Failed to resolve unit specifiers in \"%s\", ignoring",
			   word);
	if (r < 0)
		return r;
	if (*expanded == '/') {
		value_tell(l, DIAG_WARNING, "%s= path is absolute, ignoring: %s", key, expanded);
		return -EINVAL;
	}
	if (asprintf(&rooted, "/%s", expanded) < 0)
		return -ENOMEM;
	r = text_path(rooted, &path);
	if (r == -ENOMEM)
		return r;
	if (r == -ENAMETOOLONG || r == -ELOOP || (r == 0 && streq(path, "/"))) {
		value_tell(l, DIAG_WARNING, "%s= path is %s, ignoring: %s", key,
			   r == -ENAMETOOLONG ? "too long" : "not normalized", expanded);
		return -EINVAL;
	}
	*out = strdup(path + 1);
	return *out ? 0 : -ENOMEM;
}

/* systemd has the directories of a DynamicUser= there. */
static bool is_private(const char *path)
{
	const char *rest = after_prefix(path, "private");

	return rest && (*rest == '\0' || *rest == '/');
}

/* What follows the first colon: a link, and flags, of which there is one. 0; -EINVAL, told; -ENOMEM. */
static int read_link(struct loading *l, const struct directive *d, char *rest, const char *word,
		     char **out)
{
	char *flags = strchr(rest, ':');

	if (flags)
		*flags++ = '\0';
	if (flags && !streq(flags, "ro")) {
		value_tell(l, DIAG_WARNING, "Invalid syntax in %s=, ignoring: %s", d->key, word);
		return -EINVAL;
	}
	if (flags)
		value_tell_id(l, DIAG_WARNING, "unsupported-key",
			      "%s= with :ro is known but not supported, ignoring that: %s", d->key,
			      word);
	if (*rest == '\0')
		return 0;
	if (d->arg == DIRECTORY_CONFIGURATION) {
		value_tell(l, DIAG_WARNING,
			   "Destination parameter is not supported for %s, ignoring: %s", d->key, word);
		return -EINVAL;
	}
	return read_path(l, d->key, rest, out);
}

/* PATH, PATH:LINK or PATH:LINK:ro. 0, also when it is told and ignored; -ENOMEM. */
static int add_word(struct loading *l, const struct directive *d, const char *word,
		    struct directory_list *list)
{
	cleanup_free char *parts = strdup(word), *path = NULL, *link = NULL;
	char *rest = parts ? strchr(parts, ':') : NULL;
	struct directory *entry;
	int r;

	if (!parts)
		return -ENOMEM;
	if (rest)
		*rest++ = '\0';
	r = read_path(l, d->key, parts, &path);
	if (r == 0 && is_private(path)) {
		value_tell(l, DIAG_WARNING, "%s= path can't be 'private', ignoring assignment: %s",
			   d->key, word);
		r = -EINVAL;
	}
	if (r == 0 && rest)
		r = read_link(l, d, rest, word, &link);
	if (r < 0)
		return r == -EINVAL ? 0 : r;
	entry = intern(list, path);
	if (!entry)
		return -ENOMEM;
	return link && !strv_contains(entry->links, link) ? strv_push(&entry->links, link) : 0;
}

/* d->arg: the kind. An empty assignment resets the list. */
static int parse_directories(struct loading *l, const struct directive *d, char *value, void *field)
{
	cleanup_strv char **words = NULL;
	struct directories *dirs;
	int r = get(field, &dirs);

	if (r < 0)
		return r;
	if (*value == '\0') {
		clear(&dirs->of[d->arg]);
		return 0;
	}
	r = split_words(value, &words);
	if (r == -EINVAL)
		value_tell(l, DIAG_WARNING, "Invalid syntax in %s=, ignoring: %s", d->key, value);
	for (size_t i = 0; r == 0 && words && words[i]; i++)
		r = add_word(l, d, words[i], &dirs->of[d->arg]);
	return r == -EINVAL ? 0 : r;
}

static int parse_directory_mode(struct loading *l, const struct directive *d, char *value, void *field)
{
	struct directories *dirs;
	int r = get(field, &dirs);

	return r < 0 ? r : value_mode.parse(l, d, value, &dirs->of[d->arg].mode);
}

static int parse_directory_preserve(struct loading *l, const struct directive *d, char *value, void *field)
{
	struct directories *dirs;
	int r = get(field, &dirs);

	return r < 0 ? r : value_fdstore_preserve.parse(l, d, value, &dirs->preserve);
}

const struct value_type value_directories = { parse_directories, HASH_IS_WORD };
const struct value_type value_directory_mode = { parse_directory_mode, HASH_VOIDS };
const struct value_type value_directory_preserve = { parse_directory_preserve, HASH_VOIDS };

/* ---- showing ---- */

static void show_list(const struct directory_list *list, enum directory_kind kind, struct showing *out)
{
	cleanup_buf struct buf names = BUF_INIT, links = BUF_INIT;
	char key[48];

	for (size_t i = 0; i < list->n; i++) {
		buf_printf(&names, "%s%s", i > 0 ? " " : "", list->v[i].path);
		for (char **link = list->v[i].links; link && *link; link++)
			buf_printf(&links, "%s%s:%s", links.len > 0 ? " " : "", list->v[i].path, *link);
	}
	show_text(out, kinds[kind].name, names.data);
	snprintf(key, sizeof(key), "%sSymlink", kinds[kind].name);
	if (links.data)
		show_text(out, key, links.data);
	snprintf(key, sizeof(key), "%sMode", kinds[kind].name);
	show_format(out, key, "%04o", list->mode);
}

void directories_show(const struct directories *d, struct showing *out)
{
	static const struct directory_list none = { .mode = DEFAULT_MODE };

	for (enum directory_kind k = 0; k < DIRECTORY_KIND_MAX; k++)
		show_list(d ? &d->of[k] : &none, k, out);
	show_text(out, "RuntimeDirectoryPreserve",
		  fdstore_preserve_name(d ? d->preserve : FDSTORE_PRESERVE_NO));
}
