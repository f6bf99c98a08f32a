/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/resources.h"

#include <errno.h>
#include <inttypes.h>

#include "core/unit.h"
#include "util/parse.h"
#include "util/strv.h"

#define WEIGHT_MIN     UINT64_C(1)
#define WEIGHT_DEFAULT UINT64_C(100)
#define WEIGHT_MAX     UINT64_C(10000)
#define QUOTA_PERIOD   (100 * USEC_PER_MSEC) /* cgroup-v2.rst, cpu.max */

#define DIGITS "0123456789"

static const char *const controllers[CONTROLLER_MAX] = {
	[CONTROLLER_CPU] = "cpu",	[CONTROLLER_CPUSET] = "cpuset", [CONTROLLER_IO] = "io",
	[CONTROLLER_MEMORY] = "memory", [CONTROLLER_PIDS] = "pids",
};

const char *controller_name(enum controller c)
{
	return (size_t)c < ARRAY_SIZE(controllers) ? controllers[c] : NULL;
}

const char *controller_v1_name(const char *controller)
{
	return streq(controller, "io") ? "blkio" : controller;
}

void controller_put_missing(struct buf *out, const char *controller, const char *cgroup,
			    int version, int error)
{
	if (error != -ENODEV)
		buf_printf(out, "the controller '%s' cannot be enabled in %s: %s%s", controller,
			   cgroup, strerror(-error),
			   error == -EBUSY ? ": processes live in it, move them to a cgroup below" : "");
	else if (version == 1)
		buf_printf(out, "the controller '%s' is on cgroup v1 here; boot with cgroup_no_v1=%s to have it on v2",
			   controller, controller_v1_name(controller));
	else if (version == 0)
		buf_printf(out,
			   "there is no controller '%s' here, neither on cgroup v2 nor on v1; see "
			   "/proc/cgroups "
			   "and cgroup_disable= of the kernel's command line",
			   controller);
	else
		buf_printf(out,
			   "the controller '%s' is not passed on to %s; write '+%s' to "
			   "cgroup.subtree_control "
			   "of the cgroups above it",
			   controller, cgroup, controller);
}

void resources_free(struct resources *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_io; i++)
		free(r->io[i].path);
	free(r->io);
	free(r->cpus);
	free(r->nodes);
	strv_free(r->controllers);
	free(r->subgroup);
	free(r->slice);
	free(r);
}

/* ---- parsing ---- */

/* "12.5%" in hundredths of a percent; -EINVAL when it is none. */
static int parse_percent(const char *s, uint64_t *out)
{
	size_t whole = strspn(s, DIGITS), fraction = 0;
	uint64_t n = 0;

	if (s[whole] == '.')
		fraction = strspn(s + whole + 1, DIGITS);
	if (whole == 0 || whole > 12 || fraction > 2 || (s[whole] == '.' && fraction == 0) ||
	    !streq(s + whole + (fraction ? fraction + 1 : 0), "%"))
		return -EINVAL;
	for (size_t i = 0; i < whole; i++)
		n = n * 10 + (uint64_t)(s[i] - '0');
	for (size_t i = 0; i < 2; i++)
		n = n * 10 + (i < fraction ? (uint64_t)(s[whole + 1 + i] - '0') : 0);
	*out = n;
	return 0;
}

static uint64_t share_of(uint64_t total, uint64_t hundredths)
{
	return (uint64_t)((unsigned __int128)total * hundredths / 10000);
}

/* A part of total, or what parse says. More than all of it is out of range. */
static int parse_part(const char *s, uint64_t total, int (*parse)(const char *s, uint64_t *out),
		      uint64_t *out)
{
	uint64_t hundredths;

	if (streq(s, "infinity")) {
		*out = UINT64_MAX;
		return 0;
	}
	if (parse_percent(s, &hundredths) < 0)
		return parse(s, out);
	if (hundredths > 10000)
		return -ERANGE;
	*out = share_of(total, hundredths);
	return 0;
}

static int parse_memory(const char *s, const struct resource_totals *totals, uint64_t *out)
{
	return parse_part(s, totals->memory, parse_size, out);
}

/* Nothing at all is a limit that nobody can live under. */
static int parse_memory_limit(const char *s, const struct resource_totals *totals, uint64_t *out)
{
	uint64_t n;
	int r = parse_memory(s, totals, &n);

	if (r == 0 && n == 0)
		return -ERANGE;
	if (r == 0)
		*out = n;
	return r;
}

static int parse_tasks(const char *s, const struct resource_totals *totals, uint64_t *out)
{
	uint64_t n;
	int r = parse_part(s, totals->tasks, parse_u64, &n);

	if (r == 0 && n == 0)
		return -ERANGE;
	if (r == 0)
		*out = n;
	return r;
}

static int parse_range(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t n;
	int r = parse_u64(s, &n);

	if (r < 0)
		return r;
	if (n < min || n > max)
		return -ERANGE;
	*out = n;
	return 0;
}

static int parse_weight(const char *s, const struct resource_totals *totals unused, uint64_t *out)
{
	return parse_range(s, WEIGHT_MIN, WEIGHT_MAX, out);
}

static int parse_cpu_weight(const char *s, const struct resource_totals *totals, uint64_t *out)
{
	if (!streq(s, "idle"))
		return parse_weight(s, totals, out);
	*out = WEIGHT_IDLE;
	return 0;
}

/* The ranges of cgroup v1: systemd.resource-control(5) of v251, CPUShares= and BlockIOWeight=. */
static int parse_shares(const char *s, const struct resource_totals *totals unused, uint64_t *out)
{
	return parse_range(s, 2, 262144, out);
}

static int parse_block_io_weight(const char *s, const struct resource_totals *totals unused,
				 uint64_t *out)
{
	return parse_range(s, 10, 1000, out);
}

/* Of one CPU; several may be had. */
static int parse_quota(const char *s, const struct resource_totals *totals unused, uint64_t *out)
{
	uint64_t hundredths;
	int r = parse_percent(s, &hundredths);

	if (r < 0)
		return r;
	if (hundredths == 0)
		return -ERANGE;
	*out = hundredths * (USEC_PER_SEC / 10000);
	return 0;
}

static int parse_period(const char *s, const struct resource_totals *totals unused, uint64_t *out)
{
	return parse_span(s, out);
}

/* ---- the files ---- */

/* As systemd does: never less than a millisecond of quota, never a period longer than a second; cpu.max takes no other. */
static void put_quota(struct buf *b, const struct resources *r)
{
	uint64_t quota = r->value[RESOURCE_CPU_QUOTA], period = QUOTA_PERIOD;

	if (r->set & (1U << RESOURCE_CPU_QUOTA_PERIOD) &&
	    r->value[RESOURCE_CPU_QUOTA_PERIOD] != USEC_INFINITY)
		period = r->value[RESOURCE_CPU_QUOTA_PERIOD];
	if (!(r->set & (1U << RESOURCE_CPU_QUOTA))) {
		buf_printf(b, "max %" PRIu64, QUOTA_PERIOD);
		return;
	}
	period = MAX_OF(MAX_OF(period, USEC_PER_MSEC), USEC_PER_MSEC * USEC_PER_SEC / quota);
	period = MIN_OF(period, USEC_PER_SEC);
	buf_printf(b, "%" PRIu64 " %" PRIu64,
		   MAX_OF((uint64_t)((unsigned __int128)quota * period / USEC_PER_SEC), USEC_PER_MSEC),
		   period);
}

static void put_limit(struct buf *b, uint64_t value)
{
	if (value == UINT64_MAX)
		buf_puts(b, "max");
	else
		buf_printf(b, "%" PRIu64, value);
}

static void put_weight(struct buf *b, uint64_t value)
{
	buf_printf(b, "%" PRIu64, value);
}

static void put_io_weight(struct buf *b, uint64_t value)
{
	buf_printf(b, "default %" PRIu64, value);
}

static uint64_t scale_weight(uint64_t value, uint64_t of_default)
{
	return MIN_OF(MAX_OF(value * WEIGHT_DEFAULT / of_default, WEIGHT_MIN), WEIGHT_MAX);
}

/* cgroup_cpu_shares_to_weight() and cgroup_weight_blkio_to_io() of systemd: their defaults are 1024 and 500. */
static uint64_t shares_to_weight(uint64_t shares)
{
	return scale_weight(shares, 1024);
}

static uint64_t block_io_to_weight(uint64_t weight)
{
	return scale_weight(weight, 500);
}

/* Of v1: only where none of these of v2 is set. */
#define MEMORY_OF_V2                                                                          \
	(1U << RESOURCE_MEMORY_MIN | 1U << RESOURCE_MEMORY_LOW | 1U << RESOURCE_MEMORY_HIGH | \
	 1U << RESOURCE_MEMORY_MAX | 1U << RESOURCE_MEMORY_SWAP_MAX | 1U << RESOURCE_MEMORY_ZSWAP_MAX)

static const struct kind {
	const char *directive;
	int (*parse)(const char *s, const struct resource_totals *totals, uint64_t *out);
	enum controller controller;
	const char *file; /* NULL: said by another one's */
	void (*put)(struct buf *b, uint64_t value);
	uint64_t otherwise; /* the kernel's default */
	uint64_t (*scale)(uint64_t value);
	uint32_t yields_to; /* 1 << enum resource */
} kinds[RESOURCE_MAX] = {
	[RESOURCE_CPU_WEIGHT] = { "CPUWeight", parse_cpu_weight, CONTROLLER_CPU, "cpu.weight",
				  put_weight, WEIGHT_DEFAULT, NULL, 0 },
	[RESOURCE_CPU_QUOTA] = { "CPUQuota", parse_quota, CONTROLLER_CPU, "cpu.max", NULL, 0, NULL, 0 },
	[RESOURCE_CPU_QUOTA_PERIOD] = { "CPUQuotaPeriodSec", parse_period, CONTROLLER_CPU, NULL,
					NULL, 0, NULL, 0 },
	[RESOURCE_CPU_SHARES] = { "CPUShares", parse_shares, CONTROLLER_CPU, "cpu.weight", put_weight,
				  WEIGHT_DEFAULT, shares_to_weight, 1U << RESOURCE_CPU_WEIGHT },
	[RESOURCE_MEMORY_MIN] = { "MemoryMin", parse_memory, CONTROLLER_MEMORY, "memory.min",
				  put_limit, 0, NULL, 0 },
	[RESOURCE_MEMORY_LOW] = { "MemoryLow", parse_memory, CONTROLLER_MEMORY, "memory.low",
				  put_limit, 0, NULL, 0 },
	[RESOURCE_MEMORY_HIGH] = { "MemoryHigh", parse_memory_limit, CONTROLLER_MEMORY,
				   "memory.high", put_limit, UINT64_MAX, NULL, 0 },
	[RESOURCE_MEMORY_MAX] = { "MemoryMax", parse_memory_limit, CONTROLLER_MEMORY, "memory.max",
				  put_limit, UINT64_MAX, NULL, 0 },
	[RESOURCE_MEMORY_SWAP_MAX] = { "MemorySwapMax", parse_memory, CONTROLLER_MEMORY,
				       "memory.swap.max", put_limit, UINT64_MAX, NULL, 0 },
	[RESOURCE_MEMORY_ZSWAP_MAX] = { "MemoryZSwapMax", parse_memory, CONTROLLER_MEMORY,
					"memory.zswap.max", put_limit, UINT64_MAX, NULL, 0 },
	[RESOURCE_MEMORY_LIMIT] = { "MemoryLimit", parse_memory_limit, CONTROLLER_MEMORY,
				    "memory.max", put_limit, UINT64_MAX, NULL, MEMORY_OF_V2 },
	[RESOURCE_TASKS_MAX] = { "TasksMax", parse_tasks, CONTROLLER_PIDS, "pids.max", put_limit,
				 UINT64_MAX, NULL, 0 },
	[RESOURCE_IO_WEIGHT] = { "IOWeight", parse_weight, CONTROLLER_IO, "io.weight",
				 put_io_weight, WEIGHT_DEFAULT, NULL, 0 },
	[RESOURCE_BLOCK_IO_WEIGHT] = { "BlockIOWeight", parse_block_io_weight, CONTROLLER_IO,
				       "io.weight", put_io_weight, WEIGHT_DEFAULT,
				       block_io_to_weight, 1U << RESOURCE_IO_WEIGHT },
};

const char *resource_directive(enum resource which)
{
	return kinds[which].directive;
}

int resources_parse(struct resources *r, enum resource which, const char *s,
		    const struct resource_totals *totals)
{
	uint64_t value;
	int e;

	if (*s == '\0') {
		r->set &= ~(1U << which);
		return 0;
	}
	e = kinds[which].parse(s, totals, &value);
	if (e < 0)
		return e;
	r->value[which] = value;
	r->set |= 1U << which;
	return 0;
}

static bool applies(const struct resources *r, size_t which)
{
	return r && r->set & (1U << which) && !(r->set & kinds[which].yields_to) && kinds[which].file;
}

/* Two directives may speak of one file: what only the one before has set is not taken back when another has it now. */
static bool has_file(const struct resources *r, const char *file)
{
	for (size_t i = 0; i < RESOURCE_MAX; i++)
		if (applies(r, i) && streq(kinds[i].file, file))
			return true;
	return false;
}

static void put_value(struct buf *b, const struct resources *now, size_t which, bool unset)
{
	const struct kind *k = &kinds[which];
	uint64_t value = unset ? k->otherwise : now->value[which];
	const struct resources none = { .set = 0 };

	if (which == RESOURCE_CPU_QUOTA)
		put_quota(b, unset ? &none : now);
	else
		k->put(b, k->scale && !unset ? k->scale(value) : value);
}

/* Beside the weight, which for the kernel is another thing than to be idle. */
static int write_idle(const struct resources *now, const struct resources *before,
		      resource_write_fn fn, void *arg)
{
	bool is = applies(now, RESOURCE_CPU_WEIGHT) && now->value[RESOURCE_CPU_WEIGHT] == WEIGHT_IDLE;
	bool was = applies(before, RESOURCE_CPU_WEIGHT) &&
		   before->value[RESOURCE_CPU_WEIGHT] == WEIGHT_IDLE;

	if (is == was)
		return 0;
	return fn(&(struct resource_write){ "CPUWeight", CONTROLLER_CPU, "cpu.idle", is ? "1" : "0" },
		  arg);
}

static int write_cpus(const struct cpu_list *now, const struct cpu_list *before,
		      struct resource_write w, resource_write_fn fn, void *arg)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (!now && !before)
		return 0;
	if (now)
		cpu_list_format(&text, now);
	buf_puts(&text, now ? "" : "\n"); /* nothing at all would be no write */
	if (buf_error(&text) < 0)
		return -ENOMEM;
	w.controller = CONTROLLER_CPUSET;
	w.value = text.data;
	return fn(&w, arg);
}

int resources_each_write(const struct resources *now, const struct resources *before,
			 resource_write_fn fn, void *arg)
{
	static const struct resource_write cpus = { .directive = "AllowedCPUs", .file = "cpuset.cpus" },
					   nodes = { .directive = "AllowedMemoryNodes",
						     .file = "cpuset.mems" };
	int r = write_idle(now, before, fn, arg);

	for (size_t i = 0; r == 0 && i < RESOURCE_MAX; i++) {
		cleanup_buf struct buf text = BUF_INIT;
		bool set = applies(now, i);

		if (!set && (!applies(before, i) || has_file(now, kinds[i].file)))
			continue;
		if (set && i == RESOURCE_CPU_WEIGHT && now->value[i] == WEIGHT_IDLE)
			continue;
		put_value(&text, now, i, !set);
		if (buf_error(&text) < 0)
			return -ENOMEM;
		r = fn(&(struct resource_write){ kinds[i].directive, kinds[i].controller,
						 kinds[i].file, text.data },
		       arg);
	}
	if (r == 0)
		r = write_cpus(now ? now->cpus : NULL, before ? before->cpus : NULL, cpus, fn, arg);
	if (r == 0)
		r = write_cpus(now ? now->nodes : NULL, before ? before->nodes : NULL, nodes, fn, arg);
	return r;
}

bool resources_limit(const struct resources *r)
{
	return r && (r->set || r->cpus || r->nodes || r->n_io > 0);
}

/* ---- lists of CPUs and memory nodes ---- */

static int parse_cpu(const char **s, unsigned *out)
{
	size_t n = strspn(*s, DIGITS);
	unsigned value = 0;

	if (n == 0)
		return -EINVAL;
	if (n > 6)
		return -ERANGE;
	for (; n > 0; n--, (*s)++)
		value = value * 10 + (unsigned)(**s - '0');
	if (value >= CPUS_MAX)
		return -ERANGE;
	*out = value;
	return 0;
}

/* "0-3 5,7": systemd.resource-control(5), AllowedCPUs=. */
static int parse_cpu_ranges(struct cpu_list *list, const char *s)
{
	static const char separators[] = " \t\n,";

	for (s += strspn(s, separators); *s; s += strspn(s, separators)) {
		unsigned from = 0, to;
		int r = parse_cpu(&s, &from);

		to = from;
		if (r == 0 && *s == '-') {
			s++;
			r = parse_cpu(&s, &to);
		}
		if (r < 0)
			return r;
		if (*s && !strchr(separators, *s))
			return -EINVAL;
		if (to < from)
			return -ERANGE;
		for (; from <= to; from++)
			list->bits[from / 64] |= UINT64_C(1) << (from % 64);
	}
	return 0;
}

/* What comes later adds to what was there. */
int resources_parse_cpus(struct cpu_list **list, const char *s)
{
	struct cpu_list read = { .bits = { 0 } };
	int r = parse_cpu_ranges(&read, s);

	if (r < 0)
		return r;
	if (*s == '\0') {
		free(TAKE_PTR(*list));
		return 0;
	}
	if (!*list)
		*list = calloc(1, sizeof(**list));
	if (!*list)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(read.bits); i++)
		(*list)->bits[i] |= read.bits[i];
	return 0;
}

static bool has_cpu(const struct cpu_list *list, unsigned cpu)
{
	return cpu < CPUS_MAX && list->bits[cpu / 64] >> (cpu % 64) & 1;
}

void cpu_list_format(struct buf *b, const struct cpu_list *list)
{
	const char *separator = "";

	for (unsigned from = 0; from < CPUS_MAX; from++) {
		unsigned to = from;

		if (!has_cpu(list, from))
			continue;
		while (has_cpu(list, to + 1))
			to++;
		buf_printf(b, to > from ? "%s%u-%u" : "%s%u", separator, from, to);
		separator = ",";
		from = to;
	}
}

/* ---- devices ---- */

static const struct {
	const char *directive, *key;
} io_kinds[IO_KIND_MAX] = {
	[IO_READ_BANDWIDTH] = { "IOReadBandwidthMax", "rbps" },
	[IO_WRITE_BANDWIDTH] = { "IOWriteBandwidthMax", "wbps" },
	[IO_READ_IOPS] = { "IOReadIOPSMax", "riops" },
	[IO_WRITE_IOPS] = { "IOWriteIOPSMax", "wiops" },
	[IO_DEVICE_WEIGHT] = { "IODeviceWeight", NULL },
};

const char *io_kind_directive(enum io_kind kind)
{
	return io_kinds[kind].directive;
}

/* Unlike memory, what goes to a disk is counted in powers of 1000. */
static int parse_decimal_size(const char *s, uint64_t *out)
{
	static const char suffixes[] = "KMGTPE";
	size_t n = strspn(s, DIGITS);
	const char *suffix = s[n] && s[n + 1] == '\0' ? strchr(suffixes, s[n]) : NULL;
	cleanup_free char *number = strndup(s, n);
	uint64_t value;
	int r = number ? parse_u64(number, &value) : -ENOMEM;

	if (r < 0)
		return r;
	if (s[n] && !suffix)
		return -EINVAL;
	for (ptrdiff_t i = suffix ? suffix - suffixes : -1; i >= 0; i--)
		if (__builtin_mul_overflow(value, 1000, &value))
			return -ERANGE;
	*out = value;
	return 0;
}

int resources_parse_io_value(enum io_kind kind, const char *s, uint64_t *out)
{
	uint64_t value;
	int r;

	if (kind == IO_DEVICE_WEIGHT)
		return parse_weight(s, NULL, out);
	if (streq(s, "infinity")) {
		*out = UINT64_MAX;
		return 0;
	}
	r = parse_decimal_size(s, &value);
	if (r == 0 && value == 0)
		return -ERANGE;
	if (r == 0)
		*out = value;
	return r;
}

int resources_add_io(struct resources *r, enum io_kind kind, char *path, uint64_t value)
{
	struct io_limit *grown;

	for (size_t i = 0; i < r->n_io; i++)
		if (r->io[i].kind == kind && streq(r->io[i].path, path)) {
			free(path);
			r->io[i].value = value;
			return 0;
		}
	grown = reallocarray(r->io, r->n_io + 1, sizeof(*grown));
	if (!grown) {
		free(path);
		return -ENOMEM;
	}
	r->io = grown;
	r->io[r->n_io++] = (struct io_limit){ kind, path, value };
	return 0;
}

void resources_reset_io(struct resources *r, enum io_kind kind)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n_io; i++)
		if (r->io[i].kind == kind)
			free(r->io[i].path);
		else
			r->io[kept++] = r->io[i];
	r->n_io = kept;
}

struct resource_write resources_io_write(const struct io_limit *l, unsigned major, unsigned minor,
					 bool unset, char text[static 80])
{
	const char *key = io_kinds[l->kind].key;
	struct resource_write w = { io_kinds[l->kind].directive, CONTROLLER_IO,
				    key ? "io.max" : "io.weight", text };

	if (!key && unset)
		snprintf(text, 80, "%u:%u default", major, minor);
	else if (!key)
		snprintf(text, 80, "%u:%u %" PRIu64, major, minor, l->value);
	else if (unset || l->value == UINT64_MAX)
		snprintf(text, 80, "%u:%u %s=max", major, minor, key);
	else
		snprintf(text, 80, "%u:%u %s=%" PRIu64, major, minor, key, l->value);
	return w;
}

/* ---- slices ---- */

bool slice_name_valid(const char *name)
{
	if (streq(name, "-.slice"))
		return true;
	return unit_name_valid(name) && ends_with(name, ".slice") && *name != '-' &&
	       !strstr(name, "--") && !strstr(name, "-.slice") && !strchr(name, '@');
}

char *slice_parent(const char *name)
{
	const char *dash = strrchr(name, '-');
	char *parent;

	errno = 0;
	if (!dash || dash == name)
		return NULL;
	if (asprintf(&parent, "%.*s.slice", (int)(dash - name), name) >= 0)
		return parent;
	errno = ENOMEM;
	return NULL;
}
