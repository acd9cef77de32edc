/* capture: a directory of captured samples as a host: t0, t1, … as scripts/capture writes them,
 * each a file tree with proc/ and sys/. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/fail.h"
#include "host/host.h"
#include "host/open.h"
#include "host/read_file.h"

struct capture {
	struct host host;
	int dir, now; /* the directory, and the tree of the present sample; -1: none yet */
	struct arena arena;
	char **names; /* of the samples, in order */
	size_t count, room, at;
	struct buf text;
};

/* A captured file is a plain one, which comes whole. */
static int
slurp_text(int fd, struct buf *b)
{
	bool whole = false;

	return slurp_file(fd, b, &whole);
}

/* Reads into b, and sets *out to the text in it. Returns 0, or -1 with errno. */
static int
slurp_at(
    int dir, const char *path, int (*slurp)(int, struct buf *), struct buf *b, struct text *out)
{
	int fd = open_below(dir, path);

	if (fd < 0)
		return -1;
	int result = slurp(fd, b), error = errno;
	close(fd);
	*out = (struct text){ b->s, b->n };
	errno = error;
	return result;
}

static int
read_text(int dir, const char *path, struct buf *b, struct text *out)
{
	return slurp_at(dir, path, slurp_text, b, out);
}

/* ---- The time of a sample */

/* The file `clock`: "MONOTONIC_NS REALTIME_NS", and "tick" if the sample is one. */
static int
read_clock(int dir, struct buf *b, struct sample *out)
{
	struct text rest, line, word;
	uint64_t mono, real;

	if (read_text(dir, "clock", b, &rest) < 0)
		return -1;
	if (!text_line(&rest, &line) || text_next_u64(&line, &mono) < 0 ||
	    text_next_u64(&line, &real) < 0 || mono > INT64_MAX / 8 || real > INT64_MAX / 2)
		return fail_with(EINVAL);
	out->mono_ns = (int64_t)mono;
	out->real_ns = (int64_t)real;
	if (text_word(&line, &word) && text_eq(word, "tick"))
		out->kind = SAMPLE_TICK;
	return 0;
}

/* proc/uptime: "15.18 51.38", seconds since boot and seconds idle. */
static int
read_uptime(int dir, struct buf *b, int64_t *mono_ns)
{
	struct text rest, line, word;
	double seconds;

	if (read_text(dir, "proc/uptime", b, &rest) < 0)
		return -1;
	if (!text_line(&rest, &line) || !text_word(&line, &word) ||
	    text_decimal(word, &seconds) < 0 || seconds > 1e9)
		return fail_with(EINVAL);
	*mono_ns = (int64_t)(seconds * 100 + 0.5) * 10000000; /* the file has hundredths */
	return 0;
}

/* The line "btime 1790000000" of proc/stat: the boot time in seconds since 1970. */
static int
read_boot_time(int dir, struct buf *b, int64_t *boot_ns)
{
	struct text rest, line;
	uint64_t seconds;

	if (read_text(dir, "proc/stat", b, &rest) < 0)
		return -1;
	while (text_line(&rest, &line)) {
		if (!text_skip(&line, "btime ") || text_u64(line, &seconds) < 0 ||
		    seconds > UINT32_MAX)
			continue;
		*boot_ns = (int64_t)seconds * 1000000000;
		return 0;
	}
	return fail_with(EINVAL);
}

static int
derive_clock(int dir, struct buf *b, struct sample *out)
{
	int64_t boot_ns;

	if (read_uptime(dir, b, &out->mono_ns) < 0 || read_boot_time(dir, b, &boot_ns) < 0)
		return -1;
	out->real_ns = boot_ns + out->mono_ns;
	return 0;
}

/* Sets the sample's time and kind from the file `clock`, or without one from the machine's uptime
 * and boot time. Returns 0, or -1 with errno. */
static int
sample_clock(int dir, struct buf *b, struct sample *out)
{
	return read_clock(dir, b, out) == 0 || derive_clock(dir, b, out) == 0 ? 0 : -1;
}

/* ---- The host */

/* The errno of a file that is not there. If reading X failed, the capture has a file X.errno: "95
 * Operation not supported". */
static int
captured_error(struct capture *c, const char *path)
{
	char note[4096];
	struct text rest, line, word;
	uint64_t error;

	if ((size_t)snprintf(note, sizeof note, "%s.errno", path) >= sizeof note)
		return ENAMETOOLONG;
	if (read_text(c->now, note, &c->text, &rest) < 0)
		return ENOENT;
	if (!text_line(&rest, &line) || !text_word(&line, &word) || text_u64(word, &error) < 0 ||
	    error - 1 >= 4095)
		return EIO;
	return (int)error;
}

static int
capture_read(struct host *h, const char *path, struct text *text)
{
	struct capture *c = (struct capture *)h;

	int result = read_text(c->now, path, &c->text, text);

	if (result < 0 && errno == ENOENT)
		errno = captured_error(c, path);
	return result;
}

static int
capture_list(struct host *h, const char *path, struct text *names)
{
	struct capture *c = (struct capture *)h;

	return slurp_at(c->now, path,
	    lists_links(path) ? slurp_sorted_links : slurp_sorted_directories, &c->text, names);
}

/* Reads the captured link X. If it could not be captured as a link, the file X.link has its
 * target. */
static int
capture_link(struct host *h, const char *path, struct text *target)
{
	struct capture *c = (struct capture *)h;
	char file[4096];

	if (link_below(c->now, path, &c->text) == 0) {
		*target = (struct text){ c->text.s, c->text.n };
		return 0;
	}
	if ((size_t)snprintf(file, sizeof file, "%s.link", path) >= sizeof file)
		return fail_with(ENAMETOOLONG);
	if (capture_read(h, file, target) < 0)
		return -1;
	if (target->n > 0 && target->s[target->n - 1] == '\n')
		target->n--;
	return 0;
}

/* Opens a file of the present sample. -1 with errno: that of the capture, if it has no such file. */
static int
open_captured(struct capture *c, const char *path)
{
	int fd = open_below(c->now, path);

	if (fd < 0 && errno == ENOENT)
		errno = captured_error(c, path);
	return fd;
}

static int
capture_count(struct host *h, const char *path, uint64_t *n)
{
	struct capture *c = (struct capture *)h;
	int fd = open_captured(c, path);

	if (fd < 0)
		return -1;
	int result = slurp_count(fd, n), error = errno;
	close(fd);
	errno = error;
	return result;
}

static int
capture_part(struct host *h, const char *path, uint64_t at, size_t n, struct text *text)
{
	struct capture *c = (struct capture *)h;
	int fd = open_captured(c, path);

	if (fd < 0)
		return -1;
	int result = slurp_part(fd, at, n, &c->text), error = errno;
	close(fd);
	*text = (struct text){ c->text.s, c->text.n };
	errno = error;
	return result;
}

/* An unpacked recording says for each sample which tools read it. */
static void
learn_tools(struct capture *c)
{
	struct text t = { NULL, 0 };

	if (read_text(c->now, "pq/tools", &c->text, &t) < 0)
		t = (struct text){ NULL, 0 };
	host_set_left_out(&c->host, t);
}

static int
capture_next(struct host *h, int64_t deadline_ns, enum sample_kind kind, struct sample *out)
{
	struct capture *c = (struct capture *)h;

	(void)deadline_ns;
	(void)kind; /* a captured sample has all files */
	if (c->now >= 0)
		close(c->now);
	c->now = -1;
	if (c->at == c->count)
		return 0;
	c->now = open_below(c->dir, c->names[c->at++]);
	if (c->now < 0)
		return -1;
	*out = (struct sample){ .kind = SAMPLE_ROW };
	if (sample_clock(c->now, &c->text, out) < 0)
		return -1;
	out->boot_ns = out->mono_ns;
	learn_tools(c);
	return 1;
}

static void
capture_close(struct host *h)
{
	struct capture *c = (struct capture *)h;

	arena_free(&c->arena);
	if (c->now >= 0)
		close(c->now);
	close(c->dir);
	buf_free(&c->text);
	free(c);
}

static const struct host_ops capture_ops = {
	.next = capture_next,
	.read = capture_read,
	.list = capture_list,
	.link = capture_link,
	.count = capture_count,
	.part = capture_part,
	.close = capture_close,
};

static int
by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strverscmp(*x, *y); /* t9 before t10 */
}

/* A directory is a sample if it contains proc/. */
static bool
is_sample(int dir, const char *name)
{
	char path[512];
	struct stat st;

	return (size_t)snprintf(path, sizeof path, "%s/proc/.", name) < sizeof path &&
	    fstatat(dir, path, &st, 0) == 0;
}

static void
add_sample(struct capture *c, struct text name)
{
	char *s = arena_copy(&c->arena, name);

	if (!is_sample(c->dir, s))
		return;
	c->names = arena_grow(&c->arena, c->names, c->count, &c->room, sizeof *c->names);
	c->names[c->count++] = s;
}

static int
find_samples(struct capture *c)
{
	struct text rest, line;

	if (slurp_directories(c->dir, &c->text) < 0)
		return -1;
	rest = (struct text){ c->text.s, c->text.n };
	while (text_line(&rest, &line))
		add_sample(c, line);
	if (c->count == 0)
		return fail_with(ENOENT);
	qsort(c->names, c->count, sizeof *c->names, by_name);
	return 0;
}

/* Reads the file `facts` beside the samples. Missing facts are those of most machines. */
static void
read_facts(struct capture *c)
{
	struct text about, value;

	facts_begin(&c->host.facts);
	if (read_text(c->dir, "facts", &c->text, &about) < 0)
		return;
	facts_parse(about, &c->host.facts);
	c->host.elsewhere = facts_find(about, "elsewhere", &value) && text_eq(value, "1");
}

const char *
host_capture_name(const struct host *h)
{
	const struct capture *c = (const struct capture *)h;

	return c->names[c->at - 1];
}

struct host *
host_capture(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	struct capture *c = xmalloc(sizeof *c);
	*c = (struct capture){
		.host = { .ops = &capture_ops, .replay = true }, .dir = fd, .now = -1
	};
	if (find_samples(c) < 0) {
		int error = errno;
		capture_close(&c->host);
		errno = error;
		return NULL;
	}
	read_facts(c);
	return &c->host;
}
