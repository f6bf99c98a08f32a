/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The logs of several units as one, by time, in the form that was asked for.
 */
#include "ctl/format.h"
#include "ctl/logreader.h"

enum log_form { LOG_FORM_SHORT, LOG_FORM_CAT, LOG_FORM_JSON, LOG_FORM_MAX };

struct logview {
	struct logreader *readers;
	size_t n;
	enum log_form form;
	struct style style;
	bool terminal;		  /* which no service is to steer */
	int level_min, level_max; /* syslog(3): 0 is the worst */
	usec_t since, until;	  /* CLOCK_REALTIME; 0 and USEC_INFINITY: no bound */
	bool output_only;	  /* no events */
	uint64_t skip;		  /* so many lines are passed over first */
	uint64_t passed;	  /* lines that were in the bounds, shown or not */
	bool silent;		  /* they are only counted */
	FILE *out;		  /* standard output, or what is then told backwards */
	off_t *begins;		  /* reverse: of the lines in out; NULL: in their order */
	size_t n_begins;
	bool reverse;
};

/*
 * Shows all lines that there are; flush: an unfinished last one, too. 0; 1: what comes now is after `until`; -errno, with the
 * unit in *whose, or NULL when it is standard output.
 */
int logview_show(struct logview *v, bool flush, const char **whose) must_check;
/* reverse: what was shown, from its end. 0 or -errno. */
int logview_tell_backwards(struct logview *v) must_check;
void logview_deinit(struct logview *v); /* with its readers */
