/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/diag.h"

#include <stdarg.h>

#include "util/buf.h"

void diag_add_id(struct diags *d, enum diag_level level, const char *id, const char *file,
		 unsigned line, const char *fmt, ...)
{
	struct diag one = { .level = level, .id = id, .line = line };
	struct diag *grown;
	va_list ap;
	int n;

	if (level == DIAG_ERROR)
		d->errors++;
	va_start(ap, fmt);
	n = vasprintf(&one.text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	one.file = file ? strdup(file) : NULL;
	grown = reallocarray(d->v, d->n + 1, sizeof(*d->v));
	if (!grown || (file && !one.file)) {
		free(one.text);
		free(one.file);
		d->v = grown ? grown : d->v;
		return;
	}
	d->v = grown;
	d->v[d->n++] = one;
}

void diags_deinit(struct diags *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].file);
		free(d->v[i].text);
	}
	free(d->v);
	*d = (struct diags)DIAGS_INIT;
}

char *diag_format(const struct diag *d)
{
	struct buf b = BUF_INIT;

	if (d->file)
		buf_printf(&b, "%s:", d->file);
	if (d->line > 0)
		buf_printf(&b, "%u:", d->line);
	buf_printf(&b, "%s%s", b.len > 0 ? " " : "", d->text);
	return buf_take(&b);
}
