/* live: this machine, or the machine of another file tree. Files and directories stay open and are
 * read again by pread(2). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/map.h"
#include "host/host.h"
#include "host/open.h"
#include "host/pieces.h"
#include "host/read_file.h"

/* IDLE_ROWS: a file that has not been read for this many rows is closed. Its process or cgroup has
 * gone, or is no longer watched. Where many processes come and go, open files of the dead ones pile
 * up meanwhile. */
enum { PROVIDED_MOST = 16, IDLE_ROWS = 6, ROWS_PER_SWEEP = 3, MISSING_MOST = 4, LOOKS_MOST = 16 };

struct open_file {
	int fd;
	uint32_t used;   /* the row that read it last */
	uint32_t opened; /* it was opened as the so-manieth */
	uint32_t next;   /* the number of the file that was read after it, or was then */
	bool whole;      /* its text comes in one piece: see slurp_file */
	bool counted;    /* of a file system that is known: see counts_links and read_exactly */
};

struct live {
	struct host host;
	int root;              /* the directory that paths begin at */
	struct map paths;      /* of the open files */
	struct open_file *v;   /* by the number of the path */
	size_t room;           /* of v */
	uint32_t most;         /* at most this many stay open: each costs the kernel some 6 KB */
	uint32_t opened;       /* so many files were */
	uint32_t at;           /* the number of the file that was read last, or was then */
	uint32_t row, swept;   /* the present row, and the one that last closed idle files */
	struct open_file last; /* a file beyond `most`, open until the next call */
	bool has_last;
	char missing[MISSING_MOST][256]; /* directories that did not exist since the last sample */
	bool leaf[MISSING_MOST];         /* that one exists, but no directory in it */
	unsigned nmissing, looked;       /* looked: how often one was looked for since then */
	enum { NUMBERS_UNKNOWN, NUMBERS_SAME, NUMBERS_OTHER } pids; /* those of /proc */
	struct {
		char path[PATH_MAX]; /* "": none is open */
		int fd;
	} part;                 /* the file that host_part read last */
	struct buf text, again; /* again: for what is read twice */
	struct buf pieces;
	struct measured {
		char path[40];
		unsigned users; /* 0: unused */
		struct provided p;
	} measured[PROVIDED_MOST];
};

/* Closes a file. The last file takes its number. */
static void
close_file(struct live *l, uint32_t i)
{
	close(l->v[i].fd);
	map_remove(&l->paths, i);
	l->v[i] = l->v[l->paths.n];
}

/* Closes the files that were last read before the row `oldest`. */
static void
close_older(struct live *l, uint32_t oldest)
{
	for (uint32_t i = l->paths.n; i-- > 0;)
		if (l->v[i].used < oldest)
			close_file(l, i);
}

static void
close_last(struct live *l)
{
	if (l->has_last)
		close(l->last.fd);
	l->has_last = false;
}

/* Whether the link count tells how many subdirectories there are. In /proc and in cgroup trees a
 * directory with two links (its name and ".") has none, as most cgroups do, and need not be listed.
 * Other file systems count differently. A directory that has gone may seem empty. */
static bool
counts_links(int fd)
{
	struct statfs fs;

	/* PROC_, CGROUP_ and CGROUP2_SUPER_MAGIC of linux/magic.h */
	return fstatfs(fd, &fs) == 0 &&
	    (fs.f_type == 0x9fa0 || fs.f_type == 0x27e0eb || fs.f_type == 0x63677270);
}

/* ---- Directories that are missing. A hierarchy may lack a whole tree of cgroups that another one has, or
 * all of them: that is asked once for each row or tick, and not for each file. */

static bool
is_missing(const struct live *l, const char *path)
{
	for (unsigned i = 0; i < l->nmissing; i++) {
		size_t n = strlen(l->missing[i]);
		if (strncmp(path, l->missing[i], n) == 0 && path[n] == '/' &&
		    (!l->leaf[i] || strchr(path + n + 1, '/')))
			return true;
	}
	return false;
}

/* Cuts the last part off the path; false if it has only one. */
static bool
go_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
	return slash;
}

static bool
is_leaf(int fd)
{
	struct stat st;

	return counts_links(fd) && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && st.st_nlink == 2;
}

/* The file at the path does not exist. Remembers the topmost of its directories that does not, if
 * that is likely to be asked for again. */
static void
note_missing(struct live *l, const char *path)
{
	char above[sizeof l->missing[0]], *top;
	int fd = -1;

	if (l->looked == LOOKS_MOST || l->nmissing == MISSING_MOST ||
	    strncmp(path, "proc/", 5) == 0 || strlen(path) >= sizeof above)
		return;
	l->looked++;
	top = l->missing[l->nmissing];
	*top = '\0';
	strcpy(above, path);
	while (go_up(above) && (fd = open_of_machine(l->root, above, l->host.elsewhere)) < 0 &&
	    errno == ENOENT)
		strcpy(top, above);
	l->leaf[l->nmissing] = *top && fd >= 0 && is_leaf(fd);
	if (l->leaf[l->nmissing])
		strcpy(top, above);
	if (fd >= 0)
		close(fd);
	l->nmissing += *top != '\0';
	errno = ENOENT;
}

static void
forget_missing(struct live *l)
{
	l->nmissing = l->looked = 0;
}

/* If too many files are open, closes first the files that this row has not read, then all. */
static int
open_path(struct live *l, const char *path)
{
	const uint32_t oldest[] = { l->row, UINT32_MAX };

	for (int i = 0;; i++) {
		int fd = open_of_machine(l->root, path, l->host.elsewhere);
		if (fd < 0 && errno == ENOENT)
			note_missing(l, path);
		if (fd >= 0 || errno != EMFILE || i == 2)
			return fd;
		close_older(l, oldest[i]);
	}
}

/* Opens a file, which stays open if there is room. Closing another file for it would gain
 * nothing. */
static struct open_file *
add_file(struct live *l, const char *path)
{
	int fd = is_missing(l, path) ? fail_with(ENOENT) : open_path(l, path);

	if (fd < 0)
		return NULL;
	if (l->paths.n >= l->most) {
		l->has_last = true;
		l->last = (struct open_file){ .fd = fd, .opened = ++l->opened };
		return &l->last;
	}
	uint32_t i = map_put(&l->paths, text_of(path));
	l->v = xgrow(l->v, i, &l->room, sizeof *l->v);
	l->v[i] = (struct open_file){ .fd = fd, .opened = ++l->opened };
	return &l->v[i];
}

/* The number of an open file; -1: it is not open. Mostly, the files of a row are read in the order of the
 * row before. */
static int
number_of(struct live *l, struct text path)
{
	uint32_t next = l->at < l->paths.n ? l->v[l->at].next : 0;

	if (next < l->paths.n && text_same(map_key(&l->paths, next), path))
		return (int)next;
	return map_find(&l->paths, path);
}

/* The file at the path, which may be opened now; NULL with errno. Valid until the next call. */
static struct open_file *
find_file(struct live *l, const char *path)
{
	int i = number_of(l, text_of(path));

	close_last(l);
	struct open_file *f = i >= 0 ? &l->v[i] : add_file(l, path);
	if (!f)
		return NULL;
	f->used = l->row;
	if (f != &l->last) {
		uint32_t number = (uint32_t)(f - l->v);
		if (l->at < l->paths.n)
			l->v[l->at].next = number;
		l->at = number;
	}
	return f;
}

/* Closes a file that cannot be read, and keeps errno. If the file has gone, the caller learns that,
 * even if there is a new one of that name (a reused pid, a cgroup created again): the next read
 * opens it. ENODEV means that the directory of a cgroup has gone, too. */
static int
give_up(struct live *l, struct open_file *f, const char *path)
{
	int error = errno, above = -1;
	const char *slash = strrchr(path, '/');

	if (f == &l->last)
		close_last(l);
	else
		close_file(l, (uint32_t)(f - l->v));
	if (error == ENODEV && slash)
		above = map_find(&l->paths, (struct text){ path, (size_t)(slash - path) });
	if (above >= 0)
		close_file(l, (uint32_t)above);
	errno = error;
	return -1;
}

static int
read_provided(struct live *l, const struct provided *p, struct text *text)
{
	l->text.n = 0;
	if (p->print(p->ctx, &l->text) < 0)
		return -1;
	*text = (struct text){ l->text.s, l->text.n };
	return 0;
}

/* What measures this path; NULL: nothing. Files of /proc and /sys are most of what is read. */
static struct measured *
find_measured(struct live *l, const char *path)
{
	if (strncmp(path, "pq/", 3) != 0)
		return NULL;
	for (struct measured *m = l->measured; m < l->measured + PROVIDED_MOST; m++)
		if (m->users > 0 && strcmp(m->path, path) == 0)
			return m;
	return NULL;
}

static int
live_read(struct host *h, const char *path, struct text *text)
{
	struct live *l = (struct live *)h;
	const struct measured *m = find_measured(l, path);

	if (m)
		return read_provided(l, &m->p, text);
	struct open_file *f = find_file(l, path);
	if (!f)
		return -1;
	if (slurp_file(f->fd, &l->text, &f->whole) < 0)
		return give_up(l, f, path);
	*text = (struct text){ l->text.s, l->text.n };
	return 0;
}

static int
live_provide(struct host *h, const char *path, const struct provided *p)
{
	struct live *l = (struct live *)h;
	struct measured *m = find_measured(l, path), *end = l->measured + PROVIDED_MOST;

	if (m && p)
		return fail_with(EEXIST);
	if (!m && !p)
		return fail_with(ENOENT);
	if (m) {
		m->users++;
		return 0;
	}
	for (m = l->measured; m < end && m->users > 0;)
		m++;
	if (m == end || strlen(path) >= sizeof m->path || strncmp(path, "pq/", 3) != 0)
		return fail_with(ENOSPC);
	*m = (struct measured){ .users = 1, .p = *p };
	memcpy(m->path, path, strlen(path));
	return 0;
}

static void
live_unprovide(struct host *h, const char *path)
{
	struct measured *m = find_measured((struct live *)h, path);

	if (m && --m->users == 0 && m->p.close)
		m->p.close(m->p.ctx);
}

static const struct provided *
live_measures(struct host *h, const char *path)
{
	const struct measured *m = find_measured((struct live *)h, path);

	return m ? &m->p : NULL;
}

static int
list_directory(struct open_file *f, const char *path, struct buf *b)
{
	struct stat st;

	if (lists_links(path))
		return slurp_sorted_links(f->fd, b);
	if (!f->counted && !(f->counted = counts_links(f->fd)))
		return slurp_sorted_directories(f->fd, b);
	b->n = 0;
	if (fstat(f->fd, &st) < 0)
		return -1;
	return S_ISDIR(st.st_mode) && st.st_nlink == 2 ? 0 : slurp_directories(f->fd, b);
}

static int
live_list(struct host *h, const char *path, struct text *names)
{
	struct live *l = (struct live *)h;
	struct open_file *f = find_file(l, path);

	if (!f)
		return -1;
	if (list_directory(f, path, &l->text) < 0)
		return give_up(l, f, path);
	*names = (struct text){ l->text.s, l->text.n };
	return 0;
}

/* Links do not stay open: they are read seldom, and their target may change. */
static int
live_link(struct host *h, const char *path, struct text *target)
{
	struct live *l = (struct live *)h;

	if (link_of_machine(l->root, path, h->elsewhere, &l->text) < 0)
		return -1;
	*target = (struct text){ l->text.s, l->text.n };
	return 0;
}

/* Since Linux 6.2 the size of /proc/PID/fd is the number of open files, which saves listing
 * thousands of them. */
static int
count_entries(int fd, uint64_t *n)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(fd, &fs) < 0 || fs.f_type != 0x9fa0 || fstat(fd, &st) < 0 || st.st_size <= 0)
		return slurp_count(fd, n);
	*n = (uint64_t)st.st_size;
	return 0;
}

static int
live_count(struct host *h, const char *path, uint64_t *n)
{
	struct live *l = (struct live *)h;
	struct open_file *f = find_file(l, path);

	if (!f)
		return -1;
	return count_entries(f->fd, n) < 0 ? give_up(l, f, path) : 0;
}

static int
live_links(struct host *h, const char *path, uint64_t *n)
{
	struct live *l = (struct live *)h;
	struct open_file *f = find_file(l, path);
	struct stat st;

	if (!f)
		return -1;
	if (fstat(f->fd, &st) < 0)
		return give_up(l, f, path);
	*n = (uint64_t)st.st_nlink;
	return 0;
}

/* Whether /proc has the numbers of the pid namespace of this process. */
static bool
has_own_pids(struct live *l)
{
	struct text self;
	uint64_t pid;

	if (l->pids != NUMBERS_UNKNOWN)
		return l->pids == NUMBERS_SAME;
	l->pids = NUMBERS_OTHER;
	if (!l->host.elsewhere && live_link(&l->host, "proc/self", &self) == 0 &&
	    text_u64(self, &pid) == 0 && pid == (uint64_t)getpid())
		l->pids = NUMBERS_SAME;
	return l->pids == NUMBERS_SAME;
}

/* The number of a process's clock is made as clock_getcpuclockid(3) does, without its system call. */
static int
live_clock(struct host *h, uint32_t pid, uint64_t *ns)
{
	const uint32_t CPUCLOCK_SCHED = 2; /* linux/posix-timers.h */
	struct timespec t;

	if (!has_own_pids((struct live *)h))
		return fail_with(EOPNOTSUPP);
	if (clock_gettime((clockid_t)(~pid << 3 | CPUCLOCK_SCHED), &t) < 0)
		return -1;
	*ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	return 0;
}

static void
close_part(struct live *l)
{
	if (*l->part.path)
		close(l->part.fd);
	*l->part.path = '\0';
}

/* The last one stays open until the next sample: large files are read in many parts. */
static int
open_part(struct live *l, const char *path)
{
	size_t n = strlen(path);

	if (strcmp(l->part.path, path) == 0 && n > 0)
		return l->part.fd;
	close_part(l);
	if (n >= sizeof l->part.path)
		return fail_with(ENAMETOOLONG);
	l->part.fd = open_of_program(l->root, path, l->host.elsewhere);
	if (l->part.fd >= 0)
		memcpy(l->part.path, path, n + 1);
	return l->part.fd;
}

static int
live_part(struct host *h, const char *path, uint64_t at, size_t n, struct text *text)
{
	struct live *l = (struct live *)h;
	int fd = open_part(l, path);

	if (fd < 0 || slurp_part(fd, at, n, &l->text) < 0)
		return -1;
	*text = (struct text){ l->text.s, l->text.n };
	return 0;
}

static int
live_about(struct host *h, const char *path, struct host_file *out)
{
	int fd = open_part((struct live *)h, path);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	*out = (struct host_file){ .size = (uint64_t)st.st_size,
		.owner = st.st_uid,
		.changed_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec };
	return 0;
}

/* ---- Memory */

enum { PROC_MAGIC = 0x9fa0 }; /* linux/magic.h */

/* Reads exactly n bytes at the offset of a file of a process, which stays open. In a copy of /proc,
 * such a file would be somebody else's. */
static int
read_exactly(struct live *l, const char *path, uint64_t at, void *out, size_t n, uint32_t *opened)
{
	struct open_file *f = find_file(l, path);
	struct statfs fs;

	if (!f)
		return -1;
	if (at > INT64_MAX || (!f->counted && (fstatfs(f->fd, &fs) < 0 || fs.f_type != PROC_MAGIC)))
		return fail_with(at > INT64_MAX ? EFAULT : EOPNOTSUPP);
	f->counted = true; /* it is of a /proc */
	ssize_t got = pread(f->fd, out, n, (off_t)at);
	*opened = f->opened;
	if (got == (ssize_t)n)
		return 0;
	if (got >= 0)
		errno = EFAULT; /* the process has ended, or runs another program */
	return give_up(l, f, path);
}

/* The directory of a process, "proc/42/", or of a thread, "proc/42/task/43/". */
struct task_dir {
	char path[48];
};

static struct task_dir
process_dir(uint32_t pid)
{
	struct task_dir p;

	snprintf(p.path, sizeof p.path, "proc/%u/", pid);
	return p;
}

/* If the first thread of a process has ended, the directory of the process shows no memory. */
static struct task_dir
thread_dir(const struct memory_ask *m)
{
	struct task_dir p;

	snprintf(p.path, sizeof p.path, "proc/%u/task/%u/", m->pid, m->tid);
	return p;
}

/* Reads n words of the file pagemap: of the page of the address and of the pages after it. */
static int
read_pagemap(struct live *l, const struct task_dir *p, uint64_t at, uint64_t *v, size_t n)
{
	char path[64];
	uint32_t ignored;

	snprintf(path, sizeof path, "%spagemap", p->path);
	return read_exactly(
	    l, path, at / l->host.facts.page_size * sizeof *v, v, n * sizeof *v, &ignored);
}

/* Whether the page of the address is in memory: bit 63. Reading one that is not could wait for a disk,
 * or for another program (FUSE, userfaultfd). */
static bool
is_present(struct live *l, const struct task_dir *p, uint64_t at)
{
	uint64_t page;

	return read_pagemap(l, p, at, &page, 1) == 0 && page >> 63;
}

/* How many of the bytes at the address are on pages that are there. The file ends where the address
 * space does: then, pages are asked for one by one. */
static size_t
count_present(struct live *l, const struct task_dir *p, uint64_t at, size_t n)
{
	enum { PAGES_MOST = 32 };
	uint64_t page = l->host.facts.page_size, v[PAGES_MOST];
	size_t done = 0, pages = (size_t)((at % page + n + page - 1) / page), i = 0;

	if (pages < 2 || pages > PAGES_MOST || read_pagemap(l, p, at, v, pages) < 0)
		pages = 0;
	while (done < n && (i < pages ? v[i] >> 63 : is_present(l, p, at + done))) {
		done += page - (at + done) % page;
		i++;
	}
	return done < n ? done : n;
}

static int
live_memory(struct host *h, uint32_t pid, uint64_t at, size_t n, struct memory_read *out)
{
	struct live *l = (struct live *)h;
	const struct task_dir process = process_dir(pid);
	char path[64];

	errno = 0;
	if (at > INT64_MAX - n || (n = count_present(l, &process, at, n)) == 0)
		return fail_with(errno ? errno : EFAULT);
	snprintf(path, sizeof path, "%smem", process.path);
	l->text.n = 0;
	if (read_exactly(l, path, at, buf_room(&l->text, n), n, &out->space) < 0)
		return errno == EIO ? fail_with(EFAULT) : -1;
	l->text.n = n;
	out->bytes = (struct text){ l->text.s, l->text.n };
	return 0;
}

/* The pieces come from the memory that the process has now. The open file shows the memory that the process had
 * when pq opened the file, and after an execve(2) it has nothing to read. So if it can be read after the pieces,
 * both are of the same memory. */
static int
live_pieces(struct host *h, uint32_t pid, struct memory_piece *v, size_t n, uint32_t *space)
{
	struct live *l = (struct live *)h;
	char path[64], byte;
	size_t i = 0;

	if (!has_own_pids(l))
		return fail_with(EOPNOTSUPP);
	if (pieces_read(pid, (size_t)l->host.facts.page_size, v, n, &l->pieces) < 0)
		return -1;
	while (i < n && v[i].bytes.n == 0)
		i++;
	if (i == n)
		return fail_with(EFAULT);
	snprintf(path, sizeof path, "%smem", process_dir(pid).path);
	return read_exactly(l, path, v[i].at, &byte, 1, space);
}

/* ---- Memory that a thread waits for */

/* Appends the text of the thread's file. */
static int
append_file(struct live *l, const struct memory_ask *m, const char *name, struct buf *b)
{
	char path[64];
	struct text text;

	snprintf(path, sizeof path, "%s%s", thread_dir(m).path, name);
	if (live_read(&l->host, path, &text) < 0)
		return -1;
	buf_add(b, text.s, text.n);
	return 0;
}

/* Appends the bytes from m->from up to the address `to`. */
static int
append_memory(struct live *l, const struct memory_ask *m, uint64_t to, struct buf *b)
{
	size_t n = (size_t)(to - m->from);
	char path[64];
	uint32_t ignored;

	snprintf(path, sizeof path, "%smem", thread_dir(m).path);
	if (read_exactly(l, path, m->from, buf_room(b, n), n, &ignored) < 0)
		return errno == EIO ? fail_with(EFAULT) : -1;
	b->n += n;
	return 0;
}

/* The range that is in memory. */
static int
clip_range(struct live *l, struct memory_ask *m, uint64_t *to)
{
	uint64_t page = l->host.facts.page_size, begin = m->at & ~(page - 1), end = begin + page;
	const struct task_dir thread = thread_dir(m);

	errno = 0;
	if (m->at > UINT64_MAX - page - m->after || !is_present(l, &thread, m->at))
		return errno == EACCES || errno == EPERM || errno == EOPNOTSUPP ? -1 :
										  fail_with(EFAULT);
	m->from = m->at - (m->before < m->at ? m->before : m->at);
	*to = m->at + m->after;
	if (m->from < begin && !is_present(l, &thread, m->from))
		m->from = begin;
	if (*to > end && !is_present(l, &thread, *to - 1))
		*to = end;
	return 0;
}

/* The memory is read twice between two readings of the files. */
static int
live_wait_memory(struct host *h, struct memory_ask *m)
{
	struct live *l = (struct live *)h;
	struct buf *b = &l->again;
	uint64_t to;

	b->n = 0;
	if (append_file(l, m, "schedstat", b) < 0)
		return -1;
	size_t call = b->n;
	if (append_file(l, m, "syscall", b) < 0 || clip_range(l, m, &to) < 0)
		return -1;
	size_t bytes = b->n;
	if (append_memory(l, m, to, b) < 0)
		return -1;
	size_t first = b->n, n = first - bytes;
	if (append_memory(l, m, to, b) < 0 || append_file(l, m, "schedstat", b) < 0 ||
	    append_file(l, m, "syscall", b) < 0)
		return -1;
	if (b->n != 2 * first || memcmp(b->s + bytes, b->s + first, n) != 0 ||
	    memcmp(b->s, b->s + first + n, bytes) != 0)
		return fail_with(EAGAIN);
	m->call = (struct text){ b->s + call, bytes - call };
	m->bytes = (struct text){ b->s + bytes, n };
	return 0;
}

static int
live_next(struct host *h, int64_t deadline_ns, enum sample_kind kind, struct sample *m)
{
	struct live *l = (struct live *)h;
	struct timespec t = { (time_t)(deadline_ns / 1000000000),
		(long)(deadline_ns % 1000000000) };

	if (deadline_ns > 0 &&
	    (errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL)) != 0)
		return -1;
	close_part(l);
	*m = (struct sample){ .mono_ns = clock_ns(CLOCK_MONOTONIC),
		.real_ns = clock_ns(CLOCK_REALTIME),
		.boot_ns = clock_ns(CLOCK_BOOTTIME),
		.kind = kind };
	forget_missing(l);
	if (kind == SAMPLE_ROW && ++l->row - l->swept >= ROWS_PER_SWEEP) {
		close_older(l, l->row > IDLE_ROWS ? l->row - IDLE_ROWS : 0);
		l->swept = l->row;
	}
	return 1;
}

static void
live_close(struct host *h)
{
	struct live *l = (struct live *)h;

	close_last(l);
	close_part(l);
	close_older(l, UINT32_MAX);
	map_free(&l->paths);
	free(l->v);
	close(l->root);
	buf_free(&l->text);
	buf_free(&l->again);
	buf_free(&l->pieces);
	free(l);
}

static const struct host_ops live_ops = {
	.next = live_next,
	.read = live_read,
	.list = live_list,
	.link = live_link,
	.provide = live_provide,
	.unprovide = live_unprovide,
	.measures = live_measures,
	.count = live_count,
	.part = live_part,
	.about = live_about,
	.memory = live_memory,
	.pieces = live_pieces,
	.wait_memory = live_wait_memory,
	.clock = live_clock,
	.links = live_links,
	.close = live_close,
};

static void
learn_facts(struct host_facts *f)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct utsname u;

	f->cpus = cpus > 0 ? (uint64_t)cpus : 0;
	f->ticks_per_s = (uint64_t)sysconf(_SC_CLK_TCK);
	f->page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	if (uname(&u) < 0)
		return;
	memcpy(f->name, u.nodename, sizeof f->name);
	memcpy(f->release, u.release, sizeof f->release);
	memcpy(f->machine, u.machine, sizeof f->machine);
}

/* Raises the soft limit of open files, which needs no privilege: thousands of cgroups or threads
 * need thousands of files. Returns how many files may stay open. */
static uint32_t
raise_file_limit(void)
{
	enum { MOST = 16384, SPARE = 64 };
	struct rlimit limit;

	if (prlimit(0, RLIMIT_NOFILE, NULL, &limit) < 0)
		return SPARE;
	if (limit.rlim_cur < limit.rlim_max) {
		rlim_t soft = limit.rlim_cur;
		limit.rlim_cur = limit.rlim_max;
		if (prlimit(0, RLIMIT_NOFILE, &limit, NULL) < 0)
			limit.rlim_cur = soft;
	}
	if (limit.rlim_cur > MOST + SPARE)
		return MOST;
	return limit.rlim_cur > 2 * SPARE ? (uint32_t)limit.rlim_cur - SPARE : SPARE / 2;
}

struct host *
host_live(const char *root)
{
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	struct live *l = xmalloc(sizeof *l);
	*l = (struct live){ .host = { .ops = &live_ops, .elsewhere = strcmp(root, "/") != 0 },
		.root = fd,
		.most = raise_file_limit() };
	learn_facts(&l->host.facts);
	return &l->host;
}
