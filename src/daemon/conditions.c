/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/conditions.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/credentials.h"
#include "core/env.h"
#include "core/words.h"
#include "util/compat.h"
#include "util/parse.h"
#include "util/strv.h"

/* The first bytes of a small file, as a string; false when there is none. */
static bool read_start(const char *path, char *out, size_t size)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	out[n > 0 ? n : 0] = '\0';
	return n >= 0;
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* ---- paths ---- */

static int test_path_exists(const char *path)
{
	return exists(path);
}

static int test_glob(const char *pattern)
{
	glob_t found = { 0 };
	int r = glob(pattern, GLOB_NOSORT | GLOB_BRACE, NULL, &found);

	globfree(&found);
	return r == 0 ? 1 : r == GLOB_NOMATCH ? 0 : -EIO;
}

static int test_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int test_symbolic_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static int test_mount_point(const char *path)
{
	struct statx st;

	if (statx(AT_FDCWD, path, 0, 0, &st) < 0)
		return 0;
	return st.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT
		       ? (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0
		       : -EOPNOTSUPP; /* before Linux 5.8 */
}

/* The file system, not the file's mode: systemd.unit(5). */
static int test_read_write(const char *path)
{
	struct statvfs fs;

	return statvfs(path, &fs) == 0 && !(fs.f_flag & ST_RDONLY);
}

/* As systemd counts: hidden files and backups are nothing. */
static int test_directory_not_empty(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *e = NULL;

	while (dir && (e = readdir(dir)))
		if (*e->d_name != '.' && !ends_with(e->d_name, "~"))
			break;
	if (dir)
		closedir(dir);
	return e != NULL;
}

static int test_file_not_empty(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
}

static int test_executable(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

/* Is /usr newer than what systemd-update-done(8) has left in the directory? */
static int test_needs_update(const char *dir)
{
	cleanup_free char *stamp = NULL;
	struct stat usr, done;

	if (asprintf(&stamp, "%s/.updated", dir) < 0)
		return -ENOMEM;
	if (!test_read_write(dir) || stat("/usr", &usr) < 0)
		return 0;
	if (stat(stamp, &done) < 0)
		return 1;
	return usr.st_mtim.tv_sec > done.st_mtim.tv_sec ||
	       (usr.st_mtim.tv_sec == done.st_mtim.tv_sec && usr.st_mtim.tv_nsec > done.st_mtim.tv_nsec);
}

/* ---- the host ---- */

static int compare_flag(const char *value, bool is)
{
	bool wanted;
	int r = parse_bool(value, &wanted);

	return r < 0 ? r : wanted == is;
}

static int test_first_boot(const char *value)
{
	return compare_flag(value, exists("/run/systemd/first-boot"));
}

/* Whatever does not say that it is off counts as power, as a host without any of these does. */
static int test_ac_power(const char *value)
{
	glob_t supplies = { 0 };
	size_t off = 0, on = 0;
	char text[16];

	if (glob("/sys/class/power_supply/*/online", GLOB_NOSORT, NULL, &supplies) == 0)
		for (size_t i = 0; i < supplies.gl_pathc; i++)
			if (read_start(supplies.gl_pathv[i], text, sizeof(text)))
				*(*text == '0' ? &off : &on) += 1;
	globfree(&supplies);
	return compare_flag(value, on > 0 || off == 0);
}

static const struct {
	const char *machine,
		*name; /* of uname(2), of systemd.unit(5); those that are not here have one name */
} architectures[] = {
	{ "x86_64", "x86-64" },
	{ "i686", "x86" },
	{ "i586", "x86" },
	{ "i486", "x86" },
	{ "i386", "x86" },
	{ "aarch64", "arm64" },
	{ "aarch64_be", "arm64-be" },
	{ "ppc", "ppc" },
	{ "ppc64le", "ppc64-le" },
	{ "mips64", "mips64" },
	{ "loongarch64", "loongarch64" },
};

static int test_architecture(const char *value)
{
	const char *name;
	struct utsname u;

	uname(&u);
	name = after_prefix(u.machine, "armv") ? "arm" : u.machine;
	for (size_t i = 0; i < ARRAY_SIZE(architectures); i++)
		if (streq(architectures[i].machine, u.machine))
			name = architectures[i].name;
	return streq(value, "native") || streq(value, name);
}

/* The name, as a pattern, or the machine ID. */
static int test_host(const char *value)
{
	char id[64];
	struct utsname u;

	if (read_start("/etc/machine-id", id, sizeof(id))) {
		id[strcspn(id, "\n")] = '\0';
		if (*id && streq(id, value))
			return 1;
	}
	uname(&u);
	return fnmatch(value, u.nodename, FNM_CASEFOLD) == 0;
}

/* A word, "quiet"; an assignment, "init=/bin/sh"; or a word that may also be assigned to. */
static int test_kernel_command_line(const char *value)
{
	struct words words = { 0 };
	char line[4096];
	size_t len = strlen(value);
	int r;

	if (!read_start("/proc/cmdline", line, sizeof(line)))
		return -EIO;
	r = words_push_split(&words, line, WORD_KEEP_UNKNOWN | WORD_OPEN_QUOTE);
	for (char **w = words.v; r == 0 && w && *w; w++)
		r = streq(*w, value) ||
		    (!strchr(value, '=') && strncmp(*w, value, len) == 0 && (*w)[len] == '=');
	words_deinit(&words);
	return r;
}

/* "< 0", ">= 0" and so on: does order, as strcmp(3) would have it, satisfy the operator that text begins with? */
static int satisfies(const char *text, int order)
{
	static const struct {
		const char *word;
		bool less, equal, greater;
	} operators[] = {
		{ "<=", true, true, false },  { ">=", false, true, true },
		{ "!=", true, false, true },  { "<>", true, false, true },
		{ "==", false, true, false }, { "<", true, false, false },
		{ ">", false, false, true },  { "=", false, true, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(operators); i++)
		if (after_prefix(text, operators[i].word))
			return order < 0   ? operators[i].less
			       : order > 0 ? operators[i].greater
					   : operators[i].equal;
	return -EINVAL;
}

/* All of the expressions, with or without a space behind the operator; one without an operator is a pattern. */
static int test_kernel_version(const char *value)
{
	cleanup_strv char **words = NULL;
	struct utsname u;
	int r = split_words(value, &words);

	uname(&u);
	for (size_t i = 0; r == 0 && words && words[i]; i++) {
		const char *operator= words[i], *version = condition_operand(operator);

		if (!*version && words[i + 1])
			version = words[++i];
		if (version == operator)
			r = fnmatch(version, u.release, 0) == 0;
		else if ((*operator== '=' || * operator== '!') && strpbrk(version, "*?["))
			r = satisfies(operator, fnmatch(version, u.release, 0));
		else
			r = satisfies(operator, strverscmp(u.release, version));
		if (r <= 0)
			return r;
		r = 0;
	}
	return r < 0 ? r : 1;
}

static int test_kernel_module(const char *name)
{
	cleanup_free char *path = NULL;

	if (!*name || strchr(name, '/') || asprintf(&path, "/sys/module/%s", name) < 0)
		return -EINVAL;
	for (char *p = path + strlen("/sys/module/"); *p; p++)
		if (*p == '-')
			*p = '_';
	return exists(path);
}

static int test_security(const char *value)
{
	static const struct {
		const char *name, *path;
		char is; /* the first byte of the file; 0: that it is there will do */
	} technologies[] = {
		{ "selinux", "/sys/fs/selinux/enforce", 0 },
		{ "apparmor", "/sys/module/apparmor/parameters/enabled", 'Y' },
		{ "smack", "/sys/fs/smackfs/version", 0 },
		{ "tomoyo", "/sys/kernel/security/tomoyo/version", 0 },
		{ "ima", "/sys/kernel/security/ima", 0 },
		{ "tpm2", "/sys/class/tpmrm/tpmrm0", 0 },
	};
	char start[8];

	for (size_t i = 0; i < ARRAY_SIZE(technologies); i++) {
		if (!streq(value, technologies[i].name))
			continue;
		if (!technologies[i].is)
			return exists(technologies[i].path);
		return read_start(technologies[i].path, start, sizeof(start)) &&
		       *start == technologies[i].is;
	}
	return -EOPNOTSUPP;
}

static int compare_number(const char *value, uint64_t is, int (*parse)(const char *, uint64_t *))
{
	uint64_t number;
	int r = parse(condition_operand(value), &number);

	if (r < 0)
		return r;
	r = is < number ? -1 : is > number;
	return condition_operand(value) == value ? r >= 0 : satisfies(value, r);
}

static int test_memory(const char *value)
{
	return compare_number(value,
			      (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE),
			      parse_size);
}

static int test_cpus(const char *value)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return -errno;
	return compare_number(value, (uint64_t)CPU_COUNT(&cpus), parse_u64);
}

/* ---- what the host is ---- */

/* One after the other, each with its NUL. */
static bool in_strings(const char *path, const char *wanted)
{
	char text[4096];
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	for (const char *p = text; p - text < n; p += strlen(p) + 1)
		if (streq(p, wanted))
			return true;
	return false;
}

static int test_firmware(const char *value)
{
	const char *rest = after_prefix(value, "device-tree-compatible(");
	cleanup_free char *wanted = rest ? strdup(rest) : NULL;

	if (streq(value, "uefi"))
		return exists("/sys/firmware/efi");
	if (streq(value, "device-tree"))
		return exists("/proc/device-tree");
	if (!wanted || !ends_with(wanted, ")"))
		return -EOPNOTSUPP;
	wanted[strlen(wanted) - 1] = '\0';
	return in_strings("/proc/device-tree/compatible", wanted);
}

/* Of those that cgkilld was given. */
static int test_credential(const char *value)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	cleanup_free char *path = NULL;

	if (!dir || !credential_id_is_valid(value))
		return 0;
	return asprintf(&path, "%s/%s", dir, value) < 0 ? -ENOMEM : exists(path);
}

/* Is word among those behind the colon of a line that begins with key? */
static bool in_line(const char *path, const char *key, const char *wanted)
{
	cleanup_free char *line = NULL;
	FILE *f = fopen(path, "re");
	bool found = false;
	size_t cap = 0;

	while (f && !found && getline(&line, &cap, f) > 0) {
		char *rest = after_prefix(line, key) ? strchr(line, ':') : NULL, *word;

		while (!found && rest && (word = strsep(&rest, ": \t\n")))
			found = streq(word, wanted);
	}
	if (f)
		fclose(f);
	return found;
}

/* By the kernel's name of it, which is systemd's for nearly all. */
static int test_cpu_feature(const char *value)
{
	return *value && (in_line("/proc/cpuinfo", "flags", value) ||
			  in_line("/proc/cpuinfo", "Features", value));
}

/* Which the host has; "v1" and "v2": what is mounted at the place for it. */
static int test_cgroup_controller(const char *value)
{
	cleanup_strv char **words = NULL;
	bool unified = exists("/sys/fs/cgroup/cgroup.controllers");
	const char *enabled;
	int r;

	if (streq(value, "v1") || streq(value, "v2"))
		return unified == (value[1] == '2');
	r = split_words(value, &words);
	for (size_t i = 0; r == 0 && words && words[i]; i++) {
		cleanup_free char *line = NULL;
		FILE *f = fopen("/proc/cgroups", "re");
		size_t cap = 0, len = strlen(words[i]);

		enabled = NULL;
		while (f && !enabled && getline(&line, &cap, f) > 0)
			if (strncmp(line, words[i], len) == 0 && line[len] == '\t')
				enabled = strrchr(line, '\t');
		if (f)
			fclose(f);
		if (!enabled || enabled[1] != '1')
			return 0;
	}
	return r < 0 ? r : 1;
}

/* KEY, an operator, a value: "=" is equality of text here, "$=" that a pattern fits, and the others compare versions. */
static int test_field(char *const *fields, const char *word)
{
	size_t len = strcspn(word, "<>=!$");
	const char *is = env_get_n(fields, word, len), *operator= word + len, *value, *glob;

	is = is ? is : "";
	value = condition_operand(operator);
	if ((glob = after_prefix(operator, "$=")))
		return fnmatch(glob, is, 0) == 0;
	if ((glob = after_prefix(operator, "!$=")))
		return fnmatch(glob, is, 0) != 0;
	if (*operator== '=' || * operator== '!')
		return satisfies(operator, strcmp(is, value));
	return satisfies(operator, strverscmp(is, value));
}

static int test_os_release(const char *value)
{
	static const char *const files[] = { "/etc/os-release", "/usr/lib/os-release" };
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_strv char **fields = NULL, **words = NULL;
	char text[8192];
	int r = split_words(value, &words);

	if (r == 0 &&
	    (read_start(files[0], text, sizeof(text)) || read_start(files[1], text, sizeof(text))))
		r = env_file_parse(&fields, text, strlen(text), files[0], &diags);
	for (size_t i = 0; r == 0 && words && words[i]; i++) {
		r = test_field(fields, words[i]);
		if (r <= 0)
			return r;
		r = 0;
	}
	return r < 0 ? r : 1;
}

/* ---- virtualization ---- */

/* What a container manager has said to its init, which /proc/PID/environ shows to root alone. */
static bool read_init_environment(char *out, size_t size)
{
	static const char key[] = "container=";
	char environment[8192];
	cleanup_close int fd = open("/proc/1/environ", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, environment, sizeof(environment) - 1);

	if (n <= 0)
		return false;
	environment[n] = '\0';
	for (const char *p = environment; p < environment + n; p += strlen(p) + 1)
		if (after_prefix(p, key)) {
			snprintf(out, size, "%s", p + strlen(key));
			return *out;
		}
	return false;
}

/* As systemd-detect-virt(1) names it; "" = none. */
static void find_container(char *out, size_t size)
{
	char text[128];

	if (read_start("/proc/sys/kernel/osrelease", text, sizeof(text)) &&
	    (strstr(text, "Microsoft") || strstr(text, "WSL")))
		snprintf(out, size, "wsl");
	else if (exists("/proc/vz") && !exists("/proc/bc"))
		snprintf(out, size, "openvz");
	else if (read_start("/run/systemd/container", out, size) && *out)
		out[strcspn(out, "\n")] = '\0';
	else if (exists("/run/.containerenv"))
		snprintf(out, size, "podman");
	else if (exists("/.dockerenv"))
		snprintf(out, size, "docker");
	else if (!read_init_environment(out, size))
		*out = '\0';
}

/* As systemd has it, by the names that the firmware bears, where that says so; x86 also tells that there is some hypervisor. */
static const char *find_vm(void)
{
	static const char *const files[] = {
		"/sys/class/dmi/id/product_name",
		"/sys/class/dmi/id/sys_vendor",
		"/sys/class/dmi/id/board_vendor",
		"/sys/class/dmi/id/bios_vendor",
	};
	static const struct {
		const char *prefix, *name;
	} makers[] = {
		{ "KVM", "kvm" },
		{ "OpenStack", "kvm" },
		{ "KubeVirt", "kvm" },
		{ "Amazon EC2", "amazon" },
		{ "QEMU", "qemu" },
		{ "VMware", "vmware" },
		{ "VMW", "vmware" },
		{ "innotek GmbH", "oracle" },
		{ "VirtualBox", "oracle" },
		{ "Xen", "xen" },
		{ "Bochs", "bochs" },
		{ "Parallels", "parallels" },
		{ "BHYVE", "bhyve" },
		{ "Hyper-V", "microsoft" },
		{ "Apple Virtualization", "apple" },
		{ "Google Compute Engine", "google" },
	};
	char text[4096];

	for (size_t f = 0; f < ARRAY_SIZE(files); f++) {
		if (!read_start(files[f], text, sizeof(text)))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(makers); i++)
			if (after_prefix(text, makers[i].prefix))
				return makers[i].name;
	}
	if (exists("/proc/xen/capabilities"))
		return "xen";
	return read_start("/proc/cpuinfo", text, sizeof(text)) && strstr(text, " hypervisor")
		       ? "vm-other"
		       : "";
}

static int test_virtualization(const char *value)
{
	const char *vm;
	char container[64];
	bool flag;

	find_container(container, sizeof(container));
	vm = *container ? "" : find_vm();
	if (parse_bool(value, &flag) == 0)
		return flag == (*container || *vm);
	if (streq(value, "vm"))
		return *vm != '\0';
	if (streq(value, "container"))
		return *container != '\0';
	return streq(value, "none") ? !*container && !*vm : streq(value, *vm ? vm : container);
}

/* ---- cgkilld itself ---- */

static int test_environment(const char *value)
{
	size_t len = strcspn(value, "=");

	for (char *const *e = environ; *e; e++)
		if (value[len] ? streq(*e, value) : strncmp(*e, value, len) == 0 && (*e)[len] == '=')
			return 1;
	return 0;
}

/* That of the service manager. */
static int test_user(const char *value)
{
	const struct passwd *pw;
	unsigned id;

	if (streq(value, "@system"))
		return getuid() < 1000 || geteuid() < 1000;
	if (parse_uint(value, &id) == 0)
		return id == getuid() || id == geteuid();
	if (streq(value, "root"))
		return getuid() == 0 || geteuid() == 0;
	pw = getpwnam(value);
	return pw && (pw->pw_uid == getuid() || pw->pw_uid == geteuid());
}

static int test_group(const char *value)
{
	const struct group *gr;
	unsigned id;

	if (parse_uint(value, &id) < 0) {
		gr = getgrnam(value);
		if (!gr)
			return 0;
		id = gr->gr_gid;
	}
	return id == getgid() || group_member(id);
}

/* clang-format off */
/* Numbers are those of linux/capability.h. */
static const char *const capabilities[] = {
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid",
	"setuid", "setpcap", "linux_immutable", "net_bind_service", "net_broadcast", "net_admin",
	"net_raw", "ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace",
	"sys_pacct", "sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time",
	"sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap",
	"mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read",
	"perfmon", "bpf", "checkpoint_restore",
};
/* clang-format on */

static int capability_number(const char *value)
{
	const char *name = strncasecmp(value, "cap_", 4) == 0 ? value + 4 : value;

	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
		if (strcasecmp(capabilities[i], name) == 0)
			return (int)i;
	return -EINVAL;
}

/* In the bounding set: systemd.unit(5). */
static int test_capability(const char *value)
{
	int number = capability_number(value);
	const char *line;
	char status[4096];

	if (number < 0)
		return number;
	line = read_start("/proc/self/status", status, sizeof(status))
		       ? strstr(status, "\nCapBnd:\t")
		       : NULL;
	if (!line)
		return -EIO;
	return (strtoull(line + strlen("\nCapBnd:\t"), NULL, 16) >> number & 1) != 0;
}

/* ---- the table ---- */

int condition_test(enum condition_kind kind, const char *value, void *arg unused)
{
	static int (*const tests[CONDITION_KIND_MAX])(const char *value) = {
		[CONDITION_PATH_EXISTS] = test_path_exists,
		[CONDITION_PATH_EXISTS_GLOB] = test_glob,
		[CONDITION_PATH_IS_DIRECTORY] = test_directory,
		[CONDITION_PATH_IS_SYMBOLIC_LINK] = test_symbolic_link,
		[CONDITION_PATH_IS_MOUNT_POINT] = test_mount_point,
		[CONDITION_PATH_IS_READ_WRITE] = test_read_write,
		[CONDITION_DIRECTORY_NOT_EMPTY] = test_directory_not_empty,
		[CONDITION_FILE_NOT_EMPTY] = test_file_not_empty,
		[CONDITION_FILE_IS_EXECUTABLE] = test_executable,
		[CONDITION_NEEDS_UPDATE] = test_needs_update,
		[CONDITION_FIRST_BOOT] = test_first_boot,
		[CONDITION_AC_POWER] = test_ac_power,
		[CONDITION_ARCHITECTURE] = test_architecture,
		[CONDITION_VIRTUALIZATION] = test_virtualization,
		[CONDITION_HOST] = test_host,
		[CONDITION_KERNEL_COMMAND_LINE] = test_kernel_command_line,
		[CONDITION_KERNEL_VERSION] = test_kernel_version,
		[CONDITION_KERNEL_MODULE_LOADED] = test_kernel_module,
		[CONDITION_SECURITY] = test_security,
		[CONDITION_CAPABILITY] = test_capability,
		[CONDITION_ENVIRONMENT] = test_environment,
		[CONDITION_USER] = test_user,
		[CONDITION_GROUP] = test_group,
		[CONDITION_MEMORY] = test_memory,
		[CONDITION_CPUS] = test_cpus,
		[CONDITION_FIRMWARE] = test_firmware,
		[CONDITION_CREDENTIAL] = test_credential,
		[CONDITION_CPU_FEATURE] = test_cpu_feature,
		[CONDITION_CGROUP_CONTROLLER] = test_cgroup_controller,
		[CONDITION_OS_RELEASE] = test_os_release,
	};

	return tests[kind](value);
}
