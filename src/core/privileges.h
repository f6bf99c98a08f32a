/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a service may still become once it runs: systemd.exec(5), "CAPABILITIES" and "SECURITY". Sets of capabilities have a
 * bit for each, 1 << CAP_*, also for those that only a later kernel knows.
 */
#include "core/load.h"
#include "util/buf.h"

#define CAPABILITIES_ALL UINT64_MAX

/* Of a unit that sets one of these; the others have none. */
struct privileges {
	uint64_t bounding; /* CapabilityBoundingSet=; CAPABILITIES_ALL = as it is */
	uint64_t ambient;  /* AmbientCapabilities= */
	int secure_bits;   /* SecureBits=, SECBIT_*; 0 = as they are */
	bool no_new_privileges;
};

/* *p, made with every default where there is none. NULL without memory. */
struct privileges *privileges_get(struct privileges **p) must_check;

/* "CAP_CHOWN", in any case, or a number up to 62, as systemd has it. -1: there is none. */
int capability_find(const char *name);
/* "cap_chown"; NULL: no name is known. */
const char *capability_name(int capability);
/* Appends the names of those that have one, separated by spaces. */
void capabilities_text(uint64_t set, struct buf *b);

/*
 * A line of CapabilityBoundingSet= (initial: CAPABILITIES_ALL) or AmbientCapabilities= (0): the first counts as it stands,
 * further ones add, or with '~' take away; nothing behind the '~', or nothing at all, starts anew: systemd.exec(5).
 */
void capabilities_merge(uint64_t *set, uint64_t initial, bool invert, uint64_t listed);

/* The bit of one word of SecureBits=; 0: there is none. */
int secure_bit(const char *word);
void secure_bits_text(int bits, struct buf *b);

/* The rows of unit_show(). */
void privileges_show(const struct unit *u, struct showing *out);

/* What may remain in the bounding set, after what other directives take away from it. */
uint64_t privileges_bounding(const struct unit *u);
