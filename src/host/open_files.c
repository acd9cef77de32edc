#include "host/open_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"

/* One that nobody has asked for in so many rows is closed: its process or cgroup has gone, or is
 * not watched any more. */
enum { IDLE_ROWS = 16, FIRST_PLACES = 64 };

/* Eight bytes at a time: with a thousand cgroups this is called some thousand times a row. */
static uint32_t
hash_of(const char *path)
{
	size_t n = strlen(path);
	uint64_t h = n, word;

	for (; n >= sizeof word; path += sizeof word, n -= sizeof word) {
		memcpy(&word, path, sizeof word);
		h = (h ^ word) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	word = 0;
	memcpy(&word, path, n);
	h = (h ^ word) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(h >> 32);
}

/* Where the path is, or would be put. */
static struct kept *
place_of(struct kept_files *k, const char *path, uint32_t hash)
{
	for (uint32_t i = hash;; i++) {
		struct kept *one = &k->v[i & (k->places - 1)];

		if (!one->path || (one->hash == hash && strcmp(one->path, path) == 0))
			return one;
	}
}

/* Puts all that are kept, but for those read last before `oldest`, into a table that is large
 * enough. */
static void
rebuild(struct kept_files *k, uint32_t oldest, uint32_t places)
{
	struct kept *old = k->v;
	uint32_t n = k->places;

	k->v = xmalloc(places * sizeof *k->v);
	memset(k->v, 0, places * sizeof *k->v);
	k->places = places;
	k->taken = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (!old[i].path)
			continue;
		if (old[i].used < oldest) {
			close(old[i].fd);
			free(old[i].path);
			continue;
		}
		*place_of(k, old[i].path, old[i].hash) = old[i];
		k->taken++;
	}
	free(old);
}

static void
sweep(struct kept_files *k)
{
	uint32_t oldest = k->row > IDLE_ROWS ? k->row - IDLE_ROWS : 0;

	k->swept = k->row;
	for (uint32_t i = 0; i < k->places; i++) {
		if (k->v[i].path && k->v[i].used < oldest) {
			rebuild(k, oldest, k->places);
			return;
		}
	}
}

static int
open_under(struct kept_files *k, const char *path)
{
	int fd = openat(k->root, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	/* make room: what is not read in this row goes */
	if (fd < 0 && errno == EMFILE && k->taken > 0) {
		rebuild(k, k->row, k->places);
		fd = openat(k->root, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd < 0 && errno == EMFILE) {
			rebuild(k, UINT32_MAX, k->places);
			fd = openat(k->root, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		}
	}
	return fd;
}

static void
end_passing(struct kept_files *k)
{
	if (k->passing.path)
		close(k->passing.fd);
	k->passing.path = NULL;
}

/* One more than are kept: those that are open already stay, since closing one to keep another gains
 * nothing. */
static struct kept *
pass(struct kept_files *k, int fd)
{
	static char nameless[] = "";

	k->passing = (struct kept){ .path = nameless, .fd = fd };
	return &k->passing;
}

struct kept *
kept_get(struct kept_files *k, const char *path)
{
	uint32_t hash = hash_of(path);
	struct kept *one = place_of(k, path, hash);

	end_passing(k);
	if (!one->path) {
		int fd = open_under(k, path);
		if (fd < 0)
			return NULL;
		if (k->taken >= k->most)
			return pass(k, fd);
		if (k->taken >= k->places / 2)
			rebuild(k, 0, k->places * 2);
		one = place_of(k, path, hash); /* opening or growing may have moved it */
		*one = (struct kept){ .path = xstrdup(path), .fd = fd, .hash = hash };
		k->taken++;
	}
	one->used = k->row;
	return one;
}

/* Its followers in the table are put anew, as open addressing needs. */
void
kept_forget(struct kept_files *k, struct kept *one)
{
	if (one == &k->passing) {
		end_passing(k);
		return;
	}
	uint32_t i = (uint32_t)(one - k->v);
	close(one->fd);
	free(one->path);
	one->path = NULL;
	k->taken--;
	while (k->v[i = (i + 1) & (k->places - 1)].path) {
		struct kept moved = k->v[i];
		k->v[i].path = NULL;
		*place_of(k, moved.path, moved.hash) = moved;
	}
}

void
kept_forget_directory_of(struct kept_files *k, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? xstrdup(path) : NULL;

	if (!dir)
		return;
	dir[slash - path] = '\0';
	struct kept *one = place_of(k, dir, hash_of(dir));
	if (one->path)
		kept_forget(k, one);
	free(dir);
}

void
kept_begin(struct kept_files *k, int root, uint32_t most)
{
	*k = (struct kept_files){ .root = root, .most = most };
	rebuild(k, 0, FIRST_PLACES);
}

void
kept_row(struct kept_files *k)
{
	if (++k->row - k->swept >= IDLE_ROWS)
		sweep(k);
}

void
kept_end(struct kept_files *k)
{
	end_passing(k);
	rebuild(k, UINT32_MAX, k->places);
	free(k->v);
	close(k->root);
}
