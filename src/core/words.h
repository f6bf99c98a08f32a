/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Words as systemd.syntax(7), "Quoting", has them: separated by white space, '…' and "…" hold words
 * together and go away, backslash escapes are C's and \s, in quotes and outside. As systemd itself
 * does, and other than its manual says, a quote counts in the middle of a word too: a"b c" is the
 * word "ab c".
 */
#include "util/macro.h"

struct buf;

#define WHITESPACE " \t\n\r"

enum word_flags {
	/* An unknown escape, and a backslash at the end, stand for themselves. */
	WORD_KEEP_UNKNOWN = 1,
	/* A backslash only takes the meaning from the next character; at the end it vanishes. */
	WORD_PLAIN_ESCAPES = 2,
	/* The end of the text closes a quote. */
	WORD_OPEN_QUOTE = 4,
};

/*
 * Takes the next word off *text, and the white space behind it. 1 with *word, which the caller
 * frees; 0 at the end; -EINVAL (unbalanced quote, unknown escape) or -ENOMEM, which leave *text
 * where it was.
 */
int word_next(const char **text, unsigned flags, char **word) must_check;

/*
 * All words of s, every escape a known one (Environment=, lists). 0, -EINVAL or -ENOMEM;
 * strv_free() *out.
 */
int split_words(const char *s, char ***out) must_check;

/* Appends s, in which only the escapes count, not quotes and white space. 0 or -EINVAL (an unknown one). */
int words_unescape(struct buf *out, const char *s) must_check;

/*
 * A string vector in the making: appending costs O(1). v is a valid strv all the time, and may be
 * taken away.
 */
struct words {
	char **v;
	size_t n, cap;
};

#define WORDS_INIT         \
	{                  \
		NULL, 0, 0 \
	}

/*
 * Appends s, which belongs to the vector from now on, or is freed on failure. 0 or -ENOMEM (also
 * for a NULL s).
 */
int words_push_take(struct words *w, char *s) must_check;
/* Appends all words of text. As split_words(), with flags. */
int words_push_split(struct words *w, const char *text, unsigned flags) must_check;
void words_deinit(struct words *w);

#define cleanup_words __attribute__((cleanup(words_deinit)))
