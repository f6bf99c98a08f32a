/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the directives of systemd.socket(5) are read, and those of a service that are about sockets. */
#include <errno.h>
#include <limits.h>

#include "core/notify.h"
#include "core/socket.h"
#include "core/specifier.h"
#include "core/text.h"
#include "core/value.h"
#include "util/parse.h"
#include "util/strv.h"

static void replace(char **field, char *with)
{
	free(*field);
	*field = with;
}

/* Specifiers expanded; an absolute path normalized. 0; -EINVAL; -ENOMEM. */
static int expand(struct loading *l, const char *value, char **out)
{
	cleanup_free char *text = NULL;
	int r = specifier_expand(value, l->unit->name, l->host, &text);

	if (r < 0)
		return r;
	if (*text != '/') {
		*out = TAKE_PTR(text);
		return 0;
	}
	r = text_path(text, out);
	return r == 0 || r == -ENOMEM ? r : -EINVAL;
}

static void clear_listens(struct socket_unit *s)
{
	while (s->n_listens > 0)
		free(s->listens[--s->n_listens].address);
}

/* What is no address is an error where systemd ignores the line: nobody could reach the service there. */
static int check_address(struct loading *l, const struct directive *d, const struct listen *listen)
{
	struct socket_address a;
	int r;

	if (listen->kind == LISTEN_FIFO || listen->kind == LISTEN_SPECIAL)
		r = *listen->address == '/' ? 0 : -EINVAL;
	else
		r = socket_address_parse(listen->kind, listen->address, &a);
	if (r < 0)
		value_tell_id(l, DIAG_ERROR, "listen-address", "%s=%s: %s. Refusing.", d->key,
			      listen->address,
			      r == -EPFNOSUPPORT   ? "sockets of this family are not supported"
			      : r == -ENAMETOOLONG ? "too long for a socket's path"
						   : "not an address");
	return r;
}

static int add_listen(struct socket_unit *s, struct listen *listen)
{
	struct listen *grown = reallocarray(s->listens, s->n_listens + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->listens = grown;
	grown[s->n_listens++] = *listen;
	return 0;
}

static int parse_listen(struct loading *l, const struct directive *d, char *value, void *field)
{
	struct socket_unit *s = socket_unit_of(field);
	struct listen listen = { .kind = (enum listen_kind)d->arg };
	int r;

	if (!s)
		return -ENOMEM;
	if (*value == '\0') { /* resets all of them, of whatever kind */
		clear_listens(s);
		return 0;
	}
	if (s->n_listens == LISTENS_MAX) {
		value_tell(l, DIAG_ERROR, "More than %d addresses to listen on. Refusing.", LISTENS_MAX);
		return 0;
	}
	r = expand(l, value, &listen.address);
	if (r < 0)
		return r;
	if (check_address(l, d, &listen) == 0)
		r = add_listen(s, &listen);
	else
		free(listen.address);
	if (r < 0)
		free(listen.address);
	return r;
}

/* arg: which option. */
static int parse_option(struct loading *l unused, const struct directive *d, char *value, void *field)
{
	struct socket_unit *s = socket_unit_of(field);
	int number = 0, r = -EINVAL;
	uint64_t bytes = 0;
	usec_t span = 0;
	bool flag = false;

	if (!s)
		return -ENOMEM;
	switch (socket_options[d->arg].type) {
	case OPTION_FLAG:
		r = parse_bool(value, &flag);
		number = flag;
		break;
	case OPTION_NUMBER:
		r = parse_int(value, &number);
		break;
	case OPTION_SECONDS:
		r = parse_span(value, &span);
		bytes = span / USEC_PER_SEC;
		break;
	case OPTION_BYTES:
		r = parse_size(value, &bytes);
		break;
	}
	if (r == 0 && (bytes > INT_MAX || number < 0))
		r = -ERANGE;
	if (r < 0)
		return r;
	s->options[d->arg] = bytes > 0 ? (int)bytes : number;
	s->set |= 1U << d->arg;
	return 0;
}

/* The next ones: arg is where the field is in struct socket_unit. */
static void *member(void *field, const struct directive *d)
{
	struct socket_unit *s = socket_unit_of(field);

	return s ? (char *)s + d->arg : NULL;
}

static int parse_socket_flag(struct loading *l unused, const struct directive *d, char *value, void *field)
{
	bool *flag = member(field, d);

	return flag ? parse_bool(value, flag) : -ENOMEM;
}

static int parse_socket_number(struct loading *l unused, const struct directive *d, char *value,
			       void *field)
{
	unsigned *number = member(field, d);

	return number ? parse_uint(value, number) : -ENOMEM;
}

static int parse_socket_mode(struct loading *l unused, const struct directive *d, char *value, void *field)
{
	unsigned *mode = member(field, d);

	return mode ? parse_mode(value, mode) : -ENOMEM;
}

static int parse_socket_span(struct loading *l unused, const struct directive *d, char *value, void *field)
{
	usec_t *span = member(field, d);

	return span ? parse_span(value, span) : -ENOMEM;
}

static int parse_account(struct loading *l, const struct directive *d, char *value, void *field)
{
	char **account = member(field, d);

	return account ? value_account.parse(l, d, value, account) : -ENOMEM;
}

static int parse_device(struct loading *l unused, const struct directive *d, char *value, void *field)
{
	char **device = member(field, d), *copy = NULL;

	if (!device)
		return -ENOMEM;
	if (strlen(value) >= IF_NAMESIZE || strpbrk(value, "/ \t"))
		return -EINVAL;
	if (*value && !(copy = strdup(value)))
		return -ENOMEM;
	replace(device, copy);
	return 0;
}

static int parse_fd_name(struct loading *l, const struct directive *d, char *value, void *field)
{
	char **name = member(field, d), *expanded = NULL;
	int r = name ? 0 : -ENOMEM;

	if (r == 0 && *value)
		r = expand(l, value, &expanded);
	if (r < 0)
		return r;
	if (expanded && !notify_fd_name_valid(expanded)) {
		free(expanded);
		return -EINVAL;
	}
	replace(name, expanded);
	return 0;
}

static int parse_socket_service(struct loading *l, const struct directive *d, char *value, void *field)
{
	char **name = member(field, d), *expanded = NULL;
	int r = name ? expand(l, value, &expanded) : -ENOMEM;

	if (r < 0)
		return r;
	if (!unit_name_valid(expanded) || unit_kind_of(expanded) != UNIT_SERVICE) {
		free(expanded);
		return -EINVAL;
	}
	replace(name, expanded);
	return 0;
}

static int parse_symlinks(struct loading *l, const struct directive *d, char *value, void *field)
{
	char ***links = member(field, d), *word;
	int r = links ? 0 : -ENOMEM;

	if (r == 0 && *value == '\0') {
		strv_free(*links);
		*links = NULL;
	}
	while (r == 0 && (word = text_next_word(&value))) {
		char *path = NULL;

		r = expand(l, word, &path);
		if (r == 0 && *path == '/')
			r = strv_push_take(links, path);
		else if (r == 0)
			free(path);
		if (r == -EINVAL || !path || *word != '/')
			value_tell(l, DIAG_WARNING,
				   "%s= path is not absolute or not normalized, ignoring: %s",
				   d->key, word);
		r = r == -EINVAL ? 0 : r;
	}
	return r;
}

static int parse_bind_ipv6_only(struct loading *l unused, const struct directive *d unused,
				char *value, void *field)
{
	struct socket_unit *s = socket_unit_of(field);

	if (!s)
		return -ENOMEM;
	for (unsigned i = 0; i < BIND_IPV6_MAX; i++)
		if (streq(value, bind_ipv6_only_name((enum bind_ipv6_only)i))) {
			s->bind_ipv6_only = (enum bind_ipv6_only)i;
			return 0;
		}
	return -EINVAL;
}

/* A service's. */
static int parse_sockets(struct loading *l, const struct directive *d, char *value, void *field)
{
	struct socket_unit *s = socket_unit_of(field);
	char *word;
	int r = s ? 0 : -ENOMEM;

	if (r == 0 && *value == '\0') {
		strv_free(s->names);
		s->names = NULL;
	}
	while (r == 0 && (word = text_next_word(&value))) {
		cleanup_free char *name = NULL;

		r = expand(l, word, &name);
		if (r == 0 && unit_name_valid(name) && unit_kind_of(name) == UNIT_SOCKET)
			r = strv_push(&s->names, name);
		else if (r != -ENOMEM)
			value_tell(l, DIAG_WARNING, "Not the name of a socket in %s=, ignoring: %s",
				   d->key, word);
		r = r == -EINVAL ? 0 : r;
	}
	return r;
}

const struct value_type value_listen = { parse_listen, HASH_IS_DATA };
const struct value_type value_socket_option = { parse_option, HASH_VOIDS };
const struct value_type value_socket_flag = { parse_socket_flag, HASH_VOIDS };
const struct value_type value_socket_number = { parse_socket_number, HASH_VOIDS };
const struct value_type value_socket_mode = { parse_socket_mode, HASH_VOIDS };
const struct value_type value_socket_span = { parse_socket_span, HASH_VOIDS };
const struct value_type value_socket_account = { parse_account, HASH_VOIDS };
const struct value_type value_socket_device = { parse_device, HASH_VOIDS };
const struct value_type value_socket_fd_name = { parse_fd_name, HASH_IS_DATA };
const struct value_type value_socket_service = { parse_socket_service, HASH_VOIDS };
const struct value_type value_socket_links = { parse_symlinks, HASH_IS_WORD };
const struct value_type value_bind_ipv6_only = { parse_bind_ipv6_only, HASH_VOIDS };
const struct value_type value_sockets = { parse_sockets, HASH_IS_WORD };
