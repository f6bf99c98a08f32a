/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/manager.h"
#include "ctl/member.h"
#include "util/parse.h"

static const json_t *find_link(const json_t *chain, const char *unit)
{
	const json_t *link;
	size_t i;

	json_array_foreach(chain, i, link)
		if (member_is(link, "unit", unit))
			return link;
	return NULL;
}

/* Of infinities any is the last: all wait for the same. */
static const json_t *find_last(const json_t *chain)
{
	const json_t *link, *last = NULL;
	usec_t most = 0;
	size_t i;

	json_array_foreach(chain, i, link) {
		usec_t end = usec_add(member_usec(link, "canBeginUSec"),
				      member_usec(link, "canTakeUSec"));

		if (last && end <= most)
			continue;
		last = link;
		most = end;
	}
	return last;
}

/* The stage that costs most, by one of its members; NULL: none takes any time. */
static const json_t *find_costliest(const json_t *link, const char *member)
{
	const json_t *stages = json_object_get(link, "stages"), *stage, *costliest = NULL;
	usec_t most = 0;
	size_t i;

	json_array_foreach(stages, i, stage) {
		const json_t *value = json_object_get(stage, member);
		usec_t t = member_usec(stage, member);

		/* null is "not known" of what was, and "without end" of what can be */
		if ((json_is_null(value) && streq(member, "tookUSec")) || t <= most)
			continue;
		costliest = stage;
		most = t;
	}
	return costliest;
}

static void add_span(struct table *t, char sign, usec_t span)
{
	char text[SPAN_MAX + 1];

	text[0] = sign;
	format_span_short(span, text + 1);
	table_add(t, text);
}

/* What one stage may take is more than the whole where StopDeadlineSec= cuts it short. */
static void add_costliest(struct table *t, const json_t *link, bool was)
{
	const json_t *stage = find_costliest(link, was ? "tookUSec" : "canTakeUSec");
	usec_t takes = stage ? member_usec(stage, was ? "tookUSec" : "canTakeUSec") : 0;
	bool capped = !was && takes > member_usec(link, "canTakeUSec");
	const char *directive = capped	? "StopDeadlineSec"
				: stage ? member_text(stage, "directive")
					: NULL;
	cleanup_buf struct buf b = BUF_INIT;
	char span[SPAN_MAX];

	if (stage)
		buf_printf(&b, "%s %s", member_text_or(stage, "stage", "?"),
			   format_span_short(capped ? member_usec(link, "canTakeUSec") : takes, span));
	if (directive && !was)
		buf_printf(&b, " (%s)", directive);
	table_add(t, b.data ? b.data : "-");
}

static void add_link(struct table *t, const struct style *s, const json_t *link, size_t depth)
{
	cleanup_buf struct buf name = BUF_INIT;
	usec_t took = member_usec(link, "tookUSec");

	for (size_t i = 1; i < depth; i++)
		buf_puts(&name, "  ");
	buf_printf(&name, "%s%s", depth > 0 ? tree_branch(s, true) : "",
		   member_text_or(link, "unit", "?"));
	table_add(t, name.data ? name.data : "?");
	add_span(t, '@', member_usec(link, "canBeginUSec"));
	add_span(t, '+', member_usec(link, "canTakeUSec"));
	add_costliest(t, link, false);
	if (took == USEC_INFINITY)
		table_add(t, "-");
	else
		add_span(t, '+', took);
	add_costliest(t, link, true);
}

static void print_chain(const struct style *s, const json_t *chain)
{
	static const char *const titles[] = { "UNIT",	    "BEGINS", "CAN TAKE",
					      "MOST OF IT", "TOOK",   "MOST OF IT" };
	struct table t = { .columns = ARRAY_SIZE(titles) };
	const json_t *link = find_last(chain);

	for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
		table_add(&t, titles[i]);
	/* no longer than all of them, whatever cgkilld says */
	for (size_t depth = 0; link && depth < json_array_size(chain); depth++) {
		const char *after = member_text(link, "canAfter");

		add_link(&t, s, link, depth);
		link = after ? find_link(chain, after) : NULL;
	}
	for (size_t row = 0; !t.failed && row < t.n / t.columns; row++) {
		fputs(style_colour(s, row == 0	 ? COLOUR_BOLD
				      : row == 1 ? COLOUR_RED
						 : COLOUR_PLAIN),
		      stdout);
		table_print_row(&t, row);
		printf("%s\n", row <= 1 ? style_colour(s, COLOUR_PLAIN) : "");
	}
	if (t.failed)
		complain("Out of memory.");
	table_deinit(&t);
}

static void print_shorten(const json_t *o)
{
	const json_t *settings = json_object_get(o, "settings"), *setting;
	char text[SPAN_MAX];
	size_t i;

	fputs("  ", stdout);
	print_printable(stdout, member_text_or(o, "unit", "?"));
	fputs(json_array_size(settings) > 0 ? ":" : ": no time is left for it", stdout);
	json_array_foreach(settings, i, setting) {
		putchar(' ');
		print_printable(stdout, member_text_or(setting, "directive", "?"));
		printf("=%s", format_span_short(member_usec(setting, "valueUSec"), text));
	}
	if (json_array_size(settings) > 0)
		printf(" (its stop takes %s at most then)",
		       format_span_short(member_usec(o, "limitUSec"), text));
	putchar('\n');
}

static void print_reply(const struct ctl *ctl, const json_t *reply)
{
	usec_t total = member_usec(reply, "canTakeUSec"), took = member_usec(reply, "tookUSec");
	usec_t budget = ctl->options.budget;
	const json_t *shorten = json_object_get(reply, "shorten"), *o;
	char a[SPAN_MAX], b[SPAN_MAX];
	size_t i;

	printf("This stop can take %s, by its longest chain; ", format_span_short(total, a));
	if (took > 0)
		printf("by what was measured last, %s.\n", format_span_short(took, b));
	else
		puts("none was measured yet.");
	puts("Each unit begins when the one below it has ended.\n");
	print_chain(&ctl->style, json_object_get(reply, "chain"));
	if (budget == USEC_INFINITY)
		return;
	if (total <= budget) {
		printf("\nWithin the budget of %s.\n", format_span_short(budget, a));
		return;
	}
	printf("\n%sLonger than the budget of %s.%s To keep it, shorten:\n",
	       style_colour(&ctl->style, COLOUR_RED), format_span_short(budget, a),
	       style_colour(&ctl->style, COLOUR_PLAIN));
	json_array_foreach(shorten, i, o) {
		print_shorten(o);
	}
}

int verb_critical_chain(struct ctl *ctl, char **args)
{
	json_t *parameters = args[1] ? manager_units(args + 1) : json_object(), *chain = NULL;
	usec_t budget = ctl->options.budget;
	cleanup_json json_t *reply = NULL;
	int r;

	if (!parameters)
		return CGKILL_EXIT_USAGE;
	if (budget <= INT64_MAX) /* JSON's integers are signed */
		json_object_set_new(parameters, "budgetUSec", json_integer((json_int_t)budget));
	r = manager_call(ctl, "GetStopChain", parameters, &reply);
	if (r == 0)
		r = manager_array(reply, "chain", "unit", &chain);
	if (r > 0)
		return r;
	ctl->style = style_detect();
	if (!manager_print_json(ctl, reply)) {
		if (json_array_size(chain) > 0)
			print_reply(ctl, reply);
		else
			puts("There is nothing that would have to stop.");
	}
	return member_usec(reply, "canTakeUSec") > budget ? CGKILL_EXIT_FAILED : CGKILL_EXIT_OK;
}
