/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/showing.h"

#include <stdarg.h>
#include <stdio.h>

void show_gathered(struct showing *s, const char *key)
{
	cleanup_free char *value = buf_take(&s->text);

	if (value)
		s->fn(key, value, s->arg);
}

void show_text(struct showing *s, const char *key, const char *text)
{
	s->fn(key, text ? text : "", s->arg);
}

void show_bool(struct showing *s, const char *key, bool value)
{
	s->fn(key, value ? "yes" : "no", s->arg);
}

void show_format(struct showing *s, const char *key, const char *fmt, ...)
{
	cleanup_free char *value = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&value, fmt, ap) < 0)
		value = NULL;
	va_end(ap);
	if (value)
		s->fn(key, value, s->arg);
}
