/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The directives that systemd 252 to 257 knows in the files of a service and that do not act here
 * (those that do are in core/directive.c): so that what is known but ignored is told apart from
 * what is misspelt.
 */
enum ignored {
	IGNORED_NOT_KNOWN,
	IGNORED_OTHER,
	IGNORED_PROTECTS, /* limits resources or confines the service */
	IGNORED_SESSION,  /* opens one, by PAM */
	IGNORED_SETTLED,  /* what it asks for is so, or cannot be: nobody needs to be told */
	IGNORED_REMOVED,  /* systemd itself ignores it by now */
};

enum ignored ignored_lookup(const char *section, const char *key);
