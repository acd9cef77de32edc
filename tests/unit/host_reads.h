/* host_reads: what a host gives, for tests. */
#ifndef HOST_READS_H
#define HOST_READS_H

#include <errno.h>

#include "host/host.h"
#include "unit.h"

static int
error_of(int result)
{
	return result == 0 ? 0 : errno;
}

static void
check_read(struct host *h, const char *path, const char *want)
{
	struct text t;

	if (CHECK_INT(error_of(host_read(h, path, &t)), 0))
		CHECK_TEXT(t, want);
	else
		printf("# for %s\n", path);
}

#endif
