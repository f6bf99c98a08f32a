/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The critical path of a stop: units stop in the order of core/order.h, each as soon as all that started after it have ended.
 * Whose end each one waited for makes chains; the one that ends last is how long the whole takes, and only what lies on a
 * chain that is too long is worth shortening.
 */
#include "core/order.h"

struct chain_link {
	usec_t begin, end; /* from the beginning of the stop; USEC_INFINITY = never */
	size_t after;	   /* the unit whose end it waited for; ORDER_NONE: it is asked at once */
};

/*
 * Of n units, in links[n], with what the stop of each takes. diags get the cycles, as from order_new(). 0 or -ENOMEM.
 */
int chain_find(const struct unit *const *units, size_t n, const usec_t *takes,
	       struct chain_link *links, struct diags *diags) must_check;
/* The unit that ends last, ORDER_NONE of none. Its chain is followed by `after`. */
size_t chain_last(const struct chain_link *links, size_t n);

/*
 * Lowers takes[n] until the whole stop takes no longer than budget: on a chain that is too long the longest give way first,
 * all to the same length, so that as few units as possible are touched. 0 or -ENOMEM.
 */
int chain_fit(const struct unit *const *units, size_t n, usec_t *takes, usec_t budget) must_check;
