/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/procevents.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "sys/host.h"

#define DEFAULT_BUFFER (8 * 1024 * 1024)
/* So many events at most are told in one go. */
#define BATCH	       4096

struct procevents {
	struct mnl_socket *socket;
	unsigned kinds;
	bool lost; /* since the queue was last found empty */
};

/* What we ask the kernel. Before Linux 6.6 it takes op alone, and a message of another size is not even refused. */
struct proc_input {
	uint32_t op;	 /* enum proc_cn_mcast_op */
	uint32_t events; /* PROC_EVENT_* */
};

static int ask(struct procevents *p, uint32_t op, uint32_t events, size_t size)
{
	const struct proc_input input = { .op = op, .events = events };
	char buffer[NLMSG_SPACE(sizeof(struct cn_msg) + sizeof(input))] = "";
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct cn_msg *message = mnl_nlmsg_put_extra_header(header, sizeof(*message) + size);

	header->nlmsg_type = NLMSG_DONE;
	message->id = (struct cb_id){ .idx = CN_IDX_PROC, .val = CN_VAL_PROC };
	message->len = (uint16_t)size;
	memcpy(message->data, &input, size);
	return mnl_socket_sendto(p->socket, header, header->nlmsg_len) < 0 ? -errno : 0;
}

/* ---- reading ---- */

/* False for what is of no interest: births of threads, other kinds. */
static bool translate(const struct proc_event *from, struct procevent *to)
{
	switch ((uint32_t)from->what) {
	case PROC_EVENT_FORK:
		*to = (struct procevent){ .kind = PROCEVENT_FORK,
					  .pid = from->event_data.fork.child_tgid,
					  .parent = from->event_data.fork.parent_tgid };
		return from->event_data.fork.child_pid == from->event_data.fork.child_tgid;
	case PROC_EVENT_EXEC:
		*to = (struct procevent){ .kind = PROCEVENT_EXEC,
					  .pid = from->event_data.exec.process_tgid };
		return true;
	case PROC_EVENT_EXIT:
		*to = (struct procevent){ .kind = PROCEVENT_EXIT,
					  .pid = from->event_data.exit.process_tgid,
					  .status = (int)from->event_data.exit.exit_code };
		return true;
	default:
		return false;
	}
}

/* An event of a later kernel may be longer, one of an earlier kernel shorter: it lacks then what we do not read. */
static void tell(const struct procevents *p, const struct nlmsghdr *header, procevent_fn fn, void *arg)
{
	const char *payload = mnl_nlmsg_get_payload(header);
	size_t size = mnl_nlmsg_get_payload_len(header);
	struct proc_event from = { 0 };
	struct cn_msg message;
	struct procevent to;

	if (size < sizeof(message))
		return;
	memcpy(&message, payload, sizeof(message));
	size = MIN_OF(size - sizeof(message), (size_t)message.len);
	if (message.id.idx != CN_IDX_PROC || message.id.val != CN_VAL_PROC)
		return;
	/* It stands at an odd multiple of 4, and holds what wants 8. */
	memcpy(&from, payload + sizeof(message), MIN_OF(size, sizeof(from)));
	if (translate(&from, &to) && (p->kinds & to.kind))
		fn(&to, arg);
}

/* The number of bytes; 0: not from the kernel. Not by libmnl, which keeps the sender to itself. */
static ssize_t receive(const struct procevents *p, void *buffer, size_t size)
{
	struct sockaddr_nl from = { 0 };
	socklen_t from_size = sizeof(from);
	ssize_t n;

	n = recvfrom(mnl_socket_get_fd(p->socket), buffer, size, MSG_DONTWAIT,
		     (struct sockaddr *)&from, &from_size);
	if (n < 0)
		return -errno;
	return from.nl_pid == 0 ? n : 0;
}

int procevents_read(struct procevents *p, procevent_fn fn, void *arg)
{
	char buffer[4096] __attribute__((aligned(NLMSG_ALIGNTO)));

	for (unsigned i = 0; i < BATCH; i++) {
		ssize_t n = receive(p, buffer, sizeof(buffer));
		int rest = (int)n;

		/*
		 * Told once an overrun; what comes then is what was queued before it, and until the
		 * queue is empty nothing is added: net/netlink/af_netlink.c, NETLINK_S_CONGESTED.
		 */
		if (n == -ENOBUFS)
			p->lost = true;
		else if (n == -EAGAIN) {
			bool lost = p->lost;

			p->lost = false;
			return lost ? -ENOBUFS : 0;
		} else if (n < 0 && n != -EINTR)
			return (int)n;
		for (const struct nlmsghdr *h = (const void *)buffer; mnl_nlmsg_ok(h, rest);
		     h = mnl_nlmsg_next(h, &rest))
			tell(p, h, fn, arg);
	}
	return 1;
}

/* ---- opening ---- */

struct trial {
	pid_t pid;
	bool heard;
};

static void on_trial_event(const struct procevent *ev, void *arg)
{
	struct trial *trial = arg;

	trial->heard |= ev->pid == trial->pid;
}

/* 1, 0 or -errno. When the child was waited for, both its birth and its end have been queued. */
static int hears(struct procevents *p)
{
	struct trial trial = { .pid = fork() };
	int r = 1;

	if (trial.pid < 0)
		return -errno;
	if (trial.pid == 0)
		_exit(0);
	while (waitpid(trial.pid, NULL, 0) < 0 && errno == EINTR)
		;
	while (r == 1 && !trial.heard)
		r = procevents_read(p, on_trial_event, &trial);
	return trial.heard || r == -ENOBUFS ? 1 : r;
}

/*
 * First as every kernel takes it, then with the filter, which Linux 6.6 takes for a change of the
 * first, and an earlier one ignores.
 */
static int listen_to(struct procevents *p)
{
	uint32_t events = (p->kinds & PROCEVENT_FORK ? PROC_EVENT_FORK : 0U) |
			  (p->kinds & PROCEVENT_EXEC ? PROC_EVENT_EXEC : 0U) |
			  (p->kinds & PROCEVENT_EXIT ? PROC_EVENT_EXIT : 0U);
	int r = ask(p, PROC_CN_MCAST_LISTEN, events, sizeof(uint32_t));

	if (r == 0)
		r = ask(p, PROC_CN_MCAST_LISTEN, events, sizeof(struct proc_input));
	if (r == 0)
		r = hears(p);
	if (r == 0 || r == -ECONNREFUSED) /* refused: only the initial network namespace has a connector */
		return -EOPNOTSUPP;
	return r < 0 ? r : 0;
}

static int set_buffer(int fd, int size)
{
	return setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 &&
			       setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) < 0
		       ? -errno
		       : 0;
}

int procevents_open(struct procevents **out, unsigned kinds, int buffer)
{
	struct procevents *p;
	int r;

	/* Elsewhere the kernel ignores what we ask; the trial would not notice while others listen, for events go to all. */
	if (!host_in_initial_user_namespace() || !host_in_initial_pid_namespace())
		return -EOPNOTSUPP;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->kinds = kinds;
	p->socket = mnl_socket_open2(NETLINK_CONNECTOR, SOCK_CLOEXEC);
	r = !p->socket ? -errno
		       : set_buffer(mnl_socket_get_fd(p->socket), buffer ? buffer : DEFAULT_BUFFER);
	if (r == 0 && mnl_socket_bind(p->socket, CN_IDX_PROC, MNL_SOCKET_AUTOPID) < 0)
		r = -errno;
	if (r == 0)
		r = listen_to(p);
	if (r < 0) {
		procevents_close(p);
		return r == -EPROTONOSUPPORT ? -EOPNOTSUPP : r;
	}
	*out = p;
	return 0;
}

void procevents_close(struct procevents *p)
{
	if (!p)
		return;
	/* Before Linux 6.6 the kernel counts listeners, and a socket's end is none: it would go on making events. */
	if (p->socket) {
		(void)!ask(p, PROC_CN_MCAST_IGNORE, 0, sizeof(uint32_t));
		mnl_socket_close(p->socket);
	}
	free(p);
}

int procevents_fd(const struct procevents *p)
{
	return mnl_socket_get_fd(p->socket);
}
