/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/host.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/utsname.h>

#include "util/buf.h"

/* "a-b-c\n" of /proc/sys/kernel/random/boot_id, or /etc/machine-id, without dashes and newline; "" when it is not there. */
static char *read_id(const char *path)
{
	struct buf b = BUF_INIT;
	char text[64];
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text));

	for (ssize_t i = 0; i < n && text[i] != '\n'; i++)
		if (text[i] != '-')
			buf_putc(&b, text[i]);
	return buf_take(&b);
}

/* An /etc/passwd-less look at who we are: $HOME and its like say it for users, root is known. */
static const char *env_or(const char *name, const char *otherwise)
{
	const char *v = getenv(name);

	return v && *v ? v : otherwise;
}

static char *below(const char *dir, const char *rest)
{
	char *out;

	return asprintf(&out, "%s%s", dir, rest) < 0 ? NULL : out;
}

static void set_system_dirs(struct host_facts *h)
{
	h->state_dir = "/var/lib";
	h->cache_dir = "/var/cache";
	h->logs_dir = "/var/log";
	h->config_dir = "/etc";
}

static const char *user_dir(const char *name, const char *home, const char *rest)
{
	const char *v = env_or(name, NULL);

	return v ? v : below(home, rest);
}

static void set_user_dirs(struct host_facts *h)
{
	h->config_dir = user_dir("XDG_CONFIG_HOME", h->home, "/.config");
	h->state_dir = user_dir("XDG_STATE_HOME", h->home, "/.local/state");
	h->cache_dir = user_dir("XDG_CACHE_HOME", h->home, "/.cache");
	h->logs_dir = h->state_dir ? below(h->state_dir, "/log") : NULL;
}

int host_facts_read(struct host_facts *out, bool user, const char *runtime_dir)
{
	static struct utsname name;
	bool root = geteuid() == 0;
	struct host_facts h = { .uid = geteuid(), .gid = getegid(), .runtime_dir = runtime_dir };

	uname(&name);
	h.host_name = name.nodename;
	h.short_host = strndup(name.nodename, strcspn(name.nodename, "."));
	h.kernel = name.release;
	h.arch = streq(name.machine, "x86_64") ? "x86-64" : streq(name.machine, "aarch64") ? "arm64" : name.machine;
	h.machine_id = read_id("/etc/machine-id");
	h.boot_id = read_id("/proc/sys/kernel/random/boot_id");
	h.tmp_dir = env_or("TMPDIR", "/tmp");
	h.var_tmp_dir = env_or("TMPDIR", "/var/tmp");
	h.user = root ? "root" : env_or("USER", "");
	h.group = root ? "root" : env_or("USER", "");
	h.home = root ? "/root" : env_or("HOME", "/");
	h.shell = root ? "/bin/sh" : env_or("SHELL", "/bin/sh");
	if (user)
		set_user_dirs(&h);
	else
		set_system_dirs(&h);
	if (!h.short_host || !h.machine_id || !h.boot_id || !h.state_dir || !h.cache_dir || !h.logs_dir || !h.config_dir)
		return -ENOMEM;
	*out = h;
	return 0;
}
