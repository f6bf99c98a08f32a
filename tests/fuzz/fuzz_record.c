/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The text of a record: whatever is found, it is refused or understood, and what was understood
 * survives a second journey unchanged. The checksum, which keeps nearly everything out, is tried as
 * it comes and put right. libFuzzer's entry.
 */
#include <assert.h>
#include <errno.h>

#include "core/record.h"
#include "util/checksum.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A number may be written with leading zeros, and a letter as an escape: from the second text on, nothing may change. */
static void check_record(const struct record *r)
{
	cleanup_buf struct buf once = BUF_INIT, twice = BUF_INIT;
	struct record again;
	const char *why;
	int e;

	assert(unit_name_valid(r->unit) && !r->machine.unit);
	assert(service_state_name(r->machine.state) && service_result_name(r->machine.result));
	e = record_encode(r, &once);
	assert(e == 0 || e == -E2BIG); /* a raw byte may come back as an escape */
	if (e < 0)
		return;
	assert(once.len <= RECORD_SIZE_MAX);
	assert(record_decode(&again, once.data, once.len, &why) == 0);
	assert(record_encode(&again, &twice) == 0);
	assert(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
	record_deinit(&again);
}

static void try(const char *text, size_t len)
{
	const char *why = NULL;
	struct record r;
	int e = record_decode(&r, text, len, &why);

	assert(e == 0 || ((e == -EBADMSG || e == -EPROTONOSUPPORT) && why));
	if (e < 0)
		return;
	check_record(&r);
	record_deinit(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *sum;

	buf_append(&text, data, size);
	try(text.data, text.len);
	sum = strstr(text.data, "checksum ");
	if (sum)
		text.len = (size_t)(sum - text.data);
	buf_printf(&text, "checksum %016llx\n", (unsigned long long)checksum64(text.data, text.len));
	try(text.data, text.len);
	return 0;
}
