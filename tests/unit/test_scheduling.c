/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/scheduling.h"

#include <criterion/criterion.h>

#include "util/buf.h"

TestSuite(scheduling, .timeout = 30);

static const struct host_facts host = { .runtime_dir = "/run", .host_name = "here" };

static void note(const char *key, const char *value, void *arg)
{
	static const char *const keys[] = { "CPUAffinity",
					    "CPUSchedulingPolicy",
					    "CPUSchedulingPriority",
					    "CPUSchedulingResetOnFork",
					    "IOSchedulingClass",
					    "IOSchedulingPriority",
					    "TimerSlackNSec",
					    "CoredumpFilter",
					    "Personality",
					    "NUMAPolicy",
					    "NUMAMask" };
	struct buf *b = arg;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (streq(key, keys[i]))
			buf_printf(b, "%s%s", b->len > 0 ? " " : "", value);
}

static struct unit *load(const char *lines, struct diags *diags)
{
	cleanup_free char *text = NULL;
	struct unit *u = NULL;

	cr_assert_geq(asprintf(&text, "[Service]\nExecStart=/bin/true\n%s\n", lines), 0);
	cr_assert_eq(unit_load(&u, "a.service",
			       &(struct unit_text){
				       .path = "a.service", .data = text, .len = strlen(text) },
			       1, &host, diags),
		     0);
	return u;
}

/* The values that are shown of these lines, and whether something is said. */
static void check(const char *lines, const char *expected, bool said)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_unit struct unit *u = load(lines, &diags);
	cleanup_buf struct buf shown = BUF_INIT;

	unit_show(u, note, &shown);
	cr_expect_str_eq(shown.data ? shown.data : "", expected, "%s\n gave %s\n  not %s", lines,
			 shown.data ? shown.data : "", expected);
	cr_expect_eq(diags.n > 0, said, "%s: %s", lines, diags.n ? diags.v[0].text : "nothing is said");
}

Test(scheduling, values)
{
	check("", "", false);
	check("CPUAffinity=0 2-3\nCPUAffinity=5,7", "0,2-3,5,7", false);
	check("CPUAffinity=1\nCPUAffinity=", "", false);
	check("CPUAffinity=3-1", "", true);
	check("CPUAffinity=x", "", true);
	check("CPUAffinity=numa", "", true);
	check("CPUSchedulingPolicy=rr", "2 1 no", false);
	check("CPUSchedulingPriority=9", "0 9 no", false);
	check("CPUSchedulingResetOnFork=yes", "", false);
	check("CPUSchedulingPolicy=fifo\nCPUSchedulingPriority=99\nCPUSchedulingResetOnFork=1",
	      "1 99 yes", false);
	check("CPUSchedulingPolicy=rr\nCPUSchedulingPriority=100", "2 1 no", true);
	check("CPUSchedulingPolicy=rr\nCPUSchedulingPriority=9\nCPUSchedulingPolicy=batch",
	      "3 0 no", false);
	check("CPUSchedulingPolicy=rr\nCPUSchedulingPolicy=", "", false);
	check("CPUSchedulingPolicy=best", "", true);
	check("IOSchedulingClass=idle", "3 4", false);
	check("IOSchedulingClass=1\nIOSchedulingPriority=0", "1 0", false);
	check("IOSchedulingPriority=7", "2 7", false);
	check("IOSchedulingPriority=8", "", true);
	check("IOSchedulingClass=idle\nIOSchedulingPriority=", "", false);
	check("TimerSlackNSec=50", "50", false);
	check("TimerSlackNSec=50 ns", "50", false);
	check("TimerSlackNSec=3us", "3000", false);
	check("TimerSlackNSec=1ms 1us", "1001000", false);
	check("TimerSlackNSec=soon", "", true);
	check("CoredumpFilter=default private-dax", "0xb3", false);
	check("CoredumpFilter=1\nCoredumpFilter=0x10 shared-anonymous", "0x13", false);
	check("CoredumpFilter=1\nCoredumpFilter=", "", false);
	check("CoredumpFilter=all", "0x1ff", false);
	check("CoredumpFilter=everything", "", true);
	check("Personality=vax", "", true);
	check("NUMAPolicy=bind\nNUMAMask=0-1", "2 0-1", false);
	check("NUMAPolicy=interleave\nNUMAMask=all", "3 all", false);
	check("NUMAPolicy=far", "", true);
}

/* What the service finds in its standard input. */
static void check_input(const char *lines, const char *expected, bool said)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_unit struct unit *u = load(lines, &diags);
	const struct buf *data = u->stdin_data;

	cr_expect_str_eq(data ? data->data : "", expected, "%s", lines);
	cr_expect_eq(u->std_in.kind, data ? STDIO_DATA : STDIO_NULL, "%s", lines);
	cr_expect_eq(diags.n > 0, said, "%s: %s", lines, diags.n ? diags.v[0].text : "nothing is said");
}

Test(scheduling, standard_input)
{
	check_input("StandardInputText=a\\tb 'c' %n", "a\tb 'c' a.service\n", false);
	check_input("StandardInputText=a\nStandardInputData=YmM=\nStandardInputText=d", "a\nbcd\n",
		    false);
	check_input("StandardInputText=a\nStandardInputData=", "", false);
	check_input("StandardInputText=\\q", "", true);
	check_input("StandardInputData=YW Jj", "abc", false);
	check_input("StandardInputData=YWJ", "", true);
	check_input("StandardInputData=YWJ=", "", true); /* bits are left over */
	check_input("StandardInputData=YW=j", "", true);
	check_input("StandardInputData=Y===", "", true);
	check_input("StandardInputData=Y*Jj", "", true);
}
