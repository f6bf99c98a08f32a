/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/options.h"

#include <cgkill/protocol.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>

#include <sys/stat.h>

#include "core/initwords.h"
#include "core/logging.h"
#include "core/unit.h"
#include "daemon/lone.h"
#include "util/parse.h"
#include "util/strv.h"

#define LOG_DIR_SYSTEM "/var/log/cgkill"
#define LOG_MAX_SIZE   (UINT64_C(128) << 20)
#define LOG_MAX_FILES  16

/* docker and podman send SIGKILL 10 s after SIGTERM; within the rest, what outlived SIGKILL is told, and we are gone. */
#define INIT_BUDGET (8 * USEC_PER_SEC)

static const char usage[] =
	"cgkilld [OPTION...]\n"
	"cgkilld --init [OPTION...] [--] [UNIT...|COMMAND [ARGUMENT...]]\n"
	"\n"
	"Starts daemons in cgroups of their own and sees to it that stopped means stopped.\n"
	"Runs in the foreground. SIGTERM stops all it runs, then itself; SIGHUP reads the units "
	"again.\n"
	"\n"
	"  --root=CGROUP        the cgroup to keep services in (default: 'cgkill' below its own)\n"
	"  --unit-path=DIR:...  where unit files are; an empty last entry appends the default "
	"path\n"
	"  --runtime-dir=DIR    where the control socket is (default: /run/cgkill, or "
	"$XDG_RUNTIME_DIR/cgkill)\n"
	"  --log-dir=DIR        where output of services goes (default: /var/log/cgkill, or "
	"RUNTIME-DIR/log)\n"
	"  --log-target=TARGET  … cgkill: there (default); journal: to journald, where there is "
	"one; "
	"console:\n"
	"                       to where cgkilld's own goes\n"
	"  --log-max-size=SIZE  a log is begun anew at this size (default: 128M)\n"
	"  --log-max-files=N    … and so many of a unit are kept (default: 16)\n"
	"  --syslog[=PATH]      take what services say by syslog(3) into their logs (default: "
	"/dev/log)\n"
	"  --group=GROUP        members may start and stop services\n"
	"  --adopt=no           refuse to start while processes live in that cgroup (default: take "
	"them "
	"over)\n"
	"  --guard[=yes|no]     start again after a crash (default: when it is process 1)\n"
	"  --shutdown-deadline=SPAN\n"
	"                       SIGTERM: everything has been stopped or killed by then (default: "
	"the "
	"units' own timeouts)\n"
	"  --target=UNIT        start this unit, with all that it pulls in, as soon as requests "
	"are "
	"served\n"
	"  --init               process 1 of a container: run these units (default: "
	"multi-user.target), or\n"
	"                       that command, and exit as it does; SIGTERM stops all of it within "
	"8 s\n"
	"  --strict             a start fails where the host refuses a directive that protects, or "
	"where\n"
	"                       cgkilld does not know how to do what it says\n"
	"  --user               the directories of a user, not of the system\n"
	"  --log-level=LEVEL    error, warning (default for a command), notice, info (default) or "
	"debug\n"
	"  --ready-fd=N         write a newline to this descriptor once requests are served\n"
	"  --help, --version\n"
	"\n"
	"See cgkilld(8).\n";

enum {
	OPT_ROOT = 256,
	OPT_UNIT_PATH,
	OPT_RUNTIME_DIR,
	OPT_LOG_DIR,
	OPT_LOG_TARGET,
	OPT_LOG_MAX_SIZE,
	OPT_LOG_MAX_FILES,
	OPT_SYSLOG,
	OPT_GROUP,
	OPT_SHUTDOWN_DEADLINE,
	OPT_GUARD,
	OPT_TARGET,
	OPT_INIT,
	OPT_STRICT,
	OPT_USER,
	OPT_ADOPT,
	OPT_LOG_LEVEL,
	OPT_READY_FD,
	OPT_CAN_READ,
	OPT_HELP,
	OPT_VERSION
};

static const struct option long_options[] = {
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "unit-path", required_argument, NULL, OPT_UNIT_PATH },
	{ "runtime-dir", required_argument, NULL, OPT_RUNTIME_DIR },
	{ "log-dir", required_argument, NULL, OPT_LOG_DIR },
	{ "log-target", required_argument, NULL, OPT_LOG_TARGET },
	{ "log-max-size", required_argument, NULL, OPT_LOG_MAX_SIZE },
	{ "log-max-files", required_argument, NULL, OPT_LOG_MAX_FILES },
	{ "syslog", optional_argument, NULL, OPT_SYSLOG },
	{ "group", required_argument, NULL, OPT_GROUP },
	{ "guard", optional_argument, NULL, OPT_GUARD },
	{ "shutdown-deadline", required_argument, NULL, OPT_SHUTDOWN_DEADLINE },
	{ "target", required_argument, NULL, OPT_TARGET },
	{ "init", no_argument, NULL, OPT_INIT },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ "user", no_argument, NULL, OPT_USER },
	{ "adopt", required_argument, NULL, OPT_ADOPT },
	{ "log-level", required_argument, NULL, OPT_LOG_LEVEL },
	{ "ready-fd", required_argument, NULL, OPT_READY_FD },
	{ "can-read", required_argument, NULL, OPT_CAN_READ }, /* for daemon-reexec, not for people */
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static int bad(const char *option, const char *value, const char *what)
{
	fprintf(stderr, "cgkilld: --%s=%s: %s\n", option, value, what);
	return -EINVAL;
}

static int parse_level(const char *text, enum log_level *out)
{
	static const struct {
		const char *name;
		enum log_level level;
	} levels[] = { { "error", LOG_ERROR_ },	    { "err", LOG_ERROR_ },
		       { "warning", LOG_WARNING_ }, { "notice", LOG_NOTICE_ },
		       { "info", LOG_INFO_ },	    { "debug", LOG_DEBUG_ } };

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (streq(levels[i].name, text)) {
			*out = levels[i].level;
			return 0;
		}
	return bad("log-level", text, "give error, warning, notice, info or debug");
}

static int parse_log_target(const char *text, enum log_target *out)
{
	static const char *const names[LOG_TARGET_MAX] = {
		[LOG_TARGET_CGKILL] = "cgkill",
		[LOG_TARGET_JOURNAL] = "journal",
		[LOG_TARGET_CONSOLE] = "console",
	};

	for (enum log_target t = 0; t < LOG_TARGET_MAX; t++)
		if (streq(text, names[t])) {
			*out = t;
			return 0;
		}
	return bad("log-target", text, "give cgkill, journal or console");
}

static int parse_group(const char *text, gid_t *out)
{
	const struct group *gr;
	unsigned number;

	if (parse_uint(text, &number) == 0) {
		*out = number;
		return 0;
	}
	gr = getgrnam(text);
	if (!gr)
		return bad("group", text, "there is no such group");
	*out = gr->gr_gid;
	return 0;
}

static int set_dir(char **out, const char *option, const char *value)
{
	if (value[0] != '/')
		return bad(option, value, "give an absolute path");
	free(*out);
	*out = strdup(value);
	return *out ? 0 : -ENOMEM;
}

static int take(struct options *o, int c)
{
	switch (c) {
	case OPT_ROOT:
		o->root = optarg;
		return optarg[0] == '/' ? 0 : bad("root", optarg, "give an absolute cgroup path");
	case OPT_UNIT_PATH:
		o->unit_path = optarg;
		return 0;
	case OPT_RUNTIME_DIR:
		return set_dir(&o->runtime_dir, "runtime-dir", optarg);
	case OPT_LOG_DIR:
		return set_dir(&o->log_dir, "log-dir", optarg);
	case OPT_LOG_TARGET:
		return parse_log_target(optarg, &o->log_target);
	case OPT_LOG_MAX_SIZE:
		return parse_size(optarg, &o->log_max_size) == 0 && o->log_max_size >= LOG_MAX_SIZE_MIN
			       ? 0
			       : bad("log-max-size", optarg, "give a size such as 16M, of at least 4K");
	case OPT_LOG_MAX_FILES:
		return parse_uint(optarg, &o->log_max_files) == 0 && o->log_max_files > 0
			       ? 0
			       : bad("log-max-files", optarg, "give a number of at least 1");
	case OPT_SYSLOG:
		return set_dir(&o->syslog_path, "syslog", optarg ? optarg : "/dev/log");
	case OPT_GROUP:
		return parse_group(optarg, &o->control_group);
	case OPT_GUARD:
		o->guard = true;
		return !optarg || parse_bool(optarg, &o->guard) == 0
			       ? 0
			       : bad("guard", optarg, "give yes or no");
	case OPT_SHUTDOWN_DEADLINE:
		o->has_budget = true;
		return parse_span(optarg, &o->shutdown_budget) == 0
			       ? 0
			       : bad("shutdown-deadline", optarg, "give a time span such as 25s");
	case OPT_TARGET:
		return unit_name_valid(optarg)
			       ? strv_push(&o->units, optarg)
			       : bad("target", optarg,
				     "give the name of a unit, such as multi-user.target");
	case OPT_INIT:
		o->init = o->guard = true;
		return 0;
	case OPT_STRICT:
		o->strict = true;
		return 0;
	case OPT_USER:
		o->user = true;
		return 0;
	case OPT_ADOPT:
		return parse_bool(optarg, &o->adopt) == 0 ? 0 : bad("adopt", optarg, "give yes or no");
	case OPT_LOG_LEVEL:
		return parse_level(optarg, &o->log_level);
	case OPT_READY_FD:
		return parse_int(optarg, &o->ready_fd) == 0 && o->ready_fd >= 0
			       ? 0
			       : bad("ready-fd", optarg, "give the number of an open descriptor");
	case OPT_CAN_READ:
		return parse_int(optarg, &o->can_read) == 0 && o->can_read > 0
			       ? 0
			       : bad("can-read", optarg, "give a version of records");
	case OPT_HELP:
		fputs(usage, stdout);
		return 1;
	case OPT_VERSION:
		puts("cgkilld " PACKAGE_VERSION);
		return 1;
	default:
		fputs("Try 'cgkilld --help'.\n", stderr); /* getopt has said what is wrong */
		return -EINVAL;
	}
}

/* Nobody may have put another one there, where everybody may: the first of us makes it at once, the next finds it. */
static bool can_have(const char *path)
{
	struct stat st;

	if (mkdir(path, 0755) == 0)
		return true;
	return errno == EEXIST && lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == geteuid() && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

/* In a container /run may not be there, or be read-only, or somebody else's. */
static int find_init_dirs(struct options *o)
{
	static const char *const places[] = { "/run", "/var/run", "/tmp", "/dev/shm" };
	const char *env = getenv(CGKILL_RUNTIME_DIR_ENV), *xdg = getenv("XDG_RUNTIME_DIR");
	bool is_said = o->runtime_dir || o->user || (env && *env);

	if (lone_is_needed(o)) /* which needs none */
		return o->runtime_dir || (o->runtime_dir = strdup(CGKILL_RUNTIME_DIR_SYSTEM))
			       ? 0
			       : -ENOMEM;
	if (!o->log_dir && can_have(LOG_DIR_SYSTEM) && !(o->log_dir = strdup(LOG_DIR_SYSTEM)))
		return -ENOMEM;
	if (is_said || (geteuid() != 0 && xdg && *xdg))
		return 0;
	(void)!mkdir("/run", 0755);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		cleanup_free char *path = NULL;

		if (asprintf(&path, "%s/" CGKILL_RUNTIME_DIR_USER, places[i]) < 0)
			return -ENOMEM;
		if (!can_have(path))
			continue;
		o->runtime_dir = TAKE_PTR(path);
		return 0;
	}
	fputs("cgkilld: neither /run, /var/run, /tmp nor /dev/shm can be written: mount a tmpfs on "
	      "/run, or say with --runtime-dir=DIR what can\n",
	      stderr);
	return -EROFS;
}

/* What --init means for the other options. words: those that follow them. */
static int set_init(struct options *o, char **words)
{
	static char multi_user[] = "multi-user.target", command[] = INIT_COMMAND_UNIT;
	char *usual[] = { words[0] ? command : multi_user, NULL };

	if (!o->guard)
		return bad("guard", "no", "it is the guard that reaps what --init has to");
	if (o->units)
		return bad("target", o->units[0], "with --init the units follow the options");
	o->init_words = words[0] ? words : NULL;
	o->init_command = words[0] && !init_words_are_units(words);
	o->units = strv_copy(words[0] && !o->init_command ? words : usual);
	if (!o->has_budget)
		o->shutdown_budget = INIT_BUDGET;
	return o->units ? find_init_dirs(o) : -ENOMEM;
}

static int set_default_dirs(struct options *o)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR"), *env = getenv(CGKILL_RUNTIME_DIR_ENV);
	bool system = !o->user && geteuid() == 0;

	if (!o->runtime_dir && env && *env) {
		o->runtime_dir = strdup(env);
	} else if (!o->runtime_dir && system) {
		o->runtime_dir = strdup(CGKILL_RUNTIME_DIR_SYSTEM);
		if (!o->log_dir)
			o->log_dir = strdup(LOG_DIR_SYSTEM);
	} else if (!o->runtime_dir) {
		if (!xdg || !*xdg)
			return bad("runtime-dir",
				   "?", "$XDG_RUNTIME_DIR is not set: say where the control socket is to be");
		if (asprintf(&o->runtime_dir, "%s/%s", xdg, CGKILL_RUNTIME_DIR_USER) < 0)
			return -ENOMEM;
	}
	if (!o->runtime_dir || asprintf(&o->socket_path, "%s/" CGKILL_SOCKET, o->runtime_dir) < 0 ||
	    (!o->log_dir && asprintf(&o->log_dir, "%s/log", o->runtime_dir) < 0))
		return -ENOMEM;
	return 0;
}

int options_parse(struct options *out, int argc, char **argv)
{
	struct options o = { .adopt = true,
			     .guard = getpid() == 1,
			     .log_max_size = LOG_MAX_SIZE,
			     .log_max_files = LOG_MAX_FILES,
			     .shutdown_budget = USEC_INFINITY,
			     .control_group = (gid_t)-1,
			     .ready_fd = -1 };
	int c, r = 0;

	/* "+": the options of a command are not ours */
	while (r == 0 && (c = getopt_long(argc, argv, "+", long_options, NULL)) >= 0)
		r = take(&o, c);
	if (r == 0 && o.init) {
		r = set_init(&o, argv + optind);
	} else if (r == 0 && optind < argc) {
		fprintf(stderr, "cgkilld: unexpected argument '%s'; see 'cgkilld --help'\n",
			argv[optind]);
		r = -EINVAL;
	}
	if (r == 0)
		r = set_default_dirs(&o);
	if (o.log_level == 0) /* a command speaks for itself */
		o.log_level = o.init_command ? LOG_WARNING_ : LOG_INFO_;
	if (r != 0) {
		options_deinit(&o);
		return r;
	}
	*out = o;
	return 0;
}

void options_deinit(struct options *o)
{
	strv_free(TAKE_PTR(o->units));
	free(TAKE_PTR(o->runtime_dir));
	free(TAKE_PTR(o->socket_path));
	free(TAKE_PTR(o->log_dir));
	free(TAKE_PTR(o->syslog_path));
}
