/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The directives of systemd.resource-control(5), in [Service] and [Slice], read into struct resources.
 */
#include <errno.h>

#include "core/resources.h"
#include "core/specifier.h"
#include "core/text.h"
#include "core/value.h"
#include "core/words.h"
#include "util/parse.h"
#include "util/strv.h"

/* field: struct resources * of the unit, made when the first directive needs it. NULL without memory. */
static struct resources *resources_of(void *field)
{
	struct resources **r = field;

	if (!*r)
		*r = calloc(1, sizeof(**r));
	return *r;
}

/* d->arg: enum resource. */
static int parse_resource(struct loading *l, const struct directive *d, char *value, void *field)
{
	const struct resource_totals totals = { l->host->memory, l->host->tasks };
	struct resources *r = resources_of(field);

	return r ? resources_parse(r, (enum resource)d->arg, value, &totals) : -ENOMEM;
}

/* d->arg: the memory nodes. */
static int parse_cpus(struct loading *l unused, const struct directive *d, char *value, void *field)
{
	struct resources *r = resources_of(field);

	return r ? resources_parse_cpus(d->arg ? &r->nodes : &r->cpus, value) : -ENOMEM;
}

/* 0 with NULL: what it says was told to be wrong. */
static int expand_device(struct loading *l, const struct directive *d, const char *word, char **out)
{
	cleanup_free char *expanded = NULL;
	int r = specifier_expand(word, l->unit->name, l->host, &expanded);

	*out = NULL;
	if (r == 0)
		r = text_path(expanded, out);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		value_tell(l, DIAG_WARNING, "%s= needs the absolute path of a device, ignoring: %s",
			   d->key, word);
	return 0;
}

/* d->arg: enum io_kind. */
static int parse_io(struct loading *l, const struct directive *d, char *value, void *field)
{
	struct resources *r = resources_of(field);
	enum io_kind kind = (enum io_kind)d->arg;
	cleanup_strv char **words = NULL;
	char *path = NULL;
	uint64_t n;
	int e = r ? split_words(value, &words) : -ENOMEM;

	if (e < 0)
		return e;
	if (!words || !words[0]) {
		resources_reset_io(r, kind);
		return 0;
	}
	if (!words[1] || words[2])
		return -EINVAL;
	e = resources_parse_io_value(kind, words[1], &n);
	if (e == 0)
		e = expand_device(l, d, words[0], &path);
	return e == 0 && path ? resources_add_io(r, kind, path, n) : e;
}

/* Those of systemd's, and what the kernel has besides: cgroup-v2.rst, "Controllers". */
static bool is_controller(const char *word)
{
	static const char *const names[] = { "cpu",
					     "cpuacct",
					     "cpuset",
					     "io",
					     "blkio",
					     "memory",
					     "devices",
					     "pids",
					     "hugetlb",
					     "rdma",
					     "misc",
					     "dmem",
					     "bpf-firewall",
					     "bpf-devices",
					     "bpf-foreign",
					     "bpf-socket-bind",
					     "bpf-restrict-network-interfaces" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(names[i], word))
			return true;
	return false;
}

/* A word or a list adds to what was there; a flag sets all or none; nothing is delegation without controllers. */
static int parse_delegate(struct loading *l, const struct directive *d unused, char *value, void *field)
{
	struct resources *r = resources_of(field);
	cleanup_strv char **words = NULL;
	bool flag;
	int e = r ? split_words(value, &words) : -ENOMEM;

	if (e < 0)
		return e;
	if (!words || parse_bool(value, &flag) == 0) {
		r->delegates = !words || flag;
		r->delegates_all = words && flag;
		strv_free(TAKE_PTR(r->controllers));
		return 0;
	}
	r->delegates = true;
	for (size_t i = 0; e == 0 && words[i]; i++)
		if (!is_controller(words[i]))
			value_tell(l, DIAG_WARNING, "Invalid controller name '%s', ignoring", words[i]);
		else if (!strv_contains(r->controllers, words[i]))
			e = strv_push(&r->controllers, words[i]);
	return e;
}

/* 0 with *out NULL for nothing; -EINVAL; -ENOMEM. */
static int expand_name(struct loading *l, const char *value, char **out)
{
	*out = NULL;
	return *value ? specifier_expand(value, l->unit->name, l->host, out) : 0;
}

/* The name of a directory in a cgroup, and of no file that is there or may come: cgroup-v2.rst, "Core Interface Files". */
static bool is_subgroup(const char *name)
{
	return *name && !strchr(name, '/') && *name != '.' && *name != '_' &&
	       !after_prefix(name, "cgroup.") && strlen(name) <= UNIT_NAME_MAX;
}

static int parse_subgroup(struct loading *l, const struct directive *d unused, char *value, void *field)
{
	struct resources *r = resources_of(field);
	char *name;
	int e = r ? expand_name(l, value, &name) : -ENOMEM;

	if (e < 0)
		return e;
	if (name && !is_subgroup(name)) {
		free(name);
		return -EINVAL;
	}
	free(r->subgroup);
	r->subgroup = name;
	return 0;
}

static int parse_slice(struct loading *l, const struct directive *d unused, char *value, void *field)
{
	struct resources *r = resources_of(field);
	char *name;
	int e = r ? expand_name(l, value, &name) : -ENOMEM;

	if (e < 0)
		return e;
	if (name && !slice_name_valid(name)) {
		free(name);
		return -EINVAL;
	}
	if (name && streq(name, "-.slice"))
		free(TAKE_PTR(name));
	free(r->slice);
	r->slice = name;
	return 0;
}

const struct value_type value_resource = { parse_resource, HASH_VOIDS };
const struct value_type value_cpus = { parse_cpus, HASH_VOIDS };
const struct value_type value_io = { parse_io, HASH_IS_DATA };
const struct value_type value_delegate = { parse_delegate, HASH_IS_WORD };
const struct value_type value_subgroup = { parse_subgroup, HASH_IS_DATA };
const struct value_type value_slice = { parse_slice, HASH_VOIDS };
