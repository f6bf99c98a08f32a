/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/record.h"
#include "util/checksum.h"

#define ROUNDS 20000

TestSuite(record, .timeout = 60);

/* ---- random records, the same in every run ---- */

static uint64_t random_state = 1;

/* Marsaglia's xorshift64. */
static uint64_t random_u64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static unsigned random_below(unsigned n)
{
	return (unsigned)(random_u64() % n);
}

/* Of every length in digits, with 0 and infinity. */
static uint64_t random_number(void)
{
	switch (random_below(8)) {
	case 0:
		return 0;
	case 1:
		return USEC_INFINITY;
	default:
		return random_u64() >> random_below(64);
	}
}

static bool random_bool(void)
{
	return random_below(2);
}

static pid_t random_pid(void)
{
	return random_bool() ? 0 : (pid_t)(1 + random_below(4194304));
}

/* Any byte but NUL, in particular what has a meaning in the text. */
static char *random_string(void)
{
	static const char special[] = "\n\\x0 \t\r\x01\x7f\xff";
	size_t len = 1 + random_below(40);
	char *s;

	if (random_below(4) == 0)
		return NULL;
	s = calloc(1, len + 1);
	for (size_t i = 0; i < len; i++)
		s[i] = random_bool() ? special[random_below(sizeof(special) - 1)]
				     : (char)(1 + random_below(255));
	return s;
}

static char *random_unit(void)
{
	static const char chars[] = "abcxyzABC019:-_.\\@";
	static const char suffix[] = ".service";
	char name[UNIT_NAME_MAX + 1];

	do {
		size_t len = 1 + random_below(UNIT_NAME_MAX - sizeof(suffix) + 1);

		for (size_t i = 0; i < len; i++)
			name[i] = chars[random_below(sizeof(chars) - 1)];
		memcpy(name + len, suffix, sizeof(suffix));
	} while (!unit_name_valid(name));
	return strdup(name);
}

static struct exit_info random_exit(void)
{
	static const int codes[] = { 0, CLD_EXITED, CLD_KILLED, CLD_DUMPED, EXIT_UNKNOWN };

	return (struct exit_info){ .code = codes[random_below(ARRAY_SIZE(codes))],
				   .status = (int)random_below(256) };
}

static struct service random_machine(void)
{
	return (struct service){
		.state = (enum service_state)(1 + random_below(STATE_MAX - 1)),
		.state_since = random_number(),
		.result = (enum service_result)(1 + random_below(RESULT_MAX - 1)),
		.reload_result = (enum service_result)(1 + random_below(RESULT_MAX - 1)),
		.main_exit = random_exit(),
		.main_alive = random_bool(),
		.control_alive = random_bool(),
		.populated = random_bool(),
		.mainless = random_bool(),
		.phase = (enum exec_phase)random_below(EXEC_PHASE_MAX),
		.index = random_below(65536),
		.stage_end = random_number(),
		.deadline = random_number(),
		.runtime_end = random_number(),
		.rest_at = random_number(),
		.reload_began = random_number(),
		.watchdog = random_number(),
		.watchdog_end = random_number(),
		.start_limit = { .begin = random_number(), .count = (unsigned)random_number() },
		.n_restarts = (unsigned)random_number(),
		.start_pending = random_bool(),
		.restart_requested = random_bool(),
		.stop_requested = random_bool(),
		.killing = random_bool(),
		.rest_due = random_bool(),
		.squeezed = random_bool(),
		.cut_short = random_bool(),
		.stuck_in_final = random_bool(),
	};
}

static struct record random_record(void)
{
	struct record r = {
		.unit = random_unit(),
		.cgroup_id = random_number(),
		.saved = random_number(),
		.real_since = random_number(),
		.machine = random_machine(),
		.spawns = random_number(),
		.main_spawn = random_number(),
		.control_spawn = random_number(),
		.main = { random_pid(), random_number() },
		.control = { random_pid(), random_number() },
		.main_after = (unsigned)random_number(),
		.control_after = (unsigned)random_number(),
		.signals_due = random_bool(),
		.asked = random_string(),
		.asked_uid = (uid_t)random_number(),
		.asked_pid = random_pid(),
		.asked_comm = random_string(),
	};

	for (int i = 0; i < BOOT_ID_LEN; i++)
		r.boot_id[i] = "0123456789abcdef"[random_below(16)];
	return r;
}

/* ---- what the tests share ---- */

static void check_machine(const struct service *a, const struct service *b)
{
	cr_assert_null(b->unit);
	cr_assert_eq(a->state, b->state);
	cr_assert_eq(a->state_since, b->state_since);
	cr_assert_eq(a->result, b->result);
	cr_assert_eq(a->reload_result, b->reload_result);
	cr_assert_eq(a->main_exit.code, b->main_exit.code);
	cr_assert_eq(a->main_exit.status, b->main_exit.status);
	cr_assert_eq(a->main_alive, b->main_alive);
	cr_assert_eq(a->control_alive, b->control_alive);
	cr_assert_eq(a->populated, b->populated);
	cr_assert_eq(a->mainless, b->mainless);
	cr_assert_eq(a->phase, b->phase);
	cr_assert_eq(a->index, b->index);
	cr_assert_eq(a->stage_end, b->stage_end);
	cr_assert_eq(a->deadline, b->deadline);
	cr_assert_eq(a->runtime_end, b->runtime_end);
	cr_assert_eq(a->rest_at, b->rest_at);
	cr_assert_eq(a->reload_began, b->reload_began);
	cr_assert_eq(a->watchdog, b->watchdog);
	cr_assert_eq(a->watchdog_end, b->watchdog_end);
	cr_assert_eq(a->start_limit.begin, b->start_limit.begin);
	cr_assert_eq(a->start_limit.count, b->start_limit.count);
	cr_assert_eq(a->n_restarts, b->n_restarts);
	cr_assert_eq(a->start_pending, b->start_pending);
	cr_assert_eq(a->restart_requested, b->restart_requested);
	cr_assert_eq(a->stop_requested, b->stop_requested);
	cr_assert_eq(a->killing, b->killing);
	cr_assert_eq(a->rest_due, b->rest_due);
	cr_assert_eq(a->squeezed, b->squeezed);
	cr_assert_eq(a->cut_short, b->cut_short);
	cr_assert_eq(a->stuck_in_final, b->stuck_in_final);
}

static void check_same(const struct record *a, const struct record *b)
{
	cr_assert_str_eq(a->boot_id, b->boot_id);
	cr_assert_str_eq(a->unit, b->unit);
	cr_assert_eq(a->cgroup_id, b->cgroup_id);
	cr_assert_eq(a->saved, b->saved);
	cr_assert_eq(a->real_since, b->real_since);
	check_machine(&a->machine, &b->machine);
	cr_assert_eq(a->spawns, b->spawns);
	cr_assert_eq(a->main_spawn, b->main_spawn);
	cr_assert_eq(a->control_spawn, b->control_spawn);
	cr_assert_eq(a->main.pid, b->main.pid);
	cr_assert_eq(a->main.identity, b->main.identity);
	cr_assert_eq(a->control.pid, b->control.pid);
	cr_assert_eq(a->control.identity, b->control.identity);
	cr_assert_eq(a->main_after, b->main_after);
	cr_assert_eq(a->control_after, b->control_after);
	cr_assert_eq(a->signals_due, b->signals_due);
	cr_assert(streq_null(a->asked, b->asked));
	cr_assert_eq(a->asked_uid, b->asked_uid);
	cr_assert_eq(a->asked_pid, b->asked_pid);
	cr_assert(streq_null(a->asked_comm, b->asked_comm));
}

static struct buf encoded(const struct record *r)
{
	struct buf b = BUF_INIT;

	cr_assert_eq(record_encode(r, &b), 0);
	cr_assert_leq(b.len, RECORD_SIZE_MAX);
	return b;
}

/* Decodes what is to be refused. */
static int refusal(const char *text, size_t len)
{
	struct record out = { .spawns = 4711 };
	const char *why = NULL;
	int e = record_decode(&out, text, len, &why);

	cr_assert_lt(e, 0, "believed: %.*s", (int)len, text);
	cr_assert_not_null(why);
	cr_assert_eq(out.spawns, 4711, "*out is for success");
	cr_assert_null(out.unit);
	return e;
}

/* The text with `from` replaced by `to`, and a checksum that is right. */
static struct buf changed(const struct buf *text, const char *from, const char *to)
{
	const char *sum = strstr(text->data, "checksum "), *at = strstr(text->data, from);
	struct buf b = BUF_INIT;

	cr_assert(at && at < sum, "the text has no %s", from);
	buf_append(&b, text->data, (size_t)(at - text->data));
	buf_puts(&b, to);
	buf_append(&b, at + strlen(from), (size_t)(sum - at) - strlen(from));
	buf_printf(&b, "checksum %016llx\n", (unsigned long long)checksum64(b.data, b.len));
	return b;
}

static struct record plain_record(void)
{
	struct record r = { .boot_id = "0123456789abcdef0123456789abcdef",
			    .unit = strdup("a.service"),
			    .main = { 1234, 5678 } };

	service_init(&r.machine, NULL, 100);
	return r;
}

/* ---- the tests ---- */

Test(record, round_trip)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct record in = random_record(), out;
		cleanup_buf struct buf text = encoded(&in), again = BUF_INIT;
		const char *why = NULL;

		cr_assert_eq(record_decode(&out, text.data, text.len, &why), 0, "%s: %s", why,
			     text.data);
		check_same(&in, &out);
		again = encoded(&out);
		cr_assert_str_eq(text.data, again.data);
		record_deinit(&in);
		record_deinit(&out);
	}
}

#if __has_builtin(__builtin_clear_padding)
static bool is_pointer(size_t offset)
{
	static const size_t pointers[] = { offsetof(struct record, unit),
					   offsetof(struct record, machine.unit),
					   offsetof(struct record, asked),
					   offsetof(struct record, asked_comm) };

	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++)
		if (offset - pointers[i] < sizeof(char *))
			return true;
	return false;
}

/* Whoever adds a member to struct record or struct service adds it to the table: there is no byte that the text ignores. */
Test(record, nothing_is_left_out)
{
	struct record r = plain_record(), copy, in_use;
	cleanup_buf struct buf text = encoded(&r);

	memset(&in_use, 0xff, sizeof(in_use));
	__builtin_clear_padding(&in_use);
	for (size_t i = 0; i < sizeof(r); i++) {
		cleanup_buf struct buf other = BUF_INIT;

		if (((char *)&in_use)[i] == 0 || is_pointer(i))
			continue;
		memcpy(&copy, &r, sizeof(r));
		((char *)&copy)[i] ^= 1;
		if (record_encode(&copy, &other) == 0)
			cr_assert_str_neq(text.data, other.data, "byte %zu of struct record", i);
	}
	record_deinit(&r);
}
#else
Test(record, nothing_is_left_out)
{
	cr_skip_test("this compiler does not tell what is padding");
}
#endif

/* What it is, for whoever changes it: a text that an earlier cgkilld wrote must be understood or of another version. */
Test(record, text)
{
	struct record r = plain_record();
	cleanup_buf struct buf text = encoded(&r);
	static const char expected[] = "cgkill-record 2\n"
				       "boot-id 0123456789abcdef0123456789abcdef\n"
				       "unit a.service\n"
				       "cgroup-id 0\n"
				       "saved 0\n"
				       "real-since 0\n"
				       "state dead\n"
				       "state-since 100\n"
				       "result success\n"
				       "reload-result success\n"
				       "exit-code none\n"
				       "exit-status 0\n"
				       "main-alive 0\n"
				       "control-alive 0\n"
				       "populated 0\n"
				       "mainless 0\n"
				       "phase ExecCondition\n"
				       "index 0\n"
				       "stage-end 18446744073709551615\n"
				       "deadline 18446744073709551615\n"
				       "runtime-end 18446744073709551615\n"
				       "rest-at 18446744073709551615\n"
				       "reload-began 0\n"
				       "watchdog 0\n"
				       "watchdog-end 18446744073709551615\n"
				       "start-limit-begin 0\n"
				       "start-limit-count 0\n"
				       "n-restarts 0\n"
				       "start-pending 0\n"
				       "restart-requested 0\n"
				       "stop-requested 0\n"
				       "killing 0\n"
				       "rest-due 0\n"
				       "squeezed 0\n"
				       "cut-short 0\n"
				       "stuck-in-final 0\n"
				       "spawns 0\n"
				       "main-spawn 0\n"
				       "control-spawn 0\n"
				       "main-pid 1234\n"
				       "main-identity 5678\n"
				       "control-pid 0\n"
				       "control-identity 0\n"
				       "main-after 0\n"
				       "control-after 0\n"
				       "signals-due 0\n"
				       "asked \n"
				       "asked-uid 0\n"
				       "asked-pid 0\n"
				       "asked-comm \n"
				       "checksum ";

	cr_assert_eq(strncmp(text.data, expected, strlen(expected)), 0, "%s", text.data);
	cr_assert_eq(text.len, strlen(expected) + 17);
	record_deinit(&r);
}

Test(record, truncated)
{
	struct record r = random_record();
	cleanup_buf struct buf text = encoded(&r);

	for (size_t len = 0; len < text.len; len++)
		cr_assert_eq(refusal(text.data, len), -EBADMSG);
	record_deinit(&r);
}

/* Two halves of different records, as a torn write would leave them. */
Test(record, torn)
{
	struct record a = plain_record(), b = plain_record();
	cleanup_buf struct buf old = encoded(&a), new = BUF_INIT;

	b.machine.state = STATE_FAILED;
	b.main.pid = 9999;
	b.spawns = 8;
	new = encoded(&b);
	for (size_t len = 1; len < MIN_OF(old.len, new.len); len++) {
		cleanup_buf struct buf torn = BUF_INIT;

		buf_append(&torn, new.data, len);
		buf_append(&torn, old.data + len, old.len - len);
		if (!streq(torn.data, old.data) && !streq(torn.data, new.data))
			refusal(torn.data, torn.len);
	}
	record_deinit(&a);
	record_deinit(&b);
}

Test(record, flipped_bits)
{
	struct record r = random_record();
	cleanup_buf struct buf text = encoded(&r);

	for (size_t i = 0; i < text.len * 8; i++) {
		char mask = (char)(1 << i % 8);

		text.data[i / 8] = (char)(text.data[i / 8] ^ mask);
		cr_assert_eq(refusal(text.data, text.len), -EBADMSG);
		text.data[i / 8] = (char)(text.data[i / 8] ^ mask);
	}
	record_deinit(&r);
}

Test(record, other_bytes)
{
	struct record r = plain_record();
	cleanup_buf struct buf text = encoded(&r);

	for (size_t i = 0; i < text.len; i++) {
		char right = text.data[i];

		for (int c = 0; c < 256; c++) {
			text.data[i] = (char)c;
			if (text.data[i] != right)
				cr_assert_eq(refusal(text.data, text.len), -EBADMSG);
		}
		text.data[i] = right;
	}
	record_deinit(&r);
}

/* Damage that a checksum does not see: somebody else's idea of a record. */
Test(record, nonsense)
{
	static const struct {
		const char *from, *to;
		int error;
	} cases[] = {
		{ "cgkill-record 2", "cgkill-record 1", -EPROTONOSUPPORT },
		{ "cgkill-record 2", "cgkill-record 02", -EPROTONOSUPPORT },
		{ "cgkill-record 2", "cgkill-recorD 2", -EBADMSG },
		{ "cgkill-record 2\n", "", -EBADMSG },
		{ "saved 0\n", "", -EBADMSG },			 /* missing */
		{ "asked-comm \n", "", -EBADMSG },		 /* … the last */
		{ "saved 0\n", "saved 0\nsaved 0\n", -EBADMSG }, /* twice */
		{ "saved 0\n", "saved 0\nsaved 1\n", -EBADMSG }, /* … and in dispute */
		{ "asked-comm \n", "asked-comm \nasked-comm \n", -EBADMSG },
		{ "saved 0\n", "saved 0\nfuture 0\n", -EBADMSG }, /* unknown */
		{ "asked-comm \n", "asked-comm \nfuture 0\n", -EBADMSG },
		{ "asked-comm \n", "asked-comm \n\n", -EBADMSG },
		{ "saved 0\n", "saved  0\n", -EBADMSG },
		{ "saved 0\n", "saved\n", -EBADMSG },
		{ "saved 0\n", "saved \n", -EBADMSG },
		{ "saved 0\n", "saved -1\n", -EBADMSG },
		{ "saved 0\n", "saved 0x1\n", -EBADMSG },
		{ "saved 0\n", "saved 18446744073709551616\n", -EBADMSG },
		{ "state dead", "state ", -EBADMSG },
		{ "state dead", "state undead", -EBADMSG },
		{ "state dead", "state 1", -EBADMSG },
		{ "exit-code none", "exit-code trapped", -EBADMSG },
		{ "exit-status 0", "exit-status 256", -EBADMSG },
		{ "killing 0", "killing 2", -EBADMSG },
		{ "index 0", "index 65536", -EBADMSG },
		{ "n-restarts 0", "n-restarts 4294967296", -EBADMSG },
		{ "main-pid 1234", "main-pid -1234", -EBADMSG },
		{ "main-pid 1234", "main-pid 4194305", -EBADMSG },
		{ "asked-uid 0", "asked-uid 4294967296", -EBADMSG },
		{ "unit a.service", "unit ", -EBADMSG },
		{ "unit a.service", "unit ../../etc/passwd", -EBADMSG },
		{ "unit a.service", "unit a\\x2fb.service", -EBADMSG },
		{ "asked \n", "asked \\\n", -EBADMSG },
		{ "asked \n", "asked \\x0\n", -EBADMSG },
		{ "asked \n", "asked \\x00\n", -EBADMSG },
		{ "asked \n", "asked \\xG0\n", -EBADMSG },
		{ "asked \n", "asked \\n\n", -EBADMSG },
		{ "boot-id 0123", "boot-id 012", -EBADMSG },
		{ "boot-id 0123", "boot-id 00123", -EBADMSG },
		{ "boot-id 0123", "boot-id 012G", -EBADMSG },
	};
	struct record r = plain_record();
	cleanup_buf struct buf text = encoded(&r);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_buf struct buf other = changed(&text, cases[i].from, cases[i].to);

		cr_assert_eq(refusal(other.data, other.len), cases[i].error, "%s", cases[i].to);
	}
	record_deinit(&r);
}

/* changed() itself makes texts that are believed, so that the cases above are refused for what they say. */
Test(record, change_believed)
{
	struct record r = plain_record(), out;
	cleanup_buf struct buf text = encoded(&r), other = BUF_INIT;
	const char *why;

	other = changed(&text, "asked \n", "asked st\\x6fp\n");
	cr_assert_eq(record_decode(&out, other.data, other.len, &why), 0);
	cr_assert_str_eq(out.asked, "stop");
	record_deinit(&out);
	record_deinit(&r);
}

Test(record, extra_bytes)
{
	struct record r = plain_record();
	cleanup_buf struct buf text = encoded(&r), twice = BUF_INIT, nul = BUF_INIT;

	buf_append(&twice, text.data, text.len);
	buf_append(&twice, text.data, text.len);
	cr_assert_eq(refusal(twice.data, twice.len), -EBADMSG);
	buf_append(&nul, text.data, text.len + 1);
	cr_assert_eq(refusal(nul.data, nul.len), -EBADMSG);
	record_deinit(&r);
}

/* A checksum that is right does not make it believed either. */
Test(record, oversize)
{
	cleanup_buf struct buf text = BUF_INIT;

	while (text.len <= RECORD_SIZE_MAX)
		buf_puts(&text, "cgkill-record 2\n");
	buf_printf(&text, "checksum %016llx\n", (unsigned long long)checksum64(text.data, text.len));
	cr_assert_eq(refusal(text.data, text.len), -EBADMSG);
}

/* The largest that is written is read; the first that is too long is refused, and leaves out as it was. */
Test(record, size_limit)
{
	struct record r = plain_record(), out;
	cleanup_buf struct buf text = encoded(&r);
	size_t room = RECORD_SIZE_MAX - text.len;
	const char *why;

	r.asked = malloc(room + 2);
	memset(r.asked, 'x', room + 1);
	r.asked[room + 1] = '\0';
	text.len = 0;
	buf_puts(&text, "before");
	cr_assert_eq(record_encode(&r, &text), -E2BIG);
	cr_assert_str_eq(text.data, "before");

	r.asked[room] = '\0';
	text.len = 0;
	cr_assert_eq(record_encode(&r, &text), 0);
	cr_assert_eq(text.len, RECORD_SIZE_MAX);
	cr_assert_eq(record_decode(&out, text.data, text.len, &why), 0, "%s", why);
	cr_assert_str_eq(out.asked, r.asked);
	record_deinit(&out);
	record_deinit(&r);
}

/* What could not be read again is not written. */
Test(record, unwritable)
{
	struct record good = plain_record(),
		      bad[] = { good, good, good, good, good, good, good, good };
	cleanup_buf struct buf text = BUF_INIT;

	bad[0].machine.state = STATE_INVALID;
	bad[1].machine.result = RESULT_MAX;
	bad[2].machine.main_exit.code = CLD_DUMPED + 1;
	bad[3].machine.main_exit.status = -1;
	bad[4].machine.index = SIZE_MAX;
	bad[5].main.pid = -1;
	bad[6].boot_id[0] = '\0';
	bad[7].unit = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cr_assert_eq(record_encode(&bad[i], &text), -EINVAL, "case %zu", i);
		cr_assert_eq(text.len, 0);
	}
	record_deinit(&good);
}
