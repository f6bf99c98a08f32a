/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/cmdline.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/mman.h>

#include "util/buf.h"
#include "util/strv.h"

TestSuite(words, .timeout = 60);
TestSuite(cmdline, .timeout = 30);

static const struct host_facts host = {
	"", "", "", "", "", "", "/run", "", "", "", "", "", "", "", "", "", "", 0, 0, 0, 0,
};

/* "<a><b c>", to compare and to print. */
static char *show(char *const *v)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; v && v[i]; i++)
		buf_printf(&b, "<%s>", v[i]);
	return buf_take(&b);
}

static void check_words(char *const *v, const char *expected, const char *about)
{
	cleanup_free char *shown = show(v);

	cr_assert_str_eq(shown, expected, "%s\n gave %s\n  not %s", about, shown, expected);
}

/* ---- words ---- */

Test(words, split)
{
	static const struct {
		const char *text;
		const char *expected; /* NULL: -EINVAL */
	} cases[] = {
		{ "", "" },
		{ " \t\r\n", "" },
		{ "a", "<a>" },
		{ "  a\tb\nc  ", "<a><b><c>" },
		{ "\"a b\" 'c d'", "<a b><c d>" },
		{ "'a\"b' \"c'd\"", "<a\"b><c'd>" },
		{ "\"\" ''", "<><>" },
		{ "a\"b c\"d \"x\"y", "<ab cd><xy>" },
		{ "\"a\"'b'", "<ab>" },
		{ "a\\ b", NULL },
		{ "a\\sb", "<a b>" },
		{ "\\a\\b\\f\\n\\r\\t\\v\\\\\\\"\\'\\s", "<\a\b\f\n\r\t\v\\\"' >" },
		{ "'\\'' \"\\\"\"", "<'><\">" },
		{ "\\x41\\x7e \\101\\176", "<A~><A~>" },
		{ "\\xC3\\xA9 \\303\\251", "<é><é>" },
		{ "\\u00e9 \\u20AC \\U0001F600 \\u0041", "<é><€><😀><A>" },
		{ "\\x411", "<A1>" },
		{ "\\1011", "<A1>" },
		{ "\\x00", NULL },
		{ "\\000", NULL },
		{ "\\400", NULL },
		{ "\\u0000", NULL },
		{ "\\uD800", NULL },
		{ "\\U00110000", NULL },
		{ "\\x4", NULL },
		{ "\\xg1", NULL },
		{ "\\10", NULL },
		{ "\\181", NULL },
		{ "\\u123", NULL },
		{ "\\q", NULL },
		{ "a\\", NULL },
		{ "\"a", NULL },
		{ "a 'b", NULL },
		{ "\"a\\\"", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_strv char **v = NULL;
		int r = split_words(cases[i].text, &v);

		cr_assert_eq(r, cases[i].expected ? 0 : -EINVAL, "%s gave %d", cases[i].text, r);
		check_words(v, cases[i].expected ? cases[i].expected : "", cases[i].text);
	}
}

Test(words, flags)
{
	static const struct {
		const char *text;
		unsigned flags;
		const char *expected; /* NULL: -EINVAL */
	} cases[] = {
		{ "a\\qb \\x4z \\n", WORD_KEEP_UNKNOWN, "<a\\qb><\\x4z><\n>" },
		{ "a\\", WORD_KEEP_UNKNOWN, "<a\\>" },
		{ "\"a\\", WORD_KEEP_UNKNOWN, NULL },
		{ "\"a", WORD_KEEP_UNKNOWN, NULL },
		{ "\"a\\", WORD_KEEP_UNKNOWN | WORD_OPEN_QUOTE, "<a\\>" },
		{ "a\\nb \\\\ \"x\\\"y\"", WORD_PLAIN_ESCAPES, "<anb><\\><x\"y>" },
		{ "a\\ b", WORD_PLAIN_ESCAPES, "<a b>" },
		{ "a\\", WORD_PLAIN_ESCAPES, "<a>" },
		{ "a \"b c", WORD_OPEN_QUOTE, "<a><b c>" },
		{ "a \"b c\\", WORD_OPEN_QUOTE | WORD_PLAIN_ESCAPES, "<a><b c>" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_words struct words w = WORDS_INIT;
		int r = words_push_split(&w, cases[i].text, cases[i].flags);

		cr_assert_eq(r, cases[i].expected ? 0 : -EINVAL, "%s gave %d", cases[i].text, r);
		if (r == 0)
			check_words(w.v, cases[i].expected, cases[i].text);
	}
}

Test(words, failure_leaves_the_text_alone)
{
	const char *text = "  \"a", *p = text;
	char *word = NULL;

	cr_assert_eq(word_next(&p, 0, &word), -EINVAL);
	cr_assert_eq(p, text);
	cr_assert_null(word);
}

/* A page with an inaccessible one behind it: a string at its end cannot be overrun unnoticed. */
static char *guarded_page(size_t size)
{
	char *p = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(p, MAP_FAILED);
	cr_assert_eq(mprotect(p + size, size, PROT_NONE), 0);
	return p + size;
}

static unsigned next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005 + 1442695040888963407;
	return (unsigned)(*state >> 33);
}

/* Bytes that mean something to the tokenizer, and now and then any other. */
static void fill_random(char *s, size_t len, uint64_t *state)
{
	static const char special[] = "\\\\\\\"' \t\nxuU0123456789abfs;$%{}:-@+!/=#";

	for (size_t i = 0; i < len; i++) {
		unsigned r = next_random(state);

		s[i] = r % 8 ? special[(r >> 8) % (sizeof(special) - 1)] : (char)(1 + (r >> 8) % 255);
	}
	s[len] = '\0';
}

/*
 * On any text: nothing behind its end is read, each word makes progress, no word is longer than
 * what it was made from, and what went well strictly goes equally well with unknown escapes kept.
 */
Test(words, random_bytes)
{
	char *end = guarded_page((size_t)sysconf(_SC_PAGESIZE));
	uint64_t state = 1;
	unsigned good = 0;

	for (int round = 0; round < 200000; round++) {
		size_t len = next_random(&state) % 24;
		char *s = end - len - 1;
		const char *p = s;
		cleanup_strv char **strict = NULL;
		cleanup_words struct words kept = WORDS_INIT;
		char *word;
		int r;

		fill_random(s, len, &state);
		for (;;) {
			const char *before = p;

			r = word_next(&p, next_random(&state) % 8, &word);
			if (r <= 0)
				break;
			cr_assert_gt(p, before);
			cr_assert_leq(strlen(word), (size_t)(p - before));
			free(word);
		}
		cr_assert(r == -EINVAL || (r == 0 && p == end - 1));
		if (split_words(s, &strict) < 0)
			continue;
		good++;
		cr_assert_eq(words_push_split(&kept, s, WORD_KEEP_UNKNOWN), 0);
		cr_assert_eq(strv_len(strict), kept.n);
		for (size_t i = 0; i < kept.n; i++)
			cr_assert_str_eq(strict[i], kept.v[i]);
	}
	cr_assert_gt(good, 1000, "too few texts are good to prove anything: %u", good);
}

/* What is quoted with escapes comes back as it was, whatever bytes it holds. */
Test(words, quoted_bytes_come_back)
{
	uint64_t state = 3;

	for (int round = 0; round < 20000; round++) {
		cleanup_buf struct buf quoted = BUF_INIT;
		cleanup_strv char **v = NULL;
		char s[32];
		size_t len = next_random(&state) % sizeof(s);

		fill_random(s, len, &state);
		buf_putc(&quoted, '"');
		for (size_t i = 0; i < len; i++)
			buf_printf(&quoted, strchr("\\\"", s[i]) ? "\\%c" : "%c", s[i]);
		buf_putc(&quoted, '"');
		cr_assert_eq(split_words(quoted.data, &v), 0, "%s", quoted.data);
		cr_assert_eq(strv_len(v), 1);
		cr_assert_str_eq(v[0], s);
	}
}

Test(words, many_words_take_linear_time)
{
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_strv char **v = NULL;

	for (int i = 0; i < 500000; i++)
		buf_puts(&text, "a ");
	cr_assert_eq(split_words(text.data, &v), 0);
	cr_assert_eq(strv_len(v), 500000);
}

/* ---- parsing ---- */

/* "[FLAGS PATH <argv0><arg>…]" for each command */
static char *show_commands(const struct exec_commands *c)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < c->n; i++) {
		const struct exec_command *e = &c->v[i];
		cleanup_free char *argv = show(e->argv);

		buf_printf(&b, "[%s%s%s%s%s %s]", e->ignore_failure ? "-" : "",
			   e->no_env_expand ? ":" : "", e->privileged ? "+" : "",
			   e->no_setuid ? "!" : "", e->path, argv);
	}
	return buf_take(&b);
}

/* What systemd 252 makes of each line, asked with --test; unit t@foo-bar.service. */
static const struct {
	const char *line;
	const char *commands; /* NULL: the unit is refused */
	const char *diag;     /* of the last diagnostic; NULL: none */
} lines[] = {
	{ "/bin/echo a\"b c\"d 'q'", "[/bin/echo </bin/echo><ab cd><q>]", NULL },
	{ "@:+/bin//./echo argv0 x", "[:+/bin/echo <argv0><x>]", NULL },
	{ "-/bin/x", "[-/bin/x </bin/x>]", NULL },
	{ "!/bin/x", "[!/bin/x </bin/x>]", NULL },
	{ "!!-/bin/x", "[-/bin/x </bin/x>]", NULL },
	{ "!-!:/bin/x", "[-:/bin/x </bin/x>]", NULL },
	{ "+!/bin/x", NULL, "Neither a valid executable name nor an absolute path: !/bin/x" },
	{ "!!!/bin/x", NULL, "Neither a valid executable name nor an absolute path: !/bin/x" },
	{ "@@/bin/x y", NULL, "Neither a valid executable name nor an absolute path: @/bin/x" },
	{ "::/bin/x", NULL, "Neither a valid executable name nor an absolute path: :/bin/x" },
	{ "--/bin/x", "", "Neither a valid executable name nor an absolute path, ignoring: -/bin/x" },
	{ "\"- /bin/x\"", "", "Neither a valid executable name nor an absolute path, ignoring:  /bin/x" },
	{ "/bin/a ; /bin/b x", "[/bin/a </bin/a>][/bin/b </bin/b><x>]", NULL },
	{ "/bin/a ;; ; ; /bin/b", "[/bin/a </bin/a><;;>][/bin/b </bin/b>]", NULL },
	{ "; /bin/a", "[/bin/a </bin/a>]", NULL },
	{ "/bin/a ;", "[/bin/a </bin/a>]", NULL },
	{ "/bin/a ; ", "[/bin/a </bin/a>]", NULL },
	{ ";", "", NULL },
	{ "/bin/a x;y ;c d; ';' \";\" z", "[/bin/a </bin/a><x;y><;c><d;><;><;><z>]", NULL },
	{ "/bin/a \\; b", "[/bin/a </bin/a><;><b>]", NULL },
	{ "/bin/a \\;", "[/bin/a </bin/a><;>]", NULL },
	{ "/bin/a \"\\;\"", "[/bin/a </bin/a><\\;>]", "Ignoring unknown escape sequences: \"\\;\"" },
	{ "/bin/a \\;x", "[/bin/a </bin/a><\\;x>]", "Ignoring unknown escape sequences: \"\\;x\"" },
	{ "/bin/a A\\q", "[/bin/a </bin/a><A\\q>]", "Ignoring unknown escape sequences: \"A\\q\"" },
	{ "/bin/a trail\\\\", "[/bin/a </bin/a><trail\\>]", NULL },
	{ "/bin/a \"\"", "[/bin/a </bin/a><>]", NULL },
	{ "\"/bin/my\\x20tool\" a", "[/bin/my tool </bin/my tool><a>]", NULL },
	{ "/bin/é x", "[/bin/é </bin/é><x>]", NULL },
	{ "/bin/a/../b", "[/bin/a/../b </bin/a/../b>]", NULL },
	{ "a b", "[a <a><b>]", NULL },
	{ "rel/x", NULL, "Neither a valid executable name nor an absolute path: rel/x" },
	{ "./x", NULL, "Neither a valid executable name nor an absolute path: ./x" },
	{ "..", NULL, "Neither a valid executable name nor an absolute path: .." },
	{ "-rel/x", "", "Neither a valid executable name nor an absolute path, ignoring: rel/x" },
	{ "/bin/dir/", NULL, "Executable path specifies a directory: /bin/dir/" },
	{ "-/bin/ech\\x27o", "", "Executable name contains special characters, ignoring: /bin/ech'o" },
	{ "/bin/e\\no", NULL, "Executable name contains special characters: /bin/e\no" },
	{ "-", "", "Empty path in command line, ignoring: -" },
	{ "+", NULL, "Empty path in command line: +" },
	{ "@/bin/x", NULL, "Empty executable name or zeroeth argument: @/bin/x" },
	{ "-@/bin/x", "", "Empty executable name or zeroeth argument, ignoring: -@/bin/x" },
	{ "@/bin/x \"\" y", "[/bin/x <><y>]", NULL },
	{ "/bin/a \"unb", NULL, "Unbalanced quoting: /bin/a \"unb" },
	{ "-/bin/a \"unb", "", "Unbalanced quoting, ignoring: -/bin/a \"unb" },
	{ "\"unb", "", "Unbalanced quoting, ignoring: \"unb" },
	{ "/bin/a ; \"unb", "[/bin/a </bin/a>]", "Unbalanced quoting, ignoring: \"unb" },
	{ "/bin/a ; rel/x", NULL, "Neither a valid executable name nor an absolute path: rel/x" },
	{ "-/bin/a ; rel/x", NULL, "Neither a valid executable name nor an absolute path: rel/x" },
	{ "/bin/a ; -rel/x ; /bin/b", "[/bin/a </bin/a>]",
	  "Neither a valid executable name nor an absolute path, ignoring: rel/x" },
	{ "/bin/a %i x%%y %- 100%", "[/bin/a </bin/a><foo-bar><x%y><%-><100%>]", NULL },
	{ "/bin/%p %I", "[/bin/t </bin/t><foo/bar>]", NULL },
	{ "/bin/a %z", NULL, "Failed to resolve unit specifiers in %z" },
	{ "-/bin/a %z", "", "Failed to resolve unit specifiers in %z, ignoring" },
	{ "%z/x", NULL, "Failed to resolve unit specifiers in %z/x" },
	{ "/bin/a ${X} $$ $X", "[/bin/a </bin/a><${X}><$$><$X>]", NULL },
	/* systemd says nothing and fails at the start */
	{ "$FOO x", "[$FOO <$FOO><x>]", "The command may not be a variable, it will not be found: $FOO" },
};

Test(cmdline, parse)
{
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		cleanup_diags struct diags diags = DIAGS_INIT;
		struct exec_commands c = { NULL, 0 };
		const char *line = lines[i].line, *expected = lines[i].commands;
		int r = cmdline_parse(&c, line, "t@foo-bar.service", &host, "f", 7, &diags);
		cleanup_free char *shown = show_commands(&c);

		cr_assert_eq(r, expected ? 0 : -EINVAL, "%s gave %d", line, r);
		cr_assert_eq(diags.errors, expected ? 0 : 1, "%s", line);
		cr_assert_str_eq(shown, expected ? expected : "", "%s gave %s", line, shown);
		cr_assert_eq(diags.n, lines[i].diag ? 1 : 0, "%s: %zu diagnostics", line, diags.n);
		if (diags.n > 0) {
			cr_assert_str_eq(diags.v[0].text, lines[i].diag, "%s said %s", line,
					 diags.v[0].text);
			cr_assert_eq(diags.v[0].line, 7);
		}
		exec_commands_clear(&c);
		cr_assert_eq(c.n, 0);
	}
}

Test(cmdline, a_bad_line_keeps_earlier_ones)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct exec_commands c = { NULL, 0 };

	cr_assert_eq(cmdline_parse(&c, "/bin/a", "x.service", &host, "f", 1, &diags), 0);
	cr_assert_eq(cmdline_parse(&c, "/bin/b ; rel/x", "x.service", &host, "f", 2, &diags), -EINVAL);
	cr_assert_eq(c.n, 1);
	cr_assert_str_eq(c.v[0].path, "/bin/a");
	exec_commands_clear(&c);
}

/* An expanded specifier is never split, whatever the instance holds. */
Test(cmdline, specifiers_are_not_split)
{
	cleanup_diags struct diags diags = DIAGS_INIT;
	struct exec_commands c = { NULL, 0 };
	const char *unit = "t@a\\x20b\\x20\\x22c\\x20\\x3b.service";

	cr_assert_eq(cmdline_parse(&c, "/bin/a %I ; /bin/b", unit, &host, "f", 1, &diags), 0);
	cr_assert_eq(c.n, 2);
	check_words(c.v[0].argv, "</bin/a><a b \"c ;>", unit);
	exec_commands_clear(&c);
}

Test(cmdline, random_lines)
{
	char *end = guarded_page((size_t)sysconf(_SC_PAGESIZE));
	uint64_t state = 5;
	size_t good = 0;

	for (int round = 0; round < 100000; round++) {
		cleanup_diags struct diags diags = DIAGS_INIT;
		struct exec_commands c = { NULL, 0 };
		size_t len = 2 + next_random(&state) % 30;
		char *s = end - len - 1;
		int r;

		fill_random(s, len, &state);
		s[0] = '/';
		s[1] = 'x';
		r = cmdline_parse(&c, s, "t@i.service", &host, "f", 1, &diags);
		cr_assert_eq(r, diags.errors > 0 ? -EINVAL : 0, "%s", s);
		cr_assert(r == 0 || c.n == 0);
		for (size_t i = 0; i < c.n; i++) {
			char *env[] = { (char[]){ "x=1 '2" }, NULL };
			cleanup_strv char **argv = cmdline_expand(&c.v[i], env);

			cr_assert_not_null(argv);
			cr_assert_not_null(argv[0]);
			good++;
		}
		exec_commands_clear(&c);
	}
	cr_assert_gt(good, 1000);
}

/* ---- expansion ---- */

static char *env[] = {
	(char[]){ "ONE=one" },
	(char[]){ "TWO='two two' too" },
	(char[]){ "EMPTY=" },
	(char[]){ "B=a\\nb \\\\" },
	(char[]){ "OPEN=a \"b c" },
	(char[]){ "DUP=old" },
	(char[]){ "DUP=new" },
	(char[]){ "D=$ONE" },
	NULL,
};

Test(cmdline, expand)
{
	static const struct {
		const char *args;
		const char *expected;
	} cases[] = {
		{ "${ONE} ${TWO} ${EMPTY}", "</x><one><'two two' too><>" },
		{ "$ONE $TWO $EMPTY", "</x><one><two two><too>" },
		{ "$UNSET ${UNSET} a${UNSET}b", "</x><><ab>" },
		{ "a${ONE}b${ONE} x$ONE", "</x><aonebone><x$ONE>" },
		{ "$$ $$ONE a$$b $${ONE} $$$$ $", "</x><$><$ONE><a$b><${ONE}><$$>" },
		{ "a$ $${ ${ONE ${} a${", "</x><a$><${><${ONE><><a${>" },
		{ "${ONE:-x} ${ONE:+$$}", "</x><${ONE:-x}><${ONE:+$}>" },
		{ "${ONE-x} $ONE-x $1", "</x><>" },
		{ "$B", "</x><anb><\\>" },
		{ "$OPEN", "</x><a><b c>" },
		{ "$DUP ${DUP}", "</x><new><new>" },
		{ "$D ${D}", "</x><$ONE><$ONE>" },
		{ "'$TWO'", "</x><two two><too>" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct exec_command c = { .path = (char[]){ "/x" } };
		cleanup_words struct words w = WORDS_INIT;
		cleanup_strv char **argv = NULL, **plain = NULL;

		cr_assert_eq(words_push_take(&w, strdup("/x")), 0);
		cr_assert_eq(words_push_split(&w, cases[i].args, 0), 0);
		c.argv = w.v;
		argv = cmdline_expand(&c, env);
		check_words(argv, cases[i].expected, cases[i].args);

		c.no_env_expand = true;
		plain = cmdline_expand(&c, env);
		cr_assert_eq(strv_len(plain), w.n);
		for (size_t j = 0; j < w.n; j++)
			cr_assert_str_eq(plain[j], w.v[j]);
	}
}

Test(cmdline, argv0_is_never_missing)
{
	char *argv[] = { (char[]){ "$EMPTY" }, NULL };
	struct exec_command c = { .path = (char[]){ "/x" }, .argv = argv };
	cleanup_strv char **out = cmdline_expand(&c, env);

	check_words(out, "</x>", "$EMPTY");
}
