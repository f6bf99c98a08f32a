/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Descriptors that a service has given us to keep (FDSTORE=1), for its next start: systemd.service(5),
 * FileDescriptorStoreMax=; sd_listen_fds(3).
 *
 * They outlive us as any descriptor does (daemon/inherit.h): each under a name of its own, and beside them, in a memfd, a
 * list of whose they are. The list comes first: what it names and is not there was lost, what it does not name is dropped.
 */
#include <stddef.h>

#include "core/service.h"
#include "exec/exec.h"
#include "util/macro.h"

struct datagram;
struct fdstore; /* NULL = nothing is stored */
struct manager;
struct notify_message;
struct supervised;

/*
 * FDSTORE=1 and FDSTOREREMOVE=1; takes the descriptors of d that are stored. False: FileDescriptorStoreMax= left some out, or
 * that one service may store at most half of what the others leave.
 */
bool fdstore_take_message(struct supervised *sv, const struct notify_message *m, struct datagram *d);
/* A run is over: what FileDescriptorStorePreserve= does not keep is closed. */
void fdstore_note_over(struct supervised *sv);
void fdstore_free(struct fdstore *s); /* closes our copies only */

size_t fdstore_count(const struct fdstore *s);
/* For a process that gets them all; 0 or -ENOMEM. The descriptors stay the store's, the arrays are the caller's. */
int fdstore_list(const struct fdstore *s, struct exec_fds *out) must_check;

/* What an earlier cgkilld has stored for it. */
void fdstore_adopt(struct supervised *sv);
/* Of services that nothing else is known of, at the end. */
void fdstore_adopt_rest(struct manager *m);
/* For the program that we are about to become: inherit_pass(). 0 or -errno. */
int fdstore_pass(const struct supervised *sv) must_check;
