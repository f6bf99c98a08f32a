/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Signals without the guard and the check, for who has asked both.
 */
#include "libcgkill/handle.h"

/* -EINVAL: no signal, or flags that nobody knows. */
int signal_check(int sig, unsigned flags) must_check;
int signal_cgroup(const struct cg *cg, int sig, unsigned flags, size_t *reached) must_check;
int signal_member(const struct cg *cg, int pidfd, int sig, unsigned flags) must_check;
