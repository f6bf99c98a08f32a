/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libcgkill/handle.h"

#include <errno.h>

int struct_take(void *ours, size_t known, const void *theirs, size_t size, size_t least)
{
	const char *bytes = theirs;

	if (size < least)
		return -EINVAL;
	for (size_t i = known; i < size; i++)
		if (bytes[i] != 0)
			return -E2BIG;
	memset(ours, 0, known);
	memcpy(ours, theirs, MIN_OF(size, known));
	return 0;
}

PUBLIC const char *cgkill_version(void)
{
	return PACKAGE_VERSION;
}
