#include "tape/source.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads until the buffer has at least n bytes, or to the end. */
static int
fill(struct source *s, size_t n)
{
	while (s->held.n < n && !s->ended) {
		char *to = buf_room(&s->held, n - s->held.n > s->piece ? n - s->held.n : s->piece);
		size_t room = n - s->held.n > s->piece ? n - s->held.n : s->piece;
		ssize_t got = s->pipe ? read(s->fd, to, room) :
					pread(s->fd, to, room, (off_t)(s->base + s->held.n));
		if (got < 0)
			return -1;
		if (got == 0 && s->pipe)
			s->ended = true;
		if (got == 0)
			break;
		s->held.n += (size_t)got;
	}
	return 0;
}

void
source_forget(struct source *s)
{
	if (!s->pipe)
		s->held.n = 0;
}

const unsigned char *
source_at(struct source *s, uint64_t at, size_t n)
{
	uint64_t skip = at - s->base;

	if (at < s->base && s->pipe) { /* a pipe cannot go back */
		errno = ESPIPE;
		return NULL;
	}
	if (at < s->base || (!s->pipe && skip > s->held.n)) { /* read the file from there */
		source_forget(s);
		s->base = at;
		skip = 0;
	}
	errno = 0;
	if (s->held.n < skip + n || s->held.n < skip) {
		if (!s->pipe && skip > 0 && skip <= s->held.n) {
			memmove(s->held.s, s->held.s + skip, s->held.n - skip);
			s->held.n -= (size_t)skip;
			s->base = at;
			skip = 0;
		}
		if (fill(s, (size_t)skip + n) < 0)
			return NULL;
		errno = 0;
	}
	return s->held.n < skip + n ? NULL : (unsigned char *)s->held.s + skip;
}

void
source_pass(struct source *s, uint64_t at)
{
	if (!s->pipe || at <= s->base || at - s->base > s->held.n)
		return;
	size_t n = (size_t)(at - s->base);
	memmove(s->held.s, s->held.s + n, s->held.n - n);
	s->held.n -= n;
	s->base = at;
}

uint64_t
source_size(const struct source *s)
{
	struct stat st;

	if (s->pipe)
		return s->base + s->held.n;
	return fstat(s->fd, &st) < 0 || st.st_size < 0 ? 0 : (uint64_t)st.st_size;
}

void
source_free(struct source *s)
{
	buf_free(&s->held);
}
