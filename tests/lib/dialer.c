/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dialer KIND ARGUMENT…: both ends of a socket, for end-to-end tests of socket units.
 *
 * serve FILE [N]
 *	appends to FILE what it was given (LISTEN_FDS, LISTEN_FDNAMES, of each descriptor "stream", "datagram" or "fifo" and
 *	whether it blocks), then each line it gets: "got LINE". Who connects gets "PID LINE" back. Ends after N lines (0: at
 *	once; not given: never).
 * give-up FILE
 *	the same, but that it ends before it has taken anything
 * talk ADDRESS LINE
 *	connects to /path, @abstract or a port of localhost, sends the line and prints the answer. 60 s at most
 * send ADDRESS LINE
 *	a datagram to /path, @abstract or a port of localhost
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "util/macro.h"
#include "util/parse.h"

#define FIRST	3
#define FDS_MAX 16

static FILE *report;

static _Noreturn void fail(const char *what)
{
	perror(what);
	_exit(1);
}

/* ---- the service ---- */

static const char *describe(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		return "fifo";
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		return "nothing";
	return type == SOCK_STREAM ? "stream" : type == SOCK_DGRAM ? "datagram" : "other";
}

static unsigned tell_what_was_given(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	unsigned n = 0;
	int number;

	if (!pid || parse_pid(pid, &number) < 0 || number != getpid() || parse_uint(fds, &n) < 0)
		n = 0;
	fprintf(report, "given %u %s\n", n, names ? names : "-");
	for (unsigned i = 0; i < n; i++)
		fprintf(report, "%s %s\n", describe(FIRST + (int)i),
			fcntl(FIRST + (int)i, F_GETFL) & O_NONBLOCK ? "nonblocking" : "blocking");
	fflush(report);
	return n;
}

static void take_line(int fd)
{
	char line[256] = "";
	int peer = streq(describe(fd), "stream") ? accept(fd, NULL, NULL) : -1;
	ssize_t n = read(peer >= 0 ? peer : fd, line, sizeof(line) - 1);

	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (peer >= 0) {
		dprintf(peer, "%d %s\n", (int)getpid(), line);
		close(peer);
	}
	fprintf(report, "got %s\n", line);
	fflush(report);
}

static int serve(unsigned n_fds, unsigned lines)
{
	struct pollfd polls[FDS_MAX];

	for (unsigned i = 0; i < n_fds && i < FDS_MAX; i++)
		polls[i] = (struct pollfd){ .fd = FIRST + (int)i, .events = POLLIN };
	while (lines > 0 && poll(polls, n_fds, -1) > 0)
		for (unsigned i = 0; i < n_fds && lines > 0; i++)
			if (polls[i].revents) {
				take_line(polls[i].fd);
				lines--;
			}
	return 0;
}

/* ---- the client ---- */

static int dial(int type, const char *address)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_in in = { .sin_family = AF_INET };
	bool local = *address == '/' || *address == '@';
	socklen_t len = sizeof(in);
	unsigned port = 0;
	int fd;

	if (local) {
		snprintf(un.sun_path, sizeof(un.sun_path), "%s", address);
		len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(un.sun_path) +
				  (*address == '/'));
		un.sun_path[0] = *address == '@' ? '\0' : '/';
	} else if (parse_uint(address, &port) == 0) {
		in.sin_port = htons((uint16_t)port);
		in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	}
	fd = socket(local ? AF_UNIX : AF_INET, type | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, local ? (struct sockaddr *)&un : (struct sockaddr *)&in, len) < 0)
		fail(address);
	return fd;
}

static int talk(const char *address, const char *line)
{
	int fd = dial(SOCK_STREAM, address);
	char answer[256];
	ssize_t n;

	dprintf(fd, "%s\n", line);
	while ((n = read(fd, answer, sizeof(answer))) > 0)
		fwrite(answer, 1, (size_t)n, stdout);
	return n < 0;
}

int main(int argc, char **argv)
{
	const char *kind = argc > 2 ? argv[1] : "";
	unsigned n = UINT32_MAX;

	if (streq(kind, "talk") && argc == 4) {
		alarm(60);
		return talk(argv[2], argv[3]);
	}
	if (streq(kind, "send") && argc == 4)
		return dprintf(dial(SOCK_DGRAM, argv[2]), "%s\n", argv[3]) < 0;
	report = *kind ? fopen(argv[2], "ae") : NULL;
	if (!report || (argc > 3 && parse_uint(argv[3], &n) < 0))
		return 2;
	return streq(kind, "serve")	? serve(tell_what_was_given(), n)
	       : streq(kind, "give-up") ? (tell_what_was_given(), 0)
					: 2;
}
