/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * end CGROUP: asks what is in it to end, kills what has not after two seconds, and says who is left.
 *
 *	cc end.c $(pkg-config --cflags --libs libcgkill)
 */
#include <cgkill/cgkill.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static int tell(const struct cgkill_process *p, void *arg)
{
	(void)arg;
	fprintf(stderr, "%d (%s) %s\n", (int)p->pid, p->comm, p->reason);
	return 0;
}

int main(int argc, char *argv[])
{
	const struct cgkill_stop_options options = {
		.size = sizeof(options),
		.signal = SIGTERM,
		.signal_flags = CGKILL_SIGNAL_CONT | CGKILL_SIGNAL_THAW,
		.timeout_usec = 2000000,
	};
	struct cgkill_stop_result result = { .size = sizeof(result) };
	struct cgkill_cgroup *cg;
	int r;

	if (argc != 2)
		return 2;
	r = cgkill_open(argv[1], &cg);
	if (r == 0) {
		r = cgkill_stop(cg, &options, &result);
		if (r == -ETIMEDOUT && cgkill_explain(cg, 16, NULL, tell, NULL) < 0)
			fputs("and it cannot be told who\n", stderr);
		cgkill_close(cg);
	}
	if (r < 0) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(-r));
		return 1;
	}
	printf("%zu asked, %s\n", result.signalled, result.killed_usec ? "and killed" : "and obeyed");
	return 0;
}
