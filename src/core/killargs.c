/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/killargs.h"

#include <signal.h>

#include "core/text.h"
#include "util/parse.h"

static int read_signal(const char *word)
{
	int sig;

	if (streq(word, "0")) /* asks whether the process is there */
		return 0;
	return parse_signal(word, &sig) == 0 ? sig : KILL_UNKNOWN;
}

int kill_read(char *const *args, char *const **targets)
{
	int sig = SIGTERM;
	bool is_given = false;

	for (; *args && **args == '-'; args++) {
		const char *word = *args, *value;

		if (streq(word, "--")) {
			args++;
			break;
		}
		value = after_prefix(word, "--signal=");
		if (TEXT_IN(word, "-s", "-n", "--signal") && args[1])
			value = *++args;
		if (!value && (is_given || strchr(word, '$'))) /* a negative target */
			break;
		sig = read_signal(value ? value : word + 1);
		is_given = true;
	}
	*targets = args;
	return sig;
}

/* The value of "NAME=VALUE", "NAME VALUE" or "LETTER VALUE"; NULL: there is none. */
static const char *option_value(char *const *args, const char *name, const char *letter)
{
	for (; *args; args++) {
		const char *rest = after_prefix(*args, name);

		if (rest && *rest == '=')
			return rest + 1;
		if (TEXT_IN(*args, name, letter))
			return args[1];
	}
	return NULL;
}

int start_stop_daemon_signal(char *const *args)
{
	const char *sig = option_value(args, "--signal", "-s");
	const char *schedule = option_value(args, "--retry", "-R");
	char word[16];

	if (schedule && !strchr("0123456789", *schedule)) /* after a mere timeout --signal counts */
		sig = schedule;
	if (!sig)
		return SIGTERM;
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(sig, "/"), sig);
	return read_signal(*word == '-' ? word + 1 : word);
}

static bool is_option_with(const char *word, char letter)
{
	return word[0] == '-' && word[1] != '-' && strchr(word, letter) && read_signal(word + 1) <= 0;
}

bool pkill_is_confined(char *const *args)
{
	static const char *const options[] = { "--parent", "--pgroup", "--session",
					       "--cgroup", "--ns",     "--pidfile" };

	for (char *const *a = args; *a; a++) {
		for (size_t i = 0; i < ARRAY_SIZE(options); i++)
			if (after_prefix(*a, options[i]))
				return true;
		for (const char *letter = "PgsF"; *letter; letter++)
			if (is_option_with(*a, *letter))
				return true;
	}
	return false;
}

bool pkill_matches_lines(char *const *args)
{
	for (char *const *a = args; *a; a++)
		if (streq(*a, "--full") || is_option_with(*a, 'f'))
			return true;
	return false;
}
