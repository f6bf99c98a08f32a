/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/notify.h"

#define SECONDS 10

static char text[NOTIFY_SIZE_MAX + 2];

static struct notify_message parse(const char *message)
{
	struct notify_message m;

	strcpy(text, message);
	cr_assert_eq(notify_parse(&m, text, strlen(message)), 0, "%s", message);
	return m;
}

Test(notify, what_is_said_and_what_is_not, .timeout = SECONDS)
{
	static const struct {
		const char *message;
		unsigned tags;
		const char *bad;
	} cases[] = {
		{ "", 0, NULL },
		{ "\n\n", 0, NULL },
		{ "READY=1", NOTIFY_READY, NULL },
		{ "READY=1\n", NOTIFY_READY, NULL },
		{ "READY=0", 0, NULL },
		{ "READY=11", 0, NULL },
		{ "READY", 0, NULL },
		{ " READY=1", 0, NULL },
		{ "READY=1 ", 0, NULL },
		{ "ready=1", 0, NULL },
		{ "READY=0\nREADY=1", NOTIFY_READY, NULL },
		{ "STOPPING=1\nREADY=1", NOTIFY_READY | NOTIFY_STOPPING, NULL },
		{ "RELOADING=1\nMONOTONIC_USEC=5", NOTIFY_RELOADING | NOTIFY_MONOTONIC_USEC, NULL },
		{ "RELOADING=1\nMONOTONIC_USEC=-5", NOTIFY_RELOADING, "MONOTONIC_USEC" },
		{ "MONOTONIC_USEC=18446744073709551615", 0, "MONOTONIC_USEC" },
		{ "MONOTONIC_USEC=18446744073709551616", 0, "MONOTONIC_USEC" },
		{ "WATCHDOG=1", NOTIFY_WATCHDOG, NULL },
		{ "WATCHDOG=trigger", NOTIFY_WATCHDOG_TRIGGER, NULL },
		{ "WATCHDOG=0", 0, NULL },
		{ "WATCHDOG_USEC=20000000", NOTIFY_WATCHDOG_USEC, NULL },
		{ "WATCHDOG_USEC=20s", 0, "WATCHDOG_USEC" },
		{ "EXTEND_TIMEOUT_USEC=1", NOTIFY_EXTEND, NULL },
		{ "EXTEND_TIMEOUT_USEC=", 0, "EXTEND_TIMEOUT_USEC" },
		{ "EXTEND_TIMEOUT_USEC=+1", 0, "EXTEND_TIMEOUT_USEC" },
		{ "MAINPID=4711", NOTIFY_MAINPID, NULL },
		{ "MAINPID=0", 0, "MAINPID" },
		{ "MAINPID=-1", 0, "MAINPID" },
		{ "MAINPID=99999999999", 0, "MAINPID" },
		{ "MAINPID=1x", 0, "MAINPID" },
		{ "MAINPID=x\nMAINPID=12", 0, "MAINPID" },
		{ "STATUS=", NOTIFY_STATUS, NULL },
		{ "STATUS=a=b", NOTIFY_STATUS, NULL },
		{ "STATUS=\xc3\xa9t\xc3\xa9", NOTIFY_STATUS, NULL },
		{ "STATUS=\xff", 0, "STATUS" },
		{ "STATUS=\xc0\x80", 0, "STATUS" },
		{ "ERRNO=2", NOTIFY_ERRNO, NULL },
		{ "ERRNO=4096", 0, "ERRNO" },
		{ "ERRNO=ENOENT", 0, "ERRNO" },
		{ "BUSERROR=org.x.Y", NOTIFY_BUSERROR, NULL },
		{ "BUSERROR=no\001name", 0, "BUSERROR" },
		{ "NOTIFYACCESS=all", NOTIFY_ACCESS, NULL },
		{ "NOTIFYACCESS=any", 0, "NOTIFYACCESS" },
		{ "FDSTORE=1\nFDNAME=a b\nFDPOLL=0",
		  NOTIFY_FDSTORE | NOTIFY_FDNAME | NOTIFY_FDPOLL_OFF, NULL },
		{ "FDPOLL=1", 0, NULL },
		{ "FDNAME=a:b", 0, "FDNAME" },
		{ "FDNAME=", 0, "FDNAME" },
		{ "FDNAME=\t", 0, "FDNAME" },
		{ "FDSTOREREMOVE=1", NOTIFY_FDSTOREREMOVE, NULL },
		{ "BARRIER=1", 0, NULL },
		{ "MAINPIDFDID=17\nX_WHATEVER=x\n=\n=1\nREADY=1", NOTIFY_READY, NULL },
		{ "ERRNO=x\nMAINPID=x", 0, "ERRNO" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct notify_message m = parse(cases[i].message);

		cr_assert_eq(m.tags, cases[i].tags, "%s: %#x", cases[i].message, m.tags);
		cr_assert((m.bad == NULL) == (cases[i].bad == NULL), "%s: %s", cases[i].message, m.bad);
		if (m.bad)
			cr_assert_str_eq(m.bad, cases[i].bad, "%s", cases[i].message);
	}
}

Test(notify, values, .timeout = SECONDS)
{
	struct notify_message m =
		parse("MAINPID=12\nMONOTONIC_USEC=34\nEXTEND_TIMEOUT_USEC=56\n"
		      "WATCHDOG_USEC=78\nERRNO=9\nNOTIFYACCESS=exec\nSTATUS=one two\n"
		      "BUSERROR=three\nFDNAME=four\nSTATUS=later\nMAINPID=13");

	cr_assert_eq(m.main_pid, 12, "of two the first counts");
	cr_assert_eq(m.monotonic, 34);
	cr_assert_eq(m.extend, 56);
	cr_assert_eq(m.watchdog, 78);
	cr_assert_eq(m.error, 9);
	cr_assert_eq(m.access, NOTIFY_ACCESS_EXEC);
	cr_assert_str_eq(m.status, "one two");
	cr_assert_str_eq(m.bus_error, "three");
	cr_assert_str_eq(m.fd_name, "four");
}

Test(notify, nul_bytes, .timeout = SECONDS)
{
	struct notify_message m = { .main_pid = 7 };

	memcpy(text, "READY=1\0MAINPID=1", 17);
	cr_assert_eq(notify_parse(&m, text, 17), -EBADMSG);
	memcpy(text, "READY=1\0\0", 9);
	cr_assert_eq(notify_parse(&m, text, 9), -EBADMSG);
	memcpy(text, "\0READY=1", 8);
	cr_assert_eq(notify_parse(&m, text, 8), -EBADMSG);
	cr_assert_eq(m.main_pid, 7, "left as it was");
	memcpy(text, "READY=1\0", 8);
	cr_assert_eq(notify_parse(&m, text, 8), 0, "a terminator is let pass");
	cr_assert_eq(m.tags, NOTIFY_READY);
	text[0] = '\0';
	cr_assert_eq(notify_parse(&m, text, 1), 0);
	cr_assert_eq(m.tags, 0);
}

Test(notify, length, .timeout = SECONDS)
{
	struct notify_message m;

	memset(text, 'x', sizeof(text));
	memcpy(text, "STATUS=", 7);
	cr_assert_eq(notify_parse(&m, text, NOTIFY_SIZE_MAX), 0);
	cr_assert_eq(strlen(m.status), NOTIFY_SIZE_MAX - 7);
	memset(text, 'x', sizeof(text));
	cr_assert_eq(notify_parse(&m, text, NOTIFY_SIZE_MAX + 1), -EBADMSG);
}

Test(notify, names_of_descriptors, .timeout = SECONDS)
{
	char name[257];

	memset(name, 'x', sizeof(name));
	name[255] = '\0';
	cr_assert(notify_fd_name_valid(name));
	name[255] = 'x';
	name[256] = '\0';
	cr_assert(!notify_fd_name_valid(name));
	cr_assert(!notify_fd_name_valid("\x7f"));
	cr_assert(!notify_fd_name_valid("\xc3\xa9"));
}

/* ---- any lines in any order ---- */

static const char *const lines[] = {
	"READY=1",
	"STOPPING=1",
	"RELOADING=1",
	"MAINPID=5",
	"MAINPID=",
	"WATCHDOG=1",
	"WATCHDOG=trigger",
	"WATCHDOG_USEC=5",
	"EXTEND_TIMEOUT_USEC=x",
	"STATUS=s",
	"FDSTORE=1",
	"FDNAME=n",
	"UNKNOWN=1",
	"",
	"=",
	"READY",
	"ERRNO=1",
	"MONOTONIC_USEC=9",
};

static unsigned tags_of(const unsigned *order, unsigned n)
{
	struct notify_message m;
	size_t len = 0;

	for (unsigned i = 0; i < n; i++)
		len += (size_t)sprintf(text + len, "%s\n", lines[order[i]]);
	cr_assert_eq(notify_parse(&m, text, len), 0);
	return m.tags;
}

/* Lines of different keys do not know of each other: a message says what its lines say, in whatever order. */
Test(notify, a_message_is_the_sum_of_its_lines, .timeout = SECONDS)
{
	unsigned seed = 1;

	for (int round = 0; round < 20000; round++) {
		unsigned order[8], sum = 0, n = (unsigned)rand_r(&seed) % 8;
		bool main_pid_seen = false;

		for (unsigned i = 0; i < n; i++) {
			bool is_main_pid;

			order[i] = (unsigned)rand_r(&seed) % (unsigned)ARRAY_SIZE(lines);
			is_main_pid = strncmp(lines[order[i]], "MAINPID=", 8) == 0;
			if (!is_main_pid || !main_pid_seen)
				sum |= tags_of(&order[i], 1);
			main_pid_seen |= is_main_pid;
		}
		cr_assert_eq(tags_of(order, n), sum, "%s", text);
	}
}
