/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Signals without the guard, for who has asked it.
 */
#include "libcgkill/handle.h"
#include "sys/pidfd.h"

int signal_cgroup(const struct cg *cg, int sig, unsigned flags, enum verify_method verify,
		  size_t *reached) must_check;
int signal_member(const struct cg *cg, int pidfd, int sig, unsigned flags) must_check;
