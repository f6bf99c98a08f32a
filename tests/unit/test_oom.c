/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A directory with a memory.events of our own in place of a cgroup: few hosts let a test have the memory controller. */
#include "daemon/oom.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/stat.h>

static struct loop *loop;
static struct cg cg;
static char dir[] = "/tmp/cgkill-test-oom.XXXXXX";
static unsigned told;

static void count(void *arg)
{
	cr_assert_eq(arg, &told);
	told++;
}

static void set_up(void)
{
	loop = loop_new();
	cr_assert(loop);
	cr_assert(mkdtemp(dir));
	cg = (struct cg){ .fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	cr_assert_geq(cg.fd, 0);
}

static void tear_down(void)
{
	(void)unlinkat(cg.fd, "memory.events", 0);
	(void)rmdir(dir);
	close(cg.fd);
	loop_free(loop);
}

TestSuite(oom, .timeout = 10, .init = set_up, .fini = tear_down);

static void write_events(unsigned oom, unsigned oom_kill)
{
	int fd = openat(cg.fd, "memory.events", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	cr_assert_geq(fd, 0);
	dprintf(fd, "low 0\nhigh 7\nmax 9\noom %u\noom_kill %u\noom_group_kill 0\n", oom, oom_kill);
	close(fd);
}

Test(oom, without_a_controller_nothing_is_watched)
{
	struct oom *o = oom_new(loop, &cg, count, &told);

	cr_assert_null(o);
	oom_look(o);
	cr_assert_eq(told, 0);
	oom_free(o);
}

Test(oom, a_kill_is_told_once)
{
	struct oom *o;

	write_events(3, 2);
	o = oom_new(loop, &cg, count, &told);
	oom_look(o);
	cr_assert_eq(told, 0, "what was before is not news");
	write_events(4, 2);
	oom_look(o);
	cr_assert_eq(told, 0, "out of memory, and nobody killed");
	write_events(4, 3);
	oom_look(o);
	oom_look(o);
	cr_assert_eq(told, 1);
	write_events(6, 5);
	oom_look(o);
	cr_assert_eq(told, 2, "two at once are one event");
	oom_free(o);
}

Test(oom, the_next_run_counts_anew)
{
	struct oom *o;

	write_events(0, 1);
	o = oom_new(loop, &cg, count, &told);
	oom_free(o);
	write_events(0, 2);
	o = oom_new(loop, &cg, count, &told);
	oom_look(o);
	cr_assert_eq(told, 0);
	oom_free(o);
}
