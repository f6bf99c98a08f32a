/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * uv CGROUP: ends a cgroup from within the event loop of another library, here libuv, which goes on with its own work
 * meanwhile: it counts.
 *
 *	cc uv.c $(pkg-config --cflags --libs libcgkill libuv)
 */
#include <cgkill/cgkill.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

struct work {
	struct cgkill_stop *stop;
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned ticks;
	int result;
};

static void tick(uv_timer_t *timer)
{
	struct work *work = timer->data;

	work->ticks++;
}

static void step(uv_poll_t *poll, int status, int events)
{
	struct work *work = poll->data;

	(void)status;
	(void)events;
	work->result = cgkill_stop_step(work->stop);
	if (work->result == 1)
		return;
	uv_close((uv_handle_t *)&work->poll, NULL);
	uv_close((uv_handle_t *)&work->timer, NULL);
}

static int run(struct work *work)
{
	uv_loop_t *loop = uv_default_loop();
	int fd = cgkill_stop_fd(work->stop);

	if (fd < 0)
		return fd;
	uv_poll_init(loop, &work->poll, fd);
	uv_timer_init(loop, &work->timer);
	work->poll.data = work->timer.data = work;
	uv_poll_start(&work->poll, UV_READABLE, step);
	uv_timer_start(&work->timer, tick, 0, 10);
	uv_run(loop, UV_RUN_DEFAULT);
	return work->result;
}

int main(int argc, char *argv[])
{
	const struct cgkill_stop_options options = { .size = sizeof(options),
						     .signal = SIGTERM,
						     .timeout_usec = 300000 };
	struct work work = { .stop = NULL };
	struct cgkill_cgroup *cg;
	int r;

	if (argc != 2)
		return 2;
	r = cgkill_open(argv[1], &cg);
	if (r == 0) {
		r = cgkill_stop_begin(cg, &options, &work.stop);
		if (r == 0)
			r = run(&work);
		cgkill_stop_end(work.stop);
		cgkill_close(cg);
	}
	if (r < 0)
		fprintf(stderr, "%s: %s\n", argv[1], strerror(-r));
	else
		printf("empty, %u ticks later\n", work.ticks);
	return r < 0;
}
