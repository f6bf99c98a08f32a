/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * In which order units stop: After= and Before= as a graph, walked against the order of their start. A unit's turn comes when
 * all that started after it have ended.
 *
 * A name that no unit has, such as network.target, orders those on its either side all the same. A cycle cannot be kept to:
 * of each, one link is dropped and told, always the same one whatever order the units come in, so that nothing ever waits
 * for itself. Beside the sorting of the names everything is linear in units and links.
 */
#include "core/unit.h"

#define ORDER_NONE SIZE_MAX

struct order;

/* Of n units, which are not referred to after the call. NULL without memory. */
struct order *order_new(const struct unit *const *units, size_t n, struct diags *diags) must_check;
void order_free(struct order *o);

/* The index of a unit whose turn has come, each one once; ORDER_NONE: none, until another one ends. */
size_t order_next(struct order *o);
/* That unit has ended, in its turn or before; once for each. */
void order_ended(struct order *o, size_t unit);
/* The walk begins again: nobody was taken, nobody has ended. */
void order_rewind(struct order *o);
