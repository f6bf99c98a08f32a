/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/finding.h"

#include <stdarg.h>

const char *severity_name(enum severity s)
{
	static const char *const names[SEVERITY_MAX] = {
		[SEVERITY_HINT] = "hint",
		[SEVERITY_WARNING] = "warning",
		[SEVERITY_ERROR] = "error",
	};

	return s < SEVERITY_MAX ? names[s] : NULL;
}

static void finding_deinit(struct finding *f)
{
	free(f->file);
	free(f->text);
}

static bool has_room(struct findings *f)
{
	size_t cap = f->cap ? 2 * f->cap : 16;
	struct finding *v;

	if (f->n < f->cap)
		return true;
	v = reallocarray(f->v, cap, sizeof(*v));
	if (!v)
		return false;
	f->v = v;
	f->cap = cap;
	return true;
}

void findings_add(struct findings *f, const struct lint_rule *rule, const char *file, unsigned line,
		  const char *fmt, ...)
{
	struct finding one = { .rule = rule, .file = strdup(file), .line = line };
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&one.text, fmt, ap) < 0)
		one.text = NULL;
	va_end(ap);
	if (one.file && one.text && has_room(f)) {
		f->v[f->n++] = one;
		return;
	}
	finding_deinit(&one);
	f->failed = true;
}

static int compare(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	int r = strcmp(x->file, y->file);

	if (r == 0)
		r = (x->line > y->line) - (x->line < y->line);
	if (r == 0)
		r = strcmp(x->rule->id, y->rule->id);
	return r != 0 ? r : strcmp(x->text, y->text);
}

void findings_sort(struct findings *f)
{
	size_t kept = 0;

	if (f->n == 0)
		return;
	qsort(f->v, f->n, sizeof(*f->v), compare);
	for (size_t i = 0; i < f->n; i++) {
		if (kept > 0 && compare(&f->v[kept - 1], &f->v[i]) == 0)
			finding_deinit(&f->v[i]);
		else
			f->v[kept++] = f->v[i];
	}
	f->n = kept;
}

void findings_deinit(struct findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		finding_deinit(&f->v[i]);
	free(f->v);
	*f = (struct findings)FINDINGS_INIT;
}
