/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * check-host: what sys/capabilities.h says of this host, and of who we are on it.
 */
#include <errno.h>
#include <sys/utsname.h>

#include "cgkill/cgkill.h"
#include "ctl/manager.h"
#include "sys/capabilities.h"
#include "sys/hierarchy.h"

static json_t *answer(const struct capability *c, int result, const struct buf *detail)
{
	json_t *o = json_pack("{s:s, s:b, s:b}", "what", c->what, "present", result > 0, "needed",
			      c->weight == CAPABILITY_NEEDED);

	if (detail->len > 0)
		json_object_set_new(o, "detail", json_string(detail->data));
	if (result < 0)
		json_object_set_new(o, "error", json_string(strerror(-result)));
	if (result <= 0) {
		json_object_set_new(o, "without", json_string(c->without));
		json_object_set_new(o, "remedy", json_string(c->remedy));
	}
	return o;
}

static void print_answer(const struct style *style, const struct capability *c, int result,
			 const struct buf *detail)
{
	bool unknown = result == -ENODATA;
	enum colour colour = result > 0			      ? COLOUR_GREEN
			     : unknown			      ? COLOUR_PLAIN
			     : c->weight == CAPABILITY_NEEDED ? COLOUR_RED
							      : COLOUR_YELLOW;
	const char *word = result > 0			    ? "yes"
			   : unknown			    ? "?"
			   : c->weight == CAPABILITY_NEEDED ? "NO"
							    : "no";

	printf("%s%-7s%s %s", style_colour(style, colour), word, style_colour(style, COLOUR_PLAIN),
	       c->what);
	if (detail->len > 0)
		printf(": ");
	if (detail->len > 0)
		print_printable(stdout, detail->data);
	if (result < 0)
		printf(" (%s)", unknown ? "it could not be tried out" : strerror(-result));
	putchar('\n');
	if (result <= 0 && !unknown)
		printf("        without it: %s\n        remedy: %s\n", c->without, c->remedy);
}

struct answers {
	struct ctl *ctl;
	json_t *list;
	int code;
};

static void on_capability(const struct capability *c, int result, const struct buf *detail, void *arg)
{
	struct answers *a = arg;
	bool fatal = result <= 0 && c->weight == CAPABILITY_NEEDED;

	if (fatal)
		a->code = CGKILL_EXIT_FAILED;
	if (a->ctl->options.json != JSON_OFF)
		json_array_append_new(a->list, answer(c, result, detail));
	else if (!a->ctl->options.quiet || fatal)
		print_answer(&a->ctl->style, c, result, detail);
}

/* NULL: it cannot be opened. */
static struct cgkill_cgroup *open_parent(const struct options *o)
{
	cleanup_free char *own = NULL;
	struct cgkill_cgroup *parent;
	const char *path = o->parent;

	if (!path && cgroup_path_of(0, &own) == 0)
		path = own;
	return path && cgkill_open(path, &parent) == 0 ? parent : NULL;
}

int verb_check_host(struct ctl *ctl, char **args unused)
{
	struct cgkill_cgroup *parent = open_parent(&ctl->options);
	cleanup_json json_t *reply = json_pack("{s:[]}", "checks");
	struct answers a = { ctl, json_object_get(reply, "checks"), CGKILL_EXIT_OK };
	struct utsname kernel;

	ctl->style = style_detect();
	if (uname(&kernel) == 0 && ctl->options.json == JSON_OFF && !ctl->options.quiet)
		printf("Linux %s, %s\n", kernel.release, kernel.machine);
	capabilities_each(parent ? cgkill_fd(parent) : -1, parent ? cgkill_path(parent) : "",
			  CAPABILITY_NEEDED | CAPABILITY_LOSS | CAPABILITY_SPEED, on_capability, &a);
	cgkill_close(parent);
	manager_print_json(ctl, reply);
	return a.code;
}
