/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/defaults.h"
#include "core/load.h"
#include "core/resources.h"
#include "lib/hostfacts.h"
#include "util/buf.h"
#include "util/strv.h"

TestSuite(resources, .timeout = 20);

static struct unit *load(const char *name, const char *directives)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_free char *text = NULL;
	struct unit *u = NULL;
	int r;

	cr_assert_geq(asprintf(&text, "%s\n%s\n",
			       ends_with(name, ".slice") ? "[Slice]" : "[Service]\nExecStart=/bin/true",
			       directives),
		      0);
	r = unit_load(&u, name, &(struct unit_text){ "/u/x", text, strlen(text) }, 1, &test_host,
		      &diags);
	cr_assert_eq(r, 0, "%s", directives);
	return u;
}

static int collect_write(const struct resource_write *w, void *arg)
{
	buf_printf(arg, "%s %s/%s=%s;", w->directive, controller_name(w->controller), w->file, w->value);
	return 0;
}

/* What is written for these directives where those of before were set. */
static char *writes(const char *directives, const char *before)
{
	cleanup_unit struct unit *u = load("a.service", directives);
	cleanup_unit struct unit *old = load("a.service", before);
	struct buf b = BUF_INIT;

	buf_puts(&b, "");
	cr_assert_eq(resources_each_write(u->resources, old->resources, collect_write, &b), 0);
	return buf_take(&b);
}

/* systemd.resource-control(5); the host has 1 GiB and 1000 tasks. */
Test(resources, what_is_written)
{
	static const struct {
		const char *directives, *writes;
	} cases[] = {
		{ "", "" },
		{ "MemoryMax=64M", "MemoryMax memory/memory.max=67108864;" },
		{ "MemoryMax=50%", "MemoryMax memory/memory.max=536870912;" },
		{ "MemoryMax=12.5%", "MemoryMax memory/memory.max=134217728;" },
		{ "MemoryMax=infinity", "MemoryMax memory/memory.max=max;" },
		{ "MemoryMax=64M\nMemoryMax=", "" },
		{ "MemoryMax=64M\nMemoryMax=0", "MemoryMax memory/memory.max=67108864;" },
		{ "MemoryMax=64M\nMemoryMax=101%", "MemoryMax memory/memory.max=67108864;" },
		{ "MemoryMax=64M\nMemoryMax=64X", "MemoryMax memory/memory.max=67108864;" },
		{ "MemoryHigh=1G", "MemoryHigh memory/memory.high=1073741824;" },
		{ "MemoryLow=0", "MemoryLow memory/memory.low=0;" },
		{ "MemoryMin=4K", "MemoryMin memory/memory.min=4096;" },
		{ "MemorySwapMax=0", "MemorySwapMax memory/memory.swap.max=0;" },
		{ "MemoryZSwapMax=1M", "MemoryZSwapMax memory/memory.zswap.max=1048576;" },
		{ "MemoryLimit=1M", "MemoryLimit memory/memory.max=1048576;" },
		{ "MemoryLimit=1M\nMemoryMax=2M", "MemoryMax memory/memory.max=2097152;" },
		{ "TasksMax=10", "TasksMax pids/pids.max=10;" },
		{ "TasksMax=15%", "TasksMax pids/pids.max=150;" },
		{ "TasksMax=infinity", "TasksMax pids/pids.max=max;" },
		{ "TasksMax=0", "" },
		{ "CPUWeight=1", "CPUWeight cpu/cpu.weight=1;" },
		{ "CPUWeight=10000", "CPUWeight cpu/cpu.weight=10000;" },
		{ "CPUWeight=10001", "" },
		{ "CPUWeight=idle", "CPUWeight cpu/cpu.idle=1;" },
		{ "CPUShares=1024", "CPUShares cpu/cpu.weight=100;" },
		{ "CPUShares=2", "CPUShares cpu/cpu.weight=1;" },
		{ "CPUShares=2\nCPUWeight=7", "CPUWeight cpu/cpu.weight=7;" },
		{ "CPUQuota=20%", "CPUQuota cpu/cpu.max=20000 100000;" },
		{ "CPUQuota=200%", "CPUQuota cpu/cpu.max=200000 100000;" },
		{ "CPUQuota=0.5%", "CPUQuota cpu/cpu.max=1000 200000;" },
		{ "CPUQuota=0.01%", "CPUQuota cpu/cpu.max=1000 1000000;" },
		{ "CPUQuota=0%", "" },
		{ "CPUQuota=20", "" },
		{ "CPUQuota=20%\nCPUQuotaPeriodSec=10ms", "CPUQuota cpu/cpu.max=2000 10000;" },
		{ "CPUQuota=20%\nCPUQuotaPeriodSec=10s", "CPUQuota cpu/cpu.max=200000 1000000;" },
		{ "AllowedCPUs=0-3 5,7", "AllowedCPUs cpuset/cpuset.cpus=0-3,5,7;" },
		{ "AllowedCPUs=1\nAllowedCPUs=0", "AllowedCPUs cpuset/cpuset.cpus=0-1;" },
		{ "AllowedCPUs=1\nAllowedCPUs=\nAllowedCPUs=2",
		  "AllowedCPUs cpuset/cpuset.cpus=2;" },
		{ "AllowedCPUs=3-1", "" },
		{ "AllowedCPUs=1024", "" },
		{ "AllowedCPUs=1023", "AllowedCPUs cpuset/cpuset.cpus=1023;" },
		{ "AllowedCPUs=1-", "" },
		{ "AllowedMemoryNodes=0", "AllowedMemoryNodes cpuset/cpuset.mems=0;" },
		{ "IOWeight=50", "IOWeight io/io.weight=default 50;" },
		{ "BlockIOWeight=1000", "BlockIOWeight io/io.weight=default 200;" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *got = writes(cases[i].directives, "");

		cr_assert_str_eq(got, cases[i].writes, "%s: %s", cases[i].directives, got);
	}
}

/* daemon-reload: what is not said any more goes back to what the kernel has by itself. */
Test(resources, what_is_taken_back)
{
	static const struct {
		const char *now, *before, *writes;
	} cases[] = {
		{ "", "MemoryMax=1M", "MemoryMax memory/memory.max=max;" },
		{ "", "MemoryLow=1M", "MemoryLow memory/memory.low=0;" },
		{ "", "CPUWeight=7", "CPUWeight cpu/cpu.weight=100;" },
		{ "", "CPUWeight=idle", "CPUWeight cpu/cpu.idle=0;CPUWeight cpu/cpu.weight=100;" },
		{ "CPUWeight=7", "CPUWeight=idle",
		  "CPUWeight cpu/cpu.idle=0;CPUWeight cpu/cpu.weight=7;" },
		{ "", "CPUQuota=7%\nCPUQuotaPeriodSec=1s", "CPUQuota cpu/cpu.max=max 100000;" },
		{ "", "TasksMax=7", "TasksMax pids/pids.max=max;" },
		{ "", "IOWeight=7", "IOWeight io/io.weight=default 100;" },
		{ "", "AllowedCPUs=7", "AllowedCPUs cpuset/cpuset.cpus=\n;" },
		{ "MemoryMax=2M", "MemoryLimit=1M", "MemoryMax memory/memory.max=2097152;" },
		{ "MemoryLimit=2M", "MemoryMax=1M", "MemoryLimit memory/memory.max=2097152;" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *got = writes(cases[i].now, cases[i].before);

		cr_assert_str_eq(got, cases[i].writes, "%s after %s: %s", cases[i].now,
				 cases[i].before, got);
	}
}

Test(resources, devices)
{
	cleanup_unit struct unit *u = load("a.service", "IOReadBandwidthMax=/dev/sda 5M\n"
							"IOReadBandwidthMax=/dev/sda 7K\n"
							"IOWriteBandwidthMax=/dev/sda infinity\n"
							"IOReadIOPSMax=/dev/sda 100\n"
							"IOWriteIOPSMax=/dev/sdb 0\n"
							"IODeviceWeight=/dev/sdb 1000\n"
							"IODeviceWeight=sdb 1000\n"
							"BlockIOReadBandwidth=/dev/sdc 1\n"
							"IOReadIOPSMax=/dev/x\n");
	static const char *const wanted[] = { "8:0 rbps=7000", "8:0 wbps=max", "8:0 riops=100",
					      "8:0 1000", "8:0 rbps=1" };
	static const char *const unset[] = { "8:0 rbps=max", "8:0 wbps=max", "8:0 riops=max",
					     "8:0 default", "8:0 rbps=max" };
	char text[80];

	cr_assert_eq(u->resources->n_io, ARRAY_SIZE(wanted));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct resource_write w = resources_io_write(&u->resources->io[i], 8, 0, false, text);

		cr_assert_str_eq(w.value, wanted[i]);
		cr_assert_str_eq(w.file, i == 3 ? "io.weight" : "io.max");
		w = resources_io_write(&u->resources->io[i], 8, 0, true, text);
		cr_assert_str_eq(w.value, unset[i]);
	}
	resources_reset_io(u->resources, IO_READ_BANDWIDTH);
	cr_assert_eq(u->resources->n_io, 3);
}

Test(resources, delegation)
{
	static const struct {
		const char *directives;
		bool delegates, all;
		const char *controllers;
	} cases[] = {
		{ "Delegate=yes", true, true, "" },
		{ "Delegate=no", false, false, "" },
		{ "Delegate=", true, false, "" },
		{ "Delegate=cpu memory", true, false, "cpu memory" },
		{ "Delegate=cpu\nDelegate=memory cpu", true, false, "cpu memory" },
		{ "Delegate=cpu bogus", true, false, "cpu" },
		{ "Delegate=cpu\nDelegate=no", false, false, "" },
		{ "Delegate=cpu\nDelegate=", true, false, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_unit struct unit *u = load("a.service", cases[i].directives);
		cleanup_buf struct buf b = BUF_INIT;

		buf_puts(&b, "");
		for (char **c = u->resources->controllers; c && *c; c++)
			buf_printf(&b, "%s%s", b.len > 0 ? " " : "", *c);
		cr_assert_eq(u->resources->delegates, cases[i].delegates, "%s", cases[i].directives);
		cr_assert_eq(u->resources->delegates_all, cases[i].all, "%s", cases[i].directives);
		cr_assert_str_eq(b.data, cases[i].controllers);
		cr_assert_eq(u->oom_policy, cases[i].delegates ? OOM_POLICY_CONTINUE : OOM_POLICY_STOP);
	}
}

Test(resources, subgroups)
{
	static const char *const bad[] = { "a/b", ".", "..", ".x", "cgroup.procs" };
	cleanup_unit struct unit *good = load("a@b.service", "DelegateSubgroup=sub-%i");

	cr_assert_str_eq(good->resources->subgroup, "sub-b");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cleanup_free char *line = NULL;
		cleanup_unit struct unit *u = NULL;

		cr_assert_geq(asprintf(&line, "DelegateSubgroup=%s", bad[i]), 0);
		u = load("a.service", line);
		cr_assert_null(u->resources->subgroup, "%s", bad[i]);
	}
}

Test(resources, slices)
{
	static const struct {
		const char *name;
		bool valid;
		const char *parent;
	} cases[] = {
		{ "-.slice", true, NULL },	  { "a.slice", true, NULL },
		{ "a-b.slice", true, "a.slice" }, { "a-b-c.slice", true, "a-b.slice" },
		{ "-a.slice", false, NULL },	  { "a-.slice", false, NULL },
		{ "a--b.slice", false, NULL },	  { "a.service", false, NULL },
		{ "../a.slice", false, NULL },	  { "a@b.slice", false, NULL },
		{ "a\\x2db.slice", true, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *parent = NULL;

		cr_assert_eq(slice_name_valid(cases[i].name), cases[i].valid, "%s", cases[i].name);
		if (!cases[i].valid)
			continue;
		parent = slice_parent(cases[i].name);
		cr_assert_eq(!parent, !cases[i].parent, "%s", cases[i].name);
		if (parent)
			cr_assert_str_eq(parent, cases[i].parent);
	}
}

/* Who is in a slice requires it, so that a stop of the slice stops him, and before it. */
Test(resources, slices_are_required)
{
	cleanup_unit struct unit *in = load("a.service", "Slice=x-y.slice");
	cleanup_unit struct unit *root = load("a.service", "Slice=x.slice\nSlice=-.slice");
	cleanup_unit struct unit *bad = load("a.service", "Slice=x.service");
	cleanup_unit struct unit *slice = load("x-y.slice", "MemoryMax=1M");

	cr_assert_eq(defaults_add(in), 0);
	cr_assert(strv_contains(in->deps[DEP_REQUIRES], "x-y.slice"));
	cr_assert(strv_contains(in->deps[DEP_AFTER], "x-y.slice"));
	cr_assert_eq(defaults_add(root), 0);
	cr_assert_null(root->deps[DEP_REQUIRES]);
	cr_assert_null(bad->resources->slice);
	cr_assert_eq(defaults_add(slice), 0);
	cr_assert(strv_contains(slice->deps[DEP_REQUIRES], "x.slice"));
	cr_assert(strv_contains(slice->deps[DEP_AFTER], "x.slice"));
	cr_assert(resources_limit(slice->resources));
	cr_assert_not(resources_limit(in->resources));
}
