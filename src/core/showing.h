/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A listing of settings as "systemctl show" prints it, under way: each noun of a unit adds its keys.
 */
#include <inttypes.h>

#include "util/buf.h"

/* The value is valid during the call only. */
typedef void (*unit_show_fn)(const char *key, const char *value, void *arg);

struct showing {
	unit_show_fn fn;
	void *arg;
	struct buf text; /* of the value that is being put together; owned */
};

/* Without memory a key is left out. */
/* The value is what was put into s->text, which is empty after that. */
void show_gathered(struct showing *s, const char *key);
/* NULL is shown as "". */
void show_text(struct showing *s, const char *key, const char *text);
void show_bool(struct showing *s, const char *key, bool value);
void show_format(struct showing *s, const char *key, const char *fmt, ...) printf_like(3, 4);
