/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * LoadCredential= and its like: secrets that a service finds as files in $CREDENTIALS_DIRECTORY, which nobody else can read:
 * systemd.exec(5), "CREDENTIALS".
 */
#include "core/load.h"
#include "util/buf.h"

#define CREDENTIALS_SIZE_MAX (1024UL * 1024) /* of all that a unit has together: systemd 252 */

struct credential {
	char *id;   /* the name of the file */
	char *path; /* LoadCredential=: absolute, or a name in the stores; NULL: SetCredential= */
	struct buf data; /* SetCredential= */
	bool encrypted;	 /* as nobody here can decrypt */
};

/* Of a unit that sets one of these; the others have none. One ID may be there twice: loaded, and set for where that is missing. */
struct credentials {
	struct credential *v;
	size_t n;
};

/* Takes NULL. */
void credentials_free(struct credentials *c);
/* Can it be the name of one? */
bool credential_id_is_valid(const char *id);
/* The ID is there as SetCredential=. */
bool credentials_set(const struct credentials *c, const char *id);

/* Where unit has its own, and the specifier %d: below host->runtime_dir. */
#define CREDENTIALS_BASE       "credentials"
/* Behind the unit's name: while it is being made. */
#define CREDENTIALS_UNFINISHED ".new"

/* The rows of unit_show(), without the secrets; c may be NULL. */
void credentials_show(const struct credentials *c, struct showing *out);
