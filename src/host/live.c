/* live: this machine, or a file tree that is one. Files stay open and are read again with
 * pread(2). */
#include <errno.h>
#include <fcntl.h>
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
#include "host/host.h"
#include "host/open_files.h"
#include "host/read_file.h"

enum { PROVIDED_MOST = 4 };

struct live {
	struct host host;
	struct kept_files kept;
	struct buf text;
	struct {
		const char *path; /* NULL: a free place */
		struct provided p;
	} provided[PROVIDED_MOST];
};

/* What reading a file that is kept came to. It is this one file: when it is gone, that is told, even
 * if another has come under its name (a pid used again, a cgroup made anew). The next read finds that
 * one. */
static int
done(struct live *l, struct kept *k, const char *path, int got, struct text *text)
{
	int error = errno;

	if (got == 0) {
		*text = (struct text){ l->text.s, l->text.n };
		return 0;
	}
	kept_forget(&l->kept, k);
	if (error ==
	    ENODEV) /* a cgroup's file is gone with its directory, which may have been made anew */
		kept_forget_directory_of(&l->kept, path);
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

static int
live_read(struct host *h, const char *path, struct text *text)
{
	struct live *l = (struct live *)h;

	for (int i = 0; i < PROVIDED_MOST && l->provided[i].path; i++)
		if (strcmp(l->provided[i].path, path) == 0)
			return read_provided(l, &l->provided[i].p, text);
	struct kept *k = kept_get(&l->kept, path);
	return k ? done(l, k, path, slurp_file(k->fd, &l->text, &k->whole), text) : -1;
}

/* The paths are constants. One that is taken away leaves no gap. */
static int
live_provide(struct host *h, const char *path, const struct provided *p)
{
	struct live *l = (struct live *)h;
	int i = 0, n = 0;

	while (n < PROVIDED_MOST && l->provided[n].path)
		n++;
	while (i < n && strcmp(l->provided[i].path, path) != 0)
		i++;
	if (i == PROVIDED_MOST) {
		errno = ENOSPC;
		return -1;
	}
	if (p) {
		l->provided[i].path = path;
		l->provided[i].p = *p;
	} else if (i < n) {
		l->provided[i] = l->provided[n - 1];
		l->provided[n - 1].path = NULL;
	}
	return 0;
}

/* In /proc and cgroup trees a directory with two links (from above, and its own ".") has no
 * directory in it, and most cgroups have none. Other file systems may count otherwise. A directory
 * that has gone may come out empty here. */
static bool
counts_links(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 &&
	    (fs.f_type == 0x9fa0 || fs.f_type == 0x27e0eb || fs.f_type == 0x63677270);
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
	struct live *l = (struct live *)h;
	struct kept *k = kept_get(&l->kept, path);

	return k ? done(l, k, path, slurp_list(k, &l->text), names) : -1;
}

/* A link is not kept open: it is asked for seldom, and may lead elsewhere the next time. */
static int
live_link(struct host *h, const char *path, struct text *target)
{
	struct live *l = (struct live *)h;

	if (slurp_link(l->kept.root, path, &l->text) < 0)
		return -1;
	*target = (struct text){ l->text.s, l->text.n };
	return 0;
}

/* Since Linux 6.2 the size of /proc/PID/fd is the number of open files; listing many thousands
 * takes long. */
static int
count_kept(struct kept *k, struct buf *b)
{
	struct statfs fs;
	struct stat st;

	b->n = 0;
	if (fstatfs(k->fd, &fs) == 0 && fs.f_type == 0x9fa0 && fstat(k->fd, &st) == 0 &&
	    st.st_size > 0) {
		buf_u64(b, (uint64_t)st.st_size, 1);
		return 0;
	}
	uint64_t n = 0;
	if (slurp_count(k->fd, &n) < 0)
		return -1;
	buf_u64(b, n, 1);
	return 0;
}

static int
live_count(struct host *h, const char *path, uint64_t *n)
{
	struct live *l = (struct live *)h;
	struct kept *k = kept_get(&l->kept, path);
	struct text text;

	if (!k || done(l, k, path, count_kept(k, &l->text), &text) < 0)
		return -1;
	return text_u64(text, n);
}

static int
live_next(struct host *h, int64_t deadline_ns, enum moment_kind kind, struct moment *m)
{
	struct live *l = (struct live *)h;
	struct timespec t = { (time_t)(deadline_ns / 1000000000),
		(long)(deadline_ns % 1000000000) };

	if (deadline_ns > 0 &&
	    (errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL)) != 0)
		return -1;
	*m = (struct moment){ .mono_ns = clock_ns(CLOCK_MONOTONIC),
		.real_ns = clock_ns(CLOCK_REALTIME),
		.boot_ns = clock_ns(CLOCK_BOOTTIME),
		.kind = kind };
	if (kind == MOMENT_ROW)
		kept_row(&l->kept);
	return 1;
}

static void
live_close(struct host *h)
{
	struct live *l = (struct live *)h;

	kept_end(&l->kept);
	buf_free(&l->text);
	free(l);
}

static const struct host_ops live_ops = { live_next, live_read, live_list, live_link, NULL,
	live_provide, live_count, live_close };

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

/* Some thousand cgroups or threads are some thousand open files; raising the soft limit needs no
 * privilege. How many to keep. */
static uint32_t
raise_file_limit(void)
{
	enum { MOST = 16384, SPARE = 64 };
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return SPARE;
	if (limit.rlim_cur < limit.rlim_max) {
		rlim_t soft = limit.rlim_cur;
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
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
	*l = (struct live){ .host = { .ops = &live_ops, .elsewhere = strcmp(root, "/") != 0 } };
	learn_facts(&l->host.facts);
	kept_begin(&l->kept, fd, raise_file_limit());
	return &l->host;
}
