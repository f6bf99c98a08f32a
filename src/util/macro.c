/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/macro.h"

#include <errno.h>

int close_fd(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd); /* not again after EINTR: Linux has closed it, see close(2) */
	errno = saved;
	return -1;
}
