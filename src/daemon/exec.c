/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>

#include "core/cmdline.h"
#include "daemon/fdstore.h"
#include "sys/birth.h"
#include "util/buf.h"
#include "util/parse.h"
#include "util/strv.h"

/* What can fail, and the exit status that says so: systemd.exec(5), "PROCESS EXIT CODES". */
enum exec_step {
	STEP_CHDIR = SPAWN_STEP_FIRST,
	STEP_NICE,
	STEP_EXEC,
	STEP_MEMORY,
	STEP_LIMITS,
	STEP_OOM_ADJUST,
	STEP_STDIN,
	STEP_STDOUT,
	STEP_STDERR,
	STEP_GROUP,
	STEP_USER,
	STEP_SETSID,
	STEP_ENV_FILE,
	STEP_BIRTH_MARK,
	STEP_FDS,
	STEP_END,
};

static const struct {
	const char *name;
	int exit_status;
} steps[STEP_END] = {
	[SPAWN_STEP_ATTACH] = { "CGROUP", 219 },
	[STEP_CHDIR] = { "CHDIR", 200 },
	[STEP_NICE] = { "NICE", 201 },
	[STEP_FDS] = { "FDS", 202 },
	[STEP_EXEC] = { "EXEC", 203 },
	[STEP_MEMORY] = { "MEMORY", 204 },
	[STEP_LIMITS] = { "LIMITS", 205 },
	[STEP_OOM_ADJUST] = { "OOM_ADJUST", 206 },
	[STEP_STDIN] = { "STDIN", 208 },
	[STEP_STDOUT] = { "STDOUT", 209 },
	[STEP_STDERR] = { "STDERR", 222 },
	[STEP_GROUP] = { "GROUP", 216 },
	[STEP_USER] = { "USER", 217 },
	[STEP_SETSID] = { "SETSID", 220 },
	[STEP_ENV_FILE] = { "ENVIRONMENT", 245 },
	[STEP_BIRTH_MARK] = { "BIRTH_MARK", 219 }, /* only ever a warning; the status is CGROUP's */
};

const char *exec_step_name(uint32_t step)
{
	step &= ~EXEC_STEP_WARNING;
	return step < STEP_END && steps[step].name ? steps[step].name : "?";
}

struct child {
	const struct exec_context *x;
	int report_fd;
	/* who it becomes; (uid_t)-1 = stays */
	uid_t uid;
	gid_t gid;
	char *user, *home, *shell;
	gid_t *groups;
	int n_groups;
	char **env;
};

static _Noreturn void fail(const struct child *c, enum exec_step step, int error)
{
	spawn_fail(c->report_fd, step, error < 0 ? -error : error, steps[step].exit_status);
}

/* The host refuses something that the service can live without: told, and on. */
static void warn(const struct child *c, enum exec_step step, int error)
{
	struct spawn_report r = { .step = step | EXEC_STEP_WARNING, .error = (uint32_t)error };

	(void)!write(c->report_fd, &r, sizeof(r));
}

/* ---- standard input and output ---- */

/*
 * O_NONBLOCK only for the open itself: a FIFO without a peer must not hold the child for ever. The
 * flag is dropped again, since most programs do not expect it on their standard descriptors.
 */
static int open_stdio(const char *path, int flags)
{
	int fd = open(path, flags | O_NOCTTY | O_CLOEXEC | O_NONBLOCK, 0666);

	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_SETFL, flags & O_APPEND) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

static int open_log(const struct child *c)
{
	cleanup_free char *path = NULL;

	if (asprintf(&path, "%s/%s.log", c->x->log_dir, c->x->unit->name) < 0)
		return -ENOMEM;
	return open_stdio(path, O_WRONLY | O_CREAT | O_APPEND);
}

static int open_target(const struct child *c, const struct stdio_target *t, bool input)
{
	int out = input ? O_RDONLY : O_WRONLY;

	switch (t->kind) {
	case STDIO_LOG:
		return open_log(c);
	case STDIO_FILE:
		return open_stdio(t->path, input ? O_RDONLY : O_WRONLY | O_CREAT);
	case STDIO_APPEND:
		return open_stdio(t->path, out | O_CREAT | O_APPEND);
	case STDIO_TRUNCATE:
		return open_stdio(t->path, out | O_CREAT | O_TRUNC);
	case STDIO_NULL:
	case STDIO_INHERIT:
	case STDIO_INVALID:
	case STDIO_MAX:
		break;
	}
	return open_stdio("/dev/null", out);
}

static void set_up_stdio(const struct child *c)
{
	const struct unit *u = c->x->unit;
	const struct {
		const struct stdio_target *target;
		enum exec_step step;
	} wanted[3] = { { &u->std_in, STEP_STDIN },
			{ &u->std_out, STEP_STDOUT },
			{ &u->std_err, STEP_STDERR } };

	for (int fd = 0; fd < 3; fd++) {
		bool inherit = fd > 0 && wanted[fd].target->kind == STDIO_INHERIT;
		int from = inherit ? fd - 1 : open_target(c, wanted[fd].target, fd == 0);

		if (from < 0)
			fail(c, wanted[fd].step, from);
		if (from == fd ? fcntl(fd, F_SETFD, 0) < 0 : dup2(from, fd) < 0)
			fail(c, wanted[fd].step, errno);
		if (from > 2)
			close(from);
	}
}

/* ---- who it becomes ---- */

static void look_up_user(struct child *c, const char *name)
{
	unsigned number;
	struct passwd *pw;

	errno = 0;
	pw = parse_uint(name, &number) == 0 ? getpwuid(number) : getpwnam(name);
	if (pw) {
		c->uid = pw->pw_uid;
		c->gid = pw->pw_gid;
		c->user = strdup(pw->pw_name);
		c->home = strdup(pw->pw_dir);
		c->shell = strdup(pw->pw_shell);
		if (!c->user || !c->home || !c->shell)
			fail(c, STEP_MEMORY, ENOMEM);
	} else if (parse_uint(name, &number) == 0) {
		c->uid = number;
		c->gid = number;
	} else {
		fail(c, STEP_USER, errno ? errno : ESRCH);
	}
}

static gid_t look_up_group(const struct child *c, const char *name)
{
	unsigned number;
	struct group *gr;

	if (parse_uint(name, &number) == 0)
		return number;
	errno = 0;
	gr = getgrnam(name);
	if (gr)
		return gr->gr_gid;
	fail(c, STEP_GROUP, errno ? errno : ESRCH);
}

static void add_group(struct child *c, gid_t gid)
{
	gid_t *grown = reallocarray(c->groups, (size_t)c->n_groups + 1, sizeof(gid_t));

	if (!grown)
		fail(c, STEP_MEMORY, ENOMEM);
	c->groups = grown;
	c->groups[c->n_groups++] = gid;
}

static void look_up_identity(struct child *c)
{
	const struct unit *u = c->x->unit;

	c->uid = (uid_t)-1;
	c->gid = (gid_t)-1;
	if (c->x->command->privileged || c->x->command->no_setuid)
		return;
	if (u->user)
		look_up_user(c, u->user);
	if (u->group)
		c->gid = look_up_group(c, u->group);
	if (c->user) {
		int n = 64;

		c->groups = calloc((size_t)n, sizeof(gid_t));
		if (c->groups && getgrouplist(c->user, c->gid, c->groups, &n) < 0) {
			free(c->groups);
			c->groups = calloc((size_t)n, sizeof(gid_t));
			if (c->groups)
				getgrouplist(c->user, c->gid, c->groups, &n);
		}
		if (!c->groups)
			fail(c, STEP_MEMORY, ENOMEM);
		c->n_groups = n;
	}
	for (size_t i = 0; u->supplementary_groups && u->supplementary_groups[i]; i++)
		add_group(c, look_up_group(c, u->supplementary_groups[i]));
}

static void become(const struct child *c)
{
	bool set_groups = c->gid != (gid_t)-1 || c->n_groups > 0;

	/* Someone who is not root may name himself in his units; there is nothing to change then. */
	if (geteuid() != 0 && (c->uid == (uid_t)-1 || c->uid == geteuid()) &&
	    (c->gid == (gid_t)-1 || c->gid == getegid()))
		return;
	if (set_groups && setgroups((size_t)c->n_groups, c->groups) < 0)
		fail(c, STEP_GROUP, errno);
	if (c->gid != (gid_t)-1 && setresgid(c->gid, c->gid, c->gid) < 0)
		fail(c, STEP_GROUP, errno);
	if (c->uid != (uid_t)-1 && setresuid(c->uid, c->uid, c->uid) < 0)
		fail(c, STEP_USER, errno);
}

/* ---- environment ---- */

static void set(struct child *c, const char *name, const char *value)
{
	cleanup_free char *assignment = NULL;

	if (asprintf(&assignment, "%s=%s", name, value) < 0 || env_set(&c->env, assignment) < 0)
		fail(c, STEP_MEMORY, ENOMEM);
}

static void set_number(struct child *c, const char *name, long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", value);
	set(c, name, text);
}

/* sd_listen_fds(3). $FDSTORE says that there is a store, be it empty: systemd.exec(5). */
static void set_stored_fds(struct child *c)
{
	cleanup_free char *names = NULL;

	if (c->x->is_main && c->x->unit->fdstore_max > 0)
		set_number(c, "FDSTORE", c->x->unit->fdstore_max);
	if (fdstore_count(c->x->fdstore) == 0)
		return;
	names = fdstore_names(c->x->fdstore);
	if (!names)
		fail(c, STEP_MEMORY, ENOMEM);
	set_number(c, "LISTEN_FDS", (long)fdstore_count(c->x->fdstore));
	set_number(c, "LISTEN_PID", getpid());
	set(c, "LISTEN_FDNAMES", names);
}

/* sd_notify(3), sd_watchdog_enabled(3). */
static void set_notify(struct child *c)
{
	if (c->x->notify_socket)
		set(c, "NOTIFY_SOCKET", c->x->notify_socket);
	if (c->x->watchdog == 0 || c->x->watchdog == USEC_INFINITY)
		return;
	set_number(c, "WATCHDOG_USEC", (long)c->x->watchdog);
	set_number(c, "WATCHDOG_PID", getpid());
}

static void set_result(struct child *c)
{
	const struct exit_info *e = &c->x->main_exit;

	if (c->x->result == RESULT_INVALID)
		return;
	set(c, "SERVICE_RESULT", service_result_name(c->x->result));
	if (e->code == 0 || e->code == EXIT_UNKNOWN)
		return;
	set(c, "EXIT_CODE", exit_code_name(e->code));
	if (e->code == CLD_EXITED)
		set_number(c, "EXIT_STATUS", e->status);
	else
		set(c, "EXIT_STATUS", signal_name(e->status));
}

static void read_env_file(struct child *c, const struct env_file *f)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_close int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char chunk[4096];
	ssize_t n;

	if (fd < 0) {
		if (!f->optional)
			fail(c, STEP_ENV_FILE, errno);
		return;
	}
	while ((n = read(fd, chunk, sizeof(chunk))) > 0 && text.len < 1024UL * 1024)
		buf_append(&text, chunk, (size_t)n);
	if (n != 0)
		fail(c, STEP_ENV_FILE, n < 0 ? errno : EFBIG);
	if (buf_error(&text) < 0 ||
	    env_file_parse(&c->env, text.data ? text.data : "", text.len, f->path, &diags) < 0)
		fail(c, STEP_MEMORY, ENOMEM);
	if (diags.n > 0)
		warn(c, STEP_ENV_FILE, EINVAL);
}

static void build_environment(struct child *c)
{
	const struct unit *u = c->x->unit;
	const char *value;

	set(c, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	value = getenv("LANG");
	if (value)
		set(c, "LANG", value);
	for (size_t i = 0; u->pass_environment && u->pass_environment[i]; i++) {
		value = getenv(u->pass_environment[i]);
		if (value)
			set(c, u->pass_environment[i], value);
	}
	if (c->user) {
		set(c, "USER", c->user);
		set(c, "LOGNAME", c->user);
		set(c, "HOME", c->home);
		set(c, "SHELL", c->shell);
	}
	set(c, "CGKILL_RUNTIME_DIR", c->x->runtime_dir);
	set_number(c, "SYSTEMD_EXEC_PID", getpid());
	if (c->x->main_pid > 0)
		set_number(c, "MAINPID", c->x->main_pid);
	set_notify(c);
	set_stored_fds(c);
	set_result(c);
	for (size_t i = 0; u->environment && u->environment[i]; i++)
		if (env_set(&c->env, u->environment[i]) < 0)
			fail(c, STEP_MEMORY, ENOMEM);
	for (size_t i = 0; i < u->n_environment_files; i++)
		read_env_file(c, &u->environment_files[i]);
	for (size_t i = 0; u->unset_environment && u->unset_environment[i]; i++)
		env_unset(c->env, u->unset_environment[i]);
}

/* ---- limits and the rest ---- */

static void set_up_limits(const struct child *c)
{
	const struct unit *u = c->x->unit;

	if (!(u->limits && u->limits[RLIMIT_NOFILE].set) && setrlimit(RLIMIT_NOFILE, c->x->no_file) < 0)
		warn(c, STEP_LIMITS, errno);
	for (int i = 0; u->limits && i < RLIM_NLIMITS; i++) {
		struct rlimit want = { u->limits[i].soft, u->limits[i].hard }, have;

		if (!u->limits[i].set || setrlimit((__rlimit_resource_t)i, &want) == 0)
			continue;
		if (errno != EPERM)
			fail(c, STEP_LIMITS, errno);
		/* Above the hard limit, without the privilege to raise it: as near as it can be. */
		warn(c, STEP_LIMITS, EPERM);
		if (getrlimit((__rlimit_resource_t)i, &have) < 0)
			fail(c, STEP_LIMITS, errno);
		want.rlim_cur = MIN_OF(want.rlim_cur, have.rlim_max);
		want.rlim_max = MIN_OF(want.rlim_max, have.rlim_max);
		if (setrlimit((__rlimit_resource_t)i, &want) < 0)
			fail(c, STEP_LIMITS, errno);
	}
}

static void set_up_oom_score(const struct child *c)
{
	cleanup_close int fd = -1;
	char text[16];
	int n;

	if (!c->x->unit->oom_score_adjust_set)
		return;
	n = snprintf(text, sizeof(text), "%d", c->x->unit->oom_score_adjust);
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, text, (size_t)n) == n)
		return;
	if (errno != EPERM && errno != EACCES)
		fail(c, STEP_OOM_ADJUST, errno);
	warn(c, STEP_OOM_ADJUST, errno);
}

static void set_up_nice(const struct child *c)
{
	int nice = c->x->unit->nice_set ? c->x->unit->nice : c->x->nice;

	if (getpriority(PRIO_PROCESS, 0) == nice || setpriority(PRIO_PROCESS, 0, nice) == 0)
		return;
	if (errno != EACCES && errno != EPERM)
		fail(c, STEP_NICE, errno);
	warn(c, STEP_NICE, errno);
}

static void change_directory(const struct child *c)
{
	const struct unit *u = c->x->unit;
	const char *dir = u->working_directory ? u->working_directory : "/";

	if (streq(dir, "~"))
		dir = c->home ? c->home : getenv("HOME");
	if (dir && chdir(dir) == 0)
		return;
	if (!u->working_directory_optional)
		fail(c, STEP_CHDIR, dir ? errno : ENOENT);
	if (chdir("/") < 0)
		fail(c, STEP_CHDIR, errno);
}

/* A bare name is looked up on systemd's fixed path, whatever $PATH says: systemd.service(5), "COMMAND LINES". */
static void execute(const struct child *c, char **argv)
{
	static const char *const dirs[] = { "/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
					    "/usr/bin",	       "/sbin",		 "/bin" };
	const char *path = c->x->command->path;

	if (path[0] == '/') {
		execve(path, argv, c->env);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		char full[PATH_MAX];

		if (snprintf(full, sizeof(full), "%s/%s", dirs[i], path) >= (int)sizeof(full))
			continue;
		execve(full, argv, c->env);
		if (errno != ENOENT && errno != ENOTDIR)
			return;
	}
}

/*
 * What is stored for it is put where it belongs, behind standard error, and the rest is closed: a child that blocks on its
 * way to execve, or is frozen there, must not keep cgkilld's lock, socket and clients.
 */
static void set_up_fds(struct child *c)
{
	const int first = STDERR_FILENO + 1, end = first + (int)fdstore_count(c->x->fdstore);

	if (end > first) {
		int fd = fcntl(c->report_fd, F_DUPFD_CLOEXEC, end), r;

		if (fd < 0)
			fail(c, STEP_FDS, errno);
		c->report_fd = fd;
		r = fdstore_install(c->x->fdstore, first);
		if (r < 0)
			fail(c, STEP_FDS, r);
	}
	if (c->report_fd > end)
		(void)!close_range((unsigned)end, (unsigned)c->report_fd - 1, 0);
	(void)!close_range((unsigned)c->report_fd + 1, UINT_MAX, 0);
}

/* First of all: from here on this spawn counts as begun, and is not done again. */
static void sign(const struct child *c)
{
	int r = birth_sign(c->x->unit_fd, c->x->is_main, c->x->spawn);

	if (r < 0)
		warn(c, STEP_BIRTH_MARK, -r);
}

void exec_child(void *arg, int report_fd)
{
	struct child c = { .x = arg, .report_fd = report_fd };
	char **argv;

	sign(&c);
	set_up_fds(&c);
	if (setsid() < 0)
		fail(&c, STEP_SETSID, errno);
	set_up_stdio(&c);
	set_up_limits(&c);
	set_up_oom_score(&c);
	set_up_nice(&c);
	umask(c.x->unit->umask);
	look_up_identity(&c);
	build_environment(&c);
	argv = cmdline_expand(c.x->command, c.env);
	if (!argv)
		fail(&c, STEP_MEMORY, ENOMEM);
	become(&c);
	change_directory(&c); /* as the user: what he may not enter is not for his service */
	if (!c.x->unit->ignore_sigpipe)
		signal(SIGPIPE, SIG_DFL); /* our reports needed it ignored: spawn.h */
	execute(&c, argv);
	fail(&c, STEP_EXEC, errno);
}
