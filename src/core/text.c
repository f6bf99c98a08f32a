/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/text.h"

#include <errno.h>
#include <limits.h>

char *text_strip(char *s)
{
	size_t len;

	s += strspn(s, WHITESPACE);
	len = strlen(s);
	while (len > 0 && strchr(WHITESPACE, s[len - 1]))
		len--;
	s[len] = '\0';
	return s;
}

char *text_next_word(char **s)
{
	char *word = *s + strspn(*s, WHITESPACE), *end = word + strcspn(word, WHITESPACE);

	if (end == word)
		return NULL;
	*s = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

/* The bytes of the character at p, 0 when it is not well-formed. */
static size_t utf8_length(const unsigned char *p)
{
	static const struct {
		unsigned char first_min, first_max, second_min, second_max, length;
	} forms[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	if (*p < 0x80)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (*p < forms[i].first_min || *p > forms[i].first_max)
			continue;
		if (p[1] < forms[i].second_min || p[1] > forms[i].second_max)
			return 0;
		for (size_t n = 2; n < forms[i].length; n++)
			if ((p[n] & 0xc0) != 0x80)
				return 0;
		return forms[i].length;
	}
	return 0;
}

bool text_is_utf8(const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p;) {
		size_t n = utf8_length(p);

		if (n == 0)
			return false;
		p += n;
	}
	return true;
}

int text_path(const char *s, char **out)
{
	char *path, *end;

	if (*s != '/')
		return -EINVAL;
	if (strlen(s) >= PATH_MAX)
		return -ENAMETOOLONG;
	path = end = calloc(1, strlen(s) + 1);
	if (!path)
		return -ENOMEM;
	while (*s) {
		size_t n;

		s += strspn(s, "/");
		n = strcspn(s, "/");
		if (n == 2 && strncmp(s, "..", 2) == 0) {
			free(path);
			return -ELOOP;
		}
		if (n > 0 && !(n == 1 && *s == '.')) {
			*end++ = '/';
			memcpy(end, s, n);
			end += n;
		}
		s += n;
	}
	if (end == path)
		*end++ = '/';
	*end = '\0';
	*out = path;
	return 0;
}

bool text_is_one_of(const char *s, const char *const *list)
{
	for (; *list; list++)
		if (streq(s, *list))
			return true;
	return false;
}
