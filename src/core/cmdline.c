/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/cmdline.h"

#include <errno.h>
#include <limits.h>

#include "util/buf.h"
#include "util/strv.h"

/* One line of Exec*= while it is read. */
struct parser {
	const char *p;	       /* what is still to be read */
	const char *command;   /* where the command at hand begins, for messages */
	enum diag_level level; /* of a mistake in it: a warning when it costs only this command */

	const char *unit_name;
	const struct host_facts *host;
	const char *file;
	unsigned line;
	struct diags *diags;
};

static const char *ignoring(const struct parser *ps)
{
	return ps->level == DIAG_WARNING ? ", ignoring" : "";
}

static int complain(struct parser *ps, const char *what, const char *where)
{
	diag_add(ps->diags, ps->level, ps->file, ps->line, "%s%s: %s", what, ignoring(ps), where);
	return -EINVAL;
}

static int next_word(struct parser *ps, char **word)
{
	int r = word_next(&ps->p, 0, word);

	if (r != -EINVAL)
		return r;
	r = word_next(&ps->p, WORD_KEEP_UNKNOWN, word);
	if (r == -EINVAL)
		return complain(ps, "Unbalanced quoting", ps->command);
	if (r > 0)
		diag_add(ps->diags, DIAG_WARNING, ps->file, ps->line,
			 "Ignoring unknown escape sequences: \"%s\"", *word);
	return r;
}

static int expand_specifiers(struct parser *ps, const char *word, char **out)
{
	int r = specifier_expand(word, ps->unit_name, ps->host, out);

	if (r == -EINVAL)
		diag_add(ps->diags, ps->level, ps->file, ps->line,
			 "Failed to resolve unit specifiers in %s%s", word, ignoring(ps));
	return r;
}

/*
 * Takes the prefixes off the first word; each counts once, and of "+", "!", "!!" only one. "!!" is
 * like no prefix where the kernel has ambient capabilities (systemd.service(5)), which is any
 * kernel that has cgroup2.
 */
static const char *take_prefixes(const char *s, struct exec_command *c, bool *own_argv0)
{
	bool double_bang = false;

	for (;; s++) {
		bool first = !c->privileged && !c->no_setuid && !double_bang;

		if (*s == '-' && !c->ignore_failure) {
			c->ignore_failure = true;
		} else if (*s == '@' && !*own_argv0) {
			*own_argv0 = true;
		} else if (*s == ':' && !c->no_env_expand) {
			c->no_env_expand = true;
		} else if (*s == '+' && first) {
			c->privileged = true;
		} else if (*s == '!' && first) {
			c->no_setuid = true;
		} else if (*s == '!' && c->no_setuid) {
			c->no_setuid = false;
			double_bang = true;
		} else {
			return s;
		}
	}
}

static bool has_special_characters(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || strchr("\"'\\\x7f", *s))
			return true;
	return false;
}

/* A file name, or an absolute path of file names. */
static bool is_executable_name(const char *path)
{
	bool absolute = *path == '/';

	if (strlen(path) >= PATH_MAX)
		return false;
	if (!absolute && (strchr(path, '/') || streq(path, ".") || streq(path, "..")))
		return false;
	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");

		if (n > NAME_MAX)
			return false;
		p += n;
		p += strspn(p, "/");
	}
	return true;
}

/* Drops repeated slashes and "." components, in place; ".." stays, for the kernel to resolve. */
static void simplify_path(char *path)
{
	char *out = path;
	const char *in = path;

	if (*path != '/')
		return;
	while (*in) {
		size_t n;

		in += strspn(in, "/");
		n = strcspn(in, "/");
		if (n > 0 && !(n == 1 && *in == '.')) {
			*out++ = '/';
			memmove(out, in, n);
			out += n;
		}
		in += n;
	}
	*out = '\0';
}

static int check_path(struct parser *ps, const char *path)
{
	if (!*path)
		return complain(ps, "Empty path in command line", ps->command);
	if (has_special_characters(path))
		return complain(ps, "Executable name contains special characters", path);
	if (ends_with(path, "/"))
		return complain(ps, "Executable path specifies a directory", path);
	if (!is_executable_name(path))
		return complain(ps, "Neither a valid executable name nor an absolute path", path);
	if (*path == '$')
		diag_add(ps->diags, DIAG_WARNING, ps->file, ps->line,
			 "The command may not be a variable, it will not be found: %s", path);
	return 0;
}

/* Takes a word that is exactly token off *p, and the white space behind it. */
static bool take_token(const char **p, const char *token)
{
	const char *rest = after_prefix(*p, token);

	if (!rest || (*rest && !strchr(WHITESPACE, *rest)))
		return false;
	*p = rest + strspn(rest, WHITESPACE);
	return true;
}

/*
 * The arguments up to a lone ";" or the end. That one must be unquoted is why it is looked for
 * before unquoting.
 */
static int read_arguments(struct parser *ps, struct words *argv)
{
	int r;

	while (*ps->p && !take_token(&ps->p, ";")) {
		cleanup_free char *word = NULL;
		char *arg;

		if (take_token(&ps->p, "\\;")) {
			arg = strdup(";");
		} else {
			r = next_word(ps, &word);
			if (r <= 0)
				return r;
			r = expand_specifiers(ps, word, &arg);
			if (r < 0)
				return r;
		}
		r = words_push_take(argv, arg);
		if (r < 0)
			return r;
	}
	return 0;
}

static void exec_command_deinit(struct exec_command *c)
{
	free(c->path);
	strv_free(c->argv);
}

#define cleanup_exec_command __attribute__((cleanup(exec_command_deinit)))

static int append(struct exec_commands *out, struct exec_command *c)
{
	struct exec_command *grown = reallocarray(out->v, out->n + 1, sizeof(*out->v));

	if (!grown)
		return -ENOMEM;
	out->v = grown;
	out->v[out->n++] = *c;
	*c = (struct exec_command){ 0 };
	return 0;
}

/* Reads one command, whose first word is given, and appends it to out. */
static int read_command(struct parser *ps, const char *first, struct exec_commands *out)
{
	cleanup_exec_command struct exec_command c = { 0 };
	cleanup_words struct words argv = WORDS_INIT;
	bool own_argv0 = false;
	int r;

	first = take_prefixes(first, &c, &own_argv0);
	ps->level = c.ignore_failure ? DIAG_WARNING : DIAG_ERROR;
	r = expand_specifiers(ps, first, &c.path);
	if (r < 0)
		return r;
	r = check_path(ps, c.path);
	if (r < 0)
		return r;
	if (!own_argv0) {
		r = words_push_take(&argv, strdup(c.path));
		if (r < 0)
			return r;
	}
	simplify_path(c.path);
	r = read_arguments(ps, &argv);
	if (r < 0)
		return r;
	if (argv.n == 0)
		return complain(ps, "Empty executable name or zeroeth argument", ps->command);
	c.argv = TAKE_PTR(argv.v);
	return append(out, &c);
}

static void truncate_commands(struct exec_commands *c, size_t n)
{
	while (c->n > n)
		exec_command_deinit(&c->v[--c->n]);
}

int cmdline_parse(struct exec_commands *out, const char *value, const char *unit_name,
		  const struct host_facts *host, const char *file, unsigned line, struct diags *diags)
{
	struct parser ps = {
		.p = value,
		.unit_name = unit_name,
		.host = host,
		.file = file,
		.line = line,
		.diags = diags,
	};
	size_t before = out->n;

	for (;;) {
		cleanup_free char *first = NULL;
		int r;

		ps.command = ps.p;
		ps.level = DIAG_WARNING;
		r = next_word(&ps, &first);
		if (r == 0)
			return 0;
		if (r > 0 && streq(first, ";"))
			continue;
		if (r > 0)
			r = read_command(&ps, first, out);
		if (r == -EINVAL && ps.level == DIAG_WARNING)
			return 0;
		if (r < 0) {
			truncate_commands(out, before);
			return r;
		}
	}
}

void exec_commands_clear(struct exec_commands *c)
{
	truncate_commands(c, 0);
	free(c->v);
	*c = (struct exec_commands){ 0 };
}

/* Replaces every ${NAME} and $$ in s. "${NAME:…" is no expansion of systemd's and stays. */
static char *expand_braces(const char *s, char *const *env)
{
	struct buf out = BUF_INIT;

	while (*s) {
		size_t n = strcspn(s, "$");

		buf_append(&out, s, n);
		s += n;
		if (s[0] == '$' && s[1] == '{') {
			const char *name = s + 2;

			n = strcspn(name, "}:");
			if (name[n] == '}') {
				const char *value = env_get_n(env, name, n);

				buf_puts(&out, value ? value : "");
				s = name + n + 1;
			} else {
				buf_append(&out, s, n + 2);
				s = name + n;
			}
		} else if (s[0] == '$') {
			buf_putc(&out, '$');
			s += s[1] == '$' ? 2 : 1;
		}
	}
	return buf_take(&out);
}

static int expand_argument(struct words *out, const char *arg, char *const *env)
{
	const char *name = arg + 1, *value;

	if (arg[0] != '$' || arg[1] == '{' || arg[1] == '$')
		return words_push_take(out, expand_braces(arg, env));
	value = env_name_valid(name, strlen(name)) ? env_get(env, name) : NULL;
	return value ? words_push_split(out, value, WORD_PLAIN_ESCAPES | WORD_OPEN_QUOTE) : 0;
}

char **cmdline_expand(const struct exec_command *c, char *const *env)
{
	cleanup_words struct words out = WORDS_INIT;

	if (c->no_env_expand)
		return strv_copy(c->argv);
	for (size_t i = 0; c->argv[i]; i++)
		if (expand_argument(&out, c->argv[i], env) < 0)
			return NULL;
	if (out.n == 0 && words_push_take(&out, strdup(c->path)) < 0)
		return NULL;
	return TAKE_PTR(out.v);
}
