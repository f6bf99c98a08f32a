/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/mountinfo.h"

/* The optional fields, none or several, end at a lone "-". */
bool mountinfo_split(char *line, struct mount_line *out)
{
	char *field;

	out->id = strsep(&line, " ");
	for (int skip = 0; skip < 2; skip++) /* parent id, device */
		if (!strsep(&line, " "))
			return false;
	out->root = strsep(&line, " ");
	out->point = strsep(&line, " ");
	out->options = strsep(&line, " ");
	do
		field = strsep(&line, " ");
	while (field && !streq(field, "-"));
	out->type = strsep(&line, " ");
	out->source = strsep(&line, " ");
	out->super_options = strsep(&line, " \n");
	return out->super_options != NULL;
}
