/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/mainpid.h"
#include "core/resources.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "core/text.h"
#include "daemon/adopt.h"
#include "daemon/process.h"
#include "daemon/processes.h"
#include "daemon/supervisor.h"
#include "sys/kin.h"
#include "sys/pidfd.h"
#include "util/log.h"
#include "util/parse.h"

/* Whose file is waited for, and where: the nearest directory that there is. */
struct mainpid {
	struct list link; /* in pid_files.waiting */
	struct supervised *owner;
	int watch; /* inotify's; < 0 = none. Two in one directory have the same */
	bool warned;
};

/* One inotify for all, since to close one waits for a grace period of the kernel's, some 10 ms. */
struct pid_files {
	int inotify_fd;
	struct io_source io;
	struct list waiting;
};

/* ---- the PID file ---- */

/*
 * The number in its first line. It is opened for reading only once it is known to be a file: to open a device may do things.
 * One without a size may be empty, or a link to what the kernel makes up, which may take as long as a process of the
 * service likes (/proc/PID/cmdline is read out of its memory). 0, -ENODATA (not there, or empty: perhaps in a moment) or -EBADMSG.
 */
static int read_number(int dir_fd, const char *path, int flags, pid_t *out)
{
	cleanup_close int found = openat(dir_fd, path, O_PATH | O_CLOEXEC | flags), fd = -1;
	char link[32], text[32];
	struct stat st;
	ssize_t n;

	if (found < 0)
		return -ENODATA;
	if (fstat(found, &st) < 0 || !S_ISREG(st.st_mode))
		return -EBADMSG;
	if (st.st_size == 0)
		return -ENODATA;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", found);
	fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -EBADMSG;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (!*text)
		return -ENODATA;
	return parse_pid(text_strip(text), out) < 0 ? -EBADMSG : 0;
}

/* ---- who may be it ---- */

/* *id: of a process that lives, and is a member. 0; -ESRCH: nobody; -EPERM: somebody who is none of the service's. */
static int identify(const struct supervised *sv, pid_t pid, struct process_id *id)
{
	cleanup_close int pidfd = pidfd_open_pid(pid);

	if (pidfd < 0 || pidfd_has_ended(pidfd))
		return -ESRCH;
	if (pid == 1 || pid == getpid() || (sv->control && sv->control->pid == pid) ||
	    !cg_is_open(&sv->cgroups.unit) || pidfd_in_subtree(pidfd, pid, &sv->cgroups.unit) != 1)
		return -EPERM;
	id->pid = pid;
	return pidfd_identity(pidfd, pid, &id->identity);
}

/* The process of that identity is the main one from now on. 0 or -errno: it could not be taken over. */
static int change_to(struct supervised *sv, struct process_id id)
{
	struct process *p = NULL;
	int r = adopt_process(sv->manager, true, &sv->machine, &id, &p);

	if (r == 0 && !p)
		r = -ESRCH;
	if (r < 0)
		return r;
	log_debug("%s: process %d is the main process now", supervised_name(sv), (int)p->pid);
	processes_change_main(sv, p);
	return 0;
}

static void tell_no_main(struct supervised *sv)
{
	supervised_feed(sv, &(struct event){ .kind = EVENT_NO_MAIN, .deadline = USEC_INFINITY });
}

/* ---- waiting for the PID file ---- */

static int try_file(struct supervised *sv, bool *warned)
{
	const char *path = sv->unit->pid_file;
	struct process_id id = { 0 };
	pid_t pid = 0;
	int r = read_number(AT_FDCWD, path, 0, &pid);

	if (r == 0)
		r = identify(sv, pid, &id);
	if (r == 0)
		r = change_to(sv, id);
	if (r == 0 || r == -ENODATA || *warned)
		return r;
	*warned = true;
	if (r == -EPERM)
		log_warning("%s: %s names process %d, which is not in its cgroup: refused",
			    supervised_name(sv), path, (int)pid);
	else if (r == -ESRCH)
		log_debug("%s: %s names process %d, which does not live", supervised_name(sv), path,
			  (int)pid);
	else
		log_warning("%s: %s is no PID file that can be read", supervised_name(sv), path);
	return r;
}

/* The directories that are missing will be made below the one that is watched. */
static int watch_nearest(const struct pid_files *files, const char *path)
{
	const uint32_t mask = IN_CREATE | IN_MOVED_TO | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB |
			      IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
	cleanup_free char *dir = strdup(path);
	char *slash;
	int watch;

	while (dir && (slash = strrchr(dir, '/'))) {
		slash[slash == dir] = '\0';
		watch = inotify_add_watch(files->inotify_fd, dir, mask);
		if (watch >= 0)
			return watch;
		if (errno != ENOENT || slash == dir)
			return -errno;
	}
	return -ENOMEM;
}

static void unwatch(const struct pid_files *files, int watch)
{
	const struct mainpid *w;

	list_for_each(&files->waiting, w, struct mainpid, link)
		if (w->watch == watch)
			return;
	if (watch >= 0)
		(void)inotify_rm_watch(files->inotify_fd, watch);
}

/* The directory may be there only now. First the watch, then the look: nothing falls in between. */
static int look_again(struct mainpid *w)
{
	struct supervised *sv = w->owner;
	const struct pid_files *files = sv->manager->pid_files;
	int old = w->watch;

	w->watch = watch_nearest(files, sv->unit->pid_file);
	if (w->watch != old)
		unwatch(files, old);
	return w->watch < 0 ? w->watch : try_file(sv, &w->warned);
}

/* Each may be gone after what another one's file has led to. */
static void on_change(struct io_source *s, uint32_t events unused)
{
	struct pid_files *files = container_of(s, struct pid_files, io);
	struct list todo = LIST_INIT(todo), *node;
	char discarded[4096];

	while (read(files->inotify_fd, discarded, sizeof(discarded)) > 0)
		;
	list_splice(&todo, &files->waiting);
	while ((node = list_pop(&todo))) {
		list_append(&files->waiting, node);
		(void)!look_again(container_of(node, struct mainpid, link));
	}
}

static struct pid_files *pid_files_of(struct manager *m)
{
	struct pid_files *files = m->pid_files ? NULL : calloc(1, sizeof(*files));

	if (!files)
		return m->pid_files;
	list_init(&files->waiting);
	files->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (files->inotify_fd >= 0 &&
	    io_watch(m->loop, &files->io, files->inotify_fd, EPOLLIN, on_change) == 0)
		return m->pid_files = files;
	pid_files_free(files);
	return NULL;
}

void pid_files_free(struct pid_files *files)
{
	if (!files)
		return;
	io_unwatch(&files->io);
	close_fd(files->inotify_fd);
	free(files);
}

void mainpid_stop_waiting(struct supervised *sv)
{
	struct mainpid *w = TAKE_PTR(sv->mainpid);

	if (!w)
		return;
	list_remove(&w->link);
	unwatch(sv->manager->pid_files, w->watch);
	free(w);
}

/* 0: it was there after all; -EPERM, -ESRCH and the like: it is waited for; *waits false: it cannot be. */
static int start_waiting(struct supervised *sv, bool *waits)
{
	struct pid_files *files = pid_files_of(sv->manager);
	struct mainpid *w = files ? calloc(1, sizeof(*w)) : NULL;
	int r;

	*waits = false;
	if (!w)
		return -ENOMEM;
	w->owner = sv;
	w->watch = -1;
	list_append(&files->waiting, &w->link);
	sv->mainpid = w;
	r = look_again(w);
	*waits = r != 0 && w->watch >= 0;
	if (r != 0 && w->watch < 0)
		mainpid_stop_waiting(sv);
	return r;
}

static void find_by_file(struct supervised *sv, bool at_once)
{
	bool warned = true, waits = false;
	int r = try_file(sv, &warned);

	if (r < 0 && !at_once)
		r = start_waiting(sv, &waits);
	if (r == 0 || waits)
		return;
	if (!at_once)
		log_error("%s: cannot wait for %s: %s", supervised_name(sv), sv->unit->pid_file,
			  strerror(-r));
	tell_no_main(sv);
}

/* ---- the guess ---- */

static bool is_listed(const struct cg_pids *pids, pid_t pid)
{
	for (size_t i = 0; i < pids->n; i++)
		if (pids->v[i] == pid)
			return true;
	return false;
}

/* The one process whose parent is somebody else's. 0 and *id; -ESRCH: there is none; -ENOTUNIQ: there is another one. */
static int guess_among(const struct supervised *sv, const struct cg_pids *pids, struct process_id *id)
{
	struct process_id found = { 0 }, other = { 0 };

	for (size_t i = 0; i < pids->n; i++) {
		if (is_listed(pids, process_parent(pids->v[i])) || identify(sv, pids->v[i], &other) < 0)
			continue;
		if (found.pid > 0)
			return -ENOTUNIQ;
		found = other;
	}
	*id = found;
	return found.pid > 0 ? 0 : -ESRCH;
}

static int open_birthplace(const struct supervised *sv, struct cg *out)
{
	const struct resources *wanted = sv->unit->resources;
	struct cg leaf = CG_INIT;
	int r = cgroups_open_main(&sv->cgroups, &leaf);

	if (r == 0 && wanted && wanted->delegates && wanted->subgroup) {
		r = cg_open(out, &leaf, wanted->subgroup);
		cg_close(&leaf);
	} else if (r == 0) {
		*out = leaf;
	}
	return r;
}

static int guess(struct supervised *sv)
{
	struct cg_pids pids = { 0 };
	struct process_id id = { 0 };
	struct cg leaf = CG_INIT;
	int r = open_birthplace(sv, &leaf);

	if (r == 0)
		r = cg_read_procs(&leaf, &pids);
	if (r == 0)
		r = guess_among(sv, &pids, &id);
	if (r == 0)
		r = change_to(sv, id);
	cg_pids_deinit(&pids);
	cg_close(&leaf);
	return r;
}

void mainpid_find(struct supervised *sv, bool at_once)
{
	int r;

	if (sv->unit->pid_file) {
		find_by_file(sv, at_once);
		return;
	}
	r = sv->unit->guess_main_pid ? guess(sv) : -ESRCH;
	if (r == -ENOTUNIQ)
		log_notice("%s: which of its processes is the main one cannot be guessed: the "
			   "service is its whole cgroup",
			   supervised_name(sv));
	if (r < 0)
		tell_no_main(sv);
}

/* ---- later ---- */

int mainpid_told(struct supervised *sv, pid_t pid)
{
	struct process_id id = { 0 };
	int r;

	if ((sv->main && sv->main->pid == pid) || !service_takes_main_pid(&sv->machine))
		return 0;
	r = identify(sv, pid, &id);
	if (r == 0)
		r = change_to(sv, id);
	return r < 0 ? r : 1;
}

bool mainpid_follow(struct supervised *sv)
{
	enum service_state state = sv->machine.state;
	bool warned = true;

	return sv->unit->pid_file && service_takes_main_pid(&sv->machine) &&
	       !service_state_is_starting(state) && !service_state_is_stopping(state) &&
	       try_file(sv, &warned) == 0;
}

void mainpid_clean_up(const struct supervised *sv)
{
	cleanup_free char *dir = sv->unit->pid_file ? strdup(sv->unit->pid_file) : NULL;
	char *slash = dir ? strrchr(dir, '/') : NULL;
	cleanup_close int dir_fd = -1, pidfd = -1;
	pid_t pid = 0;

	if (!slash)
		return;
	*slash = '\0';
	dir_fd = open(slash == dir ? "/" : dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0 || read_number(dir_fd, slash + 1, O_NOFOLLOW, &pid) < 0)
		return; /* whatever that is, it is no PID file */
	pidfd = pidfd_open_pid(pid);
	if (pidfd == -ESRCH || (pidfd >= 0 && pidfd_has_ended(pidfd)))
		(void)unlinkat(dir_fd, slash + 1, 0);
}
