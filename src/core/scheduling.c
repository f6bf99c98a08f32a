/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/scheduling.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/personality.h>

#include "core/text.h"
#include "core/value.h"
#include "util/buf.h"
#include "util/parse.h"

#define IO_PRIORITY_DEFAULT	4
#define COREDUMP_FILTER_DEFAULT 0x33
#define COREDUMP_FILTER_ALL	0x1ff

void scheduling_free(struct scheduling *s)
{
	if (!s)
		return;
	free(s->cpus);
	free(s->nodes);
	free(s);
}

/* ---- words ---- */

struct word {
	const char *name;
	unsigned long value;
};

/* clang-format off */
static const struct word policies[] = {
	{ "other", SCHED_OTHER }, { "batch", SCHED_BATCH }, { "idle", SCHED_IDLE },
	{ "fifo", SCHED_FIFO }, { "rr", SCHED_RR }, { NULL, 0 },
};

static const struct word io_classes[] = {
	{ "none", IOPRIO_CLASS_NONE }, { "realtime", IOPRIO_CLASS_RT },
	{ "best-effort", IOPRIO_CLASS_BE }, { "idle", IOPRIO_CLASS_IDLE }, { NULL, 0 },
};

static const struct word numa_policies[] = {
	{ "default", MPOL_DEFAULT }, { "preferred", MPOL_PREFERRED }, { "bind", MPOL_BIND },
	{ "interleave", MPOL_INTERLEAVE }, { "local", MPOL_LOCAL }, { NULL, 0 },
};

/* core(5), "Controlling which mappings are written to the core dump" */
static const struct word mappings[] = {
	{ "private-anonymous", 1 << 0 }, { "shared-anonymous", 1 << 1 }, { "private-file-backed", 1 << 2 },
	{ "shared-file-backed", 1 << 3 }, { "elf-headers", 1 << 4 }, { "private-huge", 1 << 5 },
	{ "shared-huge", 1 << 6 }, { "private-dax", 1 << 7 }, { "shared-dax", 1 << 8 },
	{ "default", COREDUMP_FILTER_DEFAULT }, { "all", COREDUMP_FILTER_ALL }, { NULL, 0 },
};

static const struct word personalities[] = {
#if defined(__x86_64__)
	{ "x86-64", PER_LINUX }, { "x86", PER_LINUX32 },
#elif defined(__aarch64__)
	{ "arm64", PER_LINUX }, { "arm", PER_LINUX32 },
#endif
	{ NULL, 0 },
};
/* clang-format on */

static const struct word *find(const struct word *words, const char *name)
{
	for (; words->name; words++)
		if (streq(words->name, name))
			return words;
	return NULL;
}

/* A name or its number, which is at most max. 0 or -EINVAL. */
static int parse_name(const struct word *words, const char *s, unsigned max, int *out)
{
	const struct word *w = find(words, s);
	unsigned number;

	if (!w && (parse_uint(s, &number) < 0 || number > max))
		return -EINVAL;
	*out = w ? (int)w->value : (int)number;
	return 0;
}

const char *personality_name(unsigned long personality)
{
	for (const struct word *w = personalities; w->name; w++)
		if (w->value == personality)
			return w->name;
	return NULL;
}

/* ---- reading ---- */

static struct scheduling *get(struct scheduling **field)
{
	if (!*field) {
		*field = calloc(1, sizeof(**field));
		if (*field) {
			(*field)->io_class = IOPRIO_CLASS_BE;
			(*field)->io_priority = IO_PRIORITY_DEFAULT;
		}
	}
	return *field;
}

static int parse_affinity(struct loading *l, const struct directive *d, char *value, void *field)
{
	struct scheduling *s = get(field);

	if (!s)
		return -ENOMEM;
	if (!streq(value, "numa"))
		return resources_parse_cpus(&s->cpus, value);
	value_tell_id(l, DIAG_WARNING, "unsupported-key",
		      "%s=%s is known but not supported, ignoring.", d->key, value);
	return 0;
}

static int parse_policy(struct loading *l unused, const struct directive *d unused, char *value,
			void *field)
{
	struct scheduling *s = get(field);
	int policy, r;

	if (!s)
		return -ENOMEM;
	if (*value == '\0') {
		s->cpu_set = false;
		s->policy = s->priority = 0;
		return 0;
	}
	r = parse_name(policies, value, SCHED_IDLE, &policy);
	if (r < 0)
		return r;
	s->policy = policy;
	s->priority = MAX_OF(s->priority, sched_get_priority_min(policy));
	s->priority = MIN_OF(s->priority, sched_get_priority_max(policy));
	s->cpu_set = true;
	return 0;
}

/* Whether the policy, which may come later, takes it is told by the kernel: 214/SETSCHEDULER. */
static int parse_priority(struct loading *l unused, const struct directive *d unused, char *value,
			  void *field)
{
	struct scheduling *s = get(field);
	int priority, r;

	if (!s)
		return -ENOMEM;
	r = parse_int(value, &priority);
	if (r < 0)
		return r;
	if (priority < 0 || priority > sched_get_priority_max(SCHED_RR))
		return -ERANGE;
	s->priority = priority;
	s->cpu_set = true;
	return 0;
}

static int parse_reset_on_fork(struct loading *l unused, const struct directive *d unused,
			       char *value, void *field)
{
	struct scheduling *s = get(field);

	return s ? parse_bool(value, &s->reset_on_fork) : -ENOMEM;
}

/* d->arg: the priority, or else the class. An empty assignment resets both. */
static int parse_io(struct loading *l unused, const struct directive *d, char *value, void *field)
{
	struct scheduling *s = get(field);
	unsigned priority;
	int r;

	if (!s)
		return -ENOMEM;
	if (*value == '\0') {
		s->io_set = false;
		s->io_class = IOPRIO_CLASS_BE;
		s->io_priority = IO_PRIORITY_DEFAULT;
		return 0;
	}
	if (!d->arg) {
		r = parse_name(io_classes, value, IOPRIO_CLASS_IDLE, &s->io_class);
		if (r == 0 && s->io_class == IOPRIO_CLASS_NONE)
			s->io_class = IOPRIO_CLASS_BE;
	} else {
		r = parse_uint(value, &priority);
		if (r == 0 && priority > 7)
			r = -ERANGE;
		if (r == 0)
			s->io_priority = (int)priority;
	}
	if (r == 0)
		s->io_set = true;
	return r;
}

/* A bare number is in nanoseconds; what is finer than a microsecond otherwise is not told apart. */
static int parse_timer_slack(struct loading *l unused, const struct directive *d unused,
			     char *value, void *field)
{
	struct scheduling *s = get(field);
	uint64_t ns;
	usec_t span;
	int r;

	if (!s)
		return -ENOMEM;
	if (ends_with(value, "ns"))
		value[strlen(value) - 2] = '\0';
	r = parse_u64(text_strip(value), &ns);
	if (r == -EINVAL) {
		r = parse_span_unit(value, 1, &span);
		if (r == 0 && span > UINT64_MAX / 1000)
			r = -ERANGE;
		ns = r == 0 ? span * 1000 : 0;
	}
	if (r < 0)
		return r;
	s->timer_slack = ns;
	s->timer_slack_set = true;
	return 0;
}

/* A mapping's name, or a number to the base 16. 0 or -EINVAL. */
static int parse_mapping(const char *s, unsigned *out)
{
	const struct word *w = find(mappings, s);
	unsigned long number;
	char *end;

	if (w) {
		*out |= (unsigned)w->value;
		return 0;
	}
	errno = 0;
	number = strtoul(s, &end, 16);
	if (errno || end == s || *end || *s == '-' || number > UINT32_MAX)
		return -EINVAL;
	*out |= (unsigned)number;
	return 0;
}

/* What comes later adds to what was there. */
static int parse_coredump_filter(struct loading *l unused, const struct directive *d unused,
				 char *value, void *field)
{
	struct scheduling *s = get(field);
	unsigned filter = 0;
	char *word;

	if (!s)
		return -ENOMEM;
	if (*value == '\0') {
		s->coredump_filter = 0;
		s->coredump_filter_set = false;
		return 0;
	}
	while ((word = text_next_word(&value)))
		if (parse_mapping(word, &filter) < 0)
			return -EINVAL;
	s->coredump_filter |= filter;
	s->coredump_filter_set = true;
	return 0;
}

static int parse_personality(struct loading *l unused, const struct directive *d unused,
			     char *value, void *field)
{
	const struct word *w = find(personalities, value);
	struct scheduling *s = get(field);

	if (!s)
		return -ENOMEM;
	if (!w && *value)
		return -EINVAL;
	s->personality_set = w != NULL;
	s->personality = w ? w->value : 0;
	return 0;
}

static int parse_numa_policy(struct loading *l unused, const struct directive *d unused,
			     char *value, void *field)
{
	struct scheduling *s = get(field);
	int r;

	if (!s)
		return -ENOMEM;
	r = parse_name(numa_policies, value, MPOL_LOCAL, &s->numa_policy);
	if (r == 0)
		s->numa_set = true;
	return r;
}

static int parse_numa_mask(struct loading *l unused, const struct directive *d unused, char *value,
			   void *field)
{
	struct scheduling *s = get(field);

	if (!s)
		return -ENOMEM;
	s->all_nodes = streq(value, "all");
	return s->all_nodes ? 0 : resources_parse_cpus(&s->nodes, value);
}

const struct value_type value_affinity = { parse_affinity, HASH_VOIDS };
const struct value_type value_cpu_policy = { parse_policy, HASH_VOIDS };
const struct value_type value_cpu_priority = { parse_priority, HASH_VOIDS };
const struct value_type value_reset_on_fork = { parse_reset_on_fork, HASH_VOIDS };
const struct value_type value_io_scheduling = { parse_io, HASH_VOIDS };
const struct value_type value_timer_slack = { parse_timer_slack, HASH_VOIDS };
const struct value_type value_coredump_filter = { parse_coredump_filter, HASH_VOIDS };
const struct value_type value_personality = { parse_personality, HASH_VOIDS };
const struct value_type value_numa_policy = { parse_numa_policy, HASH_VOIDS };
const struct value_type value_numa_mask = { parse_numa_mask, HASH_VOIDS };

/* ---- showing ---- */

static void show_list(struct showing *out, const char *key, const struct cpu_list *list)
{
	if (!list)
		return;
	cpu_list_format(&out->text, list);
	show_gathered(out, key);
}

/* The numbers of the kernel, as "systemctl show" has them. */
void scheduling_show(const struct scheduling *s, struct showing *out)
{
	if (!s)
		return;
	show_list(out, "CPUAffinity", s->cpus);
	if (s->cpu_set) {
		show_format(out, "CPUSchedulingPolicy", "%d", s->policy);
		show_format(out, "CPUSchedulingPriority", "%d", s->priority);
		show_bool(out, "CPUSchedulingResetOnFork", s->reset_on_fork);
	}
	if (s->io_set) {
		show_format(out, "IOSchedulingClass", "%d", s->io_class);
		show_format(out, "IOSchedulingPriority", "%d", s->io_priority);
	}
	if (s->timer_slack_set)
		show_format(out, "TimerSlackNSec", "%" PRIu64, s->timer_slack);
	if (s->coredump_filter_set)
		show_format(out, "CoredumpFilter", "0x%x", s->coredump_filter);
	if (s->personality_set)
		show_text(out, "Personality", personality_name(s->personality));
	if (s->numa_set)
		show_format(out, "NUMAPolicy", "%d", s->numa_policy);
	if (s->all_nodes)
		show_text(out, "NUMAMask", "all");
	else
		show_list(out, "NUMAMask", s->nodes);
}
