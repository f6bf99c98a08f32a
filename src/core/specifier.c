/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/specifier.h"

#include <ctype.h>
#include <errno.h>

#include "core/credentials.h"
#include "util/buf.h"

/* A part of a unit's name: borrowed bytes without a NUL. */
struct part {
	const char *s;
	size_t len;
};

static struct part part_of(const char *begin, const char *end)
{
	return (struct part){ begin, (size_t)(end - begin) };
}

static struct part whole(const char *name)
{
	return part_of(name, name + strlen(name));
}

/* "foo@bar.service" → "foo@bar" */
static struct part stem(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? part_of(name, dot) : whole(name);
}

/* "foo@bar.service" → "foo" */
static struct part prefix(const char *name)
{
	struct part s = stem(name);
	const char *at = memchr(s.s, '@', s.len);

	return at ? part_of(name, at) : s;
}

/* "foo@bar.service" → "bar"; empty when there is none */
static struct part instance(const char *name)
{
	struct part s = stem(name);
	const char *end = s.s + s.len, *at = memchr(s.s, '@', s.len);

	return part_of(at ? at + 1 : end, end);
}

/* What is behind the last dash of the prefix: "foo-bar@x.service" → "bar" */
static struct part last_of_prefix(const char *name)
{
	struct part p = prefix(name);
	const char *dash = memrchr(p.s, '-', p.len);

	return dash ? part_of(dash + 1, p.s + p.len) : p;
}

static int put_plain(struct buf *out, struct part part)
{
	buf_append(out, part.s, part.len);
	return 0;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes the escaping of systemd-escape(1): "-" is "/", "\xNN" a byte. */
static int put_unescaped(struct buf *out, struct part part)
{
	const char *s = part.s, *end = s + part.len;

	while (s < end) {
		if (*s == '-') {
			buf_putc(out, '/');
			s++;
		} else if (*s == '\\') {
			int high, low;

			if (end - s < 4 || s[1] != 'x')
				return -EINVAL;
			high = hex_digit(s[2]);
			low = hex_digit(s[3]);
			if (high < 0 || low < 0 || high + low == 0)
				return -EINVAL;
			buf_putc(out, (char)(high << 4 | low));
			s += 4;
		} else {
			buf_putc(out, *s++);
		}
	}
	return 0;
}

/* What %f takes as the name of a path. */
static struct part path_name(const char *name)
{
	struct part part = instance(name);

	return part.len > 0 ? part : prefix(name);
}

/* Undoes systemd-escape --path, which drops the slashes at both ends. */
static int put_path(struct buf *out, struct part part)
{
	bool root = part.len == 1 && *part.s == '-';

	if (!root) {
		if (part.len == 0 || part.s[0] == '-' || part.s[part.len - 1] == '-')
			return -EINVAL;
		buf_putc(out, '/');
	}
	return put_unescaped(out, part);
}

static const char *host_string(char specifier, const struct host_facts *h)
{
	const struct {
		char letter;
		const char *value;
	} facts[] = {
		{ 'm', h->machine_id }, { 'b', h->boot_id },	 { 'H', h->host_name },
		{ 'q', h->host_name },	{ 'l', h->short_host },	 { 'v', h->kernel },
		{ 'a', h->arch },	{ 't', h->runtime_dir }, { 'S', h->state_dir },
		{ 'C', h->cache_dir },	{ 'L', h->logs_dir },	 { 'E', h->config_dir },
		{ 'T', h->tmp_dir },	{ 'V', h->var_tmp_dir }, { 'u', h->user },
		{ 'g', h->group },	{ 'h', h->home },	 { 's', h->shell },
	};

	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		if (facts[i].letter == specifier)
			return facts[i].value;
	return NULL;
}

static int put_specifier(struct buf *out, char specifier, const char *name, const struct host_facts *host)
{
	static const struct {
		char letter;
		struct part (*part)(const char *name);
		int (*put)(struct buf *out, struct part part);
	} parts[] = {
		{ 'n', whole, put_plain },	    { 'N', stem, put_plain },
		{ 'p', prefix, put_plain },	    { 'P', prefix, put_unescaped },
		{ 'i', instance, put_plain },	    { 'I', instance, put_unescaped },
		{ 'j', last_of_prefix, put_plain }, { 'J', last_of_prefix, put_unescaped },
		{ 'f', path_name, put_path },
	};
	const char *value = host_string(specifier, host);

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i].letter == specifier)
			return parts[i].put(out, parts[i].part(name));
	if (specifier == 'd')
		buf_printf(out, "%s/" CREDENTIALS_BASE "/%s", host->runtime_dir, name);
	else if (specifier == 'U' || specifier == 'G')
		buf_printf(out, "%u", specifier == 'U' ? host->uid : host->gid);
	else if (value)
		buf_puts(out, value);
	else
		return -EINVAL;
	return 0;
}

int specifier_expand(const char *s, const char *unit_name, const struct host_facts *host, char **out)
{
	cleanup_buf struct buf text = BUF_INIT;
	char *taken;
	int r;

	for (; *s; s++) {
		if (s[0] == '%' && s[1] == '%') {
			buf_putc(&text, *s++);
		} else if (s[0] == '%' && isalnum((unsigned char)s[1])) {
			r = put_specifier(&text, *++s, unit_name, host);
			if (r < 0)
				return r;
		} else {
			buf_putc(&text, *s);
		}
	}
	taken = buf_take(&text);
	if (!taken)
		return -ENOMEM;
	*out = taken;
	return 0;
}
