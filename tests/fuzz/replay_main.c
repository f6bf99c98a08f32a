/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The main() of a fuzz target in every build but that for libFuzzer, which has its own: gives it the files that it is called
 * with.
 */
#include "util/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char *argv[])
{
	for (int i = 1; i < argc; i++) {
		cleanup_fclose FILE *f = fopen(argv[i], "re");
		cleanup_buf struct buf b = BUF_INIT;
		char chunk[4096];
		size_t n;

		while (f && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
			buf_append(&b, chunk, n);
		if (!f || ferror(f) || buf_error(&b) < 0) {
			perror(argv[i]);
			return EXIT_FAILURE;
		}
		LLVMFuzzerTestOneInput((const uint8_t *)b.data, b.len);
		printf("%s: ok\n", argv[i]);
	}
	return EXIT_SUCCESS;
}
