/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/assignment.h"

#include <errno.h>

#include "core/unitfile.h"
#include "core/words.h"

static struct assignment *append(struct assignments *a)
{
	if (a->n == a->cap) {
		size_t cap = a->cap ? 2 * a->cap : 32;
		struct assignment *v = reallocarray(a->v, cap, sizeof(*v));

		if (!v)
			return NULL;
		a->v = v;
		a->cap = cap;
	}
	a->v[a->n] = (struct assignment){ .line = 0 };
	return &a->v[a->n++];
}

static int add(struct assignments *out, const char *file, const char *section,
	       const struct unitfile_item *item)
{
	struct assignment *a = append(out);

	if (!a)
		return -ENOMEM;
	a->file = file;
	a->line = item->line;
	a->section = strdup(section);
	a->key = strdup(item->name);
	a->value = strdup(item->value);
	return a->section && a->key && a->value ? 0 : -ENOMEM;
}

static int read_text(struct assignments *out, const struct unit_text *text)
{
	cleanup_unitfile struct unitfile reader;
	cleanup_diags struct diags told_before = DIAGS_INIT;
	cleanup_free char *section = NULL;
	struct unitfile_item item;
	int r;

	unitfile_init(&reader, text->path, text->data, text->len);
	while ((r = unitfile_next(&reader, &item, &told_before)) > 0) {
		if (item.kind == UNITFILE_SECTION) {
			free(section);
			section = strdup(item.name);
			if (!section)
				return -ENOMEM;
		} else if (section) {
			r = add(out, text->path, section, &item);
			if (r < 0)
				return r;
		}
	}
	return r == -EBADMSG ? 0 : r;
}

int assignments_read(struct assignments *out, const struct unit_text *texts, size_t n)
{
	struct assignments a = ASSIGNMENTS_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = read_text(&a, &texts[i]);
	if (r < 0) {
		assignments_deinit(&a);
		return r;
	}
	*out = a;
	return 0;
}

void assignments_deinit(struct assignments *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->v[i].section);
		free(a->v[i].key);
		free(a->v[i].value);
	}
	free(a->v);
	*a = (struct assignments)ASSIGNMENTS_INIT;
}

const struct assignment *assignment_last(const struct assignments *a, const char *key)
{
	for (size_t i = a->n; i > 0; i--)
		if (streq(a->v[i - 1].key, key))
			return &a->v[i - 1];
	return NULL;
}

static bool has_word(const char *value, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = value; *p; p += strspn(p, WHITESPACE)) {
		size_t n = strcspn(p, WHITESPACE);

		if (n == len && strncmp(p, word, n) == 0)
			return true;
		p += n;
	}
	return false;
}

const struct assignment *assignment_naming(const struct assignments *a, const char *key, const char *word)
{
	for (size_t i = a->n; i > 0; i--)
		if (streq(a->v[i - 1].key, key) && has_word(a->v[i - 1].value, word))
			return &a->v[i - 1];
	return assignment_last(a, key);
}
