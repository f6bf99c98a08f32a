/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The simple commands in a shell script, as far as a scanner of words sees them: quotes, operators, redirections, reserved
 * words. It is no shell: functions, here-documents and eval are beyond it, so what is concluded from it is a guess.
 */
#include "core/unit.h"

/* What stands between two commands. */
enum joint {
	JOINT_NONE, /* the beginning or the end */
	JOINT_SEQUENCE,
	JOINT_AND,
	JOINT_OR,
	JOINT_PIPE,
	JOINT_BACKGROUND,
};

struct script_command {
	char **argv; /* at least one; quotes removed, expansions as they are written: "$(cat x)" is one word */
	enum joint before, after;
};

struct script {
	struct script_command *v;
	size_t n;
	bool shell; /* a shell runs it */
	bool loops; /* it has a while, until or for */
};

#define SCRIPT_INIT                   \
	{                             \
		NULL, 0, false, false \
	}

/* 0 or -ENOMEM; whatever text is. */
int script_read(struct script *out, const char *text) must_check;
/* What a command of a unit runs: the script of "sh -c SCRIPT", or else the command itself. 0 or -ENOMEM. */
int script_of(struct script *out, const struct exec_command *c) must_check;
void script_deinit(struct script *s);

/*
 * The program and its arguments, behind variables that are set for it and behind sudo, exec and the like. Points into argv;
 * its first word is NULL where the command only sets variables.
 */
char *const *script_program(const struct script_command *c);
/* Does the script itself give the variable of these len bytes a value? */
bool script_assigns(const struct script *s, const char *name, size_t len);
/* The text behind the last slash. */
const char *script_base_name(const char *path);

#define cleanup_script __attribute__((cleanup(script_deinit)))
