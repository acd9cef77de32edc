#include "base/out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"

bool
out_is_stdout(const char *path)
{
	return strcmp(path, "-") == 0;
}

const char *
out_name(const char *path)
{
	return out_is_stdout(path) ? "stdout" : path;
}

int
out_open(const char *path, int flags, unsigned mode)
{
	return out_is_stdout(path) ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) :
				     open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, mode);
}

/* Creates a file that does not exist yet, and removes it. */
static int
check_new(const char *path)
{
	struct stat st;
	bool link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode); /* it leads nowhere */
	int fd = open(path, O_WRONLY | O_CREAT | (link ? 0 : O_EXCL) | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	char *target = realpath(path, NULL);
	unlink(target ? target : path);
	free(target);
	return close(fd);
}

int
out_check(const char *path)
{
	struct stat st;

	if (out_is_stdout(path))
		return 0;
	if (stat(path, &st) < 0)
		return check_new(path);
	if (!S_ISREG(st.st_mode)) /* opening a FIFO would wait for its reader */
		return S_ISDIR(st.st_mode) ? fail_with(EISDIR) : access(path, W_OK);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -1 : close(fd);
}

int
out_write(const char *path, int flags, unsigned mode, const struct buf *text)
{
	int fd = out_open(path, flags, mode);
	struct stat st;

	if (fd < 0)
		return -1;
	bool regular = !out_is_stdout(path) && lstat(path, &st) == 0 && S_ISREG(st.st_mode);
	int error = write_whole(fd, text->s, text->n) < 0 ? errno : 0;
	if (close(fd) < 0 && !error) /* some file systems report a full disk here */
		error = errno;
	if (error == 0 || (error == EPIPE && out_is_stdout(path)))
		return 0;
	if (regular)
		unlink(path);
	return fail_with(error);
}
