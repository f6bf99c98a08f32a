/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>

#include "core/varlink.h"
#include "ctl/describe.h"

#define TIMEOUT 10

TestSuite(describe, .timeout = TIMEOUT);

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *j = json_loads(text, 0, &error);

	cr_assert_not_null(j, "%s: %s", error.text, text);
	return j;
}

Test(describe, events)
{
	static const struct {
		const char *event, *text;
		bool key, escalation;
	} cases[] = {
		{ "{'kind':'job','state':'stop','result':'requested','by':'uid 0 pid 7 "
		  "(cgkillctl)'}",
		  "stop asked by uid 0 pid 7 (cgkillctl)", false, false },
		{ "{'kind':'job','state':'stop','result':'stuck'}", "stop stuck", true, true },
		{ "{'kind':'job','state':'start','result':'failed','text':'no such file'}",
		  "start failed: no such file", false, false },
		{ "{'kind':'signal','signal':'TERM','whom':'main','count':1,'names':['sh']}",
		  "SIGTERM to 1 process (sh)", true, false },
		{ "{'kind':'signal','signal':'TERM','whom':'main'}", "SIGTERM to main", true, false },
		{ "{'kind':'signal','signal':'KILL','count':0}", "SIGKILL to 0 processes", true, true },
		{ "{'kind':'kill','count':2,'names':['sh','sleep']}",
		  "SIGKILL to 2 processes: sh, sleep", true, true },
		{ "{'kind':'kill','count':900,'names':['sh','sleep']}",
		  "SIGKILL to 900 processes: sh, sleep, …", true, true },
		{ "{'kind':'empty'}", "empty", true, false },
		{ "{'kind':'state','state':'stop-sigterm'}", "stop-sigterm", false, false },
		{ "{'kind':'spawn','pid':42,'text':'/bin/true'}", "process 42 started: /bin/true",
		  false, false },
		{ "{'kind':'exit','pid':42,'status':203}",
		  "process 42 ended, code=exited, status=203/EXEC", false, false },
		{ "{'kind':'exit','pid':42,'signal':'KILL'}",
		  "process 42 ended, code=killed, signal=KILL", false, false },
		{ "{'kind':'log','text':'thawed'}", "thawed", true, false },
		{ "{'kind':'later','text':'news'}", "later: news", false, false },
		/* of the wrong types: said to be unknown, never a crash */
		{ "{'kind':'kill','count':'2','names':{}}", "SIGKILL to the processes", true, true },
		{ "{'kind':'kill','count':2,'names':[null,7]}", "SIGKILL to 2 processes: ?, ?",
		  true, true },
		{ "{'kind':7}", "?", false, false },
		{ "[]", "?", false, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_buf struct buf b = BUF_INIT;
		cleanup_json json_t *event = NULL;
		cleanup_free char *json = strdup(cases[i].event);

		for (char *c = json; *c; c++)
			if (*c == '\'')
				*c = '"';
		event = parse(json);
		describe_event(&b, event);
		cr_assert_str_eq(b.data, cases[i].text);
		cr_assert_eq(event_is_key(event), cases[i].key, "%s", json);
		cr_assert_eq(event_is_escalation(event), cases[i].escalation, "%s", json);
	}
}

Test(describe, a_survivor_is_told_with_all_that_is_known)
{
	cleanup_json json_t *full = parse(
		"{\"pid\":4242,\"comm\":\"dd\",\"state\":\"D\",\"wchan\":\"folio_wait\","
		"\"syscall\":\"read\",\"sinceUSec\":1000000,\"reason\":\"waits for a disk\"}");
	cleanup_json json_t *bare =
		parse("{\"pid\":1,\"comm\":\"x\",\"state\":\"S\",\"wchan\":null}");
	cleanup_buf struct buf b = BUF_INIT, c = BUF_INIT;

	describe_survivor(&b, full, 13 * USEC_PER_SEC + 7);
	cr_assert_str_eq(b.data,
			 "4242 (dd), state D, waits in folio_wait, system call read, for 12s: "
			 "waits for a disk");
	describe_survivor(&c, bare, 0);
	cr_assert_str_eq(c.data, "1 (x), state S: the reason is not known");
}

Test(describe, the_end_of_a_process)
{
	cleanup_buf struct buf b = BUF_INIT;

	describe_end(&b, "exited", 0);
	buf_putc(&b, '|');
	describe_end(&b, "exited", 99);
	buf_putc(&b, '|');
	describe_end(&b, "killed", 9);
	buf_putc(&b, '|');
	describe_end(&b, "dumped", 11);
	cr_assert_str_eq(b.data, "code=exited, status=0/SUCCESS|code=exited, status=99|"
				 "code=killed, signal=KILL|code=dumped, signal=SEGV");
}
