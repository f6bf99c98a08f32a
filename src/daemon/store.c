/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "sys/replace.h"
#include "util/log.h"
#include "util/ownmem.h"

#define ATTR	   "cgkill.record"
#define TEMPORARY  ".tmp" /* one for all: there is one writer, who has the lock of RUNTIME_DIR */
#define QUARANTINE ".quarantine"

/* ---- the directory ---- */

static int read_boot_id(char out[static BOOT_ID_LEN + 1])
{
	cleanup_close int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char text[64];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	size_t len = 0;

	if (n < 0)
		return -errno;
	for (ssize_t i = 0; i < n && len < BOOT_ID_LEN; i++)
		if (text[i] != '-')
			out[len++] = text[i];
	out[len] = '\0';
	return len == BOOT_ID_LEN ? 0 : -EBADMSG;
}

int store_open(struct store *s, const char *runtime_dir)
{
	struct store new = { .dir_fd = -1 };
	int r = read_boot_id(new.boot_id);

	if (r == -ENOENT) { /* subset=pid: all boots are one to us; sys/capabilities.c tells of it */
		memset(new.boot_id, '0', BOOT_ID_LEN);
		r = 0;
	}
	if (r < 0)
		return r;
	if (asprintf(&new.dir, "%s/state", runtime_dir) < 0)
		return -ENOMEM;
	new.text = own_alloc(RECORD_SIZE_MAX + 1);
	if (!new.text)
		r = -ENOMEM;
	else if (mkdir(new.dir, 0700) < 0 && errno != EEXIST)
		r = -errno;
	if (r == 0)
		new.dir_fd = open(new.dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (r == 0 && new.dir_fd < 0)
		r = -errno;
	if (r < 0) {
		own_free(new.text, RECORD_SIZE_MAX + 1);
		free(new.dir);
		return r;
	}
	*s = new;
	return 0;
}

void store_close(struct store *s)
{
	if (s->dir)
		(void)rmdir(s->dir); /* ENOTEMPTY: it is kept for the next one */
	close_fd(s->dir_fd);
	free(s->dir);
	own_free(s->text, RECORD_SIZE_MAX + 1);
	*s = (struct store){ .dir_fd = -1 };
}

/* ---- files ---- */

static int write_file(const struct store *s, const char *name, const char *text, size_t len)
{
	return replace_file(s->dir_fd, name, TEMPORARY, 0600, text, len);
}

/* The length; -ENOENT; -EBADMSG: no file, or more than cap. */
static ssize_t read_file(const struct store *s, const char *name, char *text, size_t cap)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	cleanup_close int fd = openat(s->dir_fd, name, flags);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return errno == ELOOP ? -EBADMSG : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)cap)
		return -EBADMSG;
	n = read(fd, text, cap);
	return n < 0 ? -errno : n;
}

void store_forget(const struct store *s, const char *unit)
{
	(void)unlinkat(s->dir_fd, unit, 0);
}

/* ---- saving ---- */

/* Where no child has it: util/ownmem.h. Every start saves two records. */
static int encode(const struct store *s, uint64_t cgroup_id, struct record *r, struct buf *text)
{
	*text = (struct buf){ .data = s->text, .cap = RECORD_SIZE_MAX + 1, .fixed = true };
	memcpy(r->boot_id, s->boot_id, sizeof(r->boot_id));
	r->cgroup_id = cgroup_id;
	r->saved = clock_now();
	return record_encode(r, text);
}

int store_save(const struct store *s, const struct cg *cg, struct record *r, bool *has_file)
{
	struct buf text;
	int e = encode(s, cg_is_open(cg) ? cg->id : 0, r, &text);

	if (e < 0)
		return e;
	if (cg_is_open(cg) && cg_attr_set(cg, ATTR, text.data, text.len) == 0) {
		if (*has_file)
			store_forget(s, r->unit);
		*has_file = false;
		return 0;
	}
	e = write_file(s, r->unit, text.data, text.len);
	if (e == 0)
		*has_file = true;
	return e;
}

int store_save_file(const struct store *s, struct record *r)
{
	struct buf text;
	int e = encode(s, 0, r, &text);

	return e < 0 ? e : write_file(s, r->unit, text.data, text.len);
}

/* ---- loading ---- */

/* Which record is asked for. */
struct wanted {
	const struct store *s;
	const struct cg *cg;
	const char *unit;
};

/* A file may tell of a time without a cgroup, and outlive one. */
static bool is_of_cgroup(const struct record *r, const struct cg *cg, bool in_file)
{
	return r->cgroup_id == cg->id || (in_file && (r->cgroup_id == 0 || !cg_is_open(cg)));
}

/* 0; with *why: -EBADMSG, not to be believed, or -ESTALE, of another boot; -ENOMEM. */
static int understand(const struct wanted *w, bool in_file, const char *text, size_t len,
		      struct record *out, const char **why)
{
	int e = record_decode(out, text, len, why);

	if (e < 0)
		return e == -EPROTONOSUPPORT ? -EBADMSG : e;
	if (!streq(out->boot_id, w->s->boot_id)) {
		e = -ESTALE;
		*why = "it is of another boot";
	} else if (!streq(out->unit, w->unit)) {
		e = -EBADMSG;
		*why = "it is of another unit";
	} else if (!is_of_cgroup(out, w->cg, in_file)) {
		e = -EBADMSG;
		*why = "it is of another cgroup";
	}
	if (e < 0)
		record_deinit(out);
	return e;
}

static void quarantine_name(char name[static NAME_MAX + 1], const char *unit)
{
	snprintf(name, NAME_MAX + 1, "%.*s" QUARANTINE, (int)(NAME_MAX - strlen(QUARANTINE)), unit);
}

static void log_quarantine(const struct wanted *w, const char *where, const char *why,
			   const char *name, int moved)
{
	if (moved < 0)
		log_warning("%s: the record of its state in %s is not believed: %s (cannot move it "
			    "to %s/%s: %s)",
			    w->unit, where, why, w->s->dir, name, strerror(-moved));
	else
		log_warning(
			"%s: the record of its state in %s is not believed: %s (moved to %s/%s)",
			w->unit, where, why, w->s->dir, name);
}

static int load_attr(const struct wanted *w, struct record *out)
{
	char text[RECORD_SIZE_MAX], name[NAME_MAX + 1];
	const char *why = "it is too long";
	ssize_t n = cg_is_open(w->cg) ? cg_attr_get(w->cg, ATTR, text, sizeof(text)) : -ENODATA;
	int e;

	if (n == -ENODATA || n == -EOPNOTSUPP)
		return -ENOENT;
	if (n < 0 && n != -ERANGE)
		return (int)n;
	e = n < 0 ? -EBADMSG : understand(w, false, text, (size_t)n, out, &why);
	if (e != -EBADMSG && e != -ESTALE)
		return e;
	quarantine_name(name, w->unit);
	e = write_file(w->s, name, text, n < 0 ? 0 : (size_t)n);
	if (e == 0)
		e = cg_attr_remove(w->cg, ATTR);
	log_quarantine(w, "its cgroup", why, name, e);
	return -ENOENT;
}

static int load_file(const struct wanted *w, struct record *out)
{
	char text[RECORD_SIZE_MAX], name[NAME_MAX + 1];
	const char *why = "it is no file, or too long";
	ssize_t n = read_file(w->s, w->unit, text, sizeof(text));
	int e = n < 0 ? (int)n : understand(w, true, text, (size_t)n, out, &why);

	if (e == -ESTALE) {
		store_forget(w->s, w->unit);
		return -ENOENT;
	}
	if (e != -EBADMSG)
		return e;
	quarantine_name(name, w->unit);
	e = renameat(w->s->dir_fd, w->unit, w->s->dir_fd, name) < 0 ? -errno : 0;
	log_quarantine(w, "a file", why, name, e);
	return -ENOENT;
}

int store_load(const struct store *s, const struct cg *cg, const char *unit, struct record *out,
	       bool *has_file)
{
	const struct wanted w = { s, cg, unit };
	struct record attr = { 0 }, file = { 0 };
	int in_attr, in_file, e;

	*has_file = false;
	if (!unit_name_valid(unit))
		return -ENOENT;
	in_attr = load_attr(&w, &attr);
	in_file = load_file(&w, &file);
	*has_file = in_file != -ENOENT;
	/* One that cannot be read could be the newer one: then there is no answer. */
	e = in_attr == -ENOENT ? in_file : in_file == -ENOENT ? in_attr : MIN_OF(in_attr, in_file);
	if (e < 0) {
		record_deinit(&attr);
		record_deinit(&file);
		return e;
	}
	/* Both are there when one was about to replace the other. An attribute takes less than a microsecond, a file more. */
	if (in_file == 0 && (in_attr < 0 || file.saved >= attr.saved)) {
		record_deinit(&attr);
		*out = file;
	} else {
		record_deinit(&file);
		*out = attr;
	}
	return 0;
}

int store_list(const struct store *s, char ***out)
{
	int fd = openat(s->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char **names = NULL;

	if (!dir) {
		r = -errno;
		close_fd(fd);
		return r;
	}
	for (const struct dirent *e; r == 0 && (e = readdir(dir));) {
		if (streq(e->d_name, TEMPORARY))
			(void)unlinkat(s->dir_fd, TEMPORARY, 0);
		else if (unit_name_valid(e->d_name))
			r = strv_push(&names, e->d_name);
	}
	closedir(dir);
	if (r < 0) {
		strv_free(names);
		return r;
	}
	*out = names;
	return 0;
}
