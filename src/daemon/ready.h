/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Tells who started us how we are: sd_notify(3) on $NOTIFY_SOCKET, and a newline on a descriptor (s6's way).
 */

/* Best effort: nobody may be listening. message: "READY=1". */
void ready_notify(const char *message);
/* Writes the newline and closes the descriptor; ready_fd < 0 does nothing. */
void ready_newline(int ready_fd);
