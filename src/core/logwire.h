/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What cgkilld and cgkill-logger say to each other, over a SOCK_SEQPACKET in the directory of the FIFOs. A message is a
 * letter, and then the unit's name with its NUL; of events any number of pairs, name and text, each with its NUL.
 *
 * Whoever holds a FIFO open keeps what is in it. So cgkilld opens it before a service starts, sends it, and closes it when
 * the logger has taken it: LOGWIRE_TAKEN, one for each LOGWIRE_FIFO, in order.
 */
#define LOGWIRE_MAX 8192 /* bytes of a message */
#define LOGWIRE_EVENT_MAX \
	2048 /* bytes of one text, with its NUL; LOGWIRE_MAX holds one with the longest name */

#define LOGWIRE_FIFO   'F' /* with the descriptor */
#define LOGWIRE_EVENTS 'E' /* to be logged, each behind what its FIFO holds now */
#define LOGWIRE_QUIT   'Q' /* empty all FIFOs, remove them, end */

#define LOGWIRE_TAKEN	'T' /* from here on what the logger says */
#define LOGWIRE_WARNING 'W' /* text: for cgkilld's own log */

/* Files in the directory, where units' names have a suffix and these have none. */
#define LOGWIRE_SOCKET ".socket"
#define LOGWIRE_LOCK   ".lock"
#define LOGWIRE_CHUNK  ".chunk"
