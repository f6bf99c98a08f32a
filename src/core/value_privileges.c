/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The directives of core/privileges.h. Each field is the unit's pointer to them, each arg a place behind it. */
#include <errno.h>

#include "core/privileges.h"
#include "core/value.h"
#include "core/words.h"
#include "util/parse.h"

static int tell_syntax(struct loading *l, const struct directive *d, const char *value, int r)
{
	if (r == -EINVAL)
		value_tell(l, DIAG_WARNING, "Failed to parse %s= specifier '%s', ignoring.", d->key,
			   value);
	return r == -EINVAL ? 0 : r;
}

/* Unknown words count for nothing, as systemd has it; other than it does, we say so. */
static int parse_capabilities(struct loading *l, const struct directive *d, char *value, void *field)
{
	struct privileges *p = privileges_get(field);
	bool invert = *value == '~';
	const char *text = value + invert;
	uint64_t listed = 0;
	char *word;
	int r;

	if (!p)
		return -ENOMEM;
	while ((r = word_next(&text, 0, &word)) > 0) {
		int capability = capability_find(word);

		if (capability >= 0)
			listed |= UINT64_C(1) << capability;
		else
			value_tell(l, DIAG_WARNING, "%s= has an unknown capability, ignoring: %s",
				   d->key, word);
		free(word);
	}
	if (r < 0)
		return tell_syntax(l, d, value, r);
	if (d->arg == offsetof(struct privileges, bounding))
		capabilities_merge(&p->bounding, CAPABILITIES_ALL, invert, listed);
	else
		capabilities_merge(&p->ambient, 0, invert, listed);
	return 0;
}

/* Lines add up; an empty one starts anew: systemd.exec(5). (systemd 252 keeps only the last line, other than its manual.) */
static int parse_secure_bits(struct loading *l, const struct directive *d, char *value, void *field)
{
	struct privileges *p = privileges_get(field);
	const char *text = value;
	int bits = 0, r;
	char *word;

	if (!p)
		return -ENOMEM;
	while ((r = word_next(&text, 0, &word)) > 0) {
		int bit = secure_bit(word);

		if (bit == 0)
			value_tell(l, DIAG_WARNING, "%s= has an unknown word, ignoring: %s", d->key,
				   word);
		bits |= bit;
		free(word);
	}
	if (r < 0)
		return tell_syntax(l, d, value, r);
	p->secure_bits = *value ? p->secure_bits | bits : 0;
	return 0;
}

static int parse_no_new_privileges(struct loading *l unused, const struct directive *d unused,
				   char *value, void *field)
{
	struct privileges *p = privileges_get(field);

	return p ? parse_bool(value, &p->no_new_privileges) : -ENOMEM;
}

const struct value_type value_capabilities = { parse_capabilities, HASH_IS_WORD };
const struct value_type value_secure_bits = { parse_secure_bits, HASH_IS_WORD };
const struct value_type value_no_new_privileges = { parse_no_new_privileges, HASH_VOIDS };
