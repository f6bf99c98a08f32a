/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What this host, and who we are on it, lets us do; what is lost where something is missing, and what to do about it, in
 * words. It is tried out, in a cgroup that is gone afterwards. `cgkillctl check-host` shows all of it, cgkilld at its start
 * what is missing.
 */
#include "util/buf.h"

enum capability_weight {
	CAPABILITY_SPEED = 1, /* it goes without, more slowly or with less to tell */
	CAPABILITY_LOSS = 2,  /* something cannot be had without it */
	CAPABILITY_NEEDED = 4 /* nothing works without it */
};

struct capability {
	const char *what;
	enum capability_weight weight;
	const char *without, *remedy;
};

/*
 * result: 1 it is there, 0 it is not, or a negative errno that says why not; -ENODATA: it could not be tried out. detail
 * says more, where it is not empty.
 */
typedef void (*capability_fn)(const struct capability *c, int result, const struct buf *detail,
			      void *arg);

/*
 * Tells fn of each of these weights in turn, those first without which no other makes sense. cgroup: a descriptor of the
 * one in which to try, -1: there is none; path is what it is called. Only for CAPABILITY_NEEDED is something made in it;
 * else it must not be the root of all cgroups, which lacks files that others have.
 */
void capabilities_each(int cgroup, const char *path, unsigned weights, capability_fn fn, void *arg);
