/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/env.h"

#include <errno.h>

#include "util/buf.h"
#include "util/strv.h"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool env_name_valid(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_letter(name[i]) && !(i > 0 && is_digit(name[i])))
			return false;
	return len > 0;
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
static bool is_utf8(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	while (*p) {
		static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
		unsigned n = *p < 0x80	     ? 0
			     : *p >> 5 == 6  ? 1
			     : *p >> 4 == 14 ? 2
			     : *p >> 3 == 30 ? 3
					     : 4;
		uint32_t c;

		if (n == 4)
			return false;
		c = n == 0 ? *p : *p & (0x3fU >> n);
		p++;
		for (unsigned i = 0; i < n; i++, p++) {
			if (*p >> 6 != 2)
				return false;
			c = c << 6 | (*p & 0x3fU);
		}
		if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return false;
	}
	return true;
}

bool env_assignment_valid(const char *assignment)
{
	size_t n = strcspn(assignment, "=");

	return assignment[n] == '=' && env_name_valid(assignment, n) && is_utf8(assignment + n + 1);
}

/* The value when assignment is one of name, else NULL. */
static const char *value_of(const char *assignment, const char *name, size_t len)
{
	return strncmp(assignment, name, len) == 0 && assignment[len] == '=' ? assignment + len + 1
									     : NULL;
}

const char *env_get_n(char *const *env, const char *name, size_t len)
{
	const char *found = NULL;

	for (size_t i = 0; env && env[i]; i++) {
		const char *value = value_of(env[i], name, len);

		if (value)
			found = value;
	}
	return found;
}

const char *env_get(char *const *env, const char *name)
{
	return env_get_n(env, name, strlen(name));
}

/* Drops what has the name of len bytes, from env[from] on. */
static void drop_name(char **env, size_t from, const char *name, size_t len)
{
	size_t kept = from;

	for (size_t i = from; env && env[i]; i++) {
		if (value_of(env[i], name, len))
			free(env[i]);
		else
			env[kept++] = env[i];
	}
	if (env)
		env[kept] = NULL;
}

int env_set(char ***env, const char *assignment)
{
	size_t len = strcspn(assignment, "=");
	char *copy;

	if (assignment[len] != '=')
		return -EINVAL;
	copy = strdup(assignment);
	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; *env && (*env)[i]; i++) {
		if (!value_of((*env)[i], assignment, len))
			continue;
		free((*env)[i]);
		(*env)[i] = copy;
		drop_name(*env, i + 1, copy, len);
		return 0;
	}
	return strv_push_take(env, copy);
}

void env_unset(char **env, const char *name_or_assignment)
{
	size_t kept = 0;

	if (!strchr(name_or_assignment, '=')) {
		drop_name(env, 0, name_or_assignment, strlen(name_or_assignment));
		return;
	}
	for (size_t i = 0; env && env[i]; i++) {
		if (streq(env[i], name_or_assignment))
			free(env[i]);
		else
			env[kept++] = env[i];
	}
	if (env)
		env[kept] = NULL;
}

/* The rest of an environment file. */
struct reader {
	const char *p, *end;
	unsigned line;
};

static bool at_newline(const struct reader *r)
{
	return *r->p == '\n' || *r->p == '\r';
}

static bool is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void step(struct reader *r)
{
	if (*r->p == '\n')
		r->line++;
	r->p++;
}

static void skip_line(struct reader *r)
{
	while (r->p < r->end && !at_newline(r))
		r->p++;
}

/* Behind the opening quote up to behind the closing one, or to the end of the text. */
static void read_quoted(struct reader *r, char quote, struct buf *out)
{
	for (; r->p < r->end && *r->p != quote; step(r)) {
		if (quote == '"' && *r->p == '\\') {
			if (++r->p == r->end)
				return;
			if (*r->p == '\n')
				continue;
			if (!memchr("\"\\`$", *r->p, 4))
				buf_putc(out, '\\');
		}
		buf_putc(out, *r->p);
	}
	if (r->p < r->end)
		r->p++;
}

/*
 * An unquoted value up to the end of its line; white space at its end is no part of it unless
 * escaped.
 */
static void read_unquoted(struct reader *r, struct buf *out)
{
	size_t keep = out->len;

	for (; r->p < r->end && !at_newline(r); step(r)) {
		bool escaped = *r->p == '\\';

		if (escaped && ++r->p == r->end)
			break;
		if (!escaped || !at_newline(r))
			buf_putc(out, *r->p);
		if (escaped || !is_white(*r->p))
			keep = out->len;
	}
	if (out->data)
		out->data[out->len = keep] = '\0';
}

/*
 * Quoted pieces, white space between them dropped, and at most one unquoted piece, which takes the
 * rest of the line.
 */
static void read_value(struct reader *r, struct buf *out)
{
	while (r->p < r->end && !at_newline(r)) {
		char c = *r->p;

		if (c == '"' || c == '\'') {
			r->p++;
			read_quoted(r, c, out);
		} else if (is_white(c)) {
			r->p++;
		} else {
			read_unquoted(r, out);
			return;
		}
	}
}

/* Takes "NAME=value" off *r, NAME stripped. False when the line has no '='. */
static bool read_assignment(struct reader *r, struct buf *out)
{
	const char *name = r->p;
	size_t len;

	while (r->p < r->end && !at_newline(r) && *r->p != '=')
		r->p++;
	len = (size_t)(r->p - name);
	while (len > 0 && is_white(name[len - 1]))
		len--;
	buf_append(out, name, len);
	if (r->p == r->end || *r->p != '=')
		return false;
	buf_putc(out, '=');
	r->p++;
	read_value(r, out);
	return true;
}

int env_file_parse(char ***env, const char *text, size_t len, const char *path, struct diags *diags)
{
	struct reader r = { text, text + len, 1 };

	while (r.p < r.end) {
		cleanup_buf struct buf out = BUF_INIT;
		unsigned line = r.line;
		int error = 0;

		if (is_white(*r.p)) {
			step(&r);
			continue;
		}
		if (*r.p == '#' || *r.p == ';') {
			/*
			 * A backslash at the end of a comment continues nothing, as in systemd
			 * since 254.
			 */
			skip_line(&r);
			continue;
		}
		if (!read_assignment(&r, &out))
			diag_add(diags, DIAG_WARNING, path, line, "Missing '=', ignoring line");
		else if (buf_error(&out) < 0)
			return -ENOMEM;
		else if (strlen(out.data) != out.len || !env_assignment_valid(out.data))
			diag_add(diags, DIAG_WARNING, path, line,
				 "Invalid environment assignment, ignoring: %s", out.data);
		else
			error = env_set(env, out.data);
		if (error < 0)
			return error;
	}
	return 0;
}
