/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/stdin_data.h"

#include <errno.h>

#include "core/specifier.h"
#include "core/text.h"
#include "core/value.h"
#include "util/buf.h"

#define SIZE_LIMIT (64UL * 1024 * 1024) /* systemd's EXEC_STDIN_DATA_MAX */

void stdin_data_free(struct buf *data)
{
	if (!data)
		return;
	buf_deinit(data);
	free(data);
}

/* Appends to what there is; an empty assignment empties it. */
static int add(struct loading *l, const struct directive *d, struct buf **field, const char *bytes,
	       size_t len)
{
	if (!*field)
		*field = calloc(1, sizeof(**field));
	if (!*field)
		return -ENOMEM;
	if ((*field)->len + len > SIZE_LIMIT) {
		value_tell(l, DIAG_WARNING, "%s= makes the standard input too large, ignoring.", d->key);
		return 0;
	}
	buf_append(*field, bytes, len);
	return buf_error(*field);
}

static int parse_input_text(struct loading *l, const struct directive *d, char *value, void *field)
{
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_free char *expanded = NULL;
	struct buf **data = field;
	int r;

	if (*value == '\0') {
		stdin_data_free(TAKE_PTR(*data));
		return 0;
	}
	r = words_unescape(&text, value);
	if (r == 0)
		r = buf_error(&text);
	if (r < 0)
		return r;
	r = specifier_expand(text.data, l->unit->name, l->host, &expanded);
	if (r < 0)
		return r;
	r = add(l, d, data, expanded, strlen(expanded));
	return r < 0 ? r : add(l, d, data, "\n", 1);
}

static int digit_of(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";
	const char *d = c ? strchr(digits, c) : NULL;

	return d ? (int)(d - digits) : -1;
}

/* RFC 4648, section 4, with white space anywhere. In place: its length, or -EINVAL. */
static ssize_t decode_base64(char *s)
{
	unsigned bits = 0, have = 0, digits = 0, padding = 0;
	char *out = s;

	for (const char *p = s; *p; p++) {
		int digit = digit_of(*p);

		if (strchr(WHITESPACE, *p))
			continue;
		if (*p == '=') {
			padding++;
			continue;
		}
		if (digit < 0 || padding > 0)
			return -EINVAL;
		digits++;
		bits = (bits << 6 | (unsigned)digit) & 0xffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			*out++ = (char)(bits >> have);
		}
	}
	/* no bits may be left over, and each group of four is complete */
	if ((digits + padding) % 4 != 0 || padding > 2 || (bits & ((1U << have) - 1)))
		return -EINVAL;
	return out - s;
}

static int parse_input_data(struct loading *l, const struct directive *d, char *value, void *field)
{
	struct buf **data = field;
	ssize_t n;

	if (*value == '\0') {
		stdin_data_free(TAKE_PTR(*data));
		return 0;
	}
	n = decode_base64(value);
	return n < 0 ? (int)n : add(l, d, data, value, (size_t)n);
}

const struct value_type value_input_text = { parse_input_text, HASH_IS_DATA };
const struct value_type value_input_data = { parse_input_data, HASH_VOIDS };
