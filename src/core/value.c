/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/value.h"

#include <errno.h>

#include "core/cmdline.h"
#include "core/condition.h"
#include "core/limit.h"
#include "core/text.h"
#include "util/parse.h"
#include "util/strv.h"

void value_cut_comment(struct loading *l, const char *key, char *value, enum hash hash)
{
	char *p = value;

	if (hash == HASH_IS_DATA)
		return;
	while ((p = strchr(p, '#')) && p > value && !strchr(WHITESPACE, p[-1]))
		p++;
	if (!p)
		return;
	value_tell_id(l, DIAG_WARNING,
		      "inline-comment", "%s= is followed by a comment on the same line, taking it as one; systemd would %s: %s",
		      key,
		      hash == HASH_VOIDS
			      ? "ignore this line and keep the value from before or the default"
			      : "read the words of the comment as values",
		      p);
	*p = '\0';
	text_strip(value);
}

static void replace(char **field, char *with)
{
	free(*field);
	*field = with;
}

/* Specifiers expanded: 0; -EINVAL, told; -ENOMEM. */
static int expand(struct loading *l, const char *value, enum diag_level level, char **out)
{
	int r = specifier_expand(value, l->unit->name, l->host, out);

	if (r == -EINVAL)
		value_tell(l, level, "Failed to resolve unit specifiers in %s%s", value,
			   level == DIAG_ERROR ? ". Refusing." : ", ignoring");
	return r;
}

/* The absolute path that value names: 0; -EINVAL, told; -ENOMEM. */
static int expand_path(struct loading *l, const char *key, const char *value, enum diag_level level,
		       char **out)
{
	cleanup_free char *expanded = NULL;
	int r = expand(l, value, level, &expanded);

	if (r < 0)
		return r;
	r = text_path(expanded, out);
	if (r == 0 || r == -ENOMEM)
		return r;
	value_tell(l, level, "%s= path is %s%s: %s", key,
		   r == -EINVAL	 ? "not absolute"
		   : r == -ELOOP ? "not normalized"
				 : "too long",
		   level == DIAG_ERROR ? "" : ", ignoring", expanded);
	return -EINVAL;
}

/* What has been told is no failure of the caller. */
static int unless_told(int r)
{
	return r == -EINVAL ? 0 : r;
}

static int parse_text(struct loading *l, const struct directive *d unused, char *value, void *field)
{
	char *expanded;
	int r;

	if (*value == '\0') {
		replace(field, NULL);
		return 0;
	}
	r = expand(l, value, DIAG_WARNING, &expanded);
	if (r < 0)
		return unless_told(r);
	replace(field, expanded);
	return 0;
}

static int parse_flag(struct loading *l unused, const struct directive *d unused, char *value, void *field)
{
	return parse_bool(value, field);
}

static int parse_number(struct loading *l unused, const struct directive *d unused, char *value,
			void *field)
{
	return parse_uint(value, field);
}

static int parse_umask(struct loading *l unused, const struct directive *d unused, char *value,
		       void *field)
{
	return parse_mode(value, field);
}

static int parse_signal_number(struct loading *l unused, const struct directive *d unused,
			       char *value, void *field)
{
	return parse_signal(value, field);
}

static int parse_seconds(struct loading *l unused, const struct directive *d unused, char *value,
			 void *field)
{
	return parse_span(value, field);
}

/* 0 meant "no timeout" before "infinity" existed: systemd.service(5), TimeoutStartSec=. */
static int parse_timeout(struct loading *l unused, const struct directive *d unused, char *value,
			 void *field)
{
	usec_t span;
	int r = parse_span(value, &span);

	if (r < 0)
		return r;
	*(usec_t *)field = span > 0 ? span : USEC_INFINITY;
	return 0;
}

static int parse_timeout_start(struct loading *l, const struct directive *d, char *value, void *field)
{
	int r = parse_timeout(l, d, value, field);

	if (r == 0)
		l->timeout_start_set = true;
	return r;
}

static int parse_timeout_both(struct loading *l, const struct directive *d, char *value, void *field)
{
	int r = parse_timeout_start(l, d, value, field);

	if (r == 0)
		l->unit->timeout_stop = l->unit->timeout_start;
	return r;
}

static int parse_timeout_abort(struct loading *l, const struct directive *d unused, char *value,
			       void *field)
{
	int r = *value ? parse_span(value, field) : 0;

	if (r == 0)
		l->timeout_abort_set = *value != '\0';
	return r;
}

/* A wait that must end. */
static int parse_bounded_wait(struct loading *l unused, const struct directive *d unused,
			      char *value, void *field)
{
	usec_t span;
	int r = parse_span(value, &span);

	if (r < 0)
		return r;
	if (span == 0 || span == USEC_INFINITY)
		return -ERANGE;
	*(usec_t *)field = span;
	return 0;
}

#define ENUM_PARSER(function, type, name_of, max)                                       \
	static int function(struct loading *l unused, const struct directive *d unused, \
			    char *value, void *field)                                   \
	{                                                                               \
		for (type v = (type)1; v < (max); v++)                                  \
			if (streq(value, name_of(v))) {                                 \
				*(type *)field = v;                                     \
				return 0;                                               \
			}                                                               \
		return -EINVAL;                                                         \
	}

ENUM_PARSER(parse_service_type, enum service_type, service_type_name, SERVICE_TYPE_MAX)
ENUM_PARSER(parse_restart_policy, enum restart_policy, restart_policy_name, RESTART_MAX)
ENUM_PARSER(parse_failure_mode, enum failure_mode, failure_mode_name, FAILURE_MODE_MAX)
ENUM_PARSER(parse_escape_policy, enum escape_policy, escape_policy_name, ESCAPE_MAX)
ENUM_PARSER(parse_restart_mode, enum restart_mode, restart_mode_name, RESTART_MODE_MAX)
ENUM_PARSER(parse_exit_type, enum exit_type, exit_type_name, EXIT_TYPE_MAX)
ENUM_PARSER(parse_notify_access, enum notify_access, notify_access_name, NOTIFY_ACCESS_MAX)
ENUM_PARSER(parse_oom_policy, enum oom_policy, oom_policy_name, OOM_POLICY_MAX)
ENUM_PARSER(parse_unit_action_name, enum unit_action, unit_action_name, UNIT_ACTION_MAX)
ENUM_PARSER(parse_kill_mode_name, enum kill_mode, kill_mode_name, KILL_MODE_MAX)

/* A boolean, or "restart". */
static int parse_fdstore_preserve(struct loading *l unused, const struct directive *d unused,
				  char *value, void *field)
{
	enum fdstore_preserve *preserve = field;
	bool flag;
	int r;

	if (streq(value, fdstore_preserve_name(FDSTORE_PRESERVE_RESTART))) {
		*preserve = FDSTORE_PRESERVE_RESTART;
		return 0;
	}
	r = parse_bool(value, &flag);
	if (r == 0)
		*preserve = flag ? FDSTORE_PRESERVE_YES : FDSTORE_PRESERVE_NO;
	return r;
}

/* What only an init can do is refused by its name. */
static int parse_unit_action(struct loading *l, const struct directive *d, char *value, void *field)
{
	static const char *const of_an_init[] = {
		"reboot",
		"reboot-force",
		"reboot-immediate",
		"poweroff",
		"poweroff-force",
		"kexec",
		"kexec-force",
		"poweroff-immediate",
		"halt",
		"halt-force",
		"halt-immediate",
		"soft-reboot",
		"soft-reboot-force",
	};

	for (size_t i = 0; i < ARRAY_SIZE(of_an_init); i++) {
		if (!streq(value, of_an_init[i]))
			continue;
		value_tell_id(l, DIAG_WARNING, "unsupported-key",
			      "%s=%s is for an init, which cgkilld is not, ignoring: %s", d->key,
			      value, "only none, exit and exit-force act here.");
		return 0;
	}
	return parse_unit_action_name(l, d, value, field);
}

/*
 * Of the enumerations only this one goes back to its default by an empty assignment; seen in
 * systemd 252.
 */
static int parse_kill_mode(struct loading *l, const struct directive *d, char *value, void *field)
{
	if (*value)
		return parse_kill_mode_name(l, d, value, field);
	*(enum kill_mode *)field = KILL_CONTROL_GROUP;
	return 0;
}

static int parse_in_range(const char *value, int min, int max, int *field, bool *set)
{
	int n, r;

	if (*value == '\0') {
		*set = false;
		*field = 0;
		return 0;
	}
	r = parse_int(value, &n);
	if (r < 0)
		return r;
	if (n < min || n > max)
		return -ERANGE;
	*field = n;
	*set = true;
	return 0;
}

static int parse_nice(struct loading *l, const struct directive *d unused, char *value, void *field)
{
	return parse_in_range(value, -20, 19, field, &l->unit->nice_set);
}

static int parse_oom_score_adjust(struct loading *l, const struct directive *d unused, char *value,
				  void *field)
{
	return parse_in_range(value, -1000, 1000, field, &l->unit->oom_score_adjust_set);
}

static int parse_limit(struct loading *l, const struct directive *d, char *value, void *field)
{
	struct limit **limits = field;
	int r;

	if (!*limits) /* few units have any, and each would cost them all 384 bytes */
		*limits = calloc(RLIM_NLIMITS, sizeof(**limits));
	if (!*limits)
		return -ENOMEM;
	r = limit_parse(value, d->arg, &(*limits)[d->arg]);
	if (r != -EILSEQ)
		return r;
	value_tell(l, DIAG_WARNING, "%s= has a soft limit above its hard limit, ignoring: %s",
		   d->key, value);
	return 0;
}

static int parse_exit_set(struct loading *l, const struct directive *d, char *value, void *field)
{
	struct exit_set **sets = field, *set;
	char *word;
	int number;

	if (*value == '\0') {
		free(*sets);
		*sets = NULL;
		return 0;
	}
	if (!*sets) /* few units have any */
		*sets = calloc(1, sizeof(**sets));
	set = *sets;
	if (!set)
		return -ENOMEM;
	while ((word = text_next_word(&value))) {
		if (parse_exit_status(word, &number) == 0)
			set->status[number / 8] |= (uint8_t)(1U << (number % 8));
		else if (parse_signal(word, &number) == 0)
			set->signals |= UINT64_C(1) << (number - 1);
		else
			value_tell(l, DIAG_WARNING, "Failed to parse a word of %s=, ignoring: %s",
				   d->key, word);
	}
	return 0;
}

static int parse_commands(struct loading *l, const struct directive *d unused, char *value, void *field)
{
	if (*value == '\0') {
		exec_commands_clear(field);
		return 0;
	}
	return unless_told(
		cmdline_parse(field, value, l->unit->name, l->host, l->file, l->line, l->diags));
}

/* One word of a list, specifiers expanded, into the field. 0 or -ENOMEM. */
typedef int (*add_word_fn)(struct loading *l, const struct directive *d, const char *word,
			   char ***field);

/* An empty assignment resets the list. */
static int parse_words(struct loading *l, const struct directive *d, const char *value,
		       char ***field, add_word_fn add)
{
	cleanup_strv char **words = NULL;
	int r;

	if (*value == '\0') {
		strv_free(*field);
		*field = NULL;
		return 0;
	}
	r = split_words(value, &words);
	if (r == -EINVAL)
		value_tell(l, DIAG_WARNING, "Invalid syntax in %s=, ignoring: %s", d->key, value);
	for (size_t i = 0; r == 0 && words && words[i]; i++) {
		cleanup_free char *word = NULL;

		r = expand(l, words[i], DIAG_WARNING, &word);
		if (r == 0)
			r = add(l, d, word, field);
		r = unless_told(r);
	}
	return unless_told(r);
}

static int add_word(struct loading *l unused, const struct directive *d unused, const char *word,
		    char ***field)
{
	return strv_push(field, word);
}

static int parse_names(struct loading *l, const struct directive *d, char *value, void *field)
{
	return parse_words(l, d, value, field, add_word);
}

static int add_unit(struct loading *l, const struct directive *d, const char *word, char ***field)
{
	if (unit_name_valid(word))
		return strv_push(field, word);
	value_tell(l, DIAG_WARNING, "Invalid unit name in %s=, ignoring: %s", d->key, word);
	return 0;
}

/* systemd.unit(5): a dependency cannot be taken back by an empty assignment. */
static int parse_units(struct loading *l, const struct directive *d, char *value, void *field)
{
	return *value ? parse_words(l, d, value, field, add_unit) : 0;
}

static int add_url(struct loading *l, const struct directive *d unused, const char *word, char ***field)
{
	static const char *const schemes[] = { "http://", "https://", "file:/", "info:", "man:" };

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (after_prefix(word, schemes[i]))
			return strv_push(field, word);
	value_tell(l, DIAG_WARNING, "Invalid URL, ignoring: %s", word);
	return 0;
}

static int parse_urls(struct loading *l, const struct directive *d, char *value, void *field)
{
	return parse_words(l, d, value, field, add_url);
}

static bool assignment_valid(const char *word)
{
	const char *equals = strchr(word, '=');

	return equals && env_name_valid(word, (size_t)(equals - word));
}

static int add_assignment(struct loading *l, const struct directive *d unused, const char *word,
			  char ***field)
{
	if (assignment_valid(word))
		return env_set(field, word);
	value_tell(l, DIAG_WARNING, "Invalid environment assignment, ignoring: %s", word);
	return 0;
}

static int parse_environment(struct loading *l, const struct directive *d, char *value, void *field)
{
	return parse_words(l, d, value, field, add_assignment);
}

/* d->arg: assignments are allowed as well as names. */
static int add_variable(struct loading *l, const struct directive *d, const char *word, char ***field)
{
	if (env_name_valid(word, strlen(word)) || (d->arg && assignment_valid(word)))
		return strv_contains(*field, word) ? 0 : strv_push(field, word);
	value_tell(l, DIAG_WARNING, "Invalid environment name in %s=, ignoring: %s", d->key, word);
	return 0;
}

static int parse_variables(struct loading *l, const struct directive *d, char *value, void *field)
{
	return parse_words(l, d, value, field, add_variable);
}

static int parse_environment_file(struct loading *l, const struct directive *d, char *value,
				  void *field unused)
{
	struct unit *u = l->unit;
	struct env_file *grown;
	bool optional = *value == '-';
	char *path;
	int r;

	if (*value == '\0') {
		for (size_t i = 0; i < u->n_environment_files; i++)
			free(u->environment_files[i].path);
		u->n_environment_files = 0;
		return 0;
	}
	r = expand_path(l, d->key, value + optional, DIAG_WARNING, &path);
	if (r < 0)
		return unless_told(r);
	grown = reallocarray(u->environment_files, u->n_environment_files + 1, sizeof(*grown));
	if (!grown) {
		free(path);
		return -ENOMEM;
	}
	u->environment_files = grown;
	grown[u->n_environment_files++] = (struct env_file){ path, optional };
	return 0;
}

/* As permissive as systemd: what no passwd(5) line and no path can hold is refused. */
static bool account_valid(const char *s)
{
	unsigned id;

	if (s[strspn(s, "0123456789")] == '\0') /* -1 is "no change" to setresuid(2) */
		return parse_uint(s, &id) == 0 && id != UINT32_MAX && id != UINT16_MAX;
	if (streq(s, ".") || streq(s, "..") || strpbrk(s, ":/"))
		return false;
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

/* An account that is not understood must never become root: an error, not a warning. */
static int expand_account(struct loading *l, const char *value, char **out)
{
	cleanup_free char *account = NULL;
	int r = expand(l, value, DIAG_ERROR, &account);

	if (r < 0)
		return r;
	if (!account_valid(account)) {
		value_tell(l, DIAG_ERROR, "Invalid user/group name or numeric ID: %s", account);
		return -EINVAL;
	}
	*out = TAKE_PTR(account);
	return 0;
}

static int parse_account(struct loading *l, const struct directive *d unused, char *value, void *field)
{
	char *account = NULL;
	int r = *value ? expand_account(l, value, &account) : 0;

	if (r == 0)
		replace(field, account);
	return unless_told(r);
}

static int parse_accounts(struct loading *l, const struct directive *d unused, char *value, void *field)
{
	char ***accounts = field, *word, *account;
	int r = 0;

	if (*value == '\0') {
		strv_free(*accounts);
		*accounts = NULL;
	}
	while (r == 0 && (word = text_next_word(&value))) {
		r = expand_account(l, word, &account);
		if (r == 0)
			r = strv_push_take(accounts, account);
	}
	return unless_told(r);
}

static int parse_working_directory(struct loading *l, const struct directive *d, char *value, void *field)
{
	bool optional = *value == '-';
	char *path = NULL;
	int r = 0;

	value += optional;
	if (streq(value, "~"))
		r = (path = strdup(value)) ? 0 : -ENOMEM;
	else if (*value)
		r = expand_path(l, d->key, value, optional ? DIAG_WARNING : DIAG_ERROR, &path);
	if (r < 0)
		return unless_told(r);
	replace(field, path);
	l->unit->working_directory_optional = optional;
	return 0;
}

static int parse_pid_file(struct loading *l, const struct directive *d, char *value, void *field)
{
	cleanup_free char *below_runtime_dir = NULL;
	char *path = NULL;
	int r = 0;

	if (*value && *value != '/' && *value != '%') {
		if (asprintf(&below_runtime_dir, "%s/%s", l->host->runtime_dir, value) < 0)
			return -ENOMEM;
		value = below_runtime_dir;
	}
	if (*value)
		r = expand_path(l, d->key, value, DIAG_WARNING, &path);
	if (r == 0)
		replace(field, path);
	return unless_told(r);
}

static const struct stdio_word {
	const char *word;
	enum stdio_kind kind;
	bool input, output;
} stdio_words[] = {
	{ "null", STDIO_NULL, true, true },
	{ "inherit", STDIO_INHERIT, false, true },
	{ "journal", STDIO_LOG, false, true },
	{ "syslog", STDIO_LOG, false, true },
	{ "kmsg", STDIO_LOG, false, true },
	{ "journal+console", STDIO_LOG, false, true },
	{ "syslog+console", STDIO_LOG, false, true },
	{ "kmsg+console", STDIO_LOG, false, true },
	{ "file:", STDIO_FILE, true, true },
	{ "append:", STDIO_APPEND, false, true },
	{ "truncate:", STDIO_TRUNCATE, false, true },
	/* known to systemd, not here */
	{ "tty", STDIO_INVALID, true, true },
	{ "tty-force", STDIO_INVALID, true, false },
	{ "tty-fail", STDIO_INVALID, true, false },
	{ "data", STDIO_DATA, true, false },
	{ "socket", STDIO_INVALID, true, true },
	{ "fd", STDIO_INVALID, true, true },
	{ "fd:", STDIO_INVALID, true, true },
};

/* The word that value is or, when the word ends in a colon, begins with. */
static const struct stdio_word *find_stdio_word(const char *value, bool input)
{
	for (size_t i = 0; i < ARRAY_SIZE(stdio_words); i++) {
		const struct stdio_word *w = &stdio_words[i];

		if (!(input ? w->input : w->output))
			continue;
		if (ends_with(w->word, ":") ? after_prefix(value, w->word) != NULL
					    : streq(value, w->word))
			return w;
	}
	return NULL;
}

/* d->arg: standard input. */
static int parse_stdio(struct loading *l, const struct directive *d, char *value, void *field)
{
	struct stdio_target *target = field;
	const struct stdio_word *w;
	char *path = NULL;
	int r = 0;

	if (!strchr(value, ':'))
		value_cut_comment(l, d->key, value, HASH_VOIDS);
	w = find_stdio_word(value, d->arg);
	if (!w)
		return -EINVAL;
	if (w->kind == STDIO_INVALID) {
		value_tell_id(l, DIAG_WARNING, "unsupported-key",
			      "%s=%s is known but not supported, ignoring.", d->key, value);
		return 0;
	}
	if (ends_with(w->word, ":"))
		r = expand_path(l, d->key, value + strlen(w->word), DIAG_ERROR, &path);
	if (r < 0)
		return unless_told(r);
	replace(&target->path, path);
	target->kind = w->kind;
	return 0;
}

/* d->arg: the kind. What nobody understands is kept, and never met: systemd.unit(5) says so of what cannot be checked. */
static int add_condition(struct loading *l, const struct directive *d, char *value,
			 struct conditions **list, bool is_assert)
{
	struct condition c = { .kind = (uint8_t)d->arg, .is_assert = is_assert };
	/* systemd allows for them here, but not in front of a path */
	const char *spaces = condition_takes_path(c.kind) ? "" : WHITESPACE;
	const char *p = value;
	int r;

	if (*value == '\0') {
		conditions_reset(list, is_assert);
		return 0;
	}
	c.trigger = *p == '|';
	p += c.trigger;
	p += strspn(p, spaces);
	c.negate = *p == '!';
	p += c.negate;
	p += strspn(p, spaces);
	if (condition_takes_path(c.kind))
		r = expand_path(l, d->key, p, DIAG_WARNING, &c.value);
	else
		r = expand(l, p, DIAG_WARNING, &c.value);
	if (r < 0)
		return unless_told(r);
	if (!condition_understands(c.kind, c.value))
		value_tell_id(l, DIAG_WARNING, "never-met", "%s= has a value that is never met: %s",
			      d->key, value);
	return conditions_add(list, c);
}

static int parse_condition(struct loading *l, const struct directive *d, char *value, void *field)
{
	return add_condition(l, d, value, field, false);
}

static int parse_assertion(struct loading *l, const struct directive *d, char *value, void *field)
{
	return add_condition(l, d, value, field, true);
}

const struct value_type value_text = { parse_text, HASH_IS_DATA };
const struct value_type value_flag = { parse_flag, HASH_VOIDS };
const struct value_type value_number = { parse_number, HASH_VOIDS };
const struct value_type value_mode = { parse_umask, HASH_VOIDS };
const struct value_type value_signal_number = { parse_signal_number, HASH_VOIDS };
const struct value_type value_seconds = { parse_seconds, HASH_VOIDS };
const struct value_type value_timeout = { parse_timeout, HASH_VOIDS };
const struct value_type value_timeout_start = { parse_timeout_start, HASH_VOIDS };
const struct value_type value_timeout_both = { parse_timeout_both, HASH_VOIDS };
const struct value_type value_timeout_abort = { parse_timeout_abort, HASH_VOIDS };
const struct value_type value_bounded_wait = { parse_bounded_wait, HASH_VOIDS };
const struct value_type value_service_type = { parse_service_type, HASH_VOIDS };
const struct value_type value_restart_policy = { parse_restart_policy, HASH_VOIDS };
const struct value_type value_failure_mode = { parse_failure_mode, HASH_VOIDS };
const struct value_type value_restart_mode = { parse_restart_mode, HASH_VOIDS };
const struct value_type value_exit_type = { parse_exit_type, HASH_VOIDS };
const struct value_type value_notify_access = { parse_notify_access, HASH_VOIDS };
const struct value_type value_oom_policy = { parse_oom_policy, HASH_VOIDS };
const struct value_type value_fdstore_preserve = { parse_fdstore_preserve, HASH_VOIDS };
const struct value_type value_unit_action = { parse_unit_action, HASH_VOIDS };
const struct value_type value_escape_policy = { parse_escape_policy, HASH_VOIDS };
const struct value_type value_kill_mode = { parse_kill_mode, HASH_VOIDS };
const struct value_type value_nice_level = { parse_nice, HASH_VOIDS };
const struct value_type value_oom_score_adjust = { parse_oom_score_adjust, HASH_VOIDS };
const struct value_type value_limit = { parse_limit, HASH_VOIDS };
const struct value_type value_exit_set = { parse_exit_set, HASH_IS_WORD };
const struct value_type value_commands = { parse_commands, HASH_IS_DATA };
const struct value_type value_names = { parse_names, HASH_IS_DATA };
const struct value_type value_units = { parse_units, HASH_IS_DATA };
const struct value_type value_urls = { parse_urls, HASH_IS_DATA };
const struct value_type value_environment = { parse_environment, HASH_IS_DATA };
const struct value_type value_variables = { parse_variables, HASH_IS_DATA };
const struct value_type value_environment_file = { parse_environment_file, HASH_IS_DATA };
const struct value_type value_account = { parse_account, HASH_IS_DATA };
const struct value_type value_accounts = { parse_accounts, HASH_IS_DATA };
const struct value_type value_working_directory = { parse_working_directory, HASH_IS_DATA };
const struct value_type value_pid_file = { parse_pid_file, HASH_IS_DATA };
const struct value_type value_stdio = { parse_stdio, HASH_IS_DATA }; /* it looks itself */
const struct value_type value_condition = { parse_condition, HASH_IS_DATA };
const struct value_type value_assertion = { parse_assertion, HASH_IS_DATA };
