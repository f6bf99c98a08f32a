/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/process.h"

#include "util/buf.h"

json_t *json_name(const char *name)
{
	json_t *text = json_string(name);
	cleanup_buf struct buf b = BUF_INIT;

	if (text)
		return text;
	for (const char *c = name; *c; c++)
		if (*c & 0x80)
			buf_printf(&b, "\\x%02x", (unsigned char)*c);
		else
			buf_putc(&b, *c);
	return json_string(b.data ? b.data : "");
}

json_t *process_object(const struct cgkill_process *p)
{
	const char state[] = { p->state, '\0' };
	const struct {
		const char *key, *text;
	} known[] = {
		{ "cgroup", p->cgroup },   { "command", p->cmdline }, { "wchan", p->wchan },
		{ "syscall", p->syscall }, { "file", p->file },	      { "mount", p->mount },
		{ "stack", p->stack },
	};
	json_t *o = json_pack("{s:i, s:s, s:s, s:s}", "pid", (int)p->pid, "comm", p->comm, "state",
			      state, "reason", p->reason);

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (*known[i].text)
			json_object_set_new(o, known[i].key, json_name(known[i].text));
	if (p->tracer > 0)
		json_object_set_new(o, "tracer", json_integer(p->tracer));
	return o;
}
