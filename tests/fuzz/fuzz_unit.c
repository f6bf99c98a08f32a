/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as the files of a unit: up to a NUL NUL NUL the fragment, behind it a drop-in. Nothing
 * but the sanitizers and the contract of unit_load() is watched.
 */
#include "core/load.h"
#include "lib/hostfacts.h"

#define SEPARATOR "\0\0"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(const char *key unused, const char *value, void *arg)
{
	*(size_t *)arg += strlen(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *dropin = size > 0 ? memmem(text, size, SEPARATOR, sizeof(SEPARATOR)) : NULL;
	size_t first = dropin ? (size_t)(dropin - text) : size, shown = 0;
	struct unit_text texts[2] = { { "fragment", text, first } };
	cleanup_diags struct diags diags = DIAGS_INIT;
	cleanup_unit struct unit *u = NULL;
	size_t n = 1;

	if (dropin)
		texts[n++] = (struct unit_text){ "dropin", dropin + sizeof(SEPARATOR),
						 size - first - sizeof(SEPARATOR) };
	if (unit_load(&u, "foo-bar@baz.service", texts, n, &test_host, &diags) == 0) {
		if (!u || u->type == SERVICE_TYPE_INVALID || u->restart_kill_signal == 0)
			abort();
		unit_show(u, ignore, &shown);
	} else if (u || diags.errors == 0) {
		abort();
	}
	return 0;
}

#ifdef FUZZ_REPLAY
int main(int argc, char **argv)
{
	static uint8_t data[1 << 20];

	for (int i = 1; i < argc; i++) {
		cleanup_fclose FILE *f = fopen(argv[i], "re");
		size_t n = f ? fread(data, 1, sizeof(data), f) : 0;

		if (!f || ferror(f)) {
			perror(argv[i]);
			return 1;
		}
		LLVMFuzzerTestOneInput(data, n);
	}
	return 0;
}
#endif
