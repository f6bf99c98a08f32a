/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/buf.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "util/diag.h"
#include "util/list.h"
#include "util/strv.h"

/* The containers of util that are too small for a file of their own: buf, strv, list, diag. */
TestSuite(buf, .timeout = 10);
TestSuite(strv, .timeout = 10);
TestSuite(list, .timeout = 10);
TestSuite(diag, .timeout = 10);

Test(buf, an_empty_one_is_an_empty_string)
{
	struct buf b = BUF_INIT;
	char *s = buf_take(&b);

	cr_assert_str_eq(s, "");
	free(s);
	buf_deinit(&b);
	buf_deinit(&b);
}

Test(buf, appends)
{
	cleanup_buf struct buf b = BUF_INIT;
	char *s;

	buf_append(&b, NULL, 0);
	buf_puts(&b, "a");
	buf_putc(&b, '-');
	buf_printf(&b, "%d%s", 42, "x");
	buf_append(&b, "\0z", 2);
	cr_assert_eq(b.len, 7);
	cr_assert_arr_eq(b.data, "a-42x\0z", 8);
	cr_assert_eq(buf_error(&b), 0);
	buf_consume(&b, 2);
	cr_assert_arr_eq(b.data, "42x\0z", 6);
	buf_consume(&b, 5);
	cr_assert_eq(b.len, 0);
	cr_assert_str_eq(b.data, "");
	buf_puts(&b, "again");
	s = buf_take(&b);
	cr_assert_str_eq(s, "again");
	cr_assert_null(b.data);
	free(s);
}

/* In an array of the test's: the byte behind its end shows who writes there. */
Test(buf, a_fixed_one_stays_where_it_is)
{
	char room[8] = "xxxxxxx", *end = room + 7;
	struct buf b = { .data = room, .cap = 7, .fixed = true };

	*end = '!';
	buf_puts(&b, "123");
	buf_printf(&b, "%s", "456");
	cr_assert_eq(buf_error(&b), 0);
	cr_assert_str_eq(room, "123456");
	buf_putc(&b, '7');
	cr_assert_eq(buf_error(&b), -ENOMEM);
	cr_assert_eq(b.data, room);
	cr_assert_eq(b.len, 6);
	cr_assert_eq(*end, '!');
}

Test(buf, grows)
{
	cleanup_buf struct buf b = BUF_INIT;

	for (int i = 0; i < 100000; i++)
		buf_putc(&b, (char)('a' + i % 26));
	buf_printf(&b, "%01000d", 0);
	cr_assert_eq(b.len, 101000);
	cr_assert_eq(strlen(b.data), b.len);
	for (int i = 0; i < 100000; i++)
		cr_assert_eq(b.data[i], (char)('a' + i % 26));
}

Test(buf, failure_sticks)
{
	cleanup_buf struct buf b = BUF_INIT;

	buf_puts(&b, "kept");
	buf_append(&b, "", SIZE_MAX - 2); /* cannot be had, so that nothing is read */
	cr_assert_eq(buf_error(&b), -ENOMEM);
	buf_puts(&b, "x");
	buf_printf(&b, "%d", 1);
	cr_assert_eq(b.len, 4);
	cr_assert_str_eq(b.data, "kept");
	cr_assert_null(buf_take(&b));
	cr_assert_eq(buf_error(&b), 0, "buf_take leaves a fresh one");
}

Test(strv, push_copy_contains)
{
	cleanup_strv char **v = NULL, **copy = NULL;

	cr_assert_eq(strv_len(v), 0);
	cr_assert_not(strv_contains(v, "a"));
	cr_assert_null(strv_copy(v));
	cr_assert_eq(strv_push(&v, "a"), 0);
	cr_assert_eq(strv_push_take(&v, strdup("")), 0);
	cr_assert_eq(strv_push_take(&v, NULL), -ENOMEM);
	cr_assert_eq(strv_len(v), 2);
	cr_assert(strv_contains(v, "a"));
	cr_assert(strv_contains(v, ""));
	cr_assert_not(strv_contains(v, "b"));
	copy = strv_copy(v);
	cr_assert_eq(strv_len(copy), 2);
	cr_assert_neq(copy[0], v[0]);
	cr_assert_str_eq(copy[0], "a");
}

struct item {
	int n;
	struct list link;
};

static void check_list(struct list *l, const char *expected)
{
	struct item *i;
	size_t at = 0;

	list_for_each(l, i, struct item, link)
		cr_assert_eq(i->n, expected[at++] - '0', "item %zu is %d", at, i->n);
	cr_assert_eq(at, strlen(expected));
	/* and backwards */
	for (struct list *p = l->prev; p != l; p = p->prev)
		cr_assert_eq(container_of(p, struct item, link)->n, expected[--at] - '0');
	cr_assert_eq(at, 0);
}

Test(list, append_remove_splice)
{
	struct list a = LIST_INIT(a), b = LIST_INIT(b);
	struct item items[5];
	struct item *i;

	check_list(&a, "");
	for (int n = 0; n < 5; n++) {
		items[n].n = n;
		list_init(&items[n].link);
		list_append(n < 3 ? &a : &b, &items[n].link);
	}
	check_list(&a, "012");
	list_splice(&a, &b);
	check_list(&a, "01234");
	cr_assert(list_empty(&b));
	list_splice(&a, &b);
	check_list(&a, "01234");
	list_remove(&items[2].link);
	list_remove(&items[2].link);
	check_list(&a, "0134");
	list_for_each(&a, i, struct item, link) {
		if (i->n % 2)
			list_remove(&i->link);
	}
	check_list(&a, "04");
	cr_assert_eq(list_pop(&a), &items[0].link);
	cr_assert_eq(list_pop(&a), &items[4].link);
	cr_assert_null(list_pop(&a));
	cr_assert(list_empty(&items[0].link));
}

Test(diag, collects_and_formats)
{
	static const struct {
		enum diag_level level;
		const char *file;
		unsigned line;
		const char *expected;
	} cases[] = {
		{ DIAG_WARNING, "/etc/x.service", 3, "/etc/x.service:3: value 7" },
		{ DIAG_ERROR, "/etc/x.service", 0, "/etc/x.service: value 7" },
		{ DIAG_ERROR, NULL, 0, "value 7" },
	};
	cleanup_diags struct diags d = DIAGS_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *text = NULL;

		diag_add(&d, cases[i].level, cases[i].file, cases[i].line, "value %d", 7);
		cr_assert_eq(d.n, i + 1);
		text = diag_format(&d.v[i]);
		cr_assert_str_eq(text, cases[i].expected);
		cr_assert_eq(d.v[i].level, cases[i].level);
	}
	cr_assert_eq(d.errors, 2);
}
