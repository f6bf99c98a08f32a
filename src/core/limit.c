/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/limit.h"

#include <errno.h>

#include "util/parse.h"

static int parse_count(const char *s, rlim_t *out)
{
	uint64_t n;
	int r = parse_u64(s, &n);

	if (r < 0)
		return r;
	if (n >= RLIM_INFINITY)
		return -ERANGE;
	*out = n;
	return 0;
}

static int parse_bytes(const char *s, rlim_t *out)
{
	uint64_t n;
	int r = parse_size(s, &n);

	if (r < 0)
		return r;
	if (n >= RLIM_INFINITY)
		return -ERANGE;
	*out = n;
	return 0;
}

/* RLIMIT_CPU counts whole seconds: round up, so that a short limit does not become none. */
static int parse_cpu_time(const char *s, rlim_t *out)
{
	usec_t span;
	int r = parse_span(s, &span);

	if (r < 0)
		return r;
	*out = span / USEC_PER_SEC + (span % USEC_PER_SEC != 0);
	return 0;
}

static int parse_realtime(const char *s, rlim_t *out)
{
	usec_t span;
	int r = parse_span_unit(s, 1, &span);

	if (r < 0)
		return r;
	*out = span;
	return 0;
}

/*
 * RLIMIT_NICE is 20 - nice: setrlimit(2). With a sign it is a nice level, without one the raw
 * value.
 */
static int parse_nice_limit(const char *s, rlim_t *out)
{
	uint64_t raw;
	int level, r;

	if (*s != '+' && *s != '-') {
		r = parse_u64(s, &raw);
		if (r < 0)
			return r;
		if (raw > 40)
			return -ERANGE;
		*out = raw;
		return 0;
	}
	r = parse_int(s, &level);
	if (r < 0)
		return r;
	if (level < -20 || level > 19)
		return -ERANGE;
	*out = (rlim_t)(20 - level);
	return 0;
}

static const struct resource {
	const char *name;
	int (*parse)(const char *s, rlim_t *out);
} resources[RLIM_NLIMITS] = {
	[RLIMIT_CPU] = { "CPU", parse_cpu_time },
	[RLIMIT_FSIZE] = { "FSIZE", parse_bytes },
	[RLIMIT_DATA] = { "DATA", parse_bytes },
	[RLIMIT_STACK] = { "STACK", parse_bytes },
	[RLIMIT_CORE] = { "CORE", parse_bytes },
	[RLIMIT_RSS] = { "RSS", parse_bytes },
	[RLIMIT_NOFILE] = { "NOFILE", parse_count },
	[RLIMIT_AS] = { "AS", parse_bytes },
	[RLIMIT_NPROC] = { "NPROC", parse_count },
	[RLIMIT_MEMLOCK] = { "MEMLOCK", parse_bytes },
	[RLIMIT_LOCKS] = { "LOCKS", parse_count },
	[RLIMIT_SIGPENDING] = { "SIGPENDING", parse_count },
	[RLIMIT_MSGQUEUE] = { "MSGQUEUE", parse_bytes },
	[RLIMIT_NICE] = { "NICE", parse_nice_limit },
	[RLIMIT_RTPRIO] = { "RTPRIO", parse_count },
	[RLIMIT_RTTIME] = { "RTTIME", parse_realtime },
};

const char *limit_name(int resource)
{
	return resource >= 0 && (size_t)resource < ARRAY_SIZE(resources) ? resources[resource].name
									 : NULL;
}

static int parse_one(const struct resource *resource, const char *s, rlim_t *out)
{
	if (streq(s, "infinity")) {
		*out = RLIM_INFINITY;
		return 0;
	}
	return resource->parse(s, out);
}

int limit_parse(const char *s, int resource, struct limit *out)
{
	const char *colon = strchr(s, ':');
	struct limit l = { .set = true };
	char soft[64];
	int r;

	if (!colon) {
		r = parse_one(&resources[resource], s, &l.soft);
		l.hard = l.soft;
	} else {
		if ((size_t)(colon - s) >= sizeof(soft))
			return -EINVAL;
		memcpy(soft, s, (size_t)(colon - s));
		soft[colon - s] = '\0';
		r = parse_one(&resources[resource], soft, &l.soft);
		if (r == 0)
			r = parse_one(&resources[resource], colon + 1, &l.hard);
	}
	if (r < 0)
		return r;
	if (l.soft > l.hard) /* RLIM_INFINITY is the largest rlim_t */
		return -EILSEQ;
	*out = l;
	return 0;
}
