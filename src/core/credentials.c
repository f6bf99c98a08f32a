/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/credentials.h"

#include <errno.h>
#include <limits.h>

#include "core/specifier.h"
#include "core/text.h"
#include "core/value.h"
#include "core/words.h"

static void clear(struct credential *c)
{
	free(c->id);
	free(c->path);
	buf_deinit(&c->data);
}

void credentials_free(struct credentials *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		clear(&c->v[i]);
	free(c->v);
	free(c);
}

/* It is a file's name, and one of a descriptor: filename_is_valid() and fdname_is_valid() of systemd. */
bool credential_id_is_valid(const char *id)
{
	size_t len = 0;

	for (; id[len]; len++)
		if (id[len] < ' ' || id[len] > '~' || id[len] == '/' || id[len] == ':')
			return false;
	return len > 0 && len <= NAME_MAX && !streq(id, ".") && !streq(id, "..");
}

static struct credential *find(const struct credentials *c, const char *id, bool loads)
{
	for (size_t i = 0; c && i < c->n; i++)
		if ((c->v[i].path != NULL) == loads && streq(c->v[i].id, id))
			return &c->v[i];
	return NULL;
}

bool credentials_set(const struct credentials *c, const char *id)
{
	return find(c, id, false) != NULL;
}

/* ---- reading ---- */

static void forget(struct credentials *c, bool loads)
{
	size_t kept = 0;

	for (size_t i = 0; c && i < c->n; i++)
		if ((c->v[i].path != NULL) == loads)
			clear(&c->v[i]);
		else
			c->v[kept++] = c->v[i];
	if (c)
		c->n = kept;
}

/* Takes what new points to, also on failure. The last one of an ID counts. */
static int add(struct credentials **c, struct credential new)
{
	struct credential *there = find(*c, new.id, new.path != NULL), *grown;

	if (there) {
		clear(there);
		*there = new;
		return 0;
	}
	if (!*c)
		*c = calloc(1, sizeof(**c));
	grown = *c ? reallocarray((*c)->v, (*c)->n + 1, sizeof(*grown)) : NULL;
	if (!grown) {
		clear(&new);
		return -ENOMEM;
	}
	(*c)->v = grown;
	grown[(*c)->n++] = new;
	return 0;
}

/* What stands before the colon; *rest: behind it, NULL without one. 0; -EINVAL, told; -ENOMEM. */
static int read_id(struct loading *l, const char *key, char *value, char **id, char **rest)
{
	char *colon = strchr(value, ':'), *expanded;
	int r;

	if (colon)
		*colon++ = '\0';
	*rest = colon;
	r = specifier_expand(value, l->unit->name, l->host, &expanded);
	if (r < 0 && r != -EINVAL)
		return r;
	if (r == 0 && credential_id_is_valid(expanded)) {
		*id = expanded;
		return 0;
	}
	value_tell(l, DIAG_WARNING, "Credential name of %s= is not valid, ignoring: %s", key, value);
	if (r == 0)
		free(expanded);
	return -EINVAL;
}

/* Absolute, or a name like an ID. */
static int read_source(struct loading *l, const char *key, const char *text, char **out)
{
	cleanup_free char *expanded = NULL;
	int r = specifier_expand(text, l->unit->name, l->host, &expanded);

	if (r == 0 && *expanded == '/')
		r = text_path(expanded, out);
	else if (r == 0 && credential_id_is_valid(expanded))
		*out = TAKE_PTR(expanded);
	else if (r == 0)
		r = -EINVAL;
	if (r == 0 || r == -ENOMEM)
		return r;
	value_tell(l, DIAG_WARNING, "Credential source of %s= is not valid, ignoring: %s", key, text);
	return -EINVAL;
}

/* What is encrypted is not kept: nobody can read it. */
static int read_value(struct loading *l, const char *key, const char *text, struct credential *c)
{
	int r = !text ? -EINVAL : c->encrypted ? 0 : words_unescape(&c->data, text);

	if (r == 0)
		return buf_error(&c->data);
	value_tell(l, DIAG_WARNING, "Invalid syntax in %s=, ignoring.", key);
	return r;
}

enum { LOADS = 1, ENCRYPTED = 2 };

/* ID:VALUE, or ID[:PATH]; d->arg: which. An empty assignment forgets those of its kind, encrypted or not. */
static int parse_credential(struct loading *l, const struct directive *d, char *value, void *field)
{
	struct credential c = { .encrypted = d->arg & ENCRYPTED };
	char *rest;
	int r;

	if (*value == '\0') {
		forget(*(struct credentials **)field, d->arg & LOADS);
		return 0;
	}
	r = read_id(l, d->key, value, &c.id, &rest);
	if (r == 0 && d->arg & LOADS)
		r = read_source(l, d->key, rest && *rest ? rest : c.id, &c.path);
	else if (r == 0)
		r = read_value(l, d->key, rest, &c);
	if (r < 0) {
		clear(&c);
		return r == -EINVAL ? 0 : r;
	}
	if (c.encrypted)
		value_tell_id(l, DIAG_WARNING, "unsupported-key",
			      "%s= cannot be decrypted here: the service will not start "
			      "(243/CREDENTIALS).",
			      d->key);
	return add(field, c);
}

const struct value_type value_credential = { parse_credential, HASH_IS_DATA };

/* ---- showing ---- */

void credentials_show(const struct credentials *c, struct showing *out)
{
	cleanup_buf struct buf load = BUF_INIT, set = BUF_INIT;

	for (size_t i = 0; c && i < c->n; i++) {
		struct buf *b = c->v[i].path ? &load : &set;

		buf_printf(b, "%s%s", b->len > 0 ? " " : "", c->v[i].id);
		if (c->v[i].path)
			buf_printf(b, ":%s", c->v[i].path);
	}
	show_text(out, "LoadCredential", load.data);
	show_text(out, "SetCredential", set.data);
}
