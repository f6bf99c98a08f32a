/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/tmpfiles.h"

#include <errno.h>

#define BLANK " \t\r\n"

/* The types that make something; what follows the letter says how. */
static bool makes_something(const char *type, size_t n)
{
	return n > 0 && strchr("fFdDvqQpLcbC", type[0]) && strspn(type + 1, "+!-=~^$") == n - 1;
}

int tmpfiles_promise(const char *line, char **out)
{
	const char *type = line + strspn(line, BLANK);
	size_t n = strcspn(type, BLANK);
	const char *path = type + n + strspn(type + n, BLANK);
	size_t length = strcspn(path, BLANK);
	char *copy;

	if (!makes_something(type, n) || path[0] != '/' || memchr(path, '%', length))
		return -ENOENT;
	copy = strndup(path, length);
	if (!copy)
		return -ENOMEM;
	*out = copy;
	return 0;
}

bool tmpfiles_concerns(const char *conf, const char *unit)
{
	const char *end = strrchr(unit, '.');
	size_t n = strcspn(unit, "@");

	if (end && (size_t)(end - unit) < n)
		n = (size_t)(end - unit);
	return n > 0 && strncmp(conf, unit, n) == 0 && conf[n] && strchr(".-", conf[n]);
}
