/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * One call that may take long: draws its progress, and asks again when cgkilld has gone and come
 * back meanwhile.
 */
#include "ctl/ctl.h"

/*
 * parameters are stolen; "deadlineUSec" is set in them to what is left of --deadline=. again: it does
 * no harm to ask for it twice; else MANAGER_LOST is returned, not explained. *out: the last reply.
 */
int ask(struct ctl *ctl, const char *method, json_t *parameters, bool again, json_t **out) must_check;
