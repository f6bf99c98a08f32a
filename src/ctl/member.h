/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Members of a reply's objects. What is null, absent or of another type is absent: a client shows
 * what it is told, and does not judge it.
 */
#include <jansson.h>

#include "util/clock.h"
#include "util/macro.h"

static inline const char *member_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)); /* NULL for all but a string */
}

static inline const char *member_text_or(const json_t *object, const char *key, const char *fallback)
{
	const char *s = member_text(object, key);

	return s ? s : fallback;
}

static inline bool member_number(const json_t *object, const char *key, json_int_t *out)
{
	const json_t *n = json_object_get(object, key);

	if (!json_is_integer(n))
		return false;
	*out = json_integer_value(n);
	return true;
}

static inline json_int_t member_number_or(const json_t *object, const char *key, json_int_t fallback)
{
	json_int_t n;

	return member_number(object, key, &n) ? n : fallback;
}

/* Infinity for what is absent. */
static inline usec_t member_usec(const json_t *object, const char *key)
{
	json_int_t n;

	return member_number(object, key, &n) && n >= 0 ? (usec_t)n : USEC_INFINITY;
}

static inline bool member_is(const json_t *object, const char *key, const char *text)
{
	const char *s = member_text(object, key);

	return s && streq(s, text);
}
