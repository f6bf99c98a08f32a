/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/store.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "lib/cgtest.h"
#include "util/log.h"

#define UNIT "a.service"
#define ATTR "cgkill.record"

TestSuite(store, .timeout = 60);

/* ---- what the tests share ---- */

struct stand {
	struct cgtest t;
	struct cg cg; /* of UNIT */
	struct cg none;
	char dir[64]; /* RUNTIME_DIR */
	struct store store;
};

static void begin(struct stand *s)
{
	int r = cgtest_begin(&s->t);

	if (r < 0)
		cr_skip_test("no cgroup for the test: %s", strerror(-r));
	log_setup("test_store", LOG_ERROR_, LOG_FORMAT_PLAIN); /* thousands of warnings else */
	s->none = (struct cg)CG_INIT;
	cr_assert_eq(cg_create(&s->cg, &s->t.root, UNIT), 0);
	strcpy(s->dir, "/tmp/cgkill-store.XXXXXX");
	cr_assert_not_null(mkdtemp(s->dir));
	cr_assert_eq(store_open(&s->store, s->dir), 0);
}

static int remove_one(const char *path, const struct stat *st unused, int type unused,
		      struct FTW *ftw unused)
{
	return remove(path);
}

static void end(struct stand *s)
{
	store_close(&s->store);
	nftw(s->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	cg_close(&s->cg);
	cgtest_end(&s->t);
}

/* A record that is told from others by its number. */
static struct record record_of(const char *unit, uint64_t number)
{
	struct record r = { .unit = strdup(unit), .spawns = number };

	service_init(&r.machine, NULL, number);
	return r;
}

static void save(struct stand *s, const struct cg *cg, uint64_t number, bool *has_file)
{
	struct record r = record_of(UNIT, number);

	cr_assert_eq(store_save(&s->store, cg, &r, has_file), 0);
	record_deinit(&r);
}

static void save_file(struct stand *s, uint64_t number)
{
	struct record r = record_of(UNIT, number);

	cr_assert_eq(store_save_file(&s->store, &r), 0);
	record_deinit(&r);
}

/* The number of the record that is believed; 0: none. */
static uint64_t load(struct stand *s, const struct cg *cg, bool *has_file)
{
	struct record r = { 0 };
	int e = store_load(&s->store, cg, UNIT, &r, has_file);
	uint64_t number = r.spawns;

	if (e == 0) {
		cr_assert_str_eq(r.unit, UNIT);
		cr_assert_eq(r.machine.state_since, number);
	} else {
		cr_assert_eq(e, -ENOENT, "%s", strerror(-e));
		cr_assert_null(r.unit);
	}
	record_deinit(&r);
	return number;
}

static struct buf read_state(const struct stand *s, const char *name)
{
	cleanup_close int fd = openat(s->store.dir_fd, name, O_RDONLY | O_CLOEXEC);
	struct buf b = BUF_INIT;
	char chunk[RECORD_SIZE_MAX + 1];
	ssize_t n = fd < 0 ? -1 : read(fd, chunk, sizeof(chunk));

	if (n >= 0)
		buf_append(&b, chunk, (size_t)n);
	return b;
}

static void write_state(const struct stand *s, const char *name, const char *data, size_t len)
{
	cleanup_close int fd =
		openat(s->store.dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert_eq(write(fd, data, len), (ssize_t)len);
}

static bool exists(const struct stand *s, const char *name)
{
	return faccessat(s->store.dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool has_attr(const struct cg *cg)
{
	char c[RECORD_SIZE_MAX];

	return cg_attr_get(cg, ATTR, c, sizeof(c)) >= 0;
}

/* ---- where it is kept ---- */

Test(store, in_the_cgroup)
{
	bool has_file = false;
	struct record r;
	struct stand s;

	begin(&s);
	cr_assert_eq(load(&s, &s.cg, &has_file), 0);
	save(&s, &s.cg, 1, &has_file);
	save(&s, &s.cg, 2, &has_file);
	cr_assert_not(has_file);
	cr_assert_not(exists(&s, UNIT));
	has_file = true;
	cr_assert_eq(load(&s, &s.cg, &has_file), 2);
	cr_assert_not(has_file);
	cr_assert_eq(store_load(&s.store, &s.cg, UNIT, &r, &has_file), 0);
	cr_assert_eq(r.cgroup_id, s.cg.id);
	cr_assert_str_eq(r.boot_id, s.store.boot_id);
	cr_assert_leq(r.saved, clock_now());
	cr_assert_gt(r.saved, clock_now() - 10 * USEC_PER_SEC);
	record_deinit(&r);
	end(&s);
}

Test(store, in_a_file)
{
	cleanup_strv char **names = NULL;
	bool has_file = false;
	struct stand s;
	struct stat st;

	begin(&s);
	cr_assert_eq(stat(s.store.dir, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0700);
	save(&s, &s.none, 1, &has_file);
	cr_assert(has_file);
	save(&s, &s.none, 2, &has_file);
	has_file = false;
	cr_assert_eq(load(&s, &s.none, &has_file), 2);
	cr_assert(has_file);
	cr_assert_eq(store_list(&s.store, &names), 0);
	cr_assert_eq(strv_len(names), 1);
	cr_assert_str_eq(names[0], UNIT);
	store_forget(&s.store, UNIT);
	store_forget(&s.store, UNIT);
	cr_assert_eq(load(&s, &s.none, &has_file), 0);
	cr_assert_not(has_file);
	end(&s);
}

/* The directory stays while it holds something, and not longer; a second opening finds what is there. */
Test(store, opened_again)
{
	bool has_file = false;
	struct stand s;

	begin(&s);
	save(&s, &s.none, 1, &has_file);
	store_close(&s.store);
	store_close(&s.store);
	cr_assert_eq(store_open(&s.store, s.dir), 0);
	cr_assert_eq(load(&s, &s.none, &has_file), 1);
	store_forget(&s.store, UNIT);
	store_close(&s.store);
	cr_assert_eq(rmdir(s.dir), 0, "the directory is still there");
	cr_assert_eq(store_open(&s.store, s.dir), -ENOENT);
	end(&s);
}

Test(store, moves_to_the_cgroup_and_back)
{
	bool has_file = false;
	struct stand s;

	begin(&s);
	save(&s, &s.none, 1, &has_file);
	save(&s, &s.cg, 2, &has_file);
	cr_assert_not(has_file);
	cr_assert_not(exists(&s, UNIT), "the older file is left");
	save_file(&s, 3);
	cr_assert_eq(load(&s, &s.cg, &has_file), 3, "about to lose its cgroup, which still has one");
	cg_close(&s.cg);
	cr_assert_eq(cg_remove(&s.t.root, UNIT), 0);
	cr_assert_eq(load(&s, &s.cg, &has_file), 3);
	end(&s);
}

Test(store, newest_wins)
{
	bool has_file = false, forgotten = false;
	struct stand s;

	begin(&s);
	for (uint64_t i = 1; i <= 1000; i += 2) {
		save_file(&s, i);
		save(&s, &s.cg, i + 1, &forgotten); /* as if it had been killed before it removed the file */
		cr_assert(exists(&s, UNIT));
		cr_assert_eq(load(&s, &s.cg, &has_file), i + 1);
		cr_assert(has_file);
		save_file(&s, i + 2);
		cr_assert_eq(load(&s, &s.cg, &has_file), i + 2);
	}
	end(&s);
}

/* A service that has root may use up all attributes of its cgroup: kernfs_vfs_user_xattr_add() stops at 128. */
Test(store, cgroup_takes_none)
{
	bool has_file = false;
	struct stand s;

	begin(&s);
	for (int i = 0, r = 0; r == 0; i++) {
		char name[32];

		snprintf(name, sizeof(name), "user.filler%d", i);
		r = fsetxattr(s.cg.fd, name, "x", 1, 0) < 0 ? -errno : 0;
		cr_assert(r == 0 || r == -ENOSPC, "%s", strerror(-r));
		cr_assert_lt(i, 1000);
	}
	save(&s, &s.cg, 1, &has_file);
	cr_assert(has_file);
	cr_assert_not(has_attr(&s.cg));
	cr_assert_eq(load(&s, &s.cg, &has_file), 1);
	cr_assert_eq(fremovexattr(s.cg.fd, "user.filler0"), 0);
	save(&s, &s.cg, 2, &has_file);
	cr_assert_not(has_file);
	cr_assert_eq(load(&s, &s.cg, &has_file), 2);
	end(&s);
}

/* ---- what is not believed ---- */

static void check_quarantine(struct stand *s, const char *data, size_t len)
{
	cleanup_buf struct buf kept = read_state(s, UNIT ".quarantine");

	cr_assert_eq(kept.len, len);
	cr_assert_eq(memcmp(kept.data ? kept.data : "", data, len), 0);
	cr_assert_eq(unlinkat(s->store.dir_fd, UNIT ".quarantine", 0), 0);
}

Test(store, torn_file)
{
	cleanup_buf struct buf text = BUF_INIT;
	bool has_file = false;
	struct stand s;

	begin(&s);
	save(&s, &s.none, 1, &has_file);
	text = read_state(&s, UNIT);
	for (size_t len = 0; len < text.len; len++) {
		write_state(&s, UNIT, text.data, len);
		cr_assert_eq(load(&s, &s.none, &has_file), 0, "believed after %zu bytes", len);
		cr_assert_not(has_file);
		check_quarantine(&s, text.data, len);
	}
	/* one beside a good attribute does no harm */
	save(&s, &s.cg, 2, &has_file);
	write_state(&s, UNIT, text.data, text.len / 2);
	cr_assert_eq(load(&s, &s.cg, &has_file), 2);
	end(&s);
}

Test(store, torn_attribute)
{
	char text[RECORD_SIZE_MAX];
	bool has_file = false;
	struct stand s;
	ssize_t n;

	begin(&s);
	save(&s, &s.cg, 1, &has_file);
	n = cg_attr_get(&s.cg, ATTR, text, sizeof(text));
	cr_assert_gt(n, 0);
	for (size_t len = 0; len < (size_t)n; len++) {
		cr_assert_eq(cg_attr_set(&s.cg, ATTR, text, len), 0);
		cr_assert_eq(load(&s, &s.cg, &has_file), 0, "believed after %zu bytes", len);
		cr_assert_not(has_attr(&s.cg));
		check_quarantine(&s, text, len);
	}
	end(&s);
}

Test(store, too_long)
{
	char junk[2 * RECORD_SIZE_MAX];
	bool has_file = false;
	struct stand s;

	begin(&s);
	memset(junk, 'x', sizeof(junk));
	write_state(&s, UNIT, junk, sizeof(junk));
	cr_assert_eq(cg_attr_set(&s.cg, ATTR, junk, sizeof(junk)), 0);
	cr_assert_eq(load(&s, &s.cg, &has_file), 0);
	cr_assert_not(exists(&s, UNIT));
	cr_assert(exists(&s, UNIT ".quarantine"));
	cr_assert_not(has_attr(&s.cg));
	end(&s);
}

/* Whatever lies there, reading it neither follows nor hangs. */
Test(store, no_file)
{
	bool has_file = false;
	struct stand s;

	begin(&s);
	cr_assert_eq(symlinkat("/dev/zero", s.store.dir_fd, UNIT), 0);
	cr_assert_eq(load(&s, &s.none, &has_file), 0);
	cr_assert_not(exists(&s, UNIT));
	cr_assert_eq(mkfifoat(s.store.dir_fd, UNIT, 0600), 0);
	cr_assert_eq(load(&s, &s.none, &has_file), 0);
	cr_assert_not(exists(&s, UNIT));
	cr_assert_eq(unlinkat(s.store.dir_fd, UNIT ".quarantine", 0), 0);
	cr_assert_eq(mkdirat(s.store.dir_fd, UNIT, 0700), 0);
	cr_assert_eq(load(&s, &s.none, &has_file), 0);
	cr_assert_not(exists(&s, UNIT));
	end(&s);
}

Test(store, other_unit)
{
	struct record r = record_of("b.service", 1);
	cleanup_buf struct buf text = BUF_INIT;
	bool has_file = false;
	struct stand s;

	begin(&s);
	cr_assert_eq(store_save(&s.store, &s.cg, &r, &has_file), 0);
	cr_assert_eq(load(&s, &s.cg, &has_file), 0, "of the cgroup");
	cr_assert_eq(record_encode(&r, &text), 0);
	check_quarantine(&s, text.data, text.len);

	cr_assert_eq(store_save_file(&s.store, &r), 0);
	cr_assert_eq(renameat(s.store.dir_fd, "b.service", s.store.dir_fd, UNIT), 0);
	cr_assert_eq(load(&s, &s.cg, &has_file), 0, "of the file");
	record_deinit(&r);
	end(&s);
}

/* A cgroup that was made anew under the old one's name. */
Test(store, other_cgroup)
{
	struct record r = record_of(UNIT, 1);
	cleanup_buf struct buf text = BUF_INIT;
	bool has_file = false;
	struct stand s;

	begin(&s);
	save(&s, &s.none, 1, &has_file);
	cr_assert_eq(load(&s, &s.cg, &has_file), 1, "of a time without a cgroup");
	memcpy(r.boot_id, s.store.boot_id, sizeof(r.boot_id));
	r.cgroup_id = s.cg.id + 1;
	cr_assert_eq(record_encode(&r, &text), 0);
	write_state(&s, UNIT, text.data, text.len);
	cr_assert_eq(load(&s, &s.none, &has_file), 1, "of a cgroup that is no more");
	cr_assert_eq(cg_attr_set(&s.cg, ATTR, text.data, text.len), 0);
	cr_assert_eq(load(&s, &s.cg, &has_file), 0);
	cr_assert_not(exists(&s, UNIT));
	cr_assert_not(has_attr(&s.cg));
	check_quarantine(&s, text.data, text.len);
	record_deinit(&r);
	end(&s);
}

Test(store, other_boot)
{
	struct record r = record_of(UNIT, 1);
	cleanup_buf struct buf text = BUF_INIT;
	bool has_file = false;
	struct stand s;

	begin(&s);
	memset(r.boot_id, '0', BOOT_ID_LEN);
	r.cgroup_id = s.cg.id;
	cr_assert_eq(record_encode(&r, &text), 0);
	write_state(&s, UNIT, text.data, text.len);
	cr_assert_eq(load(&s, &s.cg, &has_file), 0);
	cr_assert_not(has_file);
	cr_assert_not(exists(&s, UNIT), "just removed");
	cr_assert_not(exists(&s, UNIT ".quarantine"));
	cr_assert_eq(cg_attr_set(&s.cg, ATTR, text.data, text.len), 0);
	cr_assert_eq(load(&s, &s.cg, &has_file), 0);
	check_quarantine(&s, text.data, text.len);
	record_deinit(&r);
	end(&s);
}

Test(store, no_name)
{
	static const char *const names[] = {
		"", ".", "..", ".tmp", "../a.service", "a.service.quarantine"
	};
	bool has_file = true;
	struct record r;
	struct stand s;

	begin(&s);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cr_assert_eq(store_load(&s.store, &s.none, names[i], &r, &has_file), -ENOENT);
		cr_assert_not(has_file);
		r = record_of(names[i], 1);
		cr_assert_eq(store_save(&s.store, &s.none, &r, &has_file), -EINVAL);
		cr_assert_not(has_file);
		record_deinit(&r);
	}
	end(&s);
}

/* The longest name that a unit can have leaves no room for a suffix. */
Test(store, longest_name)
{
	char name[UNIT_NAME_MAX + 1] = "", kept[UNIT_NAME_MAX + 1];
	cleanup_strv char **names = NULL;
	bool has_file = false;
	struct record r;
	struct stand s;

	begin(&s);
	memset(name, 'x', UNIT_NAME_MAX);
	memcpy(name + UNIT_NAME_MAX - strlen(".service"), ".service", strlen(".service"));
	r = record_of(name, 1);
	cr_assert_eq(store_save(&s.store, &s.none, &r, &has_file), 0);
	record_deinit(&r);
	cr_assert_eq(store_list(&s.store, &names), 0);
	cr_assert(strv_contains(names, name));
	write_state(&s, name, "junk", 4);
	cr_assert_eq(store_load(&s.store, &s.none, name, &r, &has_file), -ENOENT);
	snprintf(kept, sizeof(kept), "%.*s.quarantine", UNIT_NAME_MAX - 11, name);
	cr_assert(exists(&s, kept));
	cr_assert_not(exists(&s, name));
	end(&s);
}

Test(store, list)
{
	cleanup_strv char **none = NULL, **names = NULL;
	struct stand s;

	begin(&s);
	cr_assert_eq(store_list(&s.store, &none), 0);
	cr_assert_eq(strv_len(none), 0);
	write_state(&s, "a.service", "", 0);
	write_state(&s, "b@1.service", "", 0);
	write_state(&s, "a.service.quarantine", "", 0);
	write_state(&s, ".tmp", "half", 4);
	cr_assert_eq(store_list(&s.store, &names), 0);
	cr_assert_eq(strv_len(names), 2);
	cr_assert(strv_contains(names, "a.service"));
	cr_assert(strv_contains(names, "b@1.service"));
	cr_assert_not(exists(&s, ".tmp"), "left over from a crash");
	end(&s);
}

/* ---- disasters ---- */

static void fill_up(const char *path)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char block[4096] = { 0 };

	while (write(fd, block, sizeof(block)) > 0)
		;
	cr_assert_eq(errno, ENOSPC);
}

Test(store, disk_full)
{
	bool has_file = false;
	struct record r = record_of(UNIT, 2);
	char filler[80];
	struct stand s;

	begin(&s);
	store_close(&s.store);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", s.dir, "tmpfs", 0, "size=64k") < 0) {
		rmdir(s.dir);
		cr_skip_test("nothing may be mounted here: %s", strerror(errno));
	}
	cr_assert_eq(store_open(&s.store, s.dir), 0);
	save(&s, &s.none, 1, &has_file);
	snprintf(filler, sizeof(filler), "%s/filler", s.dir);
	fill_up(filler);
	cr_assert_eq(store_save(&s.store, &s.none, &r, &has_file), -ENOSPC);
	cr_assert(has_file);
	cr_assert_not(exists(&s, ".tmp"));
	cr_assert_eq(load(&s, &s.none, &has_file), 1, "the old one stands");
	cr_assert_eq(unlink(filler), 0);
	cr_assert_eq(store_save(&s.store, &s.none, &r, &has_file), 0);
	cr_assert_eq(load(&s, &s.none, &has_file), 2);
	record_deinit(&r);
	store_close(&s.store);
	cr_assert_eq(umount2(s.dir, MNT_DETACH), 0);
	end(&s);
}

/* No descriptor left says nothing about the record: it is neither believed nor thrown away. */
Test(store, out_of_descriptors)
{
	bool has_file = false;
	struct record r;
	struct stand s;
	int fds[1024], n = 0;

	begin(&s);
	save_file(&s, 1);
	save(&s, &s.cg, 2, &(bool){ false });
	while (n < (int)ARRAY_SIZE(fds) && (fds[n] = dup(0)) >= 0)
		n++;
	if (n == (int)ARRAY_SIZE(fds)) {
		while (n > 0)
			close(fds[--n]);
		end(&s);
		cr_skip_test("the limit of descriptors is too high to be reached");
	}
	cr_assert_eq(store_load(&s.store, &s.cg, UNIT, &r, &has_file), -EMFILE);
	cr_assert(has_file);
	while (n > 0)
		close(fds[--n]);
	cr_assert_eq(load(&s, &s.cg, &has_file), 2);
	end(&s);
}

/* Saves one record after the other, in a file and in the cgroup by turns. */
static _Noreturn void save_for_ever(struct stand *s)
{
	bool has_file = true;

	for (uint64_t i = 1;; i++) {
		struct record r = record_of(UNIT, i);

		if (store_save(&s->store, i & 1 ? &s->none : &s->cg, &r, &has_file) < 0)
			_exit(99);
		record_deinit(&r);
	}
}

/* Killed at any moment, the writer leaves a whole record. */
Test(store, writer_killed)
{
	bool has_file = false;
	struct stand s;

	begin(&s);
	save(&s, &s.cg, 1, &has_file);
	for (int i = 0; i < 200; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			save_for_ever(&s);
		usleep((useconds_t)(i * 17 % 2000));
		cr_assert_eq(kill(pid, SIGKILL), 0);
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_assert(WIFSIGNALED(status), "status %d", WEXITSTATUS(status));
		cr_assert_gt(load(&s, &s.cg, &has_file), 0, "round %d", i);
		cr_assert_not(exists(&s, UNIT ".quarantine"));
	}
	end(&s);
}
