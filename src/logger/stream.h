/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * From FIFOs to logs. What was read and is not written yet lies in a file that is mapped, with what is being done with it: a
 * logger that is killed, at any instruction, leaves it to the next one, which goes on where it was. So nothing is lost or
 * doubled. Nothing here waits: what finds no room is held for a while, and its FIFO alone is not read meanwhile.
 */
#include "logger/logfile.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/list.h"

#define STREAM_CHUNKS 64 /* that are held at most, less one */

/* What epoll tells of: the first member of whatever it is. */
enum source_kind { SOURCE_LISTEN, SOURCE_PEER, SOURCE_FIFO, SOURCE_SYSLOG };

struct source {
	enum source_kind kind;
	int fd;
};

/* Open for reading only, so that there is an end to it: when nobody can write to it any more. */
struct fifo {
	struct source source;
	struct stream *stream;
	struct list link; /* in the stream's: the one that has its name, and those that had it before */
};

struct stream {
	char *unit;
	char *settings; /* as they were sent; NULL = none */
	struct list fifos;
	struct log_limits limits;
	struct logfile log;

	struct chunk *held;   /* it finds no room; no FIFO is read meanwhile */
	usec_t held_until;    /* … but no longer */
	usec_t hasty_until;   /* it was held for so long that the next ones are not */
	struct buf told;      /* records of events that find no room, or wait for what is held */
	uint64_t lost;	      /* bytes that found no room, not told yet */
	unsigned lost_events; /* likewise */
	int why;	      /* … errno */
	char due;	      /* LOGWIRE_…, of which cgkilld is still to be told; 0 = nothing */
	struct list link;     /* in streams.troubled or streams.idle, or in none */
};

struct streams {
	int epoll_fd, log_dir, fifo_dir;
	struct log_limits limits;
	struct chunk *chunk; /* the one that is read into */
	struct chunk *chunks[STREAM_CHUNKS];
	unsigned n_held;
	usec_t all_at; /* when all of the troubled ones are tried again */
	char *out;
	void *by_unit;	      /* tsearch(3) */
	struct list troubled; /* something is held, lost or still to be told */
	struct list idle;     /* it may be that nobody needs them any more */
	bool ending;
	void (*warn)(const char *text);
	bool (*tell)(char what, const char *unit); /* to cgkilld; false: later */
};

/* The rest of *s is set. Goes on with what a logger that was killed has left. 0 or -errno. */
int streams_begin(struct streams *s) must_check;
/* Takes FIFOs to which somebody may write, and which nobody has told of; once all are told of that cgkilld knows. */
void streams_look_around(struct streams *s);
/* Logs what the FIFOs hold now, and what is held. */
void streams_end(struct streams *s);
/*
 * The stream of a unit, made if need be, with these settings (core/logwire.h; NULL: as they are); NULL without memory, or
 * when it is no name of a file. It is there until streams_tidy().
 */
struct stream *streams_get(struct streams *s, const char *unit, const char *settings) must_check;
/* Takes fd over. 0 or -errno: of those that it has already it takes no second one. */
int stream_add_fifo(struct streams *s, struct stream *st, int fd) must_check;
/* cgkilld is told that its FIFO could not be taken. */
void stream_refuse(struct streams *s, struct stream *st);
/* Of that name, with somebody who may write to it still? */
bool streams_has_writers(struct streams *s, const char *unit);
/* Reads what is there, up to the size of a chunk, and logs it. At the end f is freed. */
void stream_on_fifo(struct streams *s, struct fifo *f);
/* Logs what the FIFOs hold now, then this. */
void stream_tell(struct streams *s, struct stream *st, const char *text);
/* A line that came by another way. */
void stream_say(struct streams *s, struct stream *st, const char *text, size_t len);
/* Closes the logs, which are opened again when there is something to write: for want of descriptors. */
void streams_save_descriptors(struct streams *s);
/* Tries again what found no room, and returns in how many milliseconds that is to be done again; -1: there is nothing. */
int streams_retry(struct streams *s);
/* Frees those that nobody needs. */
void streams_tidy(struct streams *s);
