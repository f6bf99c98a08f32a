/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What "systemctl show" says of a socket. */
#include <stdarg.h>

#include "core/socket.h"
#include "util/buf.h"
#include "util/parse.h"

struct output {
	unit_show_fn emit;
	void *arg;
};

printf_like(3, 4) static void show(const struct output *out, const char *key, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		out->emit(key, text, out->arg);
}

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

static void show_options(const struct output *out, const struct socket_unit *s)
{
	for (size_t i = 0; i < SOCKET_OPTION_MAX; i++) {
		if (!(s->set & (1U << i)))
			continue;
		if (socket_options[i].type == OPTION_FLAG)
			show(out, socket_options[i].key, "%s", yes_no(s->options[i]));
		else
			show(out, socket_options[i].key, "%d", s->options[i]);
	}
}

static void show_words(const struct output *out, const char *key, char *const *words)
{
	cleanup_buf struct buf b = BUF_INIT;

	for (size_t i = 0; words && words[i]; i++)
		buf_printf(&b, "%s%s", i > 0 ? " " : "", words[i]);
	if (b.len > 0)
		out->emit(key, b.data, out->arg);
}

static void show_listens(const struct output *out, const struct socket_unit *s)
{
	cleanup_buf struct buf b = BUF_INIT;

	for (size_t i = 0; i < s->n_listens; i++)
		buf_printf(&b, "%s%s (%s)", i > 0 ? "\n" : "", s->listens[i].address,
			   listen_kind_name(s->listens[i].kind));
	if (b.len > 0)
		out->emit("Listen", b.data, out->arg);
}

void socket_show(const struct unit *u, unit_show_fn emit, void *arg)
{
	const struct output out = { emit, arg };
	const struct socket_unit *s = u->socket;
	cleanup_free char *service = NULL;
	char span[SPAN_MAX];

	if (!s)
		return;
	if (u->kind != UNIT_SOCKET) {
		show_words(&out, "Sockets", s->names);
		show(&out, "NonBlocking", "%s", yes_no(s->non_blocking));
		return;
	}
	service = socket_service_name(u);
	show(&out, "Triggers", "%s", service ? service : "");
	show_listens(&out, s);
	show(&out, "BindIPv6Only", "%s", bind_ipv6_only_name(s->bind_ipv6_only));
	show(&out, "Backlog", "%u", s->backlog);
	show(&out, "BindToDevice", "%s", s->device ? s->device : "");
	show(&out, "SocketUser", "%s", s->user ? s->user : "");
	show(&out, "SocketGroup", "%s", s->group ? s->group : "");
	show(&out, "SocketMode", "%04o", s->mode);
	show(&out, "DirectoryMode", "%04o", s->directory_mode);
	show(&out, "Accept", "%s", yes_no(s->accept));
	show(&out, "RemoveOnStop", "%s", yes_no(s->remove_on_stop));
	show(&out, "Writable", "%s", yes_no(s->writable));
	show_words(&out, "Symlinks", s->symlinks);
	show(&out, "MaxConnections", "%u", s->max_connections);
	show(&out, "FileDescriptorName", "%s", socket_fd_name(u));
	show(&out, "TriggerLimitIntervalUSec", "%s", format_span(s->trigger_interval, span));
	show(&out, "TriggerLimitBurst", "%u", socket_trigger_burst(u));
	show_options(&out, s);
}
