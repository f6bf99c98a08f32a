/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The directives of core/sandbox.h. Each field is the unit's pointer to them. */
#include <errno.h>

#include "core/sandbox.h"
#include "core/specifier.h"
#include "core/text.h"
#include "core/value.h"
#include "core/words.h"
#include "util/parse.h"
#include "util/strv.h"

/* d->arg: where the flag is in struct sandbox. */
static int parse_sandbox_flag(struct loading *l unused, const struct directive *d, char *value,
			      void *field)
{
	struct sandbox *s = sandbox_get(field);

	return s ? parse_bool(value, (bool *)((char *)s + d->arg)) : -ENOMEM;
}

/* One of the words that name knows; boolean: the first two are also what a boolean says. */
static int find_word(const char *value, const char *(*name)(unsigned), bool boolean, unsigned *out)
{
	bool yes;

	for (unsigned i = 0; name(i); i++)
		if (streq(value, name(i))) {
			*out = i;
			return 0;
		}
	if (!boolean || parse_bool(value, &yes) < 0)
		return -EINVAL;
	*out = yes;
	return 0;
}

/* An empty value is the default. */
/* NOLINTBEGIN(bugprone-macro-parentheses): names, not expressions */
#define WORD_PARSER(type, member, boolean)                                                  \
	static const char *type##_at(unsigned i)                                            \
	{                                                                                   \
		return type##_name((enum type)i);                                           \
	}                                                                                   \
	static int parse_##type(struct loading *l unused, const struct directive *d unused, \
				char *value, void *field)                                   \
	{                                                                                   \
		struct sandbox *s = sandbox_get(field);                                     \
		unsigned word = 0;                                                          \
		int r = s ? 0 : -ENOMEM;                                                    \
                                                                                            \
		if (r == 0 && *value)                                                       \
			r = find_word(value, type##_at, boolean, &word);                    \
		if (r == 0)                                                                 \
			s->member = (enum type)word;                                        \
		return r;                                                                   \
	}

WORD_PARSER(protect_system, protect_system, true)
WORD_PARSER(protect_home, protect_home, true)
WORD_PARSER(protect_proc, protect_proc, false)
WORD_PARSER(proc_subset, proc_subset, false)
WORD_PARSER(mount_flags, mount_flags, false)
/* NOLINTEND(bugprone-macro-parentheses) */

/* Expanded and normalized: 0; -EINVAL, told; -ENOMEM. */
static int read_path(struct loading *l, const char *key, const char *text, char **out)
{
	cleanup_free char *expanded = NULL;
	int r = specifier_expand(text, l->unit->name, l->host, &expanded);

	if (r == -EINVAL)
		value_tell(l, DIAG_WARNING,
			   "Failed to resolve unit specifiers in %s=, ignoring: %s", key, text);
	if (r < 0)
		return r;
	r = text_path(expanded, out);
	if (r == 0 || r == -ENOMEM)
		return r;
	value_tell(l, DIAG_WARNING, "%s= path is %s, ignoring: %s", key,
		   r == -ENAMETOOLONG ? "too long"
		   : r == -ELOOP      ? "not normalized"
				      : "not absolute",
		   expanded);
	return -EINVAL;
}

/* d->arg: where the path is in struct sandbox. */
static int parse_sandbox_path(struct loading *l, const struct directive *d, char *value, void *field)
{
	struct sandbox *s = sandbox_get(field);
	char *path = NULL, **place;
	int r = s ? 0 : -ENOMEM;

	if (r == 0 && *value)
		r = read_path(l, d->key, value, &path);
	if (r < 0)
		return r == -EINVAL ? 0 : r;
	place = (char **)((char *)s + d->arg);
	free(*place);
	*place = path;
	return 0;
}

/* Cuts off what is before the next ':', which a backslash takes the meaning from. NULL: nothing is left. */
static char *next_part(char **rest)
{
	char *part = *rest, *to = part, *from = part;

	if (!part)
		return NULL;
	for (; *from && *from != ':'; *to++ = *from++)
		if (from[0] == '\\' && from[1] == ':')
			from++;
	*rest = *from ? from + 1 : NULL;
	*to = '\0';
	return part;
}

/* The prefixes, in the order in which systemd takes them. */
static char *read_prefixes(struct sandbox_path *p, char *word, bool in_root)
{
	p->optional = *word == '-';
	word += p->optional;
	p->in_root = in_root && *word == '+';
	return word + p->in_root;
}

/* [-]SOURCE[:TARGET[:rbind|norbind]] */
static int read_bind(struct loading *l, const char *key, struct sandbox_path *p, char *word)
{
	char *rest = read_prefixes(p, word, false), *source = next_part(&rest);
	char *target = next_part(&rest), *options = rest;
	int r = read_path(l, key, source, &p->source);

	if (r == 0)
		r = read_path(l, key, target ? target : source, &p->path);
	if (r < 0)
		return r;
	p->recursive = !options || !streq(options, "norbind");
	if (options && *options && !TEXT_IN(options, "rbind", "norbind")) {
		value_tell(l, DIAG_WARNING, "Invalid option string in %s=, ignoring: %s", key, options);
		return -EINVAL;
	}
	return 0;
}

/* PATH[:OPTIONS] */
static int read_tmpfs(struct loading *l, const char *key, struct sandbox_path *p, char *word)
{
	char *rest = word, *path = next_part(&rest);
	int r = read_path(l, key, path, &p->path);

	if (r == 0 && rest && *rest)
		r = specifier_expand(rest, l->unit->name, l->host, &p->options);
	if (r == -EINVAL && p->path)
		value_tell(l, DIAG_WARNING,
			   "Failed to resolve unit specifiers in %s=, ignoring: %s", key, rest);
	return r;
}

static int add_path(struct loading *l, const struct directive *d, struct sandbox *s, char *word)
{
	struct sandbox_path p = { .list = (enum sandbox_list)d->arg };
	int r;

	if (p.list == SANDBOX_TMPFS)
		r = read_tmpfs(l, d->key, &p, word);
	else if (p.list == SANDBOX_BIND || p.list == SANDBOX_BIND_READ_ONLY)
		r = read_bind(l, d->key, &p, word);
	else
		r = read_path(l, d->key, read_prefixes(&p, word, true), &p.path);
	if (r == 0)
		return sandbox_add_path(s, p);
	free(p.path);
	free(p.source);
	free(p.options);
	return r == -EINVAL ? 0 : r;
}

/* d->arg: the list. An empty value starts it anew. */
static int parse_sandbox_paths(struct loading *l, const struct directive *d, char *value, void *field)
{
	struct sandbox *s = sandbox_get(field);
	const char *text = value;
	char *word;
	int r = 0;

	if (!s)
		return -ENOMEM;
	if (*value == '\0')
		sandbox_clear_list(s, (enum sandbox_list)d->arg);
	/* A backslash before a colon is next_part()'s. */
	while (r == 0 && (r = word_next(&text, WORD_KEEP_UNKNOWN, &word)) > 0) {
		r = add_path(l, d, s, word);
		free(word);
	}
	if (r == -EINVAL)
		value_tell(l, DIAG_WARNING, "Invalid syntax in %s=, ignoring: %s", d->key, value);
	return r == -EINVAL ? 0 : r;
}

const struct value_type value_sandbox_flag = { parse_sandbox_flag, HASH_VOIDS };
const struct value_type value_sandbox_path = { parse_sandbox_path, HASH_IS_DATA };
const struct value_type value_sandbox_paths = { parse_sandbox_paths, HASH_IS_WORD };
const struct value_type value_protect_system = { parse_protect_system, HASH_VOIDS };
const struct value_type value_protect_home = { parse_protect_home, HASH_VOIDS };
const struct value_type value_protect_proc = { parse_protect_proc, HASH_VOIDS };
const struct value_type value_proc_subset = { parse_proc_subset, HASH_VOIDS };
const struct value_type value_mount_flags = { parse_mount_flags, HASH_VOIDS };
