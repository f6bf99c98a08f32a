/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/oracle.h"

#include <errno.h>

#include "core/condition.h"
#include "core/directories.h"
#include "core/filter.h"
#include "core/limit.h"
#include "core/privileges.h"
#include "core/scheduling.h"
#include "core/socket.h"
#include "sys/unitdir.h"
#include "util/parse.h"
#include "util/strv.h"

#define SYSTEMD "/lib/systemd/systemd"

/* ---- asking ---- */

bool oracle_is_there(void)
{
	char text[64] = "";
	FILE *pipe = access(SYSTEMD, X_OK) == 0 ? popen(SYSTEMD " --version", "r") : NULL;

	if (!pipe)
		return false;
	if (!fgets(text, sizeof(text), pipe))
		text[0] = '\0';
	pclose(pipe);
	return after_prefix(text, "systemd 252 ") != NULL;
}

/* As any user but root, who it refuses to run it as. */
char *oracle_ask(const char *dir, const char *unit)
{
	struct buf out = BUF_INIT;
	cleanup_free char *command = NULL;
	char chunk[4096];
	FILE *pipe;
	size_t n;

	if (asprintf(&command,
		     "timeout -k 5 60 %s env SYSTEMD_UNIT_PATH=%s: " SYSTEMD
		     " --test --system --unit=%s 2>/dev/null",
		     geteuid() == 0 ? "setpriv --reuid=65534 --regid=65534 --clear-groups" : "",
		     dir, unit) < 0)
		return NULL;
	pipe = popen(command, "r");
	if (!pipe)
		return NULL;
	while ((n = fread(chunk, 1, sizeof(chunk), pipe)) > 0)
		buf_append(&out, chunk, n);
	pclose(pipe);
	return buf_take(&out);
}

char *oracle_block(const char *dump, const char *name)
{
	cleanup_free char *head = NULL;
	const char *start, *end;

	if (asprintf(&head, "-> Unit %s:\n", name) < 0)
		return NULL;
	start = strstr(dump, head);
	if (!start)
		return NULL;
	end = strstr(start + 1, "\t-> Unit ");
	return end ? strndup(start, (size_t)(end - start)) : strdup(start);
}

bool oracle_loaded(const char *block)
{
	return strstr(block, "Unit Load State: loaded") != NULL;
}

int oracle_load(char *const *search_path, const char *name, const struct host_facts *host,
		struct unit **u, struct diags *diags)
{
	struct unit_text texts[16];
	struct unit_files files;
	int r = unitdir_read(search_path, name, &files, diags);

	if (r < 0)
		return r;
	for (size_t i = 0; i < files.n && i < ARRAY_SIZE(texts); i++)
		texts[i] = (struct unit_text){ files.v[i].path, files.v[i].data, files.v[i].len };
	r = files.masked || !files.has_fragment
		    ? -ENOENT
		    : unit_load(u, files.id, texts, MIN_OF(files.n, ARRAY_SIZE(texts)), host, diags);
	unit_files_deinit(&files);
	return r;
}

/* ---- our reading, as the dump would print it ---- */

static void line(struct buf *b, const char *key, const char *value)
{
	if (value)
		buf_printf(b, "%s: %s\n", key, value);
}

static void flag_line(struct buf *b, const char *key, bool value)
{
	line(b, key, value ? "yes" : "no");
}

static void span_line(struct buf *b, const char *key, usec_t span)
{
	char text[SPAN_MAX];

	/* The dump leaves out fractions of a second behind whole ones. */
	if (span >= USEC_PER_SEC && span != USEC_INFINITY)
		span -= span % USEC_PER_SEC;
	line(b, key, format_span(span, text));
}

static void signal_line(struct buf *b, const char *key, int sig)
{
	buf_printf(b, "%s: SIG%s\n", key, signal_name(sig));
}

static void list_lines(struct buf *b, const char *key, char *const *values)
{
	for (; values && *values; values++)
		line(b, key, *values);
}

static void limit_lines(struct buf *b, const struct unit *u)
{
	for (int i = 0; i < RLIM_NLIMITS; i++)
		if (u->limits && u->limits[i].set) {
			buf_printf(b, "Limit%s: %llu\n", limit_name(i),
				   (unsigned long long)u->limits[i].hard);
			buf_printf(b, "Limit%sSoft: %llu\n", limit_name(i),
				   (unsigned long long)u->limits[i].soft);
		}
}

/* In a dump nothing has been looked at yet. */
static void condition_lines(struct buf *b, const struct conditions *list)
{
	for (size_t i = 0; list && i < list->n; i++) {
		const struct condition *c = &list->v[i];

		buf_printf(b, "%s%s: %s%s%s untested\n", c->is_assert ? "Assert" : "Condition",
			   condition_kind_name(c->kind), c->trigger ? "|" : "",
			   c->negate ? "!" : "", c->value);
	}
}

/* An argument as the dump quotes it for a shell: shell_maybe_quote() of systemd. */
static void put_argument(struct buf *b, const char *arg)
{
	static const char escaped[] = "\"\\`$";
	bool quoted = *arg == '\0' || strpbrk(arg, "\"\\`$*?['()<>|&;! \t\n\r");

	buf_puts(b, quoted ? " \"" : " ");
	for (; *arg; arg++)
		buf_printf(b, strchr(escaped, *arg) ? "\\%c" : "%c", *arg);
	if (quoted)
		buf_putc(b, '"');
}

/* Each list of commands is one piece, so that their order and their phase count. */
static void put_commands(struct buf *b, enum exec_phase phase, const struct exec_commands *c)
{
	buf_printf(b, "-> %s:", exec_phase_name(phase));
	for (size_t i = 0; i < c->n; i++) {
		buf_puts(b, "\n\t\t\tCommand Line:");
		for (char **arg = c->v[i].argv; *arg; arg++)
			put_argument(b, *arg);
	}
	buf_putc(b, '\n');
}

static void put_kill_settings(struct buf *b, const struct unit *u)
{
	line(b, "KillMode", kill_mode_name(u->kill_mode));
	signal_line(b, "KillSignal", u->kill_signal);
	signal_line(b, "RestartKillSignal", u->restart_kill_signal);
	signal_line(b, "FinalKillSignal", u->final_kill_signal);
	flag_line(b, "SendSIGKILL", u->send_sigkill);
	flag_line(b, "SendSIGHUP", u->send_sighup);
}

static void put_service_settings(struct buf *b, const struct unit *u)
{
	line(b, "Type", service_type_name(u->type));
	line(b, "Restart", restart_policy_name(u->restart));
	line(b, "NotifyAccess", notify_access_name(u->notify_access));
	line(b, "OOMPolicy", oom_policy_name(u->oom_policy));
	line(b, "BusName", u->bus_name);
	line(b, "PIDFile", u->pid_file);
	flag_line(b, "RemainAfterExit", u->remain_after_exit);
	flag_line(b, "GuessMainPID", u->guess_main_pid);
	span_line(b, "RestartSec", u->restart_delay);
	span_line(b, "TimeoutStartSec", u->timeout_start);
	span_line(b, "TimeoutStopSec", u->timeout_stop);
	line(b, "TimeoutStartFailureMode", failure_mode_name(u->timeout_start_failure_mode));
	line(b, "TimeoutStopFailureMode", failure_mode_name(u->timeout_stop_failure_mode));
	span_line(b, "RuntimeMaxSec", u->runtime_max);
	span_line(b, "RuntimeRandomizedExtraSec", u->runtime_extra);
	if (u->watchdog > 0)
		span_line(b, "WatchdogSec", u->watchdog);
	if (u->fdstore_max > 0)
		buf_printf(b, "File Descriptor Store Max: %u\n", u->fdstore_max);
}

/* Terminals and sockets are not for us; and the journal alone is a log to us. */
static bool is_ours(const char *block, const char *key)
{
	static const char *const foreign[] = { "tty", "socket", "fd", "journal+console", "kmsg" };

	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		cleanup_free char *text = NULL;

		if (asprintf(&text, "\t%s: %s", key, foreign[i]) < 0 || strstr(block, text))
			return false;
	}
	return true;
}

static void put_stdio(struct buf *b, const struct unit *u, const char *block)
{
	static const char *const words[STDIO_MAX] = {
		[STDIO_NULL] = "null", [STDIO_INHERIT] = "inherit", [STDIO_LOG] = "journal",
		[STDIO_FILE] = "file", [STDIO_APPEND] = "append",   [STDIO_TRUNCATE] = "truncate",
	};

	if (!is_ours(block, "StandardInput") || !is_ours(block, "StandardOutput"))
		return;
	line(b, "StandardOutput", words[u->std_out.kind]);
	if (is_ours(block, "StandardError"))
		line(b, "StandardError", words[u->std_err.kind]);
	if (u->std_out.path)
		buf_printf(b, "StandardOutputFile%s: %s\n",
			   u->std_out.kind == STDIO_APPEND ? "ToAppend" : "", u->std_out.path);
}

static void put_exec_settings(struct buf *b, const struct unit *u, const char *block)
{
	buf_printf(b, "UMask: %04o\n", u->umask);
	line(b, "User", u->user);
	line(b, "Group", u->group);
	if (u->supplementary_groups) {
		buf_puts(b, "SupplementaryGroups:");
		for (char **group = u->supplementary_groups; *group; group++)
			buf_printf(b, " %s", *group);
		buf_putc(b, '\n');
	}
	if (u->nice_set)
		buf_printf(b, "Nice: %d\n", u->nice);
	if (u->oom_score_adjust_set)
		buf_printf(b, "OOMScoreAdjust: %d\n", u->oom_score_adjust);
	flag_line(b, "IgnoreSIGPIPE", u->ignore_sigpipe);
	line(b, "WorkingDirectory", u->working_directory ? u->working_directory : "/");
	list_lines(b, "Environment", u->environment);
	list_lines(b, "PassEnvironment", u->pass_environment);
	list_lines(b, "UnsetEnvironment", u->unset_environment);
	for (size_t i = 0; i < u->n_environment_files; i++)
		buf_printf(b, "EnvironmentFile: %s%s\n", u->environment_files[i].optional ? "-" : "",
			   u->environment_files[i].path);
	limit_lines(b, u);
	put_stdio(b, u, block);
}

static void put_directories(struct buf *b, const struct directories *d)
{
	line(b, "RuntimeDirectoryPreserve", fdstore_preserve_name(d->preserve));
	for (enum directory_kind kind = 0; kind < DIRECTORY_KIND_MAX; kind++) {
		const struct directory_list *list = &d->of[kind];
		const char *name = directory_kind_name(kind);

		buf_printf(b, "%sMode: %04o\n", name, list->mode);
		for (size_t i = 0; i < list->n; i++) {
			line(b, name, list->v[i].path);
			for (char **link = list->v[i].links; link && *link; link++)
				buf_printf(b, "%sSymlink: %s:%s\n", name, list->v[i].path, *link);
		}
	}
}

static void put_scheduling(struct buf *b, const struct scheduling *s)
{
	static const char *const policies[] = { "other", "fifo", "rr", "batch", NULL, "idle" };
	static const char *const classes[] = { "none", "realtime", "best-effort", "idle" };

	if (s->cpu_set) {
		line(b, "CPUSchedulingPolicy", policies[s->policy]);
		buf_printf(b, "CPUSchedulingPriority: %d\n", s->priority);
		flag_line(b, "CPUSchedulingResetOnFork", s->reset_on_fork);
	}
	if (s->io_set) {
		line(b, "IOSchedulingClass", classes[s->io_class]);
		buf_printf(b, "IOPriority: %d\n", s->io_priority);
	}
	if (s->timer_slack_set)
		buf_printf(b, "TimerSlackNSec: %llu\n", (unsigned long long)s->timer_slack);
	if (s->coredump_filter_set)
		buf_printf(b, "CoredumpFilter: 0x%x\n", s->coredump_filter);
	if (s->personality_set)
		line(b, "Personality", personality_name(s->personality));
}

static void put_confinement(struct buf *b, const struct unit *u)
{
	static const struct filter none;
	const struct filter *f = u->filter ? u->filter : &none;

	flag_line(b, "MemoryDenyWriteExecute", f->memory_deny_write_execute);
	flag_line(b, "RestrictRealtime", f->restrict_realtime);
	flag_line(b, "LockPersonality", f->lock_personality);
	flag_line(b, "RestrictSUIDSGID", f->restrict_suid_sgid);
	if (privileges_bounding(u) != CAPABILITIES_ALL) {
		buf_puts(b, "CapabilityBoundingSet: ");
		capabilities_text(privileges_bounding(u), b);
		buf_putc(b, '\n');
	}
	if (u->privileges && u->privileges->ambient != 0) {
		buf_puts(b, "AmbientCapabilities: ");
		capabilities_text(u->privileges->ambient, b);
		buf_putc(b, '\n');
	}
}

static void put_socket_settings(struct buf *b, const struct unit *u)
{
	const struct socket_unit *s = u->socket;

	for (size_t i = 0; i < s->n_listens; i++) {
		const char *path = after_prefix(s->listens[i].address, "/var/run/");

		/* Of a port alone it says which address that is; and it knows what /var/run is. */
		if (s->listens[i].address[strspn(s->listens[i].address, "0123456789")] != '\0')
			buf_printf(b, "Listen%s: %s%s\n", listen_kind_name(s->listens[i].kind),
				   path ? "/run/" : "", path ? path : s->listens[i].address);
	}
	line(b, "BindIPv6Only", bind_ipv6_only_name(s->bind_ipv6_only));
	buf_printf(b, "Backlog: %u\nSocketMode: %04o\nDirectoryMode: %04o\n", s->backlog, s->mode,
		   s->directory_mode);
	line(b, "SocketUser", s->user);
	line(b, "SocketGroup", s->group);
	flag_line(b, "RemoveOnStop", s->remove_on_stop);
	line(b, "FileDescriptorName", socket_fd_name(u));
	span_line(b, "TriggerLimitIntervalSec", s->trigger_interval);
	buf_printf(b, "TriggerLimitBurst: %u\n", socket_trigger_burst(u));
	span_line(b, "TimeoutSec", u->timeout_start);
	flag_line(b, "KeepAlive", s->options[SOCKET_KEEP_ALIVE]);
	flag_line(b, "NoDelay", s->options[SOCKET_NO_DELAY]);
	flag_line(b, "FreeBind", s->options[SOCKET_FREE_BIND]);
	flag_line(b, "Transparent", s->options[SOCKET_TRANSPARENT]);
	flag_line(b, "Broadcast", s->options[SOCKET_BROADCAST]);
	flag_line(b, "PassCredentials", s->options[SOCKET_PASS_CREDENTIALS]);
	flag_line(b, "PassSecurity", s->options[SOCKET_PASS_SECURITY]);
}

static void put_settings(struct buf *b, const struct unit *u, const char *block)
{
	line(b, "Description", u->description);
	list_lines(b, "Documentation", u->documentation);
	flag_line(b, "RefuseManualStart", u->refuse_manual_start);
	flag_line(b, "RefuseManualStop", u->refuse_manual_stop);
	flag_line(b, "DefaultDependencies", u->default_dependencies);
	if (u->kind == UNIT_SOCKET)
		put_socket_settings(b, u);
	if (u->kind != UNIT_SERVICE)
		return;
	put_service_settings(b, u);
	put_kill_settings(b, u);
	put_exec_settings(b, u, block);
	put_confinement(b, u);
	if (u->directories)
		put_directories(b, u->directories);
	if (u->scheduling)
		put_scheduling(b, u->scheduling);
	for (size_t phase = 0; phase < EXEC_PHASE_MAX; phase++)
		if (u->exec[phase].n > 0)
			put_commands(b, (enum exec_phase)phase, &u->exec[phase]);
}

/* ---- the comparison ---- */

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

/* Of what may occur several times, no more than we have. */
/* Of the kinds that we know. */
static size_t count_conditions(const char *block)
{
	static const char *const prefixes[] = { "Condition", "Assert" };
	size_t n = 0;

	for (enum condition_kind k = 1; k < CONDITION_KIND_MAX; k++)
		for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
			char key[64];

			snprintf(key, sizeof(key), "\t%s%s: ", prefixes[i], condition_kind_name(k));
			n += count(block, key);
		}
	return n;
}

static void compare_numbers(const struct unit *u, const char *block, struct buf *wrong)
{
	size_t commands = 0;

	for (size_t phase = 0; phase < EXEC_PHASE_MAX; phase++)
		for (size_t i = 0; i < u->exec[phase].n; i++)
			commands += u->exec[phase].v[i].builtin == EXEC_NO_BUILTIN;
	if (commands != count(block, "Command Line:"))
		buf_printf(wrong, "%s: we have %zu commands, systemd %zu\n", u->name, commands,
			   count(block, "Command Line:"));
	if ((u->conditions ? u->conditions->n : 0) != count_conditions(block))
		buf_printf(wrong, "%s: we have %zu conditions, systemd %zu\n", u->name,
			   u->conditions ? u->conditions->n : 0, count_conditions(block));
	if (strv_len(u->environment) != count(block, "\tEnvironment: "))
		buf_printf(wrong, "%s: we have %zu variables, systemd %zu\n", u->name,
			   strv_len(u->environment), count(block, "\tEnvironment: "));
	if (u->n_environment_files != count(block, "\tEnvironmentFile: "))
		buf_printf(wrong, "%s: we have %zu files of variables, systemd %zu\n", u->name,
			   u->n_environment_files, count(block, "\tEnvironmentFile: "));
	for (enum directory_kind kind = 0; kind < DIRECTORY_KIND_MAX; kind++) {
		size_t ours = u->directories ? u->directories->of[kind].n : 0;
		char key[48];

		snprintf(key, sizeof(key), "\t%s: ", directory_kind_name(kind));
		if (ours != count(block, key))
			buf_printf(wrong, "%s: we have %zu of %s, systemd %zu\n", u->name, ours,
				   directory_kind_name(kind), count(block, key));
	}
	if (strv_len(u->documentation) != count(block, "\tDocumentation: "))
		buf_printf(wrong, "%s: we have %zu documents, systemd %zu\n", u->name,
			   strv_len(u->documentation), count(block, "\tDocumentation: "));
}

/* In the dump the names of a list are in no order, and only those that this architecture has. */
static void compare_calls(const struct unit *u, const char *block, struct buf *wrong)
{
	const struct syscall_list *list = u->filter ? u->filter->calls : NULL;
	const char *line = strstr(block, "\tSystemCallFilter: ");
	size_t ours = 0, theirs = 0;

	if (!line != !list)
		buf_printf(wrong, "%s: who has a SystemCallFilter=, we or systemd?\n", u->name);
	if (!line || !list)
		return;
	line += strlen("\tSystemCallFilter: ");
	if (list->allow == (*line == '~'))
		buf_printf(wrong, "%s: SystemCallFilter= is of the other kind\n", u->name);
	for (line += *line == '~'; *line && *line != '\n';
	     line += strcspn(line, " \n"), line += *line == ' ') {
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(line, " :\n"), line);
		theirs++;
		if (syscall_find(name) < 0 || list->action[syscall_find(name)] == SYSCALL_UNLISTED)
			buf_printf(wrong, "%s: SystemCallFilter= of systemd has %s\n", u->name, name);
	}
	for (size_t i = 0; i < SYSCALL_COUNT; i++)
		ours += list->action[i] != SYSCALL_UNLISTED;
	if (ours < theirs || ours > theirs + 40)
		buf_printf(wrong, "%s: SystemCallFilter= has %zu calls, of systemd %zu\n", u->name,
			   ours, theirs);
}

/* Which TimeoutAbortSec= is in force is shown only where one was set. */
static void put_timeout_abort(struct buf *b, const struct unit *u, const char *block, struct buf *wrong)
{
	if (strstr(block, "\tTimeoutAbortSec: "))
		span_line(b, "TimeoutAbortSec", u->timeout_abort);
	else if (u->timeout_abort != u->timeout_stop)
		buf_printf(wrong, "%s: TimeoutAbortSec= is not TimeoutStopSec=\n", u->name);
}

/* The name that the dump has for a unit. */
static char *real_name(char *const *search_path, const char *name)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct unit_files files;
	char *id;

	if (unitdir_read(search_path, name, &files, &diags) < 0)
		return strdup(name);
	id = TAKE_PTR(files.id);
	unit_files_deinit(&files);
	return id;
}

static bool dump_has(const char *block, const char *key, const char *name)
{
	cleanup_free char *wanted = NULL;

	return asprintf(&wanted, "\t%s: %s (origin-file", key, name) > 0 && strstr(block, wanted);
}

/* What other settings lead to: Slice=, PrivateTmp=, StateDirectory=, RequiresMountsFor=. */
static bool is_incidental(const char *name)
{
	return ends_with(name, ".slice") || ends_with(name, ".socket") ||
	       ends_with(name, ".mount") || streq(name, "systemd-tmpfiles-setup.service") ||
	       streq(name, "systemd-remount-fs.service");
}

static size_t count_others(const char *block, const char *key)
{
	cleanup_free char *wanted = NULL;
	size_t n = 0;

	if (asprintf(&wanted, "\t%s: ", key) < 0)
		return 0;
	for (const char *p = block; (p = strstr(p, wanted));) {
		const char *name = p + strlen(wanted), *end = strchr(name, '\n');
		cleanup_free char *text = strndup(name, (size_t)(end - name));
		char *origin = strstr(text, " (origin-file");

		p = end;
		if (!origin)
			continue;
		*origin = '\0';
		n += !is_incidental(text);
	}
	return n;
}

/*
 * What a file says of dependencies. Those of Wants= and Requires= that systemd has on top come from
 * directories.
 */
static void compare_dependencies(const struct unit *u, const char *block, char *const *search_path,
				 struct buf *wrong)
{
	for (size_t d = 0; d < DEP_MAX; d++) {
		const char *key = dependency_name((enum dependency)d);
		cleanup_strv char **names = NULL;
		size_t n = 0;

		for (size_t i = 0; u->deps[d] && u->deps[d][i]; i++) {
			cleanup_free char *name = real_name(search_path, u->deps[d][i]);

			if (!name || streq(name, u->name) || strv_contains(names, name) ||
			    strv_push(&names, name) < 0)
				continue;
			n += !is_incidental(name);
			if (!dump_has(block, key, name))
				buf_printf(wrong, "%s: systemd lacks %s=%s\n", u->name, key, name);
		}
		if (d != DEP_WANTS && d != DEP_REQUIRES && n < count_others(block, key))
			buf_printf(wrong, "%s: we have %zu units in %s=, systemd %zu\n", u->name, n,
				   key, count_others(block, key));
	}
}

void oracle_compare(const struct unit *u, const char *block, char *const *search_path, struct buf *wrong)
{
	cleanup_buf struct buf b = BUF_INIT;
	char *rest, *next;

	put_settings(&b, u, block);
	if (u->kind == UNIT_SERVICE)
		put_timeout_abort(&b, u, block, wrong);
	condition_lines(&b, u->conditions);
	compare_numbers(u, block, wrong);
	compare_calls(u, block, wrong);
	compare_dependencies(u, block, search_path, wrong);
	for (rest = b.data; rest && *rest; rest = next + 1) {
		cleanup_free char *wanted = NULL;

		next = strchr(rest, '\n');
		while (after_prefix(next, "\n\t")) /* a piece of several lines */
			next = strchr(next + 1, '\n');
		if (asprintf(&wanted, "\t%.*s\n", (int)(next - rest), rest) >= 0 &&
		    !strstr(block, wanted))
			buf_printf(wrong, "%s: systemd has another %s", u->name, wanted);
	}
}
