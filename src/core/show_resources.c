/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What "systemctl show" says of the cgroup of a unit; what was not set is left out, because the kernel's default holds.
 */
#include <inttypes.h>

#include "core/load.h"
#include "core/resources.h"
#include "util/parse.h"

struct output {
	unit_show_fn emit;
	void *arg;
	struct buf text;
};

/* Without memory the key is left out. */
static void flush(struct output *out, const char *key)
{
	cleanup_free char *value = buf_take(&out->text);

	if (value)
		out->emit(key, value, out->arg);
}

static void show_text(struct output *out, const char *key, const char *text)
{
	if (!text)
		return;
	buf_puts(&out->text, text);
	flush(out, key);
}

static void show_number(struct output *out, const char *key, uint64_t n)
{
	if (n == UINT64_MAX)
		buf_puts(&out->text, "infinity");
	else
		buf_printf(&out->text, "%" PRIu64, n);
	flush(out, key);
}

static void show_limits(struct output *out, const struct resources *r)
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

static void show_cpus(struct output *out, const char *key, const struct cpu_list *list)
{
	if (!list)
		return;
	cpu_list_format(&out->text, list);
	flush(out, key);
}

static void show_delegation(struct output *out, const struct resources *r)
{
	show_text(out, "Delegate", r->delegates ? "yes" : "no");
	for (size_t i = 0; r->controllers && r->controllers[i]; i++)
		buf_printf(&out->text, "%s%s", i > 0 ? " " : "", r->controllers[i]);
	if (out->text.len > 0)
		flush(out, "DelegateControllers");
	show_text(out, "DelegateSubgroup", r->subgroup);
}

void resources_show(const struct resources *r, unit_show_fn emit, void *arg)
{
	struct output out = { emit, arg, BUF_INIT };

	if (!r)
		return;
	show_text(&out, "Slice", r->slice);
	show_delegation(&out, r);
	show_limits(&out, r);
	show_cpus(&out, "AllowedCPUs", r->cpus);
	show_cpus(&out, "AllowedMemoryNodes", r->nodes);
	for (size_t i = 0; i < r->n_io; i++) {
		buf_printf(&out.text, "%s ", r->io[i].path);
		show_number(&out, io_kind_directive(r->io[i].kind), r->io[i].value);
	}
}
