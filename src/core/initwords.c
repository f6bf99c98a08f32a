/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/initwords.h"

#include <errno.h>

#include "util/strv.h"

/*
 * Exec: so that its start fails where it cannot be executed. The words take the place of /bin/true. What outlives SIGKILL is
 * told within the two seconds that docker waits longer than we let it run.
 */
const struct wellknown init_command_unit = {
	.name = INIT_COMMAND_UNIT,
	.ours = true,
	.text = "[Unit]\n"
		"Description=Command of cgkilld --init\n"
		"DefaultDependencies=no\n"
		"[Service]\n"
		"Type=exec\n"
		"ExecStart=:/bin/true\n"
		"StandardOutput=inherit\n"
		"StandardError=inherit\n"
		"IgnoreSIGPIPE=no\n"
		"TimeoutStartSec=infinity\n"
		"OOMPolicy=continue\n"
		"[X-Cgkill]\n"
		"KillVerifySec=1\n",
};

bool init_words_are_units(char *const *words)
{
	for (size_t i = 0; words && words[i]; i++)
		if (!unit_name_valid(words[i]))
			return false;
	return words && words[0];
}

int init_command_set(struct unit *u, char *const *words, unsigned umask, usec_t timeout_stop)
{
	struct exec_command *command = &u->exec[EXEC_START].v[0];
	char *path = strdup(words[0]), **argv = strv_copy(words);

	if (!path || !argv) {
		free(path);
		strv_free(argv);
		return -ENOMEM;
	}
	free(command->path);
	strv_free(command->argv);
	command->path = path;
	command->argv = argv;
	u->foreground = true;
	u->umask = umask;
	u->timeout_stop = timeout_stop;
	return 0;
}
