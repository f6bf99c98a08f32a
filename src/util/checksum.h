/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A checksum against damage, not against malice, for data that stays on this host: FNV-1a (RFC 9923) by words instead of
 * bytes, which is eight times as fast, with a rotation, because a product carries nothing down to the lower bits. Each step
 * is reversible: what has changed within one word always changes the sum.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t checksum_step(uint64_t sum, uint64_t word)
{
	sum ^= word;
	return (sum << 29 | sum >> 35) * UINT64_C(0x100000001b3);
}

static inline uint64_t checksum64(const void *data, size_t len)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325) ^ len, word;
	const char *p = data;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum = checksum_step(sum, word);
	}
	word = 0;
	memcpy(&word, p, len);
	return checksum_step(sum, word);
}
