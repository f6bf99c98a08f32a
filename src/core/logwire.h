/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What cgkilld and cgkill-logger say to each other, over a SOCK_SEQPACKET in the directory of the FIFOs. A message is a
 * letter and texts, each with its NUL: the unit's name and its settings; of events any number of threes, name, settings and
 * text. Settings are empty, or "MAX-SIZE MAX-FILES HEAD": 0 is the logger's own limit, and HEAD, up to the end and perhaps
 * empty, what a LOGLINE_HEAD record of each file is to say.
 *
 * Whoever holds a FIFO open keeps what is in it. So cgkilld holds it while the service runs, and then until the logger says
 * LOGWIRE_RELEASED: nobody can write to it any more, and all that was written is read.
 */
#define LOGWIRE_MAX 8192 /* bytes of a message */
#define LOGWIRE_EVENT_MAX \
	2048 /* bytes of one text, with its NUL; LOGWIRE_MAX holds one with the longest name and settings */
#define LOGWIRE_SETTINGS_MAX 512

#define LOGWIRE_FIFO \
	'F' /* with the descriptor, open for reading; what the logger has already does no harm */
#define LOGWIRE_EVENTS 'E' /* to be logged, each behind what its FIFO holds now */
#define LOGWIRE_QUIT   'Q' /* empty all FIFOs, remove them, end */

#define LOGWIRE_RELEASED 'R' /* from here on what the logger says: with the name */
#define LOGWIRE_REFUSED \
	'N' /* with the name: it has no descriptor for that FIFO, which is to be sent again later */
#define LOGWIRE_WARNING 'W' /* text: for cgkilld's own log */

/* Files in the directory, where units' names have a suffix and these have none. */
#define LOGWIRE_SOCKET ".socket"
#define LOGWIRE_LOCK   ".lock"
#define LOGWIRE_CHUNK  ".chunk" /* and a number */
