/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What spawn_into() costs over the bare system calls: pairs of starts into one cgroup, the raw
 * sequence and ours in turn, so that whatever else happens on the machine happens to both. Times
 * from before the start to the end of the child's exec (end of file on its report pipe).
 *
 * bench_spawn [PAIRS [CSV-FILE]]
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/cgtest.h"
#include "sys/spawn.h"

#define PAIRS_DEFAULT 1000
#define VFORK_STACK   65536UL

static char *const program_argv[] = { (char[]){ "true" }, NULL };

static double now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

_Noreturn static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void exec_program(unused void *arg, unused int report_fd)
{
	execv("/bin/true", program_argv);
	_exit(203);
}

/* Waits for the end of file, closes and reaps. */
static double finish(int fd, pid_t pid)
{
	char reports[64];
	double end;

	for (;;) {
		ssize_t n = read(fd, reports, sizeof(reports));

		if (n == 0)
			break;
		if (n < 0 && errno == EAGAIN)
			poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, -1);
		else if (n < 0)
			die("read");
	}
	end = now_usec();
	close(fd);
	if (waitpid(pid, NULL, 0) != pid)
		die("waitpid");
	return end;
}

/* Raw: the pipe and clone3, as little as can be done for the same end. */
static double raw_clone3(const struct cg *cg)
{
	int fds[2], pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP | CLONE_PIDFD,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = (unsigned)cg->fd,
	};
	double start = now_usec();
	long pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		die("pipe2");
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		die("clone3");
	if (pid == 0)
		exec_program(NULL, -1);
	close(fds[1]);
	start = finish(fds[0], (pid_t)pid) - start;
	close(pidfd);
	return start;
}

#ifdef __x86_64__
/* clone3 with a stack of its own cannot be said in C: the child jumps to exec_program() on that stack. */
static long clone3_on_stack(const struct clone_args *args)
{
	register void (*fn)(void *, int) __asm__("r12") = exec_program;
	long pid;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "xor %%edi, %%edi\n\t"
			 "call *%2\n\t"
			 "hlt\n"
			 "1:"
			 : "=a"(pid)
			 : "a"((long)SYS_clone3), "r"(fn), "D"(args), "S"(sizeof(*args))
			 : "rcx", "r11", "memory");
	return pid;
}

static double raw_vfork(const struct cg *cg)
{
	static void *stack;
	int fds[2], pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP | CLONE_PIDFD | CLONE_VM | CLONE_VFORK,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = (unsigned)cg->fd,
		.stack_size = VFORK_STACK,
	};
	double start = now_usec();
	long pid;

	if (!stack)
		stack = mmap(NULL, VFORK_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0);
	args.stack = (uintptr_t)stack;
	if (pipe2(fds, O_CLOEXEC) < 0)
		die("pipe2");
	pid = clone3_on_stack(&args);
	if (pid < 0) {
		errno = (int)-pid;
		die("clone3");
	}
	close(fds[1]);
	start = finish(fds[0], (pid_t)pid) - start;
	close(pidfd);
	return start;
}
#endif

static double ours(const struct cg *cg, enum spawn_method method)
{
	struct spawned s;
	double start = now_usec();
	int r = spawn_into(&s, cg, &method, exec_program, NULL);

	if (r < 0) {
		errno = -r;
		die("spawn_into");
	}
	start = finish(s.report_fd, s.pid) - start;
	close(s.pidfd);
	return start;
}

static double ours_clone3(const struct cg *cg)
{
	return ours(cg, SPAWN_CLONE3);
}

static double ours_attach(const struct cg *cg)
{
	return ours(cg, SPAWN_ATTACH);
}

/* One way of starting, and how long it took in each round. */
static struct way {
	const char *name;
	double (*start)(const struct cg *cg);
	double *usec;
} ways[] = {
	{ "raw clone3", raw_clone3, NULL },
	{ "spawn_into clone3", ours_clone3, NULL },
	{ "spawn_into attach", ours_attach, NULL },
#ifdef __x86_64__
	{ "raw clone3+vfork", raw_vfork, NULL },
#endif
};

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double quantile(const double *values, size_t n, double q)
{
	double *sorted = malloc(n * sizeof(*sorted)), result;

	if (!sorted)
		die("malloc");
	memcpy(sorted, values, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_value);
	result = sorted[(size_t)(q * (double)(n - 1))];
	free(sorted);
	return result;
}

/* The median of the ratios to the first way, round by round. */
static double paired_ratio(const struct way *w, size_t n)
{
	double *ratios = malloc(n * sizeof(*ratios)), result;

	if (!ratios)
		die("malloc");
	for (size_t i = 0; i < n; i++)
		ratios[i] = w->usec[i] / ways[0].usec[i];
	result = quantile(ratios, n, 0.5);
	free(ratios);
	return result;
}

static void measure(const struct cg *cg, size_t rounds)
{
	for (size_t w = 0; w < ARRAY_SIZE(ways); w++) {
		ways[w].usec = calloc(rounds, sizeof(double));
		if (!ways[w].usec)
			die("calloc");
		ways[w].start(cg); /* warm up */
	}
	for (size_t i = 0; i < rounds; i++)
		for (size_t k = 0; k < ARRAY_SIZE(ways); k++) {
			const struct way *w = &ways[(i + k) % ARRAY_SIZE(ways)]; /* none is always first */

			w->usec[i] = w->start(cg);
		}
}

static void print_results(size_t rounds, FILE *csv)
{
	if (csv)
		fputs("bench,way,rounds,p50_us,p95_us,ratio\n", csv);
	printf("%-20s %10s %10s %8s\n", "start, exec, EOF", "p50 us", "p95 us", "ratio");
	for (size_t k = 0; k < ARRAY_SIZE(ways); k++) {
		const struct way *w = &ways[k];
		double p50 = quantile(w->usec, rounds, 0.5), p95 = quantile(w->usec, rounds, 0.95);
		double ratio = paired_ratio(w, rounds);

		printf("%-20s %10.1f %10.1f %8.3f\n", w->name, p50, p95, ratio);
		if (csv)
			fprintf(csv, "spawn,%s,%zu,%.1f,%.1f,%.3f\n", w->name, rounds, p50, p95, ratio);
	}
}

int main(int argc, char *argv[])
{
	size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : PAIRS_DEFAULT;
	cleanup_fclose FILE *csv = argc > 2 ? fopen(argv[2], "we") : NULL;
	struct cgtest t;
	int r = cgtest_begin(&t);

	if (r < 0) {
		fprintf(stderr, "bench_spawn: SKIP: %s\n", strerror(-r));
		return 77;
	}
	if (argc > 2 && !csv)
		die(argv[2]);
	measure(&t.root, rounds ? rounds : 1);
	print_results(rounds ? rounds : 1, csv);
	for (size_t w = 0; w < ARRAY_SIZE(ways); w++)
		free(ways[w].usec);
	cgtest_end(&t);
	return EXIT_SUCCESS;
}
