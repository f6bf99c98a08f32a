/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The methods of io.cgkill.manager, for the server. arg is the struct manager.
 */
#include "daemon/server.h"

extern const struct method manager_methods[];
