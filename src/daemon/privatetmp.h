/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The end of PrivateTmp=: what a run has had as its /tmp and /var/tmp is deleted by a child of ours at its leisure. Nobody
 * has to wait for it, for the next run has a name of its own: private_tmp_name().
 */
#include <stdint.h>

struct supervised;

/* The unit's cgroup, whose id this was, is gone. */
void privatetmp_note_gone(struct supervised *sv, uint64_t run);
