/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "crash/stage.h"

#include <cgkill/protocol.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "core/varlink.h"

#define WAIT	   (4 * USEC_PER_SEC)
#define GLANCE	   (20 * USEC_PER_MSEC)
#define RECORD_KEY "user.cgkill.record"
#define THE_UNIT   "{\"units\":[\"" UNIT "\"]}"
#define ROOT_KEY   "user.cgkill.made"

bool complain(struct stage *s, const char *format, ...)
{
	va_list args;

	if (s->complaint[0])
		return false;
	va_start(args, format);
	vsnprintf(s->complaint, sizeof(s->complaint), format, args);
	va_end(args);
	return false;
}

printf_like(3, 4) static void path_of(char (*out)[PATH_MAX], const struct stage *s,
				      const char *format, ...)
{
	int n = snprintf(*out, sizeof(*out), "%s/", s->dir);
	va_list args;

	va_start(args, format);
	vsnprintf(*out + n, sizeof(*out) - (size_t)n, format, args);
	va_end(args);
}

/* ---- bystander ---- */

static void stand_by(int ready_fd, void *arg)
{
	unsigned *heard = arg;
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	if (write(ready_fd, "r", 1) != 1)
		_exit(99);
	close_fd(ready_fd);
	for (;;)
		if (sigwaitinfo(&all, NULL) > 0)
			++*heard;
}

static void start_bystander(struct stage *s)
{
	struct cg cg = CG_INIT;
	int r = cg_create(&cg, &s->t.root, "bystander");

	if (r == -EEXIST)
		r = cg_open(&cg, &s->t.root, "bystander");
	if (r == 0)
		s->bystander = cgtest_start_fn(&cg, stand_by, s->bystander_heard);
	*s->bystander_heard = 0;
	cg_close(&cg);
}

bool stage_bystander_unharmed(struct stage *s)
{
	bool lives = process_lives(s->bystander);
	unsigned heard = *s->bystander_heard;

	if (lives && heard == 0)
		return true;
	complain(s, "a process outside was %s (%u signals)", lives ? "signalled" : "killed", heard);
	kill(s->bystander, SIGKILL);
	waitpid(s->bystander, NULL, 0);
	start_bystander(s);
	return false;
}

/* ---- the stage itself ---- */

static char *program(const char *variable, const char *name)
{
	const char *given = variable ? getenv(variable) : NULL, *build = getenv("CGKILL_BUILDDIR");
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", build ? build : ".", name);
	return realpath(given ? given : path, NULL);
}

static int remove_one(const char *path, const struct stat *st unused, int type unused,
		      struct FTW *ftw unused)
{
	return remove(path);
}

static void remove_directory(const char *path, int fd unused)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int stage_open(struct stage *s, bool guarded)
{
	static const char *const dirs[] = { "units", "run", "log" };
	char path[PATH_MAX];
	int r;

	*s = (struct stage){ .dir = "/tmp/cgkill-crash.XXXXXX",
			     .home = CG_INIT,
			     .guarded = guarded,
			     .ready_fd = -1,
			     .client_fd = -1 };
	s->cgkilld_path = program("CGKILLD", "src/cgkilld");
	s->witness_path = program(NULL, "tests/crash/witness");
	s->bystander_heard = mmap(NULL, sizeof(*s->bystander_heard), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!s->cgkilld_path || !s->witness_path || s->bystander_heard == MAP_FAILED || !mkdtemp(s->dir))
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		path_of(&path, s, "%s", dirs[i]);
		if (mkdir(path, 0755) < 0)
			return -errno;
	}
	r = cgtest_when_we_end(remove_directory, s->dir, -1);
	if (r == 0)
		r = cgtest_begin(&s->t);
	if (r == 0)
		r = cg_create(&s->home, &s->t.root, "home");
	if (r == 0)
		start_bystander(s);
	return r;
}

void stage_close(struct stage *s)
{
	stage_clear(s);
	kill(s->bystander, SIGKILL);
	waitpid(s->bystander, NULL, 0);
	cg_close(&s->home);
	cgtest_end(&s->t);
	munmap(s->bystander_heard, sizeof(*s->bystander_heard));
	free(s->cgkilld_path);
	free(s->witness_path);
}

static void write_unit(struct stage *s, const char *name, const char *section)
{
	char path[PATH_MAX];
	FILE *f;

	path_of(&path, s, "units/%s", name);
	f = fopen(path, "we");
	if (!f) {
		complain(s, "%s: %s", path, strerror(errno));
		return;
	}
	fputs("[Service]\n", f);
	for (; *section; section++)
		if (*section == '@')
			fprintf(f, "%s %s", s->witness_path, s->dir);
		else if (*section == '~')
			fputs(s->dir, f);
		else
			fputc(*section, f);
	fclose(f);
}

/* It survives TERM, and has only one line to say. */
static const char twin[] =
	"Slice=a-b.slice\nTimeoutStopSec=300ms\n"
	"ExecStart=/bin/sh -c 'trap \"\" TERM; echo twin $$$$ 0 >>~/journal; exec sleep infinity'\n"
	"[Unit]\nPartOf=" UNIT "\n";

void stage_set(struct stage *s, const char *service_section)
{
	char path[PATH_MAX];

	s->complaint[0] = '\0';
	s->asked = s->killed = s->ready = 0;
	s->taken = false;
	path_of(&path, s, "journal");
	unlink(path);
	path_of(&path, s, "log/cgkilld");
	unlink(path);
	path_of(&path, s, "pid");
	unlink(path);
	snprintf(s->root, sizeof(s->root), "%s/services.%u", s->t.root_file_path, s->serial++);
	write_unit(s, UNIT, service_section);
	write_unit(s, "twin.service", twin);
}

static void close_client(struct stage *s)
{
	s->client_fd = close_fd(s->client_fd);
	buf_deinit(&s->heard);
	s->heard = (struct buf)BUF_INIT;
}

static int kill_members(const char *path, const struct stat *st unused, int type, struct FTW *ftw unused)
{
	char procs[PATH_MAX + 16];
	int pid;
	FILE *f;

	if (type != FTW_DP)
		return 0;
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
	f = fopen(procs, "re");
	while (f && fscanf(f, "%d", &pid) == 1)
		kill(pid, SIGKILL);
	if (f)
		fclose(f);
	rmdir(path);
	return 0;
}

void stage_clear(struct stage *s)
{
	usec_t end = clock_now() + WAIT;
	char path[PATH_MAX];

	stage_kill_cgkilld(s);
	close_client(s);
	while (access(s->root, F_OK) == 0 && clock_now() < end) {
		nftw(s->root, kill_members, 16, FTW_DEPTH | FTW_PHYS);
		cgtest_sleep_ms(1);
	}
	path_of(&path, s, "run");
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	mkdir(path, 0755);
}

/* ---- the client ---- */

static int dial(const struct stage *s)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/run/" CGKILL_SOCKET, s->dir);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		fd = close_fd(fd);
	return fd;
}

static bool say(struct stage *s, int fd, const char *method, const char *parameters)
{
	char call[256];
	int n = snprintf(call, sizeof(call),
			 "{\"method\":\"" CGKILL_INTERFACE ".%s\",\"parameters\":%s}", method,
			 parameters);

	return (fd >= 0 && send(fd, call, (size_t)n + 1, MSG_NOSIGNAL) == n + 1) ||
	       complain(s, "cannot ask for %s: %s", method, strerror(errno));
}

bool stage_ask(struct stage *s, const char *method)
{
	stage_remember_state(s);
	close_client(s);
	s->client_fd = dial(s);
	return say(s, s->client_fd, method, THE_UNIT);
}

bool stage_heard(struct stage *s)
{
	char chunk[4096];
	ssize_t n;

	do {
		n = recv(s->client_fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		if (n > 0)
			buf_append(&s->heard, chunk, (size_t)n);
	} while (n > 0);
	return s->heard.len > 0 && memchr(s->heard.data, '\0', s->heard.len);
}

/* The parameters of the reply. */
static json_t *converse(struct stage *s, const char *method, const char *parameters, usec_t limit)
{
	cleanup_close int fd = dial(s);
	usec_t end = clock_now() + limit;
	struct varlink_reply reply;
	cleanup_buf struct buf in = BUF_INIT;
	char chunk[4096];

	if (!say(s, fd, method, parameters))
		return NULL;
	while (varlink_take_reply(&in, SIZE_MAX, &reply) == 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n = poll(&p, 1, (int)(usec_sub(end, clock_now()) / USEC_PER_MSEC)) == 1
				    ? recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT)
				    : 0;

		if (n <= 0) {
			complain(s, "%s is not answered", method);
			return NULL;
		}
		buf_append(&in, chunk, (size_t)n);
	}
	if (reply.error)
		complain(s, "%s is answered by %s", method, reply.error);
	free(reply.error);
	return reply.parameters;
}

bool stage_do(struct stage *s, const char *method)
{
	cleanup_json json_t *reply = converse(s, method, THE_UNIT, WAIT);

	return reply && !s->complaint[0];
}

static void copy_text(char (*out)[32], const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	snprintf(*out, sizeof(*out), "%s", text ? text : "");
}

bool stage_status(struct stage *s, struct status *out)
{
	cleanup_json json_t *reply = converse(s, "GetStatus", THE_UNIT, WAIT);
	const json_t *unit = json_array_get(json_object_get(reply, "units"), 0);

	if (!unit)
		return complain(s, "no status");
	copy_text(&out->active, unit, "activeState");
	copy_text(&out->sub, unit, "subState");
	copy_text(&out->result, unit, "result");
	out->main = (pid_t)json_integer_value(json_object_get(unit, "mainPid"));
	return true;
}

bool stage_settled(struct stage *s, struct status *out)
{
	static const char *const settled[] = { "running", "exited", "dead",
					       "failed",  "stuck",  "unknown" };
	usec_t end = clock_now() + WAIT;

	do {
		if (!stage_status(s, out))
			return false;
		for (size_t i = 0; i < ARRAY_SIZE(settled); i++)
			if (streq(out->sub, settled[i]))
				return true;
		cgtest_sleep_ms(3);
	} while (clock_now() < end);
	return complain(s, "the service hangs in %s (%s)", out->active, out->sub);
}

/* ---- cgkilld ---- */

/* It traces its process at the end, which is traced by us then. */
static void forbid_leak_check(void)
{
	const char *options = getenv("ASAN_OPTIONS");
	char changed[512];

	snprintf(changed, sizeof(changed), "%s:detect_leaks=0", options ? options : "");
	setenv("ASAN_OPTIONS", changed, 1);
}

_Noreturn static void exec_cgkilld(struct stage *s, int ready_fd, bool traced)
{
	char root[sizeof(s->root) + 8], ready[32], units[96], run[96], log[96], log_file[128];
	sigset_t none;
	int fd;

	snprintf(root, sizeof(root), "--root=%s", s->root);
	snprintf(ready, sizeof(ready), "--ready-fd=%d", ready_fd);
	snprintf(units, sizeof(units), "--unit-path=%s/units", s->dir);
	snprintf(run, sizeof(run), "--runtime-dir=%s/run", s->dir);
	snprintf(log, sizeof(log), "--log-dir=%s/log", s->dir);
	snprintf(log_file, sizeof(log_file), "%s/log/cgkilld", s->dir);
	fd = open(log_file, O_WRONLY | O_CREAT | O_APPEND, 0644);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (cgtest_write(&s->home, "cgroup.procs", "0") < 0)
		_exit(97);
	forbid_leak_check();
	if (traced && ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(96);
	execl(s->cgkilld_path, "cgkilld", root, units, run, log, ready,
	      s->guarded ? "--guard" : NULL, (char *)NULL);
	_exit(95);
}

bool stage_launch(struct stage *s, bool traced)
{
	int ready[2];
	pid_t pid;

	s->ready = 0;
	if (s->guard > 0)
		return true;
	if (pipe2(ready, O_CLOEXEC) < 0)
		return complain(s, "pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		fcntl(ready[1], F_SETFD, 0);
		exec_cgkilld(s, ready[1], traced);
	}
	close_fd(ready[1]);
	close_fd(s->ready_fd);
	s->ready_fd = ready[0];
	*(s->guarded ? &s->guard : &s->cgkilld) = pid;
	return pid > 0 || complain(s, "fork: %s", strerror(errno));
}

/* The process that answers; 0 = none does. */
static pid_t who_answers(struct stage *s)
{
	cleanup_json json_t *reply = NULL;
	bool complained = s->complaint[0];

	reply = converse(s, "GetVersion", "{}", GLANCE);
	if (!complained)
		s->complaint[0] = '\0';
	return (pid_t)json_integer_value(json_object_get(reply, "pid"));
}

/* Only the first one that a guard starts has a descriptor to tell it by. */
bool stage_is_ready(struct stage *s)
{
	struct pollfd p = { .fd = s->ready_fd, .events = POLLIN };
	char c;

	if (s->ready > 0)
		return true;
	if (s->ready_fd >= 0 && (poll(&p, 1, 0) != 1 || read(s->ready_fd, &c, 1) != 1))
		return false;
	s->ready_fd = close_fd(s->ready_fd);
	if (s->guarded)
		s->cgkilld = who_answers(s);
	if (s->cgkilld == 0)
		return false;
	s->ready = clock_now();
	return true;
}

bool stage_await_ready(struct stage *s)
{
	usec_t end = clock_now() + WAIT;

	while (!stage_is_ready(s)) {
		if (clock_now() > end)
			return complain(s, "cgkilld does not become ready");
		cgtest_sleep_ms(1);
	}
	return true;
}

/* Stopped, it starts nobody over our head. */
static void kill_guard(struct stage *s)
{
	char path[64];
	FILE *f;
	int pid;

	kill(s->guard, SIGSTOP);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)s->guard, (int)s->guard);
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1)
		kill(pid, SIGKILL);
	if (f)
		fclose(f);
	kill(s->guard, SIGKILL);
	waitpid(s->guard, NULL, 0);
	s->guard = s->cgkilld = 0;
}

void stage_kill_cgkilld(struct stage *s)
{
	if (s->guard > 0)
		kill_guard(s);
	if (s->cgkilld > 0) {
		kill(s->cgkilld, SIGKILL);
		waitpid(s->cgkilld, NULL, __WALL);
	}
	s->cgkilld = 0;
	s->ready_fd = close_fd(s->ready_fd);
}

/* The line "state" of the record; "" = there is no record. */
static void read_recorded_state(const struct stage *s, char (*out)[32])
{
	char path[PATH_MAX], text[4096];
	const char *at;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/" UNIT, s->root);
	n = getxattr(path, RECORD_KEY, text, sizeof(text) - 1);
	if (n < 0) {
		cleanup_close int fd = -1;

		path_of(&path, s, "run/state/" UNIT);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	}
	text[n > 0 ? n : 0] = '\0';
	at = strstr(text, "\nstate ");
	(*out)[0] = '\0';
	if (at)
		sscanf(at, "\nstate %31s", *out);
}

void stage_remember_state(struct stage *s)
{
	read_recorded_state(s, &s->state_before);
	s->asked = clock_now();
}

void stage_note_death(struct stage *s)
{
	char state[32];

	s->killed = clock_now();
	s->cgkilld = 0;
	s->ready_fd = close_fd(s->ready_fd);
	close_client(s);
	read_recorded_state(s, &state);
	s->taken = !streq(state, s->state_before);
}

void stage_forgive_root(struct stage *s)
{
	if (getxattr(s->root, ROOT_KEY, NULL, 0) < 0)
		rmdir(s->root);
}

/* What is in a directory, but for "." and ".."; "" = nothing. */
static void list_directory(const char *path, char *out, size_t size)
{
	DIR *dir = opendir(path);
	const struct dirent *e;

	out[0] = '\0';
	while (dir && (e = readdir(dir)))
		if (!streq(e->d_name, ".") && !streq(e->d_name, "..")) {
			size_t n = strlen(out);

			snprintf(out + n, size - n, " %s", e->d_name);
		}
	if (dir)
		closedir(dir);
}

static bool nothing_is_left(struct stage *s)
{
	char path[PATH_MAX], found[256];

	if (access(s->root, F_OK) == 0) {
		list_directory(s->root, found, sizeof(found));
		return complain(s, "at the end its root cgroup is left");
	}
	path_of(&path, s, "run/state");
	list_directory(path, found, sizeof(found));
	if (found[0])
		return complain(s, "at the end records are left:%s", found);
	path_of(&path, s, "run/" CGKILL_LAST_STOP);
	if (unlink(path) < 0)
		return complain(s, "at the end there is no time line of it");
	path_of(&path, s, "run/logs");
	unlink(path); /* a link to where the logs are, which stays for cgkillctl */
	path_of(&path, s, "run");
	list_directory(path, found, sizeof(found));
	if (s->guarded && streq(found, " crash"))
		return true; /* what the guard tells about it */
	return !found[0] ||
	       complain(s, "at the end there is something in the runtime directory:%s", found);
}

bool stage_end_cgkilld(struct stage *s)
{
	usec_t end = clock_now() + WAIT;
	pid_t pid = s->guard > 0 ? s->guard : s->cgkilld, r;
	int status;

	kill(pid, SIGTERM);
	do {
		r = waitpid(pid, &status, WNOHANG);
		if (r == 0)
			cgtest_sleep_ms(1);
	} while (r == 0 && clock_now() < end);
	if (r == 0)
		return complain(s, "SIGTERM does not end cgkilld");
	s->guard = s->cgkilld = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return complain(s, "cgkilld ends with wait status %#x", (unsigned)status);
	return nothing_is_left(s);
}

/* ---- the journal ---- */

void stage_journal(const struct stage *s, struct journal *out)
{
	char path[PATH_MAX];
	cleanup_fclose FILE *f = NULL;
	unsigned long long at;
	struct line l;
	int pid;

	out->n = 0;
	path_of(&path, s, "journal");
	f = fopen(path, "re");
	while (f && out->n < LINES_MAX && fscanf(f, "%23s %d %llu\n", l.word, &pid, &at) == 3) {
		l.pid = pid;
		l.at = at;
		out->v[out->n++] = l;
	}
}

unsigned journal_count(const struct journal *j, const char *word)
{
	unsigned n = 0;

	for (size_t i = 0; i < j->n; i++)
		n += streq(j->v[i].word, word);
	return n;
}

const struct line *journal_last(const struct journal *j, const char *word)
{
	for (size_t i = j->n; i > 0; i--)
		if (streq(j->v[i - 1].word, word))
			return &j->v[i - 1];
	return NULL;
}

bool stage_await_line(struct stage *s, const char *word, unsigned n)
{
	usec_t end = clock_now() + WAIT;
	struct journal j;

	do {
		stage_journal(s, &j);
		if (journal_count(&j, word) >= n)
			return true;
		cgtest_sleep_ms(1);
	} while (clock_now() < end);
	return complain(s, "'%s' was to happen %u times, and did %u times", word, n,
			journal_count(&j, word));
}

/* ---- processes ---- */

/* A zombie does not live. */
bool process_lives(pid_t pid)
{
	char state = cgtest_state(pid);

	return state != '\0' && state != 'Z' && state != 'X';
}

static unsigned population; /* nftw(3) hands no argument on */

static int count_members(const char *path, const struct stat *st unused, int type, struct FTW *ftw unused)
{
	char procs[PATH_MAX + 16];
	int pid;
	FILE *f;

	if (type != FTW_D)
		return 0;
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
	f = fopen(procs, "re");
	while (f && fscanf(f, "%d", &pid) == 1)
		population++;
	if (f)
		fclose(f);
	return 0;
}

unsigned stage_population(const struct stage *s)
{
	char path[PATH_MAX];

	population = 0;
	snprintf(path, sizeof(path), "%s/" UNIT, s->root);
	nftw(path, count_members, 16, FTW_PHYS);
	return population;
}
