/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What "systemctl show" says of the cgroup of a unit; what was not set is left out, because the kernel's default holds.
 */
#include "core/load.h"
#include "core/resources.h"
#include "util/parse.h"

static void show_number(struct showing *out, const char *key, uint64_t n)
{
	if (n == UINT64_MAX)
		buf_puts(&out->text, "infinity");
	else
		buf_printf(&out->text, "%" PRIu64, n);
	show_gathered(out, key);
}

static void show_limits(struct showing *out, const struct resources *r)
{
	char span[SPAN_MAX];

	for (size_t i = 0; i < RESOURCE_MAX; i++) {
		if (!(r->set & (1U << i)))
			continue;
		if (i == RESOURCE_CPU_QUOTA)
			show_text(out, "CPUQuotaPerSecUSec", format_span(r->value[i], span));
		else if (i == RESOURCE_CPU_QUOTA_PERIOD)
			show_text(out, "CPUQuotaPeriodUSec", format_span(r->value[i], span));
		else if (i == RESOURCE_CPU_WEIGHT && r->value[i] == WEIGHT_IDLE)
			show_text(out, "CPUWeight", "idle");
		else
			show_number(out, resource_directive((enum resource)i), r->value[i]);
	}
}

static void show_cpus(struct showing *out, const char *key, const struct cpu_list *list)
{
	if (!list)
		return;
	cpu_list_format(&out->text, list);
	show_gathered(out, key);
}

static void show_delegation(struct showing *out, const struct resources *r)
{
	show_bool(out, "Delegate", r->delegates);
	for (size_t i = 0; r->controllers && r->controllers[i]; i++)
		buf_printf(&out->text, "%s%s", i > 0 ? " " : "", r->controllers[i]);
	if (out->text.len > 0)
		show_gathered(out, "DelegateControllers");
	if (r->subgroup)
		show_text(out, "DelegateSubgroup", r->subgroup);
}

void resources_show(const struct resources *r, struct showing *out)
{
	if (!r)
		return;
	if (r->slice)
		show_text(out, "Slice", r->slice);
	show_delegation(out, r);
	show_limits(out, r);
	show_cpus(out, "AllowedCPUs", r->cpus);
	show_cpus(out, "AllowedMemoryNodes", r->nodes);
	for (size_t i = 0; i < r->n_io; i++) {
		buf_printf(&out->text, "%s ", r->io[i].path);
		show_number(out, io_kind_directive(r->io[i].kind), r->io[i].value);
	}
}
