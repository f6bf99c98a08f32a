/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The recorder, and the report of a crash that is made from it.
 */
#include "daemon/recorder.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "daemon/crash.h"
#include "util/log.h"

TestSuite(recorder, .timeout = 10);

static struct recorder *new_recorder(void)
{
	struct recorder *r = NULL;
	int fd;

	cr_assert_eq(recorder_new(&r, &fd), 0);
	log_setup("test", LOG_ERROR_, LOG_FORMAT_PLAIN); /* what is not printed is recorded */
	return r;
}

/* In a process that then dies, as a worker does. */
static void in_worker(struct recorder *r, void (*fn)(void))
{
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		recorder_use(r);
		fn();
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
}

static char printed[128 * 1024];

static const char *print(const struct recorder *r)
{
	FILE *f = fmemopen(printed, sizeof(printed), "w");

	recorder_print(r, f);
	fclose(f);
	return printed;
}

static void work(void)
{
	log_info("first");
	log_debug("second, not printed");
	recorder_begin("foo.service", "stop");
	log_warning("third\nforged");
}

Test(recorder, tells_what_was_done)
{
	struct recorder *r = new_recorder();
	const char *text, *first, *second, *event, *third;

	in_worker(r, work);
	text = print(r);
	cr_assert_not_null(strstr(text, "doing, or just done: "));
	cr_assert_null(strstr(text, "it slept"));
	first = strstr(text, "<6>first\n");
	second = strstr(text, "<7>second, not printed\n");
	third = strstr(text, "<4>third?forged\n");
	event = first ? strstr(first, "Z foo.service: stop\n") : NULL;
	cr_assert(first && second && event && third, "%s", text);
	cr_assert(first < second && second < event && event < third);
}

static void work_and_sleep(void)
{
	recorder_begin("foo.service", "stop");
	recorder_idle();
}

Test(recorder, idle_is_idle)
{
	struct recorder *r = new_recorder();
	const char *text;

	in_worker(r, work_and_sleep);
	text = print(r);
	cr_assert_not_null(strstr(text, "it slept"));
	cr_assert_not_null(strstr(text, "foo.service: stop\n"), "the events stay");
}

static void work_much(void)
{
	char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 10000; i++)
		log_info("%d %s", i, text);
	recorder_begin(text, text);
}

Test(recorder, is_bounded)
{
	struct recorder *r = new_recorder();
	const char *text;

	in_worker(r, work_much);
	text = print(r);
	cr_assert_lt(strlen(text), 100 * 1024);
	cr_assert_null(strstr(text, ">9000 x"));
	cr_assert_not_null(strstr(text, ">9999 x"));
}

/* A worker may die of having written where it should not: that is no reason for its guard to die of reading it. */
Test(recorder, what_is_damaged_is_read_within_its_bounds)
{
	cleanup_close int fd = -1;
	struct recorder *r = NULL;
	struct stat st;
	char *raw;

	cr_assert_eq(recorder_new(&r, &fd), 0);
	cr_assert_eq(fstat(fd, &st), 0);
	raw = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert_neq(raw, MAP_FAILED);
	memset(raw + 16, 'x', (size_t)st.st_size - 16);
	raw[1] = 1; /* so many that all are told of */
	cr_assert_gt(strlen(print(r)), 50 * 1024);
	cr_assert_lt(strlen(printed), 100 * 1024);
	munmap(raw, (size_t)st.st_size);
	recorder_unmap(r);
}

Test(recorder, without_one_nothing_happens)
{
	recorder_use(NULL);
	recorder_begin("foo.service", "stop");
	recorder_idle();
	recorder_unmap(NULL);
}

static unsigned count_reports(const char *dir)
{
	struct dirent **v;
	int n = scandir(dir, &v, NULL, NULL);

	cr_assert_geq(n, 2);
	for (int i = 0; i < n; i++)
		free(v[i]);
	free(v);
	return (unsigned)n - 2;
}

static char *read_all(const char *path)
{
	static char text[128 * 1024];
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	cr_assert_gt(n, 0);
	text[n] = '\0';
	close(fd);
	return text;
}

Test(recorder, crash_report)
{
	char dir[] = "/tmp/cgkill-crash.XXXXXX", sub[64], command[64], *path = NULL;
	struct crash c = { .pid = 4711, .exit = { CLD_DUMPED, SIGSEGV }, .lived = 90 * USEC_PER_SEC };
	struct recorder *r = new_recorder();
	struct stat st;
	const char *text;

	cr_assert_not_null(mkdtemp(dir));
	in_worker(r, work);
	c.recorder = r;
	cr_assert_eq(crash_report(dir, &c, &path), 0);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0600);
	text = read_all(path);
	cr_assert_not_null(strstr(text, "killed by signal 11/SEGV, core dumped"), "%s", text);
	cr_assert_not_null(strstr(text, "4711"));
	cr_assert_not_null(strstr(text, "1min 30s"));
	cr_assert_not_null(strstr(text, "foo.service: stop"));
	free(path);

	for (int i = 0; i < CRASH_MAX + 3; i++) {
		path = NULL;
		cr_assert_eq(crash_report(dir, &c, &path), 0);
		cr_assert_eq(access(path, F_OK), 0, "the newest stays");
		free(path);
	}
	snprintf(sub, sizeof(sub), "%s/crash", dir);
	cr_assert_eq(count_reports(sub), CRASH_MAX);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	cr_assert_eq(system(command), 0);
	recorder_unmap(r);
}

Test(recorder, crash_without_a_place)
{
	struct recorder *r = new_recorder();
	struct crash c = { .pid = 1, .exit = { CLD_EXITED, 3 }, .recorder = r };
	char cause[CRASH_CAUSE_SIZE], *path = NULL;

	cr_assert_lt(crash_report("/nonexistent", &c, &path), 0);
	cr_assert_null(path);
	cr_assert_str_eq(crash_cause(c.exit, cause), "exited with status 3");
}
