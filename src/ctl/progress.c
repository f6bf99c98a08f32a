/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/progress.h"

#include <signal.h>
#include <sys/ioctl.h>

#include "ctl/describe.h"
#include "ctl/member.h"

#define PATIENCE (300 * USEC_PER_MSEC) /* what is over by then needs no progress */
#define TICK	 (100 * USEC_PER_MSEC) /* tenths of seconds are shown */

#define ERASE "\r\033[K"

/*
 * ^C leaves a clean line behind; the default action, which SA_RESETHAND restored, then ends the
 * process.
 */
static void erase_and_die(int sig)
{
	ssize_t n = write(STDERR_FILENO, ERASE, sizeof(ERASE) - 1);

	(void)n;
	raise(sig);
}

void progress_init(struct progress *p, bool wanted)
{
	*p = (struct progress){ .enabled = wanted && isatty(STDERR_FILENO) };
	p->next = p->enabled ? usec_add(clock_now(), PATIENCE) : USEC_INFINITY;
}

void progress_erase(struct progress *p)
{
	if (!p->drawn)
		return;
	fputs(ERASE, stderr);
	p->drawn = false;
}

void progress_deinit(struct progress *p)
{
	progress_erase(p);
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].name);
	free(p->v);
	*p = (struct progress){ 0 };
}

static struct progress_unit *find_or_add(struct progress *p, const char *name)
{
	struct progress_unit *grown;

	for (size_t i = 0; i < p->n; i++)
		if (streq(p->v[i].name, name))
			return &p->v[i];
	grown = reallocarray(p->v, p->n + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	p->v = grown;
	p->v[p->n] = (struct progress_unit){ .name = strdup(name) };
	return p->v[p->n].name ? &p->v[p->n++] : NULL;
}

bool progress_update(struct progress *p, const json_t *progress)
{
	const char *name = member_text(progress, "unit"),
		   *sub_state = member_text(progress, "subState");
	struct progress_unit *u;

	if (!name || !sub_state)
		return false;
	u = find_or_add(p, name);
	if (!u) /* without memory it is the progress that suffers, not the stop */
		return true;
	snprintf(u->sub_state, sizeof(u->sub_state), "%s", sub_state);
	u->ends = MIN_OF(member_usec(progress, "stageEndsUSec"),
			 member_usec(progress, "deadlineUSec"));
	u->processes = member_number_or(progress, "processes", 0);
	return true;
}

/* A unit whose last word was one of these is waited for no more. */
static bool is_settled(const struct progress_unit *u)
{
	static const char *const settled[] = { "dead", "failed", "exited", "running", "stuck" };

	for (size_t i = 0; i < ARRAY_SIZE(settled); i++)
		if (streq(u->sub_state, settled[i]))
			return true;
	return false;
}

void progress_describe(const struct progress *p, usec_t now, struct buf *out)
{
	const struct progress_unit *slowest = NULL;
	size_t waiting = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (is_settled(&p->v[i]))
			continue;
		waiting++;
		if (!slowest || p->v[i].ends > slowest->ends)
			slowest = &p->v[i];
	}
	if (!slowest)
		return;
	if (p->n > 1)
		buf_printf(out, "%zu of %zu units left, the slowest: ", waiting, p->n);
	put_printable(out, slowest->name);
	buf_puts(out, ": ");
	put_printable(out, slowest->sub_state);
	if (slowest->ends == USEC_INFINITY) {
		buf_puts(out, ", no time limit, ");
	} else {
		usec_t tenths = usec_sub(slowest->ends, now) / (USEC_PER_SEC / 10);

		buf_printf(out, ", %llu.%llu s left, ", (unsigned long long)(tenths / 10),
			   (unsigned long long)(tenths % 10));
	}
	describe_count(out, slowest->processes);
}

/* A line that wraps could not be redrawn. */
static size_t terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

static void die_cleanly_on(int sig)
{
	struct sigaction action;

	/* what the caller ignores (nohup) stays ignored */
	if (sigaction(sig, NULL, &action) == 0 && action.sa_handler == SIG_DFL) {
		action = (struct sigaction){ .sa_handler = erase_and_die, .sa_flags = (int)SA_RESETHAND };
		sigaction(sig, &action, NULL);
	}
}

usec_t progress_draw(struct progress *p, usec_t now)
{
	cleanup_buf struct buf line = BUF_INIT;

	if (!p->enabled || now < p->next)
		return p->next;
	p->next = usec_add(now, TICK);
	buf_puts(&line, ERASE);
	progress_describe(p, now, &line);
	if (buf_error(&line) < 0 || line.len == sizeof(ERASE) - 1) {
		progress_erase(p);
		return p->next;
	}
	if (!p->drawn) {
		die_cleanly_on(SIGINT);
		die_cleanly_on(SIGTERM);
	}
	fwrite(line.data, 1, MIN_OF(line.len, sizeof(ERASE) - 1 + terminal_columns() - 1), stderr);
	p->drawn = true;
	return p->next;
}
