#include "commands/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"

static char *
join(const char *directory, const char *name)
{
	size_t n = strlen(directory) + strlen(name) + 2;
	char *path = xmalloc(n);

	snprintf(path, n, "%s/%s", directory, name);
	return path;
}

/* Made anew each time, so that nobody else's file or link is written to; of one name, so that
 * processes that are killed leave but one behind. */
static int
begin_fresh(struct textfile *f)
{
	if (unlink(f->fresh) < 0 && errno != ENOENT)
		return -1;
	return open(f->fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
}

static void
drop_fresh(struct textfile *f)
{
	int error = errno;

	unlink(f->fresh);
	errno = error;
}

static int
try_directory(struct textfile *f)
{
	int fd = begin_fresh(f);

	if (fd < 0)
		return errno == ENOSPC || errno == EDQUOT ? 0 : -1;
	close(fd);
	drop_fresh(f);
	return 0;
}

/* Where there are no locks, nobody is kept away. */
static int
take_lock(struct textfile *f, const char *directory)
{
	f->lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->lock < 0)
		return -1;
	return flock(f->lock, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK ? -1 : 0;
}

static void
release(struct textfile *f)
{
	int error = errno;

	if (f->lock >= 0)
		close(f->lock);
	free(f->path);
	free(f->fresh);
	errno = error;
}

int
textfile_open(struct textfile *f, const char *directory)
{
	*f = (struct textfile){ join(directory, "pq.prom"), join(directory, ".pq.prom.new"), -1 };
	if (take_lock(f, directory) == 0 && try_directory(f) == 0)
		return 0;
	release(f);
	return -1;
}

static int
write_all(int fd, const struct buf *text)
{
	for (size_t done = 0; done < text->n;) {
		ssize_t n = write(fd, text->s + done, text->n - done);
		if (n < 0 && errno != EINTR)
			return -1;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int
textfile_put(struct textfile *f, const struct buf *text)
{
	int fd = begin_fresh(f);

	if (fd < 0)
		return -1;
	bool written = write_all(fd, text) == 0 && fchmod(fd, 0644) == 0;
	int error = errno;
	if (close(fd) < 0 && written) { /* some file systems tell only then that they are full */
		error = errno;
		written = false;
	}
	errno = error;
	if (written && rename(f->fresh, f->path) == 0)
		return 0;
	drop_fresh(f);
	return -1;
}

void
textfile_close(struct textfile *f)
{
	unlink(f->path);
	release(f);
}
