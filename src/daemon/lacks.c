/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/lacks.h"

#include "sys/capabilities.h"
#include "util/log.h"

static void on_capability(const struct capability *c, int result, const struct buf *detail, void *arg)
{
	struct buf *text = arg;

	if (result > 0)
		return;
	buf_printf(text, "%s%s", text->len > 0 ? "; " : "", c->what);
	if (detail->len > 0)
		buf_printf(text, " (%s)", detail->data);
	buf_printf(text, ": %s", c->without);
}

/* Without what is needed for all we would not have come here. */
void lacks_tell(const struct manager *m)
{
	cleanup_buf struct buf text = BUF_INIT;

	capabilities_each(m->root.fd, m->root.path, CAPABILITY_LOSS, on_capability, &text);
	if (text.len > 0 && buf_error(&text) == 0)
		log_notice("missing here: %s; 'cgkillctl check-host' says what to do", text.data);
}
