/*
 * mended: a file with checksums, read as it is, and once more after they have been put right, so that
 * what lies behind them is reached.
 */
#ifndef MENDED_H
#define MENDED_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int fd = -1; /* the file, at its start */

static void
put_file(const uint8_t *s, size_t n)
{
	if (fd < 0)
		fd = memfd_create("input", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, s, n, 0) != (ssize_t)n ||
	    lseek(fd, 0, SEEK_SET) < 0)
		abort();
}

static void
read_both(const uint8_t *data, size_t n, void (*mend)(uint8_t *, size_t), void (*read_file)(size_t))
{
	uint8_t *mended = malloc(n + 1);

	if (!mended)
		abort();
	if (n > 0)
		memcpy(mended, data, n);
	put_file(data, n);
	read_file(n);
	mend(mended, n);
	put_file(mended, n);
	read_file(n);
	free(mended);
}

#endif
