/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The directives that act, in one table: section and key → how the value is read and where it goes.
 */
#include "core/value.h"

/*
 * One assignment; value is changed in place. What is wrong with it is told in diags, and the
 * assignment then has no effect. 0 or -ENOMEM.
 */
int directive_apply(struct loading *l, const char *section, const char *key, char *value) must_check;

/* How the values of that directive are read; NULL: it is none that acts. */
const struct value_type *directive_type(const char *section, const char *key);
