/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The unit files of this installation, or of the one below --root=, and the links that say what is
 * enabled or masked: for verbs that work without cgkilld. Every failure is explained on standard
 * error here, once, and kept in code; every change is told.
 */
#include "core/install.h"
#include "ctl/ctl.h"
#include "sys/unitlinks.h"
#include "util/hostfacts.h"

struct json_t;

struct install {
	struct ctl *ctl;
	char **search_path;
	struct unitlinks_dirs lasting, fleeting;
	const struct unitlinks_dirs *dirs; /* those that --runtime says */
	struct host_facts host;
	struct json_t *changes; /* what was done, for --json */
	int code;
};

/* The exit code of a failure; with --root= the process is inside of it afterwards. */
int install_begin(struct install *in, struct ctl *ctl) must_check;
/* The exit code of it all. */
int install_end(struct install *in);
/*
 * The same, of a verb that changes links: cgkilld, if it runs, is to know; and with --now it is to
 * do the job with the units of args.
 */
int install_finish(struct install *in, const char *job, char *const *args);

/* Explains a failure with code 1. */
void install_fail(struct install *in, const char *fmt, ...) printf_like(2, 3);

/* The name of a unit or template that arg means: the caller frees it. NULL after an explanation. */
char *install_name(struct install *in, const char *arg) must_check;

/* A unit file, looked up by name. */
struct installed {
	enum install_state state; /* NOT_FOUND, BAD, MASKED; anything else: it was found */
	char *id;		  /* the name that it really has */
	struct unit *unit;	  /* NULL unless it was found */
};
/* What is wrong with the file is told, unless quietly. */
struct installed install_look_up(struct install *in, const char *name, bool quietly);
void installed_deinit(struct installed *f);
#define cleanup_installed __attribute__((cleanup(installed_deinit)))

/* Where links for a unit with this file (NULL = with none) go: to its like, cgkill's or systemd's. */
const char *install_dir_for(const struct install *in, const char *fragment_path);
void install_link(struct install *in, const char *dir, const char *link, const char *target, bool force);
void install_unlink(struct install *in, const char *dir, const char *link);

/* The links of all directories. */
struct install_facts {
	struct install_fact *v;
	size_t n, cap;
};
void install_facts_read(struct install *in, struct install_facts *facts);
void install_facts_deinit(struct install_facts *facts);
enum install_state install_state(struct install *in, const char *name,
				 const struct install_facts *facts);
/* {"unit": name, "state": …} at the end of units. */
void install_push_state(struct install *in, struct json_t *units, const char *name,
			enum install_state state);
