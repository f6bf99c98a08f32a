/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * org.varlink.service, the interface by which a service describes itself.
 */
#include "daemon/server.h"

#define INTROSPECT_INTERFACE "org.varlink.service"

/* Their arg is a const struct server_config. */
extern const struct method introspect_methods[];
