/* live: this machine, or a file tree that is one. Files stay open and are read again with pread(2). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "../base/buf.h"
#include "../base/fail.h"
#include "host.h"
#include "slurp.h"

/* A file or directory that is kept open. */
struct kept {
	char *path; /* NULL: a free place */
	int fd;
	uint32_t hash;
	uint32_t used; /* the row in which it was read last */
	bool whole;    /* a file's text comes in one piece: see slurp_file */
	bool counted;  /* a directory's links are counted: see slurp_list */
};

/* A file that nobody has read for this many rows is closed: its process or cgroup has gone, or nobody asks any more. */
enum { IDLE_ROWS = 16, FIRST_PLACES = 64 };

struct live {
	struct host host;
	int root;
	struct kept *kept; /* open addressing; a power of two of places, at most half of them taken */
	uint32_t places, taken;
	uint32_t row, swept;
	struct buf text;
};

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
place_of(struct live *l, const char *path, uint32_t hash)
{
	for (uint32_t i = hash;; i++) {
		struct kept *k = &l->kept[i & (l->places - 1)];

		if (!k->path || (k->hash == hash && strcmp(k->path, path) == 0))
			return k;
	}
}

/* Puts all that are kept, but for those read last before `oldest`, into a table that is large enough. */
static void
rebuild(struct live *l, uint32_t oldest, uint32_t places)
{
	struct kept *old = l->kept;
	uint32_t n = l->places;

	l->kept = xmalloc(places * sizeof *l->kept);
	memset(l->kept, 0, places * sizeof *l->kept);
	l->places = places;
	l->taken = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (!old[i].path)
			continue;
		if (old[i].used < oldest) {
			close(old[i].fd);
			free(old[i].path);
			continue;
		}
		*place_of(l, old[i].path, old[i].hash) = old[i];
		l->taken++;
	}
	free(old);
}

static void
sweep(struct live *l)
{
	uint32_t oldest = l->row > IDLE_ROWS ? l->row - IDLE_ROWS : 0;

	l->swept = l->row;
	for (uint32_t i = 0; i < l->places; i++) {
		if (l->kept[i].path && l->kept[i].used < oldest) {
			rebuild(l, oldest, l->places);
			return;
		}
	}
}

static int
open_under(struct live *l, const char *path)
{
	int fd = openat(l->root, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == EMFILE && l->taken > 0) { /* make room: what is not read in this row goes */
		rebuild(l, l->row, l->places);
		fd = openat(l->root, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd < 0 && errno == EMFILE) {
			rebuild(l, UINT32_MAX, l->places);
			fd = openat(l->root, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		}
	}
	return fd;
}

/* The open file at the path, opened now if need be; NULL with errno. */
static struct kept *
keep(struct live *l, const char *path)
{
	uint32_t hash = hash_of(path);
	struct kept *k = place_of(l, path, hash);

	if (!k->path) {
		int fd = open_under(l, path);
		if (fd < 0)
			return NULL;
		if (l->taken >= l->places / 2)
			rebuild(l, 0, l->places * 2);
		k = place_of(l, path, hash); /* opening or growing may have moved it */
		*k = (struct kept){ .path = xstrdup(path), .fd = fd, .hash = hash };
		l->taken++;
	}
	k->used = l->row;
	return k;
}

/* Forgets a file that cannot be read any more. Its followers in the table are put anew, as open addressing needs. */
static void
forget(struct live *l, struct kept *k)
{
	uint32_t i = (uint32_t)(k - l->kept);

	close(k->fd);
	free(k->path);
	k->path = NULL;
	l->taken--;
	while (l->kept[i = (i + 1) & (l->places - 1)].path) {
		struct kept moved = l->kept[i];
		l->kept[i].path = NULL;
		*place_of(l, moved.path, moved.hash) = moved;
	}
}

/* A cgroup's file that is gone, is gone with its directory, which may have been made anew under the same name. */
static void
forget_directory_of(struct live *l, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? xstrdup(path) : NULL;

	if (!dir)
		return;
	dir[slash - path] = '\0';
	struct kept *k = place_of(l, dir, hash_of(dir));
	if (k->path)
		forget(l, k);
	free(dir);
}

/* A file that is kept is this one file: when it is gone, that is told, even if another has come under its name (a pid used
 * again, a cgroup made anew). The next read finds that one. */
static int
get(struct live *l, const char *path, struct text *text, int (*slurp)(struct kept *, struct buf *))
{
	struct kept *k = keep(l, path);

	if (!k)
		return -1;
	if (slurp(k, &l->text) == 0) {
		*text = (struct text){ l->text.s, l->text.n };
		return 0;
	}
	int error = errno;
	forget(l, k);
	if (error == ENODEV)
		forget_directory_of(l, path);
	errno = error;
	return -1;
}

static int
slurp_text(struct kept *k, struct buf *b)
{
	return slurp_file(k->fd, b, &k->whole);
}

static int
live_read(struct host *h, const char *path, struct text *text)
{
	return get((struct live *)h, path, text, slurp_text);
}

/* In /proc and cgroup trees a directory with two links (from above, and its own ".") has no directory in it, and most cgroups
 * have none. Other file systems may count otherwise. A directory that has gone may come out empty here. */
static bool
counts_links(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && (fs.f_type == 0x9fa0 || fs.f_type == 0x27e0eb || fs.f_type == 0x63677270);
}

static int
slurp_list(struct kept *k, struct buf *b)
{
	struct stat st;

	if (!k->counted && !(k->counted = counts_links(k->fd)))
		return slurp_directories(k->fd, b);
	b->n = 0;
	if (fstat(k->fd, &st) < 0)
		return -1;
	return S_ISDIR(st.st_mode) && st.st_nlink == 2 ? 0 : slurp_directories(k->fd, b);
}

static int
live_list(struct host *h, const char *path, struct text *names)
{
	return get((struct live *)h, path, names, slurp_list);
}

static int64_t
now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int
live_next(struct host *h, int64_t deadline_ns, enum moment_kind kind, struct moment *m)
{
	struct live *l = (struct live *)h;
	struct timespec t = { (time_t)(deadline_ns / 1000000000), (long)(deadline_ns % 1000000000) };

	if (deadline_ns > 0 && (errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL)) != 0)
		return -1;
	*m = (struct moment){ now(CLOCK_MONOTONIC), now(CLOCK_REALTIME), kind };
	if (kind == MOMENT_ROW && ++l->row - l->swept >= IDLE_ROWS)
		sweep(l);
	return 1;
}

static void
live_close(struct host *h)
{
	struct live *l = (struct live *)h;

	rebuild(l, UINT32_MAX, l->places);
	free(l->kept);
	buf_free(&l->text);
	close(l->root);
	free(l);
}

static const struct host_ops live_ops = { live_next, live_read, live_list, live_close };

static void
learn_facts(struct host_facts *f)
{
	struct utsname u;

	f->ticks_per_s = (uint64_t)sysconf(_SC_CLK_TCK);
	f->page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	if (uname(&u) < 0)
		return;
	memcpy(f->name, u.nodename, sizeof f->name);
	memcpy(f->release, u.release, sizeof f->release);
	memcpy(f->machine, u.machine, sizeof f->machine);
}

/* Some thousand cgroups are some thousand open files; raising the soft limit needs no privilege. */
static void
raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

struct host *
host_live(const char *root)
{
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	struct live *l = xmalloc(sizeof *l);
	*l = (struct live){ .host = { .ops = &live_ops, .elsewhere = strcmp(root, "/") != 0 }, .root = fd };
	learn_facts(&l->host.facts);
	rebuild(l, 0, FIRST_PLACES);
	raise_file_limit();
	return &l->host;
}
