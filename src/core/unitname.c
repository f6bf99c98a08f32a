/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names of units: systemd.unit(5), "DESCRIPTION". */
#include "core/unit.h"

#define LETTERS_AND_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define NAME_CHARS	   LETTERS_AND_DIGITS ":-_.\\@"

static bool suffix_valid(const char *suffix)
{
	static const char *const suffixes[] = {
		".service", ".socket", ".target", ".device", ".mount", ".automount",
		".swap",    ".timer",  ".path",	  ".slice",  ".scope",
	};

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (streq(suffix, suffixes[i]))
			return true;
	return false;
}

/* A unit or a template. */
static bool well_formed(const char *name)
{
	const char *suffix = strrchr(name, '.');

	return strlen(name) <= UNIT_NAME_MAX && suffix && suffix != name && suffix_valid(suffix) &&
	       name[strspn(name, NAME_CHARS)] == '\0' && *name != '@';
}

static bool has_empty_instance(const char *name)
{
	const char *at = strchr(name, '@');

	return at && at + 1 == strrchr(name, '.');
}

bool unit_name_valid(const char *name)
{
	return well_formed(name) && !has_empty_instance(name);
}

bool unit_name_is_template(const char *name)
{
	return well_formed(name) && has_empty_instance(name);
}

char *unit_name_instantiate(const char *template, const char *instance)
{
	int prefix = (int)(strchr(template, '@') + 1 - template);
	char *name;

	if (asprintf(&name, "%.*s%s%s", prefix, template, instance, template + prefix) < 0)
		return NULL;
	return name;
}

char *unit_name_template(const char *name)
{
	const char *at = strchr(name, '@'), *suffix = strrchr(name, '.');
	char *template;

	if (!at || !suffix || suffix <= at + 1)
		return NULL;
	if (asprintf(&template, "%.*s%s", (int)(at + 1 - name), name, suffix) < 0)
		return NULL;
	return template;
}
