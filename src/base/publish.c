/* publish: gives a complete file its name. */
#include "base/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"

int
publish_begin(const char *path, unsigned mode, char part[PUBLISH_PATH])
{
	char again[16] = "";
	int fd = -1;

	for (int copy = 2; copy < 1000; copy++) {
		if (snprintf(part, PUBLISH_PATH, "%s%s.part", path, again) >= PUBLISH_PATH)
			return fail_with(ENAMETOOLONG);
		fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
		if (fd >= 0 || errno != EEXIST)
			return fd;
		snprintf(again, sizeof again, ".%d", copy);
	}
	return fd;
}

unsigned
publish_mode(const char *source)
{
	struct stat st;

	return strcmp(source, "-") != 0 && stat(source, &st) == 0 ? (st.st_mode | 0600) & 0666 :
								    0600;
}

/* Creates an empty file, which is this process's own to be replaced. */
static int
replace_own(const char *part, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	close(fd);
	if (rename(part, path) == 0)
		return 0;
	int error = errno;
	unlink(path);
	return fail_with(error);
}

/* Some file systems have no hard links. */
int
publish(const char *part, const char *path)
{
	if (link(part, path) == 0)
		return unlink(part);
	return errno == EEXIST ? -1 : replace_own(part, path);
}
