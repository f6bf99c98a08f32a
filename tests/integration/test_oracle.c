/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What we read in unit files against what systemd itself reads in them: units are made from a pool
 * of lines, also odd ones, spread over a fragment and drop-ins; "systemd --test" dumps what it
 * makes of them; each setting is compared. What differs on purpose is not in the pool: inline
 * comments, and PIDFile= with a "..", which systemd says it ignores and then fails by. Then, every
 * unit of this machine must load.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>

#include "core/limit.h"
#include "core/load.h"
#include "lib/hostfacts.h"
#include "sys/unitdir.h"
#include "util/buf.h"
#include "util/parse.h"
#include "util/strv.h"

#define SYSTEMD "/lib/systemd/systemd"
#define N_UNITS 300

TestSuite(oracle, .timeout = 120);

static const char *const pool[] = {
	"KillMode=mixed",
	"KillMode=process",
	"KillMode=none",
	"KillMode=control-group",
	"KillMode=",
	"KillMode=all",
	"KillMode = mixed ",
	"KillSignal=SIGINT",
	"KillSignal=QUIT",
	"KillSignal=10",
	"KillSignal=",
	"KillSignal=term",
	"KillSignal=0",
	"KillSignal=65",
	"KillSignal=RTMIN+2",
	"RestartKillSignal=SIGHUP",
	"RestartKillSignal=",
	"FinalKillSignal=SIGQUIT",
	"FinalKillSignal=ABRT",
	"SendSIGKILL=no",
	"SendSIGKILL=Yes",
	"SendSIGKILL=maybe",
	"SendSIGHUP=1",
	"SendSIGHUP=off",
	"SendSIGHUP=",
	"TimeoutStopSec=2s",
	"TimeoutStopSec=1min 500ms",
	"TimeoutStopSec=0",
	"TimeoutStopSec=",
	"TimeoutStopSec=infinity",
	"TimeoutStopSec=-3",
	"TimeoutStopSec=1.5h 2",
	"TimeoutStopSec=3 parsecs",
	"TimeoutStartSec=7",
	"TimeoutStartSec=0",
	"TimeoutSec=9",
	"TimeoutSec=5m",
	"TimeoutAbortSec=4",
	"TimeoutAbortSec=",
	"TimeoutAbortSec=x",
	"TimeoutStartFailureMode=abort",
	"TimeoutStopFailureMode=kill",
	"TimeoutStopFailureMode=",
	"RuntimeMaxSec=2d",
	"RestartSec=5 s 3 ms",
	"RestartSec=",
	"Restart=on-failure",
	"Restart=on-abort",
	"Restart=",
	"Restart=sometimes",
	"Type=simple",
	"Type=exec",
	"Type=oneshot",
	"Type=notify",
	"Type=idle",
	"Type=",
	"RemainAfterExit=true",
	"PIDFile=foo.pid",
	"PIDFile=/run/./x//y.pid",
	"PIDFile=",
	"UMask=077",
	"UMask=8",
	"UMask=",
	"WorkingDirectory=/srv",
	"WorkingDirectory=-/srv//a/",
	"WorkingDirectory=-rel",
	"WorkingDirectory=",
	"User=nobody",
	"User=12",
	"User=",
	"Group=a b",
	"SupplementaryGroups=x y",
	"SupplementaryGroups=",
	"Environment=A=1 B=2",
	"Environment=\"C=x y\" A=3",
	"Environment=D=%n 1bad=3 E=",
	"Environment=",
	"Environment=F=\\x41\\tz",
	"LimitNOFILE=5:6",
	"LimitNOFILE=7",
	"LimitNOFILE=9:8",
	"LimitNOFILE=",
	"LimitNOFILE=5k",
	"LimitCORE=1M:infinity",
	"LimitCPU=1500ms",
	"LimitRTTIME=5",
	"LimitNICE=+5",
	"LimitNICE=-5",
	"LimitNICE=41",
	"LimitRSS=5:",
	"Nice=5",
	"Nice=20",
	"Nice=",
	"StandardOutput=null",
	"StandardOutput=file:/tmp/%N//x",
	"StandardOutput=append:/tmp/x",
	"StandardOutput=inherit",
	"StandardOutput=",
	"StandardError=journal",
	"StandardError=bogus",
	"StandardInput=null",
	"ExecStart=/bin/true a  b",
	"ExecStart=",
	"ExecStart=-/bin/false 'x y'",
	"ExecStartPre=+/bin/true %i",
	"ExecStop=/bin/kill -TERM $MAINPID",
	"ExecStop=/bin/a \\\n# dropped\n  b \\\n; dropped\n c",
	"ExecStop=",
	"ExecStop=/bin/a ; /bin/b",
	"ExecStopPost=@/bin/sh sh -c \"exit 3\"",
	"ExecReload=:/bin/kill -HUP $MAINPID",
	"NoSuchKey=1",
	"X-Own=1",
	"nonsense",
	"=nothing",
	"# KillMode=mixed",
	";KillMode=mixed",
	"[X-Own]\nKillMode=mixed\n[Service]",
	"[Nowhere]\nKillMode=mixed\n[Service]",
	"[Unit]\nDescription=of %n\n[Service]",
	"[Unit]\nDescription=\n[Service]",
	"Description=misplaced",
	"KillMode=mixed\\\\",
	"KillMode=mixed\r",
	"SendSIGHUP=\\\nyes",
};

/* Reproducible: the same units every time. */
static unsigned next_random(void)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005U + 1442695040888963407U;
	return (unsigned)(state >> 33);
}

static FILE *create(const char *dir, const char *name)
{
	cleanup_free char *path = NULL;
	FILE *f;

	cr_assert_geq(asprintf(&path, "%s/%s", dir, name), 0);
	f = fopen(path, "w");
	cr_assert_not_null(f);
	return f;
}

static void add_lines(FILE *f, unsigned max)
{
	fputs("[Service]\n", f);
	for (unsigned n = next_random() % (max + 1); n > 0; n--)
		fprintf(f, "%s\n", pool[next_random() % ARRAY_SIZE(pool)]);
	fclose(f);
}

static void unit_name(unsigned i, char name[static 64])
{
	snprintf(name, 64, i % 3 ? "oracle%u.service" : "oracle%u@inst.service", i);
}

static void create_units(const char *dir)
{
	FILE *target = create(dir, "oracle.target");

	fputs("[Unit]\n", target);
	for (unsigned i = 0; i < N_UNITS; i++) {
		cleanup_free char *dropins = NULL;
		char name[64];
		FILE *f;

		unit_name(i, name);
		fprintf(target, "Wants=%s\n", name);
		f = create(dir, name);
		if (next_random() % 8)
			fputs("[Service]\nExecStart=/bin/sleep 1\n", f);
		add_lines(f, 8);
		if (next_random() % 2)
			continue;
		cr_assert_geq(asprintf(&dropins, "%s/%s.d", dir, name), 0);
		cr_assert_eq(mkdir(dropins, 0755), 0);
		add_lines(create(dropins, "10-a.conf"), 3);
		add_lines(create(dropins, "20-b.conf"), 3);
	}
	fclose(target);
}

/* What systemd prints with --test, as any user but root, who it refuses to run it as. */
static char *run_systemd(const char *dir)
{
	struct buf out = BUF_INIT;
	cleanup_free char *command = NULL;
	char chunk[4096];
	FILE *pipe;
	size_t n;

	cr_assert_geq(asprintf(&command,
			       "timeout -k 5 60 %s env SYSTEMD_UNIT_PATH=%s: " SYSTEMD
			       " --test --system --unit=oracle.target 2>/dev/null",
			       geteuid() == 0 ? "setpriv --reuid=65534 --regid=65534 --clear-groups" : "",
			       dir),
		      0);
	pipe = popen(command, "r");
	cr_assert_not_null(pipe);
	while ((n = fread(chunk, 1, sizeof(chunk), pipe)) > 0)
		buf_append(&out, chunk, n);
	pclose(pipe);
	return buf_take(&out);
}

/* The lines that systemd prints about the unit; the caller frees them. */
static char *find_block(const char *dump, const char *name)
{
	cleanup_free char *head = NULL;
	const char *start, *end;

	cr_assert_geq(asprintf(&head, "-> Unit %s:\n", name), 0);
	start = strstr(dump, head);
	if (!start)
		return NULL;
	end = strstr(start + 1, "\t-> Unit ");
	return end ? strndup(start, (size_t)(end - start)) : strdup(start);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static void line(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "%s: %s\n", key, value);
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

/* An argument as the dump quotes it for a shell. */
static void put_argument(struct buf *b, const char *arg)
{
	bool quoted = *arg == '\0' || strpbrk(arg, " $");

	buf_puts(b, quoted ? " \"" : " ");
	for (; *arg; arg++)
		buf_printf(b, *arg == '$' ? "\\%c" : "%c", *arg);
	if (quoted)
		buf_putc(b, '"');
}

static void command_lines(struct buf *b, const struct unit *u, size_t *n)
{
	for (size_t phase = 0; phase < EXEC_PHASE_MAX; phase++)
		for (size_t i = 0; i < u->exec[phase].n; i++, ++*n) {
			buf_puts(b, "Command Line:");
			for (char **arg = u->exec[phase].v[i].argv; *arg; arg++)
				put_argument(b, *arg);
			buf_putc(b, '\n');
		}
}

static void setting_lines(struct buf *b, const struct unit *u)
{
	static const char *const stdio[STDIO_MAX] = {
		[STDIO_NULL] = "null", [STDIO_INHERIT] = "inherit", [STDIO_LOG] = "journal",
		[STDIO_FILE] = "file", [STDIO_APPEND] = "append",   [STDIO_TRUNCATE] = "truncate",
	};

	line(b, "Description", u->description);
	line(b, "Type", service_type_name(u->type));
	line(b, "Restart", restart_policy_name(u->restart));
	line(b, "RemainAfterExit", u->remain_after_exit ? "yes" : "no");
	span_line(b, "RestartSec", u->restart_delay);
	span_line(b, "TimeoutStartSec", u->timeout_start);
	span_line(b, "TimeoutStopSec", u->timeout_stop);
	line(b, "TimeoutStartFailureMode", failure_mode_name(u->timeout_start_failure_mode));
	line(b, "TimeoutStopFailureMode", failure_mode_name(u->timeout_stop_failure_mode));
	span_line(b, "RuntimeMaxSec", u->runtime_max);
	line(b, "KillMode", kill_mode_name(u->kill_mode));
	signal_line(b, "KillSignal", u->kill_signal);
	signal_line(b, "RestartKillSignal", u->restart_kill_signal);
	signal_line(b, "FinalKillSignal", u->final_kill_signal);
	line(b, "SendSIGKILL", u->send_sigkill ? "yes" : "no");
	line(b, "SendSIGHUP", u->send_sighup ? "yes" : "no");
	buf_printf(b, "UMask: %04o\n", u->umask);
	if (u->pid_file)
		line(b, "PIDFile", u->pid_file);
	if (u->user)
		line(b, "User", u->user);
	if (u->group)
		line(b, "Group", u->group);
	if (u->nice_set)
		buf_printf(b, "Nice: %d\n", u->nice);
	line(b, "WorkingDirectory", u->working_directory ? u->working_directory : "/");
	line(b, "StandardOutput", stdio[u->std_out.kind]);
	line(b, "StandardError", stdio[u->std_err.kind]);
	if (u->std_out.path)
		buf_printf(b, "StandardOutputFile%s: %s\n",
			   u->std_out.kind == STDIO_APPEND ? "ToAppend" : "", u->std_out.path);
}

/* Each line of ours must stand in the block of systemd's. */
static size_t compare(const struct unit *u, const char *block)
{
	cleanup_buf struct buf b = BUF_INIT;
	size_t n_commands = 0, wrong = 0;
	char *rest, *next;

	setting_lines(&b, u);
	limit_lines(&b, u);
	for (size_t i = 0; u->environment && u->environment[i]; i++)
		line(&b, "Environment", u->environment[i]);
	/* Which TimeoutAbortSec= is in force is shown only where one was set. */
	if (strstr(block, "\tTimeoutAbortSec: "))
		span_line(&b, "TimeoutAbortSec", u->timeout_abort);
	else
		cr_expect_eq(u->timeout_abort, u->timeout_stop, "%s", u->name);
	command_lines(&b, u, &n_commands);
	cr_expect_eq(n_commands, count(block, "Command Line:"), "%s", u->name);
	cr_expect_eq(strv_len(u->environment), count(block, "\tEnvironment: "), "%s", u->name);
	for (rest = b.data; *rest; rest = next + 1) {
		cleanup_free char *wanted = NULL;

		next = strchr(rest, '\n');
		cr_assert_geq(asprintf(&wanted, "\t%.*s\n", (int)(next - rest), rest), 0);
		if (!strstr(block, wanted)) {
			cr_expect(false, "%s: systemd has another %s%s", u->name, wanted, block);
			wrong++;
		}
	}
	return wrong;
}

static int load(char *const *search_path, const char *name, struct unit **u, struct diags *diags)
{
	struct unit_text texts[16];
	struct unit_files files;
	int r = unitdir_read(search_path, name, &files, diags);

	if (r < 0)
		return r;
	for (size_t i = 0; i < files.n && i < ARRAY_SIZE(texts); i++)
		texts[i] = (struct unit_text){ files.v[i].path, files.v[i].data, files.v[i].len };
	r = files.masked ? -ENOENT
			 : unit_load(u, files.id, texts, MIN_OF(files.n, ARRAY_SIZE(texts)),
				     &test_host, diags);
	unit_files_deinit(&files);
	return r;
}

static void compare_units(char *dir)
{
	char *const search_path[] = { dir, NULL };
	cleanup_free char *dump = run_systemd(dir);
	size_t loaded = 0;

	for (unsigned i = 0; i < N_UNITS; i++) {
		cleanup_diags struct diags diags = DIAGS_INIT;
		cleanup_unit struct unit *u = NULL;
		cleanup_free char *block = NULL;
		char name[64];
		int r;

		unit_name(i, name);
		block = find_block(dump, name);
		cr_assert_not_null(block, "%s is not in the dump of %zu bytes", name, strlen(dump));
		r = load(search_path, name, &u, &diags);
		cr_expect_eq(r == 0, strstr(block, "Unit Load State: loaded") != NULL, "%s: %d %s\n%s",
			     name, r, diags.n > 0 ? diags.v[diags.n - 1].text : "", block);
		if (r == 0 && strstr(block, "Unit Load State: loaded")) {
			loaded++;
			compare(u, block);
		}
	}
	cr_assert_gt(loaded, N_UNITS / 2, "only %zu units could be compared", loaded);
}

static int remove_entry(const char *path, const struct stat *st unused, int type unused,
			struct FTW *ftw unused)
{
	return remove(path);
}

/* Only what systemd 252 does was looked at when the pool was made. */
static bool have_oracle(void)
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

Test(oracle, settings)
{
	char dir[] = "/tmp/cgkill-oracle.XXXXXX";

	if (!have_oracle())
		cr_skip_test("SKIP: no systemd 252 at " SYSTEMD);
	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(chmod(dir, 0755), 0);
	create_units(dir);
	compare_units(dir);
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* SuccessAction= is all that some units of systemd's own consist of; it does not act here. */
static bool only_success_action(const struct diags *diags)
{
	bool found = false;

	for (size_t i = 0; i < diags->n; i++)
		found = found || after_prefix(diags->v[i].text, "SuccessAction= ");
	return found && diags->errors == 1;
}

Test(oracle, every_unit_of_this_machine_loads)
{
	cleanup_strv char **search_path = unitdir_search_path(NULL, false), **names = NULL;
	size_t loaded = 0;

	cr_assert_eq(unitdir_list(search_path, &names), 0);
	for (size_t i = 0; names && names[i]; i++) {
		cleanup_diags struct diags diags = DIAGS_INIT;
		cleanup_unit struct unit *u = NULL;
		cleanup_free char *name = NULL;
		const char *at = strstr(names[i], "@.");
		int r;

		cr_assert_geq(asprintf(&name, "%.*s%s%s", at ? (int)(at + 1 - names[i]) : 0,
				       names[i], at ? "test" : "", at ? at + 1 : names[i]),
			      0);
		r = load(search_path, name, &u, &diags);
		if (r == 0)
			loaded++;
		else if (r != -ENOENT && !only_success_action(&diags))
			cr_expect(false, "%s: %s: %s", name, strerror(-r),
				  diags.n > 0 ? diags.v[diags.n - 1].text : "");
	}
	if (loaded == 0)
		cr_skip_test("SKIP: no systemd unit on this machine");
}
