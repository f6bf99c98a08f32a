/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What "systemctl show" says of a socket. */
#include "core/socket.h"
#include "util/buf.h"
#include "util/parse.h"

static void show_options(struct showing *out, const struct socket_unit *s)
{
	for (size_t i = 0; i < SOCKET_OPTION_MAX; i++) {
		if (!(s->set & (1U << i)))
			continue;
		if (socket_options[i].type == OPTION_FLAG)
			show_bool(out, socket_options[i].key, s->options[i]);
		else
			show_format(out, socket_options[i].key, "%d", s->options[i]);
	}
}

static void show_words(struct showing *out, const char *key, char *const *words)
{
	for (size_t i = 0; words && words[i]; i++)
		buf_printf(&out->text, "%s%s", i > 0 ? " " : "", words[i]);
	if (out->text.len > 0)
		show_gathered(out, key);
}

static void show_listens(struct showing *out, const struct socket_unit *s)
{
	for (size_t i = 0; i < s->n_listens; i++)
		buf_printf(&out->text, "%s%s (%s)", i > 0 ? "\n" : "", s->listens[i].address,
			   listen_kind_name(s->listens[i].kind));
	if (out->text.len > 0)
		show_gathered(out, "Listen");
}

void socket_show(const struct unit *u, struct showing *out)
{
	const struct socket_unit *s = u->socket;
	cleanup_free char *service = NULL;
	char span[SPAN_MAX];

	if (!s)
		return;
	if (u->kind != UNIT_SOCKET) {
		show_words(out, "Sockets", s->names);
		show_bool(out, "NonBlocking", s->non_blocking);
		return;
	}
	service = socket_service_name(u);
	show_text(out, "Triggers", service);
	show_listens(out, s);
	show_text(out, "BindIPv6Only", bind_ipv6_only_name(s->bind_ipv6_only));
	show_format(out, "Backlog", "%u", s->backlog);
	show_text(out, "BindToDevice", s->device);
	show_text(out, "SocketUser", s->user);
	show_text(out, "SocketGroup", s->group);
	show_format(out, "SocketMode", "%04o", s->mode);
	show_format(out, "DirectoryMode", "%04o", s->directory_mode);
	show_bool(out, "Accept", s->accept);
	show_bool(out, "RemoveOnStop", s->remove_on_stop);
	show_bool(out, "Writable", s->writable);
	show_words(out, "Symlinks", s->symlinks);
	show_format(out, "MaxConnections", "%u", s->max_connections);
	show_text(out, "FileDescriptorName", socket_fd_name(u));
	show_text(out, "TriggerLimitIntervalUSec", format_span(s->trigger_interval, span));
	show_format(out, "TriggerLimitBurst", "%u", socket_trigger_burst(u));
	show_options(out, s);
}
