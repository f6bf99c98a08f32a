/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/logging.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "core/value.h"
#include "util/parse.h"

#define LEVEL_INFO	6
#define FACILITY_DAEMON 3

const struct logging logging_default = { .level = LEVEL_INFO, .facility = FACILITY_DAEMON };

static struct logging *get(void *field)
{
	struct logging **l = field;

	if (!*l && (*l = malloc(sizeof(**l))))
		**l = logging_default;
	return *l;
}

void logging_free(struct logging *l)
{
	if (l)
		free(l->identifier);
	free(l);
}

/* ---- names ---- */

/* By number: syslog(3). */
static const char *const levels[] = { "emerg",	 "alert",  "crit", "err",
				      "warning", "notice", "info", "debug" };
static const char *const facilities[] = { "kern",     "user",	"mail",	  "daemon", "auth",
					  "syslog",   "lpr",	"news",	  "uucp",   "cron",
					  "authpriv", "ftp",	"12",	  "13",	    "14",
					  "15",	      "local0", "local1", "local2", "local3",
					  "local4",   "local5", "local6", "local7" };

static int find(const char *name, const char *const *names, size_t n)
{
	unsigned number;

	for (size_t i = 0; i < n; i++)
		if (streq(names[i], name))
			return (int)i;
	return parse_uint(name, &number) == 0 && number < n ? (int)number : -EINVAL;
}

int logging_level(const char *name)
{
	return find(name, levels, ARRAY_SIZE(levels));
}

/* ---- directives; each field is the unit's pointer ---- */

static int set(int number, int *out)
{
	if (number >= 0)
		*out = number;
	return MIN_OF(number, 0);
}

static int parse_level(struct loading *l unused, const struct directive *d unused, char *value,
		       void *field)
{
	struct logging *g = get(field);

	return g ? set(logging_level(value), &g->level) : -ENOMEM;
}

static int parse_facility(struct loading *l unused, const struct directive *d unused, char *value,
			  void *field)
{
	struct logging *g = get(field);

	return g ? set(find(value, facilities, ARRAY_SIZE(facilities)), &g->facility) : -ENOMEM;
}

static int parse_level_prefix(struct loading *l unused, const struct directive *d unused,
			      char *value, void *field)
{
	struct logging *g = get(field);
	bool on = false;
	int r = g ? parse_bool(value, &on) : -ENOMEM;

	if (r == 0)
		g->no_prefix = !on;
	return r;
}

static int parse_identifier(struct loading *l, const struct directive *d, char *value, void *field)
{
	struct logging *g = get(field);

	return g ? value_text.parse(l, d, value, &g->identifier) : -ENOMEM;
}

static int parse_max_size(struct loading *l unused, const struct directive *d unused, char *value,
			  void *field)
{
	struct logging *g = get(field);
	uint64_t size = 0;
	int r = g ? parse_size(value, &size) : -ENOMEM;

	if (r == 0 && size < LOG_MAX_SIZE_MIN)
		return -ERANGE;
	if (r == 0)
		g->max_size = size;
	return r;
}

static int parse_max_files(struct loading *l unused, const struct directive *d unused, char *value,
			   void *field)
{
	struct logging *g = get(field);
	unsigned n = 0;
	int r = g ? parse_uint(value, &n) : -ENOMEM;

	if (r == 0 && n == 0)
		return -ERANGE;
	if (r == 0)
		g->max_files = n;
	return r;
}

const struct value_type value_log_level = { parse_level, HASH_VOIDS };
const struct value_type value_log_facility = { parse_facility, HASH_VOIDS };
const struct value_type value_log_prefix = { parse_level_prefix, HASH_VOIDS };
const struct value_type value_log_identifier = { parse_identifier, HASH_IS_DATA };
const struct value_type value_log_max_size = { parse_max_size, HASH_VOIDS };
const struct value_type value_log_max_files = { parse_max_files, HASH_VOIDS };

/* ---- showing ---- */

void logging_show(const struct logging *l, struct showing *out)
{
	if (!l)
		return;
	show_format(out, "SyslogFacility", "%d", l->facility);
	show_format(out, "SyslogLevel", "%d", l->level);
	show_bool(out, "SyslogLevelPrefix", !l->no_prefix);
	if (l->identifier)
		show_text(out, "SyslogIdentifier", l->identifier);
	if (l->max_size > 0)
		show_format(out, "LogMaxSize", "%" PRIu64, l->max_size);
	if (l->max_files > 0)
		show_format(out, "LogMaxFiles", "%u", l->max_files);
}

/* ---- in the log ---- */

const char *logging_head(const struct logging *l, char *buf, size_t cap)
{
	const char *id = l && l->identifier ? l->identifier : "";

	*buf = '\0';
	if (l && (*id || l->level != LEVEL_INFO || l->facility != FACILITY_DAEMON || l->no_prefix))
		snprintf(buf, cap, "level=%d facility=%d prefix=%s identifier=%s", l->level,
			 l->facility, l->no_prefix ? "no" : "yes", id);
	return buf;
}

void logging_parse_head(struct logging *out, const char *text, size_t len)
{
	cleanup_free char *copy = strndup(text, len);
	char prefix[4];
	int at = 0;

	free(out->identifier);
	*out = logging_default;
	if (!copy || sscanf(copy, "level=%d facility=%d prefix=%3s identifier=%n", &out->level,
			    &out->facility, prefix, &at) < 3)
		return;
	out->no_prefix = streq(prefix, "no");
	out->identifier = at > 0 && copy[at] ? strdup(copy + at) : NULL;
}
