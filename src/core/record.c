/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/record.h"

#include <errno.h>

#include "util/checksum.h"
#include "util/parse.h"

#define HEXDIGITS "0123456789abcdef"

#define STRING_(x)   #x
#define STRING(x)    STRING_(x)
#define HEADER	     "cgkill-record "
#define VERSION_TEXT STRING(RECORD_VERSION)
#define CHECKSUM     "checksum "
#define CHECKSUM_LEN (sizeof(CHECKSUM HEXDIGITS "\n") - 1)

#define PID_LIMIT   4194304U /* PID_MAX_LIMIT, include/linux/threads.h */
#define INDEX_LIMIT UINT16_MAX

/* A line of the text: its key, and how the member of struct record at `offset` is written and read. */
struct field {
	const char *key;
	size_t key_len, offset, size;
	/* Both: 0, -EINVAL where the value is none that may be, -ENOMEM. take() may change the value's text. */
	int (*put)(struct buf *t, const struct field *f, const struct record *r);
	int (*take)(const struct field *f, char *value, struct record *r);
	uint64_t max;			/* of a number */
	int first, last;		/* of what has names */
	const char *(*name)(int value); /* NULL: there is no such value */
};

/* ---- pieces of text ---- */

static void put_decimal(struct buf *t, uint64_t value)
{
	char digits[20], *end = digits + sizeof(digits), *p = end;

	do
		*--p = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	buf_append(t, p, (size_t)(end - p));
}

static void put_hex(struct buf *t, uint64_t value, unsigned digits)
{
	while (digits-- > 0)
		buf_append(t, &HEXDIGITS[value >> 4 * digits & 0xf], 1);
}

/* What would end a line, or pass for an escape, becomes \xHH. */
static void put_escaped(struct buf *t, const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s >= ' ' && *s != '\\') {
			buf_append(t, s, 1);
			continue;
		}
		buf_append(t, "\\x", 2);
		put_hex(t, (unsigned char)*s, 2);
	}
}

static int hex_digit(char c)
{
	const char *at = c ? strchr(HEXDIGITS, c) : NULL;

	return at ? (int)(at - HEXDIGITS) : -1;
}

/* In place. False: something that put_escaped() does not write. */
static bool unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		int high, low;

		if (*s != '\\') {
			*out++ = *s;
			continue;
		}
		high = s[1] == 'x' ? hex_digit(s[2]) : -1;
		low = high >= 0 ? hex_digit(s[3]) : -1;
		if (low < 0 || high + low == 0)
			return false;
		*out++ = (char)(high << 4 | low);
		s += 3;
	}
	*out = '\0';
	return true;
}

/* ---- the kinds of fields ---- */

/* Unsigned numbers of 8, 4 and 1 byte, the last a bool; one that is negative is beyond its max. */
static uint64_t load(const struct field *f, const struct record *r)
{
	const char *at = (const char *)r + f->offset;
	uint64_t wide;
	uint32_t narrow;

	if (f->size == sizeof(wide)) {
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	if (f->size == sizeof(bool))
		return *(const unsigned char *)at;
	memcpy(&narrow, at, sizeof(narrow));
	return narrow;
}

static void store(const struct field *f, struct record *r, uint64_t value)
{
	char *at = (char *)r + f->offset;
	uint32_t narrow = (uint32_t)value;

	if (f->size == sizeof(value))
		memcpy(at, &value, sizeof(value));
	else if (f->size == sizeof(bool))
		*(unsigned char *)at = (unsigned char)value;
	else
		memcpy(at, &narrow, sizeof(narrow));
}

static int put_number(struct buf *t, const struct field *f, const struct record *r)
{
	uint64_t value = load(f, r);

	put_decimal(t, value);
	return value <= f->max ? 0 : -EINVAL;
}

static int take_number(const struct field *f, char *value, struct record *r)
{
	uint64_t number = 0;

	if (parse_u64(value, &number) < 0 || number > f->max)
		return -EINVAL;
	store(f, r, number);
	return 0;
}

static int put_name(struct buf *t, const struct field *f, const struct record *r)
{
	int value = (int)(uint32_t)load(f, r);
	const char *name = value >= f->first && value <= f->last ? f->name(value) : NULL;

	if (!name)
		return -EINVAL;
	buf_append(t, name, strlen(name));
	return 0;
}

static int take_name(const struct field *f, char *value, struct record *r)
{
	for (int v = f->first; v <= f->last; v++) {
		const char *name = f->name(v);

		if (!name || !streq(name, value))
			continue;
		store(f, r, (uint32_t)v);
		return 0;
	}
	return -EINVAL;
}

static bool is_boot_id(const char *id)
{
	return strspn(id, HEXDIGITS) == BOOT_ID_LEN && id[BOOT_ID_LEN] == '\0';
}

static int put_boot_id(struct buf *t, const struct field *f unused, const struct record *r)
{
	if (!is_boot_id(r->boot_id))
		return -EINVAL;
	buf_append(t, r->boot_id, BOOT_ID_LEN);
	return 0;
}

static int take_boot_id(const struct field *f unused, char *value, struct record *r)
{
	if (!is_boot_id(value))
		return -EINVAL;
	memcpy(r->boot_id, value, BOOT_ID_LEN + 1);
	return 0;
}

/* A string, or NULL: an empty value; then no string is empty. */
static char **string_of(const struct field *f, struct record *r)
{
	return (char **)(void *)((char *)r + f->offset);
}

static int put_string(struct buf *t, const struct field *f, const struct record *r)
{
	const char *s = *(char *const *)(const void *)((const char *)r + f->offset);

	if (s)
		put_escaped(t, s);
	return 0;
}

static int take_string(const struct field *f, char *value, struct record *r)
{
	if (!unescape(value))
		return -EINVAL;
	if (*value && !(*string_of(f, r) = strdup(value)))
		return -ENOMEM;
	return 0;
}

static int put_unit(struct buf *t, const struct field *f, const struct record *r)
{
	return r->unit && unit_name_valid(r->unit) ? put_string(t, f, r) : -EINVAL;
}

static int take_unit(const struct field *f, char *value, struct record *r)
{
	int e = take_string(f, value, r);

	return e == 0 && !(r->unit && unit_name_valid(r->unit)) ? -EINVAL : e;
}

/* ---- the table ---- */

static const char *state_name(int v)
{
	return service_state_name((enum service_state)v);
}

static const char *result_name(int v)
{
	return service_result_name((enum service_result)v);
}

static const char *phase_name(int v)
{
	return exec_phase_name((enum exec_phase)v);
}

static const char *exit_name(int v)
{
	return v == 0 ? "none" : exit_code_name(v);
}

/* clang-format off */
#define FIELD(k, m, kind)                                                                       \
	.key = (k), .key_len = sizeof(k) - 1, .offset = offsetof(struct record, m),             \
	.size = sizeof(((struct record *)NULL)->m), .put = put_##kind, .take = take_##kind
#define NUMBER(k, m, limit)      { FIELD(k, m, number), .max = (limit) }
#define U64(k, m)                NUMBER(k, m, UINT64_MAX)
#define U32(k, m)                NUMBER(k, m, UINT32_MAX)
#define PID(k, m)                NUMBER(k, m, PID_LIMIT)
#define BOOL(k, m)               NUMBER(k, m, 1)
#define NAME(k, m, from, to, fn) { FIELD(k, m, name), .first = (from), .last = (to), .name = (fn) }

/* All lines between the version and the checksum, in this order. */
static const struct field fields[] = {
	{ FIELD("boot-id", boot_id, boot_id) },
	{ FIELD("unit", unit, unit) },
	U64("cgroup-id", cgroup_id),
	U64("saved", saved),
	U64("real-since", real_since),
	NAME("state", machine.state, STATE_INVALID + 1, STATE_MAX - 1, state_name),
	U64("state-since", machine.state_since),
	NAME("result", machine.result, RESULT_INVALID + 1, RESULT_MAX - 1, result_name),
	NAME("reload-result", machine.reload_result, RESULT_INVALID + 1, RESULT_MAX - 1, result_name),
	NAME("exit-code", machine.main_exit.code, EXIT_UNKNOWN, CLD_DUMPED, exit_name),
	NUMBER("exit-status", machine.main_exit.status, UINT8_MAX),
	BOOL("main-alive", machine.main_alive),
	BOOL("control-alive", machine.control_alive),
	BOOL("populated", machine.populated),
	BOOL("mainless", machine.mainless),
	NAME("phase", machine.phase, 0, EXEC_PHASE_MAX - 1, phase_name),
	NUMBER("index", machine.index, INDEX_LIMIT),
	U64("stage-end", machine.stage_end),
	U64("deadline", machine.deadline),
	U64("runtime-end", machine.runtime_end),
	U64("rest-at", machine.rest_at),
	U64("reload-began", machine.reload_began),
	U64("watchdog", machine.watchdog),
	U64("watchdog-end", machine.watchdog_end),
	U64("start-limit-begin", machine.start_limit.begin),
	U32("start-limit-count", machine.start_limit.count),
	U32("n-restarts", machine.n_restarts),
	BOOL("start-pending", machine.start_pending),
	BOOL("restart-requested", machine.restart_requested),
	BOOL("stop-requested", machine.stop_requested),
	BOOL("killing", machine.killing),
	BOOL("rest-due", machine.rest_due),
	BOOL("squeezed", machine.squeezed),
	BOOL("cut-short", machine.cut_short),
	BOOL("stuck-in-final", machine.stuck_in_final),
	U64("spawns", spawns),
	U64("main-spawn", main_spawn),
	U64("control-spawn", control_spawn),
	PID("main-pid", main.pid),
	U64("main-identity", main.identity),
	PID("control-pid", control.pid),
	U64("control-identity", control.identity),
	U32("main-after", main_after),
	U32("control-after", control_after),
	BOOL("signals-due", signals_due),
	{ FIELD("asked", asked, string) },
	U32("asked-uid", asked_uid),
	PID("asked-pid", asked_pid),
	{ FIELD("asked-comm", asked_comm, string) },
};
/* clang-format on */

/* ---- the whole ---- */

/* Of what begins at start. */
static void put_checksum(struct buf *t, size_t start)
{
	uint64_t sum = t->len > start ? checksum64(t->data + start, t->len - start) : 0;

	buf_append(t, CHECKSUM, strlen(CHECKSUM));
	put_hex(t, sum, 16);
	buf_append(t, "\n", 1);
}

static int put_fields(const struct record *r, struct buf *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		int e;

		buf_append(t, fields[i].key, fields[i].key_len);
		buf_append(t, " ", 1);
		e = fields[i].put(t, &fields[i], r);
		if (e < 0)
			return e;
		buf_append(t, "\n", 1);
	}
	return 0;
}

int record_encode(const struct record *r, struct buf *out)
{
	size_t start = out->len;
	int e;

	buf_append(out, HEADER VERSION_TEXT "\n", strlen(HEADER VERSION_TEXT "\n"));
	e = put_fields(r, out);
	put_checksum(out, start);
	if (e == 0)
		e = buf_error(out);
	if (e == 0 && out->len - start > RECORD_SIZE_MAX)
		e = -E2BIG;
	if (e < 0)
		buf_truncate(out, start);
	return e;
}

/* Cuts off the next line, which is to begin with key. What is behind that, or NULL. */
static char *next_value(char **text, const char *key, size_t key_len)
{
	char *line = *text, *end = strchr(line, '\n');

	if (!end || strncmp(line, key, key_len) != 0 || line[key_len] != ' ')
		return NULL;
	*end = '\0';
	*text = end + 1;
	return line + key_len + 1;
}

static int take_fields(struct record *r, char *text, const char **why)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct field *f = &fields[i];
		char *value = next_value(&text, f->key, f->key_len);
		int e;

		*why = "a key is missing, unknown, there twice or out of place";
		if (!value)
			return -EBADMSG;
		*why = "a value cannot be";
		e = f->take(f, value, r);
		if (e < 0)
			return e == -EINVAL ? -EBADMSG : e;
	}
	*why = "it has more lines than a record";
	return *text ? -EBADMSG : 0;
}

/* The text without its checksum line, to be taken apart. 0; -EBADMSG: that line does not belong to it; -ENOMEM. */
static int copy_checked(struct buf *t, const char *text, size_t len)
{
	buf_append(t, text, len - CHECKSUM_LEN);
	put_checksum(t, 0);
	if (buf_error(t) < 0)
		return -ENOMEM;
	if (memcmp(t->data, text, len) != 0)
		return -EBADMSG;
	t->data[len - CHECKSUM_LEN] = '\0';
	return strlen(t->data) == len - CHECKSUM_LEN ? 0 : -EBADMSG;
}

int record_decode(struct record *out, const char *text, size_t len, const char **why)
{
	struct record r = { 0 };
	cleanup_buf struct buf copy = BUF_INIT;
	char *next, *version;
	int e;

	*why = "it is too short or too long";
	if (len < CHECKSUM_LEN || len > RECORD_SIZE_MAX)
		return -EBADMSG;
	*why = "its checksum does not match";
	e = copy_checked(&copy, text, len);
	if (e < 0)
		return e;
	*why = "it is no record";
	next = copy.data;
	version = next_value(&next, HEADER, strlen(HEADER) - 1);
	if (!version)
		return -EBADMSG;
	*why = "it is of another version";
	if (!streq(version, VERSION_TEXT))
		return -EPROTONOSUPPORT;
	e = take_fields(&r, next, why);
	if (e < 0) {
		record_deinit(&r);
		return e;
	}
	*out = r;
	return 0;
}

void record_deinit(struct record *r)
{
	free(r->unit);
	free(r->asked);
	free(r->asked_comm);
	*r = (struct record){ 0 };
}
