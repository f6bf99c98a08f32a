/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hammer CGROUP THREADS ROUNDS: all of libcgkill from many threads at once, each with a cgroup of its own below CGROUP at a
 * time, beside one that opens and closes CGROUP itself and keeps malloc(3) and sigaction(3) busy. For ThreadSanitizer and valgrind, which
 * have words of their own; what it says itself is that a result is wrong, or that descriptors are left open.
 */
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgkill/cgkill.h"

#define SECOND	    UINT64_C(1000000)
#define MEMBERS	    3
#define THREADS_MAX 32

static const char *root;
static struct cgkill_cgroup *parent; /* one for all threads */
static unsigned rounds;
static atomic_bool over;
static atomic_uint unread; /* processes that were not explained in time */

static long long check(int line, const char *what, long long got, long long wanted)
{
	if (got == wanted || (wanted > 0 && got >= wanted))
		return got;
	fprintf(stderr, "hammer: line %d: %s: %lld (%s)\n", line, what, got,
		got < 0 ? strerror((int)-got) : "wrong");
	_exit(1);
}

#define IS(expr, wanted) check(__LINE__, #expr, (long long)(expr), wanted)

struct member {
	pid_t pid;
	int pidfd;
};

/* In the child: not by signal(3), for which a sanitizer takes a lock. */
static int block_term(void *arg)
{
	sigset_t term;

	(void)arg;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	return sigprocmask(SIG_BLOCK, &term, NULL) != 0;
}

static void spawn(const struct cgkill_cgroup *cg, unsigned n, struct member *out)
{
	static char name[] = "sleep", time[] = "1000";
	char *const argv[] = { name, time, NULL };
	const struct cgkill_spawn_options options = {
		.size = sizeof(options),
		.argv = argv,
		.flags = CGKILL_SPAWN_SEARCH | (n % 2 ? CGKILL_SPAWN_SESSION : 0U) | CGKILL_SPAWN_IGNORED,
		.prepare = n % 3 == 2 ? block_term : NULL,
	};

	IS(cgkill_spawn(cg, &options, &out->pid, &out->pidfd), 0);
}

static void spawn_nothing(const struct cgkill_cgroup *cg)
{
	static char name[] = "/nobody/has/this";
	char *const argv[] = { name, NULL };
	const struct cgkill_spawn_options options = { .size = sizeof(options), .argv = argv };
	pid_t pid;

	IS(cgkill_spawn(cg, &options, &pid, NULL), -2);
}

static int see(const struct cgkill_process *p, void *arg)
{
	unsigned *n = arg;

	*n += p->pid > 0 && *p->comm;
	return 0;
}

static int see_why(const struct cgkill_process *p, void *arg)
{
	unread += p->state == '?';
	return see(p, arg);
}

static void look(const struct cgkill_cgroup *cg, const struct member *m)
{
	unsigned n = 0;
	size_t total = 0;

	IS(cgkill_is_populated(cg), 1);
	IS(cgkill_guard(cg, 0), 0);
	IS(cgkill_guard(cg, m->pid), -1);
	IS(cgkill_list(cg, see, &n), 0);
	IS(cgkill_count(cg, &total), 0);
	IS(total, MEMBERS);
	IS(cgkill_explain(cg, MEMBERS + 1, &total, see_why, &n), 0);
	IS(total, MEMBERS);
	IS(n, 2 * MEMBERS);
	IS(cgkill_explain_process(m->pid, see_why, &n), 0);
}

static void count_event(struct cgkill_stop *stop, enum cgkill_event event, void *arg)
{
	(void)stop;
	*(unsigned *)arg |= 1U << event;
}

static void drive(const struct cgkill_cgroup *cg, const struct cgkill_stop_options *options)
{
	struct cgkill_stop_result result = { .size = sizeof(result) };
	struct cgkill_stop *stop;
	struct pollfd p = { .events = POLLIN };
	int r;

	IS(cgkill_stop_begin(cg, options, &stop), 0);
	IS(p.fd = cgkill_stop_fd(stop), 1);
	cgkill_stop_hasten(stop);
	while ((r = cgkill_stop_step(stop)) == 1)
		IS(poll(&p, 1, 60000), 1);
	IS(r, 0);
	cgkill_stop_result(stop, &result);
	IS(result.ended_usec > 0, 1);
	cgkill_stop_end(stop);
}

/* In turn: by a descriptor, waited for, with a leader; with and without a signal. */
static void stop(const struct cgkill_cgroup *cg, unsigned n, const struct member *leader)
{
	unsigned seen = 0;
	const struct cgkill_stop_options options = {
		.size = sizeof(options),
		.signal = n % 4 ? SIGTERM : 0,
		.signal_flags = CGKILL_SIGNAL_CONT | CGKILL_SIGNAL_THAW,
		.timeout_usec = SECOND / 50,
		.flags = n % 4 == 3 ? CGKILL_STOP_LEADER : 0U,
		.leader_pidfd = leader->pidfd,
		.verify_usec = 60 * SECOND,
		.on_event = count_event,
		.arg = &seen,
	};

	if (n % 2)
		drive(cg, &options);
	else
		IS(cgkill_stop(cg, &options, NULL), 0);
	IS(seen & 1U << CGKILL_EVENT_EMPTY, 1);
}

static void one_round(unsigned thread, unsigned n)
{
	struct cgkill_cgroup *cg, *again;
	struct member members[MEMBERS];
	char name[32];
	size_t reached;

	snprintf(name, sizeof(name), "t%u.%u", thread, n);
	IS(cgkill_create(parent, name, &cg), 0);
	IS(cgkill_open_child(parent, name, &again), 0);
	for (unsigned i = 0; i < MEMBERS; i++)
		spawn(cg, n + i, &members[i]);
	spawn_nothing(cg);
	look(cg, &members[0]);
	IS(cgkill_signal(cg, SIGCONT, 0, &reached), 0);
	IS(reached, MEMBERS);
	IS(cgkill_signal_process(again, members[0].pidfd, SIGCONT, 0), 0);
	stop(cg, n, &members[0]);
	IS(cgkill_wait_empty(again, 0), 0);
	for (unsigned i = 0; i < MEMBERS; i++) {
		IS(waitpid(members[i].pid, NULL, 0), members[i].pid);
		close(members[i].pidfd);
	}
	IS(cgkill_remove(again), 0);
	cgkill_close(again);
	cgkill_close(cg);
}

static void *work(void *arg)
{
	unsigned thread = *(unsigned *)arg;

	for (unsigned n = 0; n < rounds; n++)
		one_round(thread, thread + n);
	return NULL;
}

/* What a child has of the others' locks must not matter to it. */
static void *disturb(void *arg)
{
	const struct sigaction none = { .sa_handler = SIG_DFL };

	(void)arg;
	while (!over) {
		struct cgkill_cgroup *cg, *same;
		void *memory = malloc(100000);

		IS(cgkill_open(root, &cg), 0);
		IS(cgkill_open_fd(cgkill_fd(cg), &same), 0);
		IS(cgkill_id(cg) == cgkill_id(same) && strcmp(cgkill_path(cg), cgkill_path(same)) == 0,
		   1);
		cgkill_close(same);
		cgkill_close(cg);
		free(memory);
		sigaction(SIGABRT, &none, NULL); /* a lock of its own: kernel_ignore() */
	}
	return NULL;
}

static unsigned open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	if (!dir)
		return 0;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

int main(int argc, char **argv)
{
	unsigned threads, before = open_files(), numbers[THREADS_MAX];
	pthread_t disturber, workers[THREADS_MAX];

	if (argc != 4)
		return 2;
	root = argv[1];
	threads = (unsigned)IS(atoi(argv[2]), 1);
	rounds = (unsigned)IS(atoi(argv[3]), 1);
	IS(threads <= THREADS_MAX, 1);
	IS(cgkill_open(root, &parent), 0);
	pthread_create(&disturber, NULL, disturb, NULL);
	for (unsigned i = 0; i < threads; i++) {
		numbers[i] = i;
		pthread_create(&workers[i], NULL, work, &numbers[i]);
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_join(workers[i], NULL);
	over = true;
	pthread_join(disturber, NULL);
	cgkill_close(parent);
	IS(open_files(), before);
	printf("%u unread\n", (unsigned)unread);
	return 0;
}
