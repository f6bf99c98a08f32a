/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/exits.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

TestSuite(exits, .timeout = 30);

static const struct exit_info killed = { CLD_KILLED, SIGKILL };

static struct process_id id_of(int n)
{
	return (struct process_id){ .pid = 1000 + n, .identity = (uint64_t)n << 32 };
}

static struct exits *new_exits(int *fd)
{
	struct exits *e = NULL;

	cr_assert_eq(exits_new(&e, fd), 0);
	return e;
}

Test(exits, are_found_through_another_mapping)
{
	struct process_id a = id_of(1), b = id_of(2), c = id_of(3), reused = id_of(1);
	struct exit_info got = { 0, 0 };
	struct exits *writer, *reader = NULL;
	int fd = -1;

	writer = new_exits(&fd);
	cr_assert_eq(exits_map(&reader, fd), 0);
	cr_assert_not(exits_find(reader, &a, &got));
	exits_add(writer, &a, (struct exit_info){ CLD_EXITED, 7 });
	exits_add(writer, &b, killed);
	cr_assert(exits_find(reader, &a, &got));
	cr_assert(got.code == CLD_EXITED && got.status == 7);
	cr_assert(exits_find(reader, &b, &got));
	cr_assert(got.code == CLD_KILLED && got.status == SIGKILL);
	cr_assert_not(exits_find(reader, &c, &got));
	reused.identity++;
	cr_assert_not(exits_find(reader, &reused, &got), "the number alone says nothing");
	exits_unmap(reader);
	exits_unmap(writer);
	exits_unmap(NULL);
}

Test(exits, the_newest_are_kept)
{
	struct exit_info got;
	struct exits *e;
	int fd;

	e = new_exits(&fd);
	for (int i = 1; i <= 3 * EXITS_MAX; i++) {
		struct process_id id = id_of(i);

		exits_add(e, &id, (struct exit_info){ CLD_EXITED, i % 256 });
	}
	for (int i = 1; i <= 3 * EXITS_MAX; i++) {
		struct process_id id = id_of(i);
		bool kept = i > 2 * EXITS_MAX;

		cr_assert_eq(exits_find(e, &id, &got), kept, "%d", i);
		cr_assert(!kept || got.status == i % 256);
	}
	exits_unmap(e);
}

/* A reader sees whole entries or none while the writer goes round and round. */
Test(exits, are_never_torn)
{
	struct exits *e;
	int fd;
	pid_t writer;

	e = new_exits(&fd);
	writer = fork();
	cr_assert_geq(writer, 0);
	if (writer == 0) {
		for (int i = 1;; i++) {
			struct process_id id = id_of(i % (EXITS_MAX + 77));

			exits_add(e, &id, (struct exit_info){ id.pid, id.pid });
		}
	}
	for (int i = 0; i < 100000; i++) {
		struct process_id id = id_of(i % (EXITS_MAX + 77));
		struct exit_info got = { 0, 0 };

		if (exits_find(e, &id, &got))
			cr_assert(got.code == id.pid && got.status == id.pid);
	}
	kill(writer, SIGKILL); /* our own child, not yet waited for */
	waitpid(writer, NULL, 0);
	exits_unmap(e);
}

Test(exits, foreign_memory_is_refused)
{
	struct exits *e = NULL;
	int fd = memfd_create("foreign", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	cr_assert_geq(fd, 0);
	cr_assert_eq(exits_map(&e, fd), -EINVAL);
	cr_assert_eq(exits_map(&e, -1), -EBADF);
	cr_assert_null(e);
	close(fd);
	e = new_exits(&fd);
	cr_assert_lt(ftruncate(fd, 0), 0, "nobody takes the memory away");
	exits_unmap(e);
}
