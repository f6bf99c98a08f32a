/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/ownmem.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>

static bool is_zero(const unsigned char *p, size_t n)
{
	while (n > 0 && p[n - 1] == 0)
		n--;
	return n == 0;
}

/* Sizes around all the borders: of a grain, of what is mapped by itself, of a region. */
static const size_t sizes[] = { 1, 15, 16, 17, 48, 824, 4095, 4096, 4097, 70000, 300000 };

Test(ownmem, is_zeroed_also_when_it_was_used_before)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		for (unsigned round = 0; round < 3; round++) {
			unsigned char *p = own_alloc(sizes[i]);

			cr_assert_not_null(p);
			cr_assert_eq((uintptr_t)p % 16, 0);
			cr_assert(is_zero(p, sizes[i]), "%zu bytes", sizes[i]);
			memset(p, 0xff, sizes[i]);
			own_free(p, sizes[i]);
		}
	own_free(NULL, 5);
}

Test(ownmem, grows_with_what_is_in_it)
{
	unsigned char *p = own_grow(NULL, 0, sizes[0]);

	p[0] = 1;
	for (size_t i = 1; i < ARRAY_SIZE(sizes); i++) {
		p = own_grow(p, sizes[i - 1], sizes[i]);
		cr_assert_not_null(p);
		cr_assert_eq(p[sizes[i - 1] - 1], i);
		cr_assert(is_zero(p + sizes[i - 1], sizes[i] - sizes[i - 1]));
		p[sizes[i] - 1] = (unsigned char)(i + 1);
	}
	own_free(p, sizes[ARRAY_SIZE(sizes) - 1]);
}

Test(ownmem, copies_texts)
{
	const char *text = "dependency of web.service";
	char *a = own_strdup(text), *b = own_strdup("");

	cr_assert_str_eq(a, text);
	cr_assert_neq(a, text);
	cr_assert_str_eq(b, "");
	own_strfree(a);
	own_strfree(b);
	own_strfree(NULL);
	a = own_alloc(strlen(text) + 1); /* the memory of the first, as it is of its size */
	cr_assert(is_zero((unsigned char *)a, strlen(text) + 1));
	own_free(a, strlen(text) + 1);
}

/* What lives at the same time lies apart: 10,000 of all sizes, each filled with its number. */
Test(ownmem, hands_nothing_out_twice, .timeout = 30)
{
	static unsigned char *all[10000];
	unsigned seed = 1;

	for (unsigned i = 0; i < 3 * ARRAY_SIZE(all); i++) {
		unsigned at = i % ARRAY_SIZE(all), size = at * 7 % 900 + 1;

		if (all[at]) {
			for (unsigned b = 0; b < size; b++)
				cr_assert_eq(all[at][b], (unsigned char)at, "of %u, byte %u", at, b);
			own_free(all[at], size);
		}
		all[at] = rand_r(&seed) % 3 == 0 ? NULL : own_alloc(size);
		if (all[at])
			memset(all[at], (int)at, size);
	}
}

#if defined(__SANITIZE_ADDRESS__)
Test(ownmem, is_not_a_childs)
{
	cr_skip_test("under a sanitizer it is malloc(3)");
}
#else
Test(ownmem, is_not_a_childs)
{
	volatile char *p = own_alloc(10);
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		_exit(*p);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "status %x", (unsigned)status);
}
#endif
