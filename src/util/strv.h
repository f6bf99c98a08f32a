/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A NULL-terminated vector of strings that owns both the vector and the strings; NULL is the empty vector.
 */
#include "util/macro.h"

size_t strv_len(char *const *v);
void strv_free(char **v);
/* Appends a copy of s (strv_push), or s itself, freed on failure (strv_push_take). 0 or -ENOMEM. */
int strv_push(char ***v, const char *s) must_check;
int strv_push_take(char ***v, char *s) must_check;
/* The copy, NULL without memory or for an empty vector. */
char **strv_copy(char *const *v) must_check;
bool strv_contains(char *const *v, const char *s);

static inline void strv_cleanup_(char ***v)
{
	strv_free(*v);
}
#define cleanup_strv __attribute__((cleanup(strv_cleanup_)))
