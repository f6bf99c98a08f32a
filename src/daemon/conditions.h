/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What Condition…= and Assert…= look at: paths, this host, and what cgkilld itself is. To look may take long, or hang for
 * ever where a path is on a network mount, and the accounts are where the NSS has them: daemon/check.h has a child do it.
 */
#include "core/condition.h"

/* A condition_test_fn; arg is not used. */
int condition_test(enum condition_kind kind, const char *value, void *arg);
