/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a unit says of its cgroup: Slice=, Delegate=, and the limits of systemd.resource-control(5). Which files of the
 * cgroup they are, and what is written there; no I/O.
 */
#include "core/showing.h"
#include "util/macro.h"

/* Those that a directive here needs; a kernel may have more. */
enum controller {
	CONTROLLER_CPU,
	CONTROLLER_CPUSET,
	CONTROLLER_IO,
	CONTROLLER_MEMORY,
	CONTROLLER_PIDS,
	CONTROLLER_MAX,
};

/* "memory"; NULL for what is none. */
const char *controller_name(enum controller c);
/* As cgroup v1 calls it. */
const char *controller_v1_name(const char *controller);
/*
 * Why this controller cannot be had below a cgroup, and what to do about it, in words. version: of the hierarchy that it is
 * on, 0 = none. error: of the attempt; -ENODEV: the cgroup does not have it.
 */
void controller_put_missing(struct buf *out, const char *controller, const char *cgroup,
			    int version, int error);

enum resource {
	RESOURCE_CPU_WEIGHT,
	RESOURCE_CPU_QUOTA,	   /* µs a second */
	RESOURCE_CPU_QUOTA_PERIOD, /* µs */
	RESOURCE_CPU_SHARES, /* what a cgroup v1 directive says, used where the one of v2 is not set; likewise below */
	RESOURCE_MEMORY_MIN,
	RESOURCE_MEMORY_LOW,
	RESOURCE_MEMORY_HIGH,
	RESOURCE_MEMORY_MAX,
	RESOURCE_MEMORY_SWAP_MAX,
	RESOURCE_MEMORY_ZSWAP_MAX,
	RESOURCE_MEMORY_LIMIT,
	RESOURCE_TASKS_MAX,
	RESOURCE_IO_WEIGHT,
	RESOURCE_BLOCK_IO_WEIGHT,
	RESOURCE_MAX,
};

/* CPUWeight=idle */
#define WEIGHT_IDLE UINT64_C(0)

enum io_kind {
	IO_READ_BANDWIDTH,
	IO_WRITE_BANDWIDTH,
	IO_READ_IOPS,
	IO_WRITE_IOPS,
	IO_DEVICE_WEIGHT,
	IO_KIND_MAX
};

struct io_limit {
	enum io_kind kind;
	char *path;	/* of a device, or a file on one; absolute */
	uint64_t value; /* UINT64_MAX = no limit */
};

#define CPUS_MAX 1024
struct cpu_list {
	uint64_t bits[CPUS_MAX / 64];
};

/* UINT64_MAX is "infinity" everywhere. */
struct resources {
	char *slice; /* NULL: none, the cgroup is directly in the root */
	bool delegates;
	bool delegates_all; /* whatever controllers there are */
	char **controllers; /* … else these */
	char *subgroup;	    /* DelegateSubgroup=; NULL = none */
	uint32_t set;	    /* 1 << enum resource */
	uint64_t value[RESOURCE_MAX];
	struct cpu_list *cpus, *nodes; /* NULL = not set */
	struct io_limit *io;
	size_t n_io;
};

/* Takes NULL. */
void resources_free(struct resources *r);

const char *resource_directive(enum resource which); /* "MemoryMax" */

/* What percentages are of: the memory of the host in bytes, and the tasks that it can have. */
struct resource_totals {
	uint64_t memory, tasks;
};

/* ---- parsing: 0, -EINVAL, -ERANGE, -ENOMEM; "" takes back what was said before ---- */

int resources_parse(struct resources *r, enum resource which, const char *s,
		    const struct resource_totals *totals) must_check;
int resources_parse_cpus(struct cpu_list **list, const char *s) must_check;
/* "PATH VALUE"; the path, expanded and absolute, is the caller's. */
int resources_parse_io_value(enum io_kind kind, const char *s, uint64_t *out) must_check;
/* Takes the path over. What was said of this device before is replaced. */
int resources_add_io(struct resources *r, enum io_kind kind, char *path, uint64_t value) must_check;
void resources_reset_io(struct resources *r, enum io_kind kind);
const char *io_kind_directive(enum io_kind kind);

/* ---- what to write ---- */

/*
 * Calls fn for each file that now, or before (may be NULL) says something about; what only `before` has set is written back
 * to the kernel's default. Devices are not among them. A result other than 0 ends it and is passed on.
 */
struct resource_write {
	const char *directive; /* "MemoryMax" */
	enum controller controller;
	const char *file;
	const char *value;
};
typedef int (*resource_write_fn)(const struct resource_write *w, void *arg);
int resources_each_write(const struct resources *now, const struct resources *before,
			 resource_write_fn fn, void *arg) must_check;
/* Is there anything at all that resources_each_write(), or a device, would write? */
bool resources_limit(const struct resources *r);
/* The same for a device. unset: back to the kernel's default. */
struct resource_write resources_io_write(const struct io_limit *l, unsigned major, unsigned minor,
					 bool unset, char text[static 80]);

/* "0-3,5" */
void cpu_list_format(struct buf *b, const struct cpu_list *list);

/* The rows of unit_show(), of what is set; r may be NULL. */
void resources_show(const struct resources *r, struct showing *out);

/* Slices: "a-b.slice" is in "a.slice", which is in "-.slice", the root. */
bool slice_name_valid(const char *name);
/* The slice that this one is in, the caller's; NULL: the root, or without memory with errno ENOMEM. */
char *slice_parent(const char *name) must_check;
