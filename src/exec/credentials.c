/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * $CREDENTIALS_DIRECTORY, made by the first process of a run that gets there. It is root's, so that the service cannot write
 * there, with an ACL that lets its user read. It has its name when it is complete; daemon/directories.c takes it away.
 */
#include "core/credentials.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/xattr.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "exec/child.h"
#include "sys/beneath.h"
#include "sys/empty.h"

#define DEPTH_MAX 16 /* of directories in one that is loaded */

struct maker {
	const struct child *c;
	int dir; /* where they go to */
	uid_t uid;
	size_t left; /* bytes that are still allowed */
};

/* Of credentials(7)' search path, what is not the manager's own. */
static const char *const stores[] = { "/etc/credstore", "/run/credstore",
				      "/usr/local/lib/credstore", "/usr/lib/credstore" };

/* ---- who may read ---- */

/* Beside the owner uid, and nobody else; a file system without ACLs: uid is the owner. */
static int give(int fd, uid_t uid, unsigned permissions)
{
	struct {
		struct posix_acl_xattr_header header;
		struct posix_acl_xattr_entry entries[5];
	} acl = { .header = { htole32(POSIX_ACL_XATTR_VERSION) } };
	const struct {
		int tag;
		unsigned permissions, id;
	} entries[] = { { ACL_USER_OBJ, permissions, (unsigned)ACL_UNDEFINED_ID },
			{ ACL_USER, permissions, uid },
			{ ACL_GROUP_OBJ, 0, (unsigned)ACL_UNDEFINED_ID },
			{ ACL_MASK, permissions, (unsigned)ACL_UNDEFINED_ID },
			{ ACL_OTHER, 0, (unsigned)ACL_UNDEFINED_ID } };

	if (fchmod(fd, (mode_t)(permissions << 6)) < 0)
		return -errno;
	if (uid == geteuid())
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		acl.entries[i] = (struct posix_acl_xattr_entry){
			.e_tag = htole16((uint16_t)entries[i].tag),
			.e_perm = htole16((uint16_t)entries[i].permissions),
			.e_id = htole32(entries[i].id),
		};
	if (fsetxattr(fd, XATTR_NAME_POSIX_ACL_ACCESS, &acl, sizeof(acl), 0) == 0)
		return 0;
	return fchown(fd, uid, (gid_t)-1) < 0 ? -errno : 0;
}

/* ---- one of them ---- */

static int put(struct maker *m, const char *id, const char *data, size_t len)
{
	cleanup_close int fd = -1;
	size_t done = 0;

	if (!credential_id_is_valid(id))
		return -EINVAL;
	if (len > m->left)
		return -E2BIG;
	fd = openat(m->dir, id, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	while (done < len) {
		ssize_t n = write(fd, data + done, len - done);

		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	m->left -= len;
	return give(fd, m->uid, 04);
}

static int put_stream(struct maker *m, const char *id, int fd)
{
	cleanup_buf struct buf data = BUF_INIT;
	char chunk[4096];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0 && data.len <= m->left)
		buf_append(&data, chunk, (size_t)n);
	if (n < 0 || buf_error(&data) < 0)
		return n < 0 ? -errno : -ENOMEM;
	return put(m, id, data.data ? data.data : "", data.len);
}

/* What is there, by a descriptor that only says so; a socket is asked. */
static int put_file(struct maker *m, const char *id, int place, mode_t mode)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	cleanup_close int fd = -1;

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", place);
	if (!S_ISSOCK(mode))
		fd = open(address.sun_path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	else
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || (S_ISSOCK(mode) && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0))
		return -errno;
	return put_stream(m, id, fd);
}

static int put_directory(struct maker *m, const char *id, int place, unsigned depth);

/* Of a directory: neither links, nor sockets, nor what is hidden. */
static int put_entry(struct maker *m, const char *prefix, int dir, const char *name, unsigned depth)
{
	cleanup_close int place = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	cleanup_free char *id = NULL;
	struct stat st;

	if (place < 0 || fstat(place, &st) < 0)
		return -errno;
	if (asprintf(&id, "%s_%s", prefix, name) < 0)
		return -ENOMEM;
	if (S_ISDIR(st.st_mode))
		return depth < DEPTH_MAX ? put_directory(m, id, place, depth + 1) : -ELOOP;
	return S_ISREG(st.st_mode) ? put_file(m, id, place, st.st_mode) : 0;
}

static int put_directory(struct maker *m, const char *id, int place, unsigned depth)
{
	int fd = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!list) {
		r = -errno;
		close_fd(fd);
		return r;
	}
	while (r == 0 && (errno = 0, e = readdir(list)))
		if (*e->d_name != '.')
			r = put_entry(m, id, dirfd(list), e->d_name, depth);
	if (r == 0)
		r = -errno;
	closedir(list);
	return r;
}

/* ---- where they come from ---- */

/* By the way that only root can have laid: who could put a link there would be given what it leads to. */
static int load_from(struct maker *m, const char *id, const char *path)
{
	cleanup_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int place = root < 0 ? -errno : beneath_open(root, path + 1);
	struct stat st;

	if (place < 0 || fstat(place, &st) < 0)
		return place < 0 ? place : -errno;
	return S_ISDIR(st.st_mode) ? put_directory(m, id, place, 0)
				   : put_file(m, id, place, st.st_mode);
}

static int load_from_store(struct maker *m, const char *id, const char *store, const char *name)
{
	cleanup_free char *path = NULL;

	if (!store || *store != '/')
		return -ENOENT;
	return asprintf(&path, "%s/%s", store, name) < 0 ? -ENOMEM : load_from(m, id, path);
}

static int load(struct maker *m, const struct credential *c)
{
	int r;

	if (c->path[0] == '/')
		return load_from(m, c->id, c->path);
	r = load_from_store(m, c->id, getenv("CREDENTIALS_DIRECTORY"), c->path);
	for (size_t i = 0; r == -ENOENT && i < ARRAY_SIZE(stores); i++)
		r = load_from_store(m, c->id, stores[i], c->path);
	return r;
}

/* What is missing and has a value of its own, or is no matter of a path, is no failure: systemd.exec(5), SetCredential=. */
static void make(struct maker *m, const struct credentials *all)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct credential *c = &all->v[i];
		int r = c->encrypted ? -EOPNOTSUPP : c->path ? load(m, c) : 0;

		if (r == -ENOENT && (c->path[0] != '/' || credentials_set(all, c->id)))
			r = 0;
		if (r < 0)
			child_fail_at(m->c, STEP_CREDENTIALS, r, c->id);
	}
	for (size_t i = 0; i < all->n; i++) {
		const struct credential *c = &all->v[i];
		int r = c->path ? 0 : put(m, c->id, c->data.data ? c->data.data : "", c->data.len);

		if (r < 0 && r != -EEXIST)
			child_fail_at(m->c, STEP_CREDENTIALS, r, c->id);
	}
}

/* ---- all of it ---- */

/* One process at a time; what one has left that was killed is thrown away. True: it is to be made, in *dir. */
static bool begin(const struct child *c, int base, const char *name, const char *unfinished, int *dir)
{
	if (faccessat(base, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return false;
	if (mkdirat(base, unfinished, 0700) < 0 && errno != EEXIST)
		child_fail_at(c, STEP_CREDENTIALS, errno, unfinished);
	*dir = openat(base, unfinished, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*dir < 0 && errno == ENOENT)
		return false;
	if (*dir < 0 || flock(*dir, LOCK_EX) < 0)
		child_fail_at(c, STEP_CREDENTIALS, errno, unfinished);
	if (faccessat(base, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return false;
	empty_directory(*dir);
	return true;
}

void child_set_up_credentials(const struct child *c)
{
	const struct unit *u = c->x->unit;
	struct maker m = { .c = c, .dir = -1, .left = CREDENTIALS_SIZE_MAX };
	cleanup_close int runtime = -1, base = -1;
	cleanup_free char *unfinished = NULL;
	gid_t gid;
	int r;

	if (!u->credentials)
		return;
	runtime = beneath_open_base(c->x->host->runtime_dir, true);
	if (runtime < 0 || (mkdirat(runtime, CREDENTIALS_BASE, 0755) < 0 && errno != EEXIST))
		child_fail_at(c, STEP_CREDENTIALS, runtime < 0 ? runtime : errno, CREDENTIALS_BASE);
	base = beneath_enter(runtime, CREDENTIALS_BASE);
	if (base < 0 || asprintf(&unfinished, "%s" CREDENTIALS_UNFINISHED, u->name) < 0)
		child_fail_at(c, STEP_CREDENTIALS, base < 0 ? base : ENOMEM, CREDENTIALS_BASE);
	if (begin(c, base, u->name, unfinished, &m.dir)) {
		child_look_up_owner(c, &m.uid, &gid);
		make(&m, u->credentials);
		/* Who is not root could not move it any more: rename(2). */
		r = geteuid() == 0 ? give(m.dir, m.uid, 05) : 0;
		if (r < 0 || renameat(base, unfinished, base, u->name) < 0)
			child_fail_at(c, STEP_CREDENTIALS, r < 0 ? r : errno, CREDENTIALS_BASE);
	}
	close_fd(m.dir);
}
