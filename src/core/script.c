/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/script.h"

#include <errno.h>

#include "core/env.h"
#include "core/text.h"
#include "core/words.h"
#include "util/buf.h"
#include "util/strv.h"

#define METACHARACTERS " \t\r\n;&|()<>"

struct scanner {
	const char *p;
	struct words argv; /* of the command at hand */
	enum joint before;
	struct script *out;
};

const char *script_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The end of a "(…)" or "{…}" that begins at p, with what is nested in it. */
static const char *skip_bracket(const char *p)
{
	char open = *p, close = open == '(' ? ')' : '}';
	size_t depth = 0;

	for (; *p; p++) {
		if (*p == open)
			depth++;
		else if (*p == close && --depth == 0)
			return p + 1;
	}
	return p;
}

/* An expansion at p, as it is written: "$(…)", "${…}", "`…`", or only its first character. */
static const char *take_expansion(const char *p, struct buf *word)
{
	const char *end = p + 1;

	if (*p == '`') {
		end += strcspn(end, "`");
		end += *end == '`';
	} else if (*end == '(' || *end == '{') {
		end = skip_bracket(end);
	}
	buf_append(word, p, (size_t)(end - p));
	return end;
}

static const char *take_quoted(const char *p, struct buf *word)
{
	char quote = *p++;

	while (*p && *p != quote) {
		if (quote == '"' && (*p == '$' || *p == '`')) {
			p = take_expansion(p, word);
			continue;
		}
		if (quote == '"' && *p == '\\' && p[1])
			p++;
		buf_putc(word, *p++);
	}
	return *p ? p + 1 : p;
}

/* The word at s->p up to an operator; the caller frees it, NULL without memory. */
static char *take_word(struct scanner *s)
{
	struct buf word = BUF_INIT;
	const char *p = s->p;

	while (*p && !strchr(METACHARACTERS, *p)) {
		if (*p == '\'' || *p == '"') {
			p = take_quoted(p, &word);
		} else if (*p == '$' || *p == '`') {
			p = take_expansion(p, &word);
		} else {
			p += *p == '\\' && p[1];
			buf_putc(&word, *p++);
		}
	}
	s->p = p;
	return buf_take(&word);
}

/* The command at hand is complete. 0 or -ENOMEM. */
static int end_command(struct scanner *s, enum joint after)
{
	struct script *out = s->out;
	struct script_command *grown;

	if (s->argv.n > 0) {
		grown = reallocarray(out->v, out->n + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		out->v = grown;
		grown[out->n].argv = TAKE_PTR(s->argv.v);
		grown[out->n].before = s->before;
		grown[out->n++].after = after;
		s->argv = (struct words)WORDS_INIT;
	} else if (after == JOINT_SEQUENCE) { /* "&\n", "do\n": the first one counts */
		return 0;
	}
	s->before = after;
	return 0;
}

/* "> FILE", "2>&1" and the like say nothing about what is done. 0 or -ENOMEM. */
static int skip_redirection(struct scanner *s)
{
	char *target;

	s->p += strspn(s->p, "<>&|");
	s->p += strspn(s->p, " \t");
	target = take_word(s);
	free(target);
	return target ? 0 : -ENOMEM;
}

static int take_operator(struct scanner *s)
{
	char c = *s->p;

	if (c == '<' || c == '>' || (c == '&' && s->p[1] == '>'))
		return skip_redirection(s);
	s->p++;
	if ((c == '&' || c == '|') && *s->p == c) {
		s->p++;
		return end_command(s, c == '&' ? JOINT_AND : JOINT_OR);
	}
	return end_command(s, c == '&' ? JOINT_BACKGROUND : c == '|' ? JOINT_PIPE : JOINT_SEQUENCE);
}

/* A reserved word where a command may begin; a command follows it. */
static bool is_reserved(struct scanner *s, const char *word)
{
	static const char *const reserved[] = { "if", "then", "elif", "else",  "fi",
						"do", "done", "esac", "while", "until",
						"{",  "}",    "!",    NULL };
	static const char *const loops[] = { "while", "until", "for", NULL };

	if (s->argv.n > 0)
		return false;
	if (text_is_one_of(word, loops))
		s->out->loops = true;
	return text_is_one_of(word, reserved);
}

static int add_word(struct scanner *s)
{
	const char *start = s->p;
	char *word = take_word(s);

	if (!word)
		return -ENOMEM;
	if (is_reserved(s, word) ||
	    ((*s->p == '<' || *s->p == '>') && start[strspn(start, "0123456789")] == *s->p)) {
		free(word);
		return 0;
	}
	return words_push_take(&s->argv, word);
}

static int scan(struct scanner *s)
{
	int r = 0;

	while (r == 0) {
		s->p += strspn(s->p, " \t\r");
		if (*s->p == '#')
			s->p += strcspn(s->p, "\n");
		if (*s->p == '\0')
			return end_command(s, JOINT_NONE);
		r = strchr(METACHARACTERS, *s->p) ? take_operator(s) : add_word(s);
	}
	return r;
}

int script_read(struct script *out, const char *text)
{
	struct script script = SCRIPT_INIT;
	struct scanner s = { .p = text, .argv = WORDS_INIT, .out = &script };
	int r = scan(&s);

	words_deinit(&s.argv);
	if (r < 0) {
		script_deinit(&script);
		return r;
	}
	/* "sleep 1;": nothing follows the last operator, except that '&' is told */
	if (script.n > 0 && script.v[script.n - 1].after == JOINT_SEQUENCE)
		script.v[script.n - 1].after = JOINT_NONE;
	*out = script;
	return 0;
}

/* The command as it is, but for an argv[0] of its own ('@'). */
static int read_direct(struct script *out, const struct exec_command *c)
{
	struct words argv = WORDS_INIT;
	struct script s = { .v = calloc(1, sizeof(*s.v)), .n = 1 };
	int r = s.v ? words_push_take(&argv, strdup(c->path)) : -ENOMEM;

	for (size_t i = 1; r == 0 && c->argv[i]; i++)
		r = words_push_take(&argv, strdup(c->argv[i]));
	if (r < 0) {
		words_deinit(&argv);
		free(s.v);
		return r;
	}
	s.v[0].argv = TAKE_PTR(argv.v);
	*out = s;
	return 0;
}

/* The argument of "sh -c"; NULL: c is something else. */
static const char *find_script(const struct exec_command *c)
{
	static const char *const shells[] = { "sh",  "bash", "dash", "ash",
					      "ksh", "mksh", "zsh",  NULL };

	if (!text_is_one_of(script_base_name(c->path), shells))
		return NULL;
	for (size_t i = 1; c->argv[i] && c->argv[i][0] == '-'; i++)
		if (c->argv[i][1] != '-' && strchr(c->argv[i], 'c'))
			return c->argv[i + 1];
	return NULL;
}

/* "$$" is how a unit writes a "$" for the shell: systemd.service(5), "COMMAND LINES". */
static char *undouble_dollars(const char *s)
{
	struct buf out = BUF_INIT;

	for (; *s; s++) {
		buf_putc(&out, *s);
		s += s[0] == '$' && s[1] == '$';
	}
	return buf_take(&out);
}

int script_of(struct script *out, const struct exec_command *c)
{
	const char *text = find_script(c);
	cleanup_free char *plain = NULL;
	int r;

	if (!text)
		return read_direct(out, c);
	if (!c->no_env_expand) {
		plain = undouble_dollars(text);
		if (!plain)
			return -ENOMEM;
	}
	r = script_read(out, plain ? plain : text);
	if (r == 0)
		out->shell = true;
	return r;
}

void script_deinit(struct script *s)
{
	for (size_t i = 0; i < s->n; i++)
		strv_free(s->v[i].argv);
	free(s->v);
	*s = (struct script)SCRIPT_INIT;
}

/* The length of NAME in "NAME=value"; 0: it is no assignment. */
static size_t assigned_name(const char *word)
{
	size_t n = strcspn(word, "=");

	return word[n] == '=' && env_name_valid(word, n) ? n : 0;
}

char *const *script_program(const struct script_command *c)
{
	static const char *const wrappers[] = { "sudo",	  "exec", "command", "nohup",
						"setsid", "env",  NULL };
	char *const *p = c->argv;

	while (*p && (assigned_name(*p) > 0 || text_is_one_of(script_base_name(*p), wrappers)))
		p++;
	return p;
}

bool script_assigns(const struct script *s, const char *name, size_t len)
{
	for (size_t i = 0; i < s->n; i++) {
		char **argv = s->v[i].argv;

		if (streq(argv[0], "for") || streq(argv[0], "read"))
			for (size_t j = 1; argv[j]; j++)
				if (strlen(argv[j]) == len && strncmp(argv[j], name, len) == 0)
					return true;
		for (size_t j = 0; argv[j] && assigned_name(argv[j]) > 0; j++)
			if (assigned_name(argv[j]) == len && strncmp(argv[j], name, len) == 0)
				return true;
	}
	return false;
}
