/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * From FIFOs to logs. One chunk at a time, which lies in a file that is mapped, with what is being done with it: a logger
 * that is killed, at any instruction, leaves it to the next one, which goes on where it was. So nothing is lost or doubled.
 */
#include "logger/logfile.h"
#include "util/clock.h"

struct stream {
	char *unit;
	int fifo;      /* -1: it has none, only events */
	void *watcher; /* whoever waits for it */
	struct logfile log;
	uint64_t lost;	    /* bytes that found no room, not told yet */
	int why;	    /* … errno */
	usec_t hasty_until; /* writes have failed for so long that the next ones are tried but once */
};

struct streams {
	int log_dir, fifo_dir;
	struct log_limits limits;
	struct chunk *chunk;
	char *out;
	void *by_unit;	      /* tsearch(3) */
	usec_t hasty_until;   /* as above, for all of them: the disk is full */
	unsigned n_with_loss; /* streams that have something to tell */
	void (*warn)(const char *text);
};

/* The rest of *s is set. Goes on with the chunk of a logger that was killed. 0 or -errno. */
int streams_begin(struct streams *s) must_check;
/* The stream of a unit, made if need be; NULL without memory, or when it is no name of a file. */
struct stream *streams_get(struct streams *s, const char *unit) must_check;
/* Reads what is there, up to the size of a chunk, and logs it: at once, or after a bounded time not at all. The bytes read. */
size_t stream_pump(struct streams *s, struct stream *st);
/* Logs what is there now, however much comes meanwhile. */
void stream_drain(struct streams *s, struct stream *st);
/* Logs what the FIFO holds now, then this. */
void stream_tell(struct streams *s, struct stream *st, const char *text);
/* Closes the logs, which are opened again when there is something to write: for want of descriptors. */
void streams_save_descriptors(struct streams *s);
/* Tells of losses, where there is room again. */
void streams_tell_losses(struct streams *s);
/* Logs what the FIFOs hold now. */
void streams_end(struct streams *s);
