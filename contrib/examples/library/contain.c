/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * contain CGROUP COMMAND...: runs a command in a cgroup of its own below CGROUP; what it leaves behind is killed.
 *
 *	cc contain.c $(pkg-config --cflags --libs libcgkill)
 */
#include <cgkill/cgkill.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* The status of waitpid(2), or a negative errno. */
static int run(struct cgkill_cgroup *cg, char **command)
{
	const struct cgkill_spawn_options spawn = { .size = sizeof(spawn),
						    .argv = command,
						    .flags = CGKILL_SPAWN_SEARCH };
	const struct cgkill_stop_options kill = { .size = sizeof(kill) };
	int status = 0, r;
	pid_t pid;

	r = cgkill_spawn(cg, &spawn, &pid, NULL);
	if (r == 0 && waitpid(pid, &status, 0) < 0)
		status = 0;
	if (r == 0)
		r = cgkill_stop(cg, &kill, NULL);
	return r < 0 ? r : status;
}

int main(int argc, char *argv[])
{
	struct cgkill_cgroup *parent = NULL, *cg = NULL;
	int r;

	if (argc < 3)
		return 2;
	r = cgkill_open(argv[1], &parent);
	if (r == 0)
		r = cgkill_create(parent, "contained", &cg);
	if (r == 0) {
		int removed;

		r = run(cg, argv + 2);
		removed = cgkill_remove(cg);
		r = r < 0 ? r : removed < 0 ? removed : r;
	}
	cgkill_close(cg);
	cgkill_close(parent);
	if (r < 0)
		fprintf(stderr, "%s\n", strerror(-r));
	return r < 0 ? 125 : WIFEXITED(r) ? WEXITSTATUS(r) : 128 + WTERMSIG(r);
}
