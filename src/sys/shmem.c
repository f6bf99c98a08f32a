/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/shmem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static int map(int fd, size_t size, void **out)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	*out = p;
	return 0;
}

int shmem_new(const char *name, size_t size, int *fd, void **out)
{
	cleanup_close int made = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (made < 0 || ftruncate(made, (off_t)size) < 0 || fcntl(made, F_ADD_SEALS, SEALS) < 0)
		return -errno;
	r = map(made, size, out);
	if (r == 0)
		*fd = TAKE_FD(made);
	return r;
}

int shmem_map(int fd, size_t size, void **out)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size != (off_t)size || fcntl(fd, F_GET_SEALS) != SEALS)
		return -EINVAL;
	return map(fd, size, out);
}

void shmem_unmap(void *p, size_t size)
{
	if (p)
		munmap(p, size);
}
