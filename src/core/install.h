/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What [Install] means: the symlinks that enable a unit, and what symlinks that are there say about
 * it. Pure: sys/unitlinks.h makes and finds them.
 *
 * A link is named by its path below the directory of unit files that it is in:
 * "multi-user.target.wants/foo.service" or "alias.service". Only its name says whom it enables; a
 * unit that wants another one asks for it by name, wherever the link points to.
 */
#include "core/unit.h"

/*
 * The links that enable u, which comes from unit_load_install(). What [Install] asks for and cannot
 * have is told in diags as an error; the rest is planned all the same. 0 or -ENOMEM.
 */
int install_links(const struct unit *u, char ***links, struct diags *diags) must_check;
/* Does [Install] of u ask for any link? */
bool install_has_rules(const struct unit *u);

/* Of what several links say about a unit, the later one of these counts. */
enum install_state {
	INSTALL_NOT_FOUND,
	INSTALL_BAD,
	INSTALL_STATIC,	  /* there is nothing to enable */
	INSTALL_DISABLED, /* there is, and nobody has */
	INSTALL_INDIRECT, /* [Install] only has Also=; or it is enabled under a name that [Install] does not give it */
	INSTALL_LINKED_RUNTIME,
	INSTALL_LINKED,		 /* the file is elsewhere */
	INSTALL_STATIC_INSTANCE, /* an instance that a package wants */
	INSTALL_ENABLED_RUNTIME,
	INSTALL_ENABLED,
	INSTALL_ALIAS,
	INSTALL_MASKED_RUNTIME,
	INSTALL_MASKED,
	INSTALL_STATE_MAX,
};

/* systemctl's word: "enabled-runtime". */
const char *install_state_name(enum install_state s);
/* Does "is-enabled" say yes? */
bool install_state_is_enabled(enum install_state s);

/* Whose directory a link is in. */
enum install_place { INSTALL_BY_PACKAGE, INSTALL_UNTIL_BOOT, INSTALL_BY_ADMIN };

struct install_fact {
	enum install_place place;
	char *link, *target; /* what it points to, as it is written */
};
/* What the links say about u, or, if they do not mention it, its own [Install]. */
enum install_state install_state_of(const struct unit *u, const struct install_fact *facts, size_t n);

/*
 * Is the link one of a unit of these names (units or templates): by its own name, that of its
 * template, or that of what it points to? Then it goes when they are disabled.
 */
bool install_link_is_of(char *const *names, const char *link, const char *target);
/* Does what it points to have one of these names? */
bool install_link_leads_to(char *const *names, const char *target);
