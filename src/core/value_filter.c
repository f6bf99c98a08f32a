/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The directives of core/filter.h. Each field is the unit's pointer to them, each arg a place behind it. */
#include <errno.h>

#include "core/filter.h"
#include "core/value.h"
#include "core/words.h"
#include "util/parse.h"

/* One word of a line; -EINVAL: what is wrong has been told, the others count. */
typedef int (*word_fn)(struct loading *l, const struct directive *d, char *word, bool invert, void *arg);

static int each_word(struct loading *l, const struct directive *d, const char *text, bool invert,
		     word_fn fn, void *arg)
{
	const char *rest = text;
	char *word;
	int r;

	while ((r = word_next(&rest, 0, &word)) > 0) {
		cleanup_free char *own = word;

		r = fn(l, d, own, invert, arg);
		if (r == -ENOMEM)
			return r;
	}
	if (r == -EINVAL)
		value_tell(l, DIAG_WARNING, "Invalid syntax, ignoring: %s", text);
	return r == -ENOMEM ? r : 0;
}

/* "name", "@group", and where they are refused also "name:ERROR". */
static int apply_call(struct loading *l, const struct directive *d, char *word, bool invert, void *arg)
{
	struct syscall_list *list = arg;
	char *colon = strchr(word, ':');
	int action = SYSCALL_LISTED, r = 0;

	if (colon) {
		r = d->arg == offsetof(struct filter, calls) ? syscall_action_parse(colon + 1, &action)
							     : -EINVAL;
		if (r < 0) {
			value_tell(l, DIAG_WARNING, "Failed to parse syscall:errno, ignoring: %s", word);
			return -EINVAL;
		}
		*colon = '\0';
	}
	if (colon && !invert) {
		value_tell(l, DIAG_WARNING,
			   "Allow-listed system calls cannot take error number, ignoring: %s:%s",
			   word, colon + 1);
		return -EINVAL;
	}
	r = syscall_list_apply(list, word, invert, action);
	if (r == -ENOENT)
		value_tell(l, DIAG_WARNING, "%s, ignoring: %s",
			   *word == '@' ? "Unknown system call group" : "Failed to parse system call",
			   word);
	return r == -ENOENT ? -EINVAL : r;
}

/* The first line says of which kind the list is, and later ones add to it or strike off: systemd.exec(5). */
static int parse_calls(struct loading *l, const struct directive *d, char *value, void *field)
{
	struct filter *f = filter_get(field);
	struct syscall_list **list;
	bool invert = *value == '~';

	if (!f)
		return -ENOMEM;
	list = (struct syscall_list **)((char *)f + d->arg);
	if (*value == '\0') {
		free(*list);
		*list = NULL;
		return 0;
	}
	if (!*list) {
		*list = syscall_list_new(!invert);
		if (!*list)
			return -ENOMEM;
		if (!invert && list == &f->calls)
			(void)!syscall_list_apply(*list, "@default", false, SYSCALL_LISTED);
	}
	return each_word(l, d, value + invert, invert, apply_call, *list);
}

static int parse_error(struct loading *l, const struct directive *d unused, char *value, void *field)
{
	struct filter *f = filter_get(field);
	int error, r;

	if (!f)
		return -ENOMEM;
	r = syscall_action_parse(*value ? value : "kill", &error);
	if (r < 0 || error == 0)
		value_tell(l, DIAG_WARNING, "Failed to parse error number, ignoring: %s", value);
	else
		f->error = error;
	return 0;
}

static int apply_family(struct loading *l, const struct directive *d unused, char *word,
			bool invert, void *arg)
{
	struct family_list *list = arg;
	int family = family_find(word);

	if (family < 0) {
		value_tell(l, DIAG_WARNING, "Failed to parse address family, ignoring: %s", word);
		return -EINVAL;
	}
	if (invert != list->allow)
		list->families |= UINT64_C(1) << family;
	else
		list->families &= ~(UINT64_C(1) << family);
	return 0;
}

static int parse_families(struct loading *l, const struct directive *d, char *value, void *field)
{
	struct filter *f = filter_get(field);
	bool invert = *value == '~';

	if (!f)
		return -ENOMEM;
	if (*value == '\0' || streq(value, "none")) {
		f->families = (struct family_list){ .allow = *value != '\0' };
		return 0;
	}
	if (!f->families.set)
		f->families = (struct family_list){ .set = true, .allow = !invert };
	return each_word(l, d, value + invert, invert, apply_family, &f->families);
}

static int apply_architecture(struct loading *l, const struct directive *d unused, char *word,
			      bool invert unused, void *arg)
{
	int index = architecture_find(word);

	if (index < 0) {
		value_tell(l, DIAG_WARNING,
			   "Failed to parse system call architecture \"%s\", ignoring.", word);
		return -EINVAL;
	}
	*(uint32_t *)arg |= UINT32_C(1) << index;
	return 0;
}

static int parse_architectures(struct loading *l, const struct directive *d, char *value, void *field)
{
	struct filter *f = filter_get(field);

	if (!f)
		return -ENOMEM;
	if (*value == '\0')
		f->architectures = 0;
	return each_word(l, d, value, false, apply_architecture, &f->architectures);
}

static int add_namespace(struct loading *l unused, const struct directive *d unused, char *word,
			 bool invert unused, void *arg)
{
	int flag = namespace_find(word), *flags = arg;

	*flags = flag == 0 || *flags < 0 ? -1 : *flags | flag;
	return 0;
}

/* A word that is no namespace voids the line. */
static int parse_namespaces(struct loading *l, const struct directive *d, char *value, void *field)
{
	struct filter *f = filter_get(field);
	bool invert = *value == '~', all;
	int flags = 0, r;

	if (!f)
		return -ENOMEM;
	if (*value == '\0') {
		f->namespaces = NAMESPACES_UNSET;
		return 0;
	}
	if (parse_bool(value, &all) == 0) {
		f->namespaces = all ? 0 : namespaces_all;
		return 0;
	}
	r = each_word(l, d, value + invert, invert, add_namespace, &flags);
	if (r < 0 || flags < 0)
		return r < 0 ? r : -EINVAL;
	if (f->namespaces == NAMESPACES_UNSET)
		f->namespaces = invert ? namespaces_all & ~flags : flags;
	else if (invert)
		f->namespaces &= ~flags;
	else
		f->namespaces |= flags;
	return 0;
}

static int parse_filter_flag(struct loading *l unused, const struct directive *d, char *value, void *field)
{
	struct filter *f = filter_get(field);

	return f ? parse_bool(value, (bool *)((char *)f + d->arg)) : -ENOMEM;
}

const struct value_type value_calls = { parse_calls, HASH_IS_WORD };
const struct value_type value_call_error = { parse_error, HASH_VOIDS };
const struct value_type value_families = { parse_families, HASH_IS_WORD };
const struct value_type value_architectures = { parse_architectures, HASH_IS_WORD };
const struct value_type value_namespaces = { parse_namespaces, HASH_VOIDS };
const struct value_type value_filter_flag = { parse_filter_flag, HASH_VOIDS };
