/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What cannot be had here, as this host is, as what we are, in the subtree that we have: said once, at the start.
 */
#include "daemon/manager.h"

void lacks_tell(const struct manager *m);
