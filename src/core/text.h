/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Small questions about text.
 */
#include "core/words.h" /* WHITESPACE */
#include "util/macro.h"

/* Cuts off the white space around s, in place. */
char *text_strip(char *s);
/* Cuts the next word, delimited by white space, off *s. NULL when there is none. */
char *text_next_word(char **s);
/* Is it one of the words of list, which ends in NULL? */
bool text_is_one_of(const char *s, const char *const *list);
#define TEXT_IN(s, ...) text_is_one_of((s), (const char *const[]){ __VA_ARGS__, NULL })
/* Well-formed UTF-8 (RFC 3629: shortest forms, no surrogates). */
bool text_is_utf8(const char *s);
/*
 * The absolute path s with runs of '/' and "." components removed, as systemd simplifies it; the
 * caller frees *out. 0; -EINVAL when s is not absolute; -ELOOP when it has a ".." component;
 * -ENAMETOOLONG; -ENOMEM.
 */
int text_path(const char *s, char **out) must_check;
