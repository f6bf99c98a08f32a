/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/utsname.h>

/* What struct host_facts points to; there is one host. */
static struct {
	struct utsname name;
	char short_host[sizeof(((struct utsname *)NULL)->nodename)];
	char machine_id[64], boot_id[64];
	char config_dir[PATH_MAX], state_dir[PATH_MAX], cache_dir[PATH_MAX], logs_dir[PATH_MAX];
} strings;

/* "a-b-c\n" of /proc/sys/kernel/random/boot_id, or /etc/machine-id, without dashes and newline; "" when it is not there. */
static const char *read_id(const char *path, char out[64])
{
	char text[63];
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text));
	size_t len = 0;

	for (ssize_t i = 0; i < n && text[i] != '\n'; i++)
		if (text[i] != '-')
			out[len++] = text[i];
	out[len] = '\0';
	return out;
}

/* An /etc/passwd-less look at who we are: $HOME and its like say it for users, root is known. */
static const char *env_or(const char *name, const char *otherwise)
{
	const char *v = getenv(name);

	return v && *v ? v : otherwise;
}

static void set_system_dirs(struct host_facts *h)
{
	h->state_dir = "/var/lib";
	h->cache_dir = "/var/cache";
	h->logs_dir = "/var/log";
	h->config_dir = "/etc";
}

/* NULL: too long for a path. */
static const char *below(char out[PATH_MAX], const char *dir, const char *rest)
{
	return snprintf(out, PATH_MAX, "%s%s", dir, rest) < PATH_MAX ? out : NULL;
}

static void set_user_dirs(struct host_facts *h)
{
	h->config_dir = env_or("XDG_CONFIG_HOME", below(strings.config_dir, h->home, "/.config"));
	h->state_dir = env_or("XDG_STATE_HOME", below(strings.state_dir, h->home, "/.local/state"));
	h->cache_dir = env_or("XDG_CACHE_HOME", below(strings.cache_dir, h->home, "/.cache"));
	h->logs_dir = h->state_dir ? below(strings.logs_dir, h->state_dir, "/log") : NULL;
}

static unsigned long long memory_of_host(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGE_SIZE);

	return pages > 0 && size > 0 ? (unsigned long long)pages * (unsigned long long)size : 0;
}

/* 0: it does not say. */
static unsigned long long read_number(const char *path)
{
	cleanup_fclose FILE *f = fopen(path, "re");
	unsigned long long n;

	return f && fscanf(f, "%llu", &n) == 1 ? n : 0;
}

/* The smaller of the two limits that the kernel has: proc_sys_kernel(5). */
static unsigned long long tasks_of_host(void)
{
	unsigned long long pids = read_number("/proc/sys/kernel/pid_max");
	unsigned long long threads = read_number("/proc/sys/kernel/threads-max");

	return threads > 0 && (pids == 0 || threads < pids) ? threads : pids;
}

int host_facts_read(struct host_facts *out, bool user, const char *runtime_dir)
{
	struct utsname *name = &strings.name;
	bool root = geteuid() == 0;
	struct host_facts h = { .uid = geteuid(), .gid = getegid(), .runtime_dir = runtime_dir };

	uname(name);
	snprintf(strings.short_host, sizeof(strings.short_host), "%.*s",
		 (int)strcspn(name->nodename, "."), name->nodename);
	h.host_name = name->nodename;
	h.short_host = strings.short_host;
	h.kernel = name->release;
	h.arch = streq(name->machine, "x86_64")	   ? "x86-64"
		 : streq(name->machine, "aarch64") ? "arm64"
						   : name->machine;
	h.machine_id = read_id("/etc/machine-id", strings.machine_id);
	h.boot_id = read_id("/proc/sys/kernel/random/boot_id", strings.boot_id);
	h.tmp_dir = env_or("TMPDIR", "/tmp");
	h.var_tmp_dir = env_or("TMPDIR", "/var/tmp");
	h.user = root ? "root" : env_or("USER", "");
	h.group = root ? "root" : env_or("USER", "");
	h.home = root ? "/root" : env_or("HOME", "/");
	h.shell = root ? "/bin/sh" : env_or("SHELL", "/bin/sh");
	h.memory = memory_of_host();
	h.tasks = tasks_of_host();
	if (user)
		set_user_dirs(&h);
	else
		set_system_dirs(&h);
	if (!h.state_dir || !h.cache_dir || !h.logs_dir || !h.config_dir)
		return -ENAMETOOLONG;
	*out = h;
	return 0;
}

/* The numbers are those of enum init_ns_ino (include/uapi/linux/nsfs.h), unchanged since Linux 3.8. */
static bool is_initial(const char *path, ino_t initial)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_ino == initial;
}

bool host_in_initial_user_namespace(void)
{
	return is_initial("/proc/self/ns/user", 0xEFFFFFFD);
}

bool host_in_initial_pid_namespace(void)
{
	return is_initial("/proc/self/ns/pid", 0xEFFFFFFC);
}
