/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/manager.h"
#include "ctl/member.h"

/* A file as it is; on a terminal line by line, with nothing in it that a terminal would obey. */
static void print_text(const char *text, bool terminal)
{
	if (!terminal) {
		fputs(text, stdout);
		return;
	}
	while (*text) {
		size_t len = strcspn(text, "\t\n");
		cleanup_free char *part = strndup(text, len);

		print_printable(stdout, part ? part : "");
		text += len;
		if (*text)
			putchar(*text++);
	}
}

static void print_file(const struct style *s, const json_t *file)
{
	const char *text = member_text_or(file, "text", "");

	printf("%s# ", style_colour(s, COLOUR_BLUE));
	print_printable(stdout, member_text_or(file, "path", "?"));
	printf("%s\n", style_colour(s, COLOUR_PLAIN));
	print_text(text, isatty(STDOUT_FILENO));
	if (*text && !ends_with(text, "\n"))
		putchar('\n');
}

int verb_cat(struct ctl *ctl, char **args)
{
	json_t *parameters = manager_units(args + 1), *units = NULL, *unit, *file;
	cleanup_json json_t *reply = NULL;
	int code = CGKILL_EXIT_OK;
	size_t i, j, printed = 0;
	int r;

	if (!parameters)
		return CGKILL_EXIT_USAGE;
	r = manager_call(ctl, "Cat", parameters, &reply);
	if (r == 0)
		r = manager_array(reply, "units", "unit", &units);
	if (r > 0)
		return r;
	ctl->style = style_detect();
	if (manager_print_json(ctl, reply))
		return CGKILL_EXIT_OK;
	json_array_foreach(units, i, unit) {
		const json_t *files = json_object_get(unit, "files");

		if (json_array_size(files) == 0) {
			complain("No files found for %s.", member_text(unit, "unit"));
			code = CGKILL_EXIT_FAILED;
		}
		json_array_foreach(files, j, file) {
			if (printed++ > 0)
				putchar('\n');
			print_file(&ctl->style, file);
		}
	}
	return code;
}
