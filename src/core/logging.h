/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * How the output of a service is logged: systemd.exec(5), "LOGGING AND STANDARD INPUT/OUTPUT", and how much of it is kept.
 */
#include "core/load.h"

#define LOG_MAX_SIZE_MIN 4096 /* bytes */

/* Where that goes which is for the journal. */
enum log_target {
	LOG_TARGET_CGKILL,  /* to our own logs */
	LOG_TARGET_JOURNAL, /* to journald, where there is one */
	LOG_TARGET_CONSOLE, /* to where cgkilld's own output goes */
	LOG_TARGET_MAX,
};

struct logging {
	int level;	   /* SyslogLevel=: of lines without a "<N>"; syslog(3) */
	int facility;	   /* SyslogFacility=, not shifted */
	bool no_prefix;	   /* SyslogLevelPrefix=no: a "<N>" is text */
	char *identifier;  /* SyslogIdentifier=; NULL = not set */
	uint64_t max_size; /* [X-Cgkill] LogMaxSize=, LogMaxFiles=; 0 = as all have it */
	unsigned max_files;
};

/* A log whose files do not say otherwise. */
extern const struct logging logging_default;

/* Takes NULL. */
void logging_free(struct logging *l);
/* The rows of unit_show(), of what is set; l may be NULL. */
void logging_show(const struct logging *l, struct showing *out);

/* How its logs are to be read, a LOGLINE_HEAD record; "" for what is as in logging_default. Cut off to cap. Returns buf. */
const char *logging_head(const struct logging *l, char *buf, size_t cap);
/* The same, read again into what was read before, or is logging_default; its identifier is the caller's. */
void logging_parse_head(struct logging *out, const char *text, size_t len);
/* "err" or "3"; -EINVAL */
int logging_level(const char *name) must_check;
