/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * One call that may take long: draws its progress, and asks again when cgkilld has gone and come
 * back meanwhile.
 */
#include "ctl/ctl.h"

/* When the connection was lost. */
enum again {
	AGAIN_NEVER,	 /* MANAGER_LOST is returned, not explained */
	AGAIN_IF_ACTIVE, /* with "onlyActive": what has ended since is not begun once more */
	AGAIN_ALWAYS,	 /* it does no harm to ask for it twice */
};

/* parameters are stolen; "deadlineUSec" is set in them to what is left of --deadline=. *out: the last reply. */
int ask(struct ctl *ctl, const char *method, json_t *parameters, enum again again,
	json_t **out) must_check;
