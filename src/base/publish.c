/* publish: gives a complete file its name. */
#include "base/publish.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"

/* Some file systems have no hard links. */
int
publish(const char *part, const char *path)
{
	struct stat st;

	if (link(part, path) == 0)
		return unlink(part);
	if (errno == EEXIST)
		return -1;
	return lstat(path, &st) == 0 ? fail_with(EEXIST) : rename(part, path);
}
