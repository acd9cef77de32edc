#include "host/read_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fail.h"

enum { HALF_PAGE = 2048, FIRST_ROOM = 16 << 10 };

int
slurp_file(int fd, struct buf *b, bool *whole)
{
	b->n = 0;
	for (int pieces = 0;; pieces++) {
		buf_room(b, b->n ? b->n : FIRST_ROOM);
		ssize_t n = pread(fd, b->s + b->n, b->cap - b->n, (off_t)b->n);
		if (n < 0)
			return -1;
		b->n += (size_t)n;
		if (n == 0 || (*whole && b->n < HALF_PAGE)) {
			*whole = pieces <= 1;
			return 0;
		}
		if (b->n > SLURP_MOST)
			return fail_with(EFBIG);
	}
}

int
slurp_part(int fd, uint64_t at, size_t n, struct buf *b)
{
	ssize_t got = 1;

	b->n = 0;
	if (at > INT64_MAX / 2)
		return 0;
	buf_room(b, n);
	while (b->n < n && got > 0) {
		got = pread(fd, b->s + b->n, n - b->n, (off_t)(at + b->n));
		b->n += got > 0 ? (size_t)got : 0;
	}
	return got < 0 ? -1 : 0;
}

/* An entry from getdents64(2). libc offers it only by opendir, which allocates 32 KiB each time. */
struct dir_entry {
	uint64_t inode;
	int64_t offset;
	unsigned short length;
	unsigned char type;
	char name[];
};

/* A symbolic link to a directory counts as one: /sys/fs/cgroup/cpu may lead to cpu,cpuacct. */
static bool
is_directory(int fd, const struct dir_entry *e)
{
	struct stat st;

	if (e->type != DT_LNK && e->type != DT_UNKNOWN)
		return e->type == DT_DIR;
	return fstatat(fd, e->name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

/* Calls f for each entry but "." and "..". Returns 0, or -1 with errno. */
static int
each_entry(int fd, void (*f)(int fd, const struct dir_entry *e, void *ctx), void *ctx)
{
	_Alignas(struct dir_entry) char page[8192];
	long n;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	while ((n = syscall(SYS_getdents64, fd, page, sizeof page)) > 0) {
		for (long at = 0; at < n;) {
			const struct dir_entry *e = (const void *)(page + at);
			if (strcmp(e->name, ".") != 0 && strcmp(e->name, "..") != 0)
				f(fd, e, ctx);
			at += e->length;
		}
	}
	return (int)n;
}

static void
count(int fd, const struct dir_entry *e, void *n)
{
	(void)fd;
	(void)e;
	++*(uint64_t *)n;
}

int
slurp_count(int fd, uint64_t *n)
{
	*n = 0;
	return each_entry(fd, count, n);
}

static void
add_directory(int fd, const struct dir_entry *e, void *ctx)
{
	struct buf *b = ctx;

	if (strchr(e->name, '\n') || !is_directory(fd, e))
		return;
	buf_text(b, e->name);
	buf_char(b, '\n');
}

int
slurp_directories(int fd, struct buf *b)
{
	b->n = 0;
	return each_entry(fd, add_directory, b);
}

static int
by_bytes(const void *a, const void *b)
{
	const struct text *x = a, *y = b;
	int order = memcmp(x->s, y->s, x->n < y->n ? x->n : y->n);

	return order ? order : (x->n > y->n) - (x->n < y->n);
}

static void
sort_lines(struct buf *b)
{
	struct text *v = NULL, rest, name;
	struct buf sorted = { 0 };
	size_t n = 0, room = 0;

	rest = (struct text){ b->s, b->n };
	while (text_line(&rest, &name)) {
		v = xgrow(v, n, &room, sizeof *v);
		v[n++] = name;
	}
	if (n > 1)
		qsort(v, n, sizeof *v, by_bytes);
	for (size_t i = 0; i < n; i++) {
		buf_add(&sorted, v[i].s, v[i].n);
		buf_char(&sorted, '\n');
	}
	free(v);
	buf_free(b);
	*b = sorted;
}

int
slurp_sorted_directories(int fd, struct buf *b)
{
	if (slurp_directories(fd, b) < 0)
		return -1;
	sort_lines(b);
	return 0;
}

bool
lists_links(const char *path)
{
	return strncmp(path, "var/log/", strlen("var/log/")) == 0;
}

enum { LINKS_MOST = 1 << 20 };

/* Follows no link: its target may never answer. */
static void
add_link(int fd, const struct dir_entry *e, void *ctx)
{
	struct buf *b = ctx;
	struct stat st;
	bool is_one = e->type == DT_DIR || e->type == DT_LNK;

	if (b->n > LINKS_MOST || strchr(e->name, '\n'))
		return;
	if (e->type == DT_UNKNOWN && fstatat(fd, e->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		is_one = S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode);
	if (!is_one)
		return;
	buf_text(b, e->name);
	buf_char(b, '\n');
}

int
slurp_sorted_links(int fd, struct buf *b)
{
	b->n = 0;
	if (each_entry(fd, add_link, b) < 0)
		return -1;
	if (b->n > LINKS_MOST)
		return fail_with(EFBIG);
	sort_lines(b);
	return 0;
}

int
slurp_link(int dir, const char *path, struct buf *b)
{
	enum { TARGET_LONGEST = 4096 };

	b->n = 0;
	ssize_t n = readlinkat(dir, path, buf_room(b, TARGET_LONGEST), TARGET_LONGEST);
	if (n < 0)
		return -1;
	b->n = (size_t)n;
	return 0;
}
